"""Many clients and pages at once against the running app: ``python -m scripts.load_test``.

Starts the app in a process of its own. Every client has its own variant of the example photo, whose answer the library
gives beforehand; every fourth request is a bad file. A visitor opens page after page in Chromium, uploads a photo to
every second one and looks at the people in it. The exit code is 1 if a request or a page gets no answer, or the answer
or error of another photo, or if the server's memory grows by more than 200 MB after the first ten of each.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError
from PIL import Image
from tqdm import tqdm

from demo.memory import TRIM_SECONDS
from fusion_model import PoseEstimator
from fusion_model.hub.checkpoints import DEFAULT, locate_checkpoint
from scripts.chromium import MISSING, find_chromium
from scripts.load_pages import Visit, make_visits, visit_all
from scripts.load_requests import Request, check_answer, make_plans, too_alike

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "assets" / "examples" / "hopper.jpg"
FIRST = 10  # requests, and pages: memory may not grow much after them
MAX_GROWTH = 200_000_000  # bytes
REST_SECONDS = 1.5 * TRIM_SECONDS  # of the server, before its memory is read
START_SECONDS, PATIENCE_SECONDS = 120.0, 180.0


@dataclass
class Tally:
    """The counts of a run; clients and visitors write into it.

    Attributes:
        right: how many answers were right.
        refusals: how many right errors there were, by kind.
        full: how often the queue was full and a client tried again.
        broken: a sentence for each answer that was wrong or lost.
        latencies: seconds from the first try to the end of each request.
        pages: how many pages were opened.
        memory: resident bytes of the server at rest: after the first requests and pages, and at the end.
        seconds: how long requests and pages took.
    """

    right: int = 0
    refusals: collections.Counter[str] = field(default_factory=collections.Counter)
    full: int = 0
    broken: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    pages: int = 0
    memory: list[int] = field(default_factory=list)
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    if find_chromium() is None:
        print(MISSING, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        estimator, example = PoseEstimator.from_pretrained(options.model), Image.open(EXAMPLE).convert("RGB")
        plans = make_plans(estimator, Path(name), example, options.clients)
        if problem := too_alike(plans):
            print(problem, file=sys.stderr)
            return 1
        visits = make_visits(estimator, Path(name), example)
        with running_app(options.model, Path(name)) as (url, process):
            tally = drive(url, process, plans, visits, options.requests, options.pages)
    problems = [*tally.broken, *memory_problems(tally)]
    print(report(tally, options.clients))
    for problem in problems[:20]:
        print(f"BROKEN: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m scripts.load_test", description=__doc__.partition("\n\n")[2])
    parser.add_argument("--clients", type=_count, default=32, help="clients at once (default: %(default)s)")
    parser.add_argument("--requests", type=_count, default=500, help="of all clients (default: %(default)s)")
    parser.add_argument("--pages", type=_count, default=100, help="opened beside them (default: %(default)s)")
    parser.add_argument("--model", default=DEFAULT, help="checkpoint folder (default: the bundled one)")
    return parser


def _count(text: str) -> int:
    """A whole number above zero."""
    if not 0 < int(text) < 1e6:
        raise ValueError(text)
    return int(text)


_count.__name__ = "positive number"  # as argparse's message calls it


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


def drive(
    url: str,
    process: psutil.Process,
    plans: Sequence[Sequence[Request]],
    visits: Sequence[Visit],
    requests: int,
    pages: int,
) -> Tally:
    """All clients and a visitor at once: the first requests and pages, after which memory is read, and the rest."""
    tally = Tally()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # the argument alone does not stop the client's report
    patient = {"timeout": PATIENCE_SECONDS}  # a client's own are 5 s, which an upload to a busy machine may take
    clients = [
        (Client(url, verbose=False, analytics_enabled=False, httpx_kwargs=dict(patient)), itertools.cycle(plan))
        for plan in plans
    ]
    visitors = itertools.cycle(visits)
    first = min(FIRST, requests), min(FIRST, pages)
    with tqdm(total=requests + pages, desc="serving", disable=None) as bar:
        for some_requests, some_pages in (first, (requests - first[0], pages - first[1])):
            began, tickets = time.monotonic(), iter(range(some_requests))
            threads = [threading.Thread(target=_repeat, args=(*one, tickets, tally, bar)) for one in clients]
            some_visits = itertools.islice(visitors, some_pages)
            threads.append(threading.Thread(target=_visit, args=(url, some_visits, tally, bar)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            tally.seconds += time.monotonic() - began
            time.sleep(REST_SECONDS)
            tally.memory.append(_resident(process))
    return tally


def _resident(process: psutil.Process) -> int:
    """Resident bytes of the app and its children."""
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def _repeat(client: Client, plan: Iterator[Request], tickets: Iterator[int], tally: Tally, bar: tqdm) -> None:
    """One client: a request after the other while there are tickets, which all clients draw."""
    for _ in tickets:
        _send(client, next(plan), tally)
        bar.update()


def _visit(url: str, visits: Iterator[Visit], tally: Tally, bar: tqdm) -> None:
    """One visitor: a page after the other."""

    def done(problem: str) -> None:
        with tally.lock:
            tally.pages += 1
            tally.broken += [problem] if problem else []
        bar.update()

    try:
        visit_all(url, visits, done)
    except Exception as error:  # noqa: BLE001  # whatever it is, pages were not opened
        tally.broken.append(f"the browser failed: {error}")


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


def memory_problems(tally: Tally) -> list[str]:
    """A sentence if the server has grown."""
    first, last = tally.memory
    if last - first <= MAX_GROWTH:
        return []
    return [f"memory grew from {first / 1e6:.0f} MB after the first {FIRST} to {last / 1e6:.0f} MB at the end"]


def report(tally: Tally, clients: int) -> str:
    """The figures, as a table of Markdown."""
    count, (first, last) = len(tally.latencies), tally.memory
    median, high = np.percentile(tally.latencies, (50, 95))
    rows = [
        ("clients", f"{clients}"),
        ("seconds", f"{tally.seconds:.0f}"),
        ("requests", f"{count}"),
        ("right answers", f"{tally.right}"),
        *((f"right errors: {kind}", f"{number}") for kind, number in sorted(tally.refusals.items())),
        ("pages", f"{tally.pages}"),
        ("wrong or lost", f"{len(tally.broken)}"),
        ("queue full, tried again", f"{tally.full}"),
        ("answers and errors per second", f"{count / tally.seconds:.2f}"),
        ("latency, median", f"{median:.2f} s"),
        ("latency, 95 %", f"{high:.2f} s"),
        (f"server's memory after the first {FIRST} requests and pages", f"{first / 1e6:.0f} MB"),
        ("server's memory at the end", f"{last / 1e6:.0f} MB"),
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


if __name__ == "__main__":
    sys.exit(main())
