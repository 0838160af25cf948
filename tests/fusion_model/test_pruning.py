"""A pruned network computes what the hardened one does, with less."""

import dataclasses

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fusion_model.config import LayerConfig
from fusion_model.fusion import FusionNetwork
from fusion_model.pruning import prune
from tests.helpers.estimators import TINY, fusion_inputs, fusion_network, parameters

DEPTH, READ = len(TINY.layers), {"map_readings": True}
INPUTS = fusion_inputs()


def hardened(beta, **changes):
    """A hardened network with random biases and, where it has them, random normalisation statistics."""
    network = fusion_network(initial_beta=beta, **changes)
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if name.endswith(("bias", "running_mean", "running_var")):
                tensor.uniform_(0.1, 0.5)
    network.harden()
    return network


def cost(network):
    with FlopCounterMode(display=False) as counter:
        network(*INPUTS)
    return counter.get_total_flops()


RESIDUAL = LayerConfig("fc", 8), LayerConfig("residual", 8), LayerConfig("fc", 8)
DESIGNS = [{"batch_norm": True, "output_unit_mm": 100.0}, {"mix_input": True}, {"strategy": "free"}]
DESIGNS += [{"spreads": True, "strategy": "free"} | READ, {"layers": RESIDUAL} | READ]


@pytest.mark.parametrize("changes", DESIGNS, ids=str)
def test_pruned_equals_hardened_and_is_smaller_and_cheaper(changes):
    for b in range(DEPTH + 1):
        network = hardened(b + 0.3, **changes)
        pruned = prune(network)
        for spreads in {False, "spreads" in changes}:
            ours, whole = (one(*INPUTS, spreads=spreads) for one in (pruned, network))
            torch.testing.assert_close(ours, whole, rtol=1e-5, atol=1e-4)
        assert pruned.config == dataclasses.replace(network.config, merge_after=b)
        assert torch.equal(pruned.mixing_weights(), network.mixing_weights())
        assert (len(pruned.image_stream), len(pruned.map_stream), len(pruned.fusion_stream)) == (b, b, DEPTH - b)
        assert parameters(pruned) < parameters(network)
        assert cost(pruned) < cost(network)


def test_a_pruned_network_is_rebuilt_from_its_configuration_and_trains_on():
    network = hardened(1.3)
    pruned = prune(network)
    rebuilt = FusionNetwork(pruned.config).eval()
    rebuilt.load_state_dict(pruned.state_dict())
    assert torch.equal(rebuilt(*INPUTS), pruned(*INPUTS))
    assert (prune(pruned).state_dict().keys(), pruned.beta.item()) == (pruned.state_dict().keys(), network.beta.item())
    pruned.train()(*INPUTS).square().sum().backward()
    assert all(parameter.grad is not None for parameter in pruned.parameters())


def test_what_is_not_sharp_or_has_one_stream_is_refused():
    # alpha 0.1 and beta 2: w = 0.475, 0.5, 0.525, so w_2 is 0.5 away from either side.
    with pytest.raises(ValueError, match=r"not sharp: 0\.5 away from \[l > 2\].*0\.475, 0\.500, 0\.525.*harden"):
        prune(fusion_network())
    with pytest.raises(ValueError, match="no merging layer"):
        prune(fusion_network(strategy="image-only"))
