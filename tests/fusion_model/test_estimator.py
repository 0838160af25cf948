"""PoseEstimator end to end, with networks whose answers are known: dots of sixteen colours are the joints."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from fusion_model.crops import letterbox
from fusion_model.estimator import PoseEstimator
from fusion_model.pose import NoPersonError
from fusion_model.presets import PRESETS
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.dots import DEPTH, INPUT_SIZE, TO_17, DotDetector, DotHourglass, FlatFusion, paint, photo_of, place
from tests.helpers.estimators import smooth_photo, sure


@pytest.fixture
def estimator():
    tiny = PRESETS["tiny"]
    hourglass = dataclasses.replace(tiny.hourglass, input_size=INPUT_SIZE)
    config = dataclasses.replace(tiny, hourglass=hourglass, detector=DotDetector.config)
    return PoseEstimator(config, DotHourglass(), FlatFusion(), name="dots", detector=DotDetector())


def assert_found(pose, joints, tolerance=1.0):
    """2D in photo pixels, and the flat part of the 3D along the same directions, at the crop's scale."""
    expected = TO_17 @ joints
    assert np.abs(pose.joints_2d - expected).max() < tolerance
    millimetres = 10 * 32 / (pose.box[2] - pose.box[0])  # a pixel of the photo
    flat = (expected - expected[0]) * millimetres
    assert np.abs(pose.joints_3d[:, :2] - flat).max() < 8
    assert np.allclose(pose.joints_3d[:, 2], DEPTH)


def test_a_person_is_found_where_it_stands(estimator):
    pose = estimator(photo_of((200, 170)))
    assert_found(pose, place((200, 170), 120))
    assert pose.status == ("seen",) * 17
    assert pose.confidence.min() > 0.8  # averaging costs a sharp peak some height
    assert pose.score > 0.9
    assert pose.angle == 0
    assert pose.derived == ("spine",)
    assert pose.model == "dots"
    assert np.array_equal(pose.joints_3d[0], [0, 0, 0])


