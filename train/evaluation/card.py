"""The model card, of ``card.md.jinja``: what the model is, its data and protocol, and the figures of a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
from huggingface_hub import ModelCardData

from fusion_model.config import ModelConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import DEFAULT, bundled_checkpoint, read_metrics, update_checkpoint
from train.data.readers.registry import data_set
from train.engine.provenance import ENTRY as PROVENANCE
from train.engine.provenance import SCENES, most_people
from train.evaluation.end_to_end import PEOPLE
from train.evaluation.scenes import scene_lines
from train.evaluation.tables import markdown_table

RESEARCH_ONLY = "non-commercial-research"
STALE = "its card and figures are as they were: python -m train.evaluate --data DIR --checkpoint {folder} --card"

_TRAINING = "fusion"  # what train.fusion stores
_UNKNOWN = "not recorded"
_TEMPLATES = jinja2.Environment(  # noqa: S701 - of Markdown
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)


def write_card(folder: Path, estimator: PoseEstimator, figures: dict[str, dict]) -> None:
    """Rewrite an estimator's checkpoint with a card that holds the figures of ``train.evaluate``.

    Of those before, only what training had stored stays.
    """
    stored = {name: value for name, value in read_metrics(folder).items() if name in (_TRAINING, PROVENANCE)}
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
    metadata = ModelCardData(
        license=licence or "other",
        license_name=None if licence else RESEARCH_ONLY,
        pipeline_tag="keypoint-detection",
        library_name="fusion-pose",
        tags=["human-pose-estimation", "3d-pose-estimation", "stacked-hourglass", "pytorch"],
        datasets=[one for one in datasets if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", one)] or None,
    )
    sets = sorted({row.partition(",")[0] for row in figures.get("true box", {})})  # none: not evaluated
    provenances = figures.get(PROVENANCE, {})
    people, units = most_people(part["people"] for part in provenances.values()), {SCENES: "photos"}
    trained = [f"{data_set(one).title} ({people[one]} {units.get(one, 'people')})" for one in sorted(people)]
    return _TEMPLATES.get_template("card.md.jinja").render(
        metadata=metadata.to_yaml(),
        name=name,
        title=name.rpartition("/")[2],
        licence=licence,
        hourglass=config.hourglass,
        fusion=config.fusion,
        figures=figures,
        trained=", ".join(datasets or trained),
        provenance=_provenance_table(config, provenances) if provenances else "",
        unknown=_UNKNOWN,
        sets={key: data_set(key) for key in sets},
        lines=figure_lines(figures) if sets else [],
        training=_training_table(figures.get(_TRAINING, {})),
    )


def _provenance_table(config: ModelConfig, provenances: dict[str, dict]) -> str:
    """How long each network was trained."""
    known = {part: provenances.get(part, {}) for part in ("hourglass", "fusion", *["detector"] * bool(config.detector))}
    counts = {part: [one.get(key) for key in ("steps", "batch", "images")] for part, one in known.items()}
    rows = [[part, *(_UNKNOWN if one is None else one for one in mine)] for part, mine in counts.items()]
    return markdown_table(("network", "steps of its last run, to the best", "images a step", "images in all"), rows)


def _training_table(rows: dict[str, dict[str, float]]) -> str:
    """The errors before and after pruning, beside the mean pose's; empty without any."""
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    cells = [[name, *(_number(row.get(key, "-")) for key in columns)] for name, row in rows.items()]
    return markdown_table(("", *columns), cells) if cells else ""


def _number(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def figure_lines(figures: dict[str, dict]) -> list[str]:
    """The figures of ``train.evaluate`` as lines of Markdown."""
    lines = [_maps_table(figures), ""]
    lines += scene_lines(figures["scenes"]) if "scenes" in figures else []
    truths = {"3D": "the teacher", "rendered 3D": "the exact joints of rendered people and motions never trained on"}
    for kind, truth in truths.items():
        lines += _pose_lines(truth, figures[kind]) if figures[kind] else []
    return lines + (_confidence_lines(figures) if "calibration" in figures else [])


def _maps_table(figures: dict[str, dict]) -> str:
    """The 2D figures; joints on the mirror joint are counted in the true box."""
    rows = []
    for kind, mirrored in (("true box", figures.get("mirror joints", {})), ("end to end", {})):
        for name, row in figures[kind].items():
            other = "-"
            if mine := mirrored.get(name):
                error = f" ± {mine['se']:.1f}" if "se" in mine else ""
                other = f"{mine['mirrored']:.1f}{error} (n {mine['n']})"
            error = f"{row['se']:.1f}" if "se" in row else "-"
            rows.append((f"{kind}, {name}", row["n"], f"{row['pck']:.1f}", error, other))
    return markdown_table(("", "n", "PCK@0.2", "standard error", "on the mirror joint %"), rows)


def _pose_lines(truth: str, table: dict[str, dict]) -> list[str]:
    """One 3D table, beside the mean pose's: all people, then the groups, worst first."""
    rows = []
    for name in sorted(table, key=lambda name: (name != "all", -table[name]["model"]["mpjpe"])):
        model, mean = table[name]["model"], table[name]["mean_pose"]
        found = [row.get(key) for key in ("mpjpe", "pa_mpjpe", "order") for row in (model, mean)]
        rows.append([name, model["n"], *("-" if value is None else f"{value:.1f}" for value in found)])
    title = f"3D against {truth}, in the true box, beside the mean pose of the training set (12 limb joints):"
    head = ("", "n", "MPJPE mm", "mean pose", "PA-MPJPE mm", "mean pose", "depth order %", "mean pose")
    return [title, "", markdown_table(head, rows), ""]


def _confidence_lines(figures: dict[str, dict]) -> list[str]:
    """Calibration."""
    two = "Of joints whose map has a second peak of half the first one's height and more"
    about = {"calibration": "Expected calibration error of the joint confidence", "calibration, two peaks": two}
    lines = [
        f"{text}: {figures[name]['expected_calibration_error']:.3f} (n = {figures[name]['n']})."
        for name, text in about.items()
        if name in figures
    ]
    bins = figures["calibration"]["reliability"]
    rows = [(f"{row['confidence']:.2f}", f"{row['correct']:.2f}", row["n"]) for row in bins]
    return [*lines, "", markdown_table(("confidence", "right", "n"), rows)]
