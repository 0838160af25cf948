"""The motion as one 3D figure with a slider and a play button."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import plotly.graph_objects as go

from demo.drawing.figures import skeleton_figure
from demo.drawing.overlays import joint_opacity
from demo.drawing.people import bone_path, coordinates
from demo.drawing.shades import INK, side_css
from demo.drawing.stage import upright
from demo.drawing.views import BUTTONS
from demo.video.motion import Motion
from fusion_model import Pose
from fusion_model.skeletons import SKELETONS

FIGURE_HEIGHT = 560

_PLAYER = {"x": 0.0, "xanchor": "left", "y": 0.0, "yanchor": "top"}
_BONES = {"mode": "lines", "hoverinfo": "skip"}
_JOINTS = {"mode": "markers", "hoverinfo": "text"}
_AT_ONCE = {"mode": "immediate", "transition": {"duration": 0}}


def motion_figure(motion: Motion) -> go.Figure:
    """The 3D skeletons of all processed frames, laid out as :func:`demo.drawing.figures.skeleton_figure` does.

    Args:
        motion: T frames.

    Returns:
        A figure of explicit height with T frames named by their number in the clip, axes in mm that hold the whole
        motion and are equally long, everyone standing on the floor, and a camera that stays where it was turned to.
        Frames without the person are empty, and the slider says so.
    """
    still, shown = skeleton_figure(_hull(motion)), motion.found[0]
    floor = [trace for trace in still.data if trace.name in ("floor", "grid")]
    drawn = [_drawn(pose, floor[0].z[0]) for pose in motion.poses]
    first = [{**base, **one} for base, one in zip((_BONES, _JOINTS), drawn[shown], strict=True)]
    figure = go.Figure([*floor, *first], layout=still.layout)
    figure.frames = [
        {"name": str(number), "data": one, "traces": [2, 3]} for number, one in zip(motion.frames, drawn, strict=True)
    ]
    figure.layout.updatemenus = [still.layout.updatemenus[0], _player(motion)]  # nothing to switch off
    figure.update_layout(
        height=FIGURE_HEIGHT,
        margin={"b": 110},
        sliders=[_slider(motion, shown)],
    )
    return figure


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
        f"somebody found in {len(motion.found)} of {len(motion.frames)}, {'' if motion.smoothed else 'not '}smoothed, "
        f"{first.height_mm / 10:.0f} cm tall · model {first.model}"
    )


def _hull(motion: Motion) -> Pose:
    """A pose with two joints at the ends of the whole motion: axes that hold it hold all frames."""
    poses = [motion.poses[place] for place in motion.found]
    every = np.concatenate([pose.joints_3d for pose in poses])
    joints = poses[0].joints_3d.copy()
    joints[0], joints[1] = every.min(0), every.max(0)
    return dataclasses.replace(poses[0], joints_3d=joints)


def _drawn(pose: Pose | None, floor: float) -> list[dict[str, Any]]:
    """One frame: bones as one line with gaps, and joints, the lowest on the floor; both empty without a pose."""
    if pose is None:
        nothing: dict[str, Any] = {"type": "scatter3d", "x": [], "y": [], "z": []}
        return [nothing, nothing]
    points, opacity, skeleton = upright(pose.joints_3d), joint_opacity(pose), SKELETONS[pose.skeleton]
    points[:, 2] += floor - points[:, 2].min()
    bones = [bone for bone in skeleton.bones if opacity[list(bone)].min() > 0]
    joints = np.flatnonzero(opacity)
    lines, colours = bone_path(pose, points, opacity, bones)
    dots = [side_css(skeleton.side(joint), float(opacity[joint])) for joint in joints]
    return [
        {"type": "scatter3d", **coordinates(lines), "line": {"color": colours, "width": 9}},
        {
            "type": "scatter3d",
            **coordinates(points[joints]),
            "marker": {"size": 4.5, "color": dots},
            "hovertext": [_hover_text(pose, joint) for joint in joints],
        },
    ]


def _hover_text(pose: Pose, joint: int) -> str:
    """What hovering over a joint shows, in camera axes."""
    x, y, z = pose.joints_3d[joint].tolist()
    name = SKELETONS[pose.skeleton].joints[joint].replace("_", " ")
    return (
        f"<b>{name}</b><br>x {x:.0f}, y {y:.0f}, z {z:.0f} mm (right, down, away)"
        f"<br>confidence {pose.confidence[joint]:.2f}, {pose.status[joint]}"
    )


def _player(motion: Motion) -> dict[str, Any]:
    """Buttons that play this motion's frames, at the clip's pace, and pause."""
    names = [str(number) for number in motion.frames]
    pace = {"frame": {"duration": 1000 * motion.frame_seconds, "redraw": True}, "fromcurrent": True, **_AT_ONCE}
    stop = {"frame": {"duration": 0, "redraw": False}, **_AT_ONCE}
    return {
        "type": "buttons",
        "direction": "left",
        "buttons": [
            {"label": "Play", "method": "animate", "args": [names, pace]},
            {"label": "Pause", "method": "animate", "args": [[None], stop]},
        ],
        "showactive": False,
        **_PLAYER,
        "pad": {"t": 68, "l": 4},
        **BUTTONS,
    }


def _slider(motion: Motion, shown: int) -> dict[str, Any]:
    """A step for each frame, called by its time."""
    jump = {"frame": {"duration": 0, "redraw": True}, **_AT_ONCE}
    steps = [
        {
            "label": f"{seconds:.2f} s{'' if pose is not None else ' (nobody found)'}",
            "method": "animate",
            "args": [[str(number)], jump],
        }
        for number, seconds, pose in zip(motion.frames, motion.times, motion.poses, strict=True)
    ]
    return {
        **_PLAYER,
        "active": shown,
        "steps": steps,
        "len": 1,
        "pad": {"t": 10, "l": 12, "r": 12},
        "currentvalue": {"xanchor": "left", "font": {"size": 13, "color": INK}},
        "ticklen": 0,
        "minorticklen": 0,
        "font": {"color": "rgba(0,0,0,0)", "size": 1},  # of the labels below, for which there is no room
    }
