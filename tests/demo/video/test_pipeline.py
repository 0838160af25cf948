"""A clip in, the motion and its files out."""

import subprocess
import sys
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.video import pipeline
from demo.video.clips import clip_writer
from demo.video.pipeline import file_steps, motion_steps
from demo.video.smoothing import smooth_motion
from fusion_model import PoseEstimator
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.images import load_photo
from fusion_model.video.clips import open_clip, read_frames
from tests.helpers.clips import HEIGHT, WIDTH, middle, picture, write_clip
from tests.helpers.steps import finished
from tests.helpers.videos import packets

ROOT = Path(__file__).parents[3]


def test_a_step_bounds_the_number_of_frames(squares, walk):
    motion = finished(motion_steps(squares, walk, most_poses=6))
    assert motion.step == 4
    assert motion.frames == (0, 4, 8, 12, 16)
    assert motion.frame_seconds == pytest.approx(0.16, abs=1e-3)
    with pytest.raises(ValueError, match="most_poses"):
        finished(motion_steps(squares, walk, most_poses=pipeline.MAX_POSES + 1))


def test_frames_that_cannot_be_decoded_are_counted_and_leave_the_others_as_they_are(squares, walk):
    whole = finished(motion_steps(squares, walk))
    data = bytearray(walk.read_bytes())
    for start, size in packets(walk)[13:]:
        data[start : start + size] = bytes(size)
    walk.write_bytes(data)
    motion = finished(motion_steps(squares, walk))
    assert (motion.clip.frames, motion.clip.missing) == (13, 7)
    assert motion.clip.seconds == pytest.approx(0.8)
    assert motion.frames == tuple(range(13))
    assert [pose and middle(pose) for pose in motion.poses] == [pose and middle(pose) for pose in whole.poses[:13]]


def test_progress_rises_to_one(squares, walk, tmp_path):
    estimated, written = [], []
    motion = finished(motion_steps(squares, walk), estimated)
    assert [fraction for fraction, _ in estimated] == pytest.approx(np.arange(1, 21) / 20)
    assert estimated[-1][1] == "frame 20 of 20"
    finished(file_steps(motion, tmp_path / "out"), written)
    assert written[-1] == (1.0, "drawing 20 of 20")


def test_the_overlay_shows_the_skeleton_or_says_that_there_is_none(walked, tmp_path):
    files = finished(file_steps(walked, tmp_path / "out"))
    clip = open_clip(files["mp4"])
    assert (clip.width, clip.height, clip.frames) == (WIDTH, HEIGHT, 20)
    assert clip.seconds == pytest.approx(0.8, abs=0.01)
    frames, blue = [frame for _, _, frame in read_frames(clip)], np.array(SIDE_COLOURS["left"])
    for frame, pose in zip(frames, walked.poses, strict=True):
        drawn = (np.abs(frame.astype(int) - blue).sum(2) < 120).sum()
        assert (drawn > 50) == (pose is not None)
    assert frames[9][:60, :200].max() > 200  # words on black
    assert frames[9][60:].max() < 40


def test_the_overlay_of_a_step_keeps_the_clips_time(squares, walk, tmp_path):
    motion = finished(motion_steps(squares, walk, most_poses=6))
    overlay = open_clip(finished(file_steps(motion, tmp_path))["mp4"])
    assert overlay.frames == 5
    assert [when for _, when, _ in read_frames(overlay)] == pytest.approx(motion.times, abs=2e-3)


def test_a_large_or_odd_clip_is_drawn_at_an_even_size(walked, monkeypatch, tmp_path):
    monkeypatch.setattr(pipeline, "MAX_SIDE", 210)
    overlay = open_clip(finished(file_steps(walked, tmp_path))["mp4"])
    assert (overlay.width, overlay.height) == (210, 156)


def test_all_files_are_named_after_the_clip_and_the_overlay_is_h264_with_its_index_first(walked, tmp_path):
    files = finished(file_steps(smooth_motion(walked), tmp_path / "new" / "out"))
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [
        "walk.bvh", "walk.csv", "walk.glb", "walk.json", "walk.skeleton.mp4",
    ]  # fmt: skip
    assert all(path.stat().st_size > 0 for path in files.values())
    data = files["mp4"].read_bytes()
    assert b"avc1" in data
    assert data.index(b"moov") < data.index(b"mdat")  # plays before it is loaded


def test_closing_the_steps_leaves_nothing_behind(walked, tmp_path):
    steps = file_steps(walked, tmp_path / "out")
    for _ in range(7):
        next(steps)
    steps.close()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failure_leaves_the_old_overlay_as_it_was(walked, tmp_path, monkeypatch):
    path = finished(file_steps(walked, tmp_path / "out"))["mp4"]
    before = path.read_bytes()
    monkeypatch.setattr(pipeline, "draw_people", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finished(file_steps(walked, tmp_path / "out"))
    assert path.read_bytes() == before
    assert not list((tmp_path / "out").glob(".*"))


def test_frames_are_released(squares, tmp_path, monkeypatch):
    alive, counts, real = weakref.WeakSet(), [], pipeline.read_frames

    class Frame(np.ndarray):
        """A frame that can be told from others and referred to weakly."""

        __hash__ = object.__hash__

    def frames(*arguments):
        for number, seconds, frame in real(*arguments):
            shown = frame.view(Frame)
            alive.add(shown)
            counts.append(len(alive))
            yield number, seconds, shown

    monkeypatch.setattr(pipeline, "read_frames", frames)
    path = write_clip(tmp_path / "a.mp4", [picture(100 + number) for number in range(30)])
    finished(file_steps(finished(motion_steps(squares, path)), tmp_path / "out"))
    assert len(counts) == 60
    assert max(counts) <= 3


@pytest.mark.slow
def test_clips_need_no_gradio():
    modules = "demo.video.pipeline, demo.video.smoothing, demo.drawing.motion_figure"
    code = f"import sys, {modules}; print('gradio' in sys.modules)"
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
    motion = finished(motion_steps(PoseEstimator.from_pretrained("default"), tmp_path / "a.mp4"))
    assert len(motion.found) >= 10
    heads = np.array([motion.poses[place].joints_2d[10] - moves[place] for place in motion.found])
    assert np.linalg.norm(heads - np.median(heads, 0), axis=1).max() < 0.06 * height
    finished(file_steps(smooth_motion(motion), tmp_path / "out"))
