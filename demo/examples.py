"""The photos and clips that the page offers. ``python -m demo.examples`` estimates and stores the results of photos.

A result is stored in the pack ``NAME.npz`` beside its photo, so that opening the page, or an example, runs no network.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demo.result import Person, Result
from fusion_model import Pose, PoseEstimator
from fusion_model.files import replacing
from fusion_model.hub.checkpoints import DEFAULT
from fusion_model.images import load_photo

FOLDER = Path(__file__).parents[1] / "assets" / "examples"

_MAPS = 255  # what a map's 1 is stored as
_ARRAYS = ("joints_3d", "joints_2d", "confidence", "status", "heatmaps", "box", "person_box")
_SPREAD = "spread"  # of models that have measured it


@dataclass(frozen=True)
class Example:
    """A photo or clip to choose.

    Attributes:
        name: of the file in :data:`FOLDER`.
        label: what it shows, in a word or two.
    """

    name: str
    label: str

    @property
    def path(self) -> Path:
        """The file."""
        return FOLDER / self.name

    @property
    def poster(self) -> Path:
        """A picture of the 3D view of the result, of the first photo, with which the page opens."""
        return self.path.with_suffix(".webp")

    @property
    def pack(self) -> Path:
        """The stored result of a photo."""
        return self.path.with_suffix(".npz")


EXAMPLES = (
    Example("dancing.jpg", "Dancing"),
    Example("group.jpg", "Group"),
    Example("photographer.jpg", "Cameraman"),
    Example("kicking.jpg", "Kicking"),
    Example("yoga.jpg", "Yoga"),
    Example("astronaut.jpg", "Astronaut"),
    Example("climbing.jpg", "Climbing"),
    Example("child.jpg", "Child"),
)
"""Photos, in the order in which the page shows them."""

CLIPS = (Example("stretching.mp4", "Stretching"), Example("exercising.mp4", "Exercising"))
"""The same of clips."""


def stored_result(example: Example, model: str, min_score: float) -> Result | None:
    """The result of an example, as its pack has it; None if another model made it.

    Args:
        example: one of :data:`EXAMPLES`.
        model: name of the model that is served.
        min_score: its person confidence below which a pose is not to be trusted.
    """
    with np.load(example.pack, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        if about["model"] != model:
            return None
        each = {name: arrays[name] for name in (*_ARRAYS, _SPREAD) if name in arrays}
    each["heatmaps"] = each["heatmaps"].astype(np.float32) / _MAPS
    people = []
    for number, others in enumerate(about["people"]):
        values = {name: array[number] for name, array in each.items()}
        values["status"] = tuple(map(str, values["status"]))
        pose = Pose(**values, **{**others, "derived": tuple(others["derived"])}, model=model)
        people.append(Person(pose.person_box, pose))
    return Result(str(example.path), tuple(about["shape"]), tuple(people), min_score)


def store_result(example: Example, estimator: PoseEstimator) -> list[Pose]:
    """Estimate everyone in an example, best first, and write the pack; maps are rounded to 1/255, times left out."""
    photo = load_photo(example.path)
    poses = estimator.predict_all(photo)
    if not poses:
        raise ValueError(f"nobody was found in {example.path}: an example shows somebody")
    others = [
        {
            field.name: getattr(pose, field.name)
            for field in dataclasses.fields(pose)
            if field.name not in (*_ARRAYS, _SPREAD, "seconds", "model")
        }
        for pose in poses
    ]
    about = {"model": estimator.name, "shape": photo.shape[:2], "people": others}
    names = _ARRAYS if poses[0].spread is None else (*_ARRAYS, _SPREAD)
    arrays = {name: np.stack([np.array(getattr(pose, name)) for pose in poses]) for name in names}
    arrays["heatmaps"] = np.rint(_MAPS * np.clip(arrays["heatmaps"], 0, 1)).astype(np.uint8)
    with replacing(example.pack) as path, path.open("wb") as file:
        np.savez_compressed(file, **arrays, about=json.dumps(about, default=float))
    return poses


def main(arguments: Sequence[str] | None = None) -> int:
    """Store all results anew, with the bundled model; returns the exit status."""
    if sys.argv[1:] if arguments is None else arguments:
        print(__doc__)
        return 2
    estimator = PoseEstimator.from_pretrained(DEFAULT)
    for example in EXAMPLES:
        poses = store_result(example, estimator)
        print(f"{example.pack.name}: {', '.join(f'person {pose.score:.2f}' for pose in poses)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
