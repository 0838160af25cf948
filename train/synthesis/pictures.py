"""From a number to a labelled picture: who, in what posture, in what scene; rendered, and every joint labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.synthesis.backgrounds import PhotoFolder
from train.synthesis.body import BodyPack, load_body
from train.synthesis.dataset import Settings, picture_generator
from train.synthesis.labels import Label, Picture, body_azimuth, tight_box, visible_joints
from train.synthesis.motion.poses import PosedSample, PoseLibrary
from train.synthesis.renderer import Rendered, Renderer
from train.synthesis.scene import Scene, compose

_GROUP = 0.2  # fraction of pictures with two to five people
_ADULT_MM = 1700.0


class PictureMaker:
    """Makes the pictures of one data set; a callable from a picture's number to the picture.

    Args:
        renderer: draws them.
        settings: of the data set.
        motions: file of postures; None for those that come along.
        backgrounds: folder of photos; None builds every background.

    Raises:
        FileNotFoundError: if a file or photo is missing.
    """

    def __init__(
        self, renderer: Renderer, settings: Settings, motions: Path | None = None, backgrounds: Path | None = None
    ) -> None:
        self.renderer, self.settings = renderer, settings
        self.pack: BodyPack = load_body()
        self.library = PoseLibrary(motions)
        self.backgrounds = None if backgrounds is None else PhotoFolder(backgrounds)
        self.subjects = self.pack.subjects(settings.split)

    def __call__(self, index: int) -> Picture:
        """Picture number ``index``."""
        generator = picture_generator(self.settings.seed, index)
        plain = self.settings.plain
        count = 1 if plain or generator.random() >= _GROUP else int(generator.integers(2, 6))
        samples = [self._posture(generator) for _ in range(count)]
        subjects = generator.choice(self.subjects, count, replace=False)
        people = [
            (self.pack.person(int(subject)), sample.rotations, sample.support)
            for subject, sample in zip(subjects, samples, strict=True)
        ]
        scene = compose(generator, self.pack, people, self.backgrounds, self.settings.size, plain=plain)
        rendered = self.renderer.render(scene)
        labels = [label_person(scene, rendered, number, sample) for number, sample in enumerate(samples)]
        people = [label for label in labels if label is not None]
        return Picture(rendered.image, scene.camera.intrinsics, people, scene.camera.pitch)

    def _posture(self, generator: np.random.Generator) -> PosedSample:
        """A posture of the split; in plain pictures one on its feet."""
        while True:
            sample = self.library.draw(generator, self.settings.split)
            if sample.support == "feet" or not self.settings.plain:
                return sample


def label_person(scene: Scene, rendered: Rendered, number: int, sample: PosedSample) -> Label | None:
    """Label of person ``number`` of a scene, None if no pixel shows it."""
    mask = rendered.person == number + 1
    box = tight_box(mask)
    if box is None:
        return None
    placed = scene.people[number]
    person = placed.dressed.person
    pixels, camera = scene.camera.project(placed.joints_world)
    return Label(
        joints_2d=pixels.astype(np.float32),
        joints_3d=(camera - camera[0]).astype(np.float32),
        pelvis=camera[0].astype(np.float32),
        visible=visible_joints(pixels, camera[:, 2], rendered.depth, mask, person.stature_mm / _ADULT_MM),
        box=box,
        azimuth=body_azimuth(camera),
        subject=person.subject,
        stature=person.stature_mm,
        motion=sample.motion,
        kind=sample.kind,
    )
