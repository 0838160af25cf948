"""Landmarks of given postures, as a capture would show them."""

import numpy as np

from train.synthesis.motion.clips import MotionClip
from train.synthesis.motion.figure import place
from train.synthesis.rig import RIG

Z = np.array([0.0, 0.0, 1.0])


def clip_of(rotations):
    """Landmarks that a person in these postures (T, 21, 3, 3) would show."""
    heads, tails = place(rotations)

    def at(ends, bone):
        return ends[:, RIG.index(bone)]

    landmarks = {"pelvis": at(heads, "pelvis"), "pelvis_top": at(tails, "pelvis"), "spine": at(heads, "spine")}
    landmarks |= {"spine_top": at(tails, "spine"), "chest_bottom": at(heads, "chest"), "chest_top": at(tails, "chest")}
    landmarks |= {"neck_top": at(tails, "neck"), "head_top": at(tails, "head")}
    landmarks["face"] = landmarks["neck_top"] + rotations[:, RIG.index("head")] @ Z * 100
    for side in ("left", "right"):
        for landmark, bone in (
            ("shoulder", "upper_arm"), ("elbow", "forearm"), ("wrist", "hand"), ("hip", "thigh"), ("knee", "shin"),
            ("ankle", "foot"), ("ball", "toes"),
        ):  # fmt: skip
            landmarks[f"{side}_{landmark}"] = at(heads, f"{side}_{bone}")
        landmarks[f"{side}_toe"] = at(tails, f"{side}_toes")
        landmarks[f"{side}_knuckle"] = at(tails, f"{side}_hand")
        thumb = rotations[:, RIG.index(f"{side}_hand")] @ Z * 50
        landmarks[f"{side}_thumb"] = landmarks[f"{side}_wrist"] + thumb
    return MotionClip("made", landmarks)
