"""Cut windows that show nobody out of training photos: ``python -m train.backgrounds --data DIR --out DIR``.

``train.synthesize --backgrounds DIR`` puts them behind rendered people. Each is the largest part of a photo on one side
of a labelled person; others in the photo may have no label, so name an estimator that sorts out windows in whose middle
it sees somebody. Validation photos are left alone. A run that was cut is started again.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fusion_model.estimator import PoseEstimator
from train.command import run_command
from train.data.background_crops import BATCH, ENOUGH_JOINTS, beside_person, left_out, show_nobody
from train.data.cutting import QUALITY, encode_jpeg
from train.data.people import Source
from train.data.sampling import SYNTHETIC
from train.data.sources import find_sources
from train.engine.arguments import at_least, positive
from train.engine.run_files import check_settings
from train.synthesis.dataset import write_whole

_LEAST = 100  # pixels: smaller windows look blurred behind people


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(
        prog="python -m train.backgrounds", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    arguments.add_argument(
        "--data", type=Path, required=True, help="folder of data sets; rendered ones are passed over"
    )
    arguments.add_argument("--out", type=Path, required=True, help="folder for the windows, as JPEG files")
    arguments.add_argument(
        "--count", type=positive(int), default=2000, help="windows at most, before any is sorted out"
    )
    arguments.add_argument(
        "--least",
        type=positive(int),
        default=_LEAST,
        help="pixels of a window's shorter side; half of it where no photo has that much room",
    )
    arguments.add_argument("--checkpoint", type=Path, help="estimator that sorts out windows which show a bystander")
    arguments.add_argument(
        "--seed", type=at_least(0, int), default=0, help="of the order in which photos are looked at"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    data, out = arguments.data, arguments.out
    sources = [source for source in find_sources(data) if source.name != SYNTHETIC]
    if not any((~source.validation).any() for source in sources):
        raise ValueError(f"{data} has no photos to train on: see DATASETS in train/README.md")
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu") if arguments.checkpoint else None
    for shorter in (arguments.least, max(1, arguments.least // 2)):
        windows = find_windows(sources, shorter, arguments.seed)
        if first := next(windows, None):
            break
    else:
        raise ValueError(f"no training photo in {data} has room for {shorter} pixels beside its person: lower --least")
    marks = {name: getattr(arguments, name) for name in ("count", "least", "seed")}
    start = arguments.checkpoint and str(arguments.checkpoint.resolve())
    check_settings(out, "backgrounds.json", marks | {"data": str(data.resolve()), "checkpoint": start})
    found = itertools.islice(itertools.chain((first,), windows), arguments.count)
    total, written = _write(found, out, estimator)
    print(f"{written} windows beside people in {out}, each at least {shorter} pixels wide and high")
    print(left_out(total - written, total) if estimator else "nobody looked whether they show bystanders: --checkpoint")
    if not written:
        raise ValueError(f"{arguments.checkpoint} sees somebody in every window: choose another --out, without it")
    return 0


def find_windows(sources: Sequence[Source], least_side: int, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """A name and the window (H, W, 3) uint8 RGB beside each training person with room for it, in random order.

    Args:
        sources: data sets of photos.
        least_side: pixels of a window's shorter side.
        seed: of the order.

    Raises:
        ValueError: if a photo cannot be decoded.
    """
    names = [source.name for source in sources]
    names = [name if names.count(name) == 1 else f"{name}-{number}" for number, name in enumerate(names)]
    rows = [(number, int(row)) for number, one in enumerate(sources) for row in np.flatnonzero(~one.validation)]
    for number, row in (rows[place] for place in np.random.default_rng(seed).permutation(len(rows))):
        source = sources[number]
        if (source.weight[row] > 0).sum() < ENOUGH_JOINTS:
            continue
        photo = source.photo(row)
        window = beside_person((0, 0, photo.shape[1], photo.shape[0]), source.box[row], least_side)
        if window is not None:
            x0, y0, x1, y1 = window
            yield f"{names[number]}-{row:06d}", photo[y0:y1, x0:x1].copy()


def _write(found: Iterator[tuple[str, np.ndarray]], out: Path, estimator: PoseEstimator | None) -> tuple[int, int]:
    """Write the windows in which an estimator sees nobody; returns how many there were, and how many are written."""
    total = written = 0
    with tqdm(desc="windows", unit="window") as bar:
        while part := list(itertools.islice(found, BATCH)):
            whole = [(image, (0, 0, image.shape[1], image.shape[0])) for _, image in part]
            nobody = show_nobody(estimator.predictor, whole) if estimator else [True] * len(part)
            for name, image in itertools.compress(part, nobody):
                jpeg = encode_jpeg(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), QUALITY, f"{name}: a window")
                write_whole(out / f"{name}.jpg", jpeg)
            total, written = total + len(part), written + sum(nobody)
            bar.update(len(part))
    return total, written


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
