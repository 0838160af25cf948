"""What each input of a fusion network is worth: its errors with the photo blanked, or with somebody else's inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusion_model.metrics import joint_errors
from fusion_model.readings import READINGS
from fusion_model.skeletons import HUMAN36M_17, MPII_16, SKELETONS, conversion_matrix
from train.analysis.held_out import HeldOut
from train.evaluation.tables import markdown_table
from train.fusion_stage.pose_figures import LIMBS, crossing_order, pose_figures

INPUTS = (
    "as it is",
    "photo: its mean colour",
    "photo: another person's",
    "maps: another person's",
    "maps: sides exchanged",
)
_BATCH = 256


def inputs_worth(held_out: HeldOut) -> list[dict[str, Any]]:
    """Errors of the released network with changed inputs, on photos and on rendered people apart.

    All that is read from the pixels changes with the photo, the hourglass's features included; the maps stay. Another
    person is the next one of the same kind. The increase is paired over the people, with its standard error. Beside
    it: which of two crossing limbs is in front.

    Args:
        held_out: the people.
    """
    rows = []
    for kind, people in held_out.kinds.items():
        numbers, truth = torch.from_numpy(people), held_out.truth[people]
        plain = None
        for name in INPUTS:
            poses = _poses(held_out, numbers, name)
            errors = joint_errors(*(_limbs(values) for values in (poses, truth))).mean(1)
            plain = errors if plain is None else plain
            more = errors - plain
            spread = float(more.std(ddof=1) / np.sqrt(len(more))) if len(more) > 1 else 0.0
            figures = {"increase_mm": float(more.mean()), "standard_error_mm": spread}
            order, crossings = crossing_order(poses, truth)
            figures |= {"crossing_order": order, "crossings": crossings}
            rows.append({"people": kind, "input": name, **pose_figures(poses, truth), **figures})
    return rows


def inputs_text(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    head = ("people", "input", "n", "MPJPE, mm", "PA-MPJPE, mm", "increase, mm", "crossings in order, %")
    cells = [
        (r["people"], r["input"], r["n"], f"{r['mpjpe']:.1f}", f"{r['pa_mpjpe']:.1f}",
         f"{r['increase_mm']:+.1f} ± {r['standard_error_mm']:.1f}",
         f"{r['crossing_order']:.1f} of {r['crossings']}" if r["crossings"] else "-")
        for r in rows
    ]  # fmt: skip
    text = (
        "Errors of 12 limb joints of the released network where one input is changed, on the validation people of "
        "`--data`. With the photo changes all that is read from its pixels, the hourglass's features included; another "
        "person is one of the same kind. The increase is paired over the people, with its standard error. Crossings: "
        "which limb is in front, where one crosses that of the other side in the picture, over 50 mm apart."
    )
    return "\n\n".join([text, markdown_table(head, cells), "Values: [inputs.csv](inputs.csv)."])


def _limbs(poses: np.ndarray) -> np.ndarray:
    """(N, 12, 3) limb joints of (N, 17, 3), from the pelvis."""
    return poses[:, LIMBS] - poses[:, HUMAN36M_17.root, None]


def _poses(held_out: HeldOut, numbers: Tensor, name: str) -> np.ndarray:
    """(N, 17, 3) mm of the people of these numbers."""
    network, samples = held_out.run.released, held_out.samples
    others, found = torch.roll(numbers, 1), []
    for start in range(0, len(numbers), _BATCH):
        own, other = (values[start : start + _BATCH].to(samples.source.device) for values in (numbers, others))
        image, maps, readings = samples.inputs(own)
        if name == "photo: its mean colour":
            image = held_out.blanked.inputs(own)[0]
        elif name == "photo: another person's":
            image = samples.inputs(other)[0]
        elif name == "maps: another person's":
            _, maps, readings = samples.inputs(other)
        elif name == "maps: sides exchanged":
            sides = list(MPII_16.mirror)
            maps, readings = maps[:, sides], readings.unflatten(1, (READINGS, -1))[..., sides].flatten(1)
        with torch.inference_mode():
            found.append(network(image, maps, readings).float().cpu())
    carried = conversion_matrix(SKELETONS[network.config.skeleton], HUMAN36M_17)
    return carried @ torch.cat(found).numpy()
