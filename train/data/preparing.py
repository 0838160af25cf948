"""Writes what ``train.prepare`` makes: prepared people, part by part, and packs of scenes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from fusion_model.files import discard_unfinished, replacing, write_atomically
from fusion_model.skeletons import Skeleton
from train.data.cameras import CAMERA_MODELS
from train.data.columns import read_arrays
from train.data.cutting import Cut, cut_person
from train.data.prepared import ANNOTATIONS, FORMAT, INDEX, SETTINGS, column_shapes, member_name, part_path
from train.data.readers.checks import check_person
from train.data.readers.frames import iterate_frames, read_picture
from train.data.readers.records import UNKNOWN, Frame, Plan, Record, ScenePhoto, ScenePlan
from train.engine.run_files import check_settings
from train.synthesis.dataset import npz_bytes

_COUNTED = ("split", "subject", "action", "camera")
_LABELS, _SKIPPED = "labels.npz", "skipped.json"  # beside the pictures of a part
STORED_SIDE = 400  # pixels of the longer side of a scene's photo
_WEBP_QUALITY = 80  # of its file


@dataclass(frozen=True)
class Settings:
    """What decides the content of a folder; a folder holds people of one choice.

    Attributes:
        data_set: name of the set.
        crop: largest length of a crop's longer side in pixels.
        margin: side of the square over the longer side of the box.
        every: of a video, every so many frames.
        cameras: names, empty for all that the reader takes by itself.
    """

    data_set: str
    crop: int
    margin: float
    every: int
    cameras: tuple[str, ...] = ()


def write_prepared(plan: Plan, out: Path, settings: Settings, licence_page: str, workers: int) -> dict[str, Any]:
    """Store the people of a plan; parts that an earlier run finished are kept.

    Args:
        plan: what the reader found.
        out: the folder; an unfinished one of the same settings goes on.
        settings: how people are cut.
        licence_page: where the licence is to be read.
        workers: threads; decoding and encoding run side by side.

    Returns:
        What ``prepared.json`` says.

    Raises:
        ValueError: if the folder holds people of other settings, or a file of the source is damaged.
        OSError: if the folder cannot be written.
    """
    if not (out / SETTINGS).is_file() and (any(out.glob("part-*.zip")) or (out / INDEX).exists()):
        raise ValueError(f"{out} holds parts of something else, without {SETTINGS}: choose another --out")
    names = [unit.name for unit in plan.units]
    source = f"{len(names)} parts, {hashlib.blake2b(json.dumps(names).encode(), digest_size=4).hexdigest()}"
    with _unless_full(out / SETTINGS):
        check_settings(out, SETTINGS, asdict(settings) | {"cameras": list(settings.cameras), "source": source})
    missing = [part for part in range(len(plan.units)) if not part_path(out, part).is_file()]
    for part in set(range(len(plan.units))) - set(missing):
        _refuse_other_labels(plan, part, out)
    pool = ThreadPoolExecutor(workers)
    try:
        futures = [pool.submit(_write_part, plan, part, out, settings) for part in missing]
        for future in tqdm(as_completed(futures), "prepare", len(futures), unit="part"):
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # the first failure stops the others after the part they are at
    return _finish(plan, out, settings, licence_page)


def _refuse_other_labels(plan: Plan, part: int, out: Path) -> None:
    """ValueError if a finished part was made of other labels; one that is damaged is told of at the end."""
    path = part_path(out, part)
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        if archive.comment and archive.comment != _fingerprint(plan.units[part].load().records):
            raise ValueError(f"{path} was made of other labels: delete {out}, or choose another --out")


def _fingerprint(records: Sequence[Record]) -> bytes:
    """Hash of what the labels of a part say, whatever folder they lie in."""
    digest = hashlib.blake2b(digest_size=8)
    for one in records:
        digest.update(repr((one.split, one.frame.path.name, one.frame.member, one.frame.number)).encode())
        for values in (one.joints_2d, one.visible, one.joints_3d, one.box):
            digest.update(np.asarray(values, np.float64).tobytes())
    return digest.hexdigest().encode()


def _write_part(plan: Plan, part: int, out: Path, settings: Settings) -> None:
    """Cut the people of a unit into a file beside its place, then move it there."""
    labels, path = plan.units[part].load(), part_path(out, part)
    kept: list[tuple[Record, Cut]] = []
    with _unless_full(path), _new_zip(path) as archive:
        archive.comment = _fingerprint(labels.records)
        for labelled, frame in iterate_frames(labels.records, labels.skipped):
            record = check_person(labelled, plan.skeleton, frame.shape[1::-1], labels.skipped)
            cut = cut_person(frame, record, settings.crop, settings.margin)
            if cut is None:
                labels.skipped["the person lies outside the frame"] += 1
                continue
            archive.writestr(member_name(len(kept)), cut.jpeg)
            kept.append((record, cut))
        archive.writestr(_LABELS, npz_bytes(_columns(plan, kept)))
        archive.writestr(_SKIPPED, json.dumps(labels.skipped))


def _columns(plan: Plan, kept: Sequence[tuple[Record, Cut]]) -> dict[str, np.ndarray]:
    """Labels as arrays, a row a person."""
    shapes = column_shapes(plan.skeleton, CAMERA_MODELS.get(plan.camera_model, 0))
    rows = [_row(plan, record, cut) for record, cut in kept]
    arrays = {}
    for name, (dtype, shape) in shapes.items():
        arrays[name] = np.array([row[name] for row in rows], dtype).reshape(len(rows), *shape)
    for name in kept[0][0].extra if kept else ():
        arrays[name] = np.array([record.extra[name] for record, _ in kept], np.float32)
    return arrays


def _row(plan: Plan, record: Record, cut: Cut) -> dict[str, Any]:
    """The columns of one person."""
    pose, known, root = _relative(plan.skeleton, record.joints_3d)
    points = record.joints_2d @ cut.affine[:, :2].T + cut.affine[:, 2]
    return {
        **{name: getattr(record, name) for name in (*_COUNTED, "sequence")},
        "frame": record.number,
        "joints_2d": np.where((record.visible != UNKNOWN)[:, None], points, 0),
        "visible": record.visible,
        "joints_3d": pose,
        "has_3d": known,
        "root": root,
        "box": cut.box,
        "size": cut.size,
        "affine": cut.affine,
        "camera_values": record.camera_values or np.full(CAMERA_MODELS.get(plan.camera_model, 0), np.nan),
        "head_size": record.head_size * np.sqrt(np.linalg.det(cut.affine[:, :2])),
    }


def _relative(skeleton: Skeleton, joints: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joints relative to the root (J, 3), which are known (J,), and the root (3,): mid-hips where the set has none."""
    if joints is None:
        return np.zeros((len(skeleton), 3)), np.zeros(len(skeleton), bool), np.full(3, np.nan)
    hips = [skeleton.index("left_hip"), skeleton.index("right_hip")]
    root = joints[skeleton.root] if skeleton.root >= 0 else joints[hips].mean(0)
    known = np.isfinite(joints).all(1) & np.isfinite(root).all()
    return np.where(known[:, None], joints - root, 0), known, root


