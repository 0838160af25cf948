"""Windows of photos beside the labelled person, which mostly show nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tqdm import tqdm

from fusion_model.crops import Crop
from fusion_model.looks import Looker

Window = tuple[int, int, int, int]  # x0, y0, x1, y1 in whole pixels, x1 and y1 not included

BYSTANDER = 0.2  # score from which a window beside the labelled person is not taken for empty
_PAD = 0.06  # room round a person's box, over its longer side
_BATCH = 256


def beside_person(extent: Sequence[float], box: np.ndarray, least: int) -> Window | None:
    """The largest window of a photo on one side of its person, or None if there is little room.

    Args:
        extent: x0, y0, x1, y1 of the photo, pixels.
        box: (4,) likewise round the person.
        least: pixels of the window's shorter side.
    """
    x0, y0, x1, y1 = extent
    pad = _PAD * (box[2:] - box[:2]).max()
    left, top, right, bottom = box + pad * np.array([-1, -1, 1, 1])
    parts = ((x0, y0, left, y1), (right, y0, x1, y1), (x0, y0, x1, top), (x0, bottom, x1, y1))
    a, b, c, d = max(parts, key=lambda part: min(part[2] - part[0], part[3] - part[1]))
    found = (int(np.ceil(a)), int(np.ceil(b)), int(c), int(d))
    return found if min(found[2] - found[0], found[3] - found[1]) >= least else None


def person_scores(looker: Looker, found: Sequence[tuple[np.ndarray, Window]]) -> Iterator[float]:
    """How surely an estimator sees a person in the middle square of each window.

    Args:
        looker: of the estimator.
        found: (H, W, 3) uint8 photos and a window of each.
    """
    size = looker.config.hourglass.input_size
    for start in tqdm(range(0, len(found), _BATCH), desc="sort out windows", unit="batch"):
        part = found[start : start + _BATCH]
        crops = [
            Crop(((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2), float(min(x1 - x0, y1 - y0)), 0.0, size)
            for _, (x0, y0, x1, y1) in part
        ]
        yield from (look.score for look in looker.look([photo for photo, _ in part], crops))
