"""Cut backgrounds without people out of training photos: ``python -m train.backgrounds --data DIR --out DIR``.

``train.synthesize --backgrounds DIR`` puts them behind rendered people. Each is the largest part of a photo on one side
of a labelled person. Others in the photo may have no label: name an estimator, and crops in whose middle it finds a
person are left out. Validation photos are left alone. If a run was cut, start it again.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fusion_model.crop_inference import CropPredictor
from fusion_model.crops import Crop
from fusion_model.estimator import PoseEstimator
from fusion_model.files import write_atomically
from train.command import new_parser, run_command
from train.data.cutting import MIN_JOINTS, QUALITY, beside_person
from train.data.source import SYNTHETIC, Source
from train.data.sources import find_sources
from train.engine.arguments import at_least, positive
from train.synthesis.dataset import encode_jpeg

_MIN_SIDE = 100  # pixels: smaller crops are blurred behind people
_BATCH = 256  # crops that an estimator checks together
_BYSTANDER_SCORE = 0.2  # from which a person may be there


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("backgrounds", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets, but for rendered ones")
    arguments.add_argument("--out", type=Path, required=True, help="folder for the crops, as JPEG files")
    arguments.add_argument("--count", type=positive(int), default=2000, help="crops at most, before any is left out")
    arguments.add_argument("--min-side", type=positive(int), default=_MIN_SIDE, help="least pixels of a crop's side")
    arguments.add_argument("--checkpoint", type=Path, help="estimator that leaves out crops which show a bystander")
    arguments.add_argument("--seed", type=at_least(0, int), default=0, help="of the order in which photos are taken")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    data, out = arguments.data, arguments.out
    sources = [source for source in find_sources(data) if source.name != SYNTHETIC]
    if not any((~source.validation).any() for source in sources):
        raise ValueError(f"{data} has no photos to train on: see docs/data.md")
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu") if arguments.checkpoint else None
    crops = itertools.islice(_crops(sources, arguments.min_side, arguments.seed), arguments.count)
    total = written = 0
    with tqdm(desc="cut backgrounds", unit="crop") as bar:
        while part := list(itertools.islice(crops, _BATCH)):
            out.mkdir(parents=True, exist_ok=True)
            images = [image for _, image in part]
            empty = show_no_person(estimator.predictor, images) if estimator else [True] * len(part)
            for name, image in itertools.compress(part, empty):
                write_atomically(out / f"{name}.jpg", encode_jpeg(image, QUALITY, f"{name}: a crop"))
            total, written = total + len(part), written + sum(empty)
            bar.update(len(part))
    if not total:
        room = f"{arguments.min_side} pixels beside its person"
        raise ValueError(f"no training photo in {data} has room for {room}: lower --min-side")
    print(f"{written} crops beside people in {out}")
    left_out = f"{total - written} of {total} crops beside people show a bystander and are left out"
    print(left_out if estimator else "not checked for bystanders: name an estimator with --checkpoint")
    if not written:
        raise ValueError(f"{arguments.checkpoint} finds a person in every crop: choose another --out, without it")
    return 0


def _crops(sources: Sequence[Source], min_side: int, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """A name and the crop (H, W, 3) uint8 RGB beside each training person with room for it, in random order."""
    rows = [(number, row) for number, one in enumerate(sources) for row in np.flatnonzero(~one.validation)]
    for number, row in np.random.default_rng(seed).permutation(rows):
        source = sources[number]
        if (source.weight[row] > 0).sum() < MIN_JOINTS:
            continue
        photo = source.photo(row)
        if part := beside_person((0, 0, photo.shape[1], photo.shape[0]), source.box[row], min_side):
            x0, y0, x1, y1 = part
            yield f"{number}-{source.name}-{row:06d}", photo[y0:y1, x0:x1].copy()


def show_no_person(predictor: CropPredictor, images: Sequence[np.ndarray]) -> list[bool]:
    """Whether an estimator finds no person in the middle square of each picture (H, W, 3) uint8 RGB."""
    size = predictor.config.hourglass.input_size
    shapes = [image.shape[1::-1] for image in images]
    crops = [Crop(((width - 1) / 2, (height - 1) / 2), min(width, height), 0.0, size) for width, height in shapes]
    return [one.score < _BYSTANDER_SCORE for one in predictor.predict(images, crops)]


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
