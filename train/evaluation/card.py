"""The model card: YAML metadata, what the model is, its data and protocol, and the figures stored with a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from huggingface_hub import ModelCardData

from fusion_model.config import ModelConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import DEFAULT, bundled_checkpoint, read_metrics, update_checkpoint
from train.data.readers.registry import data_set
from train.engine.provenance import ENTRY as PROVENANCE
from train.engine.provenance import SCENES, most_people
from train.evaluation.paired import PEOPLE
from train.evaluation.scenes import scene_lines
from train.evaluation.tables import markdown_table

RESEARCH_ONLY = "non-commercial-research"
STALE = "its card and figures are as they were: python -m train.evaluate --data DIR --checkpoint {folder} --card"

_TAGS = ["human-pose-estimation", "3d-pose-estimation", "stacked-hourglass", "pytorch"]
_HUB_DATASET = re.compile(r"[\w.-]+(/[\w.-]+)?")
_EVALUATION = ("true box", "end to end", "3D", "rendered 3D")  # what train.evaluate stores
_TWO_PEAKS = "calibration, two peaks"
# The same, with what it has no photos for at times.
_MEASURED = (*_EVALUATION, "mirror joints", "scenes", "calibration", _TWO_PEAKS, "speed", "negatives")
_TRAINING = "fusion"  # what train.fusion stores
_UNKNOWN = "not recorded"

_WHAT = """# {title}

3D body pose from one photo. A stacked hourglass ({stacks} x {width}, {size} px) finds 16 joints in the crop of a
person; a fusion network (strategy `{strategy}`, {merge}) regresses 17 joints in millimetres from photo and confidence
maps. An implementation of Tekin et al., *Learning to Fuse 2D and 3D Image Cues for Monocular Body Pose Estimation*,
ICCV 2017.

**Licence of these weights**: {licence} The code is MIT.
"""

_USE = """
## How to use
After `pip install .` in a clone of fusion-pose:

```python
from fusion_model import PoseEstimator

pose = PoseEstimator.from_pretrained("{name}")("photo.jpg")
pose.joints_3d  # (17, 3) float32, mm: x right, y down, z away from the camera, pelvis at the origin
pose.joints_2d  # (17, 2) float32, pixels of the photo
pose.confidence  # (17,)  float32
```

In the clone, the page and its endpoints over this model:

```bash
FUSION_POSE_MODEL={name} python app.py
```
"""

_TEACHER = """
3D "by a teacher network" are **pseudo-labels**: surer about which limb is nearer than about by how much. The 3D figures
of these photos compare with that teacher, not with the truth.
"""

_BOXES = """
Teacher networks that labelled: YOLO11n-pose (AGPL-3.0), BlazePose heavy and MoveNet Thunder (both Apache-2.0); none of
their weights is part of this model. Boxes of whole photos are by hand in VOC 2012, COCO, Penn-Fudan (completed by
YOLO11n-pose) and for the main person of Stanford 40; the others of Stanford 40 and those of MPII are YOLO11n-pose's.
"""

_PROTOCOL = """
## Protocol
Measured by `python -m train.evaluate`: PCK@0.2 of the torso (left shoulder to right hip), 12 limb joints, mean over
people and its standard error, %; people of validation parts. Stanford 40 and street: against teacher joints of score
0.9 and more. End to end: whole photos for LSP-extended; for the others, groups of two to five people pasted by a fixed
seed on photos that show nobody; left out are people with somebody else beside them. 3D: 12 limb joints, relative to the
pelvis.

