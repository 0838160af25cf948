"""Windows of photos beside the labelled person, which mostly show nobody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fusion_model.crop_inference import CropPredictor
from fusion_model.crops import Crop

Window = tuple[int, int, int, int]  # x0, y0, x1, y1 in whole pixels, x1 and y1 not included

ENOUGH_JOINTS = 4  # labelled, for a person's box to be trusted
BATCH = 256  # windows that an estimator looks at together
_BYSTANDER = 0.2  # score from which somebody may be there
_PAD = 0.06  # room round a person's box, over its longer side


def beside_person(extent: Sequence[float], box: np.ndarray, least: int) -> Window | None:
    """The largest window of a photo on one side of its person, by the shorter side, or None if there is little room.

    Args:
        extent: x0, y0, x1, y1 between which the photo's pixels lie.
        box: (4,) x0, y0, x1, y1 round the person.
        least: pixels of the window's shorter side.
    """
    x0, y0, x1, y1 = extent
    pad = _PAD * (box[2:] - box[:2]).max()
    left, top, right, bottom = box + pad * np.array([-1, -1, 1, 1])
    parts = ((x0, y0, left, y1), (right, y0, x1, y1), (x0, y0, x1, top), (x0, bottom, x1, y1))
    a, b, c, d = max(parts, key=lambda part: min(part[2] - part[0], part[3] - part[1]))
    found = (int(np.ceil(a)), int(np.ceil(b)), int(c), int(d))
    return found if min(found[2] - found[0], found[3] - found[1]) >= least else None


def show_nobody(predictor: CropPredictor, found: Sequence[tuple[np.ndarray, Window]]) -> list[bool]:
    """Whether an estimator sees nobody in the middle square of each window.

    Args:
        predictor: of the estimator.
        found: (H, W, 3) uint8 RGB photos and a window of each, :data:`BATCH` at most.
    """
    crops = [
        Crop(
            ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2),
            float(min(x1 - x0, y1 - y0)),
            0.0,
            predictor.config.hourglass.input_size,
        )
        for _, (x0, y0, x1, y1) in found
    ]
    return [one.score < _BYSTANDER for one in predictor.predict([photo for photo, _ in found], crops)]


def left_out(dropped: int, total: int) -> str:
    """What to print about windows in which somebody is seen."""
    return f"{dropped} of {total} windows beside people show somebody and are left out"
