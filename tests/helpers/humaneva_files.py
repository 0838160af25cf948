"""A tiny HumanEva-I as distributed: converted .mat files, a camera and a short video of a walking dot."""

import cv2
import numpy as np
from scipy.io import savemat

from fusion_model.skeletons import HUMANEVA_15
from tests.helpers.photos import write_video
from train.data.cameras import opencv_camera_axes
from train.data.readers import humaneva

CAL = [700, 710, 320, 240, 0, -0.2, 0.1, 0.001, -0.001, 0, 1, 0, 0, 0, 0, -1, 0, 1, 0, 100, 200, 4000]
VALUES = np.delete(np.array(CAL, float), 4)
HEAD = HUMANEVA_15.index("head_top")


def shorten(monkeypatch):
    """Sequences of 20 frames: Validate is 5..12, Train 12..20; camera C1's video starts 3 frames earlier."""
    monkeypatch.setattr(humaneva, "_SEQUENCES", dict.fromkeys(humaneva._SEQUENCES, (12, 20, (4, 4, 3))))


def world(frame):
    """(15, 3) mm: a pelvis that walks along x, camera axes (x, -z, y) + t."""
    cloud = np.random.default_rng(1).normal(0, 200, (15, 3))
    cloud[0], cloud[1], cloud[HEAD] = (0, 0, 0), (0, 0, 500), (0, 0, 800)
    return cloud + np.array([30.0 * frame - 300, 0, 100])


def project(points):
    """(..., 3) world -> (..., 2) pixels of camera C1."""
    (fx, fy, cx, cy), distortion = VALUES[:4], VALUES[4:9]
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    seen = opencv_camera_axes(points, VALUES).reshape(-1, 3)
    pixels, _ = cv2.projectPoints(seen, np.zeros(3), np.zeros(3), matrix, distortion)
    return pixels.reshape(*points.shape[:-1], 2)


def write_part(folder, part, frames, subject="S1", action="Walking", change=None):
    poses = np.stack([world(frame) for frame in frames])
    if change:
        change(poses)
    points = project(poses)
    path = folder / "converted_15j" / part / subject / f"{action}_1.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"poses_3d": poses, "poses_2d": np.stack([points, points + 7, points + 9])})
    return path


def write_both_parts(folder, subject="S1"):
    """Eight frames to train on and seven to test on, as :func:`shorten` has them."""
    write_part(folder, "Train", range(12, 20), subject)
    write_part(folder, "Validate", range(5, 12), subject)
    write_camera(folder, subject)


def write_camera(folder, subject="S1", action="Walking", frames=30, camera="C1"):
    calibration = folder / subject / "Calibration_Data" / f"{camera}.cal"
    calibration.parent.mkdir(parents=True, exist_ok=True)
    calibration.write_text("\n".join(map(str, CAL)))
    late, aside = {"C1": (3, 0), "C3": (2, 9)}[camera]  # as the sequences and write_part have them
    pelvis = [project(world(frame - late)[0]) + aside for frame in range(frames)]
    write_video(folder / subject / "Image_Data" / f"{action}_1_({camera}).avi", frames, 640, 480, pelvis.__getitem__)
