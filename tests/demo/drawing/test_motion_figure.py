"""The 3D figure of a motion, and how a browser plays it."""

import dataclasses

import numpy as np
import pytest

from demo.drawing.figures import skeleton_figure
from demo.drawing.motion_figure import FIGURE_HEIGHT, motion_figure
from demo.drawing.overlays import joint_opacity
from demo.drawing.people import bone_path
from demo.drawing.stage import upright
from fusion_model.skeletons import HUMAN36M_17

WRIST = HUMAN36M_17.index("left_wrist")


def test_the_figure_has_a_frame_for_each_pose(motion):
    figure = motion_figure(motion)
    assert [frame.name for frame in figure.frames] == [str(number) for number in motion.frames]
    slider = figure.layout.sliders[0]
    assert [step.args[0] for step in slider.steps] == [(frame.name,) for frame in figure.frames]
    assert slider.steps[1].label == "0.08 s"
    assert slider.steps[4].label == "0.32 s (nobody found)"
    assert all(len(trace.x) == 0 for trace in figure.frames[4].data)
    labels = [button.label for menu in figure.layout.updatemenus for button in menu.buttons]
    assert labels == ["Front", "Side", "Top", "Reset", "Play", "Pause"]
    play = next(button for menu in figure.layout.updatemenus for button in menu.buttons if button.label == "Play")
    assert list(play.args[0]) == [frame.name for frame in figure.frames]
    assert play.args[1]["frame"]["duration"] == pytest.approx(80)


def test_only_the_views_and_the_player_have_buttons_whatever_the_maps_say(motion, pose):
    poses = tuple(one and dataclasses.replace(one, heatmaps=pose.heatmaps) for one in motion.poses)
    figure = motion_figure(dataclasses.replace(motion, poses=poses))
    labels = [button.label for menu in figure.layout.updatemenus for button in menu.buttons]
    assert labels == ["Front", "Side", "Top", "Reset", "Play", "Pause"]
    assert all(button.args2 is None for menu in figure.layout.updatemenus for button in menu.buttons)


def test_each_frame_is_drawn_as_the_still_figure_draws_it(motion):
    figure = motion_figure(motion)
    floor = figure.data[0].z[0]
    for frame, pose in zip(figure.frames, motion.poses, strict=True):
        if pose is None:
            continue
        joints = next(trace for trace in skeleton_figure(pose).data if trace.name == "joints")
        lowered = np.array([0, 0, floor - min(joints.z)])
        assert [*zip(*(frame.data[1][axis] for axis in "xyz"), strict=True)] == pytest.approx(
            np.array([joints[axis] for axis in "xyz"]).T + lowered, abs=0.06
        )
        assert frame.data[1].marker.color == joints.marker.color
        path, colours = bone_path(pose, upright(pose.joints_3d), joint_opacity(pose), HUMAN36M_17.bones)
        assert frame.data[0].x.count(None) == 16
        assert [x for x in frame.data[0].x if x is not None] == pytest.approx(path[~np.isnan(path[:, 0]), 0], abs=0.06)
        assert list(frame.data[0].line.color) == colours
        assert min(frame.data[1].z) == pytest.approx(floor, abs=0.06)


def test_the_axes_hold_the_whole_motion_and_the_camera_is_kept(motion):
    poses = list(motion.poses)
    poses[-1] = dataclasses.replace(poses[-1], joints_3d=poses[-1].joints_3d * np.float32(2.5))
    figure = motion_figure(dataclasses.replace(motion, poses=tuple(poses)))
    scene = figure.layout.scene
    axes = (scene.xaxis, scene.yaxis, scene.zaxis)
    for frame in figure.frames:
        for axis, name in zip(axes, "xyz", strict=True):
            assert all(axis.range[0] <= value <= axis.range[1] for value in frame.data[1][name])
    spans = [axis.range[1] - axis.range[0] for axis in axes]
    ratios = [scene.aspectratio.x, scene.aspectratio.y, scene.aspectratio.z]
    assert np.allclose(np.divide(spans, ratios), 1000)
    assert figure.layout.height == FIGURE_HEIGHT
    assert figure.layout.uirevision
    assert all("layout" not in frame.to_plotly_json() for frame in figure.frames)


@pytest.mark.browser
def test_playing_the_figure_moves_the_skeleton_and_keeps_the_camera(browser, motion, tmp_path):
    motion_figure(motion).write_html(tmp_path / "a.html", include_plotlyjs=True)
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.goto((tmp_path / "a.html").as_uri())
    graph = "document.querySelector('.js-plotly-plot')"
    page.wait_for_function(f"() => {graph} && {graph}._fullLayout && {graph}._transitionData._frames.length == 12")
    page.evaluate(f"() => Plotly.relayout({graph}, {{'scene.camera.eye': {{x: 1.2, y: 0.5, z: 0.4}}}})")
    page.locator(".updatemenu-button", has_text="Play").click()
    page.wait_for_function(f"() => {graph}._fullLayout._currentFrame == '22'", timeout=60_000)
    eye = page.evaluate(f"() => {graph}._fullLayout.scene._scene.getCamera().eye")
    assert [eye["x"], eye["y"], eye["z"]] == pytest.approx([1.2, 0.5, 0.4], abs=1e-3)
    assert page.evaluate(f"() => {graph}._fullLayout.sliders[0].active") == 11
    drawn = page.evaluate(f"() => {graph}.data[3].z[{WRIST}]")
    last = upright(motion.poses[-1].joints_3d)[:, 2]
    assert drawn == pytest.approx(motion_figure(motion).data[0].z[0] + last[WRIST] - last.min(), abs=0.1)
    page.close()
