"""Maps drawn with measured errors: measuring what was drawn must give the same errors back."""

import dataclasses

import pytest
import torch

from fusion_model.heatmaps import decode, encode, to_map_coordinates
from fusion_model.skeletons import MPII_16
from train.fusion_stage.map_errors import MapErrors, _statistics, _widths, draw_maps

SIZE, SIDE = 128, 32


def errors(**changed):
    plain = MapErrors(
        offset=torch.full((16,), 0.04),
        height=torch.linspace(0.3, 0.9, 9).expand(16, 9).contiguous(),
        sigma=torch.full((16,), 1.4),
        missed=torch.zeros(16),
        swapped=torch.zeros(16),
        lost=torch.zeros(16),
        count=torch.full((16,), 100),
    )
    return dataclasses.replace(plain, **changed)


def people(count=400):
    generator = torch.Generator().manual_seed(0)
    joints = 30 + 68 * torch.rand(count, 16, 2, generator=generator)
    joints[:, MPII_16.index("left_shoulder")] = torch.tensor([50.0, 40.0])
    joints[:, MPII_16.index("right_hip")] = torch.tensor([80.0, 80.0])
    return joints


def measured(joints, maps):
    truth = to_map_coordinates(joints)
    points, peaks = decode(maps)
    return _statistics(points, peaks, _widths(maps, points, peaks), truth, torch.ones(joints.shape[:2], dtype=bool))


def test_measuring_drawn_maps_gives_the_errors_back():
    joints = people(2000)
    wanted = errors(missed=torch.full((16,), 0.1))
    again = measured(joints, draw_maps(joints, wanted, SIZE, torch.Generator().manual_seed(1)))
    torch.testing.assert_close(again.offset, wanted.offset, atol=0.006, rtol=0)
    torch.testing.assert_close(again.missed, wanted.missed, atol=0.03, rtol=0)
    torch.testing.assert_close(again.height[:, 4], wanted.height[:, 4], atol=0.05, rtol=0)
    torch.testing.assert_close(again.sigma, wanted.sigma, atol=0.1, rtol=0)
    assert again.swapped.max() < 0.01


def test_swapped_and_lost_joints_are_drawn_and_recognised():
    joints = people(2000)
    wrist = MPII_16.index("left_wrist")
    swapped, lost = torch.zeros(16), torch.zeros(16)
    swapped[wrist], lost[MPII_16.index("right_knee")] = 0.3, 0.4
    drawn = draw_maps(joints, errors(swapped=swapped, lost=lost), SIZE, torch.Generator().manual_seed(2))
    again = measured(joints, drawn)
    assert again.swapped[wrist] == pytest.approx(0.27, abs=0.02), "of 30 % a tenth lies near the true place by chance"
    assert again.swapped[MPII_16.index("right_wrist")] < 0.02
    assert again.lost[MPII_16.index("right_knee")] > 0.25, "some land near the joint, or are too low to see"


def test_joints_beyond_the_crop_have_empty_maps_and_perfect_errors_are_gaussians():
    joints = people(3)
    joints[0, 4] = torch.tensor([140.0, 50.0])
    perfect = errors(offset=torch.zeros(16), height=torch.ones(16, 9))
    maps = draw_maps(joints, perfect, SIZE, torch.Generator().manual_seed(3))
    assert maps[0, 4].max() == 0
    torch.testing.assert_close(maps[1], encode(to_map_coordinates(joints[1]), (SIDE, SIDE), 1.4))


def test_the_same_generator_draws_the_same_maps():
    joints = people(5)
    one, other = (draw_maps(joints, errors(), SIZE, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one, other)


def test_a_joint_that_no_person_has_is_an_error():
    joints = people(4)
    labelled = torch.ones(4, 16, dtype=bool)
    labelled[:, MPII_16.index("head_top")] = False
    truth = to_map_coordinates(joints)
    with pytest.raises(ValueError, match="head_top labelled in no person"):
        _statistics(truth, torch.ones(4, 16), torch.ones(4, 16), truth, labelled)
