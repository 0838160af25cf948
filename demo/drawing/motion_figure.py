"""The motion in 3D: one figure of a body, and where that body is in every frame."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np
import plotly.graph_objects as go

from demo.drawing import people, stage
from demo.drawing.body_mesh import Mesh, attached
from demo.drawing.figures import scene_layout
from demo.drawing.overlays import joint_opacity
from demo.drawing.rig import Rig
from demo.drawing.shades import INK, shade
from demo.drawing.skin import Skin
from demo.video.motion import Motion
from fusion_model.pose import STATUSES

HIDDEN = 255
"""Tone of a part of the body that is not drawn in a frame."""

_STEPS = 10  # corners round a limb
_THICK = 110.0  # mm from a joint to the end of the body, at most
_SHADOWS = (("left_ankle",), ("right_ankle",), ("pelvis", "thorax"))  # what is between those joints throws one
_TO_PLOT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # from the axes of the rig: x right, y up, z to the camera


def motion_figure(motion: Motion) -> tuple[go.Figure, dict[str, Any]]:
    """The body in the first frame that shows the person, and what moves it.

    Args:
        motion: T frames.

    Returns:
        A figure of floor, grid, shadow, body and joints, axes in mm that hold the whole motion and are equally long;
        and, JSON-ready, ``times`` (T) in seconds, ``found`` (T), ``names`` of the J joints and of the ``statuses``,
        ``shadows``, each below the middle of those joints, and
        arrays as ``{"type", "shape", "data"}``, of which ``corners`` (V, 3) mm are the T-pose, ``nodes`` (V, 2) and
        ``weights`` (V, 2) the nodes that they follow, and ``parts`` (V,) what they belong to. In each frame,
        ``matrices`` (T, K, 3, 4) bring them from the T-pose to the figure's axes; ``tones`` (T, P) are the parts'
        shades, or :data:`HIDDEN`; ``joints`` (T, J, 3) mm have camera axes and ``lift`` (T,) mm is what the figure
        lifts them by, so that the lowest part of the body is on the floor; ``confidence`` (T, J) is in percent and
        ``status`` (T, J) a number of ``statuses``.
    """
    found = [motion.poses[place] for place in motion.found]
    rig = Rig.of(found)
    opacity = attached(rig.skeleton, np.stack([joint_opacity(pose) for pose in found]))
    skin = Skin.of(rig, (opacity > 0).any(0).astype(float), found[0].height_mm, _STEPS)
    lift = -skin.lowest(rig)
    tones = np.stack([_tones(skin, one) for one in opacity])
    arrays = {
        "matrices": _matrices(rig, lift),
        "tones": tones,
        "joints": np.stack([pose.joints_3d for pose in found]).astype(np.float32),
        "lift": lift.astype(np.float32),
        "confidence": np.rint(100 * np.stack([pose.confidence for pose in found])).clip(0, 100).astype(np.uint8),
        "status": np.array([[STATUSES.index(one) for one in pose.status] for pose in found], np.uint8),
    }
    moving = {
        "times": list(motion.times),
        "found": [pose is not None for pose in motion.poses],
        "shadows": [[rig.skeleton.index(name) for name in names] for names in _SHADOWS],
        "names": [name.replace("_", " ") for name in rig.skeleton.joints],
        "statuses": list(STATUSES),
        "corners": packed(skin.mesh.corners.astype(np.float32)),
        "nodes": packed(skin.nodes.astype(np.uint8)),
        "weights": packed(skin.weights),
        "parts": packed(skin.parts.astype(np.uint8)),
        **{name: packed(_spread(values, motion)) for name, values in arrays.items()},
    }
    first = Mesh(skin.posed(rig, 0) @ _TO_PLOT.T + [0, 0, lift[0]], skin.mesh.faces, tones[0][skin.parts])
    return _figure(first, rig.points @ _TO_PLOT.T + lift[:, None, None] * [0, 0, 1]), moving


def packed(values: np.ndarray) -> dict[str, Any]:
    """An array, JSON-ready: its bytes in base 64, the lowest first."""
    data = b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()
    return {"type": str(values.dtype), "shape": list(values.shape), "data": data}


def motion_sentence(motion: Motion) -> str:
    """What is shown, in words."""
    clip, first = motion.clip, motion.poses[motion.found[0]]
    every = "every frame" if motion.step == 1 else f"one frame in {motion.step}"
    gaps = ""
    if clip.missing:
        announced = clip.frames + clip.missing
        gaps = f"**{clip.missing} of {announced} frames are missing: the file is damaged or cut off.** "
    return (
        f"{gaps}{clip.path.name}: {clip.seconds:.1f} s, {clip.width} x {clip.height} pixels, {every} processed, "
        f"person found in {len(motion.found)} of {len(motion.frames)}, {'' if motion.smoothed else 'not '}smoothed, "
        f"{first.height_mm / 10:.0f} cm tall · model {first.model}"
    )


def _tones(skin: Skin, opacity: np.ndarray) -> np.ndarray:
    """(P,) uint8, the shade of each part of a body whose joints have that opacity (J,)."""
    strength = [float(opacity[list(joints)].min()) for joints in skin.part_joints]
    pairs = zip(skin.part_sides, strength, strict=True)
    return np.array([shade(side, one) if one > 0 else HIDDEN for side, one in pairs], np.uint8)


def _matrices(rig: Rig, lift: np.ndarray) -> np.ndarray:
    """(T, K, 3, 4) float32 that bring the T-pose to each frame, in plot axes, lifted by (T,) mm."""
    turns = _TO_PLOT @ rig.turns
    places = rig.points @ _TO_PLOT.T - np.einsum("tkij,kj->tki", turns, rig.rest)
    places[..., 2] += lift[:, None]
    return np.concatenate((turns, places[..., None]), axis=3).astype(np.float32)


def _spread(values: np.ndarray, motion: Motion) -> np.ndarray:
    """Values of the frames that show the person as those of all frames; the others get zeros."""
    every = np.zeros((len(motion.poses), *values.shape[1:]), values.dtype)
    every[list(motion.found)] = values
    return every


def _figure(body: Mesh, nodes: np.ndarray) -> go.Figure:
    """The body in one frame, on a floor at the height 0, and axes for nodes (T, K, 3) mm, plot axes."""
    every = np.concatenate([nodes.reshape(-1, 3) + side * _THICK for side in (-1, 1)])
    every[:, 2] = np.maximum(every[:, 2], 0)
    ground, radius = stage.ground(every)
    ground[2] = 0
    edges = np.concatenate((every, ground + radius * np.array([[-1, -1, 0], [1, 1, 0]])))
    joints = go.Scatter3d(
        x=[], y=[], z=[], mode="markers", marker={"size": 2, "color": INK, "line": {"width": 0}},
        hovertext=[], hoverinfo="text", name="joints",
    )  # fmt: skip
    traces = [*stage.floor(ground, radius), stage.blobs(3), people.shaded(body), joints]
    return go.Figure(traces, scene_layout(every, edges, None))
