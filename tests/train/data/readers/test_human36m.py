"""Human3.6M: CDF files and videos as distributed, through the command."""

import numpy as np
import pytest

from tests.helpers.human36m_files import (
    CAMERA,
    small_camera,
    world,
    write_cdf,
    write_metadata,
    write_sequence,
    write_set,
)
from tests.helpers.photos import brightest
from train.data.cameras import human36m_camera_axes
from train.data.prepared import open_prepared, read_prepared

KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


@pytest.fixture
def source(tmp_path):
    """Two training sequences and one of the test, of one camera."""
    stems = {"S1": ["Sitting 1", "SittingDown"], "S9": ["Walking"]}
    write_set(tmp_path / "in", stems, "Release-v1.2/metadata.xml")
    return tmp_path / "in"


def relative(frames):
    """(F, 17, 3): the fake poses as they should be stored."""
    seen = human36m_camera_axes(world(frames), small_camera())[:, KEPT]
    return seen - seen[:, :1]


def test_poses_crops_and_columns(source, tmp_path, prepare):
    printed = prepare("human36m", source, "--every", "3", "--cameras", CAMERA)
    assert "9 people of human36m" in printed
    assert "by action: Sitting 3, SittingDown 3, Walking 3" in printed
    assert "by subject: S1 6, S9 3" in printed
    assert "found: no S5" in printed
    assert "found: S1: 3D from D3_Positions_mono" in printed
    assert "found: S1 has 2 sequences of 30" in printed
    prepared = open_prepared(tmp_path / "out")
    columns = prepared.columns
    assert columns["frame"].tolist() == [0, 3, 6] * 3
    assert columns["camera"].tolist() == [CAMERA] * 9
    assert columns["sequence"].tolist() == ["Sitting 1"] * 3 + ["SittingDown"] * 3 + ["Walking"] * 3
    assert np.abs(columns["joints_3d"] - np.tile(relative(7)[::3], (3, 1, 1))).max() < 0.01
    assert columns["has_3d"].all()
    root = human36m_camera_axes(world(1)[0, :1], small_camera())
    assert np.abs(columns["root"][0] - root).max() < 0.01
    assert np.allclose(columns["camera_values"], small_camera(), atol=1e-5)
    loaded = read_prepared(tmp_path / "out")
    assert loaded.validation.tolist() == [False] * 6 + [True] * 3
    for row in range(9):  # the right frame of the right video: the dot is at the pelvis
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 6]).max() < 1.5
    assert np.array_equal(loaded.pose, columns["joints_3d"])


@pytest.mark.parametrize("kinds", [("mono", "2d"), ("mono",), ("world", "2d"), ("world",)])
def test_whatever_kind_of_positions_is_there(kinds, tmp_path, prepare):
    write_sequence(tmp_path / "in", "S1", "Eating", kinds=kinds)
    write_metadata(tmp_path / "in" / "metadata.xml", {"S1": ["Eating"]})
    prepare("human36m", tmp_path / "in", "--every", "1", "--cameras", CAMERA)
    loaded = read_prepared(tmp_path / "out")
    assert np.abs(loaded.pose - relative(7)).max() < 0.01
    assert np.abs(brightest(loaded.photo(0)) - loaded.joints[0, 6]).max() < 1.5


def test_without_cameras(tmp_path, prepare, prepare_error):
    write_sequence(tmp_path / "in", "S1", "Eating")
    write_sequence(tmp_path / "in", "S9", "Greeting", shift=200.0)
    printed = prepare("human36m", tmp_path / "in", "--cameras", CAMERA)
    assert "no metadata.xml: cameras are unknown" in printed
    assert "skipped: 1 x S9 Greeting: its 3D is shifted, and mending it takes the cameras" in printed
    assert np.isnan(open_prepared(tmp_path / "out").columns["camera_values"]).all()
    write_sequence(tmp_path / "world", "S1", "Eating", kinds=("world", "2d"))
    error = prepare_error("human36m", tmp_path / "world")
    assert "there is D3_Positions alone; expected D3_Positions_mono, or metadata.xml" in error


