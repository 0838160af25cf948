"""Maps <-> joints: exact within a hundredth of a pixel; what is read from maps, and where it enters the streams."""

import numpy as np
import pytest
import torch

from fusion_model import heatmaps
from fusion_model.config import LayerConfig
from fusion_model.heatmaps import decode, decode_smoothed, encode, rival_heights
from fusion_model.readings import READINGS, read_maps
from tests.helpers.earlier import assert_as_before
from tests.helpers.estimators import fusion_inputs, fusion_network


def drawn(*point, size=(24, 24), sigma=1.25):
    """(1, 1, H, W) one peak."""
    return encode(torch.tensor([[point]]), size, sigma)


def test_half_pixel_convention_in_absolute_numbers():
    """A map pixel covers four crop pixels: the middle of 0, 1, 2, 3 is 1.5; borders lie on borders."""
    pixels = torch.tensor([0.0, 1.0, -0.5, 15.5, 63.0]), torch.tensor([1.5, 5.5, -0.5, 63.5, 253.5])
    assert torch.equal(heatmaps.to_crop_coordinates(pixels[0]), pixels[1])
    assert torch.equal(heatmaps.to_map_coordinates(pixels[1]), pixels[0])
    crop = torch.zeros(1, 1, 64, 64)
    crop[0, 0, 20:22, 40:44] = 1.0  # center (41.5, 20.5)
    small = torch.nn.functional.avg_pool2d(crop, 4)[0, 0]
    x = (small.sum(0) * torch.arange(16)).sum() / small.sum()
    assert x == heatmaps.to_map_coordinates(torch.tensor([41.5, 0.0]))[0]


@pytest.mark.parametrize("sigma", [1.0, 1.25, 2.0])
def test_round_trip_away_from_the_border(sigma):
    points = 3 + 26 * torch.rand(2, 100, 2, generator=torch.Generator().manual_seed(0))
    maps = encode(points, (32, 32), sigma)
    found, peaks = decode(maps)
    assert (found - points).abs().max() < 0.01
    assert peaks.shape == (2, 100)
    assert np.exp(-0.5 / (2 * sigma**2)) - 1e-6 < peaks.min() <= peaks.max() <= 1
    coarse, heights = decode(maps.to(torch.bfloat16))
    assert coarse.dtype == heights.dtype == torch.float32
    assert (coarse - points).abs().max() < 0.05


def test_a_peak_on_the_border_or_beyond_is_found_on_it_and_values_at_or_below_zero_do_no_harm():
    for point, expected in (((0.0, 0.0), (0, 0)), ((11.0, 7.0), (11, 7)), ((-2.0, 4.0), (0, 4)), ((5.0, -3.0), (5, 0))):
        found, _ = decode(drawn(*point, size=(8, 12), sigma=1.5))
        assert found[0, 0].tolist() == pytest.approx(expected, abs=1e-4)
    found, peaks = decode(torch.full((1, 4, 5), -1.0))
    assert torch.isfinite(found).all()
    assert peaks[0] == -1
    for level in (-1.0, 0.0):
        assert float(decode_smoothed(torch.full((1, 1, 8, 8), level))[1]) == 0
    for size in ((2, 8), (8, 2)):
        with pytest.raises(ValueError, match=rf"at least 3 x 3 to decode, got \(1, {size[0]}, {size[1]}"):
            decode(torch.zeros(1, *size))


def test_smoothed_a_clean_peak_keeps_place_and_height_and_a_broad_one_wins_over_a_narrow_higher_one():
    points, heights = decode_smoothed(0.8 * drawn(4.75, 12.5, size=(24, 20)))
    assert points[0, 0].tolist() == pytest.approx([4.75, 12.5], abs=0.03)
    assert float(heights) == pytest.approx(0.8, abs=0.05)
    maps = torch.maximum(0.7 * drawn(14.0, 12.0, sigma=2.0), drawn(5.0, 5.0, sigma=0.7))
    assert decode(maps)[0].flatten().tolist() == pytest.approx([5, 5], abs=0.1)
    assert decode_smoothed(maps)[0].flatten().tolist() == pytest.approx([14, 12], abs=0.1)
    dot = torch.zeros(1, 1, 24, 24)
    dot[..., 9, 9] = 1
    assert float(decode_smoothed(dot)[1]) < 0.5 < float(decode_smoothed(drawn(9.0, 9.0))[1])


