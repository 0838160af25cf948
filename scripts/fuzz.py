"""Damaged photos, damaged clips and senseless requests by the thousand: ``python -m scripts.fuzz``.

Every case follows from the seed and its number, so ``--only photos --first 123 --photos 1`` repeats one. Files are read
in a process of their own. A case is broken if it ends in anything but a picture or one sentence that names the file, if
it takes too long, if the process dies, or if memory grows; the exit code is then 1. ``--keep`` stores the broken files.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
from tqdm import tqdm

from fusion_model.hub.checkpoints import DEFAULT
from fusion_model.images import load_photo
from fusion_model.video.clips import open_clip, read_frames
from scripts.fuzz_files import clip_seeds, mutated, photo_seeds
from scripts.fuzz_requests import RequestFuzz
from scripts.load_test import EXAMPLE, running_app

KINDS = ("photos", "clips", "requests")
WARM = 20  # cases, after which memory may not grow much
MAX_GROWTH = 150_000_000  # bytes
MAX_SECONDS = 20.0  # a case
MAX_WORDS = 500  # characters of a refusal
_REFUSALS = (ValueError, FileNotFoundError)

Read = Callable[[Path], str]


@dataclass
class Outcome:
    """What came of many cases.

    Attributes:
        counts: cases by what came of them.
        broken: a sentence for each case that went wrong.
        slowest: seconds of the longest case.
        growth: bytes by which memory grew after the first cases.
    """

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    broken: list[str] = field(default_factory=list)
    slowest: float = 0.0
    growth: int = 0

    def add(self, what: str, seconds: float, problem: str = "") -> None:
        """Count a case."""
        self.counts["broken" if problem else what] += 1
        self.slowest = max(self.slowest, seconds)
        self.broken += [problem] if problem else []


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    print(f"seed {options.seed}, from case {options.first}")
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "photos" in options.only:
            seeds = photo_seeds(EXAMPLE)
            outcomes["photos"] = attack(read_photo, _cases(seeds, options, options.photos), folder, options.keep)
        if "clips" in options.only:
            seeds = clip_seeds(folder)
            outcomes["clips"] = attack(read_clip, _cases(seeds, options, options.clips), folder, options.keep)
        if "requests" in options.only:
            with running_app(options.model, folder) as (url, process):
                outcomes["requests"] = ask(url, process, options.requests, options.seed, options.first)
            log = (folder / "app.log").read_text(errors="replace")
            if "Traceback" in log:
                outcomes["requests"].broken.append(
                    f"the app's log has a traceback: {log[log.index('Traceback') :][:2000]}"
                )
    print(report(outcomes))
    problems = [f"{kind}: {problem}" for kind, outcome in outcomes.items() for problem in outcome.broken]
    for problem in problems[:50]:
        print(f"BROKEN: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz", description=__doc__.partition("\n\n")[2])
    parser.add_argument("--photos", type=int, default=1000, help="mutated photos (default: %(default)s)")
    parser.add_argument("--clips", type=int, default=300, help="mutated clips (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=300, help="mutated requests (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, help="some kinds (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of all cases (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="folder for the files of broken cases")
    parser.add_argument("--model", default=DEFAULT, help="checkpoint of the app (default: the bundled one)")
    return parser


def _cases(seeds: dict[str, bytes], options: argparse.Namespace, count: int) -> Iterator[tuple[str, bytes]]:
    """Named files, each of which follows from the seed and its number."""
    for number in range(options.first, options.first + count):
        name, data = mutated(seeds, np.random.default_rng([options.seed, number]))
        yield f"{number:05}-{name}", data


def read_photo(path: Path) -> str:
    """Read a photo; returns what came of it."""
    array = load_photo(path)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise AssertionError(f"read as {array.dtype} {array.shape}")
    return "read"


def read_clip(path: Path) -> str:
    """Read a clip frame by frame; returns what came of it."""
    clip = open_clip(path)
    last, count = -1.0, 0
    for _, seconds, frame in read_frames(clip):
        if seconds <= last or frame.shape != (clip.height, clip.width, 3):
            raise AssertionError(f"a frame {frame.shape} at {seconds} s after one at {last} s")
        last, count = seconds, count + 1
    if not count:
        raise AssertionError("a clip without a frame")
    return "read"


def attack(read: Read, cases: Iterator[tuple[str, bytes]], folder: Path, keep: Path | None = None) -> Outcome:
    """Let another process read file after file; one that dies or hangs is replaced.

    Args:
        read: a module's function; what it returns is counted, what it raises must be a sentence.
        cases: names and bytes of files.
        folder: where they are written, one at a time.
        keep: folder for those that are broken.
    """
    outcome, reader = Outcome(), _Reader(read)
    try:
        for name, data in tqdm(list(cases), read.__name__, disable=None):
            path = folder / name
            path.write_bytes(data)
            began = time.monotonic()
            what, problem, growth = reader.ask(path)
            outcome.add(what, time.monotonic() - began, f"{name}: {problem}" if problem else "")
            outcome.growth = max(outcome.growth, growth)
            if problem and keep:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / name).write_bytes(data)
            path.unlink()
    finally:
        reader.close()
    if outcome.growth > MAX_GROWTH:
        outcome.broken.append(f"memory grew by {outcome.growth / 1e6:.0f} MB")
    return outcome


class _Reader:
    """A process that reads files, started again when it is gone."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self._start()

    def _start(self) -> None:
        """Begin anew."""
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(self.read, other), daemon=True)
        self.process.start()
        other.close()
        self.pipe.recv()  # it is ready: starting does not count
        self.done, self.base = 0, 0

    def ask(self, path: Path) -> tuple[str, str, int]:
        """What came of a file, a problem or nothing, and the bytes by which memory has grown."""
        try:
            self.pipe.send(path)
            if self.pipe.poll(MAX_SECONDS):
                what, problem, memory = self.pipe.recv()
            else:
                what, problem, memory = "", f"no answer within {MAX_SECONDS:g} s", None
        except (EOFError, OSError):
            self.process.join(5)
            what, problem, memory = "", f"the process died (exit code {self.process.exitcode})", None
        if memory is None:
            self.close()
            self._start()
            return what, problem, 0
        self.done += 1
        self.base = memory if self.done <= WARM else self.base
        return what, problem, memory - self.base

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(read: Read, pipe: Connection) -> None:
    """Read the files that are named, and say what came of them."""
    process = psutil.Process()
    pipe.send("ready")
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        what, problem = "", ""
        try:
            what = read(path)
        except _REFUSALS as error:
            what, problem = "refused", unclear(str(error), path.name)
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is no sentence
            problem = f"{type(error).__name__}: {error}"
        pipe.send((what, problem, process.memory_info().rss))


