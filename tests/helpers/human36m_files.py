"""A tiny Human3.6M as distributed: CDF files, videos and metadata.xml, all of one walking dot."""

import numpy as np
from cdflib.cdfwrite import CDF

from tests.helpers.photos import write_video
from train.data.cameras import human36m_camera_axes, project_human36m

INTRINSIC = (1145.0, 1143.8, 512.5, 515.5, -0.207, 0.248, -0.003, -0.0014, -0.001)
EXTRINSIC = (-1.38383, -3.16734, 0.41364, 1841.1, 4955.3, 1563.4)
CAMERA = "54138969"
SCALE = 0.25  # of frames, so that videos stay small


def small_camera(subject="S1"):
    """(15,) values of a camera of 250 x 250 pixels, 40 mm higher for each next subject."""
    intrinsic = np.array(INTRINSIC)
    intrinsic[:4] *= SCALE
    return np.array([*EXTRINSIC[:5], EXTRINSIC[5] + 40 * int(subject[1:]), *intrinsic])


def world(frames):
    """(F, 32, 3) mm: a cloud of joints about a pelvis that walks."""
    cloud = np.random.default_rng(0).normal(0, 250, (32, 3))
    cloud[0] = 0
    return cloud + np.array([0, 0, 900]) + np.arange(frames)[:, None, None] * np.array([40.0, 0, 0])


def write_cdf(path, poses, name="Pose"):
    """One variable of shape (1, N, 96) or (1, N, 64)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # The writer puts its own suffix in place of the last, here of the camera's number.
    file = CDF(path.parent / "writing.cdf", delete=True)
    data = poses.reshape(1, len(poses), -1).astype(np.float32)
    spec = {"Variable": name, "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Var_Type": "zVariable"}
    file.write_var(spec | {"Dim_Sizes": list(data.shape[1:]), "Compress": 6}, var_data=data)
    file.close()
    (path.parent / "writing.cdf").rename(path)


def write_sequence(source, subject, stem, frames=7, shift=0.0, video_frames=None, kinds=("mono", "2d", "world")):
    """One sequence of one camera; its labels are off by ``shift`` mm of world x."""
    values, features = small_camera(subject), source / subject / "MyPoseFeatures"
    true, labelled = world(frames), world(frames) + np.array([shift, 0, 0])
    seen = human36m_camera_axes(labelled, values)
    if "world" in kinds:
        write_cdf(features / "D3_Positions" / f"{stem}.cdf", labelled)
    if "mono" in kinds:
        write_cdf(features / "D3_Positions_mono" / f"{stem}.{CAMERA}.cdf", seen)
    if "2d" in kinds:
        write_cdf(features / "D2_Positions" / f"{stem}.{CAMERA}.cdf", project_human36m(seen, values))
    pelvis = project_human36m(human36m_camera_axes(true, values), values)[:, 0]
    count = frames + 2 if video_frames is None else video_frames  # videos are longer than poses
    video = source / subject / "Videos" / f"{stem}.{CAMERA}.mp4"
    write_video(video, count, 250, 250, lambda number: pelvis[min(number, frames - 1)])


def write_set(source, stems, metadata="metadata.xml"):
    """The sequences of every subject in ``stems``, and the metadata."""
    for subject, names in stems.items():
        for stem in names:
            write_sequence(source, subject, stem)
    write_metadata(source / metadata)


def write_metadata(path):
    """As much of metadata.xml as is read: the camera of every subject, others a metre and 20 pixels aside."""
    values = np.stack([small_camera(f"S{subject}") for subject in range(1, 12)])
    outer = [values[:, :6] + [0, 0, 0, 1000 * camera, 0, 0] for camera in range(4)]
    inner = [values[0, 6:] + 20 * camera * np.eye(9)[2] for camera in range(4)]
    numbers = " ".join(f"{number:.6f}" for number in np.concatenate((*map(np.ravel, outer), *inner)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<metadata><w0>[{numbers}]</w0></metadata>")
