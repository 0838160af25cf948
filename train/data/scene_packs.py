"""Writes packs of scenes, as :mod:`train.data.scenes` reads them: first in parts, which are then joined."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fusion_model.files import discard_unfinished, replacing
from train.data.parts import label_part, part_path, read_part, units_fingerprint, unless_full, write_parts, write_whole
from train.data.readers.pictures import read_picture
from train.data.readers.records import Frame
from train.data.readers.scene_records import ScenePlan
from train.data.zips import ZipReader
from train.engine.run_files import check_settings
from train.synthesis.dataset import npz_bytes

STORED_SIDE = 400  # pixels of a stored photo's longer side
_QUALITY = 80  # of the WebP files


def write_scenes(
    plan: ScenePlan, out: Path, name: str, section: str, *, workers: int, side: int = STORED_SIDE
) -> tuple[Path, Counter[str]]:
    """Store the photos of a plan as ``scenes_<name>.npz`` and ``.zip``; parts that an earlier run finished are kept.

    Args:
        plan: what the reader found.
        out: the folder; a pack that was begun there with the same settings goes on.
        name: of the pack.
        section: of docs/data.md, for messages.
        workers: threads; decoding and encoding run side by side.
        side: largest length of a stored photo's longer side in pixels; smaller photos are not enlarged.

    Returns:
        The npz file, and how many people were left out for which reason.

    Raises:
        ValueError: if the folder holds such a pack of other settings, or a file of the source is damaged.
        OSError: if the folder cannot be written.
    """
    labels, parts = out / f"scenes_{name}.npz", out / f"scenes_{name}.parts"
    archive, settings = labels.with_suffix(".zip"), labels.with_suffix(".json")
    if not settings.is_file() and (labels.exists() or archive.exists()):
        raise ValueError(f"{labels} or its zip is there without {settings.name}: choose another --out")
    wanted = {"pack": name, "side": side, "source": units_fingerprint(plan.units)}
    unless_full(lambda: check_settings(out, settings.name, wanted), settings)
    skipped = Counter(plan.skipped)
    if not (labels.is_file() and archive.is_file()):
        unless_full(lambda: parts.mkdir(exist_ok=True), parts)
        write_parts(parts, len(plan.units), lambda part: _write_part(plan, part, parts, side, section), workers)
        skipped += _join(parts, len(plan.units), labels)
    shutil.rmtree(parts, ignore_errors=True)
    discard_unfinished(out, labels.stem)
    return labels, skipped


def _write_part(plan: ScenePlan, part: int, parts: Path, side: int, section: str) -> None:
    """Store the photos of a unit in a file beside its place, then move it there."""
    labels, path = plan.units[part].load(), part_path(parts, part)

    def write() -> None:
        sizes, boxes = [], [np.zeros((0, 4), np.float32)]
        with replacing(path) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            for row, record in enumerate(labels.records):
                photo = read_picture(Frame(record.path, size=record.size), section, labels.skipped)
                picture, moved = _shrink(photo, record.boxes, side)
                archive.writestr(_member(row), _encode(picture, record.path))
                sizes.append(picture.shape[1::-1])
                boxes.append(moved)
            columns = {
                "size": np.array(sizes, np.int32),
                "people": np.array([len(record.boxes) for record in labels.records]),
                "boxes": np.concatenate(boxes),
                "box_flag": np.concatenate([np.zeros(0, np.int8), *(record.flags for record in labels.records)]),
                "split": np.array([record.split for record in labels.records]),
                "source": np.array([record.source for record in labels.records]),
                "original": np.array([record.path.name for record in labels.records]),
            }
            label_part(archive, columns, labels.skipped)

    unless_full(write, path)


def _shrink(picture: np.ndarray, boxes: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo with a longer side of at most ``side``, and boxes (K, 4) float32 in its pixels."""
    length = np.array(picture.shape[1::-1])
    scale = side / length.max()
    if scale >= 1:
        return picture, boxes
    size = np.maximum(1, np.round(length * scale)).astype(int)
    # Pixel centers lie at whole numbers, so the photo begins at -0.5; rounding leaves each axis its own factor.
    moved = (boxes.reshape(-1, 2) + 0.5) * (size / length) - 0.5
    return cv2.resize(picture, size.tolist(), interpolation=cv2.INTER_AREA), moved.reshape(-1, 4).astype(np.float32)


def _encode(picture: np.ndarray, path: Path) -> bytes:
    """A WebP file of a photo (H, W, 3) uint8 BGR."""
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"{path} of shape {picture.shape} cannot be encoded as WebP: leave it out of the set")
    return data.tobytes()


def _join(parts: Path, count: int, labels: Path) -> Counter[str]:
    """Put the photos of all parts into the zip, then their labels into the npz; how many were left out for what."""
    columns, skipped, names = [], Counter(), []
    reader = ZipReader("photo", "delete it and run the command again")
    archive = labels.with_suffix(".zip")

    def write() -> None:
        with replacing(archive) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as joined:
            for path in tqdm([part_path(parts, part) for part in range(count)], desc="join", unit="part"):
                arrays, left_out = read_part(path)
                for row in range(len(arrays["size"])):
                    joined.writestr(_member(len(names)), reader(path, _member(row)))
                    names.append(_member(len(names)))
                columns.append(arrays)
                skipped.update(left_out)

    unless_full(write, archive)
    joined = {name: np.concatenate([arrays[name] for arrays in columns]) for name in columns[0]}
    start = np.cumsum([0, *joined.pop("people")])
    write_whole(labels, npz_bytes(joined | {"name": np.array(names), "box_start": start}))
    return skipped


def _member(row: int) -> str:
    """Name of a photo in its zip."""
    return f"{row:06d}.webp"