These figures flatter: the kept weights are the best on the same validation people, and the thresholds of the search for
people were chosen on some of these photos. The detector also learnt from groups that were pasted in much the same way.
"""

_WHOLE_PHOTOS = """
Whole photos with everyone boxed: a person is found at an IoU of 0.5; people below a sixth of the photo's height, and
the difficult ones, count neither as found nor as false. False boxes beside people count in VOC 2012, COCO and
Penn-Fudan alone, where everyone is boxed. The operating point is chosen on every other photo and measured on the rest,
then the other way round. The weights of a person's score come from one of these halves.
"""

_RENDERED = """
Of rendered people (`synthetic`) the hidden joints and those beyond the picture count too.
"""

_AGREED = """
Everyday people and action photos (`everyday`, `action`): against teacher joints of score 0.8 and more, in the true box
alone. These are the joints on which teachers agree, the easy ones; the confidence is not tested on them.
"""

_MIRRORED = """
On the mirror joint: limb joints, labelled on both sides, that lie within 0.2 torso lengths of the other side's joint
and not of their own; mean over people and its standard error.
"""

_NEGATIVES = """
Negatives are crops that show nobody, cut beside people of Stanford 40 and street; those that show somebody else were
sorted out by eye, without their scores.
"""

_TRAINING_PROTOCOL = """
## At the end of training
Measured by `python -m train.fusion` on the validation people of its data, in the true box: mm and % over 12 limb
joints, relative to the pelvis. The weights that were kept are the best on these same people. "Released" is this
checkpoint.
"""

_END = """
## Limits
Unusual poses, people upside down, heavy overlap between people and bodies cut off by the frame are where it fails
first. One photo does not tell how tall a person is: 1.70 m is assumed. One frame at a time; no identity, no hands, no
face.

## Citation
```bibtex
@inproceedings{tekin2017fuse,
  title     = {Learning to Fuse {2D} and {3D} Image Cues for Monocular Body Pose Estimation},
  author    = {Tekin, Bugra and M{\\'a}rquez-Neila, Pablo and Salzmann, Mathieu and Fua, Pascal},
  booktitle = {Proceedings of the IEEE International Conference on Computer Vision (ICCV)},
  year      = {2017}
}
```
"""


def write_card(folder: Path, estimator: PoseEstimator, figures: dict[str, dict]) -> None:
    """Rewrite a checkpoint with a card that holds these figures; of those before, only what training had stored stays.

    Args:
        folder: the checkpoint.
        estimator: loaded from it.
        figures: of :func:`train.evaluate.measure`.
    """
    stored = {name: value for name, value in read_metrics(folder).items() if name not in _MEASURED}
    figures = {**stored, **{name: value for name, value in figures.items() if name != PEOPLE}}
    name = DEFAULT if folder.resolve() == bundled_checkpoint().resolve() else folder.as_posix()
    update_checkpoint(folder, estimator.config, card_text(estimator.config, name, figures), figures)


def card_text(
    config: ModelConfig, name: str, figures: dict[str, dict], datasets: Sequence[str] = (), licence: str | None = None
) -> str:
    """The card as Markdown: the same for the same arguments.

    Args:
        config: of the checkpoint.
        name: what to load it by: a folder, or ``"user/name"`` on the Hub.
        figures: the checkpoint's metrics; none is made up for one that has none.
        datasets: what it was trained on; ids of the Hub go into the metadata too.
        licence: id of the Hub, such as ``"cc-by-4.0"``; None for non-commercial research.
    """
    fusion, hourglass = config.fusion, config.hourglass
    merge = "not pruned" if fusion.merge_after is None else f"merged after layer {fusion.merge_after}, pruned"
    what = _WHAT.format(
        title=name.rpartition("/")[2],
        stacks=hourglass.stacks,
        width=hourglass.width,
        size=hourglass.input_size,
        strategy=fusion.strategy,
        merge=merge,
        licence=f"{licence}." if licence else "non-commercial research use only, as research data sets ask for.",
    )
    sections = [_metadata(datasets, licence), what, _USE.format(name=name), _data(config, figures, datasets)]
    return "".join([*sections, *_figures(figures), _END])


def _metadata(datasets: Sequence[str], licence: str | None) -> str:
    """The YAML block that the Hub reads."""
    data = ModelCardData(
        license=licence or "other",
        license_name=None if licence else RESEARCH_ONLY,
        pipeline_tag="keypoint-detection",
        library_name="fusion-pose",
        tags=_TAGS,
        datasets=[one for one in datasets if _HUB_DATASET.fullmatch(one)] or None,
    )
    return f"---\n{data.to_yaml()}\n---\n\n"


def _data(config: ModelConfig, figures: dict[str, dict], datasets: Sequence[str]) -> str:
    """What it learnt from, for how long, and what it was measured on, as far as that is known."""
    provenances = figures.get(PROVENANCE, {})
    trained = ", ".join(datasets or _people(provenances)) or f"{_UNKNOWN} in the checkpoint"
    lines = ["\n## Data", f"Trained on: {trained}.", *_provenance_table(config, provenances)]
    names = {name.partition(",")[0] for name in figures.get("true box", {})} if _is_evaluated(figures) else set()
    if names:
        lines += ["", "Measured on people held out from:", ""]
        for name in sorted(names):
            lines.append(f"- {data_set(name).title} (`{name}`): {data_set(name).labels}")
    text = "\n".join(lines) + "\n"
    text += _TEACHER if any("teacher" in data_set(name).labels for name in names) else ""
    return text + _BOXES if "scenes" in figures else text


def _people(provenances: dict[str, dict]) -> list[str]:
    """The data sets of all networks, with the number of people that were there to train on."""
    people = most_people(part["people"] for part in provenances.values())
    units = {SCENES: "photos"}
    return [f"{data_set(name).title} ({count} {units.get(name, 'people')})" for name, count in sorted(people.items())]


def _provenance_table(config: ModelConfig, provenances: dict[str, dict]) -> list[str]:
    """How long each network was trained; none if nothing is known of any."""
    if not provenances:
        return []
    rows = []
    for part in ("hourglass", "fusion", *(("detector",) if config.detector else ())):
        counts = [provenances.get(part, {}).get(key) for key in ("steps", "batch", "images")]
        rows.append([part, *(_UNKNOWN if one is None else one for one in counts)])
    head = ("network", "steps of its last run, to the best", "images a step", "images in all")
    note = "Images in all: augmented crops, also those of the runs whose weights the last one went on from."
    return ["", markdown_table(head, rows), "", f'{note} Of what is "{_UNKNOWN}" the data are not known either.']


def _is_evaluated(figures: dict[str, dict]) -> bool:
    """Whether train.evaluate's figures are among these."""
    return all(name in figures for name in _EVALUATION)


