"""3D of held-out people: known poses, and a tiny checkpoint from end to end."""

import dataclasses

import numpy as np
import pytest

from fusion_model.config import FollowingConfig, SpreadConfig
from fusion_model.crops import crop_of_box
from fusion_model.estimator import PoseEstimator
from fusion_model.following import LIMB_LENGTHS, follow, limb_lengths
from fusion_model.skeletons import HUMAN36M_17, MPII_16, MPII_IN_HUMAN36M
from fusion_model.spread import HOLDS, spreads, within
from tests.helpers.estimators import spreading, sure
from tests.helpers.fake_data import FIGURE, figure, make_source, write_pack
from tests.helpers.stick_people import people
from train.calibrate import fit_following, fit_spread
from train.data.sources import find_sources
from train.evaluation import three_d
from train.evaluation.tables import Table
from train.evaluation.three_d import IN_PLANE, MORE, OURS, UNCORRECTED, People, find, person_figures


def standing(count=4):
    """(N, 17, 3) mm."""
    flat = figure(HUMAN36M_17, (0, 0), 800)
    pose = np.column_stack((flat - flat[0], 20.0 * np.arange(17)))
    pose[:, 2] -= pose[0, 2]
    return np.repeat(pose[None], count, 0)


def measured(found, truth, camera=("", "", "", ""), spread=None):
    points = truth[:, MPII_IN_HUMAN36M, :2] * 0.1 + 50
    people = People({}, {}, points, np.ones(points.shape[:2]), truth, np.array(camera))
    return person_figures(people, found, 0.5, spread)


def test_figures_of_known_poses():
    truth = standing()
    right = measured(truth, truth)
    for name in ("MPJPE, mm", "PA-MPJPE, mm", IN_PLANE, "depth of knees, mm"):
        np.testing.assert_allclose(right[name], 0, atol=1e-6)
    thigh = [np.subtract(FIGURE[f"{side}_knee"], FIGURE[f"{side}_hip"]) * 800 for side in ("left", "right")]
    length = np.mean([np.hypot(np.linalg.norm(bone), 20) for bone in thigh])
    np.testing.assert_allclose(right["thigh, %"], 100 * (length / LIMB_LENGTHS["thigh"] - 1))
    deep, aside = truth.copy(), truth.copy()
    deep[:, [HUMAN36M_17.index(f"{side}_knee") for side in ("left", "right")], 2] += 50, 70
    off = measured(deep, truth, ("camera up", "camera down", "camera down", "camera up"))
    expected = {"MPJPE, mm": 60 * 2 / 12, "depth of knees, mm": 60, "depth of ankles, mm": 0, IN_PLANE: 0}
    for name, value in expected.items():
        np.testing.assert_allclose(off[name], value, atol=1e-6)
    np.testing.assert_array_equal(np.isfinite(off["depth of knees, camera up, mm"]), [True, False, False, True])
    aside[:, HUMAN36M_17.index("left_wrist"), 0] += 300
    assert (measured(aside, truth)[IN_PLANE] > 2).all()
    np.testing.assert_allclose(measured(aside, truth)["MPJPE, mm"], 25)


def test_altered_inputs_are_those_of_another_and_of_the_other_side(monkeypatch):
    monkeypatch.setattr(three_d, "_BATCH", 3)  # the last batch is not of one person either
    source, estimator = make_source("one", 4), sure()
    found = find(estimator, [(source, row) for row in range(4)], altered=True)
    for name in found.poses.keys() - {OURS}:
        assert (found.poses[name] != found.poses[OURS]).any((1, 2)).all(), name
    crops = [crop_of_box(source.box[row], estimator.config.hourglass.input_size, 1.25) for row in (0, 1)]
    one, other = estimator.predictor.predict([source.photo(0), source.photo(1)], crops, flip_test=True)
    changed = {name: made[0] for name, made in three_d._altered(estimator, [one, other]).items()}
    assert np.ptp(changed["photo of its mean colour"].image.numpy(), axis=(1, 2)).max() < 1e-6
    assert changed["photo of another"].image is other.image
    assert changed["photo of another"].maps is one.maps
    assert changed["maps of another"].image is one.image
    np.testing.assert_allclose(one.crop.to_crop(changed["maps of another"].points), other.crop.to_crop(other.points))
    left, right = (MPII_16.index(f"{side}_wrist") for side in ("left", "right"))
    exchanged = changed["maps of exchanged sides"]
    assert (exchanged.maps[left] == one.maps[right]).all()
    assert (exchanged.points[left] == one.points[right]).all()
    assert exchanged.image is one.image


@pytest.fixture
def place(tmp_path):
    """A folder of twelve people, eight held out, and a checkpoint that follows."""
    write_pack(tmp_path / "data", "made", 12, held_out=8)
    estimator = spreading()
    config = dataclasses.replace(estimator.config, following=FollowingConfig(), spread=SpreadConfig(1.0, 1.0))
    estimator.with_config(config).save_pretrained(tmp_path / "checkpoint")
    return tmp_path


