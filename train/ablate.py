"""Compare the ways of merging: ``python -m train.ablate --data DIR --hourglass RUN --out DIR``.

Every strategy is trained for the same steps, from the same seeds, on the same crops. The paper's tables are written
with means and standard deviations: Table 5 (the strategies) and Table 6 of its appendix (the sigmoid with its sharpness
term against free weights). Run the same command again to continue one that was cut: what is finished is not repeated.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fusion_model.hub.strategies import COMPARED
from train.analysis.ablation import STRATEGIES, Ablation, write_report
from train.command import run_command, training_parser
from train.engine.arguments import at_least, read_settings
from train.settings import AblationConfig


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = training_parser(AblationConfig, __doc__, one_run=False)
    arguments.add_argument("--hourglass", type=Path, required=True, help="run, checkpoint or safetensors file")
    arguments.add_argument("--out", type=Path, required=True, help="folder of the runs, their samples and the tables")
    arguments.add_argument(
        "--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES), help="rows of the table"
    )
    arguments.add_argument(
        "--seeds", nargs="+", type=at_least(0, int), default=[0, 1, 2], help="of weights, batches, augmentation"
    )
    arguments.add_argument(
        "--beta", nargs="+", default=[], metavar="K", help="fixed merging layers as further rows; 'all': each one"
    )
    arguments.add_argument(
        "--checkpoints", action="store_true", help="keep each run's network as a checkpoint that train.evaluate reads"
    )
    arguments.add_argument(
        "--networks",
        type=Path,
        metavar="FOLDER",
        help=f"write the first seed's {', '.join(COMPARED)} there, which the page compares; needs --checkpoints",
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    ablation = Ablation(read_settings(AblationConfig, arguments), arguments)
    if not ablation.run():
        return 1
    if ablation.accelerator.is_main_process:
        print(write_report(arguments.out, ablation.results()))
        if arguments.networks:
            print(f"networks: {ablation.write_networks(arguments.networks)}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
