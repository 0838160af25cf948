"""Fine-tune the two networks of a checkpoint together: ``python -m train.joint --checkpoint DIR --data DIR --run RUN``.

The paper trains the hourglass first and the fusion network on its fixed maps; here the error of the 3D pose reaches the
hourglass too, through its maps. The statistics of batch normalisation and the hardened fusion weights stay as they are.
Run the same command again to continue a run that was cut.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fusion_model.estimator import PoseEstimator
from train.command import run_command, training_parser
from train.engine.arguments import read_settings
from train.engine.checkpoints import is_released
from train.evaluation.card import STALE
from train.fusion_stage.joint import BothNetworks, make_loop, write_tuned
from train.settings import JointTrainConfig


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = training_parser(JointTrainConfig, __doc__, one_run=False)
    arguments.add_argument("--checkpoint", type=Path, required=True, help="folder to start from, left as it is")
    arguments.add_argument("--run", type=Path, required=True, help="folder of the run; an existing run is continued")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    settings, run = read_settings(JointTrainConfig, arguments), arguments.run
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu")
    module = BothNetworks(estimator.hourglass.float(), estimator.fusion_network.float()).requires_grad_()
    loop = make_loop(module, estimator, settings, arguments.data, run)
    loop.accelerator.print("resumed" if loop.resume() else "started", f"at step {loop.step} on {loop.device}")
    if loop.step >= settings.steps and is_released(run):
        loop.accelerator.print(f"finished before: {run / 'checkpoint'} is left as it is")
        return 0
    if not loop.run():
        return 1
    if loop.accelerator.is_main_process:
        folder = write_tuned(module.cpu(), estimator, arguments.checkpoint, run)
        print(f"checkpoint: {folder}")
        print(f"the confidence is still the old one's: python -m train.calibrate --data DIR --checkpoint {folder}")
        print(STALE.format(folder=folder))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
