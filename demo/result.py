"""What the page keeps of a photo, so that picking, correcting and redrawing need no second estimate."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusion_model import Pose
from fusion_model.skeletons import SKELETONS

EVERYBODY = "everybody"
_SAME = 0.3  # overlap (IoU) from which a drawn box means the person who is picked rather than somebody else


@dataclass(frozen=True)
class Person:
    """Somebody in a photo.

    Attributes:
        box: (4,) x0, y0, x1, y1 in pixels of the photo: as found, or as people drew it.
        pose: None where nobody was found in a box that people drew.
    """

    box: np.ndarray
    pose: Pose | None


@dataclass(frozen=True)
class Result:
    """Everybody in one photo.

    Attributes:
        photo: path of the uploaded file.
        shape: height and width of the photo in pixels.
        people: best first, then those whose boxes were drawn.
        least_score: person confidence below which a pose is not to be trusted.
    """

    photo: str
    shape: tuple[int, int]
    people: tuple[Person, ...]
    least_score: float

    def choices(self) -> list[tuple[str, str]]:
        """What to pick from, as label and value: people by number, from 1, and everybody where there are several."""
        numbered = [(f"Person {number}", str(number)) for number in range(1, len(self.people) + 1)]
        return [*numbered, ("Everybody", EVERYBODY)] if len(numbered) > 1 else numbered

    def chosen(self, who: str | None) -> tuple[Person, ...]:
        """The people that a value of :meth:`choices` means; all of them for None."""
        if who in (None, EVERYBODY):
            return self.people
        return self.people[int(who) - 1 : int(who)]

    def poses(self, who: str | None, height_mm: float) -> dict[str, Pose]:
        """Poses to be trusted of the people meant, by their numbers, scaled to a height in mm."""
        numbered = {str(number): person.pose for number, person in enumerate(self.people, start=1)}
        return {
            number: of_height(pose, height_mm)
            for number, pose in numbered.items()
            if who in (None, EVERYBODY, number) and pose is not None and pose.score >= self.min_score
        }

    def boxes(self) -> dict[str, np.ndarray]:
        """Everybody's box by number; one person alone bears no number."""
        if len(self.people) == 1:
            return {"": self.people[0].box}
        return {str(number): person.box for number, person in enumerate(self.people, start=1)}

    def with_box(self, who: str | None, box: Sequence[float], pose: Pose | None) -> tuple[Result, str]:
        """The result after a box was drawn, and whom it shows.

        Args:
            who: the person who was picked: a box over that person's corrects it, any other adds somebody.
            box: x0, y0, x1, y1 in pixels of the photo.
            pose: found in it, or None.

        Returns:
            The new result, and the value of :meth:`choices` that the box belongs to.
        """
        person = Person(np.array(box, np.float32), pose)
        picked = self.chosen(who)
        if len(picked) == 1 and _overlap(picked[0].box, person.box) >= _SAME:
            place = next(number for number, one in enumerate(self.people) if one is picked[0])
            people = (*self.people[:place], person, *self.people[place + 1 :])
        else:
            place, people = len(self.people), (*self.people, person)
        return dataclasses.replace(self, people=people), str(place + 1)


def of_height(pose: Pose, height_mm: float) -> Pose:
    """The same pose of a person of another height: one photo does not tell the size."""
    scaled = pose.joints_3d * np.float32(height_mm / pose.height_mm)
    return dataclasses.replace(pose, joints_3d=scaled, height_mm=float(height_mm))


def advice(result: Result, who: str | None) -> str:
    """What people should know before they trust what is drawn, and what they can do about it; empty if all is well."""
    if not result.people:
        return (
            "**Nobody was found in this photo.** Draw a box round the person (below), or try a photo that shows "
            "somebody larger, sharper or in better light."
        )
    people = result.chosen(who)
    return " ".join(dict.fromkeys(text for person in people if (text := _advice(person, result.min_score))))


def _advice(person: Person, least_score: float) -> str:
    """The same for one person."""
    pose = person.pose
    if pose is None:
        return "**Nobody was found in this box.** Draw it tight round the whole person, as far as the photo shows it."
    if pose.score < least_score:
        return (
            f"**Too unsure to draw** (confidence {pose.score:.2f}, and {least_score:.2f} is wanted). Draw the box "
            "tight round the whole person, or try a photo that is sharper, brighter or taken from closer."
        )
    if pose.status[SKELETONS[pose.skeleton].root] == "outside":
        return (
            "**The pelvis is beyond the frame**, so the 3D pose, which hangs on it, is a guess. "
            "A photo that shows the hips tells more."
        )
    return ""


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes (4,)."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    common = float(np.prod(np.maximum(high - low, 0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (first, second)]
    return common / max(sum(areas) - common, 1e-9)
