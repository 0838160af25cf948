"""Tiny LSP, LSP-extended, MPII and COCO as distributed, a white dot at each first left wrist."""

import json

import numpy as np
from scipy.io import savemat

from fusion_model.skeletons import COCO_17, LSP_14, MPII_16
from tests.helpers.fake_data import figure
from tests.helpers.photos import write_photo

LEFT_WRIST = MPII_16.index("left_wrist")


def where(row):
    """Center and size of the person of a row."""
    return np.array([150.0 + 5 * (row % 9), 160.0]), 60.0 + row % 9


def write_lsp(folder, count=3):
    joints = np.zeros((3, 14, count))
    for row in range(count):
        points = figure(LSP_14, *where(row))
        joints[:2, :, row] = points.T
        photo = folder / "images" / f"im{row + 1:04d}.jpg"
        if row < 9:
            write_photo(photo, 320, 300, points[LSP_14.index("left_wrist")][None])
        else:  # the same again
            photo.hardlink_to(folder / "images" / f"im{row % 9 + 1:04d}.jpg")
    joints[2, 0, 0] = 1  # the right ankle of the first is hidden
    savemat(folder / "joints.mat", {"joints": joints})
    return joints


def write_lspet(folder, count=3):
    joints = np.ones((14, 3, count))
    for row in range(count):
        joints[:, :2, row] = points = figure(LSP_14, *where(row))
        write_photo(folder / "images" / f"im{row + 1:05d}.jpg", 320, 300, points[LSP_14.index("left_wrist")][None])
    joints[LSP_14.index("right_knee"), :, 0] = -2, -3, 0
    joints[3:, 2, 1], joints[4:, 2, 2] = 0, 0
    savemat(folder / "joints.mat", {"joints": joints})


def mpii_person(row, joints=16):
    """A person as in RELEASE.annolist.annorect, coordinates from 1."""
    points = figure(MPII_16, *where(row)) + 1
    point = [{"id": joint, "x": x, "y": y, "is_visible": 1} for joint, (x, y) in enumerate(points)]
    point[0]["is_visible"] = ("0", 0.0, False)[row % 3]  # a letter, as in part of the file
    point[8]["is_visible"] = []  # neck and head have none
    return {"x1": 100, "y1": 50, "x2": 130, "y2": 90, "annopoints": {"point": point[:joints]}}


def structs(entries):
    """A MATLAB struct array: a field is empty where an entry lacks it."""
    names = sorted({name for entry in entries for name in entry})
    array = np.zeros(len(entries), [(name, object) for name in names])
    for row, entry in enumerate(entries):
        for name in names:
            value = entry.get(name, np.zeros((0, 0)))
            if isinstance(value, list) and value and isinstance(value[0], dict):
                value = structs(value)
            elif isinstance(value, dict):
                value = structs([value])[0]
            array[row][name] = value
    return array


def write_mpii(folder, more=0):
    """Photos of two people (one with four joints), of one, of nobody with as many, of the test part; more of one."""
    points = figure(MPII_16, *where(0))
    for number in range(4 + more):
        write_photo(folder / "images" / f"00000000{number}.jpg", 320, 300, points[LEFT_WRIST][None])
    rects = [[mpii_person(0), mpii_person(1, 4)], [mpii_person(2)], [{"scale": 2.0}, mpii_person(3, 3)]]
    rects += [[{"scale": 1.0}], *([mpii_person(3 + row)] for row in range(more))]
    photos = [{"image": {"name": f"00000000{number}.jpg"}, "annorect": rect} for number, rect in enumerate(rects)]
    release = {"annolist": structs(photos), "img_train": np.array([1, 1, 1, 0] + [1] * more)}
    savemat(folder / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})


def write_coco(folder, train="ab", val="c"):
    """A part of each kind, a photo a letter; a crowd, a small person and one with few joints besides."""
    for part, letters in (("train2017", train), ("val2017", val)):
        names = [f"{letter}.jpg" for letter in letters]
        annotations = []
        for number, name in enumerate(names):
            points = figure(COCO_17, *where(number))
            write_photo(folder / part / name, 320, 300, points[COCO_17.index("left_wrist")][None])
            keypoints = np.column_stack((points, np.full(17, 2)))
            keypoints[0, 2] = 1
            low, high = points.min(0), points.max(0)
            person = {"id": 10 * number, "image_id": number, "iscrowd": 0, "keypoints": keypoints.ravel().tolist()}
            annotations.append(person | {"bbox": [*low.tolist(), *(high - low).tolist()]})
        first = annotations[0]
        annotations.append(first | {"id": 1, "iscrowd": 1})
        annotations.append(first | {"id": 2, "bbox": [10, 10, 20, 31]})
        annotations.append(first | {"id": 3, "keypoints": [5, 5, 2] * 3 + [0] * 42})
        size = {"width": 320, "height": 300}
        images = [{"id": number, "file_name": name} | size for number, name in enumerate(names)]
        path = folder / "annotations" / f"person_keypoints_{part}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"images": images, "annotations": annotations}), encoding="utf-8")


GONE = object()


def change_coco(path, key, row, **changes):
    """Change an entry of a list of COCO's labels, or take what is ``GONE`` out of it."""
    data = json.loads(path.read_text())
    data[key][row] = {name: value for name, value in (data[key][row] | changes).items() if value is not GONE}
    path.write_text(json.dumps(data))
