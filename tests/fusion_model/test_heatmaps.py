"""Maps <-> joints: exact within a hundredth of a pixel, half a pixel in absolute numbers."""

import numpy as np
import pytest
import torch

from fusion_model.heatmaps import MAP_STRIDE, decode, decode_pairs, encode, to_crop_coordinates, to_map_coordinates


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


def two_peaks(first, second, heights):
    """(24, 24): the higher of two Gaussians."""
    maps = encode(torch.tensor([first, second]), (24, 24), 1.25)
    return (maps * torch.tensor(heights)[:, None, None]).amax(0)


FRONT, BACK = (14.3, 12.0), (7.0, 15.4)
PAIR = (1, 0)


def test_a_pair_on_one_spot_takes_two_peaks_that_are_nearly_as_high():
    maps = torch.stack([two_peaks(FRONT, BACK, (0.8, 0.77)), two_peaks(FRONT, BACK, (0.8, 0.76))])
    points, peaks = decode_pairs(maps, PAIR)
    torch.testing.assert_close(points, torch.tensor([BACK, FRONT]), atol=0.05, rtol=0)
    assert peaks[0] < peaks[1]
    swapped, _ = decode_pairs(maps.flip(0), PAIR)
    torch.testing.assert_close(swapped, torch.tensor([FRONT, BACK]), atol=0.05, rtol=0)


SAME_SPOT = [two_peaks(FRONT, BACK, (0.8, 0.79))] * 2


@pytest.mark.parametrize(("maps", "mirror"), [
    (torch.stack([two_peaks(FRONT, BACK, (0.8, 0.7)), two_peaks(FRONT, BACK, (0.8, 0.6))]), PAIR),  # one limb hidden
    (torch.stack([two_peaks(FRONT, BACK, (0.8, 0.79)), two_peaks(BACK, FRONT, (0.8, 0.75))]), PAIR),  # apart already
    (torch.stack([two_peaks(FRONT, (15.8, 12.9), (0.8, 0.79))] * 2), PAIR),  # one broad peak
    (torch.zeros(2, 24, 24), PAIR),
    (torch.stack(SAME_SPOT), (0, 1)),  # joints without another side
])  # fmt: skip
def test_a_pair_is_left_alone_otherwise(maps, mirror):
    for pair, alone in zip(decode_pairs(maps, mirror), decode(maps), strict=True):
        assert torch.equal(pair, alone)


def test_a_pair_apart_is_left_alone_beside_one_on_one_spot():
    maps = torch.stack([*SAME_SPOT, SAME_SPOT[0], two_peaks(BACK, FRONT, (0.8, 0.76))])
    points, peaks = decode_pairs(maps, (1, 0, 3, 2))
    assert not torch.equal(points[:2], decode(maps)[0][:2])
    assert torch.equal(points[2:], decode(maps)[0][2:])
    assert torch.equal(peaks[2:], decode(maps)[1][2:])
