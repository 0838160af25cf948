"""The appendix's table of run times, and the errors before and after pruning."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

from train.analysis.held_out import HeldOut
from train.analysis.run import FusionRun
from train.fusion_stage.pose_figures import pose_figures
from train.fusion_stage.timing import parameter_count, time_networks

BATCHES = (1, 16)


def network_times(run: FusionRun) -> list[dict[str, Any]]:
    """A row for each network: parameters, and ms a crop and crops a second for each size of a batch.

    As the estimator runs them: in evaluation mode, crops in channels-last, float32.
    """
    pruned = run.released.config.merge_after is not None
    fusion = "fusion, unpruned" if pruned else "fusion"
    networks = {"maps (hourglass)": run.hourglass, fusion: run.full}
    if pruned:
        networks["fusion, pruned"] = run.released
    rows = {name: {"network": name, "parameters": parameter_count(network)} for name, network in networks.items()}
    for batch in BATCHES:
        for name, milliseconds in time_networks(networks, batch).items():
            rows[name] |= _time(batch, milliseconds)
    maps, *_, released = rows.values()
    both = {"network": "maps and released fusion", "parameters": maps["parameters"] + released["parameters"]}
    for batch in BATCHES:
        both |= _time(batch, maps[f"ms_{batch}"] + released[f"ms_{batch}"])
    return [*rows.values(), both]


def _time(batch: int, milliseconds: float) -> dict[str, float]:
    """Cells of a time a crop."""
    return {f"ms_{batch}": milliseconds, f"crops_per_s_{batch}": 1000 / milliseconds}


def machine(device: torch.device) -> dict[str, Any]:
    """What the times were measured on; call it before the work begins, for the load is that of others then."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else _processor(),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load_before": round(os.getloadavg()[0], 2),
    }


def is_busy(described: dict[str, Any]) -> bool:
    """Whether others kept more than a fifth of the processors busy when the command began."""
    return described["load_before"] > 0.2 * described["processors"]


def _processor() -> str:
    """Name of the processor, as the system has it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def pruning_errors(held_out: HeldOut, hardening: dict[str, Any]) -> dict[str, Any]:
    """Errors of the unpruned and of the released network on the same people, and how far apart their joints lie.

    Args:
        held_out: the people.
        hardening: what the run measured on its own validation people when it hardened the weights.
    """
    rows = []
    for kind, people in held_out.kinds.items():
        truth = held_out.truth[people]
        for network, poses in (("unpruned", held_out.unpruned), ("released", held_out.released)):
            rows.append({"people": kind, "network": network, **pose_figures(poses[people], truth)})
    apart = np.linalg.norm(held_out.unpruned - held_out.released, axis=-1)
    trained = [
        {"weights": name, "people": kind, **part}
        for name in ("soft", "hardened")
        for kind, part in _by_kind(hardening.get(name, {})).items()
    ]
    return {"measured": rows, "largest_difference_mm": float(apart.max()), "measured_in_training": trained}


def _by_kind(figures: dict[str, float]) -> dict[str, dict[str, float]]:
    """Figures of a validation apart for photos and rendered people, as far as training told them apart."""
    kinds = {"photos": "photos_", "rendered": "synthetic_"}
    parts = {kind: {k[len(p) :]: v for k, v in figures.items() if k.startswith(p)} for kind, p in kinds.items()}
    return {kind: part for kind, part in parts.items() if part} or ({"all": figures} if figures else {})
