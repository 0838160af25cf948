"""A fusion network for each action, and networks of fewer joints: trained, stopped, gone on with, measured."""

import numpy as np
import pytest

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.skeletons import HUMAN36M_17, HUMANEVA_15, LSP_14, MPII_16, conversion_matrix, pelvis_weights
from tests.helpers import human36m_files
from tests.helpers.estimators import sure
from tests.helpers.human36m_files import CAMERA, write_metadata, write_sequence
from train.engine.checkpoints import write_best
from train.evaluation.protocols import PROTOCOLS, measure_protocol, open_prepared, predict_people

STEMS = {"S1": ["Eating", "Sitting 1", "SittingDown"], "S9": ["Eating", "Sitting 1", "SittingDown"]}
SMALL = ("--preset", "tiny", "--batch", 4, "--steps", 3, "--crops", 1, "--log", "csv")


@pytest.fixture
def place(printed, tmp_path, monkeypatch):
    """Three actions of Human3.6M, each by people of another size, prepared, and a hourglass."""
    usual, middle = human36m_files.world, np.array([0, 0, 900])
    for subject, stems in STEMS.items():
        for number, stem in enumerate(stems):
            size = 1 + number / 10
            monkeypatch.setattr(human36m_files, "world", lambda f, size=size: (usual(f) - middle) * size + middle)
            write_sequence(tmp_path / "in", subject, stem)
    write_metadata(tmp_path / "in" / "metadata.xml")
    to = ("--source", tmp_path / "in", "--out", tmp_path / "data", "--every", 3, "--cameras", CAMERA)
    printed("prepare", "human36m", *to)
    write_best(tmp_path / "hourglass", PoseEstimator.random("tiny").hourglass, {})
    return tmp_path


def trained(place, *more):
    """A run of the fusion network."""
    return ("fusion", "--data", place / "data", "--hourglass", place / "hourglass", *SMALL, *more)


@pytest.mark.slow
def test_each_action_is_measured_by_its_own_network(place, printed, refused):
    checkpoints = {action: place / "runs" / action / "checkpoint" for action in ("Eating", "Sitting", "SittingDown")}
    for action, path in checkpoints.items():
        printed(*trained(place, "--run", path.parent, "--action", action))
    means = [read_metrics(path)["fusion"]["mean pose"]["mpjpe"] for path in checkpoints.values()]
    assert [mean / means[0] for mean in means] == pytest.approx([1, 1.1, 1.2], rel=0.01)  # of that action's people
    for seed, path in enumerate(checkpoints.values()):  # hardly trained, they would be too much alike
        PoseEstimator.random("tiny", seed).save_pretrained(path)
    alone = {
        action: measure_protocol("human36m", place / "data", path).rows["this checkpoint"]
        for action, path in checkpoints.items()
    }
    table = measure_protocol("human36m", place / "data", place / "runs")
    (row,) = (row for name, row in table.rows.items() if name == "a checkpoint for each action")
    for action in checkpoints:
        column = table.columns.index({"SittingDown": "Sitting Down"}.get(action, action))
        assert row[column] == pytest.approx(alone[action][column])
        assert len({values[column] for values in alone.values()}) == 3  # any other network would show
    assert "begun with action 'Eating', not 'Sitting'" in refused(
        *trained(place, "--run", place / "runs" / "Eating", "--action", "Sitting")
    )
    assert "has no training people of Flying" in refused(*trained(place, "--run", place / "new", "--action", "Flying"))
    (place / "runs" / "Sitting" / "checkpoint").rename(place / "runs" / "Sitting" / "away")
    measured = ("evaluate", "--data", place / "data", "--protocol", "human36m", "--checkpoint", place / "runs")
    assert "has Sitting, but the networks are for Eating, SittingDown: evaluate on" in refused(*measured)


@pytest.mark.slow
@pytest.mark.parametrize("skeleton", [HUMANEVA_15, LSP_14, MPII_16])
def test_a_network_of_other_joints(skeleton, place, ends, printed, refused):
    assert "released" in printed(*trained(place, "--run", place / "run", "--skeleton", skeleton.name))
    checkpoint = place / "run" / "checkpoint"
    estimator = PoseEstimator.from_pretrained(checkpoint, device="cpu")
    pose = sure(estimator)(np.full((120, 100, 3), 90, np.uint8), box=(10, 10, 80, 100))
    assert (pose.joints_3d.shape, pose.joints_2d.shape) == ((len(skeleton), 3), (len(skeleton), 2))
    assert np.abs(pelvis_weights(skeleton) @ pose.joints_3d).max() < 1e-3
    # Its joints are measured by name; a protocol of more joints than it has is refused.
    predictions = predict_people(estimator, open_prepared(place / "data"), np.arange(3), PROTOCOLS["limbs"].joints)
    carried = conversion_matrix(skeleton, HUMAN36M_17).any(1)
    carried[HUMAN36M_17.root] = False  # at the origin
    assert ((np.abs(predictions.found_3d).max((0, 2)) > 1e-3) == carried).all()
    missing = {"humaneva_15": "neck"}.get(skeleton.name)
    measured = ("evaluate", "--data", place / "data", "--checkpoint", checkpoint)
    status, _, error = ends(*measured, "--protocol", "human36m")
    assert (status, f"have no {missing}" in error) == ((1, True) if missing else (0, False))
    assert f"puts out {skeleton.name}, expected human36m_17" in refused(*measured)
    # The same run with other joints would be another network.
    assert "skeleton '" in refused(*trained(place, "--run", place / "run", "--skeleton", "human36m_17"))