def _figures(figures: dict[str, dict]) -> Iterator[str]:
    """The sections with numbers: those of train.evaluate, those of train.fusion, and any others."""
    rest = {name: value for name, value in figures.items() if name != PROVENANCE}
    if _is_evaluated(figures):
        yield _PROTOCOL
        yield _WHOLE_PHOTOS if "scenes" in figures else ""
        yield _AGREED if any(data_set(name).agreed for name in figures["true box"]) else ""
        yield _MIRRORED if "mirror joints" in figures else ""
        yield _RENDERED if "synthetic" in figures["true box"] else ""
        yield _NEGATIVES if "negatives" in figures else ""
        yield "\n## Figures\n" + "\n".join(figure_lines(figures)) + "\n"
        for name in _MEASURED:
            rest.pop(name, None)
    if _TRAINING in rest:
        yield _TRAINING_PROTOCOL + "\n" + _training_table(rest.pop(_TRAINING)) + "\n"
    if numbers := list(_numbers(rest)):
        rows = [f"- {name}: {_number(value)}" for name, value in numbers]
        yield "\n## Other figures of the checkpoint\n" + "\n".join(rows) + "\n"
    if not figures.keys() - {PROVENANCE}:
        yield "\n## Figures\nNone: it has not been evaluated (`python -m train.evaluate --card` does it).\n"


def figure_lines(figures: dict[str, dict]) -> list[str]:
    """The figures of ``train.evaluate`` as lines of Markdown."""
    scenes = scene_lines(figures["scenes"]) if "scenes" in figures else []
    return [_maps_table(figures), "", *scenes, *_pose_tables(figures), "", *_confidence(figures)]


def _training_table(rows: dict[str, dict[str, float]]) -> str:
    """The errors before and after pruning, beside the mean pose's."""
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    cells = [[name, *(_number(row[key]) if key in row else "-" for key in columns)] for name, row in rows.items()]
    return markdown_table(("", *columns), cells)


