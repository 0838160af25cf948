"""Writes the prepared format: the units of a plan in parallel, each into a part that appears whole or not at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fusion_model.files import discard_unfinished
from fusion_model.skeletons import Skeleton
from train.data.cameras import CAMERA_MODELS
from train.data.cutting import Cut, cut_person
from train.data.parts import (
    label_part,
    new_part,
    part_path,
    read_part,
    units_fingerprint,
    unless_full,
    write_parts,
    write_whole,
)
from train.data.prepared import ANNOTATIONS, FORMAT, INDEX, SETTINGS, column_shapes, member_name
from train.data.readers.checks import check_person
from train.data.readers.frames import iterate_frames
from train.data.readers.records import UNKNOWN, Plan, Record
from train.engine.run_files import check_settings
from train.synthesis.dataset import npz_bytes

_COUNTED = ("split", "subject", "action", "camera")
_OUTSIDE = "the person lies outside the frame"


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
    _open_folder(out, plan, settings)
    write_parts(out, len(plan.units), lambda part: _write_part(plan, part, out, settings), workers)
    return _finish(plan, out, settings, licence_page)


def _open_folder(out: Path, plan: Plan, settings: Settings) -> None:
    """Make the folder, or check that it holds the same."""
    if not (out / SETTINGS).is_file() and (any(out.glob("part-*.zip")) or (out / INDEX).exists()):
        raise ValueError(f"{out} holds parts of something else, without {SETTINGS}: choose another --out")
    wanted = asdict(settings) | {"cameras": list(settings.cameras), "source": units_fingerprint(plan.units)}
    with unless_full(out / SETTINGS):
        check_settings(out, SETTINGS, wanted)


def _write_part(plan: Plan, part: int, out: Path, settings: Settings) -> None:
    """Cut the people of a unit into a file beside its place, then move it there."""
    labels = plan.units[part].load()
    kept: list[tuple[Record, Cut]] = []
    with new_part(part_path(out, part)) as archive:
        for labelled, frame in iterate_frames(labels.records, labels.skipped):
            record = check_person(labelled, plan.skeleton, frame.shape[1::-1], labels.skipped)
            cut = cut_person(frame, record, settings.crop, settings.margin)
            if cut is None:
                labels.skipped[_OUTSIDE] += 1
                continue
            archive.writestr(member_name(len(kept)), cut.jpeg)
            kept.append((record, cut))
        label_part(archive, _columns(plan, kept), labels.skipped)


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
    labelled = record.visible != UNKNOWN
    points = record.joints_2d @ cut.affine[:, :2].T + cut.affine[:, 2]
    return {
        **{name: getattr(record, name) for name in (*_COUNTED, "sequence")},
        "frame": record.number,
        "joints_2d": np.where(labelled[:, None], points, 0),
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
        labels, left_out = read_part(part_path(out, part))
        count = len(labels["split"])
        labels |= {"part": np.full(count, part, np.int32), "member": np.arange(count, dtype=np.int32)}
        skipped.update(left_out)
        if count:
            parts.append(labels)
    if not parts:
        listed = "; ".join(f"{reason}: {count}" for reason, count in skipped.items()) or "no labels"
        raise ValueError(f"there are no people to store: all were left out ({listed})")
    columns = {name: np.concatenate([labels[name] for labels in parts]) for name in parts[0]}
    write_whole(out / ANNOTATIONS, npz_bytes(columns))
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
    write_whole(out / INDEX, json.dumps(index, indent=1).encode())
    discard_unfinished(out)
    return index
