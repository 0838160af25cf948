"""PoseEstimator end to end, with networks whose answers are known: dots of sixteen colours are the joints."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image

from fusion_model.devices import usable_device
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.images import example_photo
from fusion_model.pose import NoPersonError
from fusion_model.presets import PRESETS
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.dots import DEPTH, INPUT_SIZE, TO_17, DotHourglass, FlatFusion, paint, photo_of, place
from tests.helpers.earlier import assert_stored
from tests.helpers.estimators import seeing, smooth_photo, sure
from tests.helpers.stand_in import make_pose

BOX = (20, 16, 107, 111)


@pytest.fixture(scope="module")
def estimator():
    tiny = PRESETS["tiny"]
    hourglass = dataclasses.replace(tiny.hourglass, input_size=INPUT_SIZE)
    config = dataclasses.replace(tiny, hourglass=hourglass)
    return PoseEstimator(config, DotHourglass(), FlatFusion(), name="dots")


@pytest.fixture(scope="module")
def bundled():
    return PoseEstimator.from_pretrained("default", device="cpu")


@pytest.fixture(scope="module")
def two():
    """One that sees two people in every photo, and a third one whom it is not sure of."""
    return seeing(sure(), (4, 2, 3.0, 8, 16, 8, 16, 0), (4, 6, 2.0, 6, 12, 6, 12, 0), (1, 4, -2.6, 6, 6, 6, 6, 0))


def assert_found(pose, joints):
    """2D in photo pixels, and the flat part of the 3D along the same directions, at the crop's scale."""
    expected = TO_17 @ joints
    assert np.abs(pose.joints_2d - expected).max() < 1
    millimetres = 10 * 32 / (pose.box[2] - pose.box[0])  # a pixel of the photo
    flat = (expected - expected[0]) * millimetres
    assert np.abs(pose.joints_3d[:, :2] - flat).max() < 8
    assert np.allclose(pose.joints_3d[:, 2], DEPTH)


def assert_same(one, other):
    for name in ("joints_3d", "joints_2d", "confidence", "heatmaps", "box", "person_box", "score"):
        assert np.allclose(getattr(one, name), getattr(other, name), atol=1e-3), name
    assert one.status == other.status


def test_a_person_is_found_where_it_stands(estimator, monkeypatch):
    monkeypatch.setattr("fusion_model.estimator.time.perf_counter", iter((1.0, 3.0, 7.0)).__next__)
    photo = photo_of((200, 170))
    before = photo.copy()
    photo.flags.writeable = False
    pose = estimator(photo)
    assert_found(pose, place((200, 170), 120))
    assert pose.status == ("seen",) * 17
    assert min(pose.score, *pose.confidence) > 0.8  # averaging costs a sharp peak some height
    assert pose.seconds == {"looking": 2.0, "fusion": 4.0}
    assert (pose.angle, pose.derived, pose.model) == (0, ("spine",), "dots")
    assert np.array_equal(pose.joints_3d[0], [0, 0, 0])
    shapes = {"joints_3d": (17, 3), "joints_2d": (17, 2), "confidence": (17,), "box": (4,), "heatmaps": (16, 32, 32)}
    for name, shape in shapes.items():
        assert (getattr(pose, name).shape, getattr(pose, name).dtype) == (shape, np.float32), name
    assert np.array_equal(photo, before), "the caller's array is left alone"


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotating_the_photo_rotates_the_pose_about_z(estimator, turns):
    photo, joints = photo_of((200, 170)), place((200, 170), 120)
    for _ in range(turns):
        photo, joints = np.rot90(photo), np.stack((joints[:, 1], 359 - joints[:, 0]), 1)
    pose = estimator(photo)
    assert_found(pose, joints)
    assert abs((pose.angle + 90 * turns + 180) % 360 - 180) < 3


def test_of_two_people_the_one_in_the_box_is_meant_and_boxes_are_checked_and_may_leave_the_photo(estimator):
    photo = photo_of((150, 200), (450, 190), width=600, height=400, size=120)
    for joints in (place((150, 200), 120), place((450, 190), 120)):
        box = np.concatenate((joints.min(0) - 8, joints.max(0) + 8)).astype(np.float32)
        pose = estimator(photo, box)
        assert_found(pose, joints)
        assert np.array_equal(pose.person_box, box)
    photo = photo_of((180, 180))
    with pytest.raises(ValueError, match="boxes must be as many as photos, got 1 for 2 photos"):
        estimator.batch([photo, photo], [None])
    with pytest.raises(ValueError, match="does not touch the photo, which is 360 x 360"):
        estimator(photo, (500, 0, 600, 50))
    pose = estimator(photo, (20, -40, 340, 340))
    assert_found(pose, place((180, 180), 120))
    assert pose.box[1] < -0.5


