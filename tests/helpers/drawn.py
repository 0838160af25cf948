"""What is drawn of somebody whom no mirror image is like, as numbers to compare with earlier versions."""

import base64
import dataclasses

import cv2
import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.stand_in import make_pose


def odd_pose(photo, **changes):
    """The standing person, every joint a little elsewhere, two joints guessed and two beyond the frame."""
    random, pose = np.random.default_rng(5), make_pose(photo)
    status = ["seen"] * 17
    status[6], status[16], status[10], status[15] = "outside", "outside", "guessed", "guessed"
    spread = random.uniform(20, 90, (17, 3)).astype(np.float32)
    spread[HUMAN36M_17.root, 0] = 0
    values = {
        "joints_3d": pose.joints_3d + random.normal(0, 25, (17, 3)).astype(np.float32), "status": tuple(status),
        "joints_2d": pose.joints_2d + random.normal(0, 3, (17, 2)).astype(np.float32), "spread": spread,
        "confidence": random.uniform(0.5, 1, 17).astype(np.float32),
    }  # fmt: skip
    return dataclasses.replace(pose, **(values | changes))


def unpacked(value):
    """The array in a value of :func:`demo.drawing.motion_figure.packed`."""
    return np.frombuffer(base64.b64decode(value["data"]), value["type"]).reshape(value["shape"])


def numbers_of(figure):
    """Traces of a figure, places in metres, and its layout without the photo."""
    traces = [trace.to_plotly_json() for trace in figure.data]
    for trace in traces:
        trace.update({axis: np.array(trace[axis], float) / 1000 for axis in "xyz"})
    return traces, {**figure.layout.to_plotly_json(), "meta": None}


def coarse(picture, side=8):
    """Means over squares of a picture, 0 to 1: no single pixel counts much."""
    size = [length // side for length in picture.shape[1::-1]]
    return cv2.resize(picture.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA)
