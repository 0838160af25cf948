"""Draw what a run of ``train.fusion`` has learnt: ``python -m train.analyse RUN --data DIR``.

Figure 5 (alpha, beta and every w_l over the iterations), Figure 7 (squared correlations of the two streams), what each
input is worth (errors with the photo blanked, or with another person's photo or maps) and sheets of people as Figures 4
and 6, with report.md that shows them together. Run it again to make any of it anew; every file is replaced as a whole.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train.analysis.held_out import check_run
from train.analysis.parts import PARTS, Analysis
from train.command import new_parser, run_command
from train.engine.arguments import positive


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("analyse", __doc__)
    arguments.add_argument("run", type=Path, help="folder of a run of train.fusion")
    arguments.add_argument("--data", type=Path, help="folder of data sets; figure5 alone does without")
    arguments.add_argument("--out", type=Path, help="folder to write into (default: RUN/analysis)")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to make")
    arguments.add_argument("--images", type=positive(int), default=128, help="validation images of figure7")
    arguments.add_argument("--people", type=positive(int), default=6, help="people on a sheet")
    arguments.add_argument("--without-photos", action="store_true", help="sheets of photos show maps and poses alone")
    arguments.add_argument("--seed", type=int, default=0, help="of the choice of images")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    check_run(arguments.run)
    needy = [name for name in arguments.only if name != "figure5"]
    if needy and arguments.data is None:
        raise ValueError(f"{', '.join(needy)} need --data, the folder of data sets (or choose --only figure5)")
    analysis = Analysis(arguments)
    made = [analysis.make(name) for name in PARTS if name in arguments.only]
    print(f"report: {analysis.out / 'report.md'}")
    return 0 if any(made) else 1


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
