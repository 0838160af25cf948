"""The hourglass's loss, the figure that its training watches, and the sheet that shows it."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.heatmaps import encode, to_map_coordinates
from fusion_model.skeletons import MPII_16
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import make_people
from train.data.augment import plain_crops, transform
from train.hourglass_stage import make_loop, map_sheet, maps_pck
from train.losses import heatmap_loss
from train.settings import HourglassTrainConfig


def test_the_loss_of_maps_by_hand():
    """A pixel at a peak counts tenfold, a weight of 2 twofold; a mean over pixels, then over stacks."""
    target, near, nothing = (torch.tensor(row).reshape(1, 1, 1, 2) for row in ([0.0, 1.0], [0.5, 1.0], [0.0, 0.0]))
    first, second = 1000 * (2 * 0.5**2 + 0) / 2, 1000 * (0 + 2 * 10) / 2
    assert heatmap_loss([near, nothing], target, torch.full((1, 1), 2.0)).item() == pytest.approx((first + second) / 2)


def knowing(people):
    """A network that knows the joints of these people, whom it is shown in their order."""
    points, shown = transform(people.joints, plain_crops(people, 64, 1.25)[1]), [0]

    def network(images):
        shown.append(shown[-1] + len(images))
        maps = encode(to_map_coordinates(points[shown[-2] : shown[-1]]), (16, 16), 1.25)
        return [torch.zeros_like(maps), maps]

    return network


def test_pck_by_hand():
    """Of three people who count apart one is found but for two of twelve limb joints, one whole, one cannot count."""
    people = make_people(70)
    labels = dataclasses.replace(people, names=("one", "nobody", "other"), joints=people.joints.clone())
    wrists, ankle, knee, hip, head = ([MPII_16.index(f"{side}_wrist") for side in ("left", "right")], 0, 1, 2, 9)
    labels.source[67:] = 2
    labels.joints[67, wrists] = 999
    labels.joints[68, [ankle, knee, head]] = 999
    labels.weight[68, [ankle, knee]] = torch.tensor([0.8, 0])  # a guess and nothing; the head is no limb
    labels.weight[69, hip] = 0.8  # by which PCK is measured
    other = 100 * (10 / 12 + 1) / 2
    found = maps_pck(knowing(people), labels, 64, 1.25)
    assert found == pytest.approx({"one": 100, "other": other, "mean": (100 + other) / 2})


def test_the_sheet_shows_what_it_showed():
    people = make_people(70, dot=10)
    shown = people.take(torch.linspace(0, 69, 6).long())
    sheet = map_sheet(knowing(shown), people, 64, 1.25)
    assert sheet.shape == (2 * 192, 6 * 192, 3)
    assert_as_before("sheet of maps", sheet[::8, ::8].astype(np.int64), 0.1, "stages.json")


@pytest.mark.parametrize("augment", ["wide", "narrow"])
def test_a_first_step_learns_what_it_learnt(data_folder, tmp_path, augment):
    settings = HourglassTrainConfig(preset="tiny", batch=32, input_size=128, log="csv", augment=augment)
    loop = make_loop(settings, data_folder, tmp_path / "run")
    maps = torch.linspace(0, 1, 16 * 32 * 32).reshape(16, 32, 32)
    loss, _ = loop.loss(lambda images: [maps * images.mean((1, 2, 3))[:, None, None, None]], 0, torch.Generator())
    assert_as_before(f"first step, {augment}", loss, 1e-3, "stages.json")
    assert loop.fingerprint["input_size"] == 128
