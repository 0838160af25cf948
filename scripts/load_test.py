"""Many clients at once against the running app: ``python -m scripts.load_test``.

Starts the app in a process of its own. Every client has its own variant of the example photo, whose answer the library
gives beforehand; every fourth request is a bad file. The exit code is 1 if a request gets no answer, or the answer or
error of another photo, or if memory grows by more than 10 % after the first minute.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError
from PIL import Image, ImageOps
from tqdm import tqdm

from fusion_model import NoPersonError, Pose, PoseEstimator
from fusion_model.hub.checkpoints import DEFAULT, locate_checkpoint

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "assets" / "examples" / "hopper.jpg"
PERSON = (20, 14, 362, 511)  # of the example, in pixels
TOLERANCE = 1.0  # pixels and millimetres
MAX_GROWTH = 0.10
MIN_MEMORY_SECONDS = 90.0  # a shorter run says nothing about memory
START_SECONDS, PATIENCE_SECONDS = 120.0, 180.0
ROUND = 4  # requests: one of them with a box, one a bad file


@dataclass(frozen=True)
class Request:
    """A request of a client, and the answer that it expects.

    Attributes:
        photo: the file.
        box: x0, y0, x1, y1 in pixels; None lets the app find the person.
        expected: (17, 5) x, y in pixels and x, y, z in mm, or a part of the error message.
    """

    photo: Path
    box: tuple[float, ...] | None
    expected: np.ndarray | str


@dataclass
class Tally:
    """The counts of a run; several clients write into it.

    Attributes:
        right: how many answers were right.
        refusals: how many right errors there were, by kind.
        full: how often the queue was full and a client tried again.
        broken: a sentence for each answer that was wrong or lost.
        latencies: seconds from the first try to the end of each request.
        memory: time since the start in seconds and resident bytes of the server.
    """

    right: int = 0
    refusals: collections.Counter[str] = field(default_factory=collections.Counter)
    full: int = 0
    broken: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        plans = make_plans(PoseEstimator.from_pretrained(options.model), Path(name), options.clients)
        if problem := too_alike(plans):
            print(problem, file=sys.stderr)
            return 1
        with running_app(options.model, Path(name)) as (url, process):
            tally = drive(url, process, plans, options.seconds)
    problems = [*tally.broken, *memory_problems(tally, options.seconds)]
    print(report(tally, options.clients, options.seconds))
    for problem in problems[:20]:
        print(f"BROKEN: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m scripts.load_test", description=__doc__.partition("\n\n")[2])
    parser.add_argument("--clients", type=_positive(int), default=32, help="clients at once (default: %(default)s)")
    parser.add_argument("--seconds", type=_positive(float), default=120.0, help="how long (default: %(default)s)")
    parser.add_argument("--model", default=DEFAULT, help="checkpoint folder (default: the bundled one)")
    return parser


def _positive(kind: type) -> Any:
    """A converter that refuses zero and less."""

    def convert(text: str) -> Any:
        value = kind(text)
        if not 0 < value < 1e6:
            raise ValueError(text)
        return value

    convert.__name__ = f"positive {kind.__name__}"
    return convert


def make_plans(estimator: PoseEstimator, folder: Path, clients: int) -> list[list[Request]]:
    """The requests of each client, which it repeats; files are written to ``folder``."""
    example = Image.open(EXAMPLE).convert("RGB")
    return [_plan(estimator, folder, number, example) for number in tqdm(range(clients), "right answers", disable=None)]


def _plan(estimator: PoseEstimator, folder: Path, number: int, example: Image.Image) -> list[Request]:
    """Own photo, the same with a box, own photo, a bad file; four times, for there are four kinds of bad files."""
    image, (x0, y0, x1, y1) = example, PERSON
    if number % 2:
        image, x0, x1 = ImageOps.mirror(example), example.width - 1 - x1, example.width - 1 - x0
    dx, dy = 8 * (number % 8), 8 * (number // 8)
    canvas = Image.new("RGB", (example.width + dx, example.height + dy), (110, 110, 110))
    canvas.paste(image, (dx, dy))
    path = folder / f"client{number:03}.png"
    canvas.save(path, compress_level=1)
    box = (x0 + dx, y0 + dy, x1 + dx, y1 + dy)
    found, boxed = (Request(path, one, _answer(estimator, path, one)) for one in (None, box))
    bad = _bad_files(folder, number, example)
    bad = bad[number % 4 :] + bad[: number % 4]
    return [request for one in bad for request in (found, boxed, found, one)]


def _bad_files(folder: Path, number: int, example: Image.Image) -> list[Request]:
    """One file of each kind; the error must name it."""
    paths = {name: folder / f"client{number:03}-{name}" for name in ("text.jpg", "cut.jpg", "empty.jpg", "tiny.png")}
    paths["text.jpg"].write_text(f"Shopping list of client {number}: milk, bread", encoding="utf-8")
    example.save(paths["cut.jpg"], comment=f"client {number}".encode())  # else all would be one cached file
    paths["cut.jpg"].write_bytes(paths["cut.jpg"].read_bytes()[:20_000])
    paths["empty.jpg"].touch()
    Image.new("RGB", (8, 8), (number % 256, 0, 0)).save(paths["tiny.png"])
    errors = {"text.jpg": "is not a photo", "cut.jpg": "is damaged or cut off", "empty.jpg": "is an empty file",
              "tiny.png": "is 8 x 8 pixels"}  # fmt: skip
    return [Request(path, None, f"{path.name} {errors[name]}") for name, path in paths.items()]


def _answer(estimator: PoseEstimator, path: Path, box: tuple[float, ...] | None) -> np.ndarray | str:
    """The answer of the library."""
    try:
        pose: Pose = estimator(path, box=box)
    except NoPersonError as error:
        return str(error)
    return joints_of(pose.to_dict())


def joints_of(answer: dict[str, Any]) -> np.ndarray:
    """Pixels and millimetres (17, 5) of a fusion-pose/1."""
    return np.array([[*joint["pixel"], *joint["position_mm"]] for joint in answer["joints"]])


def too_alike(plans: Sequence[Sequence[Request]]) -> str:
    """A sentence if two clients expect answers that could not be told apart, else nothing."""
    answers = [[one.expected for one in plan if one.box and not isinstance(one.expected, str)] for plan in plans]
    if not all(answers):
        return "the model finds no person in the example photo, even in the box: no answer could be checked"
    for one, other in itertools.combinations((mine[0] for mine in answers), 2):
        if np.abs(one - other).max() < 4 * TOLERANCE:
            return "two clients expect the same answer: a mix-up could not be noticed"
    return ""


def check_answer(request: Request, outcome: dict[str, Any] | AppError) -> str:
    """A sentence if the answer or the error is not that of the request, else nothing."""
    name = request.photo.name
    if isinstance(outcome, AppError):
        if isinstance(request.expected, str) and request.expected in str(outcome):
            return ""
        return f"{name}: the error {str(outcome)!r} is not its own"
    if isinstance(request.expected, str):
        return f"{name}: an answer where an error was due"
    apart = np.abs(joints_of(outcome) - request.expected).max()
    return "" if apart <= TOLERANCE else f"{name}: the answer is {apart:.1f} px or mm from its own"


@contextmanager
def running_app(model: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The app in a process of its own; gives its address and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "FUSION_POSE_MODEL": str(locate_checkpoint(model).folder.resolve()),
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
    }
    log = folder / "app.log"
    with log.open("w") as stream:
        command = [sys.executable, "app.py"]
        app = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT)  # noqa: S603
        try:
            url = f"http://127.0.0.1:{port}/"
            _wait(url, app, log)
            yield url, psutil.Process(app.pid)
        finally:
            app.terminate()
            app.wait(timeout=30)


def _wait(url: str, app: subprocess.Popen[bytes], log: Path) -> None:
    """Until the app answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and app.poll() is None:
        with suppress(httpx.HTTPError):
            httpx.get(url, timeout=5).raise_for_status()
            return
        time.sleep(0.5)
    raise SystemExit(f"the app did not start within {START_SECONDS:g} s:\n{log.read_text()[-2000:]}")