def _finish(plan: Plan, out: Path, settings: Settings, licence_page: str) -> dict[str, Any]:
    """Put the labels of all parts into one file, then write the index."""
    parts, skipped = [], Counter(plan.skipped)
    for part in range(len(plan.units)):
        path, advice = part_path(out, part), "delete it and run the command again"
        try:
            with zipfile.ZipFile(path) as archive, archive.open(_LABELS) as file:
                labels = read_arrays(file, None, advice)
                skipped.update(json.loads(archive.read(_SKIPPED)))
        except (ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is damaged ({error}): {advice}") from error
        count = len(labels["split"])
        labels |= {"part": np.full(count, part, np.int32), "member": np.arange(count, dtype=np.int32)}
        if count:
            parts.append(labels)
    if not parts:
        listed = "; ".join(f"{reason}: {count}" for reason, count in skipped.items()) or "no labels"
        raise ValueError(f"there are no people to store: all were left out ({listed})")
    columns = {name: np.concatenate([labels[name] for labels in parts]) for name in parts[0]}
    counted = {name: columns[name].tolist() for name in _COUNTED}
    index = {
        "format": FORMAT,
        "data_set": settings.data_set,
        "licence_page": licence_page,
        "joint_set": plan.skeleton.name,
        "joints": list(plan.skeleton.joints),
        "camera_model": plan.camera_model,
        "camera_values": CAMERA_MODELS.get(plan.camera_model, 0),
        "people": len(columns["split"]),
        "parts": len(plan.units),
        "crop": settings.crop,
        "margin": settings.margin,
        "every": settings.every,
        "counts": {name: dict(sorted(Counter(values).items())) for name, values in counted.items() if any(values)},
        "skipped": dict(skipped),
        "found": plan.found,
    }
    for name, content in ((ANNOTATIONS, npz_bytes(columns)), (INDEX, json.dumps(index, indent=1))):
        with _unless_full(out / name):
            write_atomically(out / name, content)
    discard_unfinished(out)
    return index


def write_scenes(
    plan: ScenePlan, out: Path, name: str, *, workers: int, side: int = STORED_SIDE
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
    sizes, boxes = [], []
    with _unless_full(archive), _new_zip(archive) as stored, ThreadPoolExecutor(workers) as pool:
        for unit in tqdm(plan.units, "prepare", unit="unit"):
            found = unit.load()
            skipped.update(found.skipped)
            for data, size, moved in pool.map(lambda one: _shrunk(one, side, skipped), found.records):
                stored.writestr(_scene_name(len(sizes)), data)
                sizes.append(size)
                boxes.append(moved)
            photos += found.records
    columns = {
        "name": np.array([_scene_name(row) for row in range(len(photos))]),
        "size": np.array(sizes, np.int32).reshape(-1, 2),
        "box_start": np.cumsum([0, *map(len, boxes)]),
        "boxes": np.concatenate([np.zeros((0, 4), np.float32), *boxes]),
        "box_flag": np.concatenate([np.zeros(0, np.int8), *(photo.flags for photo in photos)]),
        "split": np.array([photo.split for photo in photos], np.str_),
        "source": np.array([photo.source for photo in photos], np.str_),
        "original": np.array([photo.path.name for photo in photos], np.str_),
    }
    with _unless_full(labels):
        write_atomically(labels, npz_bytes(columns))
    discard_unfinished(out, labels.stem)
    return labels, skipped


def _shrunk(photo: ScenePhoto, side: int, skipped: Counter[str]) -> tuple[bytes, tuple[int, int], np.ndarray]:
    """A photo as WebP, its longer side at most ``side``; its width and height, and boxes (K, 4) float32 in it."""
    picture = read_picture(Frame(photo.path, size=photo.size), skipped)
    length = np.array(picture.shape[1::-1])
    size = np.maximum(1, np.round(length * min(1, side / length.max()))).astype(int)
    if (size < length).any():
        picture = cv2.resize(picture, size.tolist(), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY])
    if not done:
        raise ValueError(f"{photo.path} of shape {picture.shape} cannot be encoded as WebP: leave it out of the set")
    # Pixel centers lie at whole numbers, so the photo begins at -0.5; rounding leaves each axis its own factor.
    moved = (photo.boxes.reshape(-1, 2) + 0.5) * (size / length) - 0.5
    return data.tobytes(), tuple(size.tolist()), moved.reshape(-1, 4).astype(np.float32)


def _scene_name(row: int) -> str:
    """Name of a photo in its zip."""
    return f"{row:06d}.webp"


@contextmanager
def _new_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip to fill, which appears whole or not at all."""
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        yield archive


@contextmanager
def _unless_full(path: Path) -> Iterator[None]:
    """What the disk refuses becomes one sentence: an OSError that names the file that cannot be written."""
    try:
        yield
    except OSError as error:
        again = "make room and run the command again, what is finished is kept"
        raise OSError(f"{path} cannot be written ({error.strerror or error}): {again}") from error
