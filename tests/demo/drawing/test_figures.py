"""The 3D view and the bars of the fusion weights."""

import numpy as np
import pytest

from demo.drawing.figures import VIEWPOINTS, side_css, skeleton_figure, upright, weights_figure, weights_sentence
from demo.drawing.overlays import joint_opacity
from demo.drawing.uncertainty import joint_sigma
from fusion_model.drawing import bone_side
from fusion_model.estimator import FusionSummary
from fusion_model.skeletons import HUMAN36M_17


@pytest.fixture
def figure(pose):
    return skeleton_figure(pose)


def traces(figure, mode):
    return [trace for trace in figure.data if trace.type == "scatter3d" and trace.mode == mode]


def bones(figure, dash):
    """How many bones are drawn so; there is a gap after each."""
    return sum(line.x.count(None) for line in traces(figure, "lines") if line.line.dash == dash)


def joints(figure):
    return traces(figure, "markers")[0]


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


def test_axes_are_equally_long_in_millimetres(change_pose, pose):
    for factor in (1.0, 2.0):
        scene = skeleton_figure(change_pose(joints_3d=pose.joints_3d * np.float32(factor))).layout.scene
        assert scene.aspectmode == "manual"
        spans = [axis.range[1] - axis.range[0] for axis in (scene.xaxis, scene.yaxis, scene.zaxis)]
        ratios = [scene.aspectratio.x, scene.aspectratio.y, scene.aspectratio.z]
        assert np.allclose(np.divide(spans, ratios), max(spans))


def test_the_floor_is_under_the_lowest_joint(figure):
    floor = next(trace for trace in figure.data if trace.type == "mesh3d")
    assert set(floor.z) == {min(joints(figure).z)}


def test_height_and_camera_are_kept(figure):
    assert figure.layout.height > 300  # a gr.Plot without an explicit height may come out blank
    assert figure.layout.uirevision
    assert figure.layout.scene.camera.projection.type != "orthographic"  # else the camera is lost on a redraw


def test_buttons_show_front_side_and_top(figure):
    buttons = figure.layout.updatemenus[0].buttons
    assert [button.label for button in buttons] == ["Front", "Side", "Top"] == list(VIEWPOINTS)
    eyes = [button.args[0]["scene.camera"]["eye"] for button in buttons]
    assert eyes[0]["y"] < -1  # where the camera was
    assert eyes[1]["x"] > 1
    assert eyes[2]["z"] > 1


def test_hovering_shows_name_place_and_confidence(figure, pose):
    text = joints(figure).hovertext[HUMAN36M_17.index("left_wrist")]
    x, y, z = pose.joints_3d[HUMAN36M_17.index("left_wrist")]
    for part in ("left wrist", f"{x:.0f} mm", f"{y:.0f} mm", f"{z:.0f} mm", "confidence", "seen"):
        assert part in text


def test_joints_beyond_the_frame_are_left_out_or_dotted(change_pose):
    ankle = HUMAN36M_17.index("left_ankle")
    pose = change_pose(status=tuple("outside" if joint == ankle else "seen" for joint in range(17)))
    without, dotted = skeleton_figure(pose), skeleton_figure(pose, show_outside=True)
    assert bones(without, "solid") == 15
    assert bones(without, "dot") == 0
    assert len(joints(without).x) == 16
    assert not any("left ankle" in text for text in joints(without).hovertext)
    assert bones(dotted, "solid") == 15
    assert bones(dotted, "dot") == 1
    assert len(joints(dotted).x) == 17


def test_each_bone_joins_its_two_joints_in_the_colour_of_its_side(figure, pose):
    (line,) = traces(figure, "lines")
    places = np.array([[line[axis][k] for axis in "xyz"] for k in range(len(line.x)) if line.x[k] is not None])
    ends = np.array([[joints(figure)[axis][joint] for axis in "xyz"] for joint in np.ravel(HUMAN36M_17.bones)])
    assert np.allclose(places, ends)
    opacity = joint_opacity(pose)
    for number, bone in enumerate(HUMAN36M_17.bones):
        wanted = side_css(bone_side(HUMAN36M_17, bone), float(opacity[list(bone)].min()))
        assert line.line.color[3 * number : 3 * number + 3] == (wanted,) * 3


def test_joints_below_the_minimum_confidence_are_left_out(pose):
    figure = skeleton_figure(pose, min_confidence=0.8)
    assert len(joints(figure).x) == (pose.confidence >= 0.8).sum() < 17
    assert 0 < bones(figure, "solid") < 16


def test_bubbles_have_the_radius_of_the_sigma(figure, pose):
    sigma = joint_sigma(pose)
    head = HUMAN36M_17.index("head_top")
    _, bubbles = (trace for trace in figure.data if trace.type == "mesh3d")
    colours = [bubbles.colorscale[int(side)][1] for side in bubbles.intensity[:: len(bubbles.x) // 17]]
    assert colours == [side_css(HUMAN36M_17.side(joint)) for joint in range(17)]
    assert max(bubbles.z) == pytest.approx(upright(pose.joints_3d)[head, 2] + sigma[head], rel=1e-3)
    assert f"map sigma ± {sigma[head]:.0f} mm" in joints(figure).hovertext[head]


def test_several_people_stand_side_by_side_with_their_numbers(pose):
    figure = skeleton_figure({"1": pose, "3": pose})
    first, second = traces(figure, "markers")
    assert min(second.x) > max(first.x)
    numbers = traces(figure, "text")
    assert [trace.text[0] for trace in numbers] == ["<b>1</b>", "<b>3</b>"]
    assert all(max(second.z) < trace.z[0] < figure.layout.scene.zaxis.range[1] for trace in numbers)
    assert traces(skeleton_figure({"2": pose}), "text") == []


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
