"""Pairs of 2D and 3D joints without pictures, from the bodies, motions and cameras of the rendered sets.

``train.fusion_stage.map_errors`` draws confidence maps from the 2D joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM
from fusion_model.skeletons import MPII_IN_HUMAN36M
from train.synthesis.body import BodyPack, Person, pose_joints
from train.synthesis.camera import draw_shot, frame
from train.synthesis.motion.poses import PoseLibrary, Split

_CAMERAS = 8  # cameras round every posed body
_JITTER = (0.85, 1.15)  # of the fraction of the crop that a person takes


@dataclass(frozen=True)
class Pairs:
    """Joints as a crop shows them, and where they are.

    Attributes:
        points: (N, 16, 2) float32 MPII's order, pixels of the crop; may lie beyond it.
        poses: (N, 17, 3) float32 Human3.6M's order, mm, camera axes, pelvis at the origin, of people of the height that
            the estimator assumes.
    """

    points: np.ndarray
    poses: np.ndarray


class PairSampler:
    """Draws pairs.

    Args:
        pack: the bodies.
        library: the postures.
        split: bodies and motions of which part.
        size: of the crop in pixels.
        margin: side of the crop over the joints' longer side.
    """

    def __init__(self, pack: BodyPack, library: PoseLibrary, split: Split, size: int, margin: float) -> None:
        self._pack, self._library, self._split, self._size = pack, library, split, size
        self._fill = (_JITTER[0] / margin, _JITTER[1] / margin)
        self._subjects = pack.subjects(split)
        self._people: dict[int, Person] = {}

    def draw(self, generator: np.random.Generator, count: int) -> Pairs:
        """That many pairs, a few cameras round every posed body."""
        points = np.empty((count, len(MPII_IN_HUMAN36M), 2), np.float32)
        poses = np.empty((count, 17, 3), np.float32)
        for row in range(count):
            if row % _CAMERAS == 0:
                world = self._posed(generator)
            camera = frame(draw_shot(generator, self._fill), world, (self._size, self._size), -np.inf)
            pixels, seen = camera.project(world)
            points[row], poses[row] = pixels[list(MPII_IN_HUMAN36M)], seen - seen[0]
        return Pairs(points, poses)

    def _posed(self, generator: np.random.Generator) -> np.ndarray:
        """(17, 3) joints of a person in some posture, mm, the lowest on the ground, at the height assumed of photos."""
        subject = int(generator.choice(self._subjects))
        if subject not in self._people:
            self._people[subject] = self._pack.skeleton(subject)
        person = self._people[subject]
        joints = pose_joints(person, self._library.draw(generator, self._split).rotations)
        return (joints - [0, joints[:, 1].min(), 0]) * (CONVENTIONAL_HEIGHT_MM / person.stature_mm)
