"""A trained fusion network without the layers that its weights have switched off."""

from __future__ import annotations

import dataclasses

from fusion_model.fusion import FusionNetwork


def prune(network: FusionNetwork, tolerance: float = 1e-3) -> FusionNetwork:
    """The same function with data layers 1..b and fusion layers b + 1..L + 1 only.

    Equals the hardened network up to rounding, and has fewer parameters unless its strategy fixed the merging layer
    from the start: such a network is never built with dead layers.

    Args:
        network: one whose weights are sharp: each within ``tolerance`` of the step [l > b].
        tolerance: see above.

    Returns:
        A new network with ``config.merge_after`` = b, on the same device, in the same mode; ``network`` is unchanged.

    Raises:
        ValueError: if the weights are not sharp, or the network has one stream and nothing to prune.
    """
    b, deviation = network.merging_layer, network.deviation()
    if deviation > tolerance:
        weights = ", ".join(f"{weight:.3f}" for weight in network.mixing_weights().tolist())
        raise ValueError(
            f"the weights are not sharp: {deviation:.3g} away from [l > {b}] at most, {tolerance:g} allowed "
            f"(w = {weights}); train until they are, or call harden() first"
        )
    config = dataclasses.replace(network.config, merge_after=b)
    reference = network.output.weight
    pruned = FusionNetwork(config).to(reference.device, reference.dtype)
    state = network.state_dict()
    pruned.load_state_dict({name: state[name] for name in pruned.state_dict()})
    return pruned.train(network.training)
