"""A clip in, the motion and its files out."""

import weakref

import numpy as np
import pytest

from demo.drawing.motion_figure import motion_sentence
from demo.video import pipeline
from demo.video.pipeline import file_steps, motion_steps
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.video.clips import open_clip, read_frames
from tests.helpers.clips import HEIGHT, WIDTH, middle, picture, write_clip
from tests.helpers.steps import finished
from tests.helpers.videos import packets


def test_a_step_bounds_the_number_of_frames_and_keeps_the_clips_time(squares, walk, tmp_path):
    motion = finished(motion_steps(squares, walk, most_poses=6))
    assert motion.step == 4
    assert motion.frames == (0, 4, 8, 12, 16)
    assert motion.frame_seconds == pytest.approx(0.16, abs=1e-3)
    overlay = open_clip(finished(file_steps(motion, tmp_path))["mp4"])
    assert [when for _, when, _ in read_frames(overlay)] == pytest.approx(motion.times, abs=2e-3)
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
    assert "7 of 20 frames are missing" in motion_sentence(motion)
    assert motion.frames == tuple(range(13))
    assert [pose and middle(pose) for pose in motion.poses] == [pose and middle(pose) for pose in whole.poses[:13]]


def test_the_files_are_named_after_the_clip_and_the_overlay_shows_the_skeleton_or_says_that_there_is_none(
    walked, tmp_path
):
    steps = []
    files = finished(file_steps(walked, tmp_path / "new" / "out"), steps)
    assert [text for _, text in steps] == [f"drawing {number} of 20" for number in range(1, 21)]
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [
        "walk.bvh", "walk.csv", "walk.glb", "walk.json", "walk.skeleton.mp4",
    ]  # fmt: skip
    data, clip = files["mp4"].read_bytes(), open_clip(files["mp4"])
    assert data.index(b"moov") < data.index(b"mdat")  # plays before it is loaded
    assert (clip.width, clip.height, clip.frames) == (WIDTH, HEIGHT, 20)
    assert clip.seconds == pytest.approx(0.8, abs=0.01)
    frames, blue = [frame for _, _, frame in read_frames(clip)], np.array(SIDE_COLOURS["left"])
    for frame, pose in zip(frames, walked.poses, strict=True):
        drawn = (np.abs(frame.astype(int) - blue).sum(2) < 120).sum()
        assert (drawn > 50) == (pose is not None)
    assert frames[9][:60, :200].max() > 200  # words on black
    assert frames[9][60:].max() < 40


def test_a_large_or_odd_clip_is_drawn_at_an_even_size(walked, monkeypatch, tmp_path):
    monkeypatch.setattr(pipeline, "MAX_SIDE", 210)
    overlay = open_clip(finished(file_steps(walked, tmp_path))["mp4"])
    assert (overlay.width, overlay.height) == (210, 156)


def test_a_failure_or_an_end_between_two_steps_leaves_what_was_there(walked, tmp_path, monkeypatch):
    out = tmp_path / "out"
    steps = file_steps(walked, out)
    for _ in range(7):
        next(steps)
    steps.close()
    assert list(out.iterdir()) == []
    path = finished(file_steps(walked, out))["mp4"]
    before = path.read_bytes()
    monkeypatch.setattr(pipeline, "draw_people", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finished(file_steps(walked, out))
    assert path.read_bytes() == before
    assert not list(out.glob(".*"))


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
