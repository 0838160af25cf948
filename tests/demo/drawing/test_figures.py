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
from demo.drawing.stage import BEHIND, Camera, upright
from fusion_model.estimator import FusionSummary
from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.drawn import numbers_of, odd_pose
from tests.helpers.earlier import assert_as_before

WRIST, ANKLE = (HUMAN36M_17.index(name) for name in ("left_wrist", "left_ankle"))
NOISE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8), (0, 0), 3)
NOISE = cv2.normalize(NOISE, None, 0, 255, cv2.NORM_MINMAX)


def drawn(*people, **how):
    """The figure of people in a photo of noise, 400 x 300: nothing in it is like anything else."""
    return skeleton_figure({str(number): pose for number, pose in enumerate(people, 1)}, NOISE, **how)


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def corners(trace):
    return np.stack([np.asarray(trace[axis], float) for axis in "xyz"], axis=1)


def photo_behind(figure):
    return Image.open(io.BytesIO(base64.b64decode(figure.layout.meta["photo"].split(",")[1])))


def smaller(pose, factor, shift):
    """The same person, seen smaller and elsewhere in the photo."""
    points = pose.joints_2d * np.float32(factor) + np.float32(shift)
    return dataclasses.replace(pose, joints_2d=points, person_box=np.concatenate((points.min(0), points.max(0))))


def test_people_floor_shadows_viewpoints_and_switches_are_drawn_as_before():
    first = odd_pose(NOISE)
    large = smaller(odd_pose(NOISE, joints_3d=1.5 * first.joints_3d, spread=None, height_mm=2500.0), 0.6, (140, -10))
    outside = odd_pose(NOISE, status=("outside",) * 17)
    for name, people, how in (
        ("one", [first], {}),
        ("dotted", [first], {"show_outside": True}),
        ("sure", [first, large], {"show_outside": True, "min_confidence": 0.7}),
        ("crowd", [large, first, smaller(first, 0.4, (20, 90))], {}),
        ("nobody", [large, outside], {}),
        ("not measured", [large], {}),
    ):
        assert_as_before(f"figure: {name}", numbers_of(drawn(*people, **how)), near=1e-3, file="drawing.json")


def test_axes_and_floor_hold_what_is_guessed_beyond_the_frame(change_pose):
    below = [name.endswith(("pelvis", "hip", "knee", "ankle")) for name in HUMAN36M_17.joints]
    cut_off = smaller(change_pose(status=tuple("outside" if one else "seen" for one in below)), 2, (-200, 0))
    figure = drawn(cut_off, show_outside=True)
    shown = np.concatenate([corners(one) for name in ("guessed", "uncertainty") for one in named(figure, name)])
    low, high = np.transpose([figure.layout.scene[f"{axis}axis"].range for axis in "xyz"])
    assert ((low <= np.nanmin(shown, 0)) & (np.nanmax(shown, 0) <= high)).all()
    floors = [named(one, "floor")[0].z.max() for one in (figure, drawn(cut_off))]
    assert floors == pytest.approx([-870, -70], abs=1)  # below the ankles, below the wrist if the legs are not shown


def test_a_joint_none_of_whose_bones_is_drawn_does_not_float_in_the_air(change_pose):
    cut_off = change_pose(status=tuple("outside" if name == "left_knee" else "seen" for name in HUMAN36M_17.joints))
    for how, count in ({}, 15), ({"show_outside": True}, 17):
        figure = drawn(cut_off, **how)
        body, joints, clear = (corners(named(figure, name)[0]) for name in ("body", "joints", "uncertainty"))
        assert (len(joints), body[body[:, 0] > 20, 2].min() > -100) == (count, True)
        assert (clear[clear[:, 0] > 20, 2].min() > -100) == (count == 15)


def test_hovering_shows_name_place_and_confidence(change_pose):
    pose = change_pose(status=tuple("guessed" if joint == WRIST else "seen" for joint in range(17)))
    (x, y, z), (across, _, depth) = pose.joints_3d[WRIST], pose.spread[WRIST]
    assert named(drawn(pose), "joints")[0].hovertext[WRIST] == (
        f"<b>left wrist</b><br>x {x:.0f} mm (right)<br>y {y:.0f} mm (down)<br>z {z:.0f} mm (away)<br>confidence "
        f"{pose.confidence[WRIST]:.2f}, guessed<br>± {across:.0f} mm across, ± {depth:.0f} mm in depth"
    )


