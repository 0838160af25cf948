"""Clips: what they are said to be, their limits, and what is refused, on files that the tests make."""

import struct

import av
import numpy as np
import pytest

from fusion_model.video import clips
from fusion_model.video.clips import Clip, VideoError, open_clip, read_frames
from tests.helpers.videos import bar, change_size, cut, damage, encode, patch, set_edit, shown_number

SIZE = (160, 96)
BARS = [bar(number) for number in range(20)]


@pytest.fixture
def walk(tmp_path):
    return encode(tmp_path / "walk.mp4", BARS, sound=1.5)


def read(clip, step=1):
    """The frames, and the clip as it turned out to be."""
    decoded = set()
    return list(read_frames(clip, step, decoded)), clip.decoded(len(decoded))


def test_a_clip_is_what_a_player_shows(walk):
    assert open_clip(walk) == Clip(walk, *SIZE, 20, pytest.approx(25))
    trimmed = open_clip(set_edit(walk, skipped=0.2, shown=0.4))
    assert (trimmed.frames, trimmed.seconds, trimmed.missing) == (10, pytest.approx(0.4), 0)
    frames, clip = read(trimmed)
    assert (clip, [shown_number(frame) for _, _, frame in frames]) == (trimmed, list(range(5, 15)))


def test_frames_come_with_their_numbers_times_and_colours(tmp_path):
    pictures = [np.full((64, 96, 3), (250, 20 * number, 0), np.uint8) for number in range(10)]
    found, _ = read(open_clip(encode(tmp_path / "a.mp4", pictures)), step=3)
    assert [number for number, _, _ in found] == [0, 3, 6, 9]
    assert [seconds for _, seconds, _ in found] == pytest.approx([0, 0.12, 0.24, 0.36], abs=1e-3)
    for number, _, frame in found:
        assert np.abs(frame.astype(int) - pictures[number]).max() < 12


def test_a_clip_as_browsers_record_it(tmp_path):
    """Frame after frame, at once: the header never learns how long the clip is."""
    stamps = [500 + 50 * number + 300 * (number > 7) for number in range(20)]
    path = tmp_path / "recorded.webm"
    encode(path, BARS, "libvpx", rate=1000, stamps=stamps, options={"deadline": "realtime"}, muxer={"live": "1"})
    with av.open(str(path)) as container:
        assert container.duration is None
    clip = open_clip(path)
    assert (clip.frames, clip.missing) == (20, 0)
    assert clip.seconds == pytest.approx(1.25, abs=0.01)
    assert [seconds for _, seconds, _ in read(clip)[0]] == pytest.approx((np.array(stamps) - 500) / 1000)


def test_damaged_frames_are_missing_and_the_next_ones_stand_in(walk):
    clip = open_clip(damage(walk, range(5, 10)))
    frames, found = read(clip, step=7)
    assert (found.frames, found.missing, found.seconds) == (15, 5, pytest.approx(0.8))
    assert [(number, shown_number(frame)) for number, _, frame in frames] == [(0, 0), (10, 10), (14, 14)]


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.mp4", "libx264")])
def test_what_is_cut_off_is_missing(tmp_path, name, codec, monkeypatch):
    muxer = {"movflags": "faststart"} if name == "a.mp4" else None  # its index comes first
    whole = open_clip(encode(tmp_path / name, [bar(number % 20) for number in range(60)], codec=codec, muxer=muxer))
    assert (whole.frames, whole.missing) == (60, 0)
    _, found = read(open_clip(cut(whole.path, 0.7)))  # the head of an AVI takes half
    assert 10 <= found.frames <= 50
    assert found.frames + found.missing == pytest.approx(60, abs=1)
    assert found.seconds == pytest.approx(found.frames / 25, abs=0.05)
    monkeypatch.setattr(clips, "MAX_FRAMES", 55)
    with pytest.raises(VideoError, match="has more than 55 frames"):
        open_clip(whole.path)