def test_shapes_and_types_of_the_contract(estimator):
    pose = estimator(photo_of((180, 180)))
    for value, shape in (
        (pose.joints_3d, (17, 3)), (pose.joints_2d, (17, 2)), (pose.confidence, (17,)), (pose.box, (4,)),
        (pose.heatmaps, (16, INPUT_SIZE // 4, INPUT_SIZE // 4)),
    ):  # fmt: skip
        assert value.shape == shape
        assert value.dtype == np.float32
    assert len(pose.status) == 17
    assert pose.to_dict()["schema"] == "fusion-pose/1"


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("given", [False, True])
def test_rotating_the_photo_rotates_the_pose_about_z(estimator, turns, given):
    """By 90, 180, 270 degrees against the clock, as np.rot90 does; with the box and without."""
    joints = place((200, 170), 120)
    photo = photo_of((200, 170), width=400, height=360)
    turned_photo, turned_joints, width = photo, joints, 400
    for _ in range(turns):
        turned_photo = np.rot90(turned_photo)
        turned_joints = np.stack((turned_joints[:, 1], width - 1 - turned_joints[:, 0]), 1)
        width = turned_photo.shape[1]
    boxes = [np.concatenate((one.min(0) - 8, one.max(0) + 8)) if given else None for one in (joints, turned_joints)]
    upright, turned = estimator(photo, boxes[0]), estimator(turned_photo, boxes[1])
    assert_found(upright, joints)
    assert_found(turned, turned_joints)
    assert abs((turned.angle + 90 * turns + 180) % 360 - 180) < 3
    rotated = upright.joints_3d.copy()
    for _ in range(turns):
        rotated = rotated[:, [1, 0, 2]] * np.array([1, -1, 1], np.float32)
    scale = (turned.box[2] - turned.box[0]) / (upright.box[2] - upright.box[0])
    assert np.abs(turned.joints_3d[:, :2] * scale - rotated[:, :2]).max() < 8
    assert np.allclose(turned.joints_3d[:, 2], rotated[:, 2])


def test_the_mirror_image_negates_x_and_swaps_the_sides(estimator):
    joints = place((200, 170), 120)
    mirrored = np.stack((359 - joints[:, 0], joints[:, 1]), 1)[list(MPII_16.mirror)]
    pose, image = (estimator(paint(np.zeros((360, 360, 3), np.uint8), one, 7)) for one in (joints, mirrored))
    assert_found(image, mirrored)
    swapped = pose.joints_3d[list(HUMAN36M_17.mirror)] * [-1, 1, 1]
    assert np.abs(image.joints_3d - swapped).max() < 6


def test_the_flip_test_of_a_symmetric_network_changes_nothing(estimator):
    """Maps turned and sides swapped on the way in, x negated and sides swapped on the way out."""
    photo = photo_of((200, 170))
    crops = estimator.predictor.predict([photo], [letterbox(360, 360, INPUT_SIZE)])
    one, both = (estimator.predictor.poses(crops, flip_test=flip) for flip in (False, True))
    assert np.abs(one).max() > 50
    assert np.allclose(one, both, atol=0.01)


def test_two_people_are_two_boxes(estimator):
    photo = photo_of((150, 200), (450, 190), width=600, height=400, size=120)
    boxes, scores = estimator.find_people(photo)
    assert boxes.shape == (2, 4)
    assert scores.shape == (2,)
    assert boxes.dtype == scores.dtype == np.float32
    order = boxes[:, 0].argsort()
    for box, center in zip(boxes[order], ((150, 200), (450, 190)), strict=True):
        joints = place(center, 120)
        assert (box[:2] < joints.min(0)).all()
        assert (box[2:] > joints.max(0)).all()
        assert np.abs(box - np.concatenate((joints.min(0), joints.max(0)))).max() < 0.1 * 264
        assert_found(estimator(photo, box), joints)


def test_the_larger_person_is_the_best(estimator):
    photo = np.zeros((400, 600, 3), np.uint8)
    paint(photo, place((120, 200), 60), 5)
    paint(photo, place((420, 200), 150), 9)
    boxes, _ = estimator.find_people(photo)
    assert boxes[0, 0] > 240
    assert_found(estimator(photo), place((420, 200), 150))


def test_nobody_is_an_error_not_a_guess(estimator):
    empty = np.zeros((200, 300, 3), np.uint8)
    boxes, scores = estimator.find_people(empty)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)
    with pytest.raises(NoPersonError, match=r"nobody was found in the photo: try one .*, or give a box$"):
        estimator(empty)
    alone = PoseEstimator(dataclasses.replace(estimator.config, detector=None), DotHourglass(), FlatFusion())
    with pytest.raises(NoPersonError, match=r"nobody was found in the photo: without a detector .*, or give a box$"):
        alone(empty)
    with pytest.raises(NoPersonError, match="nobody was found in the box: give one that is tight"):
        estimator(empty, (10, 10, 100, 100))
    with pytest.raises(NoPersonError):
        estimator(photo_of((100, 180), width=600), (400, 50, 590, 300))  # somebody, but not in this box


def test_legs_beyond_the_frame_are_outside(estimator):
    photo = photo_of((180, 250), height=320, size=120)  # knees at 328, ankles at 382 and 370
    pose = estimator(photo)
    below = {"right_knee", "left_knee", "right_ankle", "left_ankle"}
    assert {name for name, status in zip(HUMAN36M_17.joints, pose.status, strict=True) if status == "outside"} == below
    for number, name in enumerate(HUMAN36M_17.joints):
        assert (pose.confidence[number] == 0) == (name in below)
        assert (pose.joints_2d[number, 1] > 319.5) == (name in below)


def test_height_scales_the_3d_alone(estimator):
    photo = photo_of((180, 180))
    usual, child = estimator(photo), estimator(photo, height_mm=850)
    assert usual.height_mm == 1700
    assert child.height_mm == 850
    assert np.allclose(child.joints_3d, usual.joints_3d / 2, atol=1e-3)
    assert np.array_equal(child.joints_2d, usual.joints_2d)


@pytest.mark.parametrize("height_mm", [0, -1700, 17, 170, 499, 2501, float("nan"), float("inf"), "170", True])
def test_impossible_heights_are_refused(estimator, height_mm):
    with pytest.raises(ValueError, match="height_mm must be a person's height in millimetres"):
        estimator(photo_of((180, 180)), height_mm=height_mm)


def assert_same(one, other):
    for name in ("joints_3d", "joints_2d", "confidence", "heatmaps", "box"):
        assert np.allclose(getattr(one, name), getattr(other, name), atol=1e-3), name
    assert one.status == other.status


def test_a_batch_equals_single_photos(estimator):
    photos = [photo_of((180, 180)), np.zeros((99, 130, 3), np.uint8), photo_of((150, 200), width=420, size=100)]
    found = estimator.batch(photos)
    assert found[1] is None
    assert_same(found[0], estimator(photos[0]))
    assert_same(found[2], estimator(photos[2]))
    boxes = [None, (5, 5, 50, 50), (60, 80, 240, 320)]
    boxed = estimator.batch(photos, boxes)
    assert boxed[1] is None
    assert_same(boxed[2], estimator(photos[2], boxes[2]))
    assert estimator.batch([]) == []


def test_a_batch_of_more_photos_than_fit_at_once():
    estimator, photo = sure(), smooth_photo()
    photos = [np.roll(photo, 5 * shift, axis=1) for shift in range(19)]
    boxes = [(20, 16, 107, 111)] * 19
    found = estimator.batch(photos, boxes)
    assert len(found) == 19
    for number in (0, 15, 16, 18):
        assert_same(found[number], estimator(photos[number], boxes[number]))


def test_as_many_boxes_as_photos(estimator):
    with pytest.raises(ValueError, match="boxes must be as many as photos, got 1 for 2 photos"):
        estimator.batch([photo_of(), photo_of()], [None])


def test_boxes_are_checked(estimator):
    with pytest.raises(ValueError, match="does not touch the photo, which is 360 x 360"):
        estimator(photo_of((180, 180)), (500, 0, 600, 50))


def test_a_box_that_leaves_the_photo_is_used(estimator):
    joints = place((180, 180), 120)
    pose = estimator(photo_of((180, 180)), (20, -40, 340, 340))
    assert_found(pose, joints)
    assert pose.box[1] < -0.5


def test_photos_come_as_array_pil_image_or_path(estimator, tmp_path):
    photo = photo_of((180, 180))
    Image.fromarray(photo).save(tmp_path / "a.png")
    expected = estimator(photo)
    for given in (Image.fromarray(photo), tmp_path / "a.png", str(tmp_path / "a.png")):
        assert_same(estimator(given), expected)


def test_frames_of_an_animation_are_photos_as_they_stand(estimator, tmp_path):
    """The caller's image is neither rewound nor changed, and a path is the first frame."""
    places = [(150, 170), (200, 170), (250, 170)]
    frames = [Image.fromarray(photo_of(middle)) for middle in places]
    path = tmp_path / "walk.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    with Image.open(path) as image:
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            before = frame.tobytes()
            assert_found(estimator(frame), place(places[number], 120))
            assert image.tell() == number
            assert frame.tobytes() == before
        image.seek(0)
        for pose, middle in zip(estimator.batch(ImageSequence.Iterator(image)), places, strict=True):
            assert_found(pose, place(middle, 120))
        assert_found(estimator(path), place(places[0], 120))


def test_the_callers_array_is_left_alone(estimator):
    photo = photo_of((200, 170))
    before = photo.copy()
    photo.flags.writeable = False
    estimator(photo)
    estimator.predict_all(photo)
    assert np.array_equal(photo, before)


@pytest.mark.parametrize("device", ["xpu", "cuda:99", "gpu", "", "meta", "mps:7"])
def test_a_device_that_cannot_be_used_is_one_sentence(device):
    with pytest.raises(ValueError, match=f"the device '{device}' cannot be used here") as error:
        PoseEstimator.from_pretrained("default", device=device)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("cpu")
    assert len(str(error.value)) < 300


def test_a_saved_estimator_gives_the_same_pose(tmp_path):
    estimator, photo, box = sure(), smooth_photo(), (20, 16, 107, 111)
    estimator.save_pretrained(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "README.md", "config.json", "model.safetensors"
    ]  # fmt: skip
    loaded = PoseEstimator.from_pretrained(tmp_path / "model", device="cpu")
    assert loaded.config == estimator.config
    one, other = estimator(photo, box), loaded(photo, box)
    extent = np.abs(one.joints_3d).max()
    assert extent > 0
    assert np.abs(one.joints_3d - other.joints_3d).max() < 0.01 * extent
    assert np.abs(one.heatmaps - other.heatmaps).max() < 0.01 * np.abs(one.heatmaps).max()


def test_random_is_the_same_every_time_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, other = PoseEstimator.random("tiny"), PoseEstimator.random("tiny")
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b in zip(one.hourglass.parameters(), other.hourglass.parameters(), strict=True):
        assert torch.equal(a, b)
    third = PoseEstimator.random("tiny", seed=1)
    assert not torch.equal(next(one.hourglass.parameters()), next(third.hourglass.parameters()))


def test_what_was_learnt_about_merging():
    summary = PoseEstimator.random("tiny").fusion
    assert summary.strategy == "trainable"
    assert summary.weights.shape == (3,)
    assert summary.beta == pytest.approx(2.0)
    assert summary.alpha > 0
    assert not summary.pruned
    assert summary.merge_after is None


def test_another_configuration_is_one_of_the_same_networks():
    estimator = PoseEstimator.random("tiny")
    hourglass = dataclasses.replace(estimator.config.hourglass, width=32)
    with pytest.raises(ValueError, match="with_config changes no network, but hourglass differs"):
        estimator.with_config(dataclasses.replace(estimator.config, hourglass=hourglass))
    with pytest.raises(ValueError, match=r"preset must be one of paper, .*, got 'huge'"):
        PoseEstimator.random("huge")


def test_networks_that_are_replaced_are_the_ones_that_run():
    """No copy of the former hourglass goes on in their place."""
    estimator, other, photo, box = sure(), PoseEstimator.random("tiny", seed=1), smooth_photo(), (20, 16, 107, 111)
    first = estimator(photo, box)
    estimator.hourglass = other.hourglass
    second = estimator(photo, box)
    assert np.abs(second.heatmaps - first.heatmaps).max() > 1e-3
    estimator.fusion_network = other.fusion_network
    third = estimator(photo, box)
    assert np.array_equal(third.heatmaps, second.heatmaps)
    assert np.abs(third.joints_3d - second.joints_3d).max() > 1e-3
    expected = other.with_config(estimator.config)(photo, box)
    assert np.array_equal(expected.heatmaps, third.heatmaps)
    assert np.array_equal(expected.joints_3d, third.joints_3d)


def test_the_networks_are_in_evaluation_mode():
    estimator = PoseEstimator.random("tiny")
    assert not any(module.training for module in estimator.hourglass.modules())
    assert not any(module.training for module in estimator.fusion_network.modules())
    state = {name: tensor.clone() for name, tensor in estimator.hourglass.state_dict().items()}
    estimator.batch([smooth_photo()], [(20, 16, 107, 111)])
    assert all(torch.equal(tensor, state[name]) for name, tensor in estimator.hourglass.state_dict().items())
