"""Maps <-> joints: exact within a hundredth of a pixel, half a pixel in absolute numbers."""

import numpy as np
import pytest
import torch

from fusion_model.heatmaps import (
    MAP_STRIDE,
    decode,
    decode_smoothed,
    encode,
    rival_heights,
    to_crop_coordinates,
    to_map_coordinates,
)


@pytest.mark.parametrize(
    ("map_pixel", "crop_pixel"), [(0.0, 1.5), (1.0, 5.5), (-0.5, -0.5), (15.5, 63.5), (63.0, 253.5)]
)
def test_half_pixel_convention_in_absolute_numbers(map_pixel, crop_pixel):
    """A map pixel covers four crop pixels: the middle of 0, 1, 2, 3 is 1.5; borders lie on borders."""
    point = torch.tensor([map_pixel, map_pixel])
    assert to_crop_coordinates(point).tolist() == [crop_pixel, crop_pixel]
    assert to_map_coordinates(torch.tensor([crop_pixel, crop_pixel])).tolist() == [map_pixel, map_pixel]


def test_agrees_with_averaging_blocks_of_pixels():
    """The absolute test: a dot in the crop, shrunk by averaging, lies where the formula says."""
    crop = torch.zeros(1, 1, 64, 64)
    crop[0, 0, 20:22, 40:44] = 1.0  # center (41.5, 20.5)
    small = torch.nn.functional.avg_pool2d(crop, MAP_STRIDE)[0, 0]
    x = (small.sum(0) * torch.arange(16)).sum() / small.sum()
    assert x == to_map_coordinates(torch.tensor([41.5, 0.0]))[0]


def test_encode_draws_a_peak_of_one_at_x_y():
    maps = encode(torch.tensor([[[3.0, 5.0]]]), (8, 12), 1.25)
    assert maps.shape == (1, 1, 8, 12)
    assert maps[0, 0, 5, 3] == 1.0
    assert maps[0, 0, 5, 4].item() == pytest.approx(np.exp(-1 / (2 * 1.25**2)), abs=1e-6)
    assert maps[0, 0, 6, 3] == maps[0, 0, 5, 4]


@pytest.mark.parametrize("sigma", [1.0, 1.25, 2.0])
def test_round_trip_away_from_the_border(sigma):
    generator = torch.Generator().manual_seed(0)
    points = 3 + 26 * torch.rand(200, 2, generator=generator)
    found, peaks = decode(encode(points, (32, 32), sigma))
    assert (found - points).abs().max() < 0.01
    assert peaks.min() > np.exp(-0.5 / (2 * sigma**2)) - 1e-6
    assert peaks.max() <= 1.0


def test_shapes_are_kept_for_any_number_of_leading_axes():
    points = torch.full((2, 3, 5, 2), 4.0)
    found, peaks = decode(encode(points, (9, 11), 1.0))
    assert found.shape == (2, 3, 5, 2)
    assert peaks.shape == (2, 3, 5)
    assert torch.equal(found, points)


@pytest.mark.parametrize("point", [(0.0, 0.0), (11.0, 7.0), (0.0, 7.0), (11.0, 0.0)])
def test_a_peak_on_the_border_is_found(point):
    found, _ = decode(encode(torch.tensor([point]), (8, 12), 1.0))
    assert found[0].tolist() == list(point)


@pytest.mark.parametrize(("point", "expected"), [((-2.0, 4.0), (0, 4)), ((14.0, 4.0), (11, 4)), ((5.0, -3.0), (5, 0))])
def test_a_joint_beyond_the_border_is_clamped_to_it(point, expected):
    found, peaks = decode(encode(torch.tensor([point]), (8, 12), 1.5))
    assert found[0].tolist() == pytest.approx(expected, abs=1e-4)
    assert peaks[0] < 0.6


def test_values_at_or_below_zero_do_no_harm():
    found, peaks = decode(torch.full((1, 4, 5), -1.0))
    assert torch.isfinite(found).all()
    assert peaks[0] == -1
    one = torch.zeros(1, 5, 5)
    one[0, 2, 3] = 1.0
    assert decode(one)[0][0].tolist() == [3.0, 2.0]


