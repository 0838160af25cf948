"""A clip in, the motion of one person and its files out."""

import dataclasses
import weakref

import numpy as np
import pytest

from demo.drawing.motion_figure import motion_sentence
from demo.video import pipeline
from demo.video.clips import clip_writer
from demo.video.pipeline import file_steps, motion_steps
from demo.video.tracker import Track, Tracker, next_box
from fusion_model import NoPersonError
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.video.clips import open_clip, read_frames
from tests.helpers.clips import HEIGHT, SIZE, WIDTH, SquareEstimator, black, finished, middle, picture, write_clip
from tests.helpers.videos import packets


@pytest.fixture
def squares():
    return SquareEstimator()


@pytest.fixture
def walk(tmp_path):
    """Twenty frames: a square wanders to the right, and is away in frames 8 to 11."""
    pictures = [black() if 8 <= number < 12 else picture(100 + 8 * number) for number in range(20)]
    return write_clip(tmp_path / "walk.mp4", pictures)


@pytest.fixture
def walked(squares, walk):
    """The motion in that clip."""
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
    motion = finished(motion_steps(squares, walk, most_poses=6))
    assert (motion.step, motion.frames) == (4, (0, 4, 8, 12, 16))
    assert motion.frame_seconds == pytest.approx(0.16, abs=1e-3)
    monkeypatch.setattr(pipeline, "MAX_SIDE", 210)  # a large or odd clip is drawn at an even size
    overlay = open_clip(finished(file_steps(motion, tmp_path))["mp4"])
    assert (overlay.width, overlay.height) == (210, 156)
    assert [when for _, when, _ in read_frames(overlay)] == pytest.approx(motion.times, abs=2e-3)
    with pytest.raises(ValueError, match="most_poses"):
        finished(motion_steps(squares, walk, most_poses=pipeline.MAX_POSES + 1))


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


def test_the_files_are_named_after_the_clip_and_the_overlay_shows_the_skeleton_or_says_that_there_is_none(
    walked, tmp_path, monkeypatch
):
    steps, out = [], tmp_path / "new" / "out"
    files = finished(file_steps(walked, out), steps)
    assert [text for _, text in steps] == [f"drawing {number} of 20" for number in range(1, 21)]
    assert sorted(path.name for path in out.iterdir()) == [
        "walk.bvh", "walk.csv", "walk.glb", "walk.json", "walk.skeleton.mp4",
    ]  # fmt: skip
    data, clip = files["mp4"].read_bytes(), open_clip(files["mp4"])
    assert data.index(b"moov") < data.index(b"mdat")  # plays before it is loaded
    assert (clip.width, clip.height, clip.frames) == (WIDTH, HEIGHT, 20)
    assert clip.seconds == pytest.approx(0.8, abs=0.01)
    frames = [frame for _, _, frame in read_frames(clip)]
    for frame, pose in zip(frames, walked.poses, strict=True):
        _, columns = np.nonzero(np.abs(frame.astype(int) - SIDE_COLOURS["left"]).sum(2) < 120)
        assert (len(columns) > 50) == (pose is not None)
        assert pose is None or abs(columns.mean() - middle(pose)) < 40
    assert frames[9][:60, :200].max() > 200  # words on black
    assert frames[9][60:].max() < 40
    monkeypatch.setattr(pipeline, "draw_people", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finished(file_steps(walked, out))
    assert files["mp4"].read_bytes() == data  # a failure leaves what was there
    assert not list(out.glob(".*"))


def test_an_end_between_two_steps_leaves_no_file(walked, tmp_path):
    steps = file_steps(walked, tmp_path / "out")
    for _ in range(7):
        next(steps)
    steps.close()
    assert list((tmp_path / "out").iterdir()) == []


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
    path = write_clip(tmp_path / "a.mp4", [picture(100 + number) for number in range(12)])
    finished(file_steps(finished(motion_steps(squares, path)), tmp_path / "out"))
    assert len(counts) == 24
    assert max(counts) <= 3


@pytest.fixture
def follow(tmp_path):
    """A function that follows the person through pictures, seen by an estimator."""

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


def test_one_of_two_people_is_followed_through(squares, follow):
    both = [np.maximum(picture(80 + 3 * number), picture(300)) for number in range(20)]
    motion = follow(squares, both, box=(270, 50, 330, 250))
    assert [middle(pose) for pose in motion.poses] == pytest.approx([300] * 20, abs=2)


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
    follow(estimator, [picture(100 + 4 * number) for number in range(40)])  # 1.6 seconds
    assert estimator.searches == searches


def test_a_search_that_finds_somebody_less_sure_changes_nothing(squares, monkeypatch):
    squares.score = 0.7 * squares.trust_score
    worse = dataclasses.replace(squares.person(330, 1700.0), score=0.1)  # overlaps with where the person was
    monkeypatch.setattr(squares, "predict_all", lambda *_, **__: [worse])
    pose = Tracker(squares, Track(1700.0, last=squares.person(300, 1700.0))).update(picture(300), 0.5)
    assert middle(pose) == pytest.approx(300, abs=2)


def test_a_clip_without_people_is_an_error(squares, follow):
    with pytest.raises(NoPersonError, match="in the clip"):
        follow(squares, [black()] * 5)
    with pytest.raises(NoPersonError, match="in the box in the first frame of the clip: give one tight"):
        follow(squares, [picture(100)] * 5, box=(300, 50, 380, 250))


def test_a_cut_off_body_keeps_its_crop_which_moves_along_until_it_is_beyond_the_frame(squares, change_pose):
    cut = ("seen",) * 5 + ("outside",) * 12
    before = change_pose(status=cut)
    moved, gone = (change_pose(status=cut, joints_2d=before.joints_2d + np.float32([by, 0])) for by in (30, 2000))
    still, along = next_box(before, None, 1.25), next_box(moved, before, 1.25)
    assert still[2] - still[0] == pytest.approx((before.box[2] - before.box[0]) / 1.25)
    assert along - still == pytest.approx([30, 0, 30, 0], abs=1e-3)
    assert Tracker(squares, Track(1700.0, last=gone, before=before)).update(black(), 0.0) is None
    assert (squares.searches, squares.boxes) == (1, [])


@pytest.mark.parametrize(("other", "found"), [(350, 350), (150, None)])
def test_a_search_prefers_the_lost_person_to_a_better_one(squares, other, found):
    tracker = Tracker(squares, Track(1700.0, last=squares.person(300, 1700.0)))
    pose = tracker.update(np.maximum(picture(80), picture(other)), 0.5)
    assert squares.searches == 1
    assert (pose and middle(pose)) == pytest.approx(found, abs=2)