def test_nobody_is_an_error_not_a_guess(estimator, bundled):
    empty = np.zeros((200, 300, 3), np.uint8)
    nothing = [(array.shape, array.dtype) for array in estimator.find_people(empty)]
    assert nothing == [((0, 4), np.float32), ((0,), np.float32)]
    for one, advice in ((estimator, "without a detector"), (bundled, "try one that shows a person larger")):
        with pytest.raises(NoPersonError, match=rf"nobody was found in the photo: {advice}.*, or give a box$"):
            one(empty)
    with pytest.raises(NoPersonError, match="nobody was found in the box: give one that is tight"):
        estimator(photo_of((100, 180), width=600), (400, 50, 590, 300))  # somebody, but not in this box


def test_legs_beyond_the_frame_are_outside_and_the_mirror_image_swaps_the_sides(estimator):
    pose = estimator(photo_of((180, 250), height=320, size=120))  # knees at 328, ankles at 382 and 370
    below = [name.endswith(("knee", "ankle")) for name in HUMAN36M_17.joints]
    assert [status == "outside" for status in pose.status] == below
    assert [confidence == 0 for confidence in pose.confidence] == below
    assert [y > 319.5 for y in pose.joints_2d[:, 1]] == below
    joints = place((200, 170), 120)
    mirrored = np.stack((359 - joints[:, 0], joints[:, 1]), 1)[list(MPII_16.mirror)]
    assert_found(estimator(paint(np.zeros((360, 360, 3), np.uint8), mirrored, 7)), mirrored)


def test_height_scales_the_3d_alone_and_impossible_heights_and_scores_are_refused(estimator):
    photo = photo_of((180, 180))
    usual, child = estimator(photo), estimator(photo, height_mm=850)
    assert (usual.height_mm, child.height_mm) == (1700, 850)
    for small in (child, estimator.predict_all(photo, height_mm=850)[0]):
        assert np.allclose(small.joints_3d, usual.joints_3d / 2, atol=1e-3)
        assert np.array_equal(small.joints_2d, usual.joints_2d)
    for value in (0, 499, 2501, float("nan"), "170", True):
        with pytest.raises(ValueError, match=f"height_mm must be a person's height in millimetres.*, got {value}"):
            estimator.predict_all(photo_of(), height_mm=value)
    for value in (-1, 1.1, float("nan"), "0.5", True):
        for ask in (estimator.predict_all, estimator.find_people):
            with pytest.raises(ValueError, match=rf"min_score must be a score \(0 to 1\).*, got {value}"):
                ask(photo_of(), min_score=value)


def test_a_batch_equals_single_photos(estimator, tmp_path):
    photos = [photo_of((180, 180)), np.zeros((99, 130, 3), np.uint8), tmp_path / "a.png"]
    Image.fromarray(photo_of((150, 200), width=420, size=100)).save(photos[2])
    for boxes in (None, [None, (5, 5, 50, 50), (60, 80, 240, 320)]):
        found = estimator.batch(photos, boxes)
        assert found[1] is None
        for number in (0, 2):
            assert_same(found[number], estimator(photos[number], boxes and boxes[number]))
    assert estimator.batch(iter([])) == []


def test_all_ways_give_the_same_poses_and_min_score_leaves_the_unsure_out(two):
    photo = smooth_photo()
    poses = two.predict_all(photo)
    boxes, scores = two.find_people(photo)
    assert np.array_equal([pose.person_box for pose in poses], boxes)
    assert np.allclose([pose.score for pose in poses], scores)
    for best in (two(photo), *two.batch([photo, photo])):
        assert_same(best, poses[0])
    plain = two.predict_all(photo, flip_test=False)[0]
    assert_same(two(photo, flip_test=False), plain)
    assert np.abs(plain.heatmaps - poses[0].heatmaps).max() > 1e-3, "without its mirror image"
    for bound, count in ((None, 2), (0.992, 1), (0.05, 3)):
        found = two.predict_all(photo, min_score=bound)
        assert len(found) == len(two.find_people(photo, min_score=bound)[0]) == count
        assert_same(found[0], poses[0])


