"""The appendix's table of run times, and the errors before and after pruning."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from train.analysis.held_out import HeldOut
from train.analysis.run import FusionRun
from train.evaluation.pose3d import pose_figures

BATCHES = (1, 16)
_ROUNDS = 15
_LONGEST = 40.0  # seconds for a batch size, after which no new round is begun; three there always are


@torch.inference_mode()
def time_networks(run: FusionRun) -> list[dict[str, Any]]:
    """A row for each network: parameters, and ms a crop and crops a second for each size of a batch.

    They take turns, so that a busy moment slows all of them; the median counts. As the estimator runs them: in
    evaluation mode, maps in channels-last, float32.
    """
    pruned = run.released.config.merge_after is not None
    fusion = "fusion, unpruned" if pruned else "fusion"
    networks: dict[str, nn.Module] = {"maps (hourglass)": run.hourglass, fusion: run.full}
    if pruned:
        networks["fusion, pruned"] = run.released
    rows = {name: {"network": name, "parameters": _parameters(network)} for name, network in networks.items()}
    for batch in BATCHES:
        for name, seconds in _take_turns(_calls(run, networks, batch)).items():
            rows[name] |= {f"ms_{batch}": 1000 * seconds / batch, f"crops_per_s_{batch}": batch / seconds}
    maps, *_, released = rows.values()
    whole = {"network": "maps and released fusion", "parameters": maps["parameters"] + released["parameters"]}
    for batch in BATCHES:
        milliseconds = maps[f"ms_{batch}"] + released[f"ms_{batch}"]
        whole |= {f"ms_{batch}": milliseconds, f"crops_per_s_{batch}": 1000 / milliseconds}
    return [*rows.values(), whole]


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _calls(run: FusionRun, networks: dict[str, nn.Module], batch: int) -> dict[str, Callable[[], None]]:
    """What runs each network once on inputs that lie ready, and waits for it."""
    device, config = next(run.hourglass.parameters()).device, run.config
    crop, side = config.hourglass.input_size, config.fusion.input_size
    photo = torch.rand(batch, 3, crop, crop, device=device).contiguous(memory_format=torch.channels_last)
    pair = (
        torch.rand(batch, 3, side, side, device=device),
        torch.rand(batch, config.fusion.map_joints, side, side, device=device),
    )

    def call(network: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[[], None]:
        def run_once() -> None:
            network(*inputs)
            if device.type == "cuda":
                torch.cuda.synchronize(device)

        return run_once

    return {name: call(network, (photo,) if network is run.hourglass else pair) for name, network in networks.items()}


def _take_turns(calls: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Median seconds of each."""
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    began = time.perf_counter()
    for number in range(_ROUNDS):
        if number >= 3 and time.perf_counter() - began > _LONGEST:
            break
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


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


def pruning_errors(held_out: HeldOut, hardening: dict[str, Any] | None) -> dict[str, Any]:
    """Errors of the unpruned and of the released network on the same people, and how far apart their joints lie.

    Args:
        held_out: the people.
        hardening: what the run noted of its own validation people when it hardened the weights.
    """
    rows = []
    for kind, people in held_out.kinds.items():
        truth = held_out.truth[people]
        for network, poses in (("unpruned", held_out.unpruned), ("released", held_out.released)):
            rows.append({"people": kind, "network": network, **pose_figures(poses[people], truth)})
    apart = np.linalg.norm(held_out.unpruned - held_out.released, axis=-1)
    noted = []
    for name in ("soft", "hardened"):
        figures = (hardening or {}).get(name, {})
        noted += [{"weights": name, "people": kind, **part} for kind, part in _by_kind(figures).items()]
    return {"measured": rows, "largest_difference_mm": float(apart.max()), "noted_in_training": noted}


def _by_kind(figures: dict[str, float]) -> dict[str, dict[str, float]]:
    """Figures of a validation apart for photos and rendered people, as far as training told them apart."""
    kinds = {"photos": "photos_", "rendered": "synthetic_"}
    parts = {kind: {k[len(p) :]: v for k, v in figures.items() if k.startswith(p)} for kind, p in kinds.items()}
    return {kind: part for kind, part in parts.items() if part} or ({"all": figures} if figures else {})
