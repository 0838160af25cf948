"""Clips: reading, limits and writing, on clips that the tests write themselves."""

import base64
import struct

import cv2
import numpy as np
import pytest

from demo.video import clips
from demo.video.clips import VideoError, clip_writer, open_clip, read_frames
from tests.helpers.clips import HEIGHT, RATE, SIZE, WIDTH, picture, write_clip


def test_a_clip_is_described_without_reading_it_all(walk):
    clip = open_clip(walk)
    assert (clip.width, clip.height, clip.frames) == (WIDTH, HEIGHT, 20)
    assert clip.rate == pytest.approx(RATE)
    assert clip.seconds == pytest.approx(0.8)


def test_frames_come_with_their_numbers_times_and_colours(tmp_path):
    pictures = [np.full((64, 96, 3), (250, 20 * number, 0), np.uint8) for number in range(10)]
    found = list(read_frames(open_clip(write_clip(tmp_path / "a.mp4", pictures)), step=3))
    assert [number for number, _, _ in found] == [0, 3, 6, 9]
    assert [seconds for _, seconds, _ in found] == pytest.approx([0, 0.12, 0.24, 0.36], abs=1e-3)
    for number, _, frame in found:
        assert np.abs(frame.astype(int) - pictures[number]).max() < 12


def test_times_of_a_clip_of_varying_pace_are_its_own(tmp_path):
    times = [0.0, 0.04, 0.5, 0.6]
    with clip_writer(tmp_path / "a.mp4", SIZE, RATE) as write:
        for seconds in times:
            write(picture(), seconds)
    assert [when for _, when, _ in read_frames(open_clip(tmp_path / "a.mp4"))] == pytest.approx(times, abs=1e-3)


@pytest.mark.parametrize(
    ("turn", "place"), [(((0, 1), (-1, 0)), (slice(0, 20), slice(-20, None))), (((-1, 0), (0, -1)), (-1, -1))]
)
def test_a_phones_clip_is_turned_upright(tmp_path, turn, place):
    drawn = np.zeros((64, 96, 3), np.uint8)
    drawn[:20, :20] = 255  # where the camera's top left was
    path = write_clip(tmp_path / "phone.mp4", [drawn] * 3)
    data = bytearray(path.read_bytes())
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    assert data.count(matrix) == 2  # of the film and of the track: the track's is the later one
    (a, b), (c, d) = turn
    turned = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    start = data.rindex(matrix)
    data[start : start + len(matrix)] = turned
    path.write_bytes(data)
    clip = open_clip(path)
    assert (clip.width, clip.height) == ((64, 96) if b else (96, 64))
    frame = next(read_frames(clip))[2]
    assert frame.shape == (clip.height, clip.width, 3)
    assert frame[place].min() > 200
    assert frame[frame.shape[0] // 2, frame.shape[1] // 2].max() < 50


def test_a_clip_without_a_count_is_counted(walk, monkeypatch):
    real = clips._Capture

    class Live(real):
        """As of clips that browsers record: no count, and 1000 frames a second."""

        def __init__(self, path):
            super().__init__(path)
            lies = {cv2.CAP_PROP_FRAME_COUNT: -1e15, cv2.CAP_PROP_FPS: 1000.0}
            self.get = lambda what: lies.get(what, self._capture.get(what))

    monkeypatch.setattr(clips, "_Capture", Live)
    clip = open_clip(walk)
    assert clip.frames == 20
    assert clip.rate == pytest.approx(RATE, rel=0.01)


def test_limits_are_announced_and_kept(walk, monkeypatch):
    for limit, value, message in (
        ("MAX_SECONDS", 0.5, "0.8 seconds: at most 0.5"),
        ("MAX_PIXELS", WIDTH * HEIGHT - 1, "400 x 300 pixels: at most"),
        ("MAX_BYTES", 1000, "MB: at most"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(clips, limit, value)
            with pytest.raises(VideoError, match=message):
                open_clip(walk)
    assert f"{clips.MAX_SECONDS:g} seconds" in clips.LIMITS
    assert f"{clips.MAX_BYTES // 10**6} MB" in clips.LIMITS
    open_clip(walk)


def test_a_header_that_lies_about_the_length_is_found_out(tmp_path, monkeypatch):
    clip = open_clip(write_clip(tmp_path / "a.mp4", [picture()] * 40))
    monkeypatch.setattr(clips, "MAX_SECONDS", 0.4)
    with pytest.raises(VideoError, match=r"more than 0\.4 seconds"):
        list(read_frames(clip))


def test_what_is_no_clip_is_refused_in_one_sentence(tmp_path, walk):
    whole = walk.read_bytes()
    playlist = b"#EXTM3U\n#EXTINF:1,\n" + str(walk).encode() + b"\n#EXT-X-ENDLIST\n"
    head = whole[: len(whole) // 3]
    cases = {
        "empty.mp4": (b"", "empty file"),
        "notes.mp4": (b"milk, bread, apples", "not a clip"),
        "list.mp4": (playlist, "not a clip"),
        "cut.mp4": (head[:40], "damaged"),
        "noise.mp4": (whole[:32] + b"\x07" * 5000, "damaged"),
    }
    for name, (data, message) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(VideoError, match=message) as caught:
            open_clip(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4"):
        open_clip(tmp_path / "gone.mp4")


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
