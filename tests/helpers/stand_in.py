"""A person of known joints, and an estimator that always finds that person."""

import dataclasses
import time

import numpy as np
import torch

from fusion_model import PRESETS, NoPersonError, Pose
from fusion_model.boxes import check_box
from fusion_model.estimator import FusionSummary
from fusion_model.heatmaps import encode
from fusion_model.images import load_photo
from fusion_model.skeletons import HUMAN36M_17, MPII_16, conversion_matrix

# A person who faces the camera, so that the own left is on the right of the photo; mm, x right, y down, z away.
STANDING = {
    "pelvis": (0, 0, 0), "right_hip": (-130, 0, 0), "right_knee": (-150, 440, -60), "right_ankle": (-150, 870, 40),
    "left_hip": (130, 0, 0), "left_knee": (150, 440, -60), "left_ankle": (150, 870, 40), "spine": (0, -240, 10),
    "thorax": (0, -480, 0), "neck": (0, -570, -30), "head_top": (0, -760, 0), "left_shoulder": (180, -470, 0),
    "left_elbow": (430, -420, -60), "left_wrist": (560, -640, -180), "right_shoulder": (-180, -470, 0),
    "right_elbow": (-250, -200, 60), "right_wrist": (-240, 40, -60),
}  # fmt: skip


def make_pose(photo, **changes):
    """The standing person in the middle of a photo (H, W, 3), head and feet inside it."""
    height, width = photo.shape[:2]
    joints_3d = np.array([STANDING[name] for name in HUMAN36M_17.joints], np.float32)
    scale = height / 1900
    joints_2d = (joints_3d[:, :2] * scale + [width / 2, height * 0.47]).astype(np.float32)
    box = np.array([width / 2 - height / 2, 0, width / 2 + height / 2, height], np.float32) - 0.5
    mpii = conversion_matrix(HUMAN36M_17, MPII_16) @ joints_2d
    maps = encode(torch.from_numpy((mpii - box[:2]) * (64 / height) - 0.5), (64, 64), 1.5).numpy()
    values = {
        "joints_3d": joints_3d, "joints_2d": joints_2d, "confidence": np.linspace(0.6, 1, 17, dtype=np.float32),
        "status": ("seen",) * 17, "heatmaps": maps, "box": box,
        "person_box": np.concatenate((joints_2d.min(0), joints_2d.max(0))), "angle": 0.0, "score": 0.9,
        "skeleton": HUMAN36M_17.name, "height_mm": 1700.0, "derived": ("spine",),
        "spread": np.linspace(20, 60, 17, dtype=np.float32)[:, None] * np.array([1, 1, 1.5], np.float32),
        "seconds": {"looking": 0.04, "fusion": 0.002}, "model": "stand-in",
    }  # fmt: skip
    return Pose(**(values | changes))


def tall(photo, height_mm):
    """The same person, of that height."""
    pose = make_pose(photo, height_mm=height_mm)
    return dataclasses.replace(pose, joints_3d=pose.joints_3d * np.float32(height_mm / 1700))


class StandIn:
    """Has the interface of PoseEstimator and always finds the standing person, except in black photos.

    It counts its plain calls, each of which takes ``pause`` seconds.
    """

    name = "stand-in"
    config = PRESETS["tiny"]
    trust_score = config.search.person
    fusion = FusionSummary("trainable", 2.0, 2.5, np.array([0.05, 0.27, 0.73], np.float32), True, 1)
    hourglass = fusion_network = detector = None
    calls, pause = 0, 0.0

    def __call__(self, photo, box=None, *, height_mm=1700.0, flip_test=True):  # noqa: ARG002 - as the real one
        """Find the person; a box must at least be four numbers."""
        self.calls += 1
        time.sleep(self.pause)
        if box is not None:
            check_box(box, 10_000, 10_000)
        array = load_photo(photo)
        if not array.any():
            raise NoPersonError("nobody was found in the photo")
        return tall(array, height_mm)

    def predict_all(self, photo, *, height_mm=1700.0, flip_test=True, min_score=None):  # noqa: ARG002 - as the real one
        """Find the person centered in the left and in the right half of the photo, unless that place is dark."""
        photo = load_photo(photo)
        height, width = photo.shape[:2]
        poses = []
        for x0 in (0, width / 2):
            if photo[height // 2, int(x0 + width / 4)].max() >= 20:
                pose, shift = tall(photo, height_mm), np.float32([x0 - width / 4, 0])
                box = np.float32([x0, 0, x0 + width / 2, height])
                poses.append(dataclasses.replace(pose, joints_2d=pose.joints_2d + shift, person_box=box))
        return poses
