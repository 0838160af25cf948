"""A tiny Deep3DPose: Caffe's LMDB folders of pictures and of numbers."""

import json

import cv2
import lmdb
import numpy as np

from fusion_model.skeletons import HUMAN36M_17
from train.data.readers import deep3dpose

ORDER = [name for name in HUMAN36M_17.joints if name not in ("pelvis", "spine")]
COUNT = 5


def datum(*, numbers=(), **fields):
    """A message as Caffe writes it; several floats one by one."""
    return deep3dpose._datum()(float_data=numbers, **fields).SerializeToString()


def picture(row):
    return np.full((40, 30, 3), (20 * row, 20 * row + 40, 20 * row + 90), np.uint8)


def pose(row):
    """(15, 3) in [0, 1]."""
    return np.random.default_rng(row).uniform(0, 1, (15, 3)).astype(np.float32)


def write_database(path, values):
    deep3dpose._open.cache_clear()  # LMDB opens a folder once in a process
    path.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(path), map_size=1 << 22) as environment, environment.begin(write=True) as transaction:
        for row, value in enumerate(values):
            transaction.put(f"{row:08d}".encode(), value)


def write_deep3dpose(folder, count=COUNT):
    images, joints = [], []
    for row in range(count):
        raw = picture(row).transpose(2, 0, 1).tobytes()
        coded = cv2.imencode(".png", picture(row))[1].tobytes()
        images.append(datum(channels=3, height=40, width=30, data=raw) if row % 2 else datum(data=coded, encoded=True))
        joints.append(datum(channels=45, height=1, width=1, numbers=pose(row).ravel()))
    joints[3] = datum(channels=45, height=1, width=1, data=pose(3).tobytes())
    write_database(folder / "image_train.lmdb", images)
    write_database(folder / "joint3_train.lmdb", joints)
    (folder / "deep3dpose.json").write_text(json.dumps({"joints": ORDER, "millimetres": [2000, -2000, 1000]}))
