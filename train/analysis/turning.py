"""Skeletons that one can turn: found and reference poses of the sheets' people, a page that needs no network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from fusion_model.drawing import bone_side
from fusion_model.skeletons import HUMAN36M_17
from train.analysis.sheets import REFERENCE, SIDES, Example

_EYE = {"eye": {"x": 0.7, "y": -1.6, "z": 0.3}, "center": {"x": 0, "y": 0, "z": -0.09}, "up": {"x": 0, "y": 0, "z": 1}}


def turning_page(groups: dict[str, Sequence[Example]]) -> str:
    """HTML with a menu of the people, by the name of their group; the plotting program is inside: some megabytes."""
    people = [(f"{group}, {person.name}", person) for group, members in groups.items() for person in members]
    traces, shown = [], []
    for number, (_, person) in enumerate(people):
        mine = _traces(person)
        for trace in mine:
            trace.visible = number == 0
        traces += mine
        shown += [number] * len(mine)
    buttons = []
    for number, (name, person) in enumerate(people):
        visible = [{"visible": [k == number for k in shown]}]
        buttons.append({"label": f"{name}: {person.error:.0f} mm", "method": "update", "args": visible})
    figure = go.Figure(traces)
    figure.update_layout(
        title="Found pose over the reference, pelvis on pelvis. Drag to turn, scroll or pinch to zoom; axes in mm.",
        scene=_scene(np.concatenate([np.concatenate((p.found, p.truth)) for _, p in people])),
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0, "yanchor": "bottom"},
        updatemenus=[
            {"buttons": buttons, "x": 0.01, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "pad": {"b": 8}}
        ],
    )
    settings = {"displayModeBar": False, "responsive": True}
    return figure.to_html(include_plotlyjs=True, config=settings, default_height="95vh")


def _upright(joints: np.ndarray) -> np.ndarray:
    """(J, 3) camera axes (x right, y down, z away) -> plot axes (right, away, up)."""
    return np.stack((joints[:, 0], joints[:, 2], -joints[:, 1]), 1)


def _traces(person: Example) -> list[go.Scatter3d]:
    """Reference pose, then the found one by the sides of the body."""
    reference = _lines(person.truth, HUMAN36M_17.bones, "reference", REFERENCE, 9)
    bones = {side: [bone for bone in HUMAN36M_17.bones if bone_side(HUMAN36M_17, bone) == side] for side in SIDES}
    return [reference, *(_lines(person.found, bones[side], f"found, {side}", SIDES[side], 7) for side in SIDES)]


def _lines(joints: np.ndarray, bones: Sequence[tuple[int, int]], name: str, colour: str, width: int) -> go.Scatter3d:
    """Bones as one trace with gaps; joints have their names and places to hover over."""
    points = _upright(joints)
    path: list[list[float | None]] = []
    texts: list[str] = []
    for bone in bones:
        for joint in bone:
            path.append(points[joint].tolist())
            x, y, z = joints[joint]
            words = HUMAN36M_17.joints[joint].replace("_", " ")
            texts.append(f"<b>{words}</b>, {name}<br>x {x:.0f}, y {y:.0f}, z {z:.0f} mm")
        path.append([None] * 3)
        texts.append("")
    x, y, z = (list(column) for column in zip(*path, strict=True))
    return go.Scatter3d(
        x=x, y=y, z=z, mode="lines+markers", name=name, text=texts, hoverinfo="text",
        line={"color": colour, "width": width}, marker={"color": colour, "size": 3.5},
    )  # fmt: skip


def _scene(joints: np.ndarray) -> dict:
    """Axes of equal length that hold all poses."""
    points = _upright(joints)
    style = {"dtick": 500, "backgroundcolor": "#f4f5f7", "gridcolor": "#dfe2e7", "zeroline": False, "showspikes": False}
    axes = {
        f"{axis}axis": {"title": {"text": name}, "range": [float(low) - 80, float(high) + 80], **style}
        for axis, name, low, high in zip("xyz", ("right", "away", "up"), points.min(0), points.max(0), strict=True)
    }
    return {**axes, "aspectmode": "data", "camera": _EYE, "dragmode": "orbit"}
