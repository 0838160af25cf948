"""Estimate poses from the command line: ``python -m demo.predict photo.jpg --out results``.

For each photo ``NAME.jpg`` it writes the requested files of ``demo.exports.FORMATS``, such as ``NAME.csv``; if each
person has a file, the second one's is ``NAME.person2.bvh``. Of photos that differ only in their endings, such as
``NAME.HEIC`` and ``NAME.jpg``, all but the first by name keep theirs: ``NAME.jpg.csv``. ``NAME.json`` is always
written, and last: it says what the files were made from. A photo is skipped if its JSON was made from the same file, by
the same model and with the same options, so that you can simply start an interrupted run again. The photos of a folder
keep their places in it.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from demo.exports import FORMATS, as_json
from demo.photo_search import RESULT, find_photos
from fusion_model import NoPersonError, Pose, PoseEstimator
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM, MAX_HEIGHT_MM, MIN_HEIGHT_MM
from fusion_model.files import MAX_NAME_BYTES, printable, write_atomically
from fusion_model.hub.checkpoints import DEFAULT, weights_fingerprint
from fusion_model.images import load_photo
from fusion_model.photos.files import KINDS, kind_of
from fusion_model.video.decoding import is_clip


@dataclass(frozen=True)
class Photo:
    """A photo to be done.

    Attributes:
        path: the file.
        name: its place below the folder that was searched, or its file name.
        results: likewise, of its results, without what tells those apart.
    """

    path: Path
    name: Path
    results: Path


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
    photos = _with_results(parser, _photos(parser, options.photos))
    _check(parser, options, photos)
    if estimator is None:
        try:
            estimator = PoseEstimator.from_pretrained(options.model, device=options.device)
        except (ValueError, OSError, RuntimeError) as error:
            return _fail(f"the model cannot be loaded: {error}")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _fail(f"the folder {options.out} cannot be made: {error}")
    bar = tqdm(photos, unit="photo", disable=None if len(photos) > 1 else True)
    try:
        failures = sum(not _tried(estimator, one, options) for one in bar)
    except KeyboardInterrupt:
        return _fail("stopped; run the same command again to go on")
    if failures:
        return _fail(f"{failures} of {len(photos)} photos failed")
    return 0


def _parser() -> argparse.ArgumentParser:
    """What the command takes."""
    formats = "; ".join(f"{name} = {one.description}" for name, one in FORMATS.items())
    parser = argparse.ArgumentParser(
        prog="python -m demo.predict",
        description="Estimate the 3D pose of the best person, or of all people, in each photo.",
        epilog=f"Formats: {formats}.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "photos", nargs="+", type=Path, metavar="PHOTO", help="photos, and folders with photos at any depth"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the results; made if it is not there")
    parser.add_argument(
        "--formats",
        type=_formats,
        default=",".join(name for name, one in FORMATS.items() if not one.slow),
        metavar="NAME,NAME,...",
        help="which files to write; json is always written",
    )
    parser.add_argument(
        "--model", default=DEFAULT, help=f"checkpoint: a folder, a Hub id user/name, or {DEFAULT}: the bundled one"
    )
    parser.add_argument(
        "--device", default=None, help="where to run, such as cpu or cuda; default: CUDA if there is one"
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--box", type=float, nargs=4, metavar=("X0", "Y0", "X1", "Y1"), help="the person, in pixels of the photo"
    )
    who.add_argument("--all", action="store_true", help="all people found instead of the best person")
    parser.add_argument(
        "--height-mm", type=float, default=CONVENTIONAL_HEIGHT_MM, help="each person's height in millimetres"
    )
    parser.add_argument("--overwrite", action="store_true", help="do photos again that are already done")
    return parser


def _formats(text: str) -> tuple[str, ...]:
    """The formats that a list with commas names, in the order of the registry."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no format {unknown[0]!r}; there are {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name in names)


