"""Measure how fast photos become poses: ``python -m train.benchmark --inference``.

Seconds a photo of one person, end to end and in the bare networks, alone and beside a busy process, which it starts;
and with other ways of sharing the work among threads.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import folded
from fusion_model.hub.checkpoints import DEFAULT
from fusion_model.images import load_photo
from fusion_model.readings import READINGS
from fusion_model.threads import Threads
from train.command import new_parser, run_command
from train.engine.arguments import positive

# It ends when its input does: with the block, or with the process that started it, whatever becomes of that.
_NEIGHBOUR = """
import os, sys, threading
os.nice(10)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
print(flush=True)
while True:
    pass
"""


CHOSEN = "halves of a batch (chosen)"
_VARIABLES = (("GOMP_SPINCOUNT", "10000"), ("OMP_WAIT_POLICY", "passive"), ("OMP_NUM_THREADS", "1"))
SETTINGS = {CHOSEN: None, "OpenMP as it comes": {}} | {f"{name}={value}": {name: value} for name, value in _VARIABLES}
"""Ways of sharing the work among threads: variables of the environment, set before torch is loaded, with which OpenMP
shares out every layer; None where :class:`fusion_model.threads.Threads` is at work."""
END_TO_END, BARE = "end to end", "bare networks"
Times = dict[str, list[float]]
"""Seconds of every photo in every round: :data:`END_TO_END`, of a call of the estimator with it; :data:`BARE`, of the
detector on a photo's square, the hourglass on a crop and its mirror image, and the fusion network on both."""


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("benchmark", __doc__)
    arguments.add_argument("--inference", action="store_true", required=True, help="what is measured: estimates")
    arguments.add_argument("--checkpoint", default=DEFAULT, help="a folder, a Hub id, or the bundled one")
    arguments.add_argument("--photos", type=Path, default=Path("assets/examples"), help="folder of photos")
    arguments.add_argument("--count", type=positive(int), default=16, help="photos of one person, at most")
    arguments.add_argument("--rounds", type=positive(int), default=10, help="over the photos")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint)
    photos = photos_of_one(estimator, arguments.photos, arguments.count)
    try:
        print(*report(arguments.checkpoint, photos, arguments.rounds), sep="\n")
    except BrokenExecutor as error:
        raise ValueError("a process that measures has died: its output says why") from error
    return 0


def photos_of_one(estimator: PoseEstimator, folder: Path, count: int) -> list[np.ndarray]:
    """The first photos, (H, W, 3) uint8 RGB each, of a folder at any depth in which the estimator finds one person.

    Raises:
        ValueError: if there is none.
    """
    found = (photo for photo in _photos(folder) if len(estimator.find_people(photo)[0]) == 1)
    if photos := list(islice(found, count)):
        return photos
    raise ValueError(f"{folder} holds no photo in which the model finds exactly one person: give others with --photos")


def _photos(folder: Path) -> Iterator[np.ndarray]:
    for path in sorted(folder.rglob("*")):
        with suppress(ValueError, OSError), Image.open(path) as image:  # other files are passed over
            yield load_photo(image)


def report(checkpoint: str, photos: Sequence[np.ndarray], rounds: int) -> list[str]:
    """Measure by so many rounds over the photos, after one that warms up, and return the lines to print.

    Every setting has a process of its own; they take turns, so that a busy moment slows all of them.
    """
    with ExitStack() as stack:
        enter = stack.enter_context
        measure = {name: enter(_process(checkpoint, photos, setting)) for name, setting in SETTINGS.items()}
        for call in tqdm(measure.values(), "warm up", unit="process"):
            call()
        alone, beside = {name: [] for name in measure}, []
        for _ in tqdm(range(rounds), "measure", unit="round"):
            for name, call in measure.items():
                alone[name].append(call())
            with busy_neighbour():
                beside.append(measure[CHOSEN]())
    return lines({name: _medians(times) for name, times in alone.items()}, _medians(beside), rounds * len(photos))


def _medians(rounds: Sequence[Times]) -> dict[str, float]:
    return {kind: statistics.median(one for times in rounds for one in times[kind]) for kind in (END_TO_END, BARE)}