def test_a_rival_is_at_least_six_map_pixels_away():
    maps = torch.zeros(1, 1, 24, 24)
    maps[..., 12, 12] = 0.7
    for apart, expected in (((5.9, 0.0), 0.0), ((0.0, 6.0), 0.7), ((-4.0, 4.0), 0.0), ((5.0, -4.0), 0.7)):
        joint = torch.tensor([12.0, 12.0]) + torch.tensor(apart)
        assert float(rival_heights(maps, joint[None, None])) == pytest.approx(expected)
    for without in (torch.full((1, 1, 24, 24), -1.0), torch.ones(1, 1, 4, 4)):
        assert float(rival_heights(without, torch.full((1, 1, 2), 2.0))) == 0


POINTS = torch.tensor([[[20.3, 17.8], [40.1, 5.2], [10.0, 30.5]]])
MAPS = encode(POINTS, (48, 48), 1.25)


def test_maps_are_read_as_before():
    """Broad and narrow, high and low, of two peaks and of none; bfloat16 does not coarsen positions."""
    two = encode(POINTS, (48, 48), 1.5) + 0.6 * encode(POINTS.flip(1), (48, 48), 1.0)
    maps = torch.cat((MAPS, encode(POINTS, (48, 48), 2.5), 0.5 * MAPS, two, 0 * MAPS, 0 * MAPS + 1)).requires_grad_()
    readings = read_maps(maps)
    readings.square().sum().backward()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(read_maps(maps), readings)
    x, y = readings.detach().unflatten(1, (READINGS, -1))[:, :2].unbind(1)
    torch.testing.assert_close((torch.stack((x, y), -1)[:4] + 2) * 12 - 0.5, POINTS.expand(4, 3, 2), atol=0.4, rtol=0)
    assert_as_before("readings", [readings[:5].detach().T, maps.grad[:5].sum(2)], near=1e-3, file="model.json")
    assert readings.isfinite().all()
    assert maps.grad.isfinite().all(), "of full maps, too"


LATE, FUSED = ["map_stream"], ["fusion_stream"]
STREAMS = {"image-only": [], "maps-only": LATE, "early": FUSED, "late": LATE, "free": LATE + FUSED, "pruned": FUSED}


@pytest.mark.parametrize(("strategy", "streams"), STREAMS.items())
def test_every_strategy_has_them_where_the_maps_are_seen(strategy, streams):
    changes = {"merge_after": 1} if strategy == "pruned" else {"strategy": strategy}
    network = fusion_network(map_readings=True, **changes)
    names = [name.partition(".")[0] for name, _ in network.named_parameters() if name.endswith("read.weight")]
    assert sorted(set(names)) == sorted(streams)
    (image, maps), readings = fusion_inputs(), torch.zeros_like(read_maps(fusion_inputs()[1]))
    assert torch.equal(network(image, maps), network(image, maps, readings)) == (not streams)


def test_readings_of_eq_1_by_hand():
    # One layer of width 1 without other weights: X_1 reads the height of the single map, Z_1 its x; w_1 = 0.25.
    changes = {"layers": (LayerConfig("fc", 1),), "input_size": 9, "map_joints": 1, "strategy": "free"}
    network = fusion_network(map_readings=True, **changes)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.free_weights.fill_(0.25)
        network.map_stream.layer(1).read.weight[0, 3] = 1.0
        network.fusion_stream.layer(1).read.weight[1, 0] = 1.0
        network.output.weight[0, 1] = 1.0
    maps = torch.zeros(1, 1, 9, 9)
    maps[0, 0, 4, 6] = 0.75
    x, _, _, height = read_maps(maps)[0].tolist()
    assert (height, x) == (pytest.approx(1.0), pytest.approx(4 * 6.5 / 9 - 2, abs=0.02))
    assert network(torch.zeros(1, 3, 9, 9), maps)[0, 0, 0].item() == pytest.approx(0.75 * height + 0.25 * x)
