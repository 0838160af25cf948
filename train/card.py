"""The model card: YAML metadata, what the model is, and the figures that ``train.evaluate`` measured."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fusion_model.config import ModelConfig
from fusion_model.estimator import PoseEstimator

_HEAD = """---
license: other
license_name: non-commercial-research
pipeline_tag: keypoint-detection
library_name: fusion-pose
tags: [human-pose-estimation, 3d-pose, stacked-hourglass]
---

# fusion-pose checkpoint

A stacked hourglass ({stacks} x {width}, {size} px) finds 16 joints; a fusion network (strategy `{strategy}`, {merge})
regresses 17 joints in millimetres. An implementation of Tekin et al., ICCV 2017.

**Licence of these weights**: trained on research data sets (LSP-extended, MPII, COCO, Stanford 40 Actions, Clothing
Co-Parsing) and on rendered people: non-commercial research use only. The code is MIT.

**Labels**: 2D by hand for LSP-extended, MPII and COCO, by a teacher network for the other photos, exact for rendered
people. The 3D of photos is **pseudo-labelled** by a teacher network that is right about which limb is nearer but about
140 mm off in position; that of rendered people is exact. No 3D measured on real people was used, and the 3D figures of
photos below compare with that teacher, not with the truth. The size assumes a person of 1.70 m.

```python
from fusion_model import PoseEstimator

pose = PoseEstimator.from_pretrained("{name}")("photo.jpg")
```

## Figures
PCK@0.2 of the torso (left shoulder to right hip), 12 limb joints, mean over people, %; people of validation parts that
were never trained on. Stanford 40 and street: against teacher joints of score 0.9 and more. End to end: whole photos
for LSP-extended; for the others, people pasted by a fixed seed at 15 to 60 % of a 640 px canvas, one to four in a
picture.

These figures flatter a little: the kept weights are the best on the same validation people, and the search for people
was adjusted on some of them (72 of LSP-extended and canvases of the others), so end to end more than in the true box.
Of rendered people (`synthetic`) the hidden joints and those beyond the picture count too.
The crops of nobody are cut beside people of Stanford 40 and street; those that show somebody else were sorted out by
eye, without looking at their scores.

"""

_LIMITS = """
## Limits
Unusual poses, people upside down, heavy overlap between people and bodies cut off by the frame are where it fails
first. Depth is learnt from pseudo-labels. One frame at a time; no identity, no hands, no face.
"""


def write_card(folder: Path, estimator: PoseEstimator, figures: dict[str, dict]) -> None:
    """Rewrite a checkpoint with a card that holds these figures.

    Args:
        folder: the checkpoint.
        estimator: loaded from it.
        figures: of :func:`train.evaluate.measure`.
    """
    estimator.save_pretrained(folder, card=card_text(estimator.config, folder.as_posix(), figures), metrics=figures)


def card_text(config: ModelConfig, name: str, figures: dict[str, dict]) -> str:
    """The card as Markdown."""
    merge = (
        f"merged after layer {config.fusion.merge_after}, pruned"
        if config.fusion.merge_after is not None
        else "not pruned"
    )
    hourglass = dataclasses.asdict(config.hourglass)
    head = _HEAD.format(
        stacks=hourglass["stacks"],
        width=hourglass["width"],
        size=hourglass["input_size"],
        strategy=config.fusion.strategy,
        merge=merge,
        name=name,
    )
    return (
        head
        + "\n".join([*_maps_table(figures), "", *_pose_tables(figures), "", *_confidence(figures)])
        + "\n"
        + _LIMITS
    )


def _maps_table(figures: dict[str, dict]) -> list[str]:
    """Rows of the 2D figures."""
    rows = ["| | n | PCK@0.2 | recall of people | false boxes a picture |", "| --- | --- | --- | --- | --- |"]
    for kind in ("true box", "end to end"):
        for name, row in figures[kind].items():
            found = f"{row['recall']:.1f} % | {row['false_boxes']:.2f}" if "recall" in row else "- | -"
            rows.append(f"| {kind}, {name} | {row['n']} | {row['pck']:.1f} | {found} |")
    return rows


def _pose_tables(figures: dict[str, dict]) -> list[str]:
    """Rows of the 3D figures, beside the mean pose's."""
    rows = _pose_table("the teacher", figures["3D"])
    if figures["rendered 3D"]:
        rows += [
            "",
            *_pose_table("the exact joints of rendered people and motions never trained on", figures["rendered 3D"]),
        ]
    return rows


def _pose_table(truth: str, table: dict[str, dict]) -> list[str]:
    """Rows of one 3D table."""
    rows = [
        f"3D against {truth}, in the true box, beside the mean pose of the training set (12 limb joints):",
        "",
        "| | n | MPJPE mm | mean pose | PA-MPJPE mm | mean pose | depth order % | mean pose |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in table.items():
        model, mean = row["model"], row["mean_pose"]
        values = " | ".join(f"{model[key]:.1f} | {mean[key]:.1f}" for key in ("mpjpe", "pa_mpjpe", "order"))
        rows.append(f"| {name} | {model['n']} | {values} |")
    return rows


def _confidence(figures: dict[str, dict]) -> list[str]:
    """Calibration and crops of nobody."""
    calibration, nobody = figures["calibration"], figures["nobody"]
    error, taken = calibration["expected_calibration_error"], nobody["taken_for_a_person"]
    rows = [
        f"Expected calibration error of the joint confidence: {error:.3f} (n = {calibration['n']}).",
        f"Crops of nobody taken for a person: {taken:.1f} % of {nobody['n']}.",
        "",
        "| confidence | right | n |",
        "| --- | --- | --- |",
    ]
    rows += [f"| {row['confidence']:.2f} | {row['correct']:.2f} | {row['n']} |" for row in calibration["reliability"]]
    return rows
