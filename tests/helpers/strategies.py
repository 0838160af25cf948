"""Untrained networks of each way of merging."""

import dataclasses

import torch

from fusion_model.fusion import FusionNetwork
from fusion_model.hub.strategies import COMPARED
from fusion_model.pruning import prune


def strategy_networks(config, seed=0):
    """One network of each strategy that is compared, on the inputs of a fusion network; ``trainable`` is pruned.

    Their poses are as large as people, and far from each other.
    """
    networks = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name in COMPARED:
            network = FusionNetwork(dataclasses.replace(config, strategy=name, merge_after=None)).eval()
            if name == "trainable":
                network.harden()
                network = prune(network)
            with torch.no_grad():
                network.output.weight *= 500 / config.output_unit_mm
                network.output.bias.normal_(0, 300 / config.output_unit_mm)
            networks[name] = network
    return networks
