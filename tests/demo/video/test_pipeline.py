"""A clip in, the motion of one person and its files out."""

import dataclasses
import weakref

import numpy as np
import pytest

from demo.drawing.motion_figure import motion_sentence
from demo.video import first_frame, pipeline
from demo.video.clips import clip_writer
from demo.video.first_frame import FirstFrame, read_first_frame
from demo.video.pipeline import file_steps, motion_steps
from demo.video.tracker import Track, Tracker, _extent, next_box, track_frames
from fusion_model import NoPersonError
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.video.clips import open_clip, read_frames
from tests.helpers.clips import HEIGHT, SIZE, WIDTH, SquareEstimator, black, finished, middle, picture, write_clip
from tests.helpers.earlier import assert_as_before
from tests.helpers.videos import packets


@pytest.fixture
def squares():
    return SquareEstimator()


@pytest.fixture
def walk(tmp_path):
    pictures = [black() if 8 <= number < 12 else picture(100 + 8 * number) for number in range(20)]
    return write_clip(tmp_path / "walk.mp4", pictures)


@pytest.fixture
def walked(squares, walk):
    return finished(motion_steps(squares, walk))


def test_frames_that_are_written_keep_their_times(tmp_path):
    times = [0.0, 0.04, 0.5, 0.6, 0.6 + 1e-9]  # the last two must not meet
    with clip_writer(tmp_path / "a.mp4", SIZE, 25) as write:
        for seconds in times:
            write(picture(), seconds)
    clip = open_clip(tmp_path / "a.mp4")
    assert (clip.width, clip.height, clip.frames, clip.missing) == (*SIZE, 5, 0)
    assert [when for _, when, _ in read_frames(clip)] == pytest.approx(times, abs=1e-3)


def test_a_step_bounds_the_number_of_frames_and_keeps_the_clips_time(squares, walk, tmp_path, monkeypatch):
    drawn, steps = [], []
    motion = finished(motion_steps(squares, walk, most_poses=6), steps)
    assert steps == [((number + 1) / 5, f"frame {number + 1} of 5") for number in range(5)]
    assert (motion.step, motion.frames, motion.frame_seconds) == (4, (0, 4, 8, 12, 16), pytest.approx(0.16, abs=1e-3))
    monkeypatch.setattr(pipeline, "MAX_SIDE", 210)  # a large or odd clip is drawn at an even size
    monkeypatch.setattr(pipeline, "draw_people", lambda picture, people: drawn.append((*people, picture)) or picture)
    overlay = open_clip(finished(file_steps(motion, tmp_path))["mp4"])
    assert (overlay.width, overlay.height, overlay.seconds) == (210, 156, pytest.approx(0.8, abs=0.01))
    assert [when for _, when, _ in read_frames(overlay)] == pytest.approx(motion.times, abs=2e-3)
    points = [(motion.poses[place].joints_2d + 0.5) * [210 / WIDTH, 156 / HEIGHT] - 0.5 for place in motion.found]
    assert np.stack([pose.joints_2d for pose, _ in drawn]) == pytest.approx(np.stack(points), abs=1e-3)
    assert all(picture[78, round(middle(pose))].min() > 200 for pose, picture in drawn)  # each where its square is
    assert pipeline._drawn_size(dataclasses.replace(motion.clip, width=HEIGHT, height=WIDTH)) == (156, 210)
    for most in (0, pipeline.MAX_POSES + 1):
        with pytest.raises(ValueError, match="most_poses"):
            finished(motion_steps(squares, walk, most_poses=most))


def test_frames_that_cannot_be_decoded_are_counted_and_leave_the_others_as_they_are(squares, walk, walked):
    data = bytearray(walk.read_bytes())
    for start, size in packets(walk)[13:]:
        data[start : start + size] = bytes(size)
    walk.write_bytes(data)
    motion = finished(motion_steps(squares, walk))
    assert (motion.clip.frames, motion.clip.missing) == (13, 7)
    assert "7 of 20 frames are missing" in motion_sentence(motion)
    assert motion.frames == tuple(range(13))
    assert [pose and middle(pose) for pose in motion.poses] == [pose and middle(pose) for pose in walked.poses[:13]]


