"""HTML: the rotatable 3D view as one page that needs no network."""

from __future__ import annotations

from demo.drawing.figures import skeleton_figure
from fusion_model import Pose

_HEIGHT = 720  # pixels


def encode(pose: Pose) -> bytes:
    """Write one person's 3D view.

    Args:
        pose: of the person to draw.

    Returns:
        A whole page in UTF-8 with Plotly inside it: some megabytes.
    """
    figure = skeleton_figure(pose)
    figure.update_layout(height=_HEIGHT)
    return figure.to_html(include_plotlyjs=True, full_html=True, config={"displaylogo": False}).encode()
