"""Videos decoded as a player shows them, whatever kind they are; how many samples an MP4 announces."""

import struct
from fractions import Fraction
from functools import reduce
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fusion_model.video.decoding import VideoError, decode, is_clip, opened, read_timeline
from fusion_model.video.sample_tables import announced_samples
from tests.helpers.videos import add_sound, bar, encode, patch, set_matrix, shown_number

FRAMES = 20
BARS = [bar(number) for number in range(FRAMES)]


def read(path):
    """The timeline and the decoded pictures of a video."""
    with opened(path) as (container, stream):
        timeline = read_timeline(container, stream)
    with opened(path) as (container, stream):
        return timeline, [(one.number, one.seconds, one.shown()) for one in decode(container, stream, timeline)]


def first_frame(path):
    return read(path)[1][0][2]


def refusal(path):
    with pytest.raises(VideoError, match=path.name) as error, opened(path):
        pass
    return str(error.value)


@pytest.mark.parametrize("y_sign", [1, -1])
@pytest.mark.parametrize("x_sign", [1, -1])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_whole_display_matrix_counts(tmp_path, swapped, x_sign, y_sign):
    drawn = np.zeros((64, 96, 3), np.uint8)
    drawn[:20, :20] = 255  # at the corner of the negative axes
    drawn[:20, -20:] = 130
    axes = np.array([[0, x_sign], [y_sign, 0]] if swapped else [[x_sign, 0], [0, y_sign]])
    frame = first_frame(set_matrix(encode(tmp_path / "a.mp4", [drawn] * 3), *axes.tolist()))
    height, width = frame.shape[:2]
    assert (width, height) == ((64, 96) if swapped else (96, 64))
    for corner, level in (((-1, -1), 255), ((1, -1), 130), ((-1, 1), 0), ((1, 1), 0)):
        right, down = corner @ axes
        place = frame[height - 10 if down > 0 else 10, width - 10 if right > 0 else 10]
        assert np.abs(place.astype(int) - level).max() < 30


@pytest.mark.parametrize(("aspect", "size"), [("2", (320, 96)), ("2/3", (160, 144))])
def test_pixels_become_square_before_a_frame_is_turned(tmp_path, aspect, size):
    path = encode(tmp_path / "a.mp4", BARS, sample_aspect_ratio=Fraction(aspect))
    assert first_frame(path).shape == (size[1], size[0], 3)
    set_matrix(path, (0, 1), (-1, 0))
    assert first_frame(path).shape == (*size, 3)


