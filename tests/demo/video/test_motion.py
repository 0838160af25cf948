"""The motion of one person: smoothing, the figure, the files, and how a browser takes them."""

import base64
import csv
import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from demo import DEFAULT_MODEL
from demo.drawing.figures import skeleton_figure
from demo.drawing.motion_figure import FIGURE_HEIGHT, motion_figure
from demo.video.clips import Clip, clip_writer
from demo.video.motion import COLUMNS, SCHEMA, Motion, encode_bvh, encode_csv, encode_json
from demo.video.pipeline import estimate_motion, write_files
from demo.video.smoothing import one_euro, smooth_motion
from fusion_model import PoseEstimator
from fusion_model.images import load_photo
from fusion_model.skeletons import HUMAN36M_17

ROOT = Path(__file__).parents[3]
RATE = 25.0
AWAY = (4, 5)  # frames without anybody
WRIST = HUMAN36M_17.index("left_wrist")


@pytest.fixture
def motion(change_pose):
    """Every second frame of a clip: the person lifts the left hand by 10 mm a frame looked at."""
    poses = []
    for place in range(12):
        joints = change_pose().joints_3d.copy()
        joints[WRIST, 1] -= 10 * place
        empty = np.zeros((16, 1, 1), np.float32)
        poses.append(None if place in AWAY else change_pose(joints_3d=joints, heatmaps=empty, seconds={}))
    frames = tuple(range(0, 24, 2))
    times = tuple(number / RATE for number in frames)
    return Motion(Clip(Path("dance.mp4"), 400, 300, 24, RATE), 2, frames, times, tuple(poses))


# Smoothing

TIMES = np.arange(200) / 30
TRUST = np.ones((200, 1))


def wave(hertz, size=0.1):
    """A joint that swings along x: (200, 1, 3), in body heights."""
    return size * np.sin(2 * np.pi * hertz * TIMES)[:, None, None] * [1.0, 0.0, 0.0]


def noise(size, seed=0):
    return np.random.default_rng(seed).normal(0, size, (200, 1, 3))


def off(values, truth):
    return float(np.sqrt(((values - truth)[10:-10] ** 2).mean()))


def test_noise_on_a_still_joint_shrinks_to_a_third():
    assert off(one_euro(noise(0.005), TIMES, TRUST), 0) < off(noise(0.005), 0) / 3


def test_noise_on_a_moving_joint_shrinks():
    truth = wave(0.5)
    assert off(one_euro(truth + noise(0.01), TIMES, TRUST), truth) < 0.7 * off(truth + noise(0.01), truth)


@pytest.mark.parametrize("hertz", [0.3, 0.7, 1.5])
def test_a_motion_keeps_its_time_and_size(hertz):
    truth = wave(hertz)[:, 0, 0]
    smooth = one_euro(wave(hertz), TIMES, TRUST)[:, 0, 0]
    lags = np.arange(-10, 11)
    match = [float(np.dot(np.roll(smooth, -lag)[20:-20], truth[20:-20])) for lag in lags]
    assert lags[int(np.argmax(match))] == 0
    assert np.ptp(smooth[20:-20]) > 0.85 * np.ptp(truth)


def test_what_does_not_move_stays_where_it_is():
    values = np.full((200, 1, 3), 0.4)
    assert one_euro(values, TIMES, TRUST) == pytest.approx(values)


def test_a_joint_that_is_not_trusted_counts_less():
    values, trust = np.zeros((200, 1, 3)), TRUST.copy()
    values[100] = 0.3
    trusted = one_euro(values, TIMES, trust)[100, 0, 0]
    trust[100] = 0.0
    assert 0 < one_euro(values, TIMES, trust)[100, 0, 0] < trusted / 2


def test_a_pause_between_frames_counts_as_time():
    values = np.zeros((3, 1, 3))
    values[1:] = 0.01
    soon = one_euro(values, np.array([0, 0.02, 0.04]), np.ones((3, 1)))
    late = one_euro(values, np.array([0, 1.0, 2.0]), np.ones((3, 1)))
    assert abs(late[1] - values[1]).max() < abs(soon[1] - values[1]).max() / 3


