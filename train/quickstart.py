"""From nothing to a small trained model that the page serves: ``python -m train.quickstart --out DIR``.

Renders people, trains a small hourglass and a fusion network on them, prunes, measures the result on rendered people
whose bodies and motions training never saw, and fits its confidence to them. Run the same command again to continue
where it was cut.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from fusion_model.checkpoints import read_metrics
from train.command import positive, run_command

# What ten minutes are spent on; --minutes scales the pictures and the steps alike.
PICTURES, HELD_OUT = 3000, 300
HOURGLASS_STEPS, FUSION_STEPS = 1500, 1000
_HOURGLASS = ("--batch", "48", "--lr", "3e-3", "--validate-every", "500")
_FUSION = ("--views", "3", "--validate-every", "500")
LONGEST_WARMUP = 300  # steps
LEAST_STEPS, LEAST_PICTURES = 4, 16  # so that the smallest budget still trains and measures


@dataclass(frozen=True)
class Stage:
    """One step of the way.

    Attributes:
        name: what is printed.
        commands: module of ``train`` and its arguments, one after another.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(
        prog="python -m train.quickstart", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    arguments.add_argument("--out", type=Path, required=True, help="folder of everything; an unfinished one goes on")
    arguments.add_argument(
        "--minutes", type=positive(float), default=10.0, help="rough budget on two idle processor cores"
    )
    arguments.add_argument("--seed", type=int, default=0, help="of pictures, weights and batches")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    out: Path = arguments.out
    _claim(out, {"minutes": arguments.minutes, "seed": arguments.seed})
    plan = stages(out, arguments.minutes, arguments.seed)
    done = _read(out / "stages.json")
    for number, stage in enumerate(plan, 1):
        if stage.name in done:
            print(f"{number}/{len(plan)} {stage.name}: done before")
            continue
        print(f"{number}/{len(plan)} {stage.name}", flush=True)
        began = time.perf_counter()
        for command in stage.commands:
            if status := _start(command):
                print(f"{stage.name} ended with status {status}; run the same command again to continue")
                return 1
        done[stage.name] = round(time.perf_counter() - began, 1)
        _write(out / "stages.json", done)
    print(summary(out, done))
    return 0


def stages(out: Path, minutes: float, seed: int) -> list[Stage]:
    """What is done, in order, for a budget of so many minutes."""
    scale = minutes / 10

    def steps(count: int) -> tuple[str, ...]:
        scaled = max(LEAST_STEPS, round(scale * count))
        return ("--steps", str(scaled), "--warmup", str(min(LONGEST_WARMUP, scaled // 3)))

    def pictures(count: int) -> str:
        return str(max(LEAST_PICTURES, round(scale * count)))

    data, hourglass = str(out / "data"), str(out / "hourglass")
    common = ("--data", data, "--preset", "small", "--seed", str(seed), "--save-every", "200", "--log", "csv")
    render = ("synthesize", "--out")
    held_out = ("--split", "validation", "--seed", str(seed + 1))
    return [
        Stage(
            "render people",
            (
                (*render, f"{data}/rendered", "--count", pictures(PICTURES), "--seed", str(seed)),
                (*render, f"{data}/held-out", "--count", pictures(HELD_OUT), *held_out),
            ),
        ),
        Stage(
            "train the hourglass",
            (("hourglass", *common, "--run", hourglass, *steps(HOURGLASS_STEPS), *_HOURGLASS),),
        ),
        Stage(
            "train the fusion network, prune and measure it",
            (
                (
                    "fusion",
                    *common,
                    "--run",
                    f"{out}/fusion",
                    "--hourglass",
                    hourglass,
                    *steps(FUSION_STEPS),
                    *_FUSION,
                ),
            ),
        ),
        Stage("fit the confidence", (("calibrate", "--data", data, "--checkpoint", f"{out}/fusion/checkpoint"),)),
    ]


def summary(out: Path, seconds: dict[str, float]) -> str:
    """The measured figures, and the commands that go on from here.

    The errors are those of everybody held out, in their true boxes, found or not.
    """
    checkpoint = out / "fusion" / "checkpoint"
    figures = read_metrics(checkpoint)["fusion"]
    pck = _read(out / "hourglass" / "best" / "figures.json")["mean"]
    ours, mean = (figures[name]["mpjpe"] for name in ("released", "mean pose"))
    word = "below" if ours < mean else "above"
    lines = [
        f"{figures['released']['n']} held-out rendered people in their true boxes:",
        f"  mean pose  MPJPE {mean:6.1f} mm",
        f"  ours       MPJPE {ours:6.1f} mm  ({100 * abs(1 - ours / mean):.1f} % {word} the mean pose)",
        f"  2D         PCK@0.2 {pck:5.1f} %",
        *(f"{taken:7.1f} s  {name}" for name, taken in seconds.items()),
        f"{sum(seconds.values()):7.1f} s  in all",
        "serve it:",
        f"  FUSION_POSE_MODEL={shlex.quote(str(checkpoint))} python app.py",
        "train longer, in another folder:",
        f"  python -m train.quickstart --out {shlex.quote(str(out) + '-longer')} --minutes 120",
    ]
    return "\n".join(lines)


def _claim(out: Path, settings: dict[str, float]) -> None:
    """Make the folder; refuse one that was begun with other settings."""
    path = out / "quickstart.json"
    if (begun := _read(path)) and begun != settings:
        raise ValueError(f"{out} was begun with {begun}, not {settings}: choose another --out, or the same settings")
    out.mkdir(parents=True, exist_ok=True)
    _write(path, settings)


def _start(command: tuple[str, ...]) -> int:
    """Run a command of ``train`` in a process of its own, its bar in sight; returns its exit status.

    Whoever stops this process stops that one: it is told to save and end, and waited for.
    """
    name, *rest = command
    running: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        for process in running:
            process.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", f"train.{name}", *rest],
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no other thread here
        )
        running.append(process)
        if asked:
            process.terminate()
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_with_parent() -> None:
    """Let the system send SIGTERM to this process when the one that started it dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _write(path: Path, content: dict) -> None:
    """Replace the file at once, so that a cut never leaves half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