@pytest.mark.parametrize("kinds", [("mono", "2d"), ("world", "2d")])
def test_shifted_sequences_are_mended(kinds, tmp_path, prepare):
    write_sequence(tmp_path / "in", "S9", "Greeting", shift=200.0, kinds=kinds)
    write_metadata(tmp_path / "in" / "metadata.xml", {"S9": ["Greeting"]})
    printed = prepare("human36m", tmp_path / "in", "--every", "1", "--cameras", CAMERA)
    assert "found: S9 Greeting: its 3D is shifted, and mended" in printed
    loaded = read_prepared(tmp_path / "out")
    for row in range(7):
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 6]).max() < 1.5


def test_frames_that_are_no_numbers_and_a_corrupt_sequence(source, tmp_path, prepare):
    write_sequence(source, "S11", "Directions")  # corrupt as distributed
    write_sequence(source, "S11", "WalkingDog 1")
    path = source / "S9" / "MyPoseFeatures" / "D3_Positions_mono" / f"Walking.{CAMERA}.cdf"
    poses = human36m_camera_axes(world(7), small_camera())
    poses[4, 20] = np.nan
    poses[5, 25] = np.nan  # joint 25 is kept, joint 20 is not
    write_cdf(path, poses)
    printed = prepare("human36m", source, "--every", "1", "--cameras", CAMERA)
    assert "skipped: 1 x a frame whose pose is no number" in printed
    assert "skipped: 1 x S11 Directions, all cameras: the video of one camera is corrupt" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["frame"][columns["subject"] == "S9"].tolist() == [0, 1, 2, 3, 4, 6]
    assert set(columns["action"][columns["subject"] == "S11"]) == {"WalkDog"}


@pytest.fixture
def error(prepare_error, source):
    """What the command says of the source."""
    return lambda: prepare_error("human36m", source, "--every", "1", "--cameras", CAMERA)


def test_a_truncated_video(source, tmp_path, error):
    write_sequence(source, "S1", "Eating", video_frames=4)
    assert f"Eating.{CAMERA}.mp4: the video ends after 4 frames; expected at least 5" in error()
    assert not (tmp_path / "out" / "prepared.json").exists()
    video = source / "S1" / "Videos" / f"Eating.{CAMERA}.mp4"
    video.write_bytes(video.read_bytes()[:100])
    assert f"Eating.{CAMERA}.mp4: cannot be opened as a video" in error()


def test_a_truncated_cdf(source, error):
    path = source / "S1" / "MyPoseFeatures" / "D3_Positions_mono" / f"Sitting 1.{CAMERA}.cdf"
    content = path.read_bytes()
    for fraction in (0.0, 0.5, 0.99):
        path.write_bytes(content[: int(fraction * len(content))])
        message = error()
        assert f"Sitting 1.{CAMERA}.cdf: cannot be read" in message
        assert "(see Human3.6M in docs/data.md)" in message


def test_files_of_another_kind(source, error, prepare_error):
    assert "--cameras 7 is none of the set's: it has 54138969, " in prepare_error("human36m", source, "--cameras", "7")
    path = source / "S1" / "MyPoseFeatures" / "D3_Positions_mono" / f"Sitting 1.{CAMERA}.cdf"
    write_cdf(path, world(7), name="Angles")
    assert "has the variables Angles; expected a CDF file with the variable Pose, (1, N, 96)" in error()
    write_cdf(path, world(7)[:, :31])
    assert "Pose has shape (1, 7, 93); expected (1, N, 96)" in error()
    write_cdf(path, human36m_camera_axes(world(5), small_camera()))
    assert "D2_Positions" in error()
    write_cdf(source / "S1" / "MyPoseFeatures" / "D2_Positions" / path.name, world(5)[..., :2])
    assert "5 poses; expected 7 by metadata.xml" in error()
    (source / "Release-v1.2" / "metadata.xml").write_text("<metadata><w0>[1 2]</w0><mapping/><frames/></metadata>")
    assert "metadata.xml: cannot be read (ValueError: cannot reshape" in error()
    (source / "Release-v1.2" / "metadata.xml").unlink()
    write_sequence(source, "S1", "Sit 1")
    assert "a sequence is called 'Sit 1'; expected one of Directions" in error()
