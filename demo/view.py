"""A result as a visitor has chosen to see it: everything that the page draws of a photo comes from here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from demo.captions import figure_text
from demo.downloads import file_of
from demo.drawing.figures import skeleton_figure
from demo.drawing.overlays import draw_people, map_pictures
from demo.inputs import MAX_HEIGHT_CM, MIN_HEIGHT_CM
from demo.result import Person, Result, advice
from demo.service import Service
from fusion_model import Pose
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.pose import STATUSES
from fusion_model.skeletons import MPII_16

MIN_SIDE, MAX_SIDE = 640, 1280  # pixels of the longer side of the picture that is sent to the browser
_MAP_SIDE = 448  # pixels of a map, which is to be sharp when it is enlarged

_NO_HEIGHT = (
    f"**Height** must lie between {MIN_HEIGHT_CM:g} and {MAX_HEIGHT_CM:g} cm: "
    f"until it does, {CONVENTIONAL_HEIGHT_MM / 10:g} cm is assumed."
)

MAP_GROUPS = {
    "All joints": MPII_16.joints,
    "Head and trunk": ("head_top", "neck", "thorax", "pelvis"),
    "Arms": tuple(joint for joint in MPII_16.joints if joint.endswith(("shoulder", "elbow", "wrist"))),
    "Legs": tuple(joint for joint in MPII_16.joints if joint.endswith(("hip", "knee", "ankle"))),
}
"""Which confidence maps the user can ask for."""


@dataclass(frozen=True)
class Choices:
    """What the user has chosen on the page.

    Attributes:
        who: of :meth:`demo.result.Result.choices`.
        height_cm: of the person, as written.
        min_confidence: joints below it are not drawn.
        show_outside: whether the 3D view shows joints beyond the frame.
        group: key of :data:`MAP_GROUPS`.
        kind: key of :data:`demo.exports.FORMATS`.
    """

    who: str | None
    height_cm: float | None = CONVENTIONAL_HEIGHT_MM / 10
    min_confidence: float = 0.0
    show_outside: bool = False
    group: str = "All joints"
    kind: str = "json"

    @property
    def height_mm(self) -> float:
        """Of the person; the conventional one if what is written is none."""
        return 10 * self.height_cm if self.has_height else CONVENTIONAL_HEIGHT_MM

    @property
    def has_height(self) -> bool:
        """Whether a height is written that a person may have."""
        return self.height_cm is not None and MIN_HEIGHT_CM <= self.height_cm <= MAX_HEIGHT_CM


@dataclass(frozen=True)
class View:
    """A result, as chosen.

    Attributes:
        service: the model, which reads the photo.
        result: everyone in the photo.
        choices: whom to draw, and how.
    """

    service: Service
    result: Result
    choices: Choices

    @cached_property
    def photo(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB; gr.Error if it is no longer kept."""
        return self.service.photo_of(self.result)

    @cached_property
    def poses(self) -> dict[str, Pose]:
        """Poses to draw of the chosen people, by number, at the chosen height."""
        return self.result.poses(self.choices.who, self.choices.height_mm)

    def one_person(self) -> Person | None:
        """The person who is picked, if it is one whose pose is to be trusted."""
        chosen = self.result.chosen(self.choices.who)
        return chosen[0] if len(chosen) == 1 == len(self.poses) else None

    def notice(self) -> str:
        """Advice, if there is any."""
        told = advice(self.result, self.choices.who)
        if not self.poses or self.choices.has_height:
            return told
        return f"{_NO_HEIGHT} {told}".rstrip()

    def picture(self) -> np.ndarray:
        """The photo with boxes and skeletons, (H', W', 3) uint8 RGB."""
        poses = list(self.poses.values())
        least = self.choices.min_confidence
        return draw_people(self.photo, poses, self.result.boxes(), MAX_SIDE, least, MIN_SIDE)

    def figure(self) -> go.Figure | None:
        """The 3D view, the photo behind; None if no pose is to be trusted."""
        if not self.poses:
            return None
        chosen = self.choices
        drawn = skeleton_figure(
            self.poses, self.photo, min_confidence=chosen.min_confidence, show_outside=chosen.show_outside
        )
        return drawn.update_layout(uirevision=Path(self.result.photo).parent.name)  # the camera is kept for this photo

    def caption(self) -> str:
        """The 3D view in words."""
        return figure_text(self.poses)

    def maps(self) -> list[tuple[np.ndarray, str]]:
        """One person's confidence maps, or one overlay for each of several people."""
        joints = MAP_GROUPS[self.choices.group]
        if len(self.poses) == 1:
            return map_pictures(self.photo, *self.poses.values(), _MAP_SIDE, joints)
        return [
            (map_pictures(self.photo, pose, _MAP_SIDE, joints)[0][0], f"person {number}")
            for number, pose in self.poses.items()
        ]

    def file(self) -> str | None:
        """The chosen file, in Gradio's cache folder; None if no pose is to be trusted."""
        if not self.poses:
            return None
        name, data = file_of(self.choices.kind, self.poses, self.photo, Path(self.result.photo).name)
        return save_bytes_to_cache(data, name, get_upload_folder())

    def summary(self) -> str:
        """Confidence, joints, timings and model in one line."""
        parts = []
        for number, pose in self.poses.items():
            counts = {status: pose.status.count(status) for status in STATUSES}
            joints = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
            name = "Person" if len(self.result.people) == 1 else f"Person {number}"
            parts.append(f"{name}: confidence {pose.score:.2f}, joints: {joints}")
        chosen = self.result.chosen(self.choices.who)
        seconds = [person.pose.seconds for person in chosen if person.pose is not None][:1]
        parts += [f"{name} {value * 1000:.0f} ms" for one in seconds for name, value in one.items()]
        return " · ".join([*parts, f"model `{self.service.estimator.name}`"])

    def box_text(self) -> str:
        """The box of the one person who is picked, as text to edit; empty for several."""
        people = self.result.chosen(self.choices.who)
        return ", ".join(str(round(value)) for value in people[0].box.tolist()) if len(people) == 1 else ""
