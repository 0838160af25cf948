"""The pose library: captured postures, and postures drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from train.synthesis.rig import RIG, mirror_posture

from .compose import MAKERS, balanced, join
from .kinds import KINDS, SUPPORT, classify, face_ahead
from .limits import possible
from .rotation import about, of_vector, to_local, to_matrices, to_world

POSES = Path(__file__).resolve().parents[3] / "assets" / "synthesis" / "cmu_poses.npz"
Split = Literal["train", "validation"]
_ARRAYS = ("quaternions", "motion", "cluster", "kind", "kind_names", "motion_names", "validation", "composed")
_MADE_BY = "train.synthesis.motion.collect"
_TRIES = 200
# What is drawn, and how often, of what is captured and of what is composed. CMU's captures sit and lie hardly ever;
# photos do often.
_CAPTURED = {"captured": 0.8, "joined": 0.2}
_COMPOSED = {
    "standing": 0.12, "reaching": 0.08, "arms_up": 0.06, "leaning": 0.06,
    "seated": 0.28, "ground_seated": 0.1, "squatting": 0.06, "kneeling": 0.06,
    "lying_back": 0.08, "lying_side": 0.06, "lying_front": 0.04,
}  # fmt: skip
# Fraction of captured postures off the ground that is kept: one subject climbs and swings on bars that no scene has.
_AIRBORNE = 0.3
# Standard deviations (degrees about the bone's own x, y and z) of the noise of copies. Captures lose the turn of the
# head, so it gets more; legs get little, so that feet stay on the ground.
_JOINT_NOISE = {
    "spine": (3, 3, 3), "chest": (3, 3, 3), "neck": (4, 8, 3), "head": (5, 12, 4),
    "upper_arm": (6, 6, 6), "forearm": (6, 6, 0), "hand": (8, 6, 6),
    "thigh": (3, 2, 2), "shin": (3, 0, 0), "foot": (3, 2, 2),
}  # fmt: skip
_NOISE = np.array([_JOINT_NOISE.get(name) or _JOINT_NOISE.get(name.partition("_")[2], (0, 0, 0)) for name in RIG.names])


@dataclass(frozen=True)
class PosedSample:
    """A posture drawn from a library.

    Attributes:
        rotations: (21, 3, 3) float32, the pelvis facing +z.
        motion: the clip, or the clips joined by ``+``, that it comes from.
        kind: one of ``KINDS``.
    """

    rotations: np.ndarray
    motion: str
    kind: str

    @property
    def support(self) -> str:
        """What carries the body: ``feet``, ``seat``, ``ground`` or ``none``."""
        return SUPPORT[self.kind]


class PoseLibrary:
    """Captured postures, grouped, and the postures that can be made of them.

    Attributes:
        rotations: (N, 21, 3, 3) float32 captured postures, the pelvis facing +z.
        motion: (N,) index into ``motion_names``.
        motion_names: clips.
        cluster: (N,) group of similar postures.
        kind: (N,) name of the kind.
        validation: (M,) bool per clip; such clips are never drawn for training.
    """

    def __init__(self, path: Path | None = None) -> None:
        path = POSES if path is None else path
        if not path.is_file():
            raise FileNotFoundError(f"{path} not found: make it with python -m {_MADE_BY}, or leave the path away")
        with np.load(path) as data:
            if missing := [name for name in _ARRAYS if name not in data]:
                raise ValueError(f"{path} lacks {', '.join(missing)}: expected a pack of {_MADE_BY}")
            self.rotations = to_matrices(data["quaternions"].astype(np.float64)).astype(np.float32)
            self.motion, self.cluster = data["motion"], data["cluster"]
            self.motion_names = [str(name) for name in data["motion_names"]]
            self.kind = data["kind_names"][data["kind"]]
            self.validation = data["validation"]
            composed = float(data["composed"])
        self._fractions = {name: fraction * (1 - composed) for name, fraction in _CAPTURED.items()}
        self._fractions |= {name: fraction * composed for name, fraction in _COMPOSED.items()}
        held_out = self.validation[self.motion]
        self._groups = {}
        for split, own in (("train", ~held_out), ("validation", held_out)):
            groups = np.unique(self.cluster[own])
            self._groups[split] = [np.flatnonzero((self.cluster == group) & own) for group in groups]

    def __len__(self) -> int:
        """Number of captured postures."""
        return len(self.rotations)

    def pick(self, generator: np.random.Generator, split: Split) -> int:
        """Index of a captured posture: a cluster evenly, then one of it that belongs to the split."""
        groups = self._groups[split]
        return int(generator.choice(groups[generator.integers(len(groups))]))

    def draw(self, generator: np.random.Generator, split: Split) -> PosedSample:
        """A posture: a varied copy of a captured one, or one composed of parts.

        Args:
            generator: of every choice.
            split: ``train`` or ``validation``; parts come from clips of that split only.

        Raises:
            ValueError: for another split.
            RuntimeError: if none of many tries kept within the limits of joints.
        """
        if split not in self._groups:
            raise ValueError(f"split must be train or validation, not {split!r}")
        source = str(generator.choice(list(self._fractions), p=list(self._fractions.values())))
        for _ in range(_TRIES):
            sample = self._try(source, generator, split)
            if possible(sample.rotations) and (source in _CAPTURED or balanced(sample.rotations, sample.kind)):
                return sample
        within = "are the library's postures within the limits of joints?"
        raise RuntimeError(f"no possible posture ({source}) in {_TRIES} tries; {within}")

    def _try(self, source: str, generator: np.random.Generator, split: Split) -> PosedSample:
        """A posture that may be impossible, from a source named in ``_CAPTURED`` or ``_COMPOSED``."""
        rotations, motion, kind = self._copy(generator, split)
        if source == "joined":
            lower, other, lower_kind = self._copy(generator, split)
            rotations, motion = join(rotations, lower), f"{motion}+{other}"
            kind = KINDS[classify(rotations[None], np.zeros(1))[0]] if lower_kind != "airborne" else lower_kind
        elif source != "captured":
            made = MAKERS[source](generator, rotations)
            if not source.startswith("lying"):
                turn_head(made, generator)
            rotations, kind = face_ahead(made), source
        return PosedSample(rotations.astype(np.float32), motion, kind)

    def _copy(self, generator: np.random.Generator, split: Split) -> tuple[np.ndarray, str, str]:
        """A captured posture mirrored or not and perturbed, its clip and its kind."""
        index = self.pick(generator, split)
        while self.kind[index] == "airborne" and generator.random() > _AIRBORNE:
            index = self.pick(generator, split)
        rotations = self.rotations[index]
        if generator.random() < 0.5:
            rotations = mirror_posture(rotations)
        return perturb(rotations, generator), self.motion_names[self.motion[index]], str(self.kind[index])


def turn_head(rotations: np.ndarray, generator: np.random.Generator) -> None:
    """Turn the head of a posture (21, 3, 3) aside in place, the neck half as much: captures lack that angle."""
    angle = np.deg2rad(generator.normal(0.0, 18.0))
    for bone, fraction in (("neck", 0.5), ("head", 1.0)):
        rotations[RIG.index(bone)] = rotations[RIG.index(bone)] @ about(np.array([0.0, 1.0, 0.0]), fraction * angle)


def perturb(rotations: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A posture with every joint turned a little; hinges only about their axes."""
    noise = generator.normal(size=(len(_NOISE), 3)) * np.deg2rad(_NOISE)
    return to_world(to_local(rotations) @ of_vector(noise))
