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
from train.engine.arguments import positive
from train.engine.run_files import check_settings, read_json
from train.recipes.stages import Stage, run_stages

# Of --minutes 10, which scales the pictures and the steps alike; how long that takes on slow cores is in RESULTS.md.
PICTURES, HELD_OUT, PICTURE_SIZE = 2500, 300, 128
HOURGLASS_STEPS, FUSION_STEPS = 2000, 1000
_COMMON = ("--preset", "small", "--augment", "narrow", "--save-every", "200", "--log", "csv")
_HOURGLASS = ("--batch", "32", "--lr", "8e-3", "--validate-every", "500")
_FUSION = ("--crops", "3", "--soft-fraction", "0.1", "--validate-every", "500")
VERSION = 3  # of these choices: a folder begun with others is refused
MAX_WARMUP = 300  # steps
MIN_STEPS, MIN_PICTURES = 4, 16  # so that the fewest minutes still train and measure


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("quickstart", __doc__)
    arguments.add_argument("--out", type=Path, required=True, help="folder of everything; an unfinished one goes on")
    arguments.add_argument("--minutes", type=positive(float), default=10.0, help="about, on two idle processor cores")
    arguments.add_argument("--seed", type=int, default=0, help="of pictures, weights and batches")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    out: Path = arguments.out
    check_settings(out, "quickstart.json", {"version": VERSION, "minutes": arguments.minutes, "seed": arguments.seed})
    done = run_stages(stages(out, arguments.minutes, arguments.seed), out)
    if done is None:
        return 1
    print(summary(out, done))
    return 0


def stages(out: Path, minutes: float, seed: int) -> list[Stage]:
    """What is done, in order, in about so many minutes."""
    scale = minutes / 10

    def steps(count: int) -> tuple[str, ...]:
        scaled = max(MIN_STEPS, round(scale * count))
        return ("--steps", str(scaled), "--warmup", str(min(MAX_WARMUP, scaled // 3)))

    def pictures(count: int) -> str:
        return str(max(MIN_PICTURES, round(scale * count)))

    data, hourglass = str(out / "data"), str(out / "hourglass")
    common = ("--data", data, "--seed", str(seed), *_COMMON)
    render = ("synthesize", "--plain", "--size", str(PICTURE_SIZE), "--out")
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
            "train the hourglass", (("hourglass", *common, "--run", hourglass, *steps(HOURGLASS_STEPS), *_HOURGLASS),)
        ),
        Stage(
            "train the fusion network, prune and measure it",
            (("fusion", *common, "--run", f"{out}/fusion", "--hourglass", hourglass, *steps(FUSION_STEPS), *_FUSION),),
        ),
        Stage("fit the confidence", (("calibrate", "--data", data, "--checkpoint", f"{out}/fusion/checkpoint"),)),
    ]


def summary(out: Path, seconds: dict[str, float]) -> str:
    """The measured figures, and the commands that go on from here.

    The errors are those of all people held out, in their true boxes, detected or not.
    """
    checkpoint = out / "fusion" / "checkpoint"
    figures = read_metrics(checkpoint)["fusion"]
    pck = read_json(out / "hourglass" / "best" / "figures.json")["mean"]
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


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
