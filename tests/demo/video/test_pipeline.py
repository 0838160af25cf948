"""Clips: limits, following one person and the overlay, on clips that the tests write themselves."""

import dataclasses
import struct
import weakref

import cv2
import numpy as np
import pytest

from demo.drawing.overlays import SIDE_COLOURS
from demo.video import clips, pipeline
from demo.video.clips import VideoError, clip_writer, open_clip, read_frames
from demo.video.motion import encode_json
from demo.video.pipeline import ClipCancelledError, estimate_motion, write_files
from demo.video.smoothing import smooth_motion
from fusion_model import PRESETS, NoPersonError
from fusion_model.boxes import check_box
from fusion_model.images import load_photo

SIZE, RATE = (400, 300), 25
WIDTH, HEIGHT = SIZE


def write_clip(path, pictures, rate=RATE):
    """A clip of RGB pictures (H, W, 3), all of one size."""
    pictures = list(pictures)
    with clip_writer(path, pictures[0].shape[1::-1], rate) as write:
        for number, picture in enumerate(pictures):
            write(picture, number / rate)
    return path


def picture(x=200, level=90):
    """A grey picture with a white square round x."""
    drawn = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    cv2.rectangle(drawn, (x - 20, 130), (x + 20, 170), (255, 255, 255), -1)
    return drawn


def black():
    return np.zeros((HEIGHT, WIDTH, 3), np.uint8)


class Seer:
    """Finds a person round every white square; in a box, only the one there; counts what it is asked."""

    config = PRESETS["tiny"]
    least_score = config.calibration.person

    def __init__(self, change_pose, score=0.9):
        self.change_pose, self.score, self.searches, self.boxes = change_pose, score, 0, []

    def squares(self, photo):
        """Find the middles of the squares, from the left."""
        columns = (load_photo(photo)[150, :, 0] > 200).astype(np.int8)
        edges = np.flatnonzero(np.diff(columns, prepend=0, append=0)).reshape(-1, 2)
        return [float(start + end - 1) / 2 for start, end in edges if end - start > 10]

    def find_people(self, photo):
        """Find a box round each square."""
        boxes = [[x - 40, 50, x + 40, 250] for x in self.squares(photo)]
        return np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.9, np.float32)

    def __call__(self, photo, box=None, *, height_mm=1700.0, flip_test=True):  # noqa: ARG002 - the face of the real one
        """Find the leftmost person, or the leftmost in the box."""
        found = self.squares(photo)
        if box is None:
            self.searches += 1
        else:
            check_box(box, WIDTH, HEIGHT)
            self.boxes.append(np.array(box))
            found = [x for x in found if box[0] <= x <= box[2]]
        if not found:
            raise NoPersonError("nobody")
        rng = np.random.default_rng(int(found[0]))
        place = np.stack((found[0] + rng.uniform(-40, 40, 17), rng.uniform(50, 250, 17)), 1).astype(np.float32)
        place[0], place[1], place[2] = (found[0], 150), (found[0] - 40, 50), (found[0] + 40, 250)
        pose = self.change_pose(joints_2d=place, score=self.score, seconds={"looking": float(rng.random())})
        return dataclasses.replace(pose, height_mm=height_mm)


@pytest.fixture
def seer(change_pose):
    return Seer(change_pose)


@pytest.fixture
def walk(tmp_path):
    """Twenty frames: a square wanders to the right, and is away in frames 8 to 11."""
    pictures = [black() if 8 <= number < 12 else picture(100 + 8 * number) for number in range(20)]
    return write_clip(tmp_path / "walk.mp4", pictures)


@pytest.fixture
def motion(seer, walk):
    return estimate_motion(seer, walk)


def middle(pose):
    return float(pose.joints_2d[0, 0])


# Reading and limits


