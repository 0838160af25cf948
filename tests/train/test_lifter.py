"""The baseline of the ablation: it knows the decoded joints, and nothing else."""

import dataclasses

import pytest
import torch

from fusion_model.heatmaps import encode
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from tests.helpers.csv_files import read_rows
from tests.helpers.fake_data import write_pack
from train.analysis.ablation import Lifter
from train.engine.checkpoints import write_best

TINY = dataclasses.replace(PRESETS["tiny"].fusion, output_unit_mm=1000.0)
SIZE = TINY.input_size


@pytest.fixture
def lifter():
    torch.manual_seed(0)
    return Lifter(TINY).eval()


def maps_of(points):
    return encode(points, (SIZE, SIZE), 1.25)


def test_only_decoded_joints_count(lifter):
    generator = torch.Generator().manual_seed(1)
    points = 4 + 20 * torch.rand(2, TINY.map_joints, 2, generator=generator)
    image, maps = torch.rand(2, 3, SIZE, SIZE, generator=generator), maps_of(points)
    pose = lifter(image, maps)
    assert pose.shape == (2, 17, 3)
    assert torch.equal(lifter(1 - image, maps), pose)
    second = maps + 0.2 * maps_of(torch.full_like(points, 29))  # a lower peak elsewhere
    torch.testing.assert_close(lifter(image, second), pose, atol=0.5, rtol=0)
    assert not torch.allclose(lifter(image, maps_of(points + 1)), pose, atol=5)
    assert not torch.allclose(lifter(image, 0.5 * maps), pose, atol=5)


def test_it_is_two_residual_blocks_of_1024(lifter):
    layer = 1024 * 1024 + 3 * 1024  # weights, biases, scale and shift of the normalisation
    expected = 48 * 1024 + 3 * 1024 + 4 * layer + 1024 * 51 + 51
    assert sum(parameter.numel() for parameter in lifter.parameters()) == expected


def test_it_is_a_row_of_the_ablation_without_a_checkpoint(tmp_path, printed):
    write_pack(tmp_path / "data", "made", 8, held_out=2)
    write_best(tmp_path / "hourglass", StackedHourglass(PRESETS["tiny"].hourglass), {})
    options = ("--data", tmp_path / "data", "--hourglass", tmp_path / "hourglass", "--out", tmp_path / "out")
    small = ("--preset", "tiny", "--steps", 3, "--batch", 4, "--crops", 1, "--log", "csv", "--seeds", 0)
    printed("ablate", *options, *small, "--strategies", "late", "lifter", "--checkpoints")
    rows = {row["strategy"]: row for row in read_rows(tmp_path / "out" / "table5.csv")}
    assert list(rows) == ["lifter", "late"]
    assert float(rows["lifter"]["mpjpe"]) > 0
    assert rows["lifter"]["weights"] == rows["lifter"]["merging_layers"] == ""
    assert "two residual blocks" in (tmp_path / "out" / "tables.md").read_text()
    made = {path.parent.parent.name for path in (tmp_path / "out").rglob("checkpoint")}
    assert made == {"late"}
