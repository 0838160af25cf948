"""What is read from the maps, and where it enters the streams."""

import pytest
import torch

from fusion_model.config import LayerConfig
from fusion_model.heatmaps import decode_smoothed, encode
from fusion_model.readings import READINGS, read_maps
from tests.helpers.estimators import fusion_inputs, fusion_network

POINTS = torch.tensor([[[20.3, 17.8], [40.1, 5.2], [10.0, 30.5]]])
MAPS = encode(POINTS, (48, 48), 1.25)


def read(maps):
    """Position in pixels (N, J, 2), spread and height (N, J) as they are read."""
    x, y, spread, height = read_maps(maps).unflatten(1, (READINGS, -1)).unbind(1)
    return (torch.stack((x, y), -1) + 2) / 4 * maps.shape[-1] - 0.5, spread, height


def test_a_clean_peak_is_read_exactly_and_on_maps_that_err_as_the_2d_joint():
    points, spread, height = read(MAPS)
    torch.testing.assert_close(points, POINTS, atol=0.05, rtol=0)
    _, wider, _ = read(encode(POINTS, (48, 48), 2.5))
    assert (wider > spread + 0.3).all()
    _, same, half = read(0.5 * MAPS)
    torch.testing.assert_close(same, spread, atol=0.05, rtol=0)
    assert (half < height - 1.5).all()
    with torch.autocast("cpu", torch.bfloat16):
        coarse = read_maps(MAPS)
    assert torch.equal(coarse, read_maps(MAPS)), "bfloat16 does not coarsen positions"
    maps = encode(POINTS, (48, 48), 1.5) + 0.6 * encode(POINTS.flip(1), (48, 48), 1.0)
    torch.testing.assert_close(read(maps)[0], decode_smoothed(maps)[0], atol=0.4, rtol=0)


def test_empty_and_full_maps_give_numbers_and_gradients():
    maps = torch.stack((torch.zeros(3, 32, 32), torch.ones(3, 32, 32))).requires_grad_()
    readings = read_maps(maps)
    readings.sum().backward()
    assert readings.abs().max() < 5
    assert maps.grad.isfinite().all()


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
