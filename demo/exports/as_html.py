"""HTML: the 3D view as one page that needs no network."""

from __future__ import annotations

import numpy as np

from demo.drawing.figure_view import figure_page
from demo.drawing.figures import skeleton_figure
from fusion_model import Pose


def encode(pose: Pose, photo: np.ndarray) -> bytes:
    """Write one person's 3D view.

    Args:
        pose: of the person to draw.
        photo: (H, W, 3) uint8 RGB, which stands behind the person.

    Returns:
        A whole page in UTF-8 with Plotly inside it: some megabytes.
    """
    return figure_page(skeleton_figure({"": pose}, photo), "3D skeleton").encode()
