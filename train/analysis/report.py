"""``report.md``: the parts of an analysis together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from train.evaluation.tables import markdown_table

PARTS = ("figure5", "figure7", "inputs", "sheets", "runtime")
_BUSY = (
    "**The machine was busy with other work when the measuring began: on an idle one the times are shorter. "
    "Measure again before quoting them.**"
)
_TITLES = {
    "figure5": "Fusion weights over the iterations (Figure 5)",
    "figure7": "Correlation of the two streams (Figure 7)",
    "inputs": "What each input is worth",
    "sheets": "People (Figures 4 and 6)",
    "runtime": "Run time, and pruned against unpruned",
}


def report(title: str, parts: Mapping[str, dict[str, Any]]) -> str:
    """Markdown of all parts, in the order of :data:`PARTS`."""
    return "\n".join([f"# {title}\n", *(section(name, parts[name]) for name in PARTS if name in parts)])


def section(name: str, content: dict[str, Any]) -> str:
    """A part as Markdown."""
    body = f"Left out: {content['left_out']}." if "left_out" in content else _BODIES[name](content)
    return f"## {_TITLES[name]}\n\n{body}\n"


def _figure5(content: dict[str, Any]) -> str:
    """Curves and where they end."""
    lines = ["![alpha, beta and w over the iterations](figure5.png)", ""]
    at, last = content["hardened_at"], content["soft_end"]
    when = "At the end"
    if at is not None:
        lines.append(f"The weights were hardened at iteration {at}: merging layer {content['merging_layer']}.")
        when = "Until then"
    known = [f"{name} = {last[name]:.3f}" for name in ("alpha", "beta") if last[name] is not None]
    weights = ", ".join(f"{value:.3f}" for value in last["weights"])
    lines.append(f"{when}: {', '.join([*known, f'w = {weights}'])}; {content['points']} rows are drawn.")
    return "\n".join([*lines, "", "Values: [figure5.csv](figure5.csv)."])


def _figure7(content: dict[str, Any]) -> str:
    """Picture and summary."""
    rows = [
        ("between the streams, mean", content["mean"]),
        ("between the streams, median", content["median"]),
        ("between the streams, 95th of 100", content["p95"]),
        ("between the streams, largest", content["largest"]),
        ("between the streams, fraction of pairs above 0.5", content["fraction_above_half"]),
        ("the same with the maps of other images, mean", content["mean_by_chance"]),
        ("within the image stream, mean", content["mean_within_image"]),
        ("within the map stream, mean", content["mean_within_maps"]),
    ]
    text = (
        f"Squared Pearson correlations of every pair of channels of layer {content['layer']}, the last convolution, of "
        f"the run's unpruned network, over {content['images']} validation images and all positions "
        f"({content['samples']} samples, {content['channels']} channels a stream). Constant channels: "
        f"{content['constant_channels_image']} of the image stream, {content['constant_channels_maps']} of the map "
        "stream."
    )
    table = markdown_table(("R^2", "value"), [(name, f"{value:.4f}") for name, value in rows])
    parts = ["![R^2 of the streams' channels](figure7.png)", text, table]
    parts += [content["note"]] if "note" in content else []
    return "\n\n".join([*parts, "Values: [figure7.csv](figure7.csv)."])


def _inputs(content: dict[str, Any]) -> str:
    """Errors with changed inputs."""
    head = ("people", "input", "n", "MPJPE, mm", "PA-MPJPE, mm", "increase, mm", "crossings in order, %")
    rows = [
        (r["people"], r["input"], r["n"], f"{r['mpjpe']:.1f}", f"{r['pa_mpjpe']:.1f}",
         f"{r['increase_mm']:+.1f} ± {r['standard_error_mm']:.1f}",
         f"{r['crossing_order']:.1f} of {r['crossings']}" if r["crossings"] else "-")
        for r in content["rows"]
    ]  # fmt: skip
    text = (
        "Errors of 12 limb joints of the released network where one input is changed, on the validation people of "
        "`--data`. With the photo changes all that is read from its pixels, the hourglass's features included; another "
        "person is one of the same kind. The increase is paired over the people, with its standard error. Crossings: "
        "which limb is in front, where one crosses that of the other side in the picture, over 50 mm apart."
    )
    return "\n\n".join([text, markdown_table(head, rows), "Values: [inputs.csv](inputs.csv)."])


def _sheets(content: dict[str, Any]) -> str:
    """All sheets that were made."""
    text = (
        "From good to bad: people at even steps of the error, the found pose over the reference, pelvis on pelvis. The "
        "reference is exact for rendered people; for photos it is what the data set has, often a teacher's pose."
    )
    lines = [f"{text} To turn: [people.html](people.html)."]
    for sheet in content["sheets"]:
        lines += ["", f"![{sheet['title']}]({sheet['file']})"]
        if sheet["shows_photos"]:
            alone = "it is for this folder alone (`--without-photos` leaves them out)"
            lines += ["", f"This sheet shows photos of people: {alone}."]
    return "\n".join(lines)


def _runtime(content: dict[str, Any]) -> str:
    """Times and errors."""
    place, batches = content["machine"], content["batches"]
    head = ["network", "parameters, M"]
    head += [text for b in batches for text in (f"ms a crop, batch {b}", f"crops a second, batch {b}")]
    rows = []
    for row in content["times"]:
        cells = [row["network"], f"{row['parameters'] / 1e6:.2f}"]
        cells += [text for b in batches for text in (f"{row[f'ms_{b}']:.2f}", f"{row[f'crops_per_s_{b}']:.0f}")]
        rows.append(cells)
    where = (
        f"Medians on {place['device']} ({place['processors']} processors, {place['threads']} threads of torch "
        f"{place['torch']}, load {place['load_before']} before)."
    )
    lines = [markdown_table(head, rows), "", where]
    if content["busy"]:
        lines += ["", _BUSY]
    lines += ["", *_errors(content["errors"])]
    return "\n".join([*lines, "", "Values: [runtime.csv](runtime.csv), [runtime.json](runtime.json)."])


def _errors(errors: dict[str, Any]) -> list[str]:
    """Before and after pruning, and before and after hardening as training measured it."""
    keys = ("mpjpe", "pa_mpjpe", "order")
    head = ("n", "MPJPE, mm", "PA-MPJPE, mm", "pairs in order, %")
    measured = [(r["people"], r["network"], r["n"], *(f"{r[k]:.1f}" for k in keys)) for r in errors["measured"]]
    lines = ["Errors of 12 limb joints on the validation people of `--data`:", ""]
    lines += [markdown_table(("people", "network", *head), measured), ""]
    lines.append(f"Between both networks, no joint differs by more than {errors['largest_difference_mm']:.3f} mm.")
    trained = [
        (r["people"], r["weights"], r["n"], *(f"{r[k]:.1f}" for k in keys)) for r in errors["measured_in_training"]
    ]
    if trained:
        lines += ["", "When the weights were hardened, on the validation people that the run watched:", ""]
        lines.append(markdown_table(("people", "weights", *head), trained))
    return lines


_BODIES = {"figure5": _figure5, "figure7": _figure7, "inputs": _inputs, "sheets": _sheets, "runtime": _runtime}
