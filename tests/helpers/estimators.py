"""Estimators and photos for tests of inference."""

import dataclasses
import threading

import cv2
import numpy as np
import torch
from torch import nn

from fusion_model.config import CalibrationConfig, DetectorConfig, FollowingConfig, LayerConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hub.strategies import COMPARED
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune

TINY = PRESETS["tiny"].fusion


def smooth_photo():
    """(128, 128, 3) coloured clouds."""
    noise = np.random.default_rng(3).integers(0, 256, (9, 9, 3), np.uint8)
    return cv2.resize(noise, (128, 128), interpolation=cv2.INTER_CUBIC)


def sure(estimator=None):
    """An estimator, by default a random one, that takes everything for a person."""
    estimator = estimator or PoseEstimator.random("tiny")
    calibration = CalibrationConfig(peak=(-1e3, 1e3), confidence=(1.0, 1.0))
    return estimator.with_config(dataclasses.replace(estimator.config, calibration=calibration))


def featured():
    """An estimator as of :func:`sure` whose fusion network sees the hourglass's features, as the released one does."""
    plain = sure()
    changes = {"layers": (LayerConfig("fc", 16),) * 2, "input_size": 2, "map_readings": True}
    network = fusion_network(3, photo_features=plain.config.hourglass.width, **changes)
    config = dataclasses.replace(plain.config, fusion=network.config, following=FollowingConfig())
    return PoseEstimator(config, plain.hourglass, network)


def fusion_network(seed=0, **changes):
    """A tiny untrained fusion network; one with ``spreads`` is by no means as far off everywhere."""
    torch.manual_seed(seed)
    network = FusionNetwork(dataclasses.replace(TINY, **changes)).eval()
    if network.spread is not None:
        nn.init.normal_(network.spread.weight, std=0.3)
    return network


def fusion_inputs(config=TINY, count=3):
    """Photos (N, 3, S, S) and maps (N, 16, S, S) for a fusion network, the same every time."""
    generator, size = torch.Generator().manual_seed(1), config.input_size
    return [torch.rand(count, channels, size, size, generator=generator) for channels in (3, config.map_joints)]


def parameters(module):
    """How many numbers a module learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def spreading():
    """An estimator as of :func:`sure` whose fusion network says how far off it may be."""
    estimator, network = sure(), fusion_network(spreads=True)
    config = dataclasses.replace(estimator.config, fusion=network.config)
    return PoseEstimator(config, estimator.hourglass, network, "spreading")


def output_with(*people, side=8):
    """Output of a detector that sees people: (row, column, logit, left, top, right, bottom, angle)."""
    output = torch.full((7, side, side), -9.0)
    for row, column, logit, *sides, angle in people:
        output[0, row, column] = logit
        output[1:5, row, column] = torch.log(torch.tensor(sides) / 32)
        turn = torch.deg2rad(torch.tensor(float(angle)))
        output[5:7, row, column] = torch.stack((turn.cos(), turn.sin()))
    return output


class Seeing(nn.Module):
    """A detector that always sees the same people, given as for :func:`output_with`, the second half mirrored."""

    config = DetectorConfig(width=8, head=8, input_size=64)

    def __init__(self, *people):
        super().__init__()
        self.people, self.anything = people, nn.Parameter(torch.zeros(1))

    def forward(self, images):
        """(N, 7, 8, 8)."""
        plain = output_with(*self.people)[None]
        mirrored = torch.flip(plain, dims=(3,))[:, [0, 3, 2, 1, 4, 5, 6]]
        mirrored[:, 6] *= -1
        if len(images) == 1:  # photo and mirror image in two threads
            return mirrored if threading.current_thread().name.startswith("fusion-pose") else plain
        return torch.cat([one.expand(len(images) // 2, 7, 8, 8) for one in (plain, mirrored)])


def seeing(estimator, *people):
    """The same estimator with a detector that always sees these people."""
    config = dataclasses.replace(estimator.config, detector=Seeing.config)
    return PoseEstimator(config, estimator.hourglass, estimator.fusion_network, estimator.name, Seeing(*people))


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
