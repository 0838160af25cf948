"""How well a detector finds people in scenes: recall, false boxes, average precision."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from fusion_model.boxes import areas, intersections, iou
from fusion_model.detection.detector import detect
from fusion_model.detection.network import PersonDetector
from train.data.readers.registry import data_set
from train.data.scenes import Scenes

FOUND_IOU = 0.5
SMALL = 1 / 6  # height of a person over that of the photo, below which it is neither to be found nor wrong to find
_MIN_SCORE = 0.02  # of the detections that are ranked
KINDS = _HIT, _FALSE, _BESIDE = "hit", "false", "beside"  # beside: false, in a photo with people


@dataclass(frozen=True)
class Marks:
    """What became of every box found in some photos, best first.

    Attributes:
        score: (D,).
        kind: (D,) ``hit``, ``false`` in a photo without anybody, or ``beside`` people; others are not counted.
        photo: (D,) number of the photo, from 0.
        people: (P,) how many are to be found in each photo.
        empty: (P,) bool, whether nobody is in it.
        complete: (P,) bool, whether a box beside its people is false for certain.
    """

    score: np.ndarray
    kind: np.ndarray
    photo: np.ndarray
    people: np.ndarray
    empty: np.ndarray
    complete: np.ndarray


def wanted(scenes: Scenes, row: int) -> np.ndarray:
    """(K,) bool: the people of a photo who are to be found."""
    boxes = scenes.boxes[row]
    return ~scenes.unsure[row] & (boxes[:, 3] - boxes[:, 1] > SMALL * scenes.size[row, 1])


def kinds(scenes: Scenes, row: int, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """What became of the boxes (D, 4) found in a photo: (D,) kinds of :class:`Marks`, empty for what does not count.

    A person is found by the best box with an IoU of 0.5; boxes on people who are neither to be found nor wrong to find
    do not count.
    """
    people, free = scenes.boxes[row].astype(float), wanted(scenes, row)
    rest, found = ~free, np.full(len(boxes), "", dtype="U6")
    for k in np.argsort(-scores, kind="stable"):
        overlap = iou(boxes[k], people)
        best = np.where(free, overlap, 0.0)
        if best.max(initial=0.0) >= FOUND_IOU:
            free[best.argmax()] = False
            found[k] = _HIT
            continue
        inside = intersections(boxes[k], people) / np.maximum(areas(boxes[k]), 1e-9)
        if not (np.maximum(overlap, inside)[rest] >= FOUND_IOU).any():
            found[k] = _BESIDE if len(people) else _FALSE
    return found


def mark(scenes: Scenes, rows: np.ndarray, found: list[tuple[np.ndarray, np.ndarray]]) -> Marks:
    """Compare the boxes found in photos with those of the people.

    Args:
        scenes: the photos.
        rows: (P,) which of them.
        found: of each, boxes (D, 4) in photo pixels and scores (D,).
    """
    kind = [kinds(scenes, row, boxes, scores) for row, (boxes, scores) in zip(rows, found, strict=True)]
    photo = np.repeat(np.arange(len(rows)), [len(one) for one in kind])
    kind, score = np.concatenate(kind), np.concatenate([scores for _, scores in found])
    order = np.argsort(-score, kind="stable")
    order = order[kind[order] != ""]
    return Marks(
        score[order],
        kind[order],
        photo[order],
        np.array([int(wanted(scenes, row).sum()) for row in rows]),
        np.array([len(scenes.boxes[row]) == 0 for row in rows]),
        np.array([data_set(name).everyone_boxed for name in scenes.source[rows].tolist()], bool),
    )


def rates(marks: Marks, min_score: float | np.ndarray) -> dict[str, float]:
    """What is found and what is false at a score, one for all photos or (P,) one for each.

    Returns:
        ``recall`` in % of all people and ``recall_complete`` of those in completely boxed sets, with their numbers
        ``people`` and ``people_complete``; ``false_boxes`` a photo without anybody, ``false_boxes_beside`` people; and
        the standard error of each under its name with ``_se``.
    """
    count = len(marks.people)
    taken = marks.score >= np.broadcast_to(min_score, count)[marks.photo]
    per_photo = {kind: np.bincount(marks.photo[taken & (marks.kind == kind)], minlength=count) for kind in KINDS}
    figures: dict[str, float] = {}
    for name, photos in (("", np.ones(count, bool)), ("_complete", marks.complete)):
        people = int(marks.people[photos].sum())
        recall = per_photo[_HIT][photos].sum() / max(people, 1)
        figures |= {f"recall{name}": 100 * recall, f"people{name}": people}
        figures[f"recall{name}_se"] = 100 * float((recall * (1 - recall) / max(people, 1)) ** 0.5)
    for name, kind, photos in (
        ("false_boxes", _FALSE, marks.empty),
        ("false_boxes_beside", _BESIDE, marks.complete & ~marks.empty),
    ):
        boxes = per_photo[kind][photos]
        figures |= {name: float(boxes.mean()) if len(boxes) else 0.0, f"{name}_photos": len(boxes)}
        figures[f"{name}_se"] = float(boxes.std(ddof=1) / len(boxes) ** 0.5) if len(boxes) > 1 else 0.0
    return figures


def crossed_rates(marks: Marks, false_boxes: float, beside: float) -> dict[str, float]:
    """:func:`rates` of each half of the photos, every other one, at the operating point of the other half."""
    even = np.arange(len(marks.people)) % 2 == 0
    points = [operating_point(marks, false_boxes, beside, half) for half in (~even, even)]
    return rates(marks, np.where(even, *points))


def operating_point(marks: Marks, false_boxes: float, beside: float, photos: np.ndarray | bool = True) -> float:
    """The lowest score that leaves at most so many false boxes on a photo without people, and on one with.

    Args:
        marks: what was found.
        false_boxes: that are allowed on a photo without anybody.
        beside: that are allowed beside people who are all boxed.
        photos: (P,) bool, those that count; True for all.
    """
    limit, mine = -np.inf, np.broadcast_to(photos, len(marks.people))
    for kind, allowed, where in ((_FALSE, false_boxes, marks.empty), (_BESIDE, beside, marks.complete & ~marks.empty)):
        wrong = marks.score[(marks.kind == kind) & (where & mine)[marks.photo]]
        limit = max([limit, *wrong[int(allowed * (where & mine).sum()) :][:1]])  # the best that is one too many
    return float(marks.score[mine[marks.photo] & (marks.score > limit)].min(initial=1.0))


def average_precision(marks: Marks) -> float:
    """Area under precision over recall, in %, precision made to fall; boxes beside people count in complete sets."""
    counted = (marks.kind != _BESIDE) | marks.complete[marks.photo]
    hit = marks.kind[counted] == _HIT
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return 100 * float(precision[hit].sum() / max(marks.people.sum(), 1))


def detector_figures(network: PersonDetector, scenes: Scenes) -> dict[str, float]:
    """Average precision of a detector alone, and its recall at 0.1 false boxes, on every other validation photo."""
    rows = np.flatnonzero(scenes.validation)[::2]
    config = dataclasses.replace(network.config, min_score=_MIN_SCORE)
    found = []
    for row in rows:
        detections = detect(network, scenes.photo(int(row)), config)
        boxes = np.array([one.box for one in detections]).reshape(-1, 4)
        found.append((boxes, np.array([one.score for one in detections])))
    marks = mark(scenes, rows, found)
    return {"ap": average_precision(marks), "scene_recall": rates(marks, operating_point(marks, 0.1, 0.2))["recall"]}
