"""Cut windows that show nobody out of training photos: ``python -m train.backgrounds --data DIR --out DIR``.

``train.synthesize --backgrounds DIR`` puts them behind rendered people. Each is the largest part of a photo on one side
of its labelled person; whoever else is in it has no label, so name an estimator that sorts out windows in whose middle
it sees somebody. Validation photos are left alone. A run that was cut is started again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fusion_model.estimator import PoseEstimator
from train.command import positive, run_command
from train.data.cutting import QUALITY
from train.data.people import Source
from train.data.sampling import SYNTHETIC
from train.data.sources import find_sources
from train.data.windows import BYSTANDER, beside_person, person_scores
from train.engine.notes import claim

_LEAST = 100  # pixels: smaller windows look blurred behind people
_PATHS = ("data", "checkpoint")


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(
        prog="python -m train.backgrounds", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    arguments.add_argument(
        "--data", type=Path, required=True, help="folder of data sets; rendered ones are passed over"
    )
    arguments.add_argument("--out", type=Path, required=True, help="folder for the windows, as JPEG files")
    arguments.add_argument("--count", type=positive(int), default=2000, help="windows at most")
    arguments.add_argument(
        "--least", type=positive(int), default=_LEAST, help="pixels of a window's shorter side, at least"
    )
    arguments.add_argument("--checkpoint", type=Path, help="estimator that sorts out windows which show a bystander")
    arguments.add_argument("--seed", type=int, default=0, help="of which photos are looked at first")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    sources = [source for source in find_sources(arguments.data) if source.name != SYNTHETIC]
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu") if arguments.checkpoint else None
    marks = {name: getattr(arguments, name) for name in ("count", "least", "seed")}
    paths = {name: path and str(path.resolve()) for name, path in vars(arguments).items() if name in _PATHS}
    claim(arguments.out, "backgrounds.json", marks | paths)
    windows = find_windows(sources, arguments.count, arguments.least, arguments.seed)
    if estimator is not None:
        whole = [(image, (0, 0, image.shape[1], image.shape[0])) for image in windows.values()]
        scores = dict(zip(windows, person_scores(estimator.looker, whole), strict=True))
        windows = {name: image for name, image in windows.items() if scores[name] < BYSTANDER}
        print(f"{len(scores) - len(windows)} of {len(scores)} windows beside people show somebody and are left out")
    if not windows:
        least = f"{arguments.least} pixels beside its person"
        raise ValueError(f"no training photo in {arguments.data} has room for {least} that shows nobody: lower --least")
    for name, image in windows.items():
        _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        (arguments.out / f"{name}.jpg").write_bytes(jpeg.tobytes())
    print(f"{len(windows)} windows that show nobody in {arguments.out}")
    return 0


def find_windows(sources: Sequence[Source], count: int, least: int, seed: int) -> dict[str, np.ndarray]:
    """Windows (H, W, 3) uint8 RGB beside the labelled person of training photos, in random order, by name.

    Args:
        sources: data sets of photos.
        count: windows at most.
        least: pixels of a window's shorter side.
        seed: of the order.
    """
    rows = [(source, int(row)) for source in sources for row in np.flatnonzero(~source.validation)]
    windows: dict[str, np.ndarray] = {}
    with tqdm(total=count, desc="find windows", unit="window") as bar:
        for number in np.random.default_rng(seed).permutation(len(rows)):
            source, row = rows[number]
            photo = source.photo(row)
            found = beside_person((0, 0, photo.shape[1], photo.shape[0]), source.box[row], least)
            if found is None:
                continue
            x0, y0, x1, y1 = found
            windows[f"{source.name}-{row:06d}"] = photo[y0:y1, x0:x1].copy()
            bar.update()
            if len(windows) == count:
                break
    return windows


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
