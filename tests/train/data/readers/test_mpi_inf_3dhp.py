"""MPI-INF-3DHP: cells of annot.mat, videos, HDF5 of the test part, through the command."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.photos import brightest, write_photo, write_video
from train.data.prepared import open_prepared, read_prepared
from train.data.readers import mpi_inf_3dhp

FRAMES = 6
# By name, from the data set's own documentation: joint of 28 and of 17 for each of Human3.6M's.
NAMES_28 = (
    *("spi3", "spi4", "spi2", "spin", "pelv", "neck", "head", "htop", "lcla", "lsho", "lelb", "lwri", "lhan", "rcla"),
    *("rsho", "relb", "rwri", "rhan", "lhip", "lkne", "lank", "lfoo", "ltoe", "rhip", "rkne", "rank", "rfoo", "rtoe"),
)
NAMES_17 = (
    *("htop", "neck", "rsho", "relb", "rwri", "lsho", "lelb", "lwri", "rhip", "rkne", "rank", "lhip", "lkne", "lank"),
    *("pelv", "spin", "head"),
)
SHORT = (
    *("pelv", "rhip", "rkne", "rank", "lhip", "lkne", "lank", "spin", "neck", "head", "htop", "lsho", "lelb", "lwri"),
    *("rsho", "relb", "rwri"),
)


def poses(count, joints, offset=0):
    """2D in pixels of 400 x 300 and 3D in mm."""
    cloud = np.random.default_rng(joints).normal(0, 30, (joints, 3))
    middle = np.array([150.0, 150, 3000]) + np.arange(count)[:, None, None] * [10, 0, 0] + [offset, 0, 0]
    joints_3d = cloud + middle
    return joints_3d[..., :2], joints_3d


def write_train(folder, subject="S1", views=(0, 4), frames=FRAMES, video_frames=None):
    cells = {name: np.empty((14, 1), object) for name in ("annot2", "annot3", "univ_annot3")}
    for view in range(14):
        flat, solid = poses(frames, 28, view)
        cells["annot2"][view, 0] = flat.reshape(frames, -1)
        cells["annot3"][view, 0] = solid.reshape(frames, -1)
        cells["univ_annot3"][view, 0] = solid.reshape(frames, -1) * 0.9
        if view in views:
            pelvis = flat[:, NAMES_28.index("pelv")]
            path = folder / subject / "Seq1" / "imageSequence" / f"video_{view}.avi"
            write_video(path, video_frames or frames, 400, 300, pelvis.__getitem__)
    savemat(folder / subject / "Seq1" / "annot.mat", cells)
    lines = ["Skeletool Camera Calibration File V1.0"]
    for view in range(14):
        numbers = f"{1500 + view} 0 1024 0 0 {1501 + view} 1025 0 0 0 1 0 0 0 0 1"
        lines += [f"name          {view}", "  size      400 300", f"  intrinsic       {numbers}"]
    (folder / subject / "Seq1" / "camera.calibration").write_text("\n".join(lines))


def write_test(folder):
    flat, solid = poses(FRAMES, 17)
    (folder / "TS5").mkdir(parents=True)
    path = folder / "TS5" / "annot_data.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["annot2"], file["annot3"] = flat[:, None], solid[:, None]
        file["univ_annot3"] = solid[:, None] * 0.9
        file["valid_frame"] = np.array([[1, 0, 1, 1, 0, 1]]).T
        file["activity_annotation"] = np.arange(1, 7)[:, None]
    with path.open("r+b") as file:  # as MATLAB begins its files of version 7.3
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + bytes([0, 2]) + b"IM")
    for frame in range(FRAMES):
        dot = flat[frame, NAMES_17.index("pelv")][None]
        write_photo(folder / "TS5" / "imageSequence" / f"img_{frame + 1:06d}.jpg", 400, 300, dot)


def test_both_parts(tmp_path, prepare):
    write_train(tmp_path / "in")
    write_test(tmp_path / "in" / "mpi_inf_3dhp_test_set")
    status, printed = prepare("mpi-inf-3dhp", tmp_path / "in", "--every", "2")
    assert status == 0, printed
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


def test_the_short_video(tmp_path, prepare, monkeypatch):
    monkeypatch.setattr(mpi_inf_3dhp, "_SHORT", {("S6", "Seq1", "0"): 4})
    write_train(tmp_path / "in", subject="S6", views=(0,), video_frames=4)
    _, printed = prepare("mpi-inf-3dhp", tmp_path / "in", "--every", "1", "--cameras", "0")
    assert "4 people of mpi-inf-3dhp" in printed
    assert "skipped: 2 x a labelled frame beyond the end of the video" in printed


def test_wrong_files(tmp_path, prepare):
    source = tmp_path / "in"
    write_test(source)

    def error():
        status, printed = prepare("mpi-inf-3dhp", source, "--cameras", "0", "--every", "1")
        assert status == 1
        return printed

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
    status, printed = prepare("mpi-inf-3dhp", source, "--cameras", "0", "--every", "1")
    assert status == 1
    assert "video_0.avi: the video ends after 3 frames" in printed
    savemat(source / "S1" / "Seq1" / "annot.mat", {"annot2": np.zeros((4, 56)), "annot3": np.zeros((4, 84))})
    assert "annot2 has shape (4, 56), type float64; expected a cell for each of 14 views" in error()
    with pytest.raises(ValueError, match="are 0 to 13, not 14"):
        mpi_inf_3dhp.plan_mpi_inf_3dhp(source, ("14",), 1)
