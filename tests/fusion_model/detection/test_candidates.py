"""People in synthetic maps: where they are, how they are turned, and none in noise."""

import numpy as np
import pytest
import torch

from fusion_model.config import SearchConfig
from fusion_model.crops import Crop, letterbox
from fusion_model.detection.candidates import propose
from fusion_model.heatmaps import encode, to_map_coordinates
from fusion_model.skeletons import MPII_16

# A standing person, the middle of the torso at the origin, thorax to pelvis 1 long; x right, y down, facing us.
STANDING = {
    "right_ankle": (-0.2, 2.2), "right_knee": (-0.2, 1.4), "right_hip": (-0.2, 0.5), "left_hip": (0.2, 0.5),
    "left_knee": (0.2, 1.4), "left_ankle": (0.2, 2.2), "pelvis": (0.0, 0.5), "thorax": (0.0, -0.5),
    "neck": (0.0, -0.7), "head_top": (0.0, -1.2), "right_wrist": (-0.7, 0.5), "right_elbow": (-0.6, 0.0),
    "right_shoulder": (-0.4, -0.5), "left_shoulder": (0.4, -0.5), "left_elbow": (0.6, 0.0), "left_wrist": (0.7, 0.5),
}  # fmt: skip
SEARCH = SearchConfig()
PERSON = np.array([STANDING[name] for name in MPII_16.joints])


def placed(center, torso, angle=0.0):
    """(16, 2) joints in the photo, the body axis turned clockwise."""
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.asarray(center, float) + torso * PERSON @ np.array([[cosine, sine], [-sine, cosine]])


def drawn(frame, *people, missing=(), height=1.0):
    """(16, S / 4, S / 4) maps that the hourglass should make of a crop of a photo."""
    maps = torch.zeros(16, frame.size // 4, frame.size // 4)
    for joints in people:
        points = to_map_coordinates(torch.from_numpy(frame.to_crop(joints)).float())
        maps = torch.maximum(maps, encode(points, tuple(maps.shape[1:]), 1.25))
    for name in missing:
        maps[MPII_16.index(name)] = 0
    return height * maps.numpy()


def test_two_people_are_two_candidates():
    frame = letterbox(800, 600, 256)
    people = [placed((200, 250), 100), placed((600, 330), 80)]
    found = sorted(propose(drawn(frame, *people), frame, SEARCH), key=lambda one: one.center[0])
    assert len(found) == 2
    pixel = frame.side / frame.size * 4  # a map pixel in the photo: peaks are found as whole ones
    for one, center, torso in zip(found, ((200, 250), (600, 330)), (100, 80), strict=True):
        assert np.abs(np.subtract(one.center, center)).max() < 0.75 * pixel
        assert one.side == pytest.approx(4.6 * torso, abs=4.6 * pixel)
        assert one.angle == 0
        assert one.score > 0.8


@pytest.mark.parametrize("angle", [45.0, 90.0, 180.0, -90.0, -120.0])
def test_a_turned_person_gives_the_turn(angle):
    frame = letterbox(600, 600, 256)
    (found,) = propose(drawn(frame, placed((300, 300), 120, angle)), frame, SEARCH)
    assert abs((found.angle - angle + 180) % 360 - 180) < 8
    crop = found.crop(128)
    upright = crop.to_crop(placed((300, 300), 120, angle))
    axis = upright[MPII_16.index("thorax")] - upright[MPII_16.index("pelvis")]
    assert axis[1] < 0
    assert abs(axis[0]) < 0.15 * abs(axis[1])
    assert (upright > -0.5).all()
    assert (upright < 127.5).all()


def test_a_portrait_has_no_pelvis():
    frame = letterbox(400, 400, 256)
    joints = placed((200, 380), 200)  # thorax at 280, head top at 140, pelvis at 480: below the photo
    below = [name for name, (_, y) in zip(MPII_16.joints, joints, strict=True) if y > 400]
    assert "pelvis" in below
    (found,) = propose(drawn(frame, joints, missing=below), frame, SEARCH)
    assert found.center[0] == pytest.approx(200, abs=6)
    assert found.angle == 0
    low, high = found.crop(64).to_photo(np.array([[-0.5, -0.5], [63.5, 63.5]]))
    seen = joints[[name not in below for name in MPII_16.joints]]
    assert (seen > low).all()
    assert (seen < high).all()


def test_a_full_person_and_a_portrait():
    frame = letterbox(800, 400, 256)
    portrait = placed((600, 380), 150)
    below = portrait[:, 1] > 400
    full = placed((150, 180), 80)
    maps = drawn(frame, full, np.where(below[:, None], -1000.0, portrait))
    found = propose(maps, frame, SEARCH)
    assert len(found) == 2
    assert sorted(one.center[0] for one in found) == pytest.approx([150, 600], abs=10)


def test_noise_and_nothing_give_no_candidate():
    frame = letterbox(300, 300, 128)
    noise = np.random.default_rng(0).uniform(-0.1, 0.11, (16, 32, 32)).astype(np.float32)
    assert propose(noise, frame, SEARCH) == []
    assert propose(np.zeros((16, 32, 32), np.float32), frame, SEARCH) == []
    alone = drawn(frame, placed((150, 150), 50), missing=[name for name in MPII_16.joints if name != "pelvis"])
    assert propose(alone, frame, SEARCH) == []


def test_the_surer_person_comes_first():
    frame = letterbox(800, 600, 256)
    weak, sure = drawn(frame, placed((200, 300), 100), height=0.4), drawn(frame, placed((600, 300), 100), height=0.9)
    found = propose(np.maximum(weak, sure), frame, SEARCH)
    assert [round(one.center[0], -2) for one in found] == [600, 200]
    assert found[0].score > found[1].score
    head = ("thorax", "neck", "head_top")
    portrait = drawn(frame, placed((600, 300), 100), missing=[name for name in MPII_16.joints if name not in head])
    scores = [one.score for one in propose(np.maximum(weak, portrait), frame, SEARCH)]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


def test_a_crop_of_a_part_of_the_photo_answers_in_photo_pixels():
    frame = Crop((1000.0, 700.0), 300.0, 0.0, 192)
    (found,) = propose(drawn(frame, placed((1020, 690), 60)), frame, SEARCH)
    assert np.abs(np.subtract(found.center, (1020, 690))).max() < 0.75 * 4 * 300 / 192