def test_smoothing_changes_joints_only_and_nothing_crosses_a_gap(motion, change_pose):
    rng = np.random.default_rng(1)
    shaken = [
        pose and dataclasses.replace(pose, joints_2d=pose.joints_2d + rng.normal(0, 3, (17, 2)).astype(np.float32))
        for pose in motion.poses
    ]
    motion = dataclasses.replace(motion, poses=tuple(shaken))
    smooth = smooth_motion(motion)
    assert smooth.smoothed
    assert smooth.found == motion.found
    first = motion.poses[0]
    assert (smooth.poses[0].confidence == first.confidence).all()
    assert smooth.poses[0].joints_2d.dtype == smooth.poses[0].joints_3d.dtype == np.float32

    def jumps(one):
        return np.abs(np.diff([one.poses[place].joints_2d for place in one.found[4:]], n=2, axis=0)).mean()

    assert jumps(smooth) < 0.6 * jumps(motion)
    far = [change_pose(joints_2d=first.joints_2d + 1000) if place < 4 else pose for place, pose in enumerate(shaken)]
    other = smooth_motion(dataclasses.replace(motion, poses=tuple(far)))
    for place in motion.found[4:]:
        assert (other.poses[place].joints_2d == smooth.poses[place].joints_2d).all()


# Files


def test_json_has_a_pose_for_each_frame_and_says_where_nobody_is(motion):
    document = json.loads(encode_json(motion))
    assert document["schema"] == SCHEMA == "fusion-pose-video/1"
    assert document["clip"] == {
        "file": "dance.mp4", "width": 400, "height": 300, "frames": 24, "frames_per_second": 25.0, "seconds": 0.96,
    }  # fmt: skip
    assert (document["step"], document["smoothed"], document["model"]) == (2, False, "stand-in")
    assert [entry["frame"] for entry in document["frames"]] == list(motion.frames)
    assert [entry["time"] for entry in document["frames"]] == pytest.approx(motion.times)
    for entry, pose in zip(document["frames"], motion.poses, strict=True):
        assert set(entry) == {"frame", "time", "found", "pose"}
        assert entry["found"] == (pose is not None)
        assert entry["pose"] == (pose and pose.to_dict())


