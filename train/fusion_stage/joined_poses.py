"""Training targets for photos: the teacher's 3D joined with the 2D labels and with usual lengths of limbs.

The teacher of photos knows which limb is nearer, less well how far, and its limbs are too short. So x and y come from
the 2D labels, scaled by the weak perspective that fits the teacher's pose, its limbs at their usual lengths, best. In
depth a limb of length L that is seen d long spans sqrt(L^2 - d^2) (Taylor, "Reconstruction of articulated objects from
point correspondences in a single uncalibrated image", 2000); the teacher says which way. Where a limb lies nearly in
the picture plane that root says little, as an error of d moves it much, and the teacher's own depth counts for more.

Lengths are those of :mod:`fusion_model.following`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fusion_model import following
from fusion_model.skeletons import HUMAN36M_17, LIMB_JOINTS, MPII_16
from train.data.people import People
from train.data.source import SYNTHETIC

LIMBS = tuple(
    (HUMAN36M_17.index(f"{side}_{near}"), HUMAN36M_17.index(f"{side}_{far}"), following.LIMB_LENGTHS[name])
    for name, (near, far, _) in following.LIMBS.items()
    for side in ("left", "right")
)
"""Start and end of each limb bone in Human3.6M's order and its usual length in mm; upper bones first."""

_FEWEST = 8  # of the twelve limb joints labelled, both hips among them
_LEAST_TRUST = 0.5  # weight of a 2D label from which it is taken
_SCALES = (0.7, 1.5)  # of the spread of the labels at that scale over that of the teacher's pose
# Standard deviation of L against d (label, perspective, this person's length), and of the teacher's depth of a bone.
# With rendered people for the truth, labels off by 1.5 % of the person and a teacher off by 60, 100 or 140 mm in the
# depth of a bone, depth is off by 38, 57 and 77 mm with 80 mm, by 44, 61 and 80 with 40 mm, and by 2 mm less with 120,
# at which the shanks and forearms of photos come out 5 % too short.
_PLANE_MM, _DEPTH_MM = 80.0, 80.0
_LONGEST = 1.15  # of its usual length that a limb may be seen long; beyond it the label is wrong, or the limb near
_PARTNER = torch.tensor([MPII_16.index(name) if name in MPII_16.joints else -1 for name in HUMAN36M_17.joints])
_LIMB = torch.tensor([HUMAN36M_17.index(name) for name in LIMB_JOINTS])
_HIPS, _SHOULDERS = (
    [HUMAN36M_17.index(f"{side}_{joint}") for side in ("left", "right")] for joint in ("hip", "shoulder")
)
_PELVIS, _SPINE = HUMAN36M_17.index("pelvis"), HUMAN36M_17.index("spine")
_UPPER = [HUMAN36M_17.index(name) for name in ("thorax", "neck", "head_top")]


def with_joined_poses(people: People) -> tuple[People, Tensor]:
    """The same people, the 3D of photos joined with their 2D labels.

    Rendered people and people with measured 3D stay as they are, and so do photos with few labels or labels that no
    scale brings near the teacher's pose.

    Returns:
        the people, and (N,) bool: whose pose was joined.
    """
    taught = (people.pose_weight[:, _SPINE] > 0) & (people.pose_weight[:, _SPINE] < 1)  # a teacher's spine is made up
    photos = torch.tensor([name != SYNTHETIC for name in people.names], device=people.source.device)[people.source]
    pose, joined = join_poses(people.pose, people.joints, people.weight)
    joined &= taught & photos
    columns = {**vars(people), "pose": torch.where(joined[:, None, None], pose, people.pose)}
    return People(**columns), joined


def join_poses(pose: Tensor, joints: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Poses of which x and y follow the labels, and depth their foreshortening.

    Args:
        pose: (N, 17, 3) mm, Human3.6M's order, camera axes, pelvis at the origin.
        joints: (N, 16, 2) pixels, MPII's order.
        weight: (N, 16) trust in each, 0 where unknown.

    Returns:
        (N, 17, 3) mm, and (N,) bool, where there are labels enough; elsewhere the pose is not to be used.
    """
    partner = _PARTNER.to(pose.device)
    known = (weight[:, partner] >= _LEAST_TRUST) & (partner >= 0)
    enough = (known[:, _LIMB].sum(1) >= _FEWEST) & known[:, _HIPS].all(1)
    pixels = joints[:, partner] - joints[:, partner][:, _HIPS].mean(1, keepdim=True)
    usual = _at_usual_lengths(pose)
    trust = (known[:, _LIMB] * weight[:, partner][:, _LIMB])[..., None]
    along, spread = ((trust * pixels[:, _LIMB] * other[:, _LIMB, :2]).sum((1, 2)) for other in (usual, pixels))
    there = (trust * usual[:, _LIMB, :2].square()).sum((1, 2))
    scale = along / spread.clamp_min(1e-6)  # mm a pixel
    ratio = scale * (spread / there.clamp_min(1e-6)).sqrt()
    enough &= (ratio > _SCALES[0]) & (ratio < _SCALES[1])
    flat = scale[:, None, None] * pixels
    joined = usual.clone()
    for joint in (*_HIPS, *_SHOULDERS):
        joined[:, joint, :2] = torch.where(known[:, joint, None], flat[:, joint], usual[:, joint, :2])
    for near, far, length in LIMBS:
        bone = usual[:, far] - usual[:, near]
        labelled = known[:, far]
        end = torch.where(labelled[:, None], flat[:, far], joined[:, near, :2] + bone[:, :2])
        away = end - joined[:, near, :2]
        end = joined[:, near, :2] + away * (_LONGEST * length / away.norm(dim=-1, keepdim=True).clamp_min(1)).clamp_max(
            1
        )
        seen = (end - joined[:, near, :2]).norm(dim=-1)
        depth = torch.where(labelled & known[:, near], _depth(seen, bone[:, 2], length), bone[:, 2])
        joined[:, far] = torch.cat((end, (joined[:, near, 2] + depth)[:, None]), 1)
    shift = joined[:, _SHOULDERS].mean(1) - usual[:, _SHOULDERS].mean(1)
    joined[:, _UPPER] += shift[:, None]
    joined[:, _SPINE] += shift / 2
    return joined, enough


def _at_usual_lengths(pose: Tensor) -> Tensor:
    """Poses (N, 17, 3) with every limb bone in its direction at its usual length."""
    usual = pose.clone()
    for near, far, length in LIMBS:
        bone = pose[:, far] - pose[:, near]
        usual[:, far] = usual[:, near] + length * bone / bone.norm(dim=-1, keepdim=True).clamp_min(1.0)
    return usual


def _depth(seen: Tensor, taught: Tensor, length: float) -> Tensor:
    """Depth (N,) mm of bones seen ``seen`` (N,) mm long, from foreshortening and from the teacher's depth (N,)."""
    root = (length**2 - seen.square()).clamp_min(0).sqrt()
    deviation = _PLANE_MM * seen / root.clamp_min(_PLANE_MM)  # of the root, to first order
    share = _DEPTH_MM**2 / (_DEPTH_MM**2 + deviation.square())
    return share * torch.where(taught < 0, -root, root) + (1 - share) * taught
