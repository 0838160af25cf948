"""3D of held-out people: known poses, and a tiny checkpoint from end to end."""

import dataclasses

import numpy as np
import pytest

from fusion_model.config import FollowingConfig, SpreadConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.following import LIMB_LENGTHS, follow, limb_lengths
from fusion_model.presets import PRESETS
from fusion_model.skeletons import HUMAN36M_17, MPII_16, MPII_IN_HUMAN36M
from fusion_model.spread import HOLDS, spreads, within
from tests.helpers.earlier import assert_as_before
from tests.helpers.estimators import featured, spreading
from tests.helpers.fake_data import figure, make_source, write_pack
from tests.helpers.stick_people import people
from train.calibrate import fit_following, fit_spread
from train.data.sources import find_sources
from train.evaluation import three_d
from train.evaluation.tables import Table
from train.evaluation.three_d import IN_PLANE, MORE, OURS, UNCORRECTED, People, find, person_figures

WITHIN = "limb joints within their 68 % ellipsoids, %"


def standing(count=4):
    """(N, 17, 3) mm."""
    flat = figure(HUMAN36M_17, (0, 0), 800)
    pose = np.column_stack((flat - flat[0], 20.0 * np.arange(17)))
    pose[:, 2] -= pose[0, 2]
    return np.repeat(pose[None], count, 0)


def seen(truth, poses, confidence=1.0, camera=None):
    """People whose 2D joints lie where the truth has them."""
    points = truth[:, MPII_IN_HUMAN36M, :2] * 0.1 + 50
    camera = np.array(camera or [""] * len(truth))
    return People(poses, {}, points, np.broadcast_to(confidence, points.shape[:2]), truth, camera)


def measured(found, truth, camera=None, spread=None, unsure=()):
    return person_figures(seen(truth, {}, ~np.isin(MPII_16.joints, unsure) + 0.4, camera), found, 0.5, spread)


def test_figures_of_known_poses():
    truth = standing()
    right = measured(truth, truth)
    for name in ("MPJPE, mm", "PA-MPJPE, mm", IN_PLANE, "depth of knees, mm"):
        np.testing.assert_allclose(right[name], 0, atol=1e-6)
    deep, aside = truth.copy(), truth.copy()
    deep[:, [HUMAN36M_17.index(f"{side}_knee") for side in ("left", "right")], 2] += 50, 70
    deep[:, HUMAN36M_17.index("neck"), 2] += 100
    spread = np.full((4, 17, 3), 40.0)  # holds the knees, and not the neck
    off = measured(deep, truth, ("camera up", "camera down", "camera down", "camera up"), spread)
    expected = {"MPJPE, mm": 60 * 2 / 12, "depth of knees, mm": 60, "depth of ankles, mm": 0, IN_PLANE: 0, WITHIN: 100}
    for name, value in expected.items():
        np.testing.assert_allclose(off[name], value, atol=1e-6)
    aside[:, HUMAN36M_17.index("left_wrist"), 0] += 300
    np.testing.assert_allclose(measured(aside, truth)["MPJPE, mm"], 25)
    turned = truth[..., [1, 0, 2]] * np.linspace(0.8, 1.2, 4)[:, None, None] + aside / 9
    every = [off, measured(turned, truth, spread=spread), measured(aside, truth), measured(deep + aside, 2 * truth)]
    assert_as_before("figures of poses", every, near=1e-3, file="data.json")
    np.testing.assert_allclose(measured(aside, truth, unsure=["left_wrist"])[IN_PLANE], 0, atol=1e-6)
    assert np.isnan(measured(aside, truth, unsure=MPII_16.joints[2:])[IN_PLANE]).all(), "two tell of no camera"


