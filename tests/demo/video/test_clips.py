"""Clips that are written."""

import pytest

from demo.video.clips import clip_writer
from fusion_model.video.clips import open_clip, read_frames
from tests.helpers.clips import SIZE, picture


def test_frames_keep_their_times(tmp_path):
    times = [0.0, 0.04, 0.5, 0.6, 0.6 + 1e-9]  # the last two must not meet
    with clip_writer(tmp_path / "a.mp4", SIZE, 25) as write:
        for seconds in times:
            write(picture(), seconds)
    clip = open_clip(tmp_path / "a.mp4")
    assert (clip.width, clip.height, clip.frames, clip.missing) == (*SIZE, 5, 0)
    assert [when for _, when, _ in read_frames(clip)] == pytest.approx(times, abs=1e-3)
