"""The 3D view and the bars of the fusion weights."""

import base64
import dataclasses
import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from demo.drawing.figures import skeleton_figure, weights_figure, weights_sentence
from demo.drawing.overlays import joint_opacity
from demo.drawing.shades import COLOUR_SCALE, side_css
from demo.drawing.stage import BEHIND, Camera, upright
from demo.drawing.views import VIEWPOINTS
from fusion_model.drawing import bone_side
from fusion_model.estimator import FusionSummary
from fusion_model.skeletons import HUMAN36M_17

WRIST = HUMAN36M_17.index("left_wrist")


@pytest.fixture
def figure(pose):
    return skeleton_figure(pose)


@pytest.fixture
def scene_photo():
    """A photo of noise, 400 x 300: nothing in it is like anything else."""
    return cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8), (0, 0), 3)


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def joints(figure):
    return named(figure, "joints")[0]


def corners(trace):
    return np.stack([np.asarray(trace[axis], float) for axis in "xyz"], axis=1)


def sides_and_strengths(trace):
    """Side and opacity of each corner's shade."""
    numbers = np.asarray(trace.intensity, int)
    return np.array(["left", "right", "middle"])[numbers // 85], numbers % 85 / 84


def eye_from_body(camera):
    return {axis: camera["eye"][axis] - camera["center"][axis] for axis in "xyz"}


def test_the_person_stands_upright_within_the_axes_and_is_not_mirrored(figure):
    scene, trace = figure.layout.scene, joints(figure)
    place = {name: (trace.x[k], trace.y[k], trace.z[k]) for k, name in enumerate(HUMAN36M_17.joints)}
    assert place["head_top"][2] > place["pelvis"][2] > place["left_ankle"][2]
    assert place["left_shoulder"][0] > place["right_shoulder"][0]  # faces the camera
    assert place["left_wrist"][1] < 0  # nearer to the camera than the pelvis
    for axis, values in ((scene.xaxis, trace.x), (scene.yaxis, trace.y), (scene.zaxis, trace.z)):
        assert axis.range[0] <= min(values)
        assert max(values) <= axis.range[1]


def test_upright_is_a_turn():
    axes = upright(np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)
    assert np.allclose(axes @ axes.T, np.eye(3))


def test_axes_are_equally_long_in_millimetres_and_hold_everything(change_pose, pose, scene_photo):
    for factor in (1.0, 2.0):
        drawn = skeleton_figure(change_pose(joints_3d=pose.joints_3d * np.float32(factor)), scene_photo)
        scene = drawn.layout.scene
        assert scene.aspectmode == "manual"
        ranges = np.array([axis.range for axis in (scene.xaxis, scene.yaxis, scene.zaxis)])
        ratios = [scene.aspectratio.x, scene.aspectratio.y, scene.aspectratio.z]
        assert np.allclose(np.ptp(ranges, axis=1) / ratios, 1000)
        for trace in drawn.data:
            if trace.name != "uncertainty":
                places = corners(trace)
                assert (np.nanmin(places, 0) > ranges[:, 0] + 20).all(), trace.name  # what lies on an end is cut
                assert (np.nanmax(places, 0) < ranges[:, 1] - 20).all(), trace.name


def test_the_floor_is_under_the_body_and_the_shadow_lies_on_it(figure, pose):
    (floor,), (body,), (shadow,) = named(figure, "floor"), named(figure, "body"), named(figure, "shadow")
    low = corners(body)[:, 2].min()
    assert np.allclose(floor.z, low, atol=1)
    assert np.allclose(shadow.z, low + 2, atol=1)
    feet = upright(pose.joints_3d)[[HUMAN36M_17.index("left_ankle"), HUMAN36M_17.index("right_ankle")]]
    nearest = [np.linalg.norm(corners(shadow)[:, :2] - foot[:2], axis=1).argmin() for foot in feet]
    assert shadow.intensity[nearest].min() > 60
    ends = (shadow.x == shadow.x.min()) | (shadow.y == shadow.y.max())
    assert shadow.intensity[ends].max() == 0  # it ends softly
    assert shadow.colorscale[0][1].endswith(", 0.0)")


def test_dragging_turns_about_the_vertical_and_height_and_camera_are_kept(figure):
    assert figure.layout.scene.dragmode == "turntable"
    assert (figure.layout.scene.camera.up.x, figure.layout.scene.camera.up.z) == (0, 1)
    assert figure.layout.height > 300  # a gr.Plot without an explicit height may come out blank
    assert figure.layout.uirevision
    assert figure.layout.scene.camera.projection.type != "orthographic"  # else the camera is lost on a redraw
    assert "orbitRotation" in figure.layout.modebar.remove


def test_buttons_show_front_side_and_top_and_bring_the_first_view_back(figure):
    buttons = figure.layout.updatemenus[0].buttons
    assert [button.label for button in buttons] == [*VIEWPOINTS, "Reset"] == ["Front", "Side", "Top", "Reset"]
    front, side, top, reset = (eye_from_body(button.args[0]["scene.camera"]) for button in buttons)
    assert front["y"] < -1  # where the camera was
    assert side["x"] > 1
    assert top["z"] > 1
    assert buttons[3].args[0]["scene.camera"]["eye"] == figure.layout.scene.camera.eye.to_plotly_json()
    assert min(reset["x"], -reset["y"]) > 0.5  # a little to the side


def test_switches_hide_what_they_name(pose, scene_photo):
    figure = skeleton_figure(pose, scene_photo)
    switches = {button.label: button for button in figure.layout.updatemenus[1].buttons}
    assert list(switches) == ["Photo", "Uncertainty"]
    for label, names in (("Photo", {"camera"}), ("Uncertainty", {"uncertainty"})):
        hide, show = switches[label].args, switches[label].args2
        assert (switches[label].method, hide[0], show[0]) == ("restyle", {"visible": False}, {"visible": True})
        assert {figure.data[number].name for number in hide[1]} == names
        assert hide[1] == show[1]
    without = skeleton_figure(pose)
    assert [button.label for button in without.layout.updatemenus[1].buttons] == ["Uncertainty"]


def test_hovering_shows_name_place_and_confidence(figure, pose):
    text = joints(figure).hovertext[WRIST]
    x, y, z = pose.joints_3d[WRIST]
    across, _, depth = pose.spread[WRIST]
    for part in ("left wrist", f"{x:.0f} mm", f"{y:.0f} mm", f"{z:.0f} mm", "confidence", "seen"):
        assert part in text
    assert f"± {across:.0f} mm across, ± {depth:.0f} mm in depth" in text


def test_joints_beyond_the_frame_are_left_out_or_dotted(change_pose):
    ankle = HUMAN36M_17.index("left_ankle")
    pose = change_pose(status=tuple("outside" if joint == ankle else "seen" for joint in range(17)))
    without, dotted = skeleton_figure(pose), skeleton_figure(pose, show_outside=True)
    assert named(without, "guessed") == []
    assert len(joints(without).x) == 16
    assert not any("left ankle" in text for text in joints(without).hovertext)
    (line,) = named(dotted, "guessed")
    assert line.line.dash == "dot"
    assert line.x.count(None) == 1  # one bone: there is a gap after each
    assert len(joints(dotted).x) == 17
    foot = upright(pose.joints_3d)[ankle]
    for drawn in (without, dotted):
        assert np.linalg.norm(corners(named(drawn, "body")[0]) - foot, axis=1).min() > 100


def test_each_bone_is_a_limb_between_its_joints_in_the_colour_of_its_side(figure, pose):
    body, points, opacity = named(figure, "body")[0], upright(pose.joints_3d), joint_opacity(pose)
    places, (sides, strengths) = corners(body), sides_and_strengths(body)
    for parent, joint in HUMAN36M_17.bones:
        if HUMAN36M_17.joints[joint] == "head_top":
            continue  # an egg of its own
        start, along = points[parent], points[joint] - points[parent]
        part = (places - start) @ along / (along @ along)
        off = np.linalg.norm(places - start - part[:, None] * along, axis=1)
        mine = sides == bone_side(HUMAN36M_17, (parent, joint))
        mine &= (off < 70) & (np.abs(strengths - min(opacity[parent], opacity[joint])) < 0.02)
        for end in (0, 1):  # a ring of corners round each end
            assert (mine & (np.abs(part - end) < 0.01)).sum() >= 12, HUMAN36M_17.joints[joint]
    assert [colour for _, colour in COLOUR_SCALE[1::2]] == [side_css(side) for side in ("left", "right", "middle")]


def test_joints_below_the_minimum_confidence_are_left_out(pose, figure):
    drawn = skeleton_figure(pose, min_confidence=0.8)
    assert len(joints(drawn).x) == (pose.confidence >= 0.8).sum() < 17
    assert 0 < len(named(drawn, "body")[0].x) < len(named(figure, "body")[0].x)


def test_a_person_of_whom_no_joint_is_drawn_is_an_empty_scene(pose, scene_photo):
    drawn = skeleton_figure(pose, scene_photo, min_confidence=1.0001)
    assert len(joints(drawn).x) == 0
    assert named(drawn, "shadow") == named(drawn, "uncertainty") == []
    json.loads(drawn.to_json())


def test_ellipsoids_have_the_half_axes_of_the_spread(figure, pose):
    spread, head = pose.spread, HUMAN36M_17.index("head_top")
    (clear,) = named(figure, "uncertainty")
    assert clear.opacity < 0.3
    each = corners(clear).reshape(17, -1, 3)
    assert np.ptp(each[head], axis=0) / 2 == pytest.approx(spread[head][[0, 2, 1]], abs=6)
    sides, _ = sides_and_strengths(clear)
    assert [*sides.reshape(17, -1)[:, 0]] == [HUMAN36M_17.side(joint) for joint in range(17)]
    assert figure.data[-1] is clear  # after all that is seen through it


def test_nothing_is_drawn_of_a_spread_that_was_not_measured(change_pose):
    assert named(skeleton_figure(change_pose(spread=None)), "uncertainty") == []
    spread = np.full((17, 3), 40.0, np.float32)
    spread[HUMAN36M_17.root] = 0
    (clear,) = named(skeleton_figure(change_pose(spread=spread)), "uncertainty")
    (whole,) = named(skeleton_figure(change_pose()), "uncertainty")
    each = len(corners(whole)) // 17
    assert len(corners(clear)) == 16 * each, "all but the pelvis, from which the others are measured"


def test_several_people_without_a_photo_stand_side_by_side_with_their_numbers(pose):
    figure = skeleton_figure({"1": pose, "3": pose})
    first, second = named(figure, "joints")
    assert min(second.x) > max(first.x)
    numbers = named(figure, "number")
    assert [trace.text[0] for trace in numbers] == ["<b>1</b>", "<b>3</b>"]
    assert all(max(second.z) < trace.z[0] < figure.layout.scene.zaxis.range[1] for trace in numbers)
    assert named(skeleton_figure({"2": pose}), "number") == []


def smaller(pose, factor, shift):
    """The same person, seen smaller and elsewhere in the photo."""
    points = pose.joints_2d * np.float32(factor) + np.float32(shift)
    return dataclasses.replace(pose, joints_2d=points, person_box=np.concatenate((points.min(0), points.max(0))))


def test_people_stand_where_the_photo_shows_them_and_the_smaller_the_farther(pose, scene_photo):
    other = smaller(pose, 0.5, (200, 100))
    figure = skeleton_figure({"1": pose, "2": other}, scene_photo)
    camera = Camera.usual(scene_photo.shape[:2], [pose, other])
    near, far = (corners(trace)[0] for trace in named(figure, "joints"))
    lens = upright(-camera.place(pose)[None])[0]
    assert near == pytest.approx(np.zeros(3))
    assert far[1] - lens[1] == pytest.approx(2 * (near[1] - lens[1]), rel=1e-3)
    for place, person in ((near, pose), (far, other)):
        right, away, up = place - lens
        pixel = np.array([right, -up]) / away * camera.focal + (np.array([400, 300]) - 1) / 2
        assert pixel == pytest.approx(person.joints_2d[0], abs=0.5)


def test_the_photo_stands_behind_everybody_as_the_camera_saw_it(pose, scene_photo):
    figure = skeleton_figure(pose, scene_photo)
    (frustum,), (body,) = named(figure, "camera"), named(figure, "body")
    address, ends = figure.layout.meta["photo"], np.array(figure.layout.meta["corners"])
    camera = Camera.usual((300, 400), [pose])
    lens = upright(-camera.place(pose)[None])[0]
    assert np.allclose(ends[:, 1], corners(body)[:, 1].max() + BEHIND, atol=2)
    right, away, up = (ends - lens).T
    pixels = np.stack((right, -up), 1) / away[:, None] * camera.focal
    assert pixels == pytest.approx(np.array([(-200, -150), (200, -150), (200, 150), (-200, 150)]), abs=0.5)
    kind, data = address.split(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as shown:
        assert np.abs(np.asarray(shown).astype(int) - scene_photo).mean() < 12
    assert np.isclose(corners(frustum), lens, atol=1).all(1).sum() == 4  # four lines start at the lens
    assert skeleton_figure(pose).layout.meta is None


def test_a_large_photo_is_shrunk(pose):
    photo = np.full((3000, 1500, 3), 90, np.uint8)
    address = skeleton_figure(pose, photo).layout.meta["photo"]
    assert Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).size == (360, 720)


def test_from_the_front_the_eye_is_where_the_camera_was(pose, scene_photo):
    figure = skeleton_figure(pose, scene_photo)
    scene, front = figure.layout.scene, figure.layout.updatemenus[0].buttons[0].args[0]["scene.camera"]
    middles = [np.mean(axis.range) for axis in (scene.xaxis, scene.yaxis, scene.zaxis)]
    eye = np.array([front["eye"][axis] for axis in "xyz"]) * 1000 + middles
    lens = upright(-Camera.usual((300, 400), [pose]).place(pose)[None])[0]
    assert eye == pytest.approx(lens, abs=1)
    assert front["eye"]["z"] == pytest.approx(front["center"]["z"])  # level, as the photo is upright


def test_a_portrait_is_taken_from_farther_away(pose):
    large = smaller(pose, 4, (-600, -500))
    assert Camera.usual((300, 400), [large]).place(large)[2] == pytest.approx(1800, rel=1e-3)


def test_the_figure_is_small_even_of_a_crowd(pose, scene_photo):
    assert len(skeleton_figure(pose, scene_photo).to_json()) < 300_000
    crowd = {str(number): smaller(pose, 0.4, (20 * number, 0)) for number in range(1, 11)}
    assert len(skeleton_figure(crowd, scene_photo).to_json()) < 900_000


def test_bars_show_every_weight():
    fusion = FusionSummary("trainable", 2.0, 2.5, np.array([0.1, 0.2, 0.9], np.float32), pruned=False, merge_after=None)
    figure = weights_figure(fusion)
    assert np.allclose(figure.data[0].y, fusion.weights)
    assert list(figure.data[0].x) == ["1", "2", "3"]
    assert figure.layout.height


def test_the_sentence_tells_alpha_beta_and_the_cut():
    weights = np.array([0.0, 1.0])
    whole = weights_sentence(FusionSummary("trainable", 3.25, 1.5, weights, pruned=False, merge_after=None))
    cut = weights_sentence(FusionSummary("trainable", 3.25, 1.5, weights, pruned=True, merge_after=1))
    early = weights_sentence(FusionSummary("early", None, None, weights, pruned=False, merge_after=None))
    assert "1.50" in whole
    assert "3.25" in whole
    assert "cut away" not in whole
    assert "up to layer 1" in cut
    assert "early" in early