def test_rows_have_means_and_of_distances_in_the_picture_medians_with_their_errors():
    """Of five with crossed legs one's are found uncrossed, the left one 400 mm too near, and a wrist 300 mm aside."""
    truth = standing(5)
    left, right = ([HUMAN36M_17.index(f"{side}_{joint}") for joint in ("knee", "ankle")] for side in ("left", "right"))
    truth[:, left, 2], truth[:, right, 2] = 200, 0
    truth[:, [left[1], right[1]], 0] = truth[:, [right[1], left[1]], 0]
    found = truth.copy()
    found[0, left, 2] -= 400
    found[0, [left[1], right[1]], 0] = found[0, [right[1], left[1]], 0]
    found[3, HUMAN36M_17.index("left_wrist"), 0] += 300
    columns, rows = three_d._rows(seen(truth, {OURS: found, "other": truth}), PRESETS["tiny"])
    errors = np.array([(400 + np.hypot(400, 560) + 560) / 12, 0, 0, 25, 0])
    assert rows["MPJPE, mm (n 5)"] == pytest.approx((errors.mean(), errors.std(ddof=1) / 5**0.5, 0, 0))
    assert_as_before("rows of 3D", [columns, rows], near=1e-3, file="data.json")
    assert three_d._summary(np.array([1, 2, np.nan, 12.0]), median=True) == pytest.approx((2, 4.55), abs=0.4)
    assert three_d._summary(np.array([2, np.nan])) == pytest.approx((2, np.nan), nan_ok=True)


def many(count, name="one"):
    """People in boxes that differ, whose 3D is known but for a wrist of the first."""
    source = make_source(name, count)
    source.box[:] += np.arange(count)[:, None] * (2, 1, 2, 3)
    source.pose_weight[1:], source.pose_weight[0, :-1] = 1, 1
    return source


def test_people_are_found_as_the_library_finds_them(monkeypatch):
    monkeypatch.setattr(three_d, "_BATCH", 3)  # the last batch is not of one person either
    photos, rendered, estimator = many(5), many(3, "synthetic"), featured()
    rendered.groups["camera"] = np.array(["camera up", "camera down", "camera up"])
    photos.validation[2] = False
    members = three_d.held_out([photos, rendered], 0)
    assert {kind: [row for _, row in of_it] for kind, of_it in members.items()} == {"photos": [1, 4], "rendered": [1]}
    everyone = sum((members | three_d.held_out([photos, rendered], 1)).values(), [*members["photos"]])
    found = find(estimator, everyone, altered=True)
    assert found.camera.tolist() == ["", "", "", "camera up"]
    for name in found.poses.keys() - {OURS}:
        assert (found.poses[name] != found.poses[OURS]).any((1, 2)).all(), name
    for (source, row), pose in zip(everyone, found.poses[OURS], strict=True):
        np.testing.assert_allclose(pose, estimator(source.photo(row), source.box[row]).joints_3d, atol=1e-2)


def test_altered_inputs_are_those_of_another_and_of_the_other_side():
    source, estimator = many(3), featured()
    (three,) = three_d.predictions(estimator, [(source, row) for row in range(3)])
    three = [dataclasses.replace(one, confidence=np.arange(16) + n) for n, one in enumerate(three)]
    altered = three_d._altered(estimator, three).items()
    parts = {n: [[p.image, p.features, p.maps, p.points, p.confidence] for p in made] for n, made in altered}
    assert_as_before("altered inputs", parts, near=1e-2, file="data.json")
    exchanged, (left, right) = parts["maps of exchanged sides"][0], map(MPII_16.index, ("left_wrist", "right_wrist"))
    assert exchanged[0] is three[0].image
    assert (exchanged[2][left] == three[0].maps[right]).all()


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
    names = ("MPJPE, mm", MORE, WITHIN, "upper arm, %", "depth of knees, mm")
    error, more, held, arm, deep = (
        dict(zip(table.columns, table.rows[f"photos, {name} (n 4)"], strict=True)) for name in names
    )
    assert error[f"{OURS}_std"] > 0
    assert more[UNCORRECTED] == pytest.approx(error[UNCORRECTED] - error[OURS])
    assert (more[OURS], more[f"{OURS}_std"]) == (0, 0)
    assert 0 <= held[OURS] <= 100
    assert np.isnan(held["mean pose"]), "it says nothing of its own"
    assert deep["mean pose"] == pytest.approx(70 - 80), "of the even people, who are nearer by 10 mm"
    assert arm[UNCORRECTED] < arm[OURS], "an untrained network puts out millimetres"
    write_pack(place / "none", "made", 3, held_out=1)
    assert "has no two held-out people with a 3D pose" in refused(*options, "--data", place / "none")


def shrunk_people(shrink, count=60):
    """People whose limbs the network makes shorter, x and y 30 mm off, seen where they are."""
    true = people(count)
    return seen(true, {OURS: people(count, shrink=shrink) + np.random.default_rng(1).normal(0, 30, true.shape)})


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert within(errors[odd], spreads(told[..., [0, 2]], even)[odd])[:, 1:].mean() == pytest.approx(HOLDS, abs=0.02)