def _photos(parser: argparse.ArgumentParser, paths: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Each photo once, with its name below ``--out``; says what else lies in the folders."""
    found = find_photos(paths)
    others = [(path, reason) for path, reason in found.left_out if reason != RESULT]
    for path, reason in others:
        print(f"{printable(str(path))}: left out, {reason}", file=sys.stderr)
    if found.left_out:
        counts = f"left out: {len(others)}; results of this command: {len(found.left_out) - len(others)}"
        print(f"photos to do: {len(found.photos)}; {counts}", file=sys.stderr)
    for folder in filter(Path.is_dir, paths):
        if not any(folder in path.parents for path, _ in found.photos):
            parser.error(f"the folder {printable(str(folder))} holds no photo: expected {KINDS}")
    return found.photos


def _with_results(parser: argparse.ArgumentParser, photos: list[tuple[Path, Path]]) -> list[Photo]:
    """The photos with names for their results, which depend on no order: the first of a stem has it for itself."""
    results: dict[Path, Path] = {}
    paths: dict[Path, Path] = {}
    for path, name in sorted(photos, key=lambda one: one[1]):
        if name in paths:
            both = " and ".join(printable(str(one)) for one in (paths[name], path))
            parser.error(f"{both} have one name: rename one, or do them one at a time with different folders --out")
        stem = name.with_name(name.stem)
        paths[name], results[name] = path, name if stem in results.values() else stem
    return [Photo(path, name, results[name]) for path, name in photos]


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace, photos: list[Photo]) -> None:
    """Refuse unusable options with one sentence and exit status 2."""
    if not MIN_HEIGHT_MM <= options.height_mm <= MAX_HEIGHT_MM:
        allowed = f"between {MIN_HEIGHT_MM:g} and {MAX_HEIGHT_MM:g} millimetres"
        parser.error(f"--height-mm must lie {allowed}, got {options.height_mm:g}")
    if options.out.exists() and not options.out.is_dir():
        parser.error(f"--out must be a folder, but {options.out} is a file")
    stems = {one.results for one in photos}
    persons = [stem for stem in stems if re.search(r"\.person\d+$", stem.name) and stem.with_suffix("") in stems]
    if options.all and persons:
        name, other = (printable(str(one)) for one in (min(persons), min(persons).stem))
        parser.error(f"{name} is what a person in {other} would be called: rename that photo")


def _tried(estimator: PoseEstimator, photo: Photo, options: argparse.Namespace) -> bool:
    """Do one photo and print the outcome; whether it went well."""
    try:
        tqdm.write(printable(f"{photo.path}: {_one(estimator, photo, options)}"))
    except (ValueError, TypeError, OSError, RuntimeError, MemoryError) as error:
        tqdm.write(printable(f"{photo.path}: {str(error) or type(error).__name__}"), file=sys.stderr)
        return False
    return True


def _one(estimator: PoseEstimator, one: Photo, options: argparse.Namespace) -> str:
    """Do one photo, unless it is done; returns what to print."""
    folder, stem = options.out / one.results.parent, one.results.name
    target = folder / f"{stem}.json"
    if not one.path.is_file():
        raise FileNotFoundError(f"there is no such photo: {one.path}")
    longest = max((f"{stem}{FORMATS[kind].suffix}" for kind in ("json", *options.formats)), key=_bytes)
    if _bytes(longest) > MAX_NAME_BYTES:
        raise ValueError(f"its results would have names of {_bytes(longest)} bytes, of {MAX_NAME_BYTES}: rename it")
    source = {
        "file": one.name.as_posix(),
        "sha256": hashlib.sha256(one.path.read_bytes()).hexdigest(),
        "box": options.box,
        "all": options.all,
        "height_mm": options.height_mm,
        "model": estimator.name,
        "fingerprint": _fingerprint(estimator),
    }
    if not options.overwrite and _is_done(target, source, options.formats):
        return "already done"
    photo = _photo(one.path)
    people = _people(estimator, photo, options)
    folder.mkdir(parents=True, exist_ok=True)
    poses = people if options.all else people[0]
    target.unlink(missing_ok=True)  # a run that is cut now leaves no JSON that vouches for files of two runs
    files = {kind: _write(kind, options.out, one, photo, poses) for kind in options.formats if kind != "json"}
    size = {"width": photo.shape[1], "height": photo.shape[0]}
    write_atomically(target, as_json.encode(poses, source={**source, **size}, files={**files, "json": [target.name]}))
    return f"{target} ({'; '.join(_summary(pose) for pose in people)})"


@functools.lru_cache(maxsize=1)
def _fingerprint(estimator: PoseEstimator) -> str:
    """Hash of a model's weights and settings: many models lie in folders of one name."""
    networks = (estimator.hourglass, estimator.fusion_network, estimator.detector)
    parts = [weights_fingerprint(network) for network in networks if network is not None]
    return hashlib.blake2b(repr((parts, estimator.config)).encode(), digest_size=8).hexdigest()


def _photo(path: Path) -> np.ndarray:
    """Read a photo; of a clip, say who takes it."""
    try:
        return load_photo(path)
    except ValueError as error:
        if kind_of(path) is None and is_clip(path):
            said = "it is a clip, and this command takes photos: use the page's Video tab, or /estimate_video"
            raise ValueError(said) from error
        raise


def _bytes(name: str) -> int:
    """How long a file's name is on disk."""
    return len(os.fsencode(name))


def _people(estimator: PoseEstimator, photo: np.ndarray, options: argparse.Namespace) -> list[Pose]:
    """The requested people, at least one: the best person, the one in the box, or all."""
    if not options.all:
        return [estimator(photo, box=options.box, height_mm=options.height_mm)]
    people = estimator.predict_all(photo, height_mm=options.height_mm)
    if not people:
        raise NoPersonError("nobody was found in the photo: try one that shows a person larger, or give --box")
    return people


def _write(kind: str, out: Path, of: Photo, photo: np.ndarray, poses: Pose | list[Pose]) -> list[str]:
    """Write the file of a format, or one for each person; returns the names."""
    form = FORMATS[kind]
    each = [poses] if form.together or isinstance(poses, Pose) else poses
    names = []
    for number, one in enumerate(each, start=1):
        names.append(f"{of.results.name}{'' if number == 1 else f'.person{number}'}{form.suffix}")
        write_atomically(out / of.results.parent / names[-1], form.write(one, photo, of.name.as_posix()))
    return names


def _is_done(target: Path, source: dict[str, Any], formats: Sequence[str]) -> bool:
    """Whether the files are there and belong to the same photo, model and options."""
    try:
        document = json.loads(target.read_text(encoding="utf-8"))
        found, files = document["source"], document["files"]
        same = all(found[entry] == value for entry, value in source.items())
        return same and all(target.with_name(name).is_file() for kind in formats for name in files[kind])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _summary(pose: Pose) -> str:
    """One person's result in a few words."""
    seen = sum(status == "seen" for status in pose.status)
    return f"person {pose.score:.2f}, {seen} of {len(pose.status)} joints seen"


def _fail(message: str) -> int:
    """Say why, and give the exit status of a failure."""
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