def test_people_and_photo_stand_where_the_camera_saw_them_and_so_does_the_eye_in_front(pose):
    other = smaller(pose, 0.5, (200, 100))
    figure = drawn(pose, other)
    bodies = np.concatenate([corners(one) for one in named(figure, "body")])
    near, far = (corners(trace)[0] for trace in named(figure, "joints"))
    camera = Camera.usual((300, 400), [pose, other])
    lens = upright(-camera.place(pose)[None])[0]
    assert near == pytest.approx(np.zeros(3))
    assert -lens[1] == pytest.approx(1.45 * 400 * 1900 / 300, rel=1e-3)  # mm from a normal lens
    assert far[1] - lens[1] == pytest.approx(2 * (near[1] - lens[1]), rel=1e-3)  # half as large
    ends = np.array(figure.layout.meta["corners"])
    assert np.allclose(ends[:, 1], bodies[:, 1].max() + BEHIND, atol=2)
    right, away, up = (np.stack((near, far, *ends)) - lens).T
    pixels = np.stack((right, -up), 1) / away[:, None] * camera.focal + np.array([399, 299]) / 2
    corner_pixels = np.array([(0, 0), (400, 0), (400, 300), (0, 300)]) - 0.5
    assert pixels == pytest.approx(np.stack((pose.joints_2d[0], other.joints_2d[0], *corner_pixels)), abs=0.5)
    assert np.abs(np.asarray(photo_behind(figure)).astype(int) - NOISE).mean() < 12


def test_the_camera_is_as_far_away_as_the_sure_joints_say_and_not_too_near(pose):
    camera = Camera.usual((400, 300), [pose])
    assert camera.focal == pytest.approx(1.45 * 400)
    near = smaller(pose, 3, (0, 0))
    assert Camera.usual((300, 400), [pose, near]).place(near)[2] == pytest.approx(1800, rel=1e-3)
    points, confidence = pose.joints_2d.copy(), pose.confidence.copy()
    points[[WRIST, ANKLE]] += 90
    confidence[WRIST] = 0
    status = tuple("outside" if joint == ANKLE else "seen" for joint in range(17))
    unsure = dataclasses.replace(pose, joints_2d=points, confidence=confidence, status=status)
    assert camera.place(unsure) == pytest.approx(camera.place(pose), abs=0.1)
    far = drawn(pose, smaller(pose, 0.05, (200, 100)))  # 58 m behind
    bodies, joints = ([corners(one).mean(0) for one in named(far, name)] for name in ("body", "joints"))
    assert np.array(bodies) == pytest.approx(np.array(joints), abs=200)
    folded = dataclasses.replace(pose, joints_3d=-pose.joints_3d)  # which no scale fits
    assert camera.place(folded)[2] == pytest.approx(580 * 3 * 1700 / np.ptp(pose.joints_2d[:, 1]))


def test_the_figure_is_small_even_of_a_crowd(pose):
    crowd = {str(number): smaller(pose, 0.4, (20 * number, 0)) for number in range(1, 11)}
    figure = skeleton_figure(crowd, np.full((3000, 1500, 3), 90, np.uint8))
    assert len(figure.to_json()) < 900_000
    assert photo_behind(figure).size == (360, 720)


def test_the_weights_are_bars_and_a_sentence():
    weights = np.array([0.1, 0.9], np.float32)
    fusion = FusionSummary("trainable", 3.25, 1.5, weights, pruned=True, merge_after=1)
    figure = weights_figure(fusion)
    bars, curve = figure.data
    assert (list(bars.x), bars.y) == (["1", "2"], pytest.approx(weights))
    assert np.interp((1.5, 2), curve.x, curve.y) == pytest.approx((0.5, 1 / (1 + np.exp(-3.25 / 2))), abs=0.005)
    # the first bar is at 0, where the curve is at 1
    assert [*figure.layout.xaxis.range, *figure.layout.xaxis2.range] == [-0.5, 1.5, 0.5, 2.5]
    assert figure.layout.yaxis.range[1] > 1
    said = weights_sentence(fusion)
    assert all(one in said for one in ("beta = 1.50", "alpha = 3.25", "0.10, 0.90.", "up to layer 1,"))
    early = FusionSummary("early", None, None, weights, pruned=False, merge_after=1)
    assert ("**early**" in weights_sentence(early), "cut away" in weights_sentence(early)) == (True, False)
    assert len(weights_figure(early).data) == 1


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
