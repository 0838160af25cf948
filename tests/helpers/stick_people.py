"""People of 1.70 m made of sticks, in random postures."""

import numpy as np

from fusion_model.following import LIMB_LENGTHS
from fusion_model.skeletons import HUMAN36M_17

TRUNK = {
    "pelvis": (0, 0, 0), "spine": (0, -240, 20), "thorax": (0, -500, 0), "neck": (0, -600, -20),
    "head_top": (0, -760, 0), "left_hip": (100, 0, 10), "right_hip": (-100, 0, -10), "left_shoulder": (160, -490, 30),
    "right_shoulder": (-160, -490, -30),
}  # fmt: skip
LIMBS = (("shoulder", "elbow", "upper arm"), ("elbow", "wrist", "forearm"), ("hip", "knee", "thigh"),
         ("knee", "ankle", "shank"))  # fmt: skip


def people(count=40, seed=0, shrink=1.0):
    """(N, 17, 3) mm: a stiff trunk, limbs of a person's lengths times ``shrink`` in random directions."""
    generator = np.random.default_rng(seed)
    poses = np.zeros((count, 17, 3))
    for name, place in TRUNK.items():
        poses[:, HUMAN36M_17.index(name)] = place
    for side in ("left", "right"):
        for upper, lower, name in LIMBS:
            bone = generator.normal((0, 1.5, 0), 1, (count, 3))
            bone *= shrink * LIMB_LENGTHS[name] / np.linalg.norm(bone, axis=1, keepdims=True)
            poses[:, HUMAN36M_17.index(f"{side}_{lower}")] = poses[:, HUMAN36M_17.index(f"{side}_{upper}")] + bone
    return poses
