"""Finding people: recall against false boxes."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import nn

from fusion_model.boxes import iou
from fusion_model.detection.detector import decode_detections
from train.detector_stage.composites import Composite

FALSE_BOXES = 0.2  # a picture
_MIN_SCORE = 0.05  # of the detections that are ranked


def detection_figures(network: nn.Module, composites: list[Composite], batch: int = 50) -> dict[str, float]:
    """Recall in % at IoU 0.5 with 0.2 false boxes a picture, the score that gives it, and the median turn's error.

    Args:
        network: detector in evaluation mode.
        composites: pictures whose labels are complete.
        batch: pictures at once.
    """
    device = next(network.parameters()).device
    config = dataclasses.replace(network.config, min_score=_MIN_SCORE)
    found = []
    for start in range(0, len(composites), batch):
        images = np.stack([composite.image for composite in composites[start : start + batch]])
        images = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255).to(device)
        outputs = network(images.contiguous(memory_format=torch.channels_last))
        found += [decode_detections(output, config) for output in outputs]
    people = sum(len(composite.boxes) for composite in composites)
    marks, turns = [], []
    for composite, seen in zip(composites, found, strict=True):
        free = np.ones(len(composite.boxes), bool)
        for one in seen:
            box, angle, score = one.box, one.angle, one.score
            overlap = iou(box, composite.boxes.astype(float)) * free if free.any() else np.zeros(1)
            right = bool(overlap.max(initial=0.0) >= 0.5)
            if right:
                person = int(overlap.argmax())
                free[person] = False
                if composite.axes[person].any():
                    true = np.rad2deg(np.arctan2(composite.axes[person][1], composite.axes[person][0]))
                    turns.append(abs((angle - true + 180) % 360 - 180))
            x, y = ((box[:2] + box[2:]) / 2 / 8).astype(int).clip(0, len(composite.trust) - 1)
            if right or composite.trust[y, x] == 1:
                marks.append((score, right))
    marks.sort(key=lambda mark: -mark[0])
    recall, min_score = recall_at(marks, people, FALSE_BOXES * len(composites))
    return {"recall": 100 * recall, "min_score": min_score, "turn_error": float(np.median(turns)) if turns else 180.0}


def recall_at(marks: list[tuple[float, bool]], people: int, most_false: float) -> tuple[float, float]:
    """Best recall with at most so many false boxes, and the lowest score accepted for it.

    Args:
        marks: score and whether it is right of every box, best first.
        people: to be found.
        most_false: false boxes allowed in all.
    """
    right = wrong = 0
    best, min_score = 0.0, 1.0
    for score, hit in marks:
        right, wrong = right + hit, wrong + (not hit)
        if wrong > most_false:
            break
        best, min_score = right / max(people, 1), score
    return best, min_score