def test_limits_are_kept(walk, monkeypatch):
    for limits, message in (
        ({"MAX_SECONDS": 0.2}, "0.8 seconds: at most 0.2"),
        ({"MAX_FRAMES": 19}, "has more than 19 frames"),
        ({"MAX_FRAMES": 15, "MAX_SECONDS": 0.1}, r"lasts more than 0\.1 seconds"),
        ({"MAX_PIXELS": SIZE[0] * SIZE[1] - 1}, "160 x 96 pixels: at most"),
        ({"MAX_BYTES": 1000}, "MB: at most"),
    ):
        with monkeypatch.context() as patched:
            for limit, value in limits.items():
                patched.setattr(clips, limit, value)
            with pytest.raises(VideoError, match=message):
                open_clip(walk)
    bounds = {"MAX_FRAMES": 20, "MAX_PIXELS": SIZE[0] * SIZE[1], "MAX_BYTES": walk.stat().st_size, "MAX_SECONDS": 0.35}
    for limit, value in bounds.items():  # half a second more than announced is forgiven
        monkeypatch.setattr(clips, limit, value)
    assert open_clip(walk).frames == 20


@pytest.mark.parametrize(("samples", "message"), [(2 * 10**9, "announces 2,000,000,000 samples"), (10**6, "10,000")])
def test_an_index_that_announces_too_much_is_not_believed(tmp_path, samples, message):
    def edit(data):  # so many frames of one byte each
        struct.pack_into(">II", data, data.index(b"stsz") + 8, 1, samples)
        struct.pack_into(">III", data, data.index(b"stsc") + 12, 1, samples, 1)

    with pytest.raises(VideoError, match=message):
        open_clip(patch(encode(tmp_path / "silent.mp4", BARS), edit))


def test_the_first_frames_size_is_limited(tmp_path):
    limits = {"more than 8.3 megapixels": (8192, 4096), "4096 x 2048": (4096, 2048), "at least 16": (640, 15)}
    for message, size in limits.items():
        path = change_size(tmp_path / "a.avi", [size] * 2)
        with pytest.raises(VideoError, match=rf"a\.avi .*{message}"):
            open_clip(path)
    assert open_clip(change_size(tmp_path / "b.avi", [(16, 32)] * 2)).width == 16


def test_frames_that_change_their_size_are_fitted_into_the_first_one(tmp_path):
    path = change_size(tmp_path / "a.avi", [(160, 96), (320, 192), (96, 160), (8192, 4096), (320, 96)])
    frames, clip = read(open_clip(path))
    assert [number for number, _, _ in frames] == [0, 1, 2, 4]
    assert clip.missing == 1  # beyond the limit
    assert {frame.shape for _, _, frame in frames} == {(96, 160, 3)}
    bright = [np.argwhere(frame.min(2) > 150)[[0, -1]].tolist() for _, _, frame in frames]
    assert bright == [[[0, 0], [95, 159]]] * 2 + [[[0, 51], [95, 108]], [[24, 0], [71, 159]]], "first and last pixel"


def test_what_is_no_clip_is_refused_in_one_sentence(tmp_path, walk):
    whole, noise = walk.read_bytes(), np.random.default_rng(0).bytes(20_000)
    for ending, data, message in (
        (".mp4", b"", "empty file"),
        (".mp4", b"milk, bread, apples", "not a clip"),
        (".mp4", whole[:40], "damaged"),
        (".mp4", whole[:32] + b"\x07" * 5000, "damaged"),
        (".mp4", damage(walk, range(20)).read_bytes(), r"no frame that can be decoded \(h264\)"),
        (".mkv", b"\x1a\x45\xdf\xa3" + noise, "damaged"),
        (".avi", b"RIFF\0\1\0\0AVI " + noise, "holds no pictures"),
    ):
        path = tmp_path / f"a\nclip{ending}"
        path.write_bytes(data)
        with pytest.raises(VideoError, match=message) as caught:
            read(open_clip(path))
        assert str(caught.value).startswith(rf"a\nclip{ending} ")
        assert "\n" not in str(caught.value)
    for missing in (tmp_path / "gone.mp4", tmp_path):
        with pytest.raises(FileNotFoundError, match="no clip at"):
            open_clip(missing)
