"""Clips that are written."""

import base64

import numpy as np
import pytest

from demo.video.clips import clip_writer
from fusion_model.video.clips import open_clip, read_frames
from tests.helpers.clips import RATE, SIZE, picture


def test_frames_keep_their_times(tmp_path):
    times = [0.0, 0.04, 0.5, 0.6, 0.6 + 1e-9]  # the last two must not meet
    with clip_writer(tmp_path / "a.mp4", SIZE, RATE) as write:
        for seconds in times:
            write(picture(), seconds)
    clip = open_clip(tmp_path / "a.mp4")
    assert (clip.width, clip.height, clip.frames, clip.missing) == (*SIZE, 5, 0)
    assert [when for _, when, _ in read_frames(clip)] == pytest.approx(times, abs=1e-3)


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
