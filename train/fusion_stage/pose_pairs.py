"""Rows for the fusion network from poses alone: maps with the hourglass's own errors, and a picture of nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from fusion_model.crop_inference import fusion_inputs
from fusion_model.heatmaps import to_map_coordinates
from train.fusion_stage.map_errors import MapErrors, draw_maps
from train.fusion_stage.samples import FusionSamples, joined_parts, stored_inputs
from train.synthesis.pairs import PairSampler

_GREY = 0.5


def pair_samples(
    sampler: PairSampler,
    errors: MapErrors,
    count: int,
    size: int,
    fusion_size: int,
    source: int,
    seed: int,
    batch: int = 256,
) -> FusionSamples:
    """Samples of drawn pairs: they teach the confidence-map stream, whatever the picture.

    Args:
        sampler: of the poses, for crops of ``size``.
        errors: of the hourglass whose maps the network will get.
        count: rows.
        size: of the hourglass's crop in pixels.
        fusion_size: input size of the fusion network in pixels.
        source: number that the rows get as theirs.
        seed: of poses and maps.
        batch: rows at once.
    """
    numpy_generator, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)

    def parts() -> Iterator[tuple[torch.Tensor, ...]]:
        for start in range(0, count, batch):
            pairs = sampler.draw(numpy_generator, min(batch, count - start))
            points, poses = torch.from_numpy(pairs.points), torch.from_numpy(pairs.poses)
            maps = draw_maps(points, errors, size, generator)
            images = torch.full((len(points), 3, size, size), _GREY)
            image, maps = fusion_inputs(images, maps, fusion_size)
            places = to_map_coordinates(points, size / fusion_size)
            ones = torch.ones(len(points), 17)
            number = torch.full((len(points),), source)
            yield *stored_inputs(image, maps), poses, ones, places, ones[:, :16], number

    return joined_parts(parts(), count)