def unclear(message: str, name: str = "") -> str:
    """What a refusal lacks to be one clear sentence about a file; nothing if it is one."""
    if not message.strip() or "\n" in message or len(message) > MAX_WORDS or "Traceback" in message:
        return f"no sentence: {message!r}"
    if name not in message:
        return f"does not name the file: {message!r}"
    return ""


def ask(url: str, process: psutil.Process | None, count: int, seed: int, first: int = 0) -> Outcome:
    """Send senseless requests to the running app.

    Args:
        url: of the app.
        process: whose memory is watched; None for no watching.
        count: number of requests.
        seed: of all requests.
        first: number of the first request.
    """
    outcome, base = Outcome(), 0
    with closing(RequestFuzz(url, EXAMPLE, MAX_SECONDS)) as fuzz:
        for number in tqdm(range(first, first + count), "requests", disable=None):
            began = time.monotonic()
            what, message, asked = fuzz.send(np.random.default_rng([seed, number]))
            problem = message if what == "broken" else unclear(message) if what == "refused" else ""
            outcome.add(what, time.monotonic() - began, f"request {number}, {asked}: {problem}" if problem else "")
            if process and number == first + WARM:
                base = process.memory_info().rss
    if process and base:
        outcome.growth = process.memory_info().rss - base
        if outcome.growth > MAX_GROWTH:
            outcome.broken.append(f"memory grew by {outcome.growth / 1e6:.0f} MB")
    return outcome


def report(outcomes: dict[str, Outcome]) -> str:
    """The figures, as a table of Markdown."""
    rows = ["| | cases | read or answered | refused | broken | slowest | memory grew by |", "| --- |" + " --- |" * 6]
    for kind, one in outcomes.items():
        right = one.counts["read"] + one.counts["answered"]
        figures = (one.counts.total(), right, one.counts["refused"], one.counts["broken"])
        numbers = " | ".join(map(str, figures))
        rows.append(f"| {kind} | {numbers} | {one.slowest:.1f} s | {one.growth / 1e6:.0f} MB |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
