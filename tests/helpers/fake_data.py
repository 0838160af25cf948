"""Fake data in the distributed formats: a few people, drawn as sticks."""

import io
import zipfile

import cv2
import numpy as np
import torch
from PIL import Image
from scipy.io import savemat

from fusion_model.skeletons import COCO_17, HUMAN36M_17, LSP_14, MPII_16
from train.data.people import People
from train.data.source import Source

FIGURE = {
    "right_ankle": (-0.25, 1.1), "right_knee": (-0.2, 0.65), "right_hip": (-0.17, 0.25), "left_hip": (0.17, 0.25),
    "left_knee": (0.3, 0.65), "left_ankle": (0.45, 1.0), "pelvis": (0.0, 0.25), "thorax": (0.0, -0.48),
    "neck": (0.0, -0.7), "head_top": (0.0, -1.1), "right_wrist": (-0.65, -0.9), "right_elbow": (-0.55, -0.6),
    "right_shoulder": (-0.25, -0.48), "left_shoulder": (0.25, -0.48), "left_elbow": (0.42, -0.15),
    "left_wrist": (0.55, 0.15), "spine": (0.0, -0.1), "nose": (0.0, -0.9),
}  # fmt: skip


def figure(skeleton, center, size):
    """(J, 2) joints of a standing person; the face's joints all at the nose."""
    return np.array([FIGURE.get(name, FIGURE["nose"]) for name in skeleton.joints]) * size + center


def picture(width, height, center, size, seed):
    """A stick person before noise."""
    image = np.random.default_rng(seed).integers(0, 90, (height, width, 3), np.uint8)
    points = figure(MPII_16, center, size).round().astype(int)
    for parent, child in MPII_16.bones:
        cv2.line(image, points[parent].tolist(), points[child].tolist(), (60 + 12 * child, 250 - 12 * child, 200), 3)
    return image


def encoded(image, kind):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def where(row):
    """Center and size of the person of a row, all different."""
    return np.array([60.0 + 2 * row, 75.0 - row]), 45.0 + row


def teacher_arrays(count):
    """By name: teacher_2d (N, 19, 3), teacher_3d (N, 17, 3) int16, teacher_3d_visible (N, 33)."""
    teacher_2d = np.zeros((count, 19, 3), np.float32)
    teacher_3d = np.zeros((count, 17, 3), np.int16)
    for row in range(count):
        center, size = where(row)
        teacher_2d[row, :17, :2] = figure(COCO_17, center, size)
        teacher_2d[row, 17:, :2] = np.array([FIGURE["neck"], FIGURE["head_top"]]) * size + center
        flat = figure(HUMAN36M_17, (0, 0), 800)
        teacher_3d[row, :, :2] = flat - flat[0]
        teacher_3d[row, :, 2] = 20 * np.arange(17) + 10 * row
        teacher_3d[row, 0] = 0
    teacher_2d[..., 2] = 0.95
    visible = np.full((count, 33), 0.9, np.float32)
    return {"teacher_2d": teacher_2d, "teacher_3d": teacher_3d, "teacher_3d_visible": visible}


def write_lspet(folder, count):
    """LSP-extended as distributed: joints.mat (14, 3, N) and images/im00001.jpg."""
    (folder / "images").mkdir(parents=True)
    joints = np.ones((14, 3, count))
    for row in range(count):
        center, size = where(row)
        joints[:, :2, row] = figure(LSP_14, center, size)
        (folder / "images" / f"im{row + 1:05d}.jpg").write_bytes(encoded(picture(120, 150, center, size, row), "JPEG"))
    savemat(folder / "joints.mat", {"joints": joints})
    return joints


def write_pack(folder, name, count, held_out):
    """people_<name>.npz with its zip; the last ``held_out`` people are for validation. The folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    joints, boxes = np.zeros((count, 16, 3), np.float32), np.zeros((count, 4), np.float32)
    names = np.array([f"p{row:03d}.webp" for row in range(count)])
    with zipfile.ZipFile(folder / f"people_{name}.zip", "w") as archive:
        for row in range(count):
            center, size = where(row)
            joints[row, :, :2], joints[row, :, 2] = figure(MPII_16, center, size), 2
            boxes[row] = (*joints[row, :, :2].min(0), *joints[row, :, :2].max(0))
            archive.writestr(names[row], encoded(picture(130, 140, center, size, 100 + row), "WEBP"))
    arrays = {"name": names, "validation": np.arange(count) >= count - held_out, "box": boxes, "joints": joints}
    arrays |= teacher_arrays(count)
    np.savez(folder / f"people_{name}.npz", **arrays)
    return arrays


def make_people(count=1, dot=None, side=128):
    """People whose photos show a white dot at one joint, or at none; as training sees them."""
    photos = torch.full((count, 3, side, side), 40, dtype=torch.uint8)
    joints = torch.empty(count, 16, 2)
    for row in range(count):
        points = figure(MPII_16, (side * 0.5 + row % 6, side * 0.48 - row % 5), side * 0.3)
        joints[row] = torch.from_numpy(points)
        if dot is not None:
            photos[row] = torch.from_numpy(dot_image(points[dot], side))
    low, high = joints.amin(1), joints.amax(1)
    return People(
        photos=photos,
        extent=torch.tensor([-0.5, -0.5, side - 0.5, side - 0.5]).repeat(count, 1),
        joints=joints,
        weight=torch.ones(count, 16),
        box=torch.cat((low, high), 1),
        pose=torch.randn(count, 17, 3, generator=torch.Generator().manual_seed(0)) * 300,
        pose_weight=torch.rand(count, 17, generator=torch.Generator().manual_seed(1)),
        source=torch.zeros(count, dtype=torch.long),
        names=("made",),
    )


def dot_image(point, side):
    """(3, side, side) uint8: a soft white dot on dark grey."""
    rows, columns = np.indices((side, side))
    dot = 40 + 215 * np.exp(-((columns - point[0]) ** 2 + (rows - point[1]) ** 2) / (2 * 2.0**2))
    return np.repeat(dot.round().astype(np.uint8)[None], 3, 0)


def make_source(name: str = "street", count: int = 5) -> Source:
    """People of 40 x 80 pixels in 120 x 160 photos, a red dot at each left wrist."""
    generator = np.random.default_rng(0)
    joints = np.zeros((count, 16, 2), np.float32)
    joints[:] = generator.uniform(0, 1, (count, 16, 2)) * [40, 80] + [40, 40]
    photos = []
    for row in range(count):
        photo = np.full((160, 120, 3), 60, np.uint8)
        x, y = joints[row, MPII_16.index("left_wrist")].round().astype(int)
        photo[y - 3 : y + 4, x - 3 : x + 4] = (255, 0, 0)
        photos.append(encoded(photo, "PNG"))
    return Source(
        name=name,
        read=lambda index: photos[index],
        joints=joints,
        weight=np.ones((count, 16), np.float32),
        by_hand=np.ones((count, 16), bool),
        box=np.tile(np.array([40, 40, 80, 120], np.float32), (count, 1)),
        pose=np.zeros((count, 17, 3), np.float32),
        pose_weight=np.zeros((count, 17), np.float32),
        validation=np.ones(count, bool),
    )
