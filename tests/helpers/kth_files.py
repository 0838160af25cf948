"""A tiny KTH Multiview Football II as distributed: text files and pictures of three cameras."""

import numpy as np

from fusion_model.skeletons import LSP_14
from tests.helpers.fake_data import FIGURE
from tests.helpers.photos import write_photo
from train.data.cameras import project_affine

FRAMES = 5
WRIST = LSP_14.index("left_wrist")
# u = 100 (X cos - Y sin) + 240, v = -100 Z + 320: three cameras round a player, z up.
CAMERAS = [
    np.array([[100 * np.cos(turn), -100 * np.sin(turn), 0, 240], [0, 0, -100, 320]])
    for turn in np.deg2rad((0, 60, 120))
]


def pose(frame):
    """(14, 3) metres, body axes."""
    flat = np.array([FIGURE[name] for name in LSP_14.joints])
    return np.column_stack((flat[:, 0] + 0.02 * frame, np.linspace(-0.3, 0.3, 14), -flat[:, 1]))


def write_sequence(folder, frames=FRAMES, swap=False):
    poses = np.stack([pose(frame) for frame in range(frames)])
    points = np.stack([[project_affine(one, camera) for camera in CAMERAS] for one in poses])
    cameras = np.stack([[camera.T for camera in CAMERAS]] * frames)
    folder.mkdir(parents=True)
    for name, array in (("positions3d", poses), ("positions2d", points), ("cameras", cameras)):
        stored = array[..., ::-1] if swap and name == "cameras" else array
        (folder / f"{name}.txt").write_text("\n".join(f"{number:.8f}" for number in stored.ravel()))
    for camera in range(3):
        for frame in range(frames):
            dot = points[frame, camera, WRIST][None]
            write_photo(folder / f"Camera {camera + 1}" / f"{frame + 1:05d}.png", 480, 640, dot)
