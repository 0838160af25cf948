"""The protocols of ``train.evaluate --protocol``: a checkpoint on one data set, beside what the paper prints.

No scale is fitted unless a protocol says so: poses are compared in the network's own millimetres.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fusion_model import metrics
from fusion_model.estimator import PoseEstimator
from fusion_model.skeletons import (
    HUMAN36M_17,
    LIMB_JOINTS,
    LSP_14,
    SKELETONS,
    Skeleton,
    conversion_matrix,
    pelvis_weights,
)
from train.data.prepared import Prepared, open_prepared, read_prepared
from train.data.readers.records import UNKNOWN
from train.evaluation import paper, three_d
from train.evaluation.end_to_end import estimate_people
from train.evaluation.tables import Table
from train.fusion_stage.training import action_checkpoints

OURS = "this checkpoint"
_NAN = float("nan")
_UNPRINTED = "the paper prints no such table"

_AVERAGES = {"6 actions": paper.SIX_ACTIONS, "all": tuple(paper.ACTIONS)}
_ACTION_COLUMNS = (*paper.ACTIONS.values(), *_AVERAGES)


@dataclass(frozen=True)
class Predictions:
    """Labels and estimates of N people.

    Attributes:
        skeleton: J joints, the data set's own.
        columns: (N, ...) labels as prepared.
        found_2d: (N, J, 2) pixels of the crop, as the labels are.
        found_3d: (N, J, 3) mm, camera axes, in the scale that the network was trained in.
    """

    skeleton: Skeleton
    columns: dict[str, np.ndarray]
    found_2d: np.ndarray
    found_3d: np.ndarray

    @property
    def labelled(self) -> np.ndarray:
        """(N, J) bool: labelled in 2D, seen or hidden."""
        return self.columns["visible"] != UNKNOWN

    def relative(self, joints: tuple[str, ...] = ("pelvis",)) -> tuple[np.ndarray, np.ndarray]:
        """Found and true 3D joints, (N, J, 3) mm, each relative to its own middle of some joints."""
        middle = [self.skeleton.index(name) for name in joints]
        found, true = self.found_3d, self.columns["joints_3d"]
        return found - found[:, middle].mean(1, keepdims=True), true - true[:, middle].mean(1, keepdims=True)


def predict_people(
    estimator: PoseEstimator, prepared: Prepared, rows: np.ndarray, needed: tuple[str, ...] | None = None
) -> Predictions:
    """Estimate the people of these rows in their labelled boxes; all of them count, however unsure the estimator is.

    Joints of the set that the estimator lacks stay at zero; ValueError if it lacks one of those ``needed`` (None: all).
    """
    search = dataclasses.replace(estimator.config.search, person=0.0)
    sure = estimator.with_config(dataclasses.replace(estimator.config, search=search))
    carried = conversion_matrix(SKELETONS[estimator.config.fusion.skeleton], prepared.skeleton)
    lacking = [name for name, row in zip(prepared.skeleton.joints, carried, strict=True) if not row.any()]
    if missing := [name for name in lacking if needed is None or name in needed]:
        wanted = f"which {prepared.folder} needs: use a checkpoint of Human3.6M's 17 joints"
        joints = estimator.config.fusion.skeleton
        raise ValueError(f"the checkpoint's joints ({joints}) have no {', '.join(missing)}, {wanted}")
    poses = estimate_people(sure, read_prepared(prepared.folder), rows, boxed=True)
    found = (np.stack([carried @ getattr(pose, name) for pose in poses]) for name in ("joints_2d", "joints_3d"))
    columns = {name: column[rows] for name, column in prepared.columns.items()}
    return Predictions(prepared.skeleton, columns, *found)


def human36m(predictions: Predictions) -> Table:
    """Table 1: MPJPE in mm by action, both poses relative to the pelvis, which counts among the 17 joints."""
    errors = metrics.joint_errors(*predictions.relative()).mean(1)
    title = "Human3.6M, MPJPE in mm (the paper's Table 1)"
    return _by_action(title, predictions, errors, paper.TABLE_1, "both poses relative to the pelvis, no scale fitted")


def human36m_aligned(predictions: Predictions) -> Table:
    """Table 2: error in mm after Procrustes alignment, by action; the paper prints the average alone."""
    true = predictions.columns["joints_3d"]
    errors = metrics.joint_errors(metrics.align(predictions.found_3d, true), true).mean(1)
    printed = {name: (*[_NAN] * (len(_ACTION_COLUMNS) - 1), value) for name, value in paper.TABLE_2.items()}
    title = "Human3.6M, PA-MPJPE in mm (the paper's Table 2)"
    return _by_action(title, predictions, errors, printed, "each frame aligned by rotation, translation and scale")


def with_averages(by_action: Mapping[str, float]) -> tuple[float, ...]:
    """Means by action, NaN where there is none, and the averages of six and of all, in the order of Table 1.

    An average is the plain mean of the actions' means, and NaN where one of its actions is missing.
    """
    means = {action: by_action.get(action, _NAN) for action in paper.ACTIONS}
    return (*means.values(), *(sum(means[action] for action in mine) / len(mine) for mine in _AVERAGES.values()))


def _by_action(
    title: str, predictions: Predictions, errors: np.ndarray, printed: dict[str, tuple[float, ...]], how: str
) -> Table:
    """The table of errors (N,) in mm."""
    columns = predictions.columns
    groups = {action: columns["action"] == action for action in paper.ACTIONS}  # Sitting is not SittingDown
    means = dict(zip(groups, _means(errors, groups), strict=True))
    counts = dict(zip(_ACTION_COLUMNS, _counts(groups).values(), strict=False))
    counts["6 actions"] = sum(counts[paper.ACTIONS[action]] for action in paper.SIX_ACTIONS)
    counts["all"] = len(errors)
    subjects, cameras = (", ".join(np.unique(columns[name])) for name in ("subject", "camera"))
    notes = [f"subjects {subjects}; cameras {cameras}; {how}"]
    if missing := [action for action, mean in means.items() if np.isnan(mean)]:
        notes.append(f"no average of actions of which one is missing: {', '.join(missing)}")
    return Table(title, _ACTION_COLUMNS, {OURS: with_averages(means), **printed}, counts, tuple(notes), 2)


HUMANEVA_SUBJECTS = ("S1", "S2", "S3")


def humaneva(predictions: Predictions) -> Table:
    """Table 3: error in mm by subject, and the mean of the three.

    The paper aligns rigidly, and does not say whether a scale is fitted: the second row fits one.
    """
    subjects = predictions.columns["subject"]
    groups = {subject: subjects == subject for subject in HUMANEVA_SUBJECTS}
    ours = {}
    for name, scale in ((f"{OURS}, rigid", False), (f"{OURS}, with scale", True)):
        true, known = (predictions.columns[column] for column in ("joints_3d", "has_3d"))
        means = _means(aligned_errors(predictions.found_3d, true, known, scale=scale), groups)
        ours[name] = (*means, sum(means) / len(means))
    notes = ("camera C1; the mean is that of the three subjects, and is left out where one is missing",)
    title = "HumanEva-I, Walking, error in mm after alignment (the paper's Table 3)"
    counts = _counts(groups) | {"mean": len(subjects)}
    return Table(title, (*HUMANEVA_SUBJECTS, "mean"), ours | paper.TABLE_3, counts, notes, 2)


def aligned_errors(found: np.ndarray, true: np.ndarray, known: np.ndarray, *, scale: bool) -> np.ndarray:
    """(N,) mean joint distance of each frame (N, J, 3) mm after alignment, over its known joints (N, J).

    Raises:
        ValueError: if a frame has fewer than three known joints: the head is without motion capture in part of S3.
    """
    errors = np.empty(len(found))
    for pattern in np.unique(known, axis=0):
        if pattern.sum() < 3:
            raise ValueError(f"a frame has {pattern.sum()} joints in 3D, expected 3 or more to align")
        mine = (known == pattern).all(1)
        target = true[mine][:, pattern]
        errors[mine] = metrics.joint_errors(metrics.align(found[mine][:, pattern], target, scale=scale), target).mean(1)
    return errors


_MIDDLE = len(LSP_14)  # where the middle of the hips is appended
_ENDS = {
    "upper arms": ("shoulder", "elbow"), "lower arms": ("elbow", "wrist"), "upper legs": ("hip", "knee"),
    "lower legs": ("knee", "ankle"),
}  # fmt: skip
_BOTH = ("left", "right")
PARTS = {
    "pelvis": [(LSP_14.index("right_hip"), LSP_14.index("left_hip"))],
    "torso": [(LSP_14.index("neck"), _MIDDLE)],  # by choice: the data set does not say
    **{name: [tuple(LSP_14.index(f"{side}_{end}") for end in ends) for side in _BOTH] for name, ends in _ENDS.items()},
}
"""The ten parts of Table 4, each by its bones."""


def kth(predictions: Predictions) -> Table:
    """Table 4: PCP in % by part, of poses relative to the middle of the hips; nothing is fitted or turned.

    A part is right where the mean distance of its ends is at most half its length; the second row asks it of both.
    """
    middle = np.zeros((len(predictions.found_3d), 1, 3))  # of the hips, to which the poses are relative
    found, true = (np.concatenate((poses, middle), 1) for poses in predictions.relative(("left_hip", "right_hip")))
    rules = (("mean", "mean of the ends"), ("strict", "strict"))
    ours = {f"{OURS}, {name}": part_percents(found, true, rule) for rule, name in rules}
    columns = (*PARTS, "all parts")
    sequences = ", ".join(np.unique(predictions.columns["sequence"]))
    notes = (
        f"sequences {sequences}; poses relative to the middle of the hips, nothing fitted",
        "the paper's row without pretraining gives 86.8 for all parts by its own figures, where it prints 83.2",
    )
    title = "KTH Multiview Football II, PCP in 3D in % (the paper's Table 4)"
    return Table(title, columns, ours | paper.TABLE_4, dict.fromkeys(columns, len(found)), notes)


def part_percents(found: np.ndarray, true: np.ndarray, rule: str) -> tuple[float, ...]:
    """PCP in % of each of :data:`PARTS` and over all ten; poses are (N, 15, 3), LSP's joints and the hips' middle."""
    percents = [100 * metrics.pcp(found, true, bones, rule=rule) for bones in PARTS.values()]
    return tuple(float(part.mean()) for part in (*percents, np.concatenate(percents)))


def lsp(predictions: Predictions) -> Table:
    """PCK@0.2 in %, person-centric sides; the head is the mean of neck and top, ``mean`` is over the 14 joints."""
    true, found = predictions.columns["joints_2d"], predictions.found_2d

    def fraction(joints: list[int]) -> float:
        return metrics.pck(found, true, LSP_14, predictions.labelled, joints=joints)

    return _by_joint("LSP, PCK@0.2 in %", predictions, fraction, ("neck", "head_top"))


def mpii(predictions: Predictions) -> Table:
    """PCKh@0.5 in %, of head sizes that are 0.6 of the diagonal of the head's box.

    ``mean`` is over all labelled joints but pelvis and thorax, as in the official script; the head is its top.
    """
    true, heads = predictions.columns["joints_2d"], predictions.columns["head_size"]

    def fraction(joints: list[int]) -> float:
        counted = predictions.labelled & np.isin(np.arange(true.shape[1]), joints)
        return metrics.pckh(predictions.found_2d, true, heads, counted)

    return _by_joint("MPII, PCKh@0.5 in %", predictions, fraction, ("head_top",), ("pelvis", "thorax"))


def _by_joint(
    title: str,
    predictions: Predictions,
    fraction: Callable[[list[int]], float],
    head: tuple[str, ...],
    left_out: tuple[str, ...] = (),
) -> Table:
    """Percentages of joints by name, left and right averaged, and of all but those left out; hidden ones count."""
    skeleton = predictions.skeleton
    pairs = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    groups = {"head": head} | {f"{name}s": tuple(f"{side}_{name}" for side in _BOTH) for name in pairs}
    parts = {name: np.mean([fraction([skeleton.index(joint)]) for joint in joints]) for name, joints in groups.items()}
    parts["mean"] = fraction([joint for joint, name in enumerate(skeleton.joints) if name not in left_out])
    row = tuple(100 * float(value) for value in parts.values())
    notes = (f"in the labelled boxes; {_UNPRINTED}",)
    return Table(title, tuple(parts), {OURS: row}, dict.fromkeys(parts, len(predictions.found_2d)), notes)


_MEASURED_3DHP = [HUMAN36M_17.index(name) for name in ("head_top", "thorax", *LIMB_JOINTS)]


def mpi_inf_3dhp(predictions: Predictions) -> Table:
    """PCK at 150 mm, AUC and MPJPE of each test sequence and of all, relative to the pelvis, people in their own sizes.

    The 14 joints are the first of the set's own test order: head top, thorax and the twelve limb joints.
    """
    found, true = (poses[:, _MEASURED_3DHP] for poses in predictions.relative())
    subjects = predictions.columns["subject"]
    groups = {name: subjects == name for name in (f"TS{number}" for number in range(1, 7))}
    groups["all frames"] = np.ones(len(subjects), bool)
    figures = {
        "PCK at 150 mm, %": lambda mine: 100 * metrics.pck3d(found[mine], true[mine], root=None),
        "AUC, %": lambda mine: 100 * metrics.auc(found[mine], true[mine], root=None),
        "MPJPE, mm": lambda mine: metrics.mpjpe(found[mine], true[mine], root=None),
    }
    rows = {f"{OURS}, {name}": tuple(map(figure, groups.values())) for name, figure in figures.items()}
    notes = (f"14 joints relative to the pelvis, no scale fitted; {_UNPRINTED}",)
    return Table("MPI-INF-3DHP", tuple(groups), rows, _counts(groups), notes)


def limbs(predictions: Predictions) -> Table:
    """Any prepared set: the twelve limb joints, in 2D and 3D, NaN where there are no labels.

    PCK@0.2 over the labelled joints of people whose left shoulder and right hip are labelled; in 3D, of people with all
    twelve, MPJPE relative to the pelvis, or to the middle of the hips where the set has none, and PA-MPJPE.
    """
    skeleton, columns = predictions.skeleton, predictions.columns
    joints = [skeleton.index(name) for name in LIMB_JOINTS]
    torso = [skeleton.index(name) for name in ("left_shoulder", "right_hip")]
    in_2d, in_3d = predictions.labelled[:, torso].all(1), columns["has_3d"][:, joints].all(1)
    figures = [_NAN] * 3
    if in_2d.any():
        flat = (predictions.found_2d[in_2d], columns["joints_2d"][in_2d])
        figures[0] = 100 * metrics.pck(*flat, skeleton, predictions.labelled[in_2d], joints=joints)
    if in_3d.any():
        middle, poses = pelvis_weights(skeleton)[:, None], (predictions.found_3d, columns["joints_3d"])
        found, true = ((one - (middle * one).sum(1, keepdims=True))[in_3d][:, joints] for one in poses)
        figures[1:] = metrics.mpjpe(found, true, root=None), metrics.pa_mpjpe(found, true)
    names = ("PCK@0.2, %", "MPJPE, mm", "PA-MPJPE, mm")
    counts = dict(zip(names, map(int, (in_2d.sum(), in_3d.sum(), in_3d.sum())), strict=True))
    parts = ", ".join(np.unique(columns["split"]))
    notes = (f"parts {parts}; 12 limb joints in the labelled boxes; {_UNPRINTED}",)
    return Table("Limb joints", names, {OURS: tuple(figures)}, counts, notes)


def _means(values: np.ndarray, groups: Mapping[str, np.ndarray]) -> tuple[float, ...]:
    """Means of values (N,) by group (N,) bool, NaN of an empty one."""
    return tuple(float(values[mine].mean()) if mine.any() else _NAN for mine in groups.values())


def _counts(groups: Mapping[str, np.ndarray]) -> dict[str, int]:
    return {name: int(mine.sum()) for name, mine in groups.items()}


class Protocol(NamedTuple):
    """How a checkpoint is measured on one data set.

    Attributes:
        data_set: what ``train.prepare`` calls it; empty where any set will do.
        people: who of the prepared columns counts, (N,) bool.
        measure: their table.
        joints: that the checkpoint must have; None for all of the set's.
    """

    data_set: str
    people: Callable[[Mapping[str, np.ndarray]], np.ndarray]
    measure: Callable[[Predictions], Table]
    joints: tuple[str, ...] | None = None


def _those(**values: str | tuple[str, ...]) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """People who have in each of these columns its value, or one of its values."""
    return lambda columns: np.logical_and.reduce([np.isin(columns[name], one) for name, one in values.items()])


_TEST, _WALKING = _those(split="test"), _those(split="test", action="Walking", subject=HUMANEVA_SUBJECTS, camera="C1")
PROTOCOLS = {
    "human36m": Protocol("human36m", _TEST, human36m),
    "human36m-pa": Protocol("human36m", _TEST, human36m_aligned),
    "humaneva": Protocol("humaneva", _WALKING, humaneva),
    "kth-pcp": Protocol("kth", _those(split="test", subject="player 2", camera="1"), kth),
    "lsp-pck": Protocol("lsp", _TEST, lsp),
    "mpii-pckh": Protocol("mpii", lambda of: (of["split"] == "validation") & (of["head_size"] > 0), mpii),
    "mpi-inf-3dhp": Protocol("mpi-inf-3dhp", _TEST, mpi_inf_3dhp),
    "limbs": Protocol("", _those(split=("validation", "test")), limbs, LIMB_JOINTS),
}
NAMES = (*PROTOCOLS, three_d.NAME)
"""What :func:`measure_protocol` knows: the last is for a folder of data sets, the others for a prepared one."""


def measure_protocol(name: str, folder: Path, checkpoint: Path) -> Table:
    """Measure a checkpoint by a protocol on a folder that ``train.prepare`` made.

    Args:
        name: of the protocol.
        folder: the prepared set; of ``people-3d`` a folder of data sets.
        checkpoint: a checkpoint's folder, or one with a run of ``train.fusion --action`` for each action, in a folder
            of its name: each of these networks then estimates the people of its action.

    Raises:
        FileNotFoundError: if folder or checkpoint are not there or not finished.
        ValueError: if they are damaged, hold another data set, or no person whom the protocol counts.
    """
    if name == three_d.NAME:
        return three_d.table(folder, checkpoint)
    protocol, prepared = PROTOCOLS[name], open_prepared(folder)
    found = prepared.index["data_set"]
    if protocol.data_set not in ("", found):
        fitting = [other for other, one in PROTOCOLS.items() if one.data_set == found] or ["limbs"]
        wanted = f"--protocol {name} is for {protocol.data_set}: use --protocol {' or '.join(fitting)}"
        raise ValueError(f"{folder} holds {found}, but {wanted}")
    rows = np.flatnonzero(protocol.people(prepared.columns))
    if not len(rows):
        counted = f"none of the {len(prepared)} people in {folder} count for --protocol {name}"
        raise ValueError(f"{counted}: prepare the test part of the data set too (docs/data.md)")
    models = action_checkpoints(checkpoint) or {"": checkpoint}
    actions = np.full(len(rows), "") if "" in models else prepared.columns["action"][rows]
    if missing := [str(action) or "people without an action" for action in np.unique(actions) if action not in models]:
        known = f"the networks are for {', '.join(models)}: evaluate on the set that they were trained on"
        raise ValueError(f"{folder} has {', '.join(missing)}, but {known}")
    parts = []
    for action in np.unique(actions):
        estimator = PoseEstimator.from_pretrained(models[str(action)])
        parts.append(predict_people(estimator, prepared, rows[actions == action], protocol.joints))
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    found = (np.concatenate([getattr(part, name) for part in parts]) for name in ("found_2d", "found_3d"))
    table = protocol.measure(Predictions(prepared.skeleton, columns, *found))
    ours = OURS if "" in models else "a checkpoint for each action"
    return dataclasses.replace(table, rows={name.replace(OURS, ours): row for name, row in table.rows.items()})
