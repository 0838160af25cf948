"""NPZ: arrays for NumPy, the confidence maps among them; no pickles."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from fusion_model import Pose
from fusion_model.skeletons import MPII_16, SKELETONS


def encode(poses: Pose | Sequence[Pose]) -> bytes:
    """Write the arrays of a pose, or of the people of one photo.

    Args:
        poses: one pose, or at least one in a sequence, all of the same skeleton.

    Returns:
        A compressed archive that ``numpy.load(..., allow_pickle=False)`` reads:
        ``joints_3d`` (J, 3) float32 mm, ``joints_2d`` (J, 2) float32 pixels, ``confidence`` (J,) float32,
        ``status`` (J,) text, ``heatmaps`` (16, H', W') float16, ``box`` (4,) float32 pixels, ``angle`` degrees,
        ``score``, ``height_mm``; for a sequence, each with the people first. Besides, once: ``joint_names`` (J,),
        ``heatmap_names`` (16,), ``skeleton``, ``model``.

    Raises:
        ValueError: if there is no pose, or if the poses mix skeletons.
    """
    people = [poses] if isinstance(poses, Pose) else list(poses)
    skeletons = sorted({pose.skeleton for pose in people})
    if len(skeletons) != 1:
        raise ValueError(f"an NPZ file takes poses of one skeleton, got {len(people)} poses of {skeletons or 'none'}")
    each = [_arrays(pose) for pose in people]
    arrays = each[0] if isinstance(poses, Pose) else {key: np.stack([one[key] for one in each]) for key in each[0]}
    file = io.BytesIO()
    np.savez_compressed(
        file,
        **arrays,
        joint_names=np.array(SKELETONS[skeletons[0]].joints),
        heatmap_names=np.array(MPII_16.joints),
        skeleton=np.array(skeletons[0]),
        model=np.array(people[0].model),
    )
    return file.getvalue()


def _arrays(pose: Pose) -> dict[str, np.ndarray]:
    """The arrays that differ from person to person."""
    return {
        "joints_3d": pose.joints_3d,
        "joints_2d": pose.joints_2d,
        "confidence": pose.confidence,
        "status": np.array(pose.status),
        "heatmaps": pose.heatmaps.astype(np.float16),
        "box": pose.box,
        "angle": np.array(pose.angle, np.float32),
        "score": np.array(pose.score, np.float32),
        "height_mm": np.array(pose.height_mm, np.float32),
    }