def lines(alone: Mapping[str, Mapping[str, float]], beside: Mapping[str, float], count: int) -> list[str]:
    """What is printed of median seconds: alone by setting, and of ``CHOSEN`` beside a busy neighbour."""
    idle = alone[CHOSEN]
    printed = [f"{f'seconds a photo, median of {count}':32} {'alone':>8} {'beside':>8} {'ratio':>8}"]
    printed += [f"{kind:32} {idle[kind]:8.3f} {beside[kind]:8.3f} {beside[kind] / idle[kind]:8.2f}" for kind in idle]
    ratios = [times[END_TO_END] / times[BARE] for times in (idle, beside)]
    printed += [f"{'end to end / bare networks':32} {ratios[0]:8.2f} {ratios[1]:8.2f}", ""]
    fastest = min(times[END_TO_END] for times in alone.values())
    printed.append(f"{'end to end, alone':32} {'seconds':>8} {'/ least':>8}")
    for name, times in alone.items():
        printed.append(f"{name:32} {times[END_TO_END]:8.3f} {times[END_TO_END] / fastest:8.2f}")
    return printed


@contextmanager
def busy_neighbour() -> Iterator[subprocess.Popen]:
    """A process of low priority that computes until the block ends."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", _NEIGHBOUR], **pipes, start_new_session=True) as process:  # noqa: S603
        process.stdout.readline()  # from now on it computes
        yield process


@contextmanager
def _process(
    checkpoint: str, photos: Sequence[np.ndarray], setting: dict[str, str] | None
) -> Iterator[Callable[[], Times]]:
    """A process that works only when asked: the function asks for a round and waits for its times."""
    context = multiprocessing.get_context("spawn")  # torch is loaded anew, with the variables
    with ProcessPoolExecutor(1, context, _begin, (checkpoint, photos, setting is not None)) as pool:
        before = dict(os.environ)
        os.environ.update(setting or {})
        pool.submit(int)  # starts the process
        os.environ.clear()
        os.environ.update(before)
        yield lambda: pool.submit(_round).result()


_own: dict[str, Any] = {}  # of a process that measures: photos, and what is timed of each


def _begin(checkpoint: str, photos: Sequence[np.ndarray], by_layers: bool) -> None:
    estimator = PoseEstimator.from_pretrained(checkpoint)
    if by_layers:
        estimator.predictor.threads = Threads(0)
    bare = bare_networks(estimator)
    _own.update(photos=photos, calls={END_TO_END: lambda photo: estimator.batch([photo]), BARE: lambda _photo: bare()})


def _round() -> Times:
    times: Times = {kind: [] for kind in _own["calls"]}
    for photo in _own["photos"]:
        for kind, call in _own["calls"].items():
            began = time.perf_counter()
            call(photo)
            times[kind].append(time.perf_counter() - began)
    return times


def random_inputs(network: FusionNetwork, batch: int) -> tuple[Tensor, ...]:
    """Image, maps and readings of N crops, as an estimator gives them to the network."""
    config, device = network.config, next(network.parameters()).device
    photo, maps = (
        torch.rand(batch, channels, config.input_size, config.input_size, device=device)
        for channels in (config.image_channels, config.map_joints)
    )
    return photo, maps, torch.rand(batch, READINGS * config.map_joints, device=device)


def bare_networks(estimator: PoseEstimator) -> Callable[[], None]:
    """One call of every network as an estimate of one person needs it, on inputs that lie ready."""
    predictor, config = estimator.predictor, estimator.config
    device, inputs = predictor.device, random_inputs(predictor.fusion, 2)
    crop = torch.rand(1, 3, config.hourglass.input_size, config.hourglass.input_size)
    detector = squares = None
    if config.detector is not None:
        size, detector = config.detector.input_size, folded(estimator.detector)
        squares = torch.rand(2, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def run() -> None:
        with predictor.threads.limited():
            if detector is not None:
                predictor.threads.run(detector, squares)
            predictor.maps(crop, flip_test=True)
            predictor.threads.run(predictor.fusion, *inputs).cpu()

    return run


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