@pytest.mark.parametrize(
    ("name", "codec", "layout", "options"),
    [
        ("a.webm", "libvpx-vp9", "yuva420p", {"deadline": "realtime", "cpu-used": "8"}),
        ("a.webm", "libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "4"}),
        ("a.mkv", "ffv1", "gray", {}),
        ("a.mp4", "libx264", "yuv420p", {"preset": "fast", "x264-params": "interlaced=1:bframes=2"}),
        ("a.avi", "libx264", "yuv420p", {"bf": "3"}),
        ("a.avi", "mjpeg", "yuvj420p", {}),
    ],
)
def test_frames_of_every_kind_come_in_order(tmp_path, name, codec, layout, options):
    _, pictures = read(encode(tmp_path / name, BARS, codec, layout, options=options))
    assert [(number, shown_number(image)) for number, _, image in pictures] == [(n, n) for n in range(FRAMES)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("stamps", [list(range(100, 120)), [0, 1, 2, *range(40, 57)]], ids=["late", "gap"])
def test_times_are_those_of_the_frames(tmp_path, name, stamps):
    if name == "a.avi" and stamps[0]:
        stamps = list(range(20))  # an AVI cannot begin late
    timeline, pictures = read(encode(tmp_path / name, BARS, "mpeg4" if name == "a.avi" else "libx264", stamps=stamps))
    wanted = [(stamp - stamps[0]) / 25 for stamp in stamps]
    assert [seconds for _, seconds, _ in pictures] == pytest.approx(wanted, abs=2e-3)
    assert timeline.seconds == pytest.approx(wanted[-1] + 1 / 25, abs=2e-3)
    assert [number for number, _, _ in pictures] == list(range(FRAMES))


@pytest.mark.slow
@pytest.mark.parametrize(("curve", "primaries"), [(18, 9), (16, 9), (1, 12)], ids=["HLG", "PQ", "P3"])
def test_wide_colours_are_mapped_as_opencv_maps_them(tmp_path, curve, primaries):
    ramp = np.stack(np.broadcast_arrays(np.arange(0, 256, 8)[None], np.arange(255, -1, -8)[:, None], 90), 2)
    colours = {"color_trc": curve, "color_primaries": primaries, "colorspace": 9, "color_range": 1}
    path = encode(tmp_path / "a.mkv", [ramp.astype(np.uint8)] * 2, "ffv1", "yuv420p10le", **colours)
    frame = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()[1][:, :, ::-1].astype(int)
    assert np.abs(first_frame(path).astype(int) - frame).mean() < 5


def test_an_odd_name_is_never_taken_for_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = encode(tmp_path / "whole.mp4", BARS)
    patch(path, lambda data: data.__setitem__(data.rindex(b"Lavf"), 0xFF))  # nor is a title in another encoding a fault
    for name in ("concat:whole.mp4", "http:a.mp4", "a%03d #1?.mp4"):
        (tmp_path / name).write_bytes(path.read_bytes())
        assert len(read(Path(name))[1]) == FRAMES


def test_no_other_file_is_opened(tmp_path):
    playlist = f"#EXTM3U\n#EXTINF:1,\n{encode(tmp_path / 'secret.mp4', BARS)}\n#EXT-X-ENDLIST\n".encode()
    path = tmp_path / "a.mp4"
    for kind in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        path.write_bytes(b"\0\0\0\x08" + kind)
        assert is_clip(path)
    for data in (playlist, b"\0\0\0\x08free" + playlist):
        path.write_bytes(data)
        assert refusal(path).startswith("a.mp4 is ")


def test_what_holds_no_pictures_says_so(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        add_sound(container, 0.1)
    assert "sound.mp4 holds no pictures" in refusal(tmp_path / "sound.mp4")
    path = encode(tmp_path / "odd.mp4", BARS)
    patch(path, lambda data: data.__setitem__(slice(data.rindex(b"avc1"), data.rindex(b"avc1") + 4), b"zzzz"))
    assert "odd.mp4 holds video that cannot be decoded here: save it as H.264" in refusal(path)


def box(kind, *content, size=None):
    """A box, with another size than its own where one is given."""
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside) if size is None else size, kind) + inside


def stsz(count):
    return box(b"stsz", struct.pack(">III", 0, 1, count))


def trun(count):
    return box(b"trun", struct.pack(">II", 0, count))


@pytest.mark.parametrize(
    ("boxes", "count"),
    [
        (box(b"ftyp") + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", stsz(7)))))), 7),
        (box(b"moov", box(b"trak", stsz(7)), box(b"trak", stsz(9)), box(b"trak", stsz(8))), 9),
        (box(b"mdat", stsz(9)) + box(b"moof", box(b"traf", trun(4), trun(5))), 5),
        (box(b"moov", box(b"free", size=10**6)) + box(b"moof", trun(6)), 6),  # a box beyond the end of its parent
        (box(b"moov", box(b"cmov", b"zip")), 2**32),
        (box(b"moov", box(b"stz2", struct.pack(">III", 0, 8, 7)), size=0) + box(b"free"), 7),  # to the end
        (struct.pack(">I4sQ", 1, b"wide", 44) + struct.pack(">I4sQIII", 1, b"stsz", 28, 0, 1, 9) + stsz(7), 9),
        (reduce(lambda inside, _: box(b"moov", inside), range(2000), b""), 0),  # boxes in boxes end
    ],
)
def test_the_largest_table_counts(tmp_path, boxes, count):
    path = tmp_path / "a.mp4"
    path.write_bytes(boxes)
    assert announced_samples(path) == count
