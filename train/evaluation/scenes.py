"""Whole photos: who is found, what is found where nobody is, and whether the poses are those of the true boxes."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from fusion_model.boxes import iou
from fusion_model.estimator import PoseEstimator
from fusion_model.pose import Pose
from fusion_model.skeletons import HUMAN36M_17
from train.data.scenes import Scenes
from train.detector_stage.figures import average_precision, crossed_rates, mark, rates, wanted
from train.evaluation.end_to_end import LIMBS_17
from train.evaluation.tables import markdown_table

_FALSE_BOXES, _BESIDE = 0.1, 0.2  # that an operating point allows on a photo without people, and on one with
_MIN_SCORE = 0.02  # of the people who are ranked
_REACH = 0.2  # torso lengths, within which a joint is where it is in the true box

_COLUMNS = (  # name of the figure and of its number, and heading
    ("recall", "people", "recall %"),
    ("recall_complete", "people_complete", "of those boxed by hand %"),
    ("false_boxes", "false_boxes_photos", "false boxes, nobody there"),
    ("false_boxes_beside", "false_boxes_beside_photos", "beside people"),
)


def scene_figures(estimator: PoseEstimator, scenes: Scenes) -> dict[str, dict]:
    """Figures of the validation photos.

    Returns:
        ``found`` at operating points that every other photo chooses for the rest, ``own_point`` at the model's own
        threshold, ``ap`` the average precision at an IoU of 0.5, and ``as_in_true_box`` the poses.
    """
    rows = np.flatnonzero(scenes.validation)
    bar = tqdm(rows, desc="scenes", unit="photo", leave=False)
    marks = mark(scenes, rows, [estimator.find_people(scenes.photo(row), min_score=_MIN_SCORE) for row in bar])
    return {
        "found": crossed_rates(marks, _FALSE_BOXES, _BESIDE),
        "own_point": rates(marks, estimator.trust_score),
        "ap": {"ap": average_precision(marks), "people": int(marks.people.sum())},
        "as_in_true_box": agreement(estimator, scenes, rows),
    }


def agreement(estimator: PoseEstimator, scenes: Scenes, rows: np.ndarray) -> dict[str, float]:
    """How many people of these photos have the limb joints that the same networks give in their true box.

    Whoever is missed has none; people who are too small or unsure are left out.

    Returns:
        ``people``; in % of them, ``joints``, the limb joints within 0.2 torso lengths, and ``whole``, the people of
        whom all limb joints that are seen in the true box are there, with the standard error ``whole_se``.
    """
    joints, whole = [], []
    for row in tqdm(rows, desc="poses of scenes", unit="photo", leave=False):
        boxes = scenes.boxes[row][wanted(scenes, row)].astype(float)
        if not len(boxes):
            continue
        photo = scenes.photo(row)
        poses = estimator.predict_all(photo)
        matches = match_boxes(np.array([pose.person_box for pose in poses]).reshape(-1, 4), boxes)
        for number, true in zip(matches, estimator.batch([photo] * len(boxes), boxes), strict=True):
            if true is not None:
                near = np.zeros(len(LIMBS_17), bool) if number is None else _near(poses[number], true)
                seen = np.array(true.status)[LIMBS_17] == "seen"
                joints.append(near.mean())
                whole.append(near[seen].all() and number is not None)
    if not whole:
        return {"people": 0}
    share = float(np.mean(whole))
    error = (share * (1 - share) / len(whole)) ** 0.5
    return {"people": len(whole), "joints": 100 * float(np.mean(joints)), "whole": 100 * share, "whole_se": 100 * error}


def match_boxes(found: np.ndarray, wanted: np.ndarray) -> list[int | None]:
    """For each of K wanted boxes (K, 4) the number of the found one (M, 4) that fits it best; None for none.

    Greedy by IoU, above 0.1; each found box is used once.
    """
    matches: list[int | None] = [None] * len(wanted)
    overlap = iou(found[:, None], wanted)
    while overlap.max(initial=0) > 0.1:
        number, person = np.unravel_index(overlap.argmax(), overlap.shape)
        matches[person] = int(number)
        overlap[number], overlap[:, person] = 0, 0
    return matches


def _near(pose: Pose, true: Pose) -> np.ndarray:
    """(12,) bool: limb joints of a pose within 0.2 torso lengths of those of the other."""
    shoulder, hip = (HUMAN36M_17.index(name) for name in ("left_shoulder", "right_hip"))
    torso = np.linalg.norm(true.joints_2d[shoulder] - true.joints_2d[hip])
    return np.linalg.norm(pose.joints_2d - true.joints_2d, axis=1)[LIMBS_17] <= _REACH * torso


def scene_lines(figures: dict[str, dict]) -> list[str]:
    """The figures as lines of Markdown."""
    allowed = f"at most {_FALSE_BOXES} false boxes on a photo without anybody and {_BESIDE} on one with people"
    head = ("operating point", *(words for *_, words in _COLUMNS))
    points = (("found", f"chosen crosswise, {allowed}"), ("own_point", "the model's own threshold"))
    rows = [[title, *(_with_error(figures[name], *column[:2]) for column in _COLUMNS)] for name, title in points]
    lines = [markdown_table(head, rows), "", f"AP@0.5: {figures['ap']['ap']:.1f} % (n {figures['ap']['people']})."]
    if (row := figures["as_in_true_box"])["people"]:
        joints = f"{row['joints']:.1f} % of limb joints within {_REACH} torso lengths"
        whole = f"{row['whole']:.1f} ± {row['whole_se']:.1f} % of people have all that are seen there"
        lines.append(f"As the same networks give them in the true box: {joints}; {whole} (n {row['people']}).")
    return [*lines, ""]


def _with_error(row: dict[str, float], name: str, number: str) -> str:
    digits = 1 if name.startswith("recall") else 3
    return f"{row[name]:.{digits}f} ± {row[name + '_se']:.{digits}f} (n {row[number]})"