def test_half_precision_is_decoded_in_single():
    maps = encode(torch.tensor([[10.3, 12.7]]), (24, 24), 1.25).to(torch.bfloat16)
    found, peaks = decode(maps)
    assert found.dtype == peaks.dtype == torch.float32
    assert (found - torch.tensor([[10.3, 12.7]])).abs().max() < 0.05


@pytest.mark.parametrize("size", [(2, 8), (8, 2)])
def test_too_small_maps_are_refused(size):
    with pytest.raises(ValueError, match=r"at least 3 x 3 to decode, got \(1, " + f"{size[0]}, {size[1]}"):
        decode(torch.zeros(1, *size))


@pytest.mark.parametrize("point", [(10.3, 7.0), (4.75, 12.5), (11.0, 6.8)])
def test_a_clean_peak_keeps_place_and_height_when_it_is_smoothed(point):
    points, heights = decode_smoothed(0.8 * encode(torch.tensor([[point]]), (24, 20), 1.25))
    torch.testing.assert_close(points[0, 0], torch.tensor(point), atol=0.03, rtol=0)
    assert float(heights) == pytest.approx(0.8, abs=0.05)


def test_a_broad_peak_wins_over_a_narrow_higher_one():
    broad, narrow = (14.0, 12.0), (5.0, 5.0)
    maps = torch.maximum(
        0.7 * encode(torch.tensor([broad]), (24, 24), 2.0), encode(torch.tensor([narrow]), (24, 24), 0.7)
    )
    torch.testing.assert_close(decode(maps)[0][0], torch.tensor(narrow), atol=0.1, rtol=0)
    torch.testing.assert_close(decode_smoothed(maps[None])[0][0, 0], torch.tensor(broad), atol=0.1, rtol=0)


def test_a_lone_pixel_is_less_of_a_peak_than_a_hill():
    dot = torch.zeros(1, 1, 24, 24)
    dot[..., 9, 9] = 1
    hill = encode(torch.tensor([[(9.0, 9.0)]]), (24, 24), 1.25)
    assert float(decode_smoothed(dot)[1]) < 0.5 < float(decode_smoothed(hill)[1])


def test_maps_without_a_peak_have_no_height():
    for level in (-1.0, 0.0):
        assert float(decode_smoothed(torch.full((1, 1, 8, 8), level))[1]) == 0


def test_a_rival_is_the_highest_value_away_from_the_joint():
    first, second = torch.tensor([[30.0, 12.0]]), torch.tensor([[9.0, 20.0]])
    alone = encode(first, (24, 40), 1.25)
    both = torch.maximum(alone, 0.6 * encode(second, (24, 40), 1.25))
    maps = torch.stack((alone, both), 1)
    assert rival_heights(maps, torch.stack((first, first), 1)).tolist() == [
        [pytest.approx(0, abs=1e-4), pytest.approx(0.6)]
    ]
    assert rival_heights(maps, torch.stack((second, second), 1)).tolist() == [[pytest.approx(1), pytest.approx(1)]]


@pytest.mark.parametrize(
    ("apart", "expected"), [((5.9, 0.0), 0.0), ((0.0, 6.0), 0.7), ((-4.0, 4.0), 0.0), ((5.0, -4.0), 0.7)]
)
def test_a_rival_is_at_least_six_map_pixels_away(apart, expected):
    maps = torch.zeros(1, 1, 24, 24)
    maps[..., 12, 12] = 0.7
    joint = torch.tensor([12.0, 12.0]) + torch.tensor(apart)
    assert float(rival_heights(maps, joint[None, None])) == pytest.approx(expected)


def test_maps_below_zero_or_too_small_for_a_rival_have_none():
    for maps in (torch.full((1, 1, 24, 24), -1.0), torch.ones(1, 1, 4, 4)):
        assert float(rival_heights(maps, torch.full((1, 1, 2), 2.0))) == 0
