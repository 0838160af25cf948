"""What the page keeps of a photo, so that picking, correcting and redrawing need no second estimate."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusion_model import Pose
from fusion_model.boxes import iou
from fusion_model.comparison import Comparison
from fusion_model.skeletons import SKELETONS

EVERYONE = "everyone"
_SAME_PERSON_IOU = 0.3  # from which a drawn box corrects the picked person instead of adding another


@dataclass(frozen=True)
class Person:
    """A person in a photo.

    Attributes:
        box: (4,) x0, y0, x1, y1 in pixels of the photo: as found, or as the user drew it.
        pose: None if no person was found in a drawn box.
        comparison: what the lab's networks make of the person, where they were run with the photo.
    """

    box: np.ndarray
    pose: Pose | None
    comparison: Comparison | None = None


@dataclass(frozen=True)
class Result:
    """Everyone in one photo.

    Attributes:
        photo: path of the uploaded file.
        shape: height and width of the photo in pixels.
        people: best first, then those whose boxes were drawn.
        min_score: person confidence below which a pose is not to be trusted.
        more: people below it, best first, who are not shown until they are asked for.
        draws_unsure: whether they were: then poses that are not to be trusted are drawn, too.
        emptied: whether somebody's box was deleted.
    """

    photo: str
    shape: tuple[int, int]
    people: tuple[Person, ...]
    min_score: float
    more: tuple[Person, ...] = ()
    draws_unsure: bool = False
    emptied: bool = False

    def choices(self) -> list[tuple[str, str]]:
        """Labels and values to pick from: people by number, from 1, and everyone where there are several."""
        numbered = [(f"Person {number}", str(number)) for number in range(1, len(self.people) + 1)]
        return [*numbered, ("Everyone", EVERYONE)] if len(numbered) > 1 else numbered

    def chosen(self, who: str | None) -> tuple[Person, ...]:
        """The people that a value of :meth:`choices` stands for; all of them for None."""
        if who in (None, EVERYONE):
            return self.people
        return self.people[int(who) - 1 : int(who)]

    def poses(self, who: str | None, height_mm: float) -> dict[str, Pose]:
        """Poses of the chosen people that are to be drawn, by number, scaled to a height in mm."""
        numbered = {str(number): person.pose for number, person in enumerate(self.people, start=1)}
        return {
            number: of_height(pose, height_mm)
            for number, pose in numbered.items()
            if who in (None, EVERYONE, number)
            and pose is not None
            and (self.draws_unsure or pose.score >= self.min_score)
        }

    def boxes(self) -> dict[str, np.ndarray]:
        """All boxes by number; a single person has no number."""
        if len(self.people) == 1:
            return {"": self.people[0].box}
        return {str(number): person.box for number, person in enumerate(self.people, start=1)}

    def with_box(self, who: str | None, box: Sequence[float], pose: Pose | None) -> tuple[Result, str]:
        """The result after a box was drawn, and the person it belongs to.

        Args:
            who: the person who was picked: a box over that person's corrects it, any other adds a person.
            box: x0, y0, x1, y1 in pixels of the photo.
            pose: found in it, or None.

        Returns:
            The new result, and the value of :meth:`choices` of the person in the box.
        """
        person = Person(np.array(box, np.float32), pose)
        picked = self.chosen(who)
        if len(picked) == 1 and iou(picked[0].box, person.box) >= _SAME_PERSON_IOU:
            place = next(number for number, one in enumerate(self.people) if one is picked[0])
            people = (*self.people[:place], person, *self.people[place + 1 :])
        else:
            place, people = len(self.people), (*self.people, person)
        return dataclasses.replace(self, people=people), str(place + 1)

    def without(self, who: str | None) -> Result:
        """The result after one person was deleted; the others move up. None, or everyone, deletes nobody."""
        kept = tuple(person for number, person in enumerate(self.people, start=1) if str(number) != who)
        return dataclasses.replace(self, people=kept, emptied=True)

    def with_more(self) -> Result:
        """The result with everyone, unsure ones, too."""
        return dataclasses.replace(self, people=(*self.people, *self.more), more=(), draws_unsure=True)


def of_height(pose: Pose, height_mm: float) -> Pose:
    """The same pose of a person of another height: one photo does not tell the size."""
    size = np.float32(height_mm / pose.height_mm)
    spread = None if pose.spread is None else pose.spread * size
    return dataclasses.replace(pose, joints_3d=pose.joints_3d * size, spread=spread, height_mm=float(height_mm))


def advice(result: Result, who: str | None) -> str:
    """Warnings about what is drawn, and what the user can do about it; empty if all is well."""
    if not result.people and result.emptied:
        return "**No box is left.** To draw one, drag it round a person on the picture, or press *Draw a box*."
    if not result.people and result.more:
        return (
            "**Nobody was found for sure.** Look at the weaker finds below the picture, or drag a box round the person."
        )
    if not result.people:
        return (
            "**Nobody was found in this photo.** Drag a box round the person on the picture, or try a photo that shows "
            "somebody larger, sharper or in better light."
        )
    texts = (_advice(person, result.min_score, drawn=result.draws_unsure) for person in result.chosen(who))
    return " ".join(dict.fromkeys(filter(None, texts)))


def _advice(person: Person, min_score: float, *, drawn: bool) -> str:
    """The same for one person, who is drawn even if unsure or not."""
    pose = person.pose
    if pose is None:
        return "**Nobody was found in this box.** Draw it tight round the whole person, as far as the photo shows it."
    if pose.score < min_score and drawn:
        return "**Some of these are weak finds**: see for yourself whether they are people."
    if pose.score < min_score:
        return (
            f"**Too unsure to draw** (confidence {pose.score:.2f}, and {min_score:.2f} is wanted). Draw the box "
            "tight round the whole person, or try a photo that is sharper, brighter or taken from closer."
        )
    if pose.status[SKELETONS[pose.skeleton].root] == "outside":
        return (
            "**The pelvis is beyond the frame**, so the 3D pose, which hangs on it, is a guess. "
            "A photo that shows the hips tells more."
        )
    return ""
