"""Estimate poses from the command line: ``python -m demo.predict photo.jpg --out results``.

For each photo: ``NAME.skeleton.png``, ``NAME.maps.png``, ``NAME.html`` (the 3D view, which needs no network) and, last,
``NAME.json`` (fusion-pose/1). A photo whose JSON is there and was made from the same file, by the same model and with
the same options is not done again, so that a run that was cut can simply be started once more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from demo import DEFAULT_MODEL
from demo.overlays import draw_skeleton, map_sheet
from demo.plots import skeleton_figure
from fusion_model import Pose, PoseEstimator
from fusion_model.images import load_photo


def main(arguments: Sequence[str] | None = None, estimator: PoseEstimator | None = None) -> int:
    """Run the command.

    Args:
        arguments: as on the command line; None takes those.
        estimator: a loaded model instead of ``--model``.

    Returns:
        Exit status: 0 when every photo is done, 1 if one failed. Bad usage exits with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    if estimator is None:
        try:
            estimator = PoseEstimator.from_pretrained(options.model, device=options.device)
        except (ValueError, OSError, RuntimeError) as error:
            return _fail(f"the model cannot be loaded: {error}")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _fail(f"the folder {options.out} cannot be made: {error}")
    bar = tqdm(options.photos, unit="photo", disable=None if len(options.photos) > 1 else True)
    failures = sum(not _tried(estimator, path, options) for path in bar)
    if failures:
        return _fail(f"{failures} of {len(options.photos)} photos failed")
    return 0


def _parser() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.predict",
        description="Estimate the 3D pose of the person in each photo.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photos, one person each")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results; made if it is not there")
    parser.add_argument("--model", default=str(DEFAULT_MODEL), help="checkpoint: a folder or a Hub id user/name")
    parser.add_argument(
        "--device", default=None, help="where to run, such as cpu or cuda; default: CUDA if there is one"
    )
    parser.add_argument(
        "--box", type=float, nargs=4, metavar=("X0", "Y0", "X1", "Y1"), help="the person, in pixels of the photo"
    )
    parser.add_argument("--height-mm", type=float, default=1700.0, help="the person's height in millimetres")
    parser.add_argument("--overwrite", action="store_true", help="do photos again that are already done")
    return parser


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse what cannot be meant, in one sentence, with exit status 2."""
    if not 100 <= options.height_mm <= 3000:
        parser.error(f"--height-mm must lie between 100 and 3000 millimetres, got {options.height_mm:g}")
    if options.out.exists() and not options.out.is_dir():
        parser.error(f"--out must be a folder, but {options.out} is a file")
    stems = Counter(path.stem for path in options.photos)
    twice = [stem for stem, count in stems.items() if count > 1]
    if twice:
        parser.error(f"several photos would be written to {twice[0]}.json: give them different names or folders --out")


def _tried(estimator: PoseEstimator, path: Path, options: argparse.Namespace) -> bool:
    """Do one photo and print what came of it; whether it went well."""
    try:
        tqdm.write(f"{path}: {_one(estimator, path, options)}")
    except (ValueError, TypeError, OSError) as error:
        tqdm.write(f"{path}: {error}", file=sys.stderr)
        return False
    return True


def _one(estimator: PoseEstimator, path: Path, options: argparse.Namespace) -> str:
    """Do one photo, unless it is done; returns what to print."""
    target = options.out / f"{path.stem}.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no such photo: {path}")
    source = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "box": options.box,
        "height_mm": options.height_mm,
        "model": estimator.name,
    }
    if not options.overwrite and _is_done(target, source):
        return "already done"
    photo = load_photo(path)
    pose = estimator(photo, box=options.box, height_mm=options.height_mm)
    _write_pictures(options.out, path.stem, photo, pose)
    size = {"width": photo.shape[1], "height": photo.shape[0]}
    write_atomically(target, _json({**pose.to_dict(), "source": {**source, **size}}))
    seen = sum(status == "seen" for status in pose.status)
    return f"{target} (person {pose.score:.2f}, {seen} of {len(pose.status)} joints seen)"


def _is_done(target: Path, source: dict[str, Any]) -> bool:
    """Whether the result is there and belongs to the same photo, model and options."""
    try:
        found = json.loads(target.read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return isinstance(found, dict) and all(found.get(name) == value for name, value in source.items())


def _write_pictures(folder: Path, stem: str, photo: np.ndarray, pose: Pose) -> None:
    """Write everything but the JSON."""
    write_atomically(folder / f"{stem}.skeleton.png", _png(draw_skeleton(photo, pose)))
    write_atomically(folder / f"{stem}.maps.png", _png(map_sheet(photo, pose)))
    figure = skeleton_figure(pose)
    figure.update_layout(height=720)
    page = figure.to_html(include_plotlyjs=True, full_html=True, config={"displaylogo": False})
    write_atomically(folder / f"{stem}.html", page.encode())


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)  # noqa: PTH105  # the one call that replaces at once on every system
    finally:
        part.unlink(missing_ok=True)


def _png(picture: np.ndarray) -> bytes:
    """Encode (H, W, 3) uint8 RGB."""
    _, data = cv2.imencode(".png", picture[:, :, ::-1])
    return data.tobytes()


def _json(value: dict[str, Any]) -> bytes:
    """Encode strictly: what is not finite is an error, not a word that no other reader knows."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def _fail(message: str) -> int:
    """Say why, and give the exit status of a failure."""
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
