"""Compare the ways of merging: ``python -m train.ablate --data DIR --hourglass RUN --out DIR``.

Every strategy is trained for the same steps, from the same seeds, on the same crops. The paper's tables are written
with means and standard deviations: Table 5 (the strategies), Table 6 of its appendix (the sigmoid with its sharpness
term against free weights) and, with --stages, the remark of section 3.2 (stacked against single-stage hourglass). Run
the same command again to continue one that was cut: what is finished is not repeated.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train.ablation.report import write_report
from train.ablation.runs import STRATEGIES, Ablation
from train.command import common_arguments, new_parser, run_command
from train.engine.arguments import positive
from train.fusion_stage.training import fusion_arguments


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("ablate", __doc__)
    common_arguments(arguments, batch=64, learning_rate=1e-3, one_run=False)
    fusion_arguments(arguments)
    arguments.add_argument("--out", type=Path, required=True, help="folder of the runs, their samples and the tables")
    arguments.add_argument(
        "--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES), help="rows of the table"
    )
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of weights, batches, augmentation")
    arguments.add_argument(
        "--beta", nargs="+", default=[], metavar="K", help="fixed merging layers as further rows; 'all': each one"
    )
    arguments.add_argument(
        "--stages", action="store_true", help="also train on the maps of the hourglass's first stack alone"
    )
    arguments.add_argument(
        "--checkpoints", action="store_true", help="keep each run's network as a checkpoint that train.evaluate reads"
    )
    arguments.add_argument(
        "--people", type=positive(int), help="training people at most, evenly over the data (default: all)"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    ablation = Ablation(arguments)
    if not ablation.run():
        return 1
    if ablation.accelerator.is_main_process:
        print(write_report(arguments.out, ablation.results(), ablation.config.fusion))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