def test_a_clip_is_looked_at_without_reading_it_all(walk):
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
    for limit, value, words in (
        ("LONGEST_SECONDS", 0.5, "0.8 seconds: at most 0.5"),
        ("MOST_PIXELS", WIDTH * HEIGHT - 1, "400 x 300 pixels: at most"),
        ("MOST_BYTES", 1000, "MB: at most"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(clips, limit, value)
            with pytest.raises(VideoError, match=words):
                open_clip(walk)
    assert f"{clips.LONGEST_SECONDS:g} seconds" in clips.LIMITS
    assert f"{clips.MOST_BYTES // 10**6} MB" in clips.LIMITS
    open_clip(walk)


def test_a_header_that_lies_about_the_length_is_found_out(tmp_path, monkeypatch):
    clip = open_clip(write_clip(tmp_path / "a.mp4", [picture()] * 40))
    monkeypatch.setattr(clips, "LONGEST_SECONDS", 0.4)
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
    for name, (data, words) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(VideoError, match=words) as caught:
            open_clip(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4"):
        open_clip(tmp_path / "gone.mp4")


# Following


def test_the_next_frame_is_looked_at_where_the_person_was(seer, motion):
    assert seer.searches <= 3  # at the start, and round the gap: never more often than every half second
    assert len(seer.boxes) >= 14
    assert all(box[2] - box[0] < 120 for box in seer.boxes)
    for number, pose in zip(motion.frames, motion.poses, strict=True):
        if pose is not None:
            assert middle(pose) == pytest.approx(100 + 8 * number, abs=2)


def test_frames_without_anybody_are_marked(motion):
    away = [number for number, pose in zip(motion.frames, motion.poses, strict=True) if pose is None]
    assert set(range(8, 12)) <= set(away) <= set(range(8, 16))
    assert motion.frames == tuple(range(20))


def test_only_joints_are_kept_and_two_runs_agree(change_pose, walk, motion):
    again = estimate_motion(Seer(change_pose), walk)
    assert encode_json(again) == encode_json(motion)
    for pose in (motion.poses[place] for place in motion.found):
        assert pose.heatmaps.size <= 16
        assert pose.seconds == {}


def test_one_of_two_people_is_followed_through(seer, tmp_path):
    def both(number):
        return np.maximum(picture(80 + 3 * number), picture(300))

    path = write_clip(tmp_path / "two.mp4", [both(number) for number in range(20)])
    motion = estimate_motion(seer, path, box=(270, 50, 330, 250))
    assert [middle(pose) for pose in motion.poses] == pytest.approx([300] * 20, abs=2)


def test_somebody_else_does_not_take_the_place_of_who_got_lost_at_once(seer, tmp_path):
    pictures = [picture(80) if number < 5 else picture(320) for number in range(50)]
    motion = estimate_motion(seer, write_clip(tmp_path / "a.mp4", pictures))
    lost = [number for number, pose in enumerate(motion.poses) if pose is None]
    assert lost[0] == 5
    assert 25 <= len(lost) <= 38  # a second, and up to a search later whoever is there
    assert middle(motion.poses[-1]) == pytest.approx(320, abs=2)
    assert seer.searches <= 5


def test_low_confidence_calls_for_a_search(change_pose, walk):
    threshold = Seer.min_score
    sure, unsure = Seer(change_pose, score=0.9 * threshold), Seer(change_pose, score=0.7 * threshold)
    path = walk.with_name("long.mp4")
    write_clip(path, [picture(100 + 4 * number) for number in range(40)])
    estimate_motion(sure, path)
    estimate_motion(unsure, path)
    assert sure.searches == 1
    assert unsure.searches == 4  # every half second of 1.6


def test_work_is_bounded_by_a_step(seer, walk):
    motion = estimate_motion(seer, walk, most_poses=6)
    assert motion.step == 4
    assert motion.frames == (0, 4, 8, 12, 16)
    assert motion.frame_seconds == pytest.approx(0.16, abs=1e-3)
    with pytest.raises(ValueError, match="most_poses"):
        estimate_motion(seer, walk, most_poses=pipeline.MOST_POSES + 1)


def test_nobody_anywhere_is_said(seer, tmp_path, walk):
    with pytest.raises(NoPersonError, match="in the clip"):
        estimate_motion(seer, write_clip(tmp_path / "night.mp4", [black()] * 5))
    with pytest.raises(NoPersonError):
        estimate_motion(seer, walk, box=(300, 50, 380, 250))


def test_progress_rises_to_one(seer, walk, tmp_path):
    told = []
    motion = estimate_motion(seer, walk, progress=lambda share, text: told.append((share, text)))
    assert [share for share, _ in told] == pytest.approx(np.arange(1, 21) / 20)
    assert told[-1][1] == "frame 20 of 20"
    told.clear()
    write_files(motion, tmp_path / "out", progress=lambda share, text: told.append((share, text)))
    assert told[-1] == (1.0, "drawing 20 of 20")


# What is written


def frames_of(path):
    return [frame for _, _, frame in read_frames(open_clip(path))]


def test_the_overlay_shows_the_skeleton_or_says_that_nobody_is_there(motion, tmp_path):
    files = write_files(motion, tmp_path / "out")
    clip = open_clip(files["mp4"])
    assert (clip.width, clip.height, clip.frames) == (WIDTH, HEIGHT, 20)
    assert clip.seconds == pytest.approx(0.8, abs=0.01)
    frames, blue = frames_of(files["mp4"]), np.array(SIDE_COLOURS["left"])
    for frame, pose in zip(frames, motion.poses, strict=True):
        drawn = (np.abs(frame.astype(int) - blue).sum(2) < 120).sum()
        assert (drawn > 50) == (pose is not None)
    assert frames[9][:60, :200].max() > 200  # words on black
    assert frames[9][60:].max() < 40


def test_the_overlay_of_a_step_keeps_the_clips_time(seer, walk, tmp_path):
    motion = estimate_motion(seer, walk, most_poses=6)
    overlay = open_clip(write_files(motion, tmp_path)["mp4"])
    assert overlay.frames == 5
    assert [when for _, when, _ in read_frames(overlay)] == pytest.approx(motion.times, abs=2e-3)


def test_a_large_or_odd_clip_is_drawn_at_an_even_size(motion, monkeypatch, tmp_path):
    monkeypatch.setattr(pipeline, "LONGEST_SIDE", 210)
    overlay = open_clip(write_files(motion, tmp_path)["mp4"])
    assert (overlay.width, overlay.height) == (210, 156)


def test_all_files_are_there_and_named_after_the_clip(motion, tmp_path):
    files = write_files(smooth_motion(motion), tmp_path / "new" / "out")
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [
        "walk.bvh", "walk.csv", "walk.json", "walk.skeleton.mp4",
    ]  # fmt: skip
    assert all(path.stat().st_size > 0 for path in files.values())


def test_the_overlay_is_h264_with_its_index_first(motion, tmp_path):
    data = write_files(motion, tmp_path)["mp4"].read_bytes()
    assert b"avc1" in data
    assert data.index(b"moov") < data.index(b"mdat")  # plays before it is loaded


def test_cancelling_leaves_nothing_behind(seer, walk, motion, tmp_path):
    for after in (0, 7):
        asked = iter(range(100))
        with pytest.raises(ClipCancelledError):
            estimate_motion(seer, walk, cancelled=lambda asked=asked, after=after: next(asked) >= after)
        asked = iter(range(100))
        with pytest.raises(ClipCancelledError):
            write_files(motion, tmp_path / "out", cancelled=lambda asked=asked, after=after: next(asked) >= after)
        assert list((tmp_path / "out").glob("*")) == []


def test_a_failure_leaves_the_old_overlay_as_it_was(motion, tmp_path, monkeypatch):
    path = write_files(motion, tmp_path / "out")["mp4"]
    before = path.read_bytes()
    monkeypatch.setattr(pipeline, "draw_skeleton", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_files(motion, tmp_path / "out")
    assert path.read_bytes() == before
    assert not list((tmp_path / "out").glob(".*"))


def test_frames_are_let_go(seer, tmp_path, monkeypatch):
    alive, most, real = weakref.WeakSet(), [], pipeline.read_frames

    class Frame(np.ndarray):
        """A frame that can be told from others and referred to weakly."""

        __hash__ = object.__hash__

    def frames(*arguments):
        for number, seconds, frame in real(*arguments):
            shown = frame.view(Frame)
            alive.add(shown)
            most.append(len(alive))
            yield number, seconds, shown

    monkeypatch.setattr(pipeline, "read_frames", frames)
    path = write_clip(tmp_path / "a.mp4", [picture(100 + number) for number in range(30)])
    write_files(estimate_motion(seer, path), tmp_path / "out")
    assert len(most) == 60
    assert max(most) <= 3