def test_files_are_named_after_the_clip_and_the_overlay_shows_the_skeleton_if_any(walked, tmp_path, monkeypatch):
    steps, out = [], tmp_path / "new" / "out"
    files = finished(file_steps(walked, out), steps)
    assert [text for _, text in steps] == [f"drawing {number} of 20" for number in range(1, 21)]
    assert sorted(path.name for path in out.iterdir()) == [
        "walk.bvh", "walk.csv", "walk.glb", "walk.json", "walk.skeleton.mp4",
    ]  # fmt: skip
    data, clip = files["mp4"].read_bytes(), open_clip(files["mp4"])
    assert data.index(b"moov") < data.index(b"mdat")  # plays before it is loaded
    assert (clip.width, clip.height, clip.frames, clip.seconds) == (WIDTH, HEIGHT, 20, pytest.approx(0.8, abs=0.01))
    frames = [frame for _, _, frame in read_frames(clip)]
    for frame, pose in zip(frames, walked.poses, strict=True):
        _, columns = np.nonzero(np.abs(frame.astype(int) - SIDE_COLOURS["left"]).sum(2) < 120)
        assert (len(columns) > 50) == (pose is not None)
        assert pose is None or abs(columns.mean() - middle(pose)) < 40
    assert frames[9][:60, :200].max() > 200  # words on black
    assert frames[9][60:].max() < 40
    steps = file_steps(walked, out)
    for _ in range(7):
        next(steps)
    steps.close()
    monkeypatch.setattr(pipeline, "draw_people", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finished(file_steps(walked, out))
    assert files["mp4"].read_bytes() == data  # neither a failure nor an end between two steps changes what was there
    assert len(list(out.iterdir())) == len(files)


def test_frames_are_released(squares, tmp_path, monkeypatch):
    shown, counts, real = [], [], pipeline.read_frames

    def frames(*arguments):
        for number, seconds, frame in real(*arguments):
            shown.append(weakref.ref(frame))
            counts.append(sum(one() is not None for one in shown))
            yield number, seconds, frame

    monkeypatch.setattr(pipeline, "read_frames", frames)
    path = write_clip(tmp_path / "a.mp4", [picture(100 + number) for number in range(12)])
    finished(file_steps(finished(motion_steps(squares, path)), tmp_path / "out"))
    assert len(counts) == 24
    assert max(counts) <= 3


@pytest.fixture
def follow(tmp_path):
    def run(estimator, pictures, **options):
        return finished(motion_steps(estimator, write_clip(tmp_path / "a.mp4", pictures), **options))

    return run


def test_the_next_frame_is_searched_where_the_person_was(squares, walked):
    assert squares.searches <= 3  # at the start, and round the gap: never more often than every half second
    assert all(box[2] - box[0] < 120 for box in squares.boxes)
    assert walked.frames == tuple(range(20))
    away = {number for number, pose in enumerate(walked.poses) if pose is None}
    assert set(range(8, 12)) <= away <= set(range(8, 16))
    for number in walked.found:
        assert middle(walked.poses[number]) == pytest.approx(100 + 8 * number, abs=2)
        assert (walked.poses[number].seconds, walked.poses[number].heatmaps.shape) == ({}, (16, 1, 1))


def test_one_of_two_people_is_followed_through(squares, follow):
    both = [np.maximum(picture(80 + 3 * number), picture(360)) for number in range(20)]
    motion = follow(squares, both, box=(330, 50, 390, 250))
    assert [middle(pose) for pose in motion.poses] == pytest.approx([360] * 20, abs=2)


@pytest.mark.parametrize("seen", [5, 30])  # frames: long before it is lost, too
def test_another_person_replaces_a_lost_one_only_after_a_second(squares, follow, seen):
    motion = follow(squares, [picture(80) if number < seen else picture(320) for number in range(seen + 45)])
    lost = [number for number, pose in enumerate(motion.poses) if pose is None]
    assert lost[0] == seen
    assert 25 <= len(lost) <= 38  # a second, and up to a search later whoever is there
    assert middle(motion.poses[-1]) == pytest.approx(320, abs=2)
    assert squares.searches <= 5


@pytest.mark.parametrize(("part", "searches"), [(0.9, 1), (0.7, 4)])
def test_low_confidence_calls_for_a_search_every_half_second(follow, part, searches):
    estimator = SquareEstimator(score=part * SquareEstimator.trust_score)
    motion = follow(estimator, [picture(100 + 4 * number) for number in range(40)], height_mm=1900)  # 1.6 seconds
    assert (estimator.searches, {pose.height_mm for pose in motion.poses}) == (searches, {1900})


def test_a_search_that_finds_somebody_less_sure_changes_nothing(squares, monkeypatch):
    squares.score = 0.7 * squares.trust_score
    worse = dataclasses.replace(squares.person(330, 1700.0), score=0.1)  # overlaps with where the person was
    monkeypatch.setattr(squares, "predict_all", lambda *_, **__: [worse])
    tracker = Tracker(squares, Track(1700.0, last=squares.person(300, 1700.0)))
    last = tracker.track.last
    assert middle(tracker.update(picture(300), 0.5)) == pytest.approx(300, abs=2)
    assert tracker.track.before is last


def test_a_clip_without_people_is_an_error(squares, follow):
    with pytest.raises(NoPersonError, match="in the clip"):
        follow(squares, [black()] * 5)
    with pytest.raises(NoPersonError, match="in the box in the first frame of the clip: give one tight"):
        follow(squares, [picture(100)] * 5, box=(300, 50, 380, 250))


def test_a_whole_body_is_searched_round_the_joints_inside_and_told_by_them(change_pose):
    joints = np.stack((np.full(17, 50), 10 * np.arange(17)), 1).astype(np.float32)
    joints[12:] = 5000
    whole = change_pose(status=("seen", "guessed") * 6 + ("outside",) * 5, joints_2d=joints)
    assert next_box(whole, None, 1.25) == pytest.approx([42, 55 - 1.15 * 55, 58, 55 + 1.15 * 55])
    assert _extent(whole).tolist() == [50, 0, 50, 110]
    gone = change_pose(status=("outside",) * 17)
    assert (_extent(gone) == gone.box).all()


def test_a_cut_off_body_keeps_its_crop_which_moves_along_until_it_is_beyond_the_frame(squares, change_pose):
    cut = ("seen",) * 11 + ("outside",) * 6
    before, shift = change_pose(status=cut), np.full((17, 2), (30, 6), np.float32)
    shift[3:9] = 400  # of joints that are guessed
    status = ("seen",) * 3 + ("guessed",) * 6 + cut[9:]
    moved = change_pose(status=status, joints_2d=before.joints_2d + shift, box=before.box + np.float32(10))
    still, along = next_box(before, None, 1.25), next_box(moved, before, 1.25)
    assert still[2] - still[0] == pytest.approx((before.box[2] - before.box[0]) / 1.25)
    assert along - still == pytest.approx([30, 6, 30, 6], abs=1e-3)
    for by in (2000, -2000):
        gone = change_pose(status=cut, joints_2d=before.joints_2d + np.float32([by, 0]))
        assert Tracker(squares, Track(1700.0, last=gone, before=before)).update(black(), 0.0) is None
    assert (squares.searches, squares.boxes) == (2, [])


@pytest.mark.parametrize(("best", "other", "found"), [(80, 356, 356), (80, 236, None), (245, 320, 320)])
def test_a_search_prefers_the_lost_person_to_a_better_one(squares, best, other, found, monkeypatch):
    """With those who are lost, of 80 pixels 24, 16 and 60 are common, with the last better one 25."""
    last = squares.person(300, 1700.0)
    track = Track(1700.0, last=last, before=last)
    monkeypatch.setattr(Tracker, "_near_last", lambda *_: None)
    (pose,), after = track_frames(squares, [(0.5, np.maximum(picture(best), picture(other)))], track)
    assert (squares.searches, pose and middle(pose)) == (1, pytest.approx(found, abs=2))
    assert (track.search_at, after.search_at) == (0.0, 1.0)  # the track of the frames before stays
    assert after.before is (None if found else last)


def test_a_click_means_the_smallest_box_on_a_picture_that_may_be_smaller(tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "a.mp4", [picture(300), black(), picture(100)])
    assert np.abs(read_first_frame(clip).astype(int) - picture(300)).mean() < 3
    large, small = (SquareEstimator().person(x, 1700.0) for x in (120, 300))
    large = dataclasses.replace(large, person_box=np.float32([39.6, 49.6, 340, 250]))
    first = FirstFrame(str(clip), (large, small), (300, 400))
    monkeypatch.setattr(first_frame, "MAX_SIDE", 200)
    assert first.choices() == [("Person 1", "1"), ("Person 2", "2")]
    assert [first.person_at(x, 50) for x in (25, 140, 169, 171)] == ["1", "2", "2", None]
    assert [first.person_at(140, y) for y in (24, 124, 126)] == [None, "2", None]
    assert (first.box_text("1"), first.box_text("2")) == ("40, 50, 340, 250", "260, 50, 340, 250")
    monkeypatch.setattr(first_frame, "read_first_frame", lambda _: picture(300))
    assert_as_before("first frame", [first.picture(number) for number in "12"], file="page.json")
