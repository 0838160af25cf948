"""MPI-INF-3DHP: cells of annot.mat, videos, HDF5 of the test part, through the command."""

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.mpi_inf_3dhp_files import FRAMES, NAMES_17, NAMES_28, poses, write_test, write_train
from tests.helpers.photos import brightest
from train.data.prepared import open_prepared, read_prepared
from train.data.readers import mpi_inf_3dhp

SHORT = (
    *("pelv", "rhip", "rkne", "rank", "lhip", "lkne", "lank", "spin", "neck", "head", "htop", "lsho", "lelb", "lwri"),
    *("rsho", "relb", "rwri"),
)


def test_both_parts(tmp_path, prepare):
    write_train(tmp_path / "in")
    write_test(tmp_path / "in" / "mpi_inf_3dhp_test_set")
    printed = prepare("mpi-inf-3dhp", tmp_path / "in", "--every", "2")
    assert "by split: test 2, train 6" in printed
    assert "skipped: 1 x S1/Seq1.1: its video is not there" in printed
    assert "skipped: 2 x a frame of TS5 that is not valid" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["frame"].tolist() == [0, 2, 4, 0, 2, 4, 0, 3]
    assert columns["camera"].tolist() == ["0"] * 3 + ["4"] * 3 + [""] * 2
    assert columns["action"].tolist()[-1] == "outdoors"
    assert columns["activity"][-2:].tolist() == [1, 4]
    assert np.isnan(columns["activity"][:6]).all()
    assert columns["camera_values"][3].tolist() == [1504, 1505, 1024, 1025]
    for row, names, count, frame, offset in ((4, NAMES_28, 28, 2, 4), (7, NAMES_17, 17, 3, 0)):
        solid = poses(FRAMES, count, offset)[1][frame]
        expected = solid[[names.index(name) for name in SHORT]]
        assert np.allclose(columns["joints_3d"][row], expected - expected[0], atol=1e-3)
    loaded = read_prepared(tmp_path / "out")
    for row in range(8):
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 6]).max() < 1.5
    assert len(SHORT) == len(HUMAN36M_17)


def test_the_short_video_and_a_frame_without_a_pose(tmp_path, prepare, monkeypatch):
    monkeypatch.setattr(mpi_inf_3dhp, "_SHORT", {("S6", "Seq1", "0"): 4})
    write_train(tmp_path / "in", subject="S6", views=(0,), video_frames=4)
    path = tmp_path / "in" / "S6" / "Seq1" / "annot.mat"
    cells = loadmat(path)
    cells["annot3"].ravel()[0][0] = np.nan
    savemat(path, {name: value for name, value in cells.items() if not name.startswith("__")})
    printed = prepare("mpi-inf-3dhp", tmp_path / "in", "--every", "1", "--cameras", "0")
    assert "3 people of mpi-inf-3dhp" in printed
    assert "skipped: 1 x a frame whose pose is no number" in printed
    assert "skipped: 2 x a labelled frame beyond the end of the video" in printed


def test_wrong_files(tmp_path, prepare_error):
    source = tmp_path / "in"
    write_test(source)

    def error():
        return prepare_error("mpi-inf-3dhp", source, "--cameras", "0", "--every", "1")

    path = source / "TS5" / "annot_data.mat"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "annot_data.mat: cannot be read" in error()
    with h5py.File(path, "w") as file:
        file["valid_frame"] = np.ones(4)
        file["annot2"] = np.zeros((4, 1, 28, 2))
    assert "annot2 has shape (2, 28, 1, 4); expected (4, 1, 17, 2) or the reverse" in error()
    path.unlink()
    assert "expected S1/Seq1/annot.mat and so on, or TS1/annot_data.mat" in error()
    write_train(source, views=(0,), video_frames=3)
    assert "video_0.avi: the video ends after 3 frames" in error()
    savemat(source / "S1" / "Seq1" / "annot.mat", {"annot2": np.zeros((4, 56)), "annot3": np.zeros((4, 84))})
    assert "annot2 has shape (4, 56), type float64; expected a cell for each of 14 views" in error()
    with pytest.raises(ValueError, match="--cameras 14 is none of the set's"):
        mpi_inf_3dhp.plan_mpi_inf_3dhp(source, ("14",), 1)