def drive(url: str, process: psutil.Process, plans: Sequence[Sequence[Request]], seconds: float) -> Tally:
    """All clients at once for some seconds; requests under way then are waited for."""
    tally = Tally()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # the argument alone does not stop the client's report
    patient = {"timeout": PATIENCE_SECONDS}  # a client's own are 5 s, which an upload to a busy machine may take
    clients = [Client(url, verbose=False, analytics_enabled=False, httpx_kwargs=dict(patient)) for _ in plans]
    began = time.monotonic()
    threads = [
        threading.Thread(target=_repeat, args=(client, plan, began + seconds, tally))
        for client, plan in zip(clients, plans, strict=True)
    ]
    for thread in threads:
        thread.start()
    with tqdm(total=round(seconds), desc="serving", unit="s", disable=None) as bar:
        while any(thread.is_alive() for thread in threads):
            now = time.monotonic() - began
            tally.memory.append((now, _resident(process)))
            bar.update(min(round(now), bar.total) - bar.n)
            time.sleep(1)
    return tally


def _resident(process: psutil.Process) -> int:
    """Resident bytes of the app and its children."""
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def _repeat(client: Client, plan: Sequence[Request], end: float, tally: Tally) -> None:
    """One client: a request after the other, and to the end of a round, so that each has sent its bad file."""
    for number, request in enumerate(itertools.cycle(plan)):
        if number % ROUND == 0 and time.monotonic() >= end:
            return
        _send(client, request, tally)


