"""Fine-tune the two networks of a checkpoint together: ``python -m train.joint --checkpoint DIR --data DIR --run RUN``.

The paper trains the hourglass first and the fusion network on its fixed maps; here the error of the 3D pose reaches the
hourglass too, through its maps. The statistics of batch normalisation and the hardened fusion weights stay as they are.
Run the same command again to continue a run that was cut.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from fusion_model.crop_inference import fusion_inputs
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import CARD_FILE
from train.command import run_command, training_parser
from train.data.augment import AUGMENT_POSES, random_crops, target_maps, turned_poses
from train.data.people import People
from train.data.sampling import draw_local, sampling_weights
from train.data.sources import find_people
from train.engine.arguments import read_settings
from train.engine.checkpoints import is_released
from train.engine.loop import Loop
from train.evaluation.card import STALE
from train.fusion_stage.pose_figures import pose_figures
from train.fusion_stage.samples import SampleSettings, build_samples
from train.fusion_stage.training import predict
from train.hourglass_stage import SIGMA, maps_pck
from train.losses import fusion_loss, heatmap_loss
from train.settings import JointTrainConfig


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = training_parser(JointTrainConfig, __doc__, one_run=False)
    arguments.add_argument("--checkpoint", type=Path, required=True, help="folder to start from, left as it is")
    arguments.add_argument("--run", type=Path, required=True, help="folder of the run; an existing run is continued")
    return arguments


_AUGMENT = AUGMENT_POSES["wide"]


class BothNetworks(nn.Module):
    """Hourglass and fusion network in one, so that gradients go through the maps.

    Args:
        hourglass: trained.
        fusion: trained on its maps.
    """

    def __init__(self, hourglass: StackedHourglass, fusion: FusionNetwork) -> None:
        super().__init__()
        self.hourglass, self.fusion = hourglass, fusion

    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Maps and pose of crops.

        Args:
            images: (N, 3, S, S) in [0, 1].

        Returns:
            Maps (N, 16, S / 4, S / 4) of each stack, and poses (N, 17, 3) in mm.
        """
        maps, features = self.hourglass.maps_and_features(images)
        config, seen = self.fusion.config, features.float() if self.fusion.config.photo_features else None
        inputs = fusion_inputs(images, maps[-1].float(), config.input_size, seen)
        return maps, self.fusion(*inputs)


def make_loop(
    module: BothNetworks, estimator: PoseEstimator, settings: JointTrainConfig, data: Path, run: Path
) -> Loop:
    """The loop of a run, with its people."""
    size, margin = estimator.config.hourglass.input_size, estimator.config.crop.margin
    plain = SampleSettings.of(estimator.config)
    held_out, people = (_posed(find_people(data, validation=part)) for part in (True, False))
    weights = sampling_weights(people.source, people.names, settings.synthetic_fraction)

    def loss(network: nn.Module, _step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        rows, noise = draw_local(weights, settings.batch, generator, loop.local_slice(settings.batch))
        part = people.take(rows)
        crops = random_crops(part, size, margin, _AUGMENT, noise)
        maps, pose = network(crops.images.contiguous(memory_format=torch.channels_last))
        of_maps = heatmap_loss(maps, *target_maps(crops, SIGMA))
        target, trust = turned_poses(part.pose, part.pose_weight, crops.angle, crops.mirror)
        of_pose = settings.pose_weight * fusion_loss(pose, target, loop.module.fusion, trust)
        return of_maps + of_pose, {"maps": of_maps.item(), "pose": of_pose.item()}

    def validate(network: BothNetworks) -> dict[str, float]:
        network.eval()
        pck = maps_pck(network.hourglass, held_out, size, margin)
        samples = build_samples(held_out, network.hourglass, plain, progress=False)
        figures = pose_figures(predict(network.fusion, samples), samples.pose.cpu().numpy())
        return {"pck": pck["mean"], "mpjpe": figures["mpjpe"], "pa_mpjpe": figures["pa_mpjpe"]}

    loop = Loop(module, loss, validate, settings, run, "-mpjpe", {"checkpoint": estimator.name})
    people, held_out, weights = people.to(loop.device), held_out.to(loop.device), weights.to(loop.device)
    return loop


def _posed(people: People) -> People:
    """Those whose 3D is known; ValueError if there are none."""
    rows = torch.nonzero(people.pose_weight.sum(1) > 0)[:, 0]
    if not len(rows):
        raise ValueError("none of the people has a 3D pose: joint training needs pseudo-labels or measured 3D")
    return people.take(rows)


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
        module.load_state_dict(load_file(run / "best" / "model.safetensors"))
        networks, folder = (module.cpu().hourglass, module.fusion), run / "checkpoint"
        tuned = PoseEstimator(estimator.config, *networks, name=run.name, detector=estimator.detector)
        tuned.save_pretrained(folder, card=(arguments.checkpoint / CARD_FILE).read_text(encoding="utf-8"))
        print(f"checkpoint: {folder}")
        print(f"the confidence is still the old one's: python -m train.calibrate --data DIR --checkpoint {folder}")
        print(STALE.format(folder=folder))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
