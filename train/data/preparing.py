"""Writes what ``train.prepare`` makes: prepared people, part by part, and packs of scenes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from fusion_model.files import discard_unfinished, replacing, write_atomically
from fusion_model.skeletons import Skeleton
from train.data.columns import read_arrays
from train.data.cutting import Cut, cut_person
from train.data.prepared import ANNOTATIONS, FORMAT, INDEX, SETTINGS, column_shapes, member_name, part_path
from train.data.readers.frames import iterate_frames, read_picture
from train.data.readers.layout import check_person
from train.data.readers.records import UNKNOWN, Load, Plan, Record, ScenePhoto
from train.engine.run_files import check_settings
from train.synthesis.dataset import npz_bytes

_COUNTED = ("split", "subject", "action", "camera")
_LABELS, _SKIPPED = "labels.npz", "skipped.json"  # beside the pictures of a part
STORED_SIDE = 400  # pixels of the longer side of a scene's photo
_WEBP_QUALITY = 80  # of its file


def write_prepared(plan: Plan, out: Path, settings: dict[str, Any], licence_page: str, workers: int) -> dict[str, Any]:
    """Store the people of a plan; parts that an earlier run finished are kept.

    Args:
        plan: what the reader found.
        out: the folder; an unfinished one of the same settings goes on.
        settings: what decides the content of the folder: ``data_set``, its name; ``crop``, the largest length of a
            crop's longer side in pixels; ``margin``, the side of the square over the longer side of the box; ``every``,
            of a video, every so many frames; ``cameras``, empty for those that the reader takes by itself.
        licence_page: where the licence is to be read.
        workers: threads; decoding and encoding run side by side.

    Returns:
        What ``prepared.json`` says.

    Raises:
        ValueError: if the folder holds people of other settings or labels, or a file of the source is damaged.
        OSError: if the folder cannot be written.
    """
    if not (out / SETTINGS).is_file() and (any(out.glob("part-*.zip")) or (out / INDEX).exists()):
        raise ValueError(f"{out} holds parts of something else, without {SETTINGS}: choose another --out")
    names = list(plan.units)
    source = f"{len(names)} parts, {hashlib.blake2b(json.dumps(names).encode(), digest_size=4).hexdigest()}"
    with _unless_full(out / SETTINGS):
        check_settings(out, SETTINGS, settings | {"source": source})
    pool = ThreadPoolExecutor(workers)
    try:
        units = enumerate(plan.units.values())
        parts = [pool.submit(_part, plan, load, part_path(out, number), settings) for number, load in units]
        for part in tqdm(as_completed(parts), "prepare", len(parts), unit="part"):
            part.result()
    finally:
        pool.shutdown(cancel_futures=True)  # the first failure stops the others after the part they are at
    return _finish(plan, out, settings | {"licence_page": licence_page}, [part.result() for part in parts])


def _part(plan: Plan, load: Load, path: Path, settings: dict[str, Any]) -> tuple[dict[str, np.ndarray], Counter[str]]:
    """Columns of the people of a unit, and how many were left out; cut into its file unless that is there."""
    skipped, kept = Counter(), []
    records = load(skipped)
    fingerprint = _fingerprint(records)
    if path.is_file():
        return _read_part(path, fingerprint)
    with _new_zip(path) as archive:
        archive.comment = fingerprint
        for labelled, frame in iterate_frames(records, skipped):
            record = check_person(labelled, plan.skeleton, frame.shape[1::-1], skipped)
            cut = cut_person(frame, record, settings["crop"], settings["margin"])
            if cut is None:
                skipped["the person lies outside the frame"] += 1
                continue
            archive.writestr(member_name(len(kept)), cut.jpeg)
            kept.append((record, cut))
        columns = _columns(plan.skeleton, kept)
        archive.writestr(_LABELS, npz_bytes(columns))
        archive.writestr(_SKIPPED, json.dumps(skipped))
    return columns, skipped


def _read_part(path: Path, fingerprint: bytes) -> tuple[dict[str, np.ndarray], Counter[str]]:
    """What :func:`_part` gave when the file was made; ValueError if that was of other labels."""
    advice = "delete it and run the command again"
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_LABELS) as file:
            same = archive.comment == fingerprint
            columns, skipped = read_arrays(file, (), advice), Counter(json.loads(archive.read(_SKIPPED)))
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged ({error}): {advice}") from error
    if not same:
        raise ValueError(f"{path} was made of other labels: delete {path.parent}, or choose another --out")
    return columns, skipped


def _fingerprint(records: Sequence[Record]) -> bytes:
    """Hash of what the labels of a part say, whatever folder they lie in."""
    digest = hashlib.blake2b(digest_size=8)
    for one in records:
        digest.update(repr((one.split, one.frame.path.name, one.frame.member, one.frame.number)).encode())
        for values in (one.joints_2d, one.visible, one.joints_3d, one.box):
            digest.update(np.asarray(values, np.float64).tobytes())
    return digest.hexdigest().encode()


def _columns(skeleton: Skeleton, kept: Sequence[tuple[Record, Cut]]) -> dict[str, np.ndarray]:
    """Labels as arrays, a row a person."""
    rows = [_row(skeleton, record, cut) for record, cut in kept]
    shapes = column_shapes(skeleton) | dict.fromkeys(kept[0][0].extra if kept else (), (np.float32, ()))
    return {
        name: np.array([row[name] for row in rows], dtype).reshape(len(rows), *shape)
        for name, (dtype, shape) in shapes.items()
    }


def _row(skeleton: Skeleton, record: Record, cut: Cut) -> dict[str, Any]:
    """The columns of one person."""
    pose = np.full((len(skeleton), 3), np.nan) if record.joints_3d is None else record.joints_3d
    hips = [skeleton.index("left_hip"), skeleton.index("right_hip")]
    root = pose[skeleton.root] if skeleton.root >= 0 else pose[hips].mean(0)
    known = np.isfinite(pose - root).all(1)
    points = record.joints_2d @ cut.affine[:, :2].T + cut.affine[:, 2]
    return {
        **vars(record),
        **record.extra,
        "frame": record.number,
        "joints_2d": np.where((record.visible != UNKNOWN)[:, None], points, 0),
        "joints_3d": np.where(known[:, None], pose - root, 0),
        "has_3d": known,
        "root": root,
        "box": cut.box,
        "size": cut.size,
        "affine": cut.affine,
        "head_size": record.head_size * np.sqrt(np.linalg.det(cut.affine[:, :2])),
    }


def _finish(
    plan: Plan, out: Path, settings: dict[str, Any], parts: Sequence[tuple[dict[str, np.ndarray], Counter[str]]]
) -> dict[str, Any]:
    """Put the labels of all parts into one file, then write the index."""
    skipped, people = sum((skips for _, skips in parts), Counter(plan.skipped)), []
    for part, (columns, _) in enumerate(parts):
        if count := len(columns["split"]):
            people.append(
                columns | {"part": np.full(count, part, np.int32), "member": np.arange(count, dtype=np.int32)}
            )
    if not people:
        listed = "; ".join(f"{reason}: {count}" for reason, count in skipped.items()) or "no labels"
        raise ValueError(f"there are no people to store: all were left out ({listed})")
    columns = {name: np.concatenate([labels[name] for labels in people]) for name in people[0]}
    counts = {name: dict(sorted(Counter(columns[name].tolist()).items())) for name in _COUNTED}
    index = settings | {
        "format": FORMAT,
        "joint_set": plan.skeleton.name,
        "joints": plan.skeleton.joints,
        "people": len(columns["split"]),
        "parts": len(plan.units),
        "counts": {name: count for name, count in counts.items() if any(count)},
        "skipped": skipped,
        "found": plan.found,
    }
    for name, content in ((ANNOTATIONS, npz_bytes(columns)), (INDEX, json.dumps(index, indent=1))):
        with _unless_full(out / name):
            write_atomically(out / name, content)
    discard_unfinished(out)
    return index


def write_scenes(
    plan: Plan, out: Path, name: str, *, workers: int, side: int = STORED_SIDE
) -> tuple[Path, Counter[str]]:
    """Store the photos of a plan as ``scenes_<name>.npz`` and ``.zip``, whole or not at all.

    Args:
        plan: what the reader found.
        out: the folder.
        name: of the pack.
        workers: threads; decoding and encoding run side by side.
        side: largest length of a stored photo's longer side in pixels; smaller photos are not enlarged.

    Returns:
        The npz file, and how many people were left out for which reason.

    Raises:
        ValueError: if there is such a pack, or a file of the source is damaged.
        OSError: if the folder cannot be written.
    """
    labels, skipped = out / f"scenes_{name}.npz", Counter(plan.skipped)
    archive = labels.with_suffix(".zip")
    if labels.exists():
        raise ValueError(f"{labels} is there: delete it to make it anew, or choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    photos: list[ScenePhoto] = []
    shrunk: list[tuple[tuple[int, int], np.ndarray]] = []
    with _new_zip(archive) as stored, ThreadPoolExecutor(workers) as pool:
        for load in tqdm(plan.units.values(), "prepare", unit="unit"):
            records = load(skipped)
            for data, *labelled in pool.map(lambda one: _shrunk(one, side, skipped), records):
                stored.writestr(f"{len(shrunk):06d}.webp", data)
                shrunk.append(labelled)
            photos += records
    boxes = [moved for _, moved in shrunk]
    columns = {
        "name": np.array([f"{row:06d}.webp" for row in range(len(photos))]),
        "size": np.array([size for size, _ in shrunk], np.int32).reshape(-1, 2),
        "box_start": np.cumsum([0, *map(len, boxes)]),
        "boxes": np.concatenate([np.zeros((0, 4), np.float32), *boxes]),
        "box_flag": np.concatenate([np.zeros(0, np.int8), *(photo.flags for photo in photos)]),
        "split": np.array([photo.split for photo in photos], np.str_),
        "source": np.array([photo.source for photo in photos], np.str_),
        "original": np.array([photo.frame.path.name for photo in photos], np.str_),
    }
    with _unless_full(labels):
        write_atomically(labels, npz_bytes(columns))
    discard_unfinished(out, labels.stem)
    return labels, skipped


def _shrunk(photo: ScenePhoto, side: int, skipped: Counter[str]) -> tuple[bytes, tuple[int, int], np.ndarray]:
    """A photo as WebP, its longer side at most ``side``; its width and height, and boxes (K, 4) float32 in it."""
    picture = read_picture(photo.frame, skipped)
    length = np.array(picture.shape[1::-1])
    size = np.maximum(1, np.round(length * min(1, side / length.max()))).astype(int)
    if (size < length).any():
        picture = cv2.resize(picture, size.tolist(), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY])
    if not done:
        raise ValueError(f"{photo.frame.path} cannot be encoded as WebP: leave it out of the set")
    # Pixel centers lie at whole numbers, so the photo begins at -0.5; rounding leaves each axis its own factor.
    moved = (photo.boxes.reshape(-1, 2) + 0.5) * (size / length) - 0.5
    return data.tobytes(), tuple(size.tolist()), moved.reshape(-1, 4).astype(np.float32)


@contextmanager
def _new_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip to fill, which appears whole or not at all."""
    with _unless_full(path), replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        yield archive


@contextmanager
def _unless_full(path: Path) -> Iterator[None]:
    """What the disk refuses becomes one sentence: an OSError that names the file that cannot be written."""
    try:
        yield
    except OSError as error:
        again = "make room and run the command again, what is finished is kept"
        raise OSError(f"{path} cannot be written ({error.strerror or error}): {again}") from error
