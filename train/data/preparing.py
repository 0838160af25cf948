"""Writes what ``train.prepare`` makes: prepared people, part by part, and packs of scenes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
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
from train.data.readers.layout import LayoutError, check_person, reading
from train.data.readers.records import UNKNOWN, Load, Plan, Record, ScenePhoto
from train.engine.run_files import check_settings, unless_full
from train.synthesis.dataset import npz_bytes

_Part = tuple[dict[str, np.ndarray], Counter[str]]  # columns of its people, and how many were left out by reason
_COUNTED = ("split", "subject", "action", "camera")
_LABELS, _SKIPPED = "labels.npz", "skipped.json"  # beside the pictures of a part
STORED_SIDE = 400  # pixels of the longer side of a scene's photo
_WEBP_QUALITY = 80  # of its file


def write_prepared(plan: Plan, out: Path, settings: dict[str, Any], licence_page: str, workers: int) -> dict[str, Any]:
    """Store the people of a plan; parts that an earlier run finished are kept.

    Args:
        plan: what the reader found.
        out: the folder; an unfinished one of the same settings goes on.
        settings: what decides the content of the folder: ``data_set``, ``crop``, ``margin``, ``every`` and ``cameras``
            as ``train.prepare`` takes them.
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
    with unless_full(out / SETTINGS):
        check_settings(out, SETTINGS, settings | {"format": FORMAT, "source": source})
    paths = [part_path(out, part) for part in range(len(names))]
    with ThreadPoolExecutor(workers) as pool:  # the first failure stops the others after the part they are at
        work = pool.map(partial(_part, plan.skeleton, settings), plan.units.values(), paths)
        parts = list(tqdm(work, "prepare", len(names), unit="part"))
    return _finish(plan, out, settings | {"licence_page": licence_page}, parts)


def _part(skeleton: Skeleton, settings: dict[str, Any], load: Load, path: Path) -> _Part:
    """Columns of the people of a unit, and how many were left out; cut into its file unless that is there."""
    skipped, kept = Counter(), []
    records = load(skipped)
    fingerprint = _fingerprint(records)
    if path.is_file():
        return _read_part(path, fingerprint)
    with _new_zip(path) as archive:
        archive.comment = fingerprint
        for labelled, frame in iterate_frames(records, skipped):
            record = check_person(labelled, skeleton, frame.shape[1::-1], skipped)
            cut = cut_person(frame, record, settings["crop"], settings["margin"])
            if cut is None:
                skipped["the person lies outside the frame"] += 1
                continue
            archive.writestr(member_name(len(kept)), cut.jpeg)
            kept.append((record, cut))
        columns = _columns(skeleton, kept)
        archive.writestr(_LABELS, npz_bytes(columns))
        archive.writestr(_SKIPPED, json.dumps(skipped))
    return columns, skipped


def _read_part(path: Path, fingerprint: bytes) -> _Part:
    """What :func:`_part` gave when the file was made; LayoutError if that was of other labels."""
    again = "delete it and run the command again"
    with reading(path, "a whole part", again), zipfile.ZipFile(path) as archive, archive.open(_LABELS) as file:
        if archive.comment != fingerprint:
            expected = f"those of the source, as its reader gives them: delete {path.parent}, or choose another --out"
            raise LayoutError(path, "it was made of other labels or by another reader", expected)
        return read_arrays(file, (), again), Counter(json.loads(archive.read(_SKIPPED)))


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


def _finish(plan: Plan, out: Path, settings: dict[str, Any], parts: Sequence[_Part]) -> dict[str, Any]:
    """Put the labels of all parts into one file, then write the index."""
    skipped, people = sum((skips for _, skips in parts), Counter(plan.skipped)), [len(one["split"]) for one, _ in parts]
    if not any(people):
        listed = "; ".join(f"{reason}: {count}" for reason, count in skipped.items()) or "no labels"
        raise ValueError(f"there are no people to store: all were left out ({listed})")
    stored = [one for one, _ in parts if len(one["split"])]
    columns = {name: np.concatenate([one[name] for one in stored]) for name in stored[0]}
    columns["part"] = np.repeat(np.arange(len(parts), dtype=np.int32), people)
    columns["member"] = np.concatenate([np.arange(count, dtype=np.int32) for count in people])
    counts = {name: dict(sorted(Counter(columns[name].tolist()).items())) for name in _COUNTED}
    index = settings | {
        "format": FORMAT,
        "joint_set": plan.skeleton.name,
        "joints": plan.skeleton.joints,
        "people": sum(people),
        "parts": len(plan.units),
        "counts": {name: count for name, count in counts.items() if any(count)},
        "skipped": skipped,
        "found": plan.found,
    }
    for name, content in ((ANNOTATIONS, npz_bytes(columns)), (INDEX, json.dumps(index, indent=1))):
        with unless_full(out / name):
            write_atomically(out / name, content)
    discard_unfinished(out)
    return index


def write_scenes(plan: Plan, out: Path, name: str, side: int, workers: int) -> tuple[Path, Counter[str]]:
    """Store the photos of a plan as ``scenes_<name>.npz`` and ``.zip``, whole or not at all.

    Args:
        plan: what the reader found.
        out: the folder.
        name: of the pack.
        side: largest length of a stored photo's longer side in pixels; smaller photos are not enlarged.
        workers: threads; decoding and encoding run side by side.

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
    with _new_zip(archive) as stored, ThreadPoolExecutor(workers) as pool:
        for load in tqdm(plan.units.values(), "prepare", unit="unit"):
            for data, photo in pool.map(partial(_shrunk, side, skipped), load(skipped)):
                stored.writestr(f"{len(photos):06d}.webp", data)
                photos.append(photo)
    columns = {
        "name": np.array([f"{row:06d}.webp" for row in range(len(photos))]),
        "size": np.array([photo.frame.size for photo in photos], np.int32).reshape(-1, 2),
        "box_start": np.cumsum([0, *(len(photo.boxes) for photo in photos)]),
        "boxes": np.concatenate([np.zeros((0, 4), np.float32), *(photo.boxes for photo in photos)]),
        "box_flag": np.concatenate([np.zeros(0, np.int8), *(photo.flags for photo in photos)]),
        "split": np.array([photo.split for photo in photos], np.str_),
        "source": np.array([photo.source for photo in photos], np.str_),
        "original": np.array([photo.frame.path.name for photo in photos], np.str_),
    }
    with unless_full(labels):
        write_atomically(labels, npz_bytes(columns))
    discard_unfinished(out, labels.stem)
    return labels, skipped


def _shrunk(side: int, skipped: Counter[str], photo: ScenePhoto) -> tuple[bytes, ScenePhoto]:
    """A photo as WebP, its longer side at most ``side``, and the same with its size and boxes there."""
    picture = read_picture(photo.frame, skipped)
    length = np.array(picture.shape[1::-1])
    size = np.maximum(1, np.round(length * min(1, side / length.max()))).astype(int)
    if (size < length).any():
        picture = cv2.resize(picture, size.tolist(), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY])
    if not done:
        raise ValueError(f"{photo.frame.path} cannot be encoded as WebP: leave it out of the set")
    # Pixel centers lie at whole numbers, so the photo begins at -0.5; rounding leaves each axis its own factor.
    boxes = (photo.boxes.reshape(-1, 2) + 0.5) * (size / length) - 0.5
    frame = replace(photo.frame, size=tuple(size.tolist()))
    return data.tobytes(), replace(photo, frame=frame, boxes=boxes.reshape(-1, 4).astype(np.float32))


@contextmanager
def _new_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip to fill, which appears whole or not at all."""
    with unless_full(path), replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        yield archive
