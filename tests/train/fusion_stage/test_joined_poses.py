"""The teacher's 3D joined with 2D labels: made from a true pose, the true pose comes back from a bad teacher."""

import pytest
import torch

from fusion_model.skeletons import HUMAN36M_17, MPII_16, MPII_IN_HUMAN36M
from tests.helpers.fake_data import make_people
from train.fusion_stage.joined_poses import LIMBS, join_poses, with_joined_poses

INDEX = HUMAN36M_17.index


def true_poses(count=50):
    """People with limbs of usual lengths in any direction."""
    generator = torch.Generator().manual_seed(0)
    pose = torch.zeros(count, 17, 3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[:, INDEX(f"{side}_hip")] = torch.tensor([sign * 95, 0, 0])
        pose[:, INDEX(f"{side}_shoulder")] = torch.tensor([sign * 150, -470.0, 0])
    pose[:, INDEX("thorax")] = torch.tensor([0, -470.0, 0])
    for near, far, length in LIMBS:
        bone = torch.randn(count, 3, generator=generator)
        pose[:, far] = pose[:, near] + length * bone / bone.norm(dim=-1, keepdim=True)
    return pose


def labels(pose, scale=0.1):
    return scale * pose[:, list(MPII_IN_HUMAN36M), :2] + torch.tensor([60.0, 90.0])


def teacher(pose):
    """Limbs a sixth too short, in the true directions."""
    short = pose.clone()
    for near, far, _ in LIMBS:
        short[:, far] = short[:, near] + (pose[:, far] - pose[:, near]) / 1.2
    return short


def test_limbs_get_their_length_and_place_back():
    truth = true_poses()
    pose, enough = join_poses(teacher(truth), labels(truth), torch.ones(50, 16))
    assert enough.all()
    limbs = [far for _, far, _ in LIMBS]
    assert (teacher(truth) - truth)[:, limbs].norm(dim=-1).mean() > 60
    assert (pose - truth)[:, limbs].norm(dim=-1).mean() < 1, "the true depth is the root, and the teacher's"


def test_the_teacher_says_which_way_and_what_lies_in_the_plane():
    truth = true_poses(200)
    wrong = teacher(truth)
    wrist, elbow = INDEX("left_wrist"), INDEX("left_elbow")
    wrong[:, wrist, 2] = 2 * wrong[:, elbow, 2] - wrong[:, wrist, 2]
    pose, _ = join_poses(wrong, labels(truth), torch.ones(200, 16))
    found, true = ((p[:, wrist] - p[:, elbow])[:, 2] for p in (pose, truth))
    deep = true.abs() > 60
    assert (found[deep].sign() == -true[deep].sign()).all()
    torch.testing.assert_close(pose[:, wrist, :2], truth[:, wrist, :2], atol=2.0, rtol=0)


def test_unlabelled_joints_keep_the_teachers_bone():
    truth = true_poses()
    weight = torch.ones(50, 16)
    weight[:, MPII_16.index("right_ankle")] = 0
    places = labels(truth)
    places[:, MPII_16.index("right_ankle")] = 0
    pose, enough = join_poses(teacher(truth), places, weight)
    assert enough.all()
    assert (pose - truth)[:, INDEX("right_ankle")].norm(dim=-1).mean() < 1
    weight[:, MPII_16.index("left_hip")] = 0
    assert not join_poses(teacher(truth), places, weight)[1].any(), "nothing says where the pelvis is"


def test_labels_of_somebody_else_are_left_alone():
    truth = true_poses()
    assert join_poses(teacher(truth), labels(truth.roll(1, 0)), torch.ones(50, 16))[1].float().mean() < 0.7


def test_a_label_far_away_does_not_stretch_a_limb():
    truth = true_poses()
    places = labels(truth)
    places[:, MPII_16.index("left_wrist")] += 100
    pose, _ = join_poses(teacher(truth), places, torch.ones(50, 16))
    forearm = (pose[:, INDEX("left_wrist"), :2] - pose[:, INDEX("left_elbow"), :2]).norm(dim=-1)
    assert forearm.max() < 1.16 * LIMBS[-1][2] * 1.1


@pytest.mark.parametrize(
    ("name", "spine", "changed"), [("mpii", 0.1, True), ("mpii", 1.0, False), ("synthetic", 0.1, False)]
)
def test_only_photos_with_a_teachers_3d_change(name, spine, changed):
    truth = true_poses(2)
    people = make_people(2)
    people.names, people.source = (name,), torch.zeros(2, dtype=torch.long)
    people.pose, people.joints, people.weight = teacher(truth), labels(truth), torch.ones(2, 16)
    people.pose_weight = torch.ones(2, 17)
    people.pose_weight[:, INDEX("spine")] = spine
    after, joined = with_joined_poses(people)
    assert joined.tolist() == [changed] * 2
    assert torch.equal(after.pose, people.pose) != changed
    assert torch.equal(after.joints, people.joints)
