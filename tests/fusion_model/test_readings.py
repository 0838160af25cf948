"""What is read from the maps, and where it enters the streams."""

import pytest
import torch

from fusion_model.config import LayerConfig
from fusion_model.heatmaps import encode
from fusion_model.readings import READINGS, read_maps
from tests.helpers.earlier import assert_as_before
from tests.helpers.estimators import fusion_inputs, fusion_network

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
