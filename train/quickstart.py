"""From nothing to a small trained model that the page serves: ``python -m train.quickstart --out DIR``.

Renders plain pictures of people (one in each, whole, on their feet), trains a small hourglass and a fusion network on
them, prunes, measures the result on such people whose bodies and motions training never saw, and fits its confidence to
them. Run the same command again to continue where it was cut.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from fusion_model.hub.checkpoints import read_metrics
from train.command import new_parser, run_command
from train.engine.arguments import at_least, positive
from train.engine.run_files import check_settings, read_json
from train.recipes import CONFIGS_FOLDER, Choices, Recipe, run_stages

VERSION = 3  # of the choices in configs/quickstart.toml: a folder begun with others is refused


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("quickstart", __doc__)
    arguments.add_argument("--out", type=Path, required=True, help="folder of everything; an unfinished one goes on")
    arguments.add_argument("--minutes", type=positive(float), default=10.0, help="about, on two idle processor cores")
    arguments.add_argument("--seed", type=at_least(0, int), default=0, help="of pictures, weights and batches")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    out: Path = arguments.out
    check_settings(out, "quickstart.json", {"version": VERSION, "minutes": arguments.minutes, "seed": arguments.seed})
    choices = Choices(out / "data", out, scale=arguments.minutes / 10, seed=arguments.seed)
    done = run_stages(Recipe.read(CONFIGS_FOLDER / "quickstart.toml").stages(choices), out)
    if done is None:
        return 1
    print(summary(out, done))
    return 0


def summary(out: Path, seconds: dict[str, float]) -> str:
    """The measured figures, of all people held out in their true boxes, and the command that goes on from here."""
    checkpoint = out / "fusion" / "checkpoint"
    figures = read_metrics(checkpoint)["fusion"]
    pck = read_json(out / "hourglass" / "best" / "figures.json")["mean"]
    ours, mean = (figures[name]["mpjpe"] for name in ("released", "mean pose"))
    return "\n".join(
        (
            f"{figures['released']['n']} held-out rendered people in their true boxes:",
            f"  mean pose  MPJPE {mean:6.1f} mm",
            f"  ours       MPJPE {ours:6.1f} mm  ({abs(1 - ours / mean):.1%} {'below' if ours < mean else 'above'} it)",
            f"  2D         PCK@0.2 {pck:5.1f} %",
            *(f"{taken:7.1f} s  {name}" for name, taken in seconds.items()),
            f"{sum(seconds.values()):7.1f} s  in all; serve it:",
            f"  FUSION_POSE_MODEL={shlex.quote(str(checkpoint))} python app.py",
        )
    )


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
