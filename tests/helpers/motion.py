"""Postures by angles, and their landmarks as a capture would show them."""

import numpy as np
from scipy.spatial.transform import Rotation

from train.synthesis.motion.clips import MotionClip
from train.synthesis.motion.figure import place
from train.synthesis.motion.rotation import to_world
from train.synthesis.rig import RIG

SIDES = ("left", "right")
SEATED = {f"{side}_{bone}": (turn, 0, 0) for side in SIDES for bone, turn in (("thigh", -90), ("shin", 90))}
_MIDDLE = ("pelvis", "pelvis", "pelvis_top"), ("spine", "spine", "spine_top"), ("chest", "chest_bottom", "chest_top")
_SIDED = (("upper_arm", "shoulder", "elbow"), ("hand", "wrist", "knuckle"), ("thigh", "hip", "knee"))
_SIDED += (("foot", "ankle", "ball"), ("toes", "ball", "toe"))


def posture(degrees):
    """World rotations (21, 3, 3) of bones turned about x, y and z of their parents."""
    local = [Rotation.from_euler("xyz", degrees.get(name, (0, 0, 0)), degrees=True) for name in RIG.names]
    return to_world(np.stack([turn.as_matrix() for turn in local]))


def clip_of(rotations):
    """Landmarks that a person in these postures (T, 21, 3, 3) would show."""
    landmarks, ends, ahead = {}, place(rotations), rotations[..., 2]
    sided = [tuple(f"{side}_{name}" for name in names) for side in SIDES for names in _SIDED]
    for bone, *names in (*_MIDDLE, ("head", "neck_top", "head_top"), *sided):
        landmarks |= {name: places[:, RIG.index(bone)] for name, places in zip(names, ends, strict=True)}
    landmarks["face"] = landmarks["neck_top"] + ahead[:, RIG.index("head")] * 100
    for side in SIDES:
        landmarks[f"{side}_thumb"] = landmarks[f"{side}_wrist"] + ahead[:, RIG.index(f"{side}_hand")] * 50
    return MotionClip("made", landmarks)