def _send(client: Client, request: Request, tally: Tally) -> None:
    """One request, tried again while the queue is full, whose answer is checked."""
    began, pause = time.monotonic(), random.Random(request.photo.name)
    box = list(request.box) if request.box else None
    problem = f"{request.photo.name}: the queue stayed full for {PATIENCE_SECONDS:g} s"
    while time.monotonic() - began < PATIENCE_SECONDS:
        try:
            job = client.submit(handle_file(request.photo), box, api_name="/estimate_pose")
            problem = check_answer(request, job.result(timeout=PATIENCE_SECONDS))
        except QueueError:
            with tally.lock:
                tally.full += 1
            time.sleep(pause.uniform(0.5, 1.5))
            continue
        except AppError as error:
            problem = check_answer(request, error)
        except Exception as error:  # noqa: BLE001  # whatever it is, there was no answer
            problem = f"{request.photo.name}: no answer ({type(error).__name__}: {error})"
        break
    with tally.lock:
        tally.latencies.append(time.monotonic() - began)
        if problem:
            tally.broken.append(problem)
        elif isinstance(request.expected, str):
            tally.refusals[request.expected.partition(" ")[2]] += 1
        else:
            tally.right += 1


def memory_at(tally: Tally, seconds: float) -> float:
    """Median resident megabytes of the five seconds up to a moment."""
    near = [size for moment, size in tally.memory if seconds - 5 <= moment <= seconds]
    return statistics.median(near or [tally.memory[0][1]]) / 1e6


def memory_problems(tally: Tally, seconds: float) -> list[str]:
    """A sentence if the server has grown."""
    first, last = memory_at(tally, 60), memory_at(tally, tally.memory[-1][0])
    if seconds < MIN_MEMORY_SECONDS or last <= (1 + MAX_GROWTH) * first:
        return []
    return [f"memory grew from {first:.0f} MB after a minute to {last:.0f} MB at the end"]


def report(tally: Tally, clients: int, seconds: float) -> str:
    """The figures, as a table of Markdown."""
    count, took = len(tally.latencies), tally.memory[-1][0]
    median, high = np.percentile(tally.latencies, (50, 95))
    rows = [
        ("clients", f"{clients}"),
        ("seconds", f"{seconds:g}"),
        ("requests", f"{count}"),
        ("right answers", f"{tally.right}"),
        *((f"right errors: {kind}", f"{number}") for kind, number in sorted(tally.refusals.items())),
        ("wrong or lost", f"{len(tally.broken)}"),
        ("queue full, tried again", f"{tally.full}"),
        ("answers and errors per second", f"{count / took:.2f}"),
        ("latency, median", f"{median:.2f} s"),
        ("latency, 95 %", f"{high:.2f} s"),
    ]
    if seconds >= MIN_MEMORY_SECONDS:
        rows.append(("server's memory after a minute", f"{memory_at(tally, 60):.0f} MB"))
    rows.append(("server's memory at the end", f"{memory_at(tally, took):.0f} MB"))
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


if __name__ == "__main__":
    sys.exit(main())
