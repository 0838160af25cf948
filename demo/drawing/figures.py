"""The rotatable 3D skeleton and the bars of the fusion weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from demo.drawing.overlays import FADED, joint_opacity
from demo.drawing.uncertainty import joint_sigma
from fusion_model import Pose
from fusion_model.drawing import SIDE_COLOURS, bone_side
from fusion_model.estimator import FusionSummary
from fusion_model.skeletons import SKELETONS

FIGURE_HEIGHT = 480
BARS_HEIGHT = 200
_MIN_SPANS = (1000.0, 1000.0, 1100.0)  # mm along the axes, so that half a body does not fill the view
_PERSON_SPACING = 1300.0  # mm between people
_MAX_BUBBLE = 300.0  # mm, radius
INK = "#7a7f87"  # readable on white and on near black
BUTTONS = {"bgcolor": "#e8eaee", "bordercolor": "#c5cad3", "font": {"color": "#2b2f36", "size": 12}}
"""Colours of buttons inside a figure."""

_FAINT = "rgba(128,134,145,0.28)"
_FADE = (158, 163, 172)  # what faded joints fade to, between a white and a near black page
_CLEAR = "rgba(0,0,0,0)"
_CENTER, _UP = {"x": 0.0, "y": 0.0, "z": -0.1}, {"x": 0.0, "y": 0.0, "z": 1.0}  # room for titles

VIEWPOINTS = {
    "Front": {"x": 0.0, "y": -1.8, "z": 0.1},
    "Side": {"x": 1.8, "y": 0.0, "z": 0.1},
    "Top": {"x": 0.0, "y": -0.02, "z": 1.6},
}
"""Place of the eye, in lengths of the longest axis: front is where the camera was."""


def upright(joints_3d: np.ndarray) -> np.ndarray:
    """(J, 3) camera axes (x right, y down, z away) -> plot axes (right, away, up), by a turn, not a mirror."""
    return np.stack((joints_3d[:, 0], joints_3d[:, 2], -joints_3d[:, 1]), axis=1)


@dataclass(frozen=True)
class _Body:
    """One person as drawn.

    Attributes:
        pose: of the person.
        points: (J, 3) mm, plot axes.
        opacity: (J,) in [0, 1]; 0 leaves a joint and its bones out.
    """

    pose: Pose
    points: np.ndarray
    opacity: np.ndarray


def skeleton_figure(
    poses: Pose | Mapping[str, Pose], *, min_confidence: float = 0.0, show_outside: bool = False
) -> go.Figure:
    """The 3D skeleton, upright on a floor, all axes in mm and equally long.

    Args:
        poses: one pose, or people by their numbers, who are put side by side: how far apart they stand is not known.
        min_confidence: joints below it are left out.
        show_outside: whether joints beyond the frame, which are guesses, are drawn too (bones dotted).

    Returns:
        A figure; the bubble round a joint has the radius of :func:`demo.drawing.uncertainty.joint_sigma`.
    """
    people = {"": poses} if isinstance(poses, Pose) else poses
    shifts = _PERSON_SPACING * (np.arange(len(people)) - (len(people) - 1) / 2)  # side by side round the middle
    bodies = [
        _body(pose, min_confidence, show_outside, shift) for pose, shift in zip(people.values(), shifts, strict=True)
    ]
    every = np.concatenate([body.points[body.opacity > 0] if body.opacity.any() else body.points for body in bodies])
    tops = [_above(body) for body in bodies] if len(bodies) > 1 else []
    ranges = _ranges(np.stack([*every, *tops]))
    traces = [_floor(ranges, round(float(every[:, 2].min()), 1))]
    for body in bodies:
        traces += [*_bones(body), *_bubbles(body), _joints(body)]
    for top, number in zip(tops, people, strict=False):
        traces.append(go.Scatter3d(**coordinates(top[None]), mode="text", text=[f"<b>{number}</b>"], hoverinfo="skip"))
    layout = {
        "height": FIGURE_HEIGHT,
        "margin": {"l": 0, "r": 0, "t": 44, "b": 0},
        "paper_bgcolor": _CLEAR,
        "font": {"color": INK},
        "showlegend": False,
        "uirevision": "pose",
        "hoverlabel": {"align": "left"},
        "scene": _scene(ranges),
        "updatemenus": [_viewpoint_buttons()],
    }
    return go.Figure(traces, layout)


def weights_figure(fusion: FusionSummary) -> go.Figure:
    """Bars of w_1..w_L: 0 keeps the two streams apart in that layer, 1 uses the fused one alone."""
    weights = [float(weight) for weight in fusion.weights]
    layers = [str(layer) for layer in range(1, len(weights) + 1)]
    bars = go.Bar(
        x=layers, y=weights, marker_color=side_css("left"), hovertemplate="layer %{x}: w = %{y:.3f}<extra></extra>"
    )
    figure = go.Figure(bars)
    figure.update_layout(
        height=BARS_HEIGHT,
        margin={"l": 44, "r": 8, "t": 8, "b": 40},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        font={"color": INK},
        bargap=0.35,
        uirevision="weights",
        xaxis={"title": {"text": "layer l"}, "type": "category", "fixedrange": True},
        yaxis={"title": {"text": "w"}, "range": [0, 1.02], "gridcolor": _FAINT, "zeroline": False, "fixedrange": True},
    )
    return figure


def weights_sentence(fusion: FusionSummary) -> str:
    """What the fusion network has learnt, in one or two sentences."""
    if fusion.alpha is None or fusion.beta is None:
        text = f"The streams are merged by the strategy **{fusion.strategy}**, which has no alpha and beta to learn."
    else:
        text = (
            f"The network has learnt to merge its two streams around layer **beta = {fusion.beta:.2f}**, "
            f"with a steepness of **alpha = {abs(fusion.alpha):.2f}**."
        )
    if fusion.pruned and fusion.merge_after is not None:
        text += f" What never counts was cut away: two streams up to layer {fusion.merge_after}, one from there on."
    weights = ", ".join(f"{float(weight):.2f}" for weight in fusion.weights)
    return (
        f"{text} In the bars, w = 0 keeps photo and maps apart in that layer and w = 1 reads them merged. "
        f"From the first layer to the last, w is {weights}."
    )


def _ranges(points: np.ndarray) -> list[tuple[float, float]]:
    """Limits in mm of a box round the person with the floor near its bottom."""
    low, high = points.min(0), points.max(0)
    spans = np.maximum(_MIN_SPANS, 1.1 * (high - low))
    starts = (low + high - spans) / 2
    starts[2] = low[2] - 0.02 * spans[2]
    return [(float(start), float(start + span)) for start, span in zip(starts, spans, strict=True)]


def side_css(side: str, opacity: float = 1.0) -> str:
    """Colour of a side, mixed with grey where it is faded: browsers add up transparent 3D lines to glaring ones."""
    full = np.array((140, 146, 156) if side == "middle" else SIDE_COLOURS[side])
    red, green, blue = np.rint(opacity * full + (1 - opacity) * np.array(_FADE)).astype(int)
    return f"rgb({red},{green},{blue})"


def _body(pose: Pose, min_confidence: float, show_outside: bool, shift: float) -> _Body:
    """Where one person's joints are drawn, and how strongly."""
    opacity = joint_opacity(pose, min_confidence)
    if show_outside:
        outside = np.array([status == "outside" for status in pose.status])
        opacity = np.where(outside, FADED, opacity)
    return _Body(pose, upright(pose.joints_3d) + np.array([shift, 0.0, 0.0]), opacity)


