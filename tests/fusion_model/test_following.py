"""Poses that follow their own 2D joints, with the limbs of a person, and how far they may be off."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import chi

from fusion_model.config import FollowingConfig, SpreadConfig
from fusion_model.crops import Crop
from fusion_model.following import LIMB_LENGTHS, follow, limb_lengths
from fusion_model.skeletons import HUMAN36M_17, MPII_IN_HUMAN36M
from fusion_model.spread import HOLDS, REACH, within
from tests.helpers.earlier import assert_as_before
from tests.helpers.estimators import fusion_inputs, fusion_network, smooth_photo, spreading, sure
from tests.helpers.stick_people import people
from train.losses import spread_loss

SETTINGS = FollowingConfig()
INDEX = HUMAN36M_17.index


def seen(poses):
    """(N, 16, 2) pixels that a weak-perspective camera gives."""
    return poses[:, MPII_IN_HUMAN36M, :2] * 0.2 + (300.0, 200.0)


def followed(poses, points, config=SETTINGS):
    """By 2D joints all of which are certain."""
    return follow(poses, points, np.ones(points.shape[:2]), config)


def test_the_lengths_are_those_of_the_table_and_limbs_come_nearer_to_them_by_their_share():
    """De Leva (1996), table 4: women of 1735 mm, men of 1741 mm."""
    table = {"upper arm": (275.1, 281.7), "forearm": (264.3, 268.9), "thigh": (368.5, 422.2), "shank": (432.3, 434.0)}
    for name, (woman, man) in table.items():
        assert LIMB_LENGTHS[name] == pytest.approx(1700 * (woman / 1735 + man / 1741) / 2, abs=0.2)
    found = people(shrink=0.8)
    for share, factor in ((0.0, 0.8), (0.5, 0.9), (1.1, 1.02)):
        after = limb_lengths(followed(found, seen(found), FollowingConfig(share, 0.0, 0.0)))
        for name, length in LIMB_LENGTHS.items():
            np.testing.assert_allclose(after[name], factor * length)


def test_a_right_pose_stays_as_it_is():
    for config in (SETTINGS, FollowingConfig(1.5, 1.0, 1.0, 0.0)):
        np.testing.assert_allclose(followed(people(), seen(people()), config), people(), atol=1e-9)


def test_x_and_y_come_to_the_sure_2d_joints_by_share_and_trust_and_the_size_stays():
    found = people() + np.random.default_rng(1).normal(0, 40, (40, 17, 3))
    points = seen(people())
    none, half, whole = (followed(found, points, FollowingConfig(0.0, plane, 0.0)) for plane in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(none, found - found[:, :1], atol=1e-9)
    np.testing.assert_allclose(half, (none + whole) / 2, atol=1e-9)
    less = follow(found, points, np.full((40, 16), 0.65), FollowingConfig(0.0, 1.0, 0.0, unsure=0.3))
    np.testing.assert_allclose(less, half, atol=1e-9)
    before, after = (poses[:, MPII_IN_HUMAN36M, :2] for poses in (found, whole))
    scale = np.sqrt(before.var(1).sum(1) / points.var(1).sum(1))[:, None, None]
    expected = scale * (points - points[:, 6:7])  # from the pelvis
    np.testing.assert_allclose(after, expected, atol=1e-9, err_msg="not a smaller person, although the pose errs")


def test_a_short_bone_is_not_trusted_nor_the_sign_of_a_flat_one():
    pose, length = people(1) * (1, 1, 0.6), LIMB_LENGTHS["forearm"]
    elbow, wrist = INDEX("left_elbow"), INDEX("left_wrist")
    short = (30, 0, 0), FollowingConfig(1.0, 0.0, 0.0), (length / 2, 0, 0)  # 60 mm would reach the whole length
    reach = np.array((0, 0, 0.462 * (0.8 * length - 50)))  # tanh(50 / 100) = 0.462
    near, far = np.array((0.6 * length, 0, -50)), np.array((0.6 * length, 0, 50))
    deep = (FollowingConfig(0.0, 0.0, share) for share in (0.5, 1.0))
    for bone, config, expected in (short, (far, next(deep), far + reach / 2), (near, next(deep), near - reach)):
        pose[0, wrist] = pose[0, elbow] + bone
        after = followed(pose, seen(pose), config)[0]
        assert (after[wrist] - after[elbow]).tolist() == pytest.approx(list(expected), abs=0.1)


def test_people_follow_their_2d_joints_as_before_by_share_and_trust():
    generator, true = np.random.default_rng(1), people()
    found, points = 0.9 * true + generator.normal(0, 40, true.shape), seen(true) + generator.normal(0, 2, (40, 16, 2))
    confidence = generator.uniform(0, 1, (40, 16))
    shares = ((0.6, 0.0, 0.0), (0.0, 0.4, 0.0), (0.0, 0.0, 0.7), (1.5, 1.0, 1.0, 0.0), (0.8, 0.5, 0.3, 0.8))
    configs = [SETTINGS, *(FollowingConfig(*those) for those in shares)]
    kinds = found, found * (1, 1, 0.6), found * 0.3  # flat bones have no sure sign, and short ones are not trusted
    after = [follow(poses, points, confidence, one) for one in configs for poses in kinds]
    assert_as_before("followed", after, file="model.json")


@pytest.mark.parametrize(("turn", "joints", "fits"), [(0, 4, True), (0, 3, False), (44, 16, True), (46, 16, False)])
def test_a_camera_fits_four_joints_that_agree_in_half_of_their_variance(turn, joints, fits):
    pose, confidence = people(1), (np.arange(16) < joints)[None].astype(float)
    points = Crop((0, 0), 1, turn, 1).to_photo(seen(pose)) * 2  # which turns them
    points[:, 3] += turn == 0
    after = follow(pose, points, confidence, FollowingConfig(0.0, 1.0, 0.0))
    assert (np.abs(after - pose).max() > 1) == fits


@pytest.mark.parametrize("points", [np.zeros((3, 16, 2)), np.full((3, 16, 2), 1e-7), -seen(people(3))])
def test_2d_joints_that_show_no_such_body_are_not_followed(points):
    """All on one spot, or upside down: the limbs get their lengths, that is all."""
    found, config = people(3, shrink=0.8), dataclasses.replace(SETTINGS, depth=0.0)
    found[1, INDEX("left_ankle")] = found[1, INDEX("left_knee")]  # a limb of no length
    assert np.isfinite(followed(found, points)).all()
    np.testing.assert_allclose(followed(found, points, config), follow(found, points, np.zeros((3, 16)), config))


def test_an_estimator_follows_where_its_configuration_says_so():
    plain, photo, box = sure(), smooth_photo(), (20, 16, 107, 111)
    following = plain.with_config(dataclasses.replace(plain.config, following=FollowingConfig(unsure=0.0)))
    before, after = (limb_lengths(one(photo, box).joints_3d[None])["thigh"] for one in (plain, following))
    assert after > 1.5 * before, "an untrained network puts out millimetres"


MEASURED = SpreadConfig(across=1.5, depth=2.0)


def test_ellipsoids_hold_68_percent_of_a_normal_distribution():
    assert chi(1).cdf(1) == pytest.approx(chi(3).cdf(REACH), abs=1e-4) == pytest.approx(HOLDS, abs=1e-4)
    spread = np.array([20.0, 20.0, 60.0])
    errors = spread * np.random.default_rng(0).normal(size=(20_000, 3))
    assert within(errors, spread).mean() == pytest.approx(HOLDS, abs=0.01)


def test_a_network_says_how_far_off_it_may_be_its_poses_and_joints_without_weight_learn_nothing_from_it():
    made, inputs = fusion_network(spreads=True), fusion_inputs()
    pose, spread = made(*inputs, spreads=True)
    assert torch.equal(pose, made(*inputs))
    assert made.spread.bias.exp().tolist() == pytest.approx([50] * 34), "before it has learnt"
    assert spread.shape == (3, 17, 2)
    assert (spread > 0).all()
    spread_loss(spread, pose, torch.zeros(3, 17, 3), torch.ones(3, 17)).backward()
    moved = {name for name, value in made.named_parameters() if value.grad is not None and value.grad.any()}
    assert moved == {"spread.weight", "spread.bias"}
    spread, pose, target = torch.full((1, 2, 2), 10.0), torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    alone = spread_loss(spread[:, :1], pose[:, :1], target[:, :1], torch.ones(1, 1))
    target[:, 1] = 1e6
    assert spread_loss(spread, pose, target, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(alone.item())
    assert alone.item() == pytest.approx(1e3 * 3 * (np.log(10) + 0.1), rel=1e-5)


def test_a_pose_has_the_spread_of_its_network_and_size():
    plain, photo, box = spreading(), smooth_photo(), (20, 16, 107, 111)
    assert sure()(photo, box).spread is None, "the network has none"
    assert plain(photo, box).spread is None, "it was not measured"

    def measured(config=MEASURED, height=1700.0):
        return plain.with_config(dataclasses.replace(plain.config, spread=config))(photo, box, height_mm=height)

    spread = measured().spread
    assert spread.shape == (17, 3)
    assert (spread[0] == 0).all(), "the pelvis is where the others are measured from"
    assert (spread[1:] > 0).all()
    np.testing.assert_allclose(measured(height=2040.0).spread, 1.2 * spread, rtol=1e-5)
    np.testing.assert_allclose(measured(SpreadConfig(3.0, 6.0)).spread, spread * (2, 2, 3), rtol=1e-5)
    one = plain.with_config(dataclasses.replace(plain.config, spread=MEASURED))
    sides = list(HUMAN36M_17.mirror)
    mirrored = one(np.ascontiguousarray(photo[:, ::-1]), box).spread[sides]  # the box is in the middle
    assert np.abs(mirrored - spread).max() < 0.1 * np.abs(spread - spread[sides]).max()
