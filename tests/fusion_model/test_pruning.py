"""A pruned network computes what the hardened one does, with less."""

import dataclasses

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fusion_model.config import LayerConfig
from fusion_model.fusion import FusionNetwork
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune

TINY = PRESETS["tiny"].fusion
DEPTH = len(TINY.layers)
INPUTS = torch.rand(3, 19, 32, 32, generator=torch.Generator().manual_seed(1)).split((3, 16), 1)


def hardened(beta, **changes):
    """A hardened network with random biases and, where it has them, random normalisation statistics."""
    torch.manual_seed(0)
    network = FusionNetwork(dataclasses.replace(TINY, initial_beta=beta, **changes))
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if name.endswith(("bias", "running_mean", "running_var")):
                tensor.uniform_(0.1, 0.5)
    network.harden()
    return network.eval()


def cost(network):
    with FlopCounterMode(display=False) as counter:
        network(*INPUTS)
    return counter.get_total_flops()


DESIGNS = [
    {},
    {"batch_norm": True},
    {"mix_input": True},
    {"strategy": "free"},
    {"output_unit_mm": 100.0},
    {"map_readings": True, "batch_norm": True},
    {"map_readings": True, "strategy": "free"},
    {"map_readings": True, "layers": (LayerConfig("fc", 8), LayerConfig("residual", 8), LayerConfig("fc", 8))},
]


@pytest.mark.parametrize("b", range(DEPTH + 1))
@pytest.mark.parametrize("changes", DESIGNS, ids=str)
def test_pruned_equals_hardened(b, changes):
    network = hardened(b + 0.3, **changes)
    pruned = prune(network)
    torch.testing.assert_close(pruned(*INPUTS), network(*INPUTS), rtol=1e-5, atol=1e-4)
    assert pruned.config == dataclasses.replace(network.config, merge_after=b)
    assert torch.equal(pruned.mixing_weights(), network.mixing_weights())
    assert len(pruned.image_stream) == len(pruned.map_stream) == b
    assert len(pruned.fusion_stream) == DEPTH - b


@pytest.mark.parametrize("b", range(DEPTH + 1))
def test_pruned_is_smaller_and_cheaper(b):
    network = hardened(b + 0.3)
    pruned = prune(network)
    size = [sum(p.numel() for p in net.parameters()) for net in (network, pruned)]
    assert size[1] < size[0]
    assert cost(pruned) < cost(network)


def test_pruned_keeps_alpha_and_beta_as_constants():
    network = hardened(1.3)
    pruned = prune(network)
    assert pruned.beta.item() == network.beta.item()
    assert {"alpha", "beta"}.isdisjoint(dict(pruned.named_parameters()))
    assert pruned.fusion_penalty().item() == 0


def test_pruned_network_is_rebuilt_from_its_configuration():
    pruned = prune(hardened(1.3))
    rebuilt = FusionNetwork(pruned.config).eval()
    rebuilt.load_state_dict(pruned.state_dict())
    assert torch.equal(rebuilt(*INPUTS), pruned(*INPUTS))
    assert prune(pruned).state_dict().keys() == pruned.state_dict().keys()


def test_pruned_network_still_trains():
    pruned = prune(hardened(1.3)).train()
    pruned(*INPUTS).square().sum().backward()
    assert all(parameter.grad is not None for parameter in pruned.parameters())


def test_original_is_left_alone():
    network = hardened(1.3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    pruned = prune(network)
    with torch.no_grad():
        for parameter in pruned.parameters():
            parameter.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_soft_weights_are_refused():
    network = FusionNetwork(TINY)
    # alpha 0.1 and beta 2: w = 0.475, 0.5, 0.525, so w_2 is 0.5 away from either side.
    with pytest.raises(ValueError, match=r"not sharp: 0\.5 away from \[l > 2\].*0\.475, 0\.500, 0\.525.*harden"):
        prune(network)


def test_sharp_weights_need_no_hardening():
    network = FusionNetwork(dataclasses.replace(TINY, initial_alpha=40.0, initial_beta=1.5)).eval()
    torch.testing.assert_close(prune(network)(*INPUTS), network(*INPUTS), rtol=1e-4, atol=1e-4)


def test_weights_that_go_up_and_down_are_refused():
    network = FusionNetwork(dataclasses.replace(TINY, strategy="free"))
    with torch.no_grad():
        network.free_weights.copy_(torch.tensor([1.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="not sharp: 1 away"):
        prune(network)


def test_single_streams_are_refused():
    with pytest.raises(ValueError, match="no merging layer"):
        prune(FusionNetwork(dataclasses.replace(TINY, strategy="image-only")))


@pytest.mark.parametrize(
    "changes", [{"strategy": "early"}, {"strategy": "late"}, {"strategy": "fixed", "fixed_beta": 1}]
)
def test_fixed_strategies_are_built_pruned(changes):
    network = FusionNetwork(dataclasses.replace(TINY, **changes)).eval()
    pruned = prune(network)
    assert torch.equal(pruned(*INPUTS), network(*INPUTS))
    assert pruned.config.merge_after == network.merging_layer
