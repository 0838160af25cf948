"""MP4: people in 3D on a turntable, as a short clip that any telephone and chat plays."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from demo.drawing.turntable import turntable
from demo.video.clips import clip_writer
from fusion_model import Pose

SECONDS, RATE = 3.0, 18  # of the clip, which can be repeated without a jump; frames a second
SIDE = 480


def encode(poses: Pose | Sequence[Pose], photo: np.ndarray) -> bytes:
    """Draw one turn round the people of a photo.

    Args:
        poses: one pose, or several, at least one.
        photo: (H, W, 3) uint8 RGB: people stand to each other as it shows them.

    Returns:
        An MP4 (H.264) of 480 x 480 pixels and three seconds.
    """
    people, count = [poses] if isinstance(poses, Pose) else list(poses), round(SECONDS * RATE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turn.mp4"
        with clip_writer(path, (SIDE, SIDE), RATE) as write:
            for number, picture in enumerate(turntable(people, photo, SIDE, count)):
                write(picture, number / RATE)
        return path.read_bytes()
