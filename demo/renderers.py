"""What the page shows of a kept result: each function makes one component's value.

Picture, maps and files go to the page as updates of their components, such as ``gr.Image(picture)``. Any update, even
one that skips a component, makes a copy of it for the visitor, and Gradio never deletes the files of a copy's plain
values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from demo.captions import figure_text
from demo.downloads import file_of
from demo.drawing.figure_view import figure_value
from demo.drawing.figures import skeleton_figure
from demo.drawing.overlays import draw_cross, draw_people, map_pictures
from demo.inputs import checked_height
from demo.result import Result
from demo.service import Service
from fusion_model import Pose
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.pose import STATUSES
from fusion_model.skeletons import MPII_16

MAX_SIDE = 1280  # pixels of the picture that is sent to the browser

MAP_GROUPS = {
    "all joints": MPII_16.joints,
    "head and trunk": ("head_top", "neck", "thorax", "pelvis"),
    "arms": tuple(joint for joint in MPII_16.joints if joint.endswith(("shoulder", "elbow", "wrist"))),
    "legs": tuple(joint for joint in MPII_16.joints if joint.endswith(("hip", "knee", "ankle"))),
}
"""Which confidence maps the user can ask for."""


@dataclass(frozen=True)
class Choices:
    """What the user has chosen on the page.

    Attributes:
        who: of :meth:`demo.result.Result.choices`.
        height_cm: of the person.
        min_confidence: joints below it are not drawn.
        show_outside: whether the 3D view shows joints beyond the frame.
        group: key of :data:`MAP_GROUPS`.
        kind: key of :data:`demo.exports.FORMATS`.
    """

    who: str | None
    height_cm: float | None
    min_confidence: float
    show_outside: bool
    group: str
    kind: str

    @classmethod
    def first(cls) -> Choices:
        """What the page starts with."""
        height_cm = CONVENTIONAL_HEIGHT_MM / 10
        return cls("1", height_cm, 0.0, show_outside=False, group=next(iter(MAP_GROUPS)), kind="json")

    def poses(self, result: Result) -> dict[str, Pose]:
        """Trusted poses of the chosen people, by number, at the chosen height; gr.Error if that is out of range."""
        return result.poses(self.who, 10 * checked_height(self.height_cm))


def picture(
    photo: np.ndarray, result: Result, choices: Choices, corner: tuple[float, float] | None = None
) -> np.ndarray:
    """The photo with boxes and skeletons, (H', W', 3) uint8 RGB.

    Args:
        photo: (H, W, 3) uint8 RGB.
        result: of that photo.
        choices: whom to draw, and which joints.
        corner: x, y of the first corner of a box that is being drawn, pixels of the photo.
    """
    poses = list(choices.poses(result).values())
    drawn = draw_people(photo, poses, result.boxes(), MAX_SIDE, choices.min_confidence)
    if corner is not None:
        scale = max(1.0, max(result.shape) / MAX_SIDE)
        draw_cross(drawn, ((corner[0] + 0.5) / scale - 0.5, (corner[1] + 0.5) / scale - 0.5))
    return drawn


def to_photo(result: Result, x: float, y: float) -> tuple[float, float]:
    """A pixel of :func:`picture` -> pixels of the photo."""
    scale = max(1.0, max(result.shape) / MAX_SIDE)
    return (x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5


def figure(photo: np.ndarray, result: Result, choices: Choices) -> go.Figure | None:
    """The 3D view, the photo behind; None if no pose is to be trusted."""
    poses = choices.poses(result)
    if not poses:
        return None
    drawn = skeleton_figure(poses, photo, min_confidence=choices.min_confidence, show_outside=choices.show_outside)
    return drawn.update_layout(uirevision=Path(result.photo).parent.name)  # the camera is kept for this photo


def maps(photo: np.ndarray, result: Result, choices: Choices) -> list[tuple[np.ndarray, str]]:
    """One person's confidence maps, or one overlay for each of several people."""
    poses, joints = choices.poses(result), MAP_GROUPS[choices.group]
    if len(poses) == 1:
        return map_pictures(photo, *poses.values(), joints=joints)
    return [(map_pictures(photo, pose, joints=joints)[0][0], f"person {number}") for number, pose in poses.items()]


def download(photo: np.ndarray, result: Result, choices: Choices) -> gr.DownloadButton:
    """The download button, enabled if there is a file."""
    path = file_path(photo, result, choices)
    return gr.DownloadButton(value=path, interactive=path is not None)


def file_path(photo: np.ndarray, result: Result, choices: Choices) -> str | None:
    """The chosen file, in Gradio's cache folder; None if no pose is to be trusted."""
    poses = choices.poses(result)
    if not poses:
        return None
    name, data = file_of(choices.kind, poses, photo, Path(result.photo).name)
    return save_bytes_to_cache(data, name, get_upload_folder())


def caption(result: Result, choices: Choices) -> str:
    """The 3D view in words."""
    return figure_text(choices.poses(result))


def summary(service: Service, result: Result, choices: Choices) -> str:
    """Confidence, joints, timings and model in one line."""
    poses, parts = choices.poses(result), []
    for number, pose in poses.items():
        counts = {status: pose.status.count(status) for status in STATUSES}
        joints = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        name = "Person" if len(result.people) == 1 else f"Person {number}"
        parts.append(f"{name}: confidence {pose.score:.2f}, joints: {joints}")
    seconds = [person.pose.seconds for person in result.chosen(choices.who) if person.pose is not None][:1]
    parts += [f"{name} {value * 1000:.0f} ms" for one in seconds for name, value in one.items()]
    return " · ".join([*parts, f"model `{service.estimator.name}`"])


def box_text(result: Result, who: str | None) -> str:
    """The box of the one person who is picked, as text to edit; empty for several."""
    people = result.chosen(who)
    return ", ".join(str(round(value)) for value in people[0].box.tolist()) if len(people) == 1 else ""


def quick_values(service: Service, photo: np.ndarray, result: Result, choices: Choices) -> tuple[Any, ...]:
    """Picture, summary, box text, the 3D view and its caption: what the user waits for."""
    return (
        picture(photo, result, choices),
        summary(service, result, choices),
        box_text(result, choices.who),
        figure_value(figure(photo, result, choices)),
        caption(result, choices),
    )


def late_values(photo: np.ndarray, result: Result, choices: Choices) -> tuple[Any, ...]:
    """Maps and download button."""
    return gr.Gallery(maps(photo, result, choices)), download(photo, result, choices)