def test_csv_has_a_row_for_each_joint_and_frame(motion):
    rows = list(csv.DictReader(io.StringIO(encode_csv(motion).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 10 * 17 + 2
    assert [int(row["frame"]) for row in rows if row["status"] == "nobody"] == [8, 10]
    wrists = [float(row["y_mm"]) for row in rows if row["joint"] == "left_wrist"]
    assert wrists == [round(float(motion.poses[place].joints_3d[WRIST, 1]), 2) for place in motion.found]
    assert [float(row["time_s"]) for row in rows if row["joint"] == "pelvis"][:2] == [0.0, 0.08]


def test_bvh_goes_straight_over_frames_without_anybody(motion, tmp_path):
    import bvhio

    (tmp_path / "a.bvh").write_bytes(encode_bvh(motion))
    root = bvhio.readAsHierarchy(str(tmp_path / "a.bvh"))
    assert "Frame Time: 0.08" in encode_bvh(motion).decode()
    wrist = root.filter("left_wrist", isEqual=True)[0]
    heights = []
    for frame in range(12):
        root.loadPose(frame)
        heights.append(wrist.PositionWorld.y)
    assert np.all(np.diff(heights) > 0.2)  # centimetres: the hand is lifted in every frame, found or not


# The figure


def test_the_figure_has_a_frame_for_each_pose(motion):
    figure = motion_figure(motion)
    assert [frame.name for frame in figure.frames] == [str(number) for number in motion.frames]
    slider = figure.layout.sliders[0]
    assert [step.args[0] for step in slider.steps] == [(frame.name,) for frame in figure.frames]
    assert slider.steps[1].label == "0.08 s"
    assert slider.steps[4].label == "0.32 s (nobody found)"
    assert all(len(trace.x) == 0 for trace in figure.frames[4].data[1:])
    labels = [button.label for menu in figure.layout.updatemenus for button in menu.buttons]
    assert {"Front", "Side", "Top", "Play", "Pause"} <= set(labels)
    play = next(button for menu in figure.layout.updatemenus for button in menu.buttons if button.label == "Play")
    assert list(play.args[0]) == [frame.name for frame in figure.frames]
    assert play.args[1]["frame"]["duration"] == pytest.approx(80)


def test_each_frame_is_drawn_as_the_still_figure_draws_it(motion):
    for frame, pose in zip(motion_figure(motion).frames, motion.poses, strict=True):
        if pose is None:
            continue
        traces = [trace for trace in skeleton_figure(pose).data if trace.type == "scatter3d"]
        joints = next(trace for trace in traces if trace.mode == "markers")
        assert [*zip(*(frame.data[2][axis] for axis in "xyz"), strict=True)] == pytest.approx(
            np.array([joints[axis] for axis in "xyz"]).T, abs=0.06
        )
        assert frame.data[2].marker.color == joints.marker.color
        (bones,) = (trace for trace in traces if trace.mode == "lines")
        assert frame.data[1].x.count(None) == bones.x.count(None) == 16
        assert frame.data[1].line.color == bones.line.color
        assert frame.data[0].z[0] == pytest.approx(min(joints.z), abs=0.06)


def test_the_axes_hold_the_whole_motion_and_the_camera_is_kept(motion):
    poses = list(motion.poses)
    poses[-1] = dataclasses.replace(poses[-1], joints_3d=poses[-1].joints_3d * np.float32(2.5))
    figure = motion_figure(dataclasses.replace(motion, poses=tuple(poses)))
    scene = figure.layout.scene
    axes = (scene.xaxis, scene.yaxis, scene.zaxis)
    for frame in figure.frames:
        for axis, name in zip(axes, "xyz", strict=True):
            assert all(axis.range[0] <= value <= axis.range[1] for value in frame.data[2][name])
    spans = [axis.range[1] - axis.range[0] for axis in axes]
    ratios = [scene.aspectratio.x, scene.aspectratio.y, scene.aspectratio.z]
    assert np.allclose(np.divide(spans, ratios), max(spans))
    assert figure.layout.height == FIGURE_HEIGHT
    assert figure.layout.uirevision
    assert all("layout" not in frame.to_plotly_json() for frame in figure.frames)


# As a whole


def test_a_clip_that_is_not_finished_is_taken_away(tmp_path):
    def fail():
        with clip_writer(tmp_path / "a.mp4", (96, 64), 25) as write:
            for number in range(150):
                write(np.full((64, 96, 3), number, np.uint8), number / 25)
            assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list(tmp_path.iterdir())


def test_no_page_is_needed():
    code = "import sys, demo.video.pipeline, demo.video.smoothing, demo.drawing.motion_figure; print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_the_bundled_model_follows_the_example(example, tmp_path):
    photo = load_photo(example)
    height, width = photo.shape[:2]
    moves = [(6 * np.sin(number / 3), 4 * np.cos(number / 3)) for number in range(16)]
    with clip_writer(tmp_path / "a.mp4", (width, height), 25) as write:
        for number, (x, y) in enumerate(moves):
            shift = np.float32([[1, 0, x], [0, 1, y]])
            write(cv2.warpAffine(photo, shift, (width, height), borderMode=cv2.BORDER_REPLICATE), number / 25)
    motion = estimate_motion(PoseEstimator.from_pretrained(DEFAULT_MODEL), tmp_path / "a.mp4")
    assert len(motion.found) >= 10
    heads = np.array([motion.poses[place].joints_2d[10] - moves[place] for place in motion.found])
    assert np.linalg.norm(heads - np.median(heads, 0), axis=1).max() < 0.06 * height
    write_files(smooth_motion(motion), tmp_path / "out")


PLAY = """async (source) => {
  const video = document.createElement('video');
  video.muted = true; video.src = source; document.body.append(video);
  return await new Promise((done) => {
    video.onerror = () => done({error: video.error.message});
    video.onended = () => done({width: video.videoWidth, height: video.videoHeight, seconds: video.duration});
    video.play();
  });
}"""


@pytest.mark.browser
def test_a_browser_plays_what_is_written(browser, tmp_path):
    with clip_writer(tmp_path / "a.mp4", (96, 64), 25) as write:
        for number in range(10):
            write(np.full((64, 96, 3), 20 * number, np.uint8), number / 25)
    source = "data:video/mp4;base64," + base64.b64encode((tmp_path / "a.mp4").read_bytes()).decode()
    played = browser.new_page().evaluate(PLAY, source)
    assert played == {"width": 96, "height": 64, "seconds": pytest.approx(0.4, abs=0.01)}


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
    drawn = page.evaluate(f"() => {graph}.data[2].z[{WRIST}]")
    assert drawn == pytest.approx(-float(motion.poses[-1].joints_3d[WRIST, 1]), abs=0.1)
    page.close()