def test_a_checkpoint_from_end_to_end(place, printed, refused):
    options = ("evaluate", "--protocol", three_d.NAME, "--checkpoint", place / "checkpoint", "--out", place / "out")
    assert "| photos, MPJPE, mm (n 4) |" in printed(*options, "--data", place / "data")
    table = Table.read(place / "out" / f"{three_d.NAME}.json")
    shown = [column for column in table.columns if not column.endswith("_std")]
    altered = ["photo of its mean colour", "photo of another", "maps of another", "maps of exchanged sides"]
    assert shown == [OURS, UNCORRECTED, *altered, "mean pose"]
    names = ("MPJPE, mm", MORE, "limb joints within their 68 % ellipsoids, %", "upper arm, %")
    error, more, held, arm = (
        dict(zip(table.columns, table.rows[f"photos, {name} (n 4)"], strict=True)) for name in names
    )
    assert error[f"{OURS}_std"] > 0
    assert more[UNCORRECTED] == pytest.approx(error[UNCORRECTED] - error[OURS])
    assert (more[OURS], more[f"{OURS}_std"]) == (0, 0)
    assert 0 <= held[OURS] <= 100
    assert np.isnan(held["mean pose"]), "it says nothing of its own"
    assert arm[UNCORRECTED] < arm[OURS], "an untrained network puts out millimetres"
    write_pack(place / "none", "made", 3, held_out=1)
    assert "has no two held-out people with a 3D pose" in refused(*options, "--data", place / "none")


def shrunk_people(shrink, count=60):
    """People whose limbs the network makes shorter, x and y 30 mm off, seen where they are."""
    true = people(count)
    found = people(count, shrink=shrink) + np.random.default_rng(1).normal(0, 30, true.shape)
    points = true[:, MPII_IN_HUMAN36M, :2] * 0.1 + 50
    return People({OURS: found}, {}, points, np.ones(points.shape[:2]), true, np.full(count, ""))


def test_the_correction_is_fitted_to_what_serves():
    """Short limbs are lengthened, right ones stay, and 2D joints that lie elsewhere are not followed."""
    short, right = shrunk_people(0.75), shrunk_people(1.0)
    fitted = fit_following([short, right], FollowingConfig())
    assert (fitted.plane, fitted.limbs >= 0.9) == (1, True)
    for found in (short, right):
        after = limb_lengths(follow(found.poses[OURS], found.points, found.confidence, fitted))
        assert {name: lengths.mean() for name, lengths in after.items()} == pytest.approx(LIMB_LENGTHS, rel=0.05)
    wrong = dataclasses.replace(right, points=right.points + np.random.default_rng(2).normal(0, 10, right.points.shape))
    assert fit_following([wrong], FollowingConfig()).plane < 1
    usual = FollowingConfig(0.9, 0.75, 0.25, unsure=0.6)
    assert fit_following([], usual) == usual, "nobody's 3D is known"
    assert fit_following([short], usual).unsure == usual.unsure


def test_calibrate_fits_the_correction_where_there_is_one(place, printed, monkeypatch):
    taken = set()

    def noted(estimator, members):
        taken.update(row for _, row in members)
        return find(estimator, members)

    monkeypatch.setattr("train.calibrate.find", noted)
    shown = printed("calibrate", "--data", place / "data", "--checkpoint", place / "checkpoint")
    config = PoseEstimator.from_pretrained(place / "checkpoint").config
    assert f"3D follows by {config.following.limbs} of the limbs" in shown
    assert config.spread != SpreadConfig(1.0, 1.0)
    (source,) = find_sources(place / "data")
    assert taken == set(np.flatnonzero(source.validation)[::2]), "the odd people are there to test it on"
    PoseEstimator.random("tiny").save_pretrained(place / "plain")
    assert "3D follows" not in printed("calibrate", "--data", place / "data", "--checkpoint", place / "plain")
    assert PoseEstimator.from_pretrained(place / "plain").config.following is None


def test_spreads_are_fitted_so_that_68_percent_are_within():
    generator = np.random.default_rng(0)
    told = generator.uniform(10, 60, (600, 17, 1)) * np.array([1.0, 1.0, 2.0])
    errors = told * np.array([1.5, 1.5, 0.8]) * generator.normal(size=(600, 17, 3))
    errors[:, 0] = told[:, 0] = 0
    even, odd = fit_spread(errors[::2], told[::2]), slice(1, None, 2)
    assert (even.across, even.depth) == pytest.approx((1.5, 0.8), rel=0.05)
    measured = spreads(told[..., [0, 2]], even)
    assert within(errors[odd], measured[odd])[:, 1:].mean() == pytest.approx(HOLDS, abs=0.02)
