"""From nothing to a small trained model that the page serves: ``python -m train.quickstart --out DIR``.

Renders people, trains a small hourglass and a fusion network on them, prunes, calibrates and measures the result on
rendered people whose bodies and motions training never saw. Run the same command again to continue where it was cut.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from train.command import positive, run_command

# What ten minutes are spent on; --minutes scales the pictures and the steps alike.
PICTURES, HELD_OUT = 2400, 300
HOURGLASS_STEPS, FUSION_STEPS = 1500, 1500
INPUT_SIZE = 64  # pixels of a crop: a quarter of the work of the preset's 128
LEAST_STEPS, LEAST_PICTURES = 4, 16  # so that the smallest budget still trains, fits and measures


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

    def steps(count: int) -> str:
        return str(max(LEAST_STEPS, round(scale * count)))

    def pictures(count: int) -> str:
        return str(max(LEAST_PICTURES, round(scale * count)))

    data, run = str(out / "data"), str(out / "fusion")
    common = ("--data", data, "--input-size", str(INPUT_SIZE), "--seed", str(seed), "--save-every", "200")
    common += ("--validate-every", "500", "--log", "csv")
    render = ("synthesize", "--seed")
    return [
        Stage(
            "render people",
            (
                (*render, str(seed), "--out", f"{data}/rendered", "--count", pictures(PICTURES)),
                (
                    *render, str(seed + 1), "--out", f"{data}/held-out", "--count", pictures(HELD_OUT),
                    "--split", "validation",
                ),
            ),
        ),
        Stage(
            "train the hourglass",
            (("hourglass", *common, "--run", f"{out}/hourglass", "--steps", steps(HOURGLASS_STEPS)),),
        ),
        Stage(
            "train the fusion network, prune",
            (
                (
                    "fusion", *common, "--run", run, "--hourglass", f"{out}/hourglass", "--views", "2",
                    "--steps", steps(FUSION_STEPS),
                ),
            ),
        ),
        Stage("calibrate", (("calibrate", "--data", data, "--checkpoint", f"{run}/checkpoint"),)),
        Stage(
            "measure",
            (("evaluate", "--data", data, "--checkpoint", f"{run}/checkpoint", "--out", f"{out}/figures.json"),),
        ),
    ]  # fmt: skip


def summary(out: Path, seconds: dict[str, float]) -> str:
    """Puts the checkpoint at ``out/checkpoint``; the measured figures and the commands that go on from here."""
    checkpoint = out / "checkpoint"
    shutil.copytree(out / "fusion" / "checkpoint", checkpoint, dirs_exist_ok=True)
    figures = _read(out / "figures.json")
    people, found = figures["true box"]["synthetic"], figures["rendered 3D"]["all"]
    ours, mean = found["model"]["mpjpe"], found["mean_pose"]["mpjpe"]
    lines = [
        f"held-out rendered people: {people['n']}, of whom {found['missed']['n']} were not found",
        f"  mean pose  MPJPE {mean:6.1f} mm",
        f"  ours       MPJPE {ours:6.1f} mm  ({100 * (1 - ours / mean):.1f} % below the mean pose)",
        f"  2D         PCK@0.2 {people['pck']:5.1f} %",
        *(f"  {name:32} {taken:7.1f} s" for name, taken in seconds.items()),
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
    """Run a command of ``train`` in a process of its own, its bar in sight; returns its exit status."""
    name, *rest = command
    return subprocess.run([sys.executable, "-m", f"train.{name}", *rest], check=False).returncode  # noqa: S603 - our own commands


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _write(path: Path, content: dict) -> None:
    """Replace the file at once, so that a cut never leaves half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
