"""The camera's picture with the skeleton, and the body in 3D beside it, one frame after the other.

The browser keeps the frame that it has sent, and draws on it what comes back: no picture goes to the page, none to the
disk. It sends the next frame, the newest, when the answer to the last one is there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from demo.captions import facing
from demo.drawing import figure_view, people, stage
from demo.drawing.body_mesh import Mesh, attached, body_mesh, body_parts
from demo.drawing.figures import scene_layout
from demo.drawing.motion_figure import packed
from demo.drawing.overlays import joint_opacity, line_width
from fusion_model import Pose
from fusion_model.drawing import SIDE_COLOURS, bone_side
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.skeletons import SKELETONS, Skeleton

_JS, _CSS = (Path(__file__).with_name(f"live_view.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
_STEPS = 6  # corners round a limb
_BODY = np.array([(-450.0, -350.0, -300.0), (450.0, 350.0, 1800.0)])  # mm: what fills the view, the floor's edge below
_REACH = np.array([(-1100.0, -1100.0, -20.0), (1100.0, 1100.0, 2200.0)])  # mm: what the axes hold
_SHADOWS = (  # joints that throw one, its radius in m, how dark it is, and the height in mm at which it is half as dark
    (("left_ankle",), 0.16, 0.9, 150.0),
    (("right_ankle",), 0.16, 0.9, 150.0),
    (("pelvis", "thorax"), 0.34, 0.8, 900.0),
)
_ON_LOAD = """
const send = (number, frame) => trigger('frame', { number, frame });
const view = liveView(element.querySelector('.live'), send, props.figure);
watch('value', () => { if (props.value) view.answer(JSON.parse(props.value)); });
"""


def live_view(skeleton: str, elem_id: str) -> gr.HTML:
    """The component, whose values are those of :func:`live_value`.

    Its event ``frame`` has a ``number``, 1 for the first after a start, and a ``frame``, JPEG in a data URL. Each must
    be answered by a value with its number, before the next one is sent.

    Args:
        skeleton: key of :data:`fusion_model.skeletons.SKELETONS`, of all poses.
        elem_id: of the component.
    """
    html = (
        '<div class="live"><div class="views"><div><div class="film">'
        '<canvas hidden role="img" aria-label="The camera&rsquo;s picture with the skeleton"></canvas>'
        '<video muted playsinline hidden></video><p class="note" role="status"></p></div>'
        '<div class="controls"><button type="button" class="go">Start the camera</button>'
        '<button type="button" class="turn" hidden>Other camera</button><output class="pace" aria-live="off"></output>'
        f"</div></div>{figure_view.markup('3D body', '')}</div></div>"
    )
    return gr.HTML(
        "",
        html_template=html,
        css_template=figure_view.CSS + _CSS,
        js_on_load=figure_view.JS + figure_view.WITH_PLOTLY + _JS + _ON_LOAD,
        apply_default_css=False,
        label="Live",
        elem_id=elem_id,
        figure=figure_view.figure_value(_empty_figure(SKELETONS[skeleton])),
    )


def live_value(number: object, pose: Pose | None, error: str = "") -> str:
    """The answer to a frame, as JSON.

    Args:
        number: of the frame.
        pose: of the person in it; None if nobody was found.
        error: why there is no answer; empty if there is one.
    """
    found = {} if pose is None else {**_flat(pose), **_solid(pose), "said": _said(pose)}
    return json.dumps({"number": number, "error": error, "found": pose is not None, **found}, default=float)


def _empty_figure(skeleton: Skeleton) -> go.Figure:
    """The floor, and shadows and a body without extent: their triangles are those of every frame."""
    size = len(skeleton)
    mesh = body_mesh(skeleton, np.zeros((size, 3)), np.ones(size), CONVENTIONAL_HEIGHT_MM, _STEPS)
    body, shadows = people.shaded(mesh), stage.blobs(len(_SHADOWS))
    body.update(dict.fromkeys("xyz", np.zeros(len(body.x))))
    shadows.update(dict.fromkeys("xy", np.zeros(len(shadows.x))))
    return go.Figure([*stage.floor(np.zeros(3), 1000.0), shadows, body], scene_layout(_BODY, _REACH, None))


def _flat(pose: Pose) -> dict[str, Any]:
    """The skeleton in pixels of the frame, as :func:`demo.drawing.overlays.draw_people` draws it."""
    skeleton, opacity, bones, joints = SKELETONS[pose.skeleton], joint_opacity(pose), [], []
    places = pose.joints_2d.round(1)
    for bone in skeleton.bones:
        colour, strength = SIDE_COLOURS[bone_side(skeleton, bone)], opacity[list(bone)].min()
        if strength > 0:
            bones.append((*places[list(bone)].ravel(), colour, strength))
    for joint in np.flatnonzero(opacity):
        colour, hollow = SIDE_COLOURS[skeleton.side(joint)], pose.status[joint] != "seen"
        joints.append((*places[joint], colour, opacity[joint], hollow))
    return {"width": line_width(pose, pose.joints_2d), "bones": bones, "joints": joints}


def _solid(pose: Pose) -> dict[str, Any]:
    """Corners and shades of the body on the floor and of its shadows; what is not drawn is in one point."""
    skeleton, points = SKELETONS[pose.skeleton], stage.upright(pose.joints_3d)
    opacity = attached(skeleton, joint_opacity(pose))
    parts = body_parts(skeleton, points, np.where(opacity > 0, opacity, 1.0), pose.height_mm, _STEPS)
    drawn = np.repeat(
        [opacity[list(joints)].min() > 0 for joints, _ in parts], [len(mesh.corners) for _, mesh in parts]
    )
    body = Mesh.joined([mesh for _, mesh in parts])
    lift = np.array([0, 0, -body.corners[drawn, 2].min() if drawn.any() else 0.0])
    corners = np.where(drawn[:, None], body.corners, points[skeleton.root])
    return {"body": _arrays(corners + lift, body.shades), "shadow": _shadows(skeleton, opacity, points + lift)}


def _shadows(skeleton: Skeleton, opacity: np.ndarray, points: np.ndarray) -> dict[str, Any]:
    """Round shadows below parts of a body: the higher the part, the wider and fainter."""
    base = stage.blobs(1)
    corners, tones = [], []
    for names, radius, strength, fall in _SHADOWS:
        owners = [skeleton.index(name) for name in names]
        x, y, z = points[owners].mean(0)
        size = radius + 0.0002 * z
        corners.append(np.stack((x + size * base.x, y + size * base.y, base.z), axis=1))
        tones.append(base.intensity * (strength / (1 + z / fall) if opacity[owners].min() > 0 else 0.0))
    return _arrays(np.concatenate(corners), np.concatenate(tones))


def _arrays(corners: np.ndarray, tones: np.ndarray) -> dict[str, Any]:
    """Corners (V, 3) mm and shades (V,) of a mesh, packed."""
    x, y, z = (packed(column) for column in np.rint(corners).clip(-32_000, 32_000).astype(np.int16).T)
    return {"x": x, "y": y, "z": z, "intensity": packed(np.rint(tones).astype(np.uint8))}


def _said(pose: Pose) -> str:
    """The pose in a few words."""
    return f"The person {facing(pose)}; {pose.status.count('seen')} of {len(pose.status)} joints are seen."