def bone_path(
    pose: Pose, points: np.ndarray, opacity: np.ndarray, bones: Sequence[tuple[int, int]]
) -> tuple[np.ndarray, list[str]]:
    """Bones as one line with gaps: a browser draws one trace much faster than one for each bone.

    Args:
        pose: of the person.
        points: (J, 3) mm, plot axes.
        opacity: (J,) in [0, 1].
        bones: pairs of joints.

    Returns:
        (3 B, 3) mm, a row of NaN after each bone, and the colour of each row.
    """
    gap = np.full((1, 3), np.nan)
    rows = [np.concatenate((points[list(bone)], gap)) for bone in bones]
    colours = [side_css(bone_side(SKELETONS[pose.skeleton], bone), float(opacity[list(bone)].min())) for bone in bones]
    return np.concatenate([np.empty((0, 3)), *rows]), [colour for colour in colours for _ in range(3)]


def _bones(body: _Body) -> list[go.Scatter3d]:
    """Bones with two drawn ends; dotted where one was not in the frame."""
    drawn = [bone for bone in SKELETONS[body.pose.skeleton].bones if body.opacity[list(bone)].min() > 0]
    unseen = [any(body.pose.status[joint] == "outside" for joint in bone) for bone in drawn]
    lines = []
    for dash, dotted in (("solid", False), ("dot", True)):
        bones = [bone for bone, one in zip(drawn, unseen, strict=True) if one == dotted]
        if bones:
            path, colours = bone_path(body.pose, body.points, body.opacity, bones)
            line = {"color": colours, "width": 7, "dash": dash}
            lines.append(go.Scatter3d(**coordinates(path), mode="lines", line=line, hoverinfo="skip"))
    return lines


def _joints(body: _Body) -> go.Scatter3d:
    """The joints with name, coordinates in camera axes, confidence and sigma to hover over."""
    pose, skeleton, sigma = body.pose, SKELETONS[body.pose.skeleton], joint_sigma(body.pose)
    drawn = np.flatnonzero(body.opacity)
    texts = []
    for joint in drawn:
        x, y, z = pose.joints_3d[joint].tolist()
        off = f"<br>map sigma ± {sigma[joint]:.0f} mm" if np.isfinite(sigma[joint]) else ""
        texts.append(
            f"<b>{skeleton.joints[joint].replace('_', ' ')}</b>"
            f"<br>x {x:.0f} mm (right)<br>y {y:.0f} mm (down)<br>z {z:.0f} mm (away)"
            f"<br>confidence {pose.confidence[joint]:.2f}, {pose.status[joint]}{off}"
        )
    colours = [side_css(skeleton.side(joint), float(body.opacity[joint])) for joint in drawn]
    return go.Scatter3d(
        **coordinates(body.points[drawn]),
        mode="markers",
        marker={"size": 4.5, "color": colours, "line": {"width": 0}},
        hovertext=texts,
        hoverinfo="text",
    )


