"""Random crops: what is seen, where its joints are said to be, and what the maps say lie in one place."""

import numpy as np
import pytest
import torch

from fusion_model.crops import crop_of_box
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import make_people
from train.data import augment
from train.data.augment import AUGMENT, AUGMENT_POSES, AugmentConfig, AugmentedCrops, transform

SIZE = 128


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_plain_crops_show_what_inference_shows():
    people = make_people(count=2, dot=3)
    images, matrices = augment.plain_crops(people, 64, 1.25)
    for row in range(2):
        crop = crop_of_box(people.box[row], 64, 1.25)
        assert np.allclose(matrices[row], crop.matrix, atol=1e-3)
        cut = crop.cut(people.photos[row].permute(1, 2, 0).numpy())
        assert np.abs((images[row, 0, 4:-4, 4:-4] * 255).numpy() - cut[4:-4, 4:-4, 0]).max() < 12


@pytest.mark.parametrize("mirror", [False, True])
def test_turned_poses_agree_with_the_joints(mirror):
    """The 3D, projected, moves as the 2D does: same turn, same mirror, sides swapped in both."""
    generator = seeded()
    pose, weight = 300 * torch.randn(12, 17, 3, generator=generator), torch.rand(12, 17, generator=generator)
    angle, flip = 360 * torch.rand(12, generator=generator), torch.full((12,), mirror)
    matrices = augment.crop_matrices(torch.zeros(12, 2), torch.full((12,), 100.0), angle, flip, 100)
    turned, trust = augment.turned_poses(pose, weight, angle, flip)
    expected = transform(pose[..., :2], matrices) - transform(torch.zeros(12, 1, 2), matrices)
    order = list(HUMAN36M_17.mirror) if mirror else list(range(17))
    assert torch.allclose(turned, torch.cat((expected, pose[..., 2:]), -1)[:, order], atol=0.01)
    assert torch.equal(trust, weight[:, order])


def test_a_map_has_the_peaks_of_everyone_who_is_drawn():
    joints, drawn = torch.full((1, 2, 16, 2), 41.5), torch.ones(1, 2, 16, dtype=torch.bool)
    joints[0, 1, 1:], drawn[0, 1, 2] = 81.5, False
    crops = AugmentedCrops(torch.zeros(1, 3, SIZE, SIZE), joints, drawn, torch.ones(1, 16), *torch.zeros(2, 1))
    maps, weight = augment.target_maps(crops, 1.25)
    assert maps.shape == (1, 16, SIZE // 4, SIZE // 4)
    assert weight is crops.weight
    for joint, peaks in ((0, [1, 0]), (1, [1, 1]), (2, [1, 0])):
        assert maps[0, joint, [10, 20], [10, 20]].tolist() == pytest.approx(peaks, abs=1e-3)


@pytest.mark.parametrize("name", ["wide", "narrow", "alone"])
def test_what_the_random_numbers_make_of_crops(name):
    """Of people some of whose joints are unknown, low in the corner of a narrow photo, or all over the photo."""
    people = make_people(count=400, side=64)
    people.photos = torch.randint(0, 200, people.photos.shape, generator=seeded(), dtype=torch.uint8)
    people.extent[:] = torch.tensor([9.5, -0.5, 49.5, 63.5])
    people.joints[::3], people.box[::3] = people.joints[::3] * 0.4, people.box[::3] * 0.4
    people.box[::7] = torch.tensor([-0.5, -0.5, 63.5, 63.5])
    people.weight[::2, MPII_16.index("left_knee")], people.weight[:, MPII_16.index("neck")] = 0, 0.5
    people.weight[::5, 1:], asked = 0, []

    def behind(where):
        asked.append(where.numpy())
        others = people.take(where)
        others.photos, others.weight[:, MPII_16.index("right_wrist")] = 255 - others.photos, 0
        return others

    config = AugmentConfig(negative=0.5) if name == "alone" else AUGMENT[name]
    crops = augment.random_crops(people, 48, 1.25, config, seeded(1), None if name == "alone" else behind)
    assert_as_before(f"crops, {name}", [crops, asked], near=1e-2, file="data.json")


def test_what_the_trainings_take():
    assert_as_before("how far crops vary", [AUGMENT, AUGMENT_POSES], file="data.json")


def test_no_global_generator_is_used():
    before = torch.random.get_rng_state()
    augment.random_crops(make_people(count=10), SIZE, 1.25, AugmentConfig(), seeded(7))
    assert torch.equal(torch.random.get_rng_state(), before)
