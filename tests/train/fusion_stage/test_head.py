"""The fully connected layers of a merged network, trained on what its convolutions made of augmented crops."""

import dataclasses

import pytest
import torch

from fusion_model.fusion import FusionNetwork
from fusion_model.presets import PRESETS
from train.fusion_stage.head import has_head, head, stored_features, train_head
from train.fusion_stage.samples import FusionSamples
from train.losses import fusion_loss

TINY = dataclasses.replace(PRESETS["tiny"].fusion, batch_norm=True, output_unit_mm=100.0)
READING = dataclasses.replace(TINY, map_readings=True)


def merged(config, beta):
    torch.manual_seed(0)
    return FusionNetwork(dataclasses.replace(config, strategy="fixed", fixed_beta=beta)).eval()


def crops(count=12):
    generator = torch.Generator().manual_seed(1)
    size = TINY.input_size
    return FusionSamples(
        images=torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator),
        maps=torch.randint(0, 160, (count, 16, size, size), dtype=torch.uint8, generator=generator),
        pose=300 * torch.randn(1, 17, 3, generator=generator).repeat(count, 1, 1),
        weight=torch.ones(count, 17),
        points=torch.zeros(count, 16, 2),
        point_weight=torch.ones(count, 16),
        source=torch.zeros(count, dtype=torch.long),
    )


def features(network, count=24):
    generator = torch.Generator().manual_seed(2)
    return stored_features(
        network, [crops()], torch.ones(12, dtype=torch.float64) / 12, count, generator, lambda _: None
    )


@pytest.mark.parametrize("beta", [0, 1, 2])
@pytest.mark.parametrize("config", [TINY, READING], ids=["plain", "reading"])
def test_the_head_makes_of_stored_features_what_the_network_makes_of_crops(config, beta, monkeypatch):
    network, inputs = merged(config, beta), []
    monkeypatch.setattr(network, "_check", lambda *both: inputs.append(both))
    stored = features(network)
    with torch.inference_mode():
        expected = network(*inputs[0])
        found = head(network, stored.images.float(), stored.maps.float())
    assert stored.maps.shape[1] == (64 if config.map_readings else 0)
    torch.testing.assert_close(found, expected, atol=2.0, rtol=0.01)  # mm; features are kept as float16
    assert stored.pose.shape == (24, 17, 3)


@pytest.mark.parametrize("config", [TINY, READING], ids=["plain", "reading"])
def test_training_the_head_learns_and_leaves_the_convolutions(config):
    network = merged(config, 2)
    stored, before = features(network), {name: value.clone() for name, value in network.state_dict().items()}

    def loss(poses, batch):
        return fusion_loss(poses, batch.pose, network)

    def error():
        with torch.inference_mode():
            return loss(head(network, stored.images.float(), stored.maps.float()), stored).item()

    start = error()
    train_head(network, stored, loss, 200, torch.Generator().manual_seed(0))
    assert error() < 0.7 * start
    assert not network.training
    moved = {name.split(".")[0] for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"fusion_stream", "output"}


def test_only_networks_merged_before_their_fully_connected_layers_have_a_head():
    assert [has_head(merged(TINY, beta)) for beta in range(4)] == [True, True, True, False]
    assert not has_head(FusionNetwork(TINY)), "soft weights: two streams are computed to the end"
    assert not has_head(FusionNetwork(dataclasses.replace(TINY, strategy="maps-only")))