def _numbers(figures: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested figures, by its path."""
    if isinstance(figures, dict):
        for key, value in figures.items():
            yield from _numbers(value, f"{name}, {key}" if name else str(key))
    elif isinstance(figures, (int, float)):
        yield name, figures


def _number(value: float) -> str:
    """A number as a table shows it."""
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def _maps_table(figures: dict[str, dict]) -> str:
    """The 2D figures."""
    mirrored, rows = figures.get("mirror joints"), []
    for kind in ("true box", "end to end"):
        for name, row in figures[kind].items():
            error = f"{row['se']:.1f}" if "se" in row else "-"
            found = (f"{row['recall']:.1f} %", f"{row['false_boxes']:.2f}") if "recall" in row else ("-", "-")
            cells = (f"{kind}, {name}", row["n"], f"{row['pck']:.1f}", error, *found)
            rows.append(cells if mirrored is None else (*cells, _mirrored(mirrored.get(name), kind)))
    head = ("", "n", "PCK@0.2", "standard error", "recall of people", "false boxes a picture")
    return markdown_table(head if mirrored is None else (*head, "on the mirror joint %"), rows)


def _mirrored(row: dict[str, float] | None, kind: str) -> str:
    """A cell of the joints on the mirror joint, which are counted in the true box."""
    if row is None or kind != "true box":
        return "-"
    error = f" ± {row['se']:.1f}" if "se" in row else ""
    return f"{row['mirrored']:.1f}{error} (n {row['n']})"


def _pose_tables(figures: dict[str, dict]) -> list[str]:
    """Rows of the 3D figures, beside the mean pose's."""
    rows = []
    if figures["3D"]:
        rows += _pose_table("the teacher", figures["3D"])
    if figures["rendered 3D"]:
        truth = "the exact joints of rendered people and motions never trained on"
        rows += ["", *_pose_table(truth, figures["rendered 3D"])]
    return rows


def _pose_table(truth: str, table: dict[str, dict]) -> list[str]:
    """Rows of one 3D table: all people, then the groups, worst first."""
    whole = [name for name in table if name == "all"]
    groups = sorted(set(table) - set(whole), key=lambda name: -table[name]["model"]["mpjpe"])
    rows = []
    for name in (*whole, *groups):
        model, mean = table[name]["model"], table[name]["mean_pose"]
        found = [row.get(key) for key in ("mpjpe", "pa_mpjpe", "order") for row in (model, mean)]
        rows.append([name, model["n"], *("-" if value is None else f"{value:.1f}" for value in found)])
    title = f"3D against {truth}, in the true box, beside the mean pose of the training set (12 limb joints):"
    head = ("", "n", "MPJPE mm", "mean pose", "PA-MPJPE mm", "mean pose", "depth order %", "mean pose")
    return [title, "", markdown_table(head, rows)]


def _confidence(figures: dict[str, dict]) -> list[str]:
    """Calibration, time and negatives, where they were measured."""
    rows = []
    if calibration := figures.get("calibration"):
        error = calibration["expected_calibration_error"]
        rows += [f"Expected calibration error of the joint confidence: {error:.3f} (n = {calibration['n']})."]
    if two := figures.get(_TWO_PEAKS):
        error = f"{two['expected_calibration_error']:.3f} (n = {two['n']})"
        rows += [f"Of joints whose map has a second peak of half the first one's height and more: {error}."]
    if speed := figures.get("speed"):
        rows += [f"Seconds a photo, end to end, where it was measured: {speed['seconds a photo']:.2f} (median)."]
    if negatives := figures.get("negatives"):
        rows += [f"Negatives taken for a person: {negatives['taken_for_a_person']:.1f} % of {negatives['n']}."]
    if calibration:
        bins = [(f"{row['confidence']:.2f}", f"{row['correct']:.2f}", row["n"]) for row in calibration["reliability"]]
        rows += ["", markdown_table(("confidence", "right", "n"), bins)]
    return rows
