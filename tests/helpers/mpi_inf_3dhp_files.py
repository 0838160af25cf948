"""A tiny MPI-INF-3DHP as distributed: cells of annot.mat, videos, HDF5 of the test part."""

import h5py
import numpy as np
from scipy.io import savemat

from tests.helpers.photos import write_photo, write_video

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


def poses(count, joints, offset=0):
    """2D in pixels of 400 x 300 and 3D in mm."""
    cloud = np.random.default_rng(joints).normal(0, 30, (joints, 3))
    middle = np.array([150.0, 150, 3000]) + np.arange(count)[:, None, None] * [10, 0, 0] + [offset, 0, 0]
    joints_3d = cloud + middle
    return joints_3d[..., :2], joints_3d


def write_train(folder, subject="S1", views=(0, 4), frames=FRAMES, video_frames=None):
    cells = {name: np.empty((14, 1), object) for name in ("annot2", "annot3")}
    for view in range(14):
        flat, solid = poses(frames, 28, view)
        cells["annot2"][view, 0] = flat.reshape(frames, -1)
        cells["annot3"][view, 0] = solid.reshape(frames, -1)
        if view in views:
            pelvis = flat[:, NAMES_28.index("pelv")]
            path = folder / subject / "Seq1" / "imageSequence" / f"video_{view}.avi"
            write_video(path, video_frames or frames, 400, 300, pelvis.__getitem__)
    savemat(folder / subject / "Seq1" / "annot.mat", cells)


def write_test(folder, subject="TS5"):
    flat, solid = poses(FRAMES, 17)
    (folder / subject).mkdir(parents=True)
    path = folder / subject / "annot_data.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["annot2"], file["annot3"] = flat[:, None], solid[:, None]
        file["annot3"][4, 0, 7, 2] = np.nan
        file["valid_frame"] = np.array([[1, 0, 1, 1, 1, 1]]).T
    with path.open("r+b") as file:  # as MATLAB begins its files of version 7.3
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + bytes([0, 2]) + b"IM")
    for frame in range(FRAMES):
        dot = flat[frame, NAMES_17.index("pelv")][None]
        write_photo(folder / subject / "imageSequence" / f"img_{frame + 1:06d}.jpg", 400, 300, dot)
