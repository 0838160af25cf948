"""HumanEva-I: converted .mat files beside a short video, through the command."""

import numpy as np
import pytest
from scipy.io import savemat

from tests.helpers.humaneva_files import HEAD, VALUES, shorten, write_camera, write_part
from tests.helpers.photos import brightest
from train.data.prepared import open_prepared, read_prepared


@pytest.fixture(autouse=True)
def short(monkeypatch):
    shorten(monkeypatch)


def broken(poses):
    poses[2, 4] = np.nan


def test_poses_frames_and_parts(tmp_path, prepare):
    write_part(tmp_path / "in", "Train", range(12, 20), change=broken)
    write_part(tmp_path / "in", "Validate", range(25))  # all frames, of which the part is taken
    write_camera(tmp_path / "in")
    printed = prepare("humaneva", tmp_path / "in")
    assert "by split: test 7, train 7" in printed
    assert "skipped: 1 x a frame whose pose is no number" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["frame"].tolist() == [12, 13, 15, 16, 17, 18, 19, 5, 6, 7, 8, 9, 10, 11]
    assert columns["joints_3d"].shape == (14, 15, 3)
    # camera axes: x is world x, y (down) is -z, z is y; the head is 800 mm over the pelvis
    assert np.allclose(columns["joints_3d"][:, HEAD], (0, -800, 0), atol=1e-3)
    assert np.allclose(columns["root"][0], (30 * 12 - 300 + 100, -100 + 200, 4000))
    assert np.allclose(columns["camera_values"], VALUES)
    loaded = read_prepared(tmp_path / "out")
    for row in range(14):
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 6]).max() < 1.5
    assert loaded.pose_weight[0].tolist() == [1] * 9 + [0] + [1] * 7  # no neck
    assert loaded.validation.tolist() == [False] * 7 + [True] * 7


def test_low_heads_and_damaged_sequences(tmp_path, prepare):
    def bow(poses):
        poses[1, HEAD, 2] = poses[1, 1, 2] - 50

    write_part(tmp_path / "in", "Validate", range(5, 12), subject="S3", change=bow)
    write_part(tmp_path / "in", "Validate", range(5, 12), subject="S3", action="ThrowCatch")
    write_part(tmp_path / "in", "Validate", range(5, 12), subject="S4")
    write_camera(tmp_path / "in", subject="S3")
    printed = prepare("humaneva", tmp_path / "in")
    assert "skipped: 1 x a head joint of S3 Walking that lies below the thorax (the person is kept)" in printed
    assert "skipped: 1 x Validate/S3/ThrowCatch_1: its motion capture is damaged" in printed
    assert "skipped: 1 x Validate/S4/Walking_1: no part of the protocol" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["has_3d"][:, HEAD].tolist() == [True, False] + [True] * 5
    assert columns["visible"][:, HEAD].tolist() == [2, 0] + [2] * 5


def test_wrong_files(tmp_path, prepare_error):
    source = tmp_path / "in"
    path = write_part(source, "Train", range(12, 19))
    write_camera(source, frames=15)

    def error(*options):
        return prepare_error("humaneva", source, *options)

    assert "Walking_1.mat: 7 frames; expected the 8 of the Train part, or all 20" in error()
    write_part(source, "Train", range(12, 20))
    assert "Walking_1_(C1).avi: the video ends after 15 frames; expected at least 16" in error()
    (source / "S1" / "Calibration_Data" / "C1.cal").write_text("1 2 3")
    assert "C1.cal: 3 numbers, [1.0, 2.0, 3.0] ...; expected 22 numbers" in error()
    savemat(path, {"poses_3d": np.zeros((8, 17, 3)), "poses_2d": np.zeros((3, 8, 17, 2))})
    assert "poses_3d has shape (8, 17, 3)" in error()
    assert "--cameras BW1 is none of the set's: it has C1, C2, C3" in error("--cameras", "BW1")
    message = prepare_error("humaneva", source / "S1")
    assert "as ConvertHumanEva.m writes them, unpacked (see HumanEva-I in docs/data.md)" in message
