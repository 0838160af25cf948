"""Finding people: recall against false boxes."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fusion_model.finder import iou, sightings
from train.data.crowds import Crowd

FALSE_BOXES = 0.2  # a picture


def crowd_figures(network: nn.Module, crowds: list[Crowd], batch: int = 50) -> dict[str, float]:
    """Recall in % at IoU 0.5 with 0.2 false boxes a picture, the score that gives it, and the median turn's error.

    Args:
        network: finder in evaluation mode.
        crowds: pictures whose labels are complete.
        batch: pictures at once.
    """
    device = next(network.parameters()).device
    found = []
    for start in range(0, len(crowds), batch):
        images = np.stack([crowd.image for crowd in crowds[start : start + batch]])
        images = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255).to(device)
        outputs = network(images.contiguous(memory_format=torch.channels_last))
        found += [sightings(output, 0.05, 0.6) for output in outputs]
    people = sum(len(crowd.boxes) for crowd in crowds)
    marks, turns = [], []
    for crowd, seen in zip(crowds, found, strict=True):
        free = np.ones(len(crowd.boxes), bool)
        for box, angle, score in seen:
            overlap = iou(box, crowd.boxes.astype(float)) * free if free.any() else np.zeros(1)
            right = bool(overlap.max(initial=0.0) >= 0.5)
            if right:
                person = int(overlap.argmax())
                free[person] = False
                if crowd.axes[person].any():
                    true = np.rad2deg(np.arctan2(crowd.axes[person][1], crowd.axes[person][0]))
                    turns.append(abs((angle - true + 180) % 360 - 180))
            x, y = ((box[:2] + box[2:]) / 2 / 8).astype(int).clip(0, len(crowd.trust) - 1)
            if right or crowd.trust[y, x] == 1:
                marks.append((score, right))
    marks.sort(key=lambda mark: -mark[0])
    recall, least = recall_at(marks, people, FALSE_BOXES * len(crowds))
    return {"recall": 100 * recall, "least": least, "turn_error": float(np.median(turns)) if turns else 180.0}


def recall_at(marks: list[tuple[float, bool]], people: int, most_false: float) -> tuple[float, float]:
    """Best recall with at most so many false boxes, and the lowest score accepted for it.

    Args:
        marks: score and whether it is right of every box, best first.
        people: to be found.
        most_false: false boxes allowed in all.
    """
    right = wrong = 0
    best, least = 0.0, 1.0
    for score, hit in marks:
        right, wrong = right + hit, wrong + (not hit)
        if wrong > most_false:
            break
        best, least = right / max(people, 1), score
    return best, least
