"""From where a 3D view is seen, and its buttons: one list of them for Plotly and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

VIEWPOINTS = {"Front": (0.0, -1.0, 0.04), "Side": (1.0, 0.0, 0.04), "Top": (0.0, -0.09, 1.0)}
"""Which way the eye lies from the body, plot axes: front is where the camera was."""

BUTTONS = {"bgcolor": "#e8eaee", "bordercolor": "#c5cad3", "font": {"color": "#2b2f36", "size": 12}}
"""Colours of buttons inside a figure."""

_FIRST = (0.5, -0.83, 0.22)  # a little to the side, so that depth shows
_UNIT = 1000.0  # mm in one of the units in which Plotly places the eye
_HALF_VIEW = float(np.tan(np.pi / 8))  # half of what Plotly's eye sees at distance 1
_MIN_SIZE = 750.0  # mm, so that half a body does not fill the view
_EDGE = 50.0  # mm round everything: Plotly cuts what lies on the end of an axis
_ROOM = 1.35  # what is seen is larger by that than the body: buttons lie over the view's edge
_LEAST_ROOM = 1.25  # in front, where the eye stays where the camera was if it can
_UP = {"x": 0.0, "y": 0.0, "z": 1.0}
# Toolbar buttons that the view's own replace, or that would turn the body over.
_REMOVED = ["zoom3d", "pan3d", "orbitRotation", "tableRotation", "resetCameraDefault3d", "resetCameraLastSave3d"]


def view(body: np.ndarray, everything: np.ndarray, lens: np.ndarray | None) -> dict[str, Any]:
    """Layout of a figure that shows bodies upright, however it is turned, on axes of equal length.

    Args:
        body: (N, 3) mm, plot axes: what fills the view at first.
        everything: (M, 3) mm: what the axes hold.
        lens: (3,) mm, where the camera was, for the view from the front, which is from farther behind if that would
            cut bodies off; None if that is not known.
    """
    ranges = np.stack((everything.min(0) - _EDGE, everything.max(0) + _EDGE))
    middle, origin = (body.min(0) + body.max(0)) / 2, ranges.mean(0)

    def camera(way: tuple[float, float, float]) -> dict[str, Any]:
        """Of Plotly, seen from that way, as near as all of the body is in view."""
        ahead = np.array(way) / np.linalg.norm(way)
        return _camera(middle + _distance(body - middle, ahead, _ROOM) * ahead - origin, middle - origin)

    cameras = {name: camera(way) for name, way in VIEWPOINTS.items()}
    if lens is not None:
        center = np.array([lens[0], middle[1], lens[2]])
        distance = max(middle[1] - lens[1], _distance(body - center, np.array([0.0, -1.0, 0.0]), _LEAST_ROOM))
        cameras["Front"] = _camera(center - [0, distance, 0] - origin, center - origin)
    first = camera(_FIRST)
    axes = {f"{axis}axis": {"range": ranges[:, k].tolist(), "visible": False} for k, axis in enumerate("xyz")}
    ratio = dict(zip("xyz", (np.ptp(ranges, axis=0) / _UNIT).tolist(), strict=True))
    scene = {**axes, "aspectmode": "manual", "aspectratio": ratio, "camera": first, "dragmode": "turntable"}
    buttons = [_viewpoint(name, one) for name, one in {**cameras, "Reset": first}.items()]
    return {
        "scene": scene,
        "modebar": {"orientation": "v", "remove": _REMOVED},
        "updatemenus": [menu(buttons, x=0.0, xanchor="left", y=1.0, yanchor="bottom")],
    }


def switches(groups: Mapping[str, Sequence[str]], traces: Sequence[str]) -> dict[str, Any]:
    """Buttons that hide and show traces.

    Args:
        groups: names of traces under the label of each button; one without traces is left out.
        traces: names of all traces.
    """
    numbers = {label: [k for k, name in enumerate(traces) if name in group] for label, group in groups.items()}
    buttons = [
        {"label": label, "method": "restyle", "args": [{"visible": False}, found], "args2": [{"visible": True}, found]}
        for label, found in numbers.items()
        if found
    ]
    return menu(buttons, x=1.0, xanchor="right", y=1.0, yanchor="bottom")


def menu(buttons: list[dict[str, Any]], **place: Any) -> dict[str, Any]:
    """A row of buttons of Plotly's."""
    return {
        "type": "buttons",
        "direction": "left",
        "buttons": buttons,
        "showactive": False,
        "pad": {"b": 8, "l": 4, "r": 4},
        **place,
        **BUTTONS,
    }


def _distance(points: np.ndarray, way: np.ndarray, room: float) -> float:
    """How far from the origin, in mm, an eye that lies that way (unit vector) has points (N, 3) in view, and room."""
    right = np.cross((0, 0, 1), way) / np.linalg.norm(way[:2])
    aside = np.abs(points @ np.stack((right, np.cross(way, right)), axis=1)).max(1)
    return float(np.max(room / _HALF_VIEW * np.maximum(aside, _MIN_SIZE / 2) + points @ way))


def _camera(eye: np.ndarray, center: np.ndarray) -> dict[str, Any]:
    """Plotly's camera, from mm."""
    places = {"eye": eye, "center": center}
    return {
        **{name: dict(zip("xyz", np.round(place / _UNIT, 4).tolist(), strict=True)) for name, place in places.items()},
        "up": _UP,
    }


def _viewpoint(name: str, camera: dict[str, Any]) -> dict[str, Any]:
    """A button that brings the eye somewhere."""
    return {"label": name, "method": "relayout", "args": [{"scene.camera": camera}]}