def _bubbles(body: _Body) -> list[go.Mesh3d]:
    """Clear spheres round the joints, in the colours of their sides: the wider, the less sure."""
    skeleton, radius = SKELETONS[body.pose.skeleton], np.minimum(joint_sigma(body.pose), _MAX_BUBBLE)
    drawn = [joint for joint in np.flatnonzero(body.opacity) if np.isfinite(radius[joint])]
    if not drawn:
        return []
    ball, faces = _sphere()
    points = np.concatenate([body.points[joint] + radius[joint] * ball for joint in drawn])
    corners = np.concatenate([faces + number * len(ball) for number in range(len(drawn))])
    sides = list(SIDE_COLOURS)
    shades = [[shade, side_css(side)] for shade, side in zip(np.linspace(0, 1, len(sides)), sides, strict=True)]
    # Arrays, which Plotly packs: lists of that many numbers take longer to check and to send than the rest of the page.
    mesh = dict(zip("xyz", points.astype(np.float32).T, strict=True)) | dict(
        zip("ijk", corners.astype(np.uint16).T, strict=True)
    )
    intensity = np.repeat(np.uint8([sides.index(skeleton.side(joint)) for joint in drawn]), len(ball))
    colour = {"intensity": intensity, "cmin": 0, "cmax": len(sides) - 1, "colorscale": shades, "showscale": False}
    return [go.Mesh3d(**mesh, **colour, opacity=0.13, hoverinfo="skip")]


def _sphere(rings: int = 6, steps: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """A sphere of radius 1: corners (V, 3) and triangles (F, 3)."""
    polar, turn = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.arange(steps) * 2 * np.pi / steps, indexing="ij")
    corners = np.stack((np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)), -1)
    here = np.arange(rings * steps).reshape(rings, steps)
    beside, below = np.roll(here, -1, axis=1), here + steps
    across = np.roll(below, -1, axis=1)
    faces = np.concatenate((np.stack((here, below, across), -1), np.stack((here, across, beside), -1)))
    return corners.reshape(-1, 3), faces.reshape(-1, 3)


def _above(body: _Body) -> np.ndarray:
    """(3,) where a person's number stands."""
    return body.points[body.points[:, 2].argmax()] + np.array([0.0, 0.0, 150.0])


def coordinates(points: np.ndarray) -> dict[str, list[float | None]]:
    """(N, 3) mm as the arguments of a trace, with one decimal; a gap becomes None."""
    return {
        axis: [None if np.isnan(value) else round(value, 1) for value in points[:, k].tolist()]
        for k, axis in enumerate("xyz")
    }


def _floor(ranges: list[tuple[float, float]], height: float) -> go.Mesh3d:
    """A square at the lowest joint."""
    (x0, x1), (y0, y1) = ranges[:2]
    corners = {"x": [x0, x1, x1, x0], "y": [y0, y0, y1, y1], "z": [height] * 4}
    return go.Mesh3d(**corners, i=[0, 0], j=[1, 2], k=[2, 3], color="#808691", opacity=0.18, hoverinfo="skip")


def _scene(ranges: list[tuple[float, float]]) -> dict[str, Any]:
    """Axes of equal length in mm; the eye starts a little to the side, so that depth shows."""
    names = ("right", "away", "up")
    style = {"dtick": 500, "tickfont": {"size": 10}, "gridcolor": "#a9afb9"}  # the 3D axes take no transparency
    style |= dict.fromkeys(("zeroline", "showbackground", "showspikes"), False)
    axes = {
        f"{axis}axis": {"title": {"text": f"{name} (mm)", "font": {"size": 11}}, "range": list(limits), **style}
        for axis, name, limits in zip("xyz", names, ranges, strict=True)
    }
    longest = max(end - start for start, end in ranges)
    ratio = {axis: (end - start) / longest for axis, (start, end) in zip("xyz", ranges, strict=True)}
    camera = {"eye": {"x": 0.83, "y": -1.75, "z": 0.34}, "center": _CENTER, "up": _UP}
    return {**axes, "aspectmode": "manual", "aspectratio": ratio, "camera": camera, "dragmode": "orbit"}


def _viewpoint_buttons() -> dict[str, Any]:
    """Buttons that bring the eye to the front, the side or the top."""
    buttons = [
        {"label": name, "method": "relayout", "args": [{"scene.camera": {"eye": eye, "center": _CENTER, "up": _UP}}]}
        for name, eye in VIEWPOINTS.items()
    ]
    return {
        "type": "buttons",
        "direction": "left",
        "buttons": buttons,
        "showactive": False,
        "x": 0.0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "bottom",
        "pad": {"b": 8, "l": 4},
        **BUTTONS,
    }
