"""Choose a small set of postures, evenly over pose space, from captures: ``python -m train.synthesis.motion.collect``.

Captures mostly walk. So frames are grouped by where the joints lie (k-means), and from each group the same number is
taken, each as far as possible from those already taken. A clip is held out for validation by a hash of its name.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist

from train.synthesis.rig import RIG, mirror_posture

from .asfamc import read_asfamc
from .bvh import read_bvh
from .clips import MotionClip, read_cmu_pack, read_positions
from .figure import place
from .kinds import KINDS, classify, face_ahead
from .limits import possible
from .pose_pack import is_pose_pack, read_pose_pack
from .retarget import retarget
from .rotation import to_matrices, to_quaternions

VALIDATION_FRACTION = 0.15
COMPOSED = 0.5
_ENDS = ("upper_arm", "forearm", "hand", "shin", "foot")
_FEATURES = [RIG.index(f"{side}_{bone}") for side in ("left", "right") for bone in _ENDS]


def held_out(clip: str) -> bool:
    """Whether a clip is for validation: always the same answer for the same name."""
    return hashlib.sha256(clip.encode()).digest()[0] < VALIDATION_FRACTION * 256


def read_clips(path: Path) -> list[MotionClip]:
    """The clips of a file: ``.bvh``, ``.amc`` (its ``.asf`` beside it), or ``.npz`` of joints.

    Raises:
        ValueError: if the ending is none of these, or the file cannot be understood.
        FileNotFoundError: if there is no such file.
    """
    if path.suffix == ".bvh":
        return [read_bvh(path)]
    if path.suffix == ".amc":
        return [read_asfamc(path.with_name(path.stem.partition("_")[0] + ".asf"), path)]
    if path.suffix == ".npz":
        if not path.is_file():
            raise FileNotFoundError(f"{path} not found: expected an npz file of joint positions")
        if is_pose_pack(path):
            return read_pose_pack(path)
        with np.load(path) as data:
            named = "joint_names" in data
        return read_cmu_pack(path) if named else [read_positions(path)]
    raise ValueError(f"{path}: unknown ending {path.suffix!r}; expected .bvh, .amc (with its .asf beside it) or .npz")


def _clearance(clip: MotionClip) -> np.ndarray:
    """Height (T,) mm of the lowest landmark over the clip's lowest."""
    lowest = np.stack([places[:, 1] for places in clip.landmarks.values()]).min(0)
    return lowest - np.percentile(lowest, 1)


def collect(
    clips: Sequence[MotionClip], count: int, clusters: int, seed: int, composed: float = COMPOSED
) -> dict[str, np.ndarray]:
    """A pack of postures.

    Args:
        clips: captures; names must differ.
        count: postures wanted, at most; clusters with too few frames give fewer.
        clusters: groups of similar postures.
        seed: of the grouping.
        composed: fraction of the library's draws that are composed of parts, because captures lack them.

    Returns:
        Arrays of the pack: quaternions (N, 21, 4) float16, motion (N,) and cluster (N,) int16, kind (N,) int8,
        motion_names (M,), validation (M,) bool, kind_names, composed ().

    Raises:
        ValueError: if there are fewer possible frames than clusters, or the fraction is none.
    """
    if not 0 <= composed < 1:
        raise ValueError(f"composed must be a fraction from 0 to below 1, got {composed}")
    generator = np.random.default_rng(seed)
    quaternions = to_quaternions(face_ahead(np.concatenate([retarget(clip) for clip in clips]))).astype(np.float16)
    rotations = to_matrices(quaternions.astype(np.float64)).astype(np.float32)  # as a library reads them
    clearance = np.concatenate([_clearance(clip) for clip in clips])
    motion = np.repeat(np.arange(len(clips)), [len(clip) for clip in clips])
    fit = possible(rotations) & possible(mirror_posture(rotations))
    print(f"{len(rotations)} frames of {len(clips)} clips, {fit.mean():.1%} within joint limits")
    if fit.sum() < clusters:
        found = f"only {fit.sum()} frames are within joint limits"
        raise ValueError(f"{found}; expected at least {clusters}, one a cluster")
    rotations, clearance, motion = rotations[fit], clearance[fit], motion[fit]
    features = place(rotations)[0][:, _FEATURES].reshape(len(rotations), -1)
    _, cluster = kmeans2(features, clusters, minit="++", rng=generator, missing="raise")
    groups = [np.flatnonzero(cluster == index) for index in range(clusters)]
    chosen = np.concatenate([own[_spaced(features[own], count // clusters, generator)] for own in groups])
    return {
        "quaternions": quaternions[fit][chosen],
        "motion": motion[chosen].astype(np.int16),
        "cluster": cluster[chosen].astype(np.int16),
        "kind": classify(rotations[chosen], clearance[chosen]).astype(np.int8),
        "kind_names": np.array(KINDS),
        "motion_names": np.array([clip.name for clip in clips]),
        "composed": np.array(composed),
        "validation": np.array([held_out(clip.name) if clip.held_out is None else clip.held_out for clip in clips]),
    }


def _spaced(features: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Indices of up to ``count`` rows of (n, d), each as far as possible from those before it."""
    chosen = [int(generator.integers(len(features)))]
    distance = cdist(features, features[chosen])[:, 0]
    while len(chosen) < min(count, len(features)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, cdist(features, features[chosen[-1:]])[:, 0])
    return np.array(chosen)


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("sources", nargs="+", type=Path, help=".bvh, .amc (its .asf beside it) or .npz files")
    arguments.add_argument("--out", required=True, type=Path, help="npz file to write")
    arguments.add_argument("--count", type=int, default=3000, help="postures at most (default %(default)s)")
    arguments.add_argument("--clusters", type=int, default=150, help="groups of postures (default %(default)s)")
    arguments.add_argument("--seed", type=int, default=0, help="of the grouping (default %(default)s)")
    arguments.add_argument(
        "--composed", type=float, default=COMPOSED, help="fraction of draws that are no captures (default %(default)s)"
    )
    return arguments


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = parser().parse_args(arguments)
    try:
        clips = [clip for path in options.sources for clip in read_clips(path)]
        pack = collect(clips, options.count, options.clusters, options.seed, options.composed)
    except (ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    np.savez_compressed(options.out, **pack)
    print(f"{options.out}: {len(pack['motion'])} postures, {pack['validation'].mean():.1%} of the clips for validation")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
