"""The 3D view of people, and the bars of the fusion weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from demo.drawing import people, stage, views
from demo.drawing.shades import INK, side_css
from fusion_model import Pose
from fusion_model.estimator import FusionSummary

FIGURE_HEIGHT = 532
BARS_HEIGHT = 200
_FAINT = "rgba(128,134,145,0.28)"
_CLEAR = "rgba(0,0,0,0)"
_PALE = "rgba(41,151,255,0.38)"
_SWITCHES = {"Photo": ("camera",), "Uncertainty": ("uncertainty",)}


def skeleton_figure(
    poses: Mapping[str, Pose], photo: np.ndarray, *, min_confidence: float = 0.0, show_outside: bool = False
) -> go.Figure:
    """People in 3D, upright on a floor, all axes in mm and equally long; the origin is the first one's pelvis.

    Args:
        poses: people by their numbers, at least one.
        photo: (H, W, 3) uint8 RGB: people are where it shows them, as far away as their size in it says, and the
            page puts it behind them (``layout.meta``).
        min_confidence: joints below it are left out.
        show_outside: whether joints beyond the frame, which are guesses, are drawn too (bones dotted).

    Returns:
        A figure with buttons; the clear ellipsoid round a joint has the half axes of
        :attr:`fusion_model.Pose.spread`.
    """
    shown = list(poses.values())
    camera = stage.Camera.usual(photo.shape[:2], shown)
    bodies, lens = people.bodies(shown, camera, min_confidence=min_confidence, show_outside=show_outside)
    every = np.concatenate([body.extent for body in bodies])
    ground, radius = stage.ground(every)
    corners = camera.corners(every[:, 1].max() + stage.BEHIND - lens[1]) + lens
    traces = [*stage.floor(ground, radius), *(stage.shadow(body.mesh, ground[2]) for body in bodies)]
    traces.append(stage.frustum(lens, corners))
    for body, number in zip(bodies, poses, strict=True):
        traces += [people.shaded(body.mesh), *people.dotted(body), people.joints(body)]
        traces += [people.number(body, number)] if len(bodies) > 1 else []
    clear = people.spread(bodies)
    traces = [trace for trace in (*traces, clear) if trace is not None]  # after all that is seen through it
    edges = [every, ground + radius * np.array([[-1, -1, 0], [1, 1, 0]]), every.max(0)[None] + np.array([0, 0, 300])]
    edges += [] if clear is None else [np.stack([clear[axis] for axis in "xyz"], axis=1)]  # the less sure, the wider
    above = [body.above[None] + [0, 0, 100] for body in bodies if len(bodies) > 1]
    layout = scene_layout(np.concatenate([every, *above]), np.concatenate([*edges, corners, lens[None]]), lens)
    layout["meta"] = stage.backdrop(photo, corners)
    layout["updatemenus"].append(views.switches(_SWITCHES, [trace.name for trace in traces]))
    return go.Figure(traces, layout)


def scene_layout(body: np.ndarray, everything: np.ndarray, lens: np.ndarray | None) -> dict[str, Any]:
    """Layout of a 3D figure, with buttons to look from all sides; see :func:`demo.drawing.views.view`."""
    return {
        "height": FIGURE_HEIGHT,
        "margin": {"l": 0, "r": 0, "t": 44, "b": 0},
        "paper_bgcolor": _CLEAR,
        "font": {"color": INK},
        "template": "none",
        "showlegend": False,
        "uirevision": "pose",
        "hoverlabel": {"align": "left"},
        **views.view(body, everything, lens),
    }


def weights_figure(fusion: FusionSummary) -> go.Figure:
    """Bars of w_1..w_L, and the curve of Eq. 3 that they were read from.

    0 keeps the two streams apart in that layer, 1 uses the fused one alone.
    """
    weights = [float(weight) for weight in fusion.weights]
    layers = [str(layer) for layer in range(1, len(weights) + 1)]
    bars = go.Bar(x=layers, y=weights, marker_color=_PALE, hovertemplate="layer %{x}: w = %{y:.3f}<extra></extra>")
    still = {"fixedrange": True}
    figure = go.Figure([bars, *_curve(fusion)])
    figure.update_layout(
        height=BARS_HEIGHT,
        margin={"l": 44, "r": 8, "t": 8, "b": 40},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        font={"color": INK},
        bargap=0.5,
        uirevision="weights",
        showlegend=False,
        xaxis={"title": {"text": "layer"}, "type": "category", "range": [-0.5, len(weights) - 0.5], **still},
        xaxis2={"overlaying": "x", "range": [0.5, len(weights) + 0.5], "visible": False, **still},
        yaxis={"title": {"text": "weight w"}, "range": [0, 1.02], "gridcolor": _FAINT, "zeroline": False, **still},
    )
    return figure


def _curve(fusion: FusionSummary) -> list[go.Scatter]:
    """Eq. 3 between the layers; nothing for strategies without."""
    if fusion.alpha is None or fusion.beta is None:
        return []
    layers = np.linspace(0.5, len(fusion.weights) + 0.5, 121)
    weights = 1 / (1 + np.exp(-np.clip(fusion.alpha * (layers - fusion.beta), -60, 60)))
    line = {"color": side_css("left"), "width": 3}
    return [go.Scatter(x=layers, y=weights, xaxis="x2", mode="lines", line=line, hoverinfo="skip")]


def weights_sentence(fusion: FusionSummary) -> str:
    """What the fusion network has learnt, in a few sentences."""
    if fusion.alpha is None or fusion.beta is None:
        text = f"The streams are merged by the strategy **{fusion.strategy}**, which has no alpha and beta to learn."
    else:
        text = (
            f"**beta = {fusion.beta:.2f}** is where the curve crosses one half: the network reads photo and heatmaps "
            f"apart before it, and merged after it. **alpha = {fusion.alpha:.2f}** is how steep the curve is there: "
            "the steeper, the sharper the decision."
        )
    weights = ", ".join(f"{float(weight):.2f}" for weight in fusion.weights)
    text += f" The bars are w as the model uses it, layer by layer: {weights}."
    if fusion.pruned and fusion.merge_after is not None:
        text += (
            f" What never counts was cut away: there are two streams up to layer {fusion.merge_after}, and one from "
            "there on."
        )
    return text
