"""People as traces of a 3D figure: shaded bodies, joints to hover over, and how far off they may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from demo.drawing.body_mesh import Mesh, attached, body_mesh, ellipsoid
from demo.drawing.overlays import FADED, joint_opacity
from demo.drawing.shades import shade, side_css
from demo.drawing.stage import Camera, mesh_trace, upright
from fusion_model import Pose
from fusion_model.drawing import bone_side
from fusion_model.skeletons import SKELETONS

_DETAIL = ((1, 12), (2, 10), (6, 8))  # corners round a limb, of up to so many people: a crowd must not take megabytes
_LIGHT = {"ambient": 0.6, "diffuse": 0.6, "specular": 0.2, "roughness": 0.5, "fresnel": 0.1}


@dataclass(frozen=True)
class Body:
    """One person as drawn.

    Attributes:
        pose: of the person.
        points: (J, 3) mm, plot axes.
        opacity: (J,) in [0, 1]; 0 leaves a joint and its bones out.
        mesh: what is shaded.
        detail: corners round a limb.
    """

    pose: Pose
    points: np.ndarray
    opacity: np.ndarray
    mesh: Mesh
    detail: int

    @property
    def extent(self) -> np.ndarray:
        """(N, 3) mm, points that the view should hold, guesses included; all joints if none is drawn."""
        drawn = np.concatenate((self.mesh.corners, self.points[self.opacity > 0]))
        return drawn if len(drawn) else self.points

    @property
    def above(self) -> np.ndarray:
        """(3,) mm, over the head, where the number is."""
        return self.extent[self.extent[:, 2].argmax()] + np.array([0.0, 0.0, 150.0])


def bodies(
    poses: Sequence[Pose], camera: Camera, *, min_confidence: float, show_outside: bool
) -> tuple[list[Body], np.ndarray]:
    """People where they stand: the origin is the pelvis of the first.

    Args:
        poses: at least one.
        camera: that took the photo.
        min_confidence: joints below it are left out.
        show_outside: whether joints beyond the frame are drawn too.

    Returns:
        The bodies, and (3,) mm, where the camera is, plot axes.
    """
    places = np.stack([camera.place(pose) for pose in poses])
    steps = next((steps for most, steps in _DETAIL if len(poses) <= most), 6)
    drawn = []
    for pose, place in zip(poses, places - places[0], strict=True):
        skeleton, opacity = SKELETONS[pose.skeleton], joint_opacity(pose, min_confidence)
        outside = np.array([status == "outside" for status in pose.status])
        points = upright(pose.joints_3d + place)
        mesh = body_mesh(skeleton, points, attached(skeleton, opacity), pose.height_mm, steps)
        shown = attached(skeleton, np.where(outside, FADED, opacity) if show_outside else opacity)
        drawn.append(Body(pose, points, shown, mesh, steps))
    return drawn, upright(-places[:1])[0]


def shaded(mesh: Mesh) -> go.Mesh3d:
    """A body in the light of a lamp over the photographer's left shoulder."""
    lamp = dict(zip("xyz", (-4000, -6000, 9000), strict=True))
    return mesh_trace(mesh, name="body", lighting=_LIGHT, lightposition=lamp)


def dotted(body: Body) -> list[go.Scatter3d]:
    """Bones that end beyond the frame."""
    skeleton = SKELETONS[body.pose.skeleton]
    bones = [
        bone
        for bone in skeleton.bones
        if body.opacity[list(bone)].min() > 0 and any(body.pose.status[joint] == "outside" for joint in bone)
    ]
    if not bones:
        return []
    path, colours = bone_path(body.pose, body.points, body.opacity, bones)
    line = {"color": colours, "width": 7, "dash": "dot"}
    return [go.Scatter3d(**coordinates(path), mode="lines", line=line, hoverinfo="skip", name="guessed")]


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


def joints(body: Body) -> go.Scatter3d:
    """The joints with name, coordinates in camera axes, confidence and spread to hover over."""
    pose, skeleton = body.pose, SKELETONS[body.pose.skeleton]
    drawn = np.flatnonzero(body.opacity)
    texts = []
    for joint in drawn:
        x, y, z = pose.joints_3d[joint].tolist()
        off = ""
        if pose.spread is not None:
            off = f"<br>± {pose.spread[joint, 0]:.0f} mm across, ± {pose.spread[joint, 2]:.0f} mm in depth"
        texts.append(
            f"<b>{skeleton.joints[joint].replace('_', ' ')}</b>"
            f"<br>x {x:.0f} mm (right)<br>y {y:.0f} mm (down)<br>z {z:.0f} mm (away)"
            f"<br>confidence {pose.confidence[joint]:.2f}, {pose.status[joint]}{off}"
        )
    colours = [side_css(skeleton.side(joint), float(body.opacity[joint])) for joint in drawn]
    return go.Scatter3d(
        **coordinates(body.points[drawn]),
        mode="markers",
        marker={"size": 2, "color": colours, "line": {"width": 0}},
        hovertext=texts,
        hoverinfo="text",
        name="joints",
    )


def spread(drawn: Sequence[Body]) -> go.Mesh3d | None:
    """Clear ellipsoids round everyone's joints, in the colours of their sides: the wider, the less sure."""
    parts = []
    for body in drawn:
        if body.pose.spread is None:
            continue
        skeleton = SKELETONS[body.pose.skeleton]
        half_axes = body.pose.spread[:, [0, 2, 1]]  # plot axes
        parts += [
            ellipsoid(body.points[joint], half_axes[joint], shade(skeleton.side(joint)), body.detail)
            for joint in np.flatnonzero(body.opacity)
            if half_axes[joint].all()
        ]
    return mesh_trace(Mesh.joined(parts), name="uncertainty", opacity=0.16) if parts else None


def number(body: Body, text: str) -> go.Scatter3d:
    """A person's number, over the head."""
    return go.Scatter3d(
        **coordinates(body.above[None]),
        mode="markers+text",
        marker={"size": 20, "color": "#2b2f36", "line": {"width": 0}},
        text=[f"<b>{text}</b>"],
        textposition="middle center",
        textfont={"size": 14, "color": "#ffffff"},
        hoverinfo="skip",
        name="number",
    )


def coordinates(points: np.ndarray) -> dict[str, list[float | None]]:
    """(N, 3) mm as the arguments of a trace, with one decimal; a gap becomes None."""
    return {
        axis: [None if np.isnan(value) else round(value, 1) for value in points[:, k].tolist()]
        for k, axis in enumerate("xyz")
    }