def test_the_bundled_model_gives_what_it_gave_whichever_way(bundled):
    (pose,) = bundled.predict_all(example_photo())
    assert_same(bundled(example_photo()), pose)
    for name, pixel, millimetres in (
        ("left_shoulder", (445.1, 419.2), (227.7, -359.0, -181.1)),
        ("head_top", (267.7, 112.2), (64.3, -625.0, -404.9)),
    ):
        joint = HUMAN36M_17.index(name)
        assert pose.joints_2d[joint].tolist() == pytest.approx(pixel, abs=1)
        assert pose.joints_3d[joint].tolist() == pytest.approx(millimetres, abs=10)
        assert pose.status[joint] == "seen"
    assert pose.person_box.tolist() == pytest.approx([-0.5, 38.6, 511.5, 588.0], abs=2)


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "", "meta"])
def test_a_device_that_cannot_be_used_is_one_sentence_and_a_gpu_is_taken_where_there_is_one(device, monkeypatch):
    with pytest.raises(ValueError, match=rf"\Athe device '{device}' cannot be used here.*cpu\Z"):
        PoseEstimator.from_pretrained("default", device=device)
    for there, kind in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr("torch.cuda.is_available", lambda there=there: there)
        assert usable_device(None).type == kind


def test_what_was_learnt_about_merging_and_another_configuration_is_one_of_the_same_networks(bundled):
    state = torch.get_rng_state()
    summary = PoseEstimator.random("tiny").fusion
    assert torch.equal(torch.get_rng_state(), state), "the caller's random numbers are left alone"
    with pytest.raises(ValueError, match=r"preset must be one of .*tiny, got 'huge'"):
        PoseEstimator.random("huge")
    assert (summary.strategy, summary.weights.shape, summary.beta) == ("trainable", (3,), pytest.approx(2.0))
    assert (summary.alpha, summary.pruned, summary.merge_after) == (pytest.approx(0.1), False, None)
    assert bundled.fusion.pruned
    assert bundled.fusion.merge_after == (bundled.fusion.weights == 0).sum()
    for part, changes in (("hourglass", {"stacks": 1}), ("fusion", {"initial_beta": 3}), ("detector", {"head": 12})):
        other = dataclasses.replace(getattr(bundled.config, part), **changes)
        with pytest.raises(ValueError, match=rf"with_config changes no network, but {part} differs"):
            bundled.with_config(dataclasses.replace(bundled.config, **{part: other}))
    looser = dataclasses.replace(bundled.config, detector=dataclasses.replace(bundled.config.detector, nms_iou=0.9))
    other = bundled.with_config(looser)
    assert (other.config, other.name, other.detector) == (looser, "default", bundled.detector)
    assert bundled.trust_score == bundled.config.search.person
    with pytest.raises(ValueError, match=r"both a detector and config\.detector"):
        PoseEstimator(bundled.config, bundled.hourglass, bundled.fusion_network)


def test_networks_that_are_replaced_are_the_ones_that_run_and_a_saved_estimator_gives_the_same_pose(tmp_path):
    estimator, other, photo = sure(), PoseEstimator.random("tiny", seed=1), smooth_photo()
    first = estimator(photo, BOX)
    estimator.hourglass, estimator.fusion_network = other.hourglass.train(), other.fusion_network.train()
    assert {estimator.hourglass.training, estimator.fusion_network.training} == {False}
    second, expected = estimator(photo, BOX), other.with_config(estimator.config)(photo, BOX)
    assert np.abs(second.heatmaps - first.heatmaps).max() > 1e-3
    assert np.array_equal(expected.heatmaps, second.heatmaps)
    assert np.array_equal(expected.joints_3d, second.joints_3d)
    estimator.save_pretrained(tmp_path / "model", metrics={"pck": 0.5})
    assert read_metrics(tmp_path / "model") == {"pck": 0.5}
    assert (tmp_path / "model" / "README.md").read_text() == "# random-tiny\n"
    loaded = PoseEstimator.from_pretrained(tmp_path / "model", device="cpu")
    assert (loaded.config, loaded.name) == (estimator.config, "model")
    for name in ("joints_3d", "heatmaps"):
        one, saved = getattr(second, name), getattr(loaded(photo, BOX), name)
        assert np.abs(saved - one).max() < 0.01 * np.abs(one).max()


def test_it_is_plain_json_and_has_exactly_the_fields_of_the_schema():
    values = {"score": np.float32(0.87654), "seconds": {"looking": np.float64(0.12345), "fusion": 0.5}}
    values |= {"angle": 45.678, "height_mm": 1650.0, "confidence": np.linspace(0.61234, 1, 17)}
    result = make_pose(np.zeros((195, 200, 3), np.uint8), **values).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert [joint["name"] for joint in result["joints"] if joint["derived_2d"]] == ["spine"]
    assert_stored("a pose", result, "pose.json")
