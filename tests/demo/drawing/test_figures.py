"""The 3D view, also in words, and the bars of the fusion weights."""

import base64
import dataclasses
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from demo.captions import facing, figure_text
from demo.drawing.figures import skeleton_figure, weights_figure, weights_sentence
from demo.drawing.overlays import joint_opacity
from demo.drawing.stage import BEHIND, Camera, upright
from fusion_model.drawing import bone_side
from fusion_model.estimator import FusionSummary
from fusion_model.skeletons import HUMAN36M_17

WRIST, ANKLE, HEAD = (HUMAN36M_17.index(name) for name in ("left_wrist", "left_ankle", "head_top"))
NOISE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8), (0, 0), 3)


def drawn(*people, **how):
    """The figure of people in a photo of noise, 400 x 300: nothing in it is like anything else."""
    return skeleton_figure({str(number): pose for number, pose in enumerate(people, 1)}, NOISE, **how)


@pytest.fixture
def figure(pose):
    return drawn(pose)


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def corners(trace):
    return np.stack([np.asarray(trace[axis], float) for axis in "xyz"], axis=1)


def sides_and_strengths(trace):
    """Side and opacity of each corner's shade."""
    numbers = np.asarray(trace.intensity, int)
    return np.array(["left", "right", "middle"])[numbers // 85], numbers % 85 / 84


def smaller(pose, factor, shift):
    """The same person, seen smaller and elsewhere in the photo."""
    points = pose.joints_2d * np.float32(factor) + np.float32(shift)
    return dataclasses.replace(pose, joints_2d=points, person_box=np.concatenate((points.min(0), points.max(0))))


def test_the_person_stands_upright_over_floor_and_shadow_and_is_not_mirrored(figure):
    (joints,), (floor,), (body,), (shadow,) = (named(figure, one) for one in ("joints", "floor", "body", "shadow"))
    place = dict(zip(HUMAN36M_17.joints, corners(joints), strict=True))
    assert place["head_top"][2] > place["pelvis"][2] > place["left_ankle"][2]
    assert place["left_shoulder"][0] > place["right_shoulder"][0]  # faces the camera
    assert place["left_wrist"][1] < 0  # nearer to the camera than the pelvis
    low = corners(body)[:, 2].min()
    assert np.allclose(floor.z, low, atol=1)
    assert np.allclose(shadow.z, low + 2, atol=1)
    for side in ("left", "right"):
        away = np.linalg.norm(corners(shadow)[:, :2] - place[f"{side}_ankle"][:2], axis=1)
        assert shadow.intensity[away.argmin()] > 60
    assert shadow.intensity[(shadow.x == shadow.x.min()) | (shadow.y == shadow.y.max())].max() == 0  # it ends softly


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_axes_are_equally_long_in_millimetres_and_hold_everything(change_pose, pose, factor):
    figure = drawn(change_pose(joints_3d=pose.joints_3d * np.float32(factor)))
    scene = figure.layout.scene
    ranges = np.array([axis.range for axis in (scene.xaxis, scene.yaxis, scene.zaxis)])
    assert np.allclose(np.ptp(ranges, axis=1) / [scene.aspectratio[axis] for axis in "xyz"], 1000)
    for trace in figure.data:
        if trace.name != "uncertainty":
            places = corners(trace)
            assert (np.nanmin(places, 0) > ranges[:, 0] + 20).all(), trace.name  # what lies on an end is cut
            assert (np.nanmax(places, 0) < ranges[:, 1] - 20).all(), trace.name


def test_hovering_shows_name_place_and_confidence(figure, pose):
    text = named(figure, "joints")[0].hovertext[WRIST]
    (x, y, z), (across, _, depth) = pose.joints_3d[WRIST], pose.spread[WRIST]
    for part in ("left wrist", f"{x:.0f} mm", f"{y:.0f} mm", f"{z:.0f} mm", "confidence", "seen"):
        assert part in text
    assert f"± {across:.0f} mm across, ± {depth:.0f} mm in depth" in text


def test_joints_beyond_the_frame_are_left_out_or_dotted(change_pose):
    pose = change_pose(status=tuple("outside" if joint == ANKLE else "seen" for joint in range(17)))
    without, dotted = drawn(pose), drawn(pose, show_outside=True)
    assert named(without, "guessed") == []
    assert [len(named(one, "joints")[0].x) for one in (without, dotted)] == [16, 17]
    (line,) = named(dotted, "guessed")
    assert line.x.count(None) == 1  # one bone: there is a gap after each
    foot = upright(pose.joints_3d)[ANKLE]
    for one in (without, dotted):
        assert np.linalg.norm(corners(named(one, "body")[0]) - foot, axis=1).min() > 100


def test_each_bone_is_a_limb_between_its_joints_in_the_colour_of_its_side(figure, pose):
    body, points, opacity = named(figure, "body")[0], upright(pose.joints_3d), joint_opacity(pose)
    places, (sides, strengths) = corners(body), sides_and_strengths(body)
    for parent, joint in HUMAN36M_17.bones:
        if joint == HEAD:
            continue  # an egg of its own
        start, along = points[parent], points[joint] - points[parent]
        part = (places - start) @ along / (along @ along)
        off = np.linalg.norm(places - start - part[:, None] * along, axis=1)
        mine = sides == bone_side(HUMAN36M_17, (parent, joint))
        mine &= (off < 70) & (np.abs(strengths - min(opacity[parent], opacity[joint])) < 0.02)
        for end in (0, 1):  # a ring of corners round each end
            assert (mine & (np.abs(part - end) < 0.01)).sum() >= 12, HUMAN36M_17.joints[joint]


def test_ellipsoids_have_the_half_axes_of_the_spread_where_it_was_measured(figure, pose, change_pose):
    (clear,) = named(figure, "uncertainty")
    assert figure.data[-1] is clear  # after all that is seen through it
    head = corners(clear).reshape(17, -1, 3)[HEAD]
    assert np.ptp(head, axis=0) / 2 == pytest.approx(pose.spread[HEAD][[0, 2, 1]], abs=6)
    sides, _ = sides_and_strengths(clear)
    assert [*sides.reshape(17, -1)[:, 0]] == [HUMAN36M_17.side(joint) for joint in range(17)]
    assert named(drawn(change_pose(spread=None)), "uncertainty") == []
    spread = pose.spread.copy()
    spread[HUMAN36M_17.root] = 0  # the others are measured from it
    (others,) = named(drawn(change_pose(spread=spread)), "uncertainty")
    assert len(others.x) == 16 / 17 * len(clear.x)


def test_people_and_photo_stand_where_the_camera_saw_them_and_so_does_the_eye_in_front(pose):
    other = smaller(pose, 0.5, (200, 100))
    figure = drawn(pose, other)
    (frustum,), bodies = named(figure, "camera"), np.concatenate([corners(one) for one in named(figure, "body")])
    near, far = (corners(trace)[0] for trace in named(figure, "joints"))
    camera = Camera.usual((300, 400), [pose, other])
    lens = upright(-camera.place(pose)[None])[0]
    assert near == pytest.approx(np.zeros(3))
    assert far[1] - lens[1] == pytest.approx(2 * (near[1] - lens[1]), rel=1e-3)  # half as large
    assert [trace.text[0] for trace in named(figure, "number")] == ["<b>1</b>", "<b>2</b>"]
    ends = np.array(figure.layout.meta["corners"])
    assert np.allclose(ends[:, 1], bodies[:, 1].max() + BEHIND, atol=2)
    right, away, up = (np.stack((near, far, *ends)) - lens).T
    pixels = np.stack((right, -up), 1) / away[:, None] * camera.focal + np.array([399, 299]) / 2
    corner_pixels = np.array([(0, 0), (400, 0), (400, 300), (0, 300)]) - 0.5
    assert pixels == pytest.approx(np.stack((pose.joints_2d[0], other.joints_2d[0], *corner_pixels)), abs=0.5)
    assert np.isclose(corners(frustum), lens, atol=1).all(1).sum() == 4  # four lines start at the lens
    shown = Image.open(io.BytesIO(base64.b64decode(figure.layout.meta["photo"].split(",")[1])))
    assert np.abs(np.asarray(shown).astype(int) - NOISE).mean() < 12
    scene = figure.layout.scene
    front = figure.layout.updatemenus[0].buttons[0].args[0]["scene.camera"]
    middles = [np.mean(axis.range) for axis in (scene.xaxis, scene.yaxis, scene.zaxis)]
    assert np.array([front["eye"][axis] for axis in "xyz"]) * 1000 + middles == pytest.approx(lens, abs=1)
    assert front["eye"]["z"] == pytest.approx(front["center"]["z"])  # level, as the photo is upright


def test_the_figure_is_small_even_of_a_crowd(pose):
    crowd = {str(number): smaller(pose, 0.4, (20 * number, 0)) for number in range(1, 11)}
    assert len(skeleton_figure(crowd, np.full((3000, 1500, 3), 90, np.uint8)).to_json()) < 900_000


def test_the_weights_are_bars_and_a_sentence():
    weights = np.array([0.1, 0.9], np.float32)
    fusion = FusionSummary("trainable", 3.25, 1.5, weights, pruned=True, merge_after=1)
    bars, curve = weights_figure(fusion).data
    assert (list(bars.x), bars.y) == (["1", "2"], pytest.approx(weights))
    assert np.interp(1.5, curve.x, curve.y) == pytest.approx(0.5, abs=0.02)
    assert all(said in weights_sentence(fusion) for said in ("1.50", "3.25", "up to layer 1"))
    assert "early" in weights_sentence(FusionSummary("early", None, None, weights, pruned=False, merge_after=None))


def test_where_a_person_faces(pose, turned):
    pose.joints_3d[HUMAN36M_17.index("thorax"), 2] = -100  # leans forward
    half, side_on = ", half turned to the {} of the picture", "faces the {} of the picture"
    turns = ("faces the camera", f"faces the camera{half}", side_on, f"faces away{half}", "faces away from the camera")
    for step, words in enumerate(turns):
        assert facing(turned(45 * step)) == words.format("right")
        assert facing(turned(-45 * step)) == words.format("left")
    for side, caption in ((1, "faces up"), (-1, "faces down")):
        lying = np.stack((pose.joints_3d[:, 0], side * pose.joints_3d[:, 2], -side * pose.joints_3d[:, 1]), axis=1)
        assert facing(dataclasses.replace(pose, joints_3d=lying)) == caption


def test_uncertain_joints_are_named_and_several_people_are_told_apart(change_pose, turned):
    first = change_pose(status=("outside", "guessed", *("seen",) * 15))
    said = "faces the camera; 15 of 17 joints are seen; guessed: right hip; beyond the frame: pelvis."
    assert figure_text({"1": first}) == f"In 3D, the person {said}"
    assert figure_text({"1": first, "2": turned(180)}).startswith(f"Person 1 {said} Person 2 faces away from the")
