"""Train the fusion network on a trained hourglass: ``python -m train.fusion --hourglass runs/hourglass ...``.

First with soft weights (Eq. 3, loss of Eq. 4), then with the weights hardened to 0 and 1, then pruned; the errors of
all three are printed. Run the same command again to continue a run that was cut.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fusion_model.checkpoints import check_state
from fusion_model.config import PRESETS, STRATEGIES, ModelConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import SHARPNESS, FusionNetwork, fusion_loss
from fusion_model.hourglass import StackedHourglass
from fusion_model.pruning import prune
from train.attach_finder import attach, read_finder
from train.command import common_arguments, loop_settings, run_command, share, start_warm
from train.data.bank import Bank, build_bank, random_rows
from train.data.map_errors import measure_errors
from train.data.people import People
from train.data.pose_pairs import pairs_bank
from train.data.sampling import SYNTHETIC, draw_share, named_rows, sampling_weights
from train.data.sources import find_people
from train.engine.checkpoints import read_weights
from train.engine.loop import Loop
from train.engine.losses import reprojection_loss
from train.engine.mixing import MixingLog
from train.engine.seeds import RowNoise
from train.pictures import pose_sheet
from train.protocols.pose3d import mean_pose, pose_figures
from train.synthesis.body import load_body
from train.synthesis.motion.poses import PoseBank
from train.synthesis.pairs import PairSampler


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(prog="python -m train.fusion", description=__doc__)
    common_arguments(arguments, batch=64, learning_rate=1e-3)
    arguments.add_argument("--hourglass", type=Path, required=True, help="run folder or safetensors file")
    arguments.add_argument("--strategy", choices=STRATEGIES, default="trainable", help="how the streams merge")
    arguments.add_argument("--fixed-beta", type=int, help="merging layer of the strategy 'fixed'")
    arguments.add_argument("--sharpness", type=float, default=SHARPNESS, help="lambda of Eq. 4, mm^2")
    arguments.add_argument("--soft-share", type=float, default=0.6, help="share of the steps with soft weights")
    arguments.add_argument("--views", type=int, default=3, help="random views of each person in the bank")
    arguments.add_argument("--input-size", type=int, help="pixels of the hourglass's crop (default: preset)")
    arguments.add_argument("--pairs", type=int, default=0, help="rows without a picture, drawn from poses alone")
    arguments.add_argument(
        "--teacher-trust", type=share, default=1.0, help="factor on the 3D loss of photos, whose 3D is a teacher's"
    )
    arguments.add_argument(
        "--reprojection",
        type=float,
        default=0.0,
        help="weight of the distance to the 2D labels, for photos and renders",
    )
    arguments.add_argument(
        "--finder", type=Path, help="run of train.finder, or checkpoint with a finder, to put into the new checkpoint"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    config = _config(arguments)
    hourglass = StackedHourglass(config.hourglass).eval().to(memory_format=torch.channels_last)
    weights = read_weights(arguments.hourglass)
    check_state(hourglass, weights)
    hourglass.load_state_dict(weights)
    torch.manual_seed(arguments.seed)  # of the initial weights
    network = FusionNetwork(config.fusion)
    start_warm(network, arguments)
    trainer = Trainer(config, hourglass, network, arguments)
    if not trainer.loop.run():
        return 1
    if trainer.loop.accelerator.is_main_process:
        trainer.finish()
    return 0


def _config(arguments: argparse.Namespace) -> ModelConfig:
    """The preset with the strategy and the size that were asked for."""
    preset = PRESETS[arguments.preset]
    fusion = dataclasses.replace(preset.fusion, strategy=arguments.strategy, fixed_beta=arguments.fixed_beta)
    size = arguments.input_size or preset.hourglass.input_size
    return dataclasses.replace(preset, fusion=fusion, hourglass=dataclasses.replace(preset.hourglass, input_size=size))


class Trainer:
    """Banks, loss and validation of one run."""

    def __init__(
        self, config: ModelConfig, hourglass: StackedHourglass, network: FusionNetwork, arguments: argparse.Namespace
    ) -> None:
        self.config, self.hourglass, self.arguments = config, hourglass, arguments
        self.soft_steps = round(arguments.soft_share * arguments.steps)
        settings = loop_settings(arguments)
        fingerprint = {name: getattr(arguments, name) for name in ("preset", "strategy", "fixed_beta", "views")}
        fingerprint |= {"sharpness": arguments.sharpness, "soft_steps": self.soft_steps, "steps": arguments.steps}
        fingerprint |= {
            name: getattr(arguments, name) for name in ("synthetic_share", "teacher_trust", "reprojection", "pairs")
        }
        self.loop = Loop(
            network,
            self.loss,
            self.validate,
            settings,
            arguments.run,
            better="-mpjpe",
            fingerprint=fingerprint,
            describe=self.describe,
            pictures=self.pictures,
        )
        self.loop.accelerator.print("resumed" if self.loop.resume() else "started", f"at step {self.loop.step}")
        self.mixing = MixingLog(arguments.run if self.loop.accelerator.is_main_process else None, self.loop.step)
        self.bank, self.held_out, self.names = self._banks()
        self.rendered = torch.tensor([name == SYNTHETIC for name in self.names], device=self.loop.device)
        self.weights = sampling_weights(self.bank.source, self.names, arguments.synthetic_share)
        self.mean = mean_pose(self.bank.pose.cpu().numpy(), self.bank.weight.cpu().numpy())

    def _banks(self) -> tuple[Bank, Bank, tuple[str, ...]]:
        """Training and validation views with their maps, and the names of their sources."""
        data, device = self.arguments.data, self.loop.device
        people, watched = (find_people(data, validation=part).to(device) for part in (False, True))
        self.hourglass.to(device)
        size, margin = self.config.hourglass.input_size, self.config.crop.margin
        shape = (size, margin, self.config.fusion.input_size)
        held_out = build_bank(watched, self.hourglass, *shape, 1, None)
        generator = torch.Generator(device).manual_seed(self.arguments.seed)
        bank = build_bank(people, self.hourglass, *shape, self.arguments.views, generator)
        if not self.arguments.pairs:
            return bank, held_out, people.names
        pairs = self._pairs(watched, len(people.names))
        return bank.joined(pairs), held_out, (*people.names, SYNTHETIC)

    def _pairs(self, people: People, source: int) -> Bank:
        """Rows from poses alone, with maps that err as the hourglass does on these people."""
        size, margin = self.config.hourglass.input_size, self.config.crop.margin
        photos = people.take(torch.tensor([people.names[k] != SYNTHETIC for k in people.source.tolist()]))
        errors = measure_errors(self.hourglass, photos, size, margin)
        sampler = PairSampler(load_body(), PoseBank(), "train", size, margin)
        count, seed = self.arguments.pairs, self.arguments.seed
        return pairs_bank(sampler, errors, count, size, self.config.fusion.input_size, source, seed)

    def loss(self, network: nn.Module, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Eq. 4 on a batch; hardens the weights when the soft phase is over."""
        module = self.loop.module
        if step >= self.soft_steps and not module.config.single_stream and not module.is_sharp(0.0):
            self._harden(module)
        self.mixing.note(step, module)
        batch = random_rows(self.bank, *self._share(generator))
        pose = network(batch.images, batch.maps)
        trust = torch.where(self.rendered[batch.source], 1.0, self.arguments.teacher_trust)[:, None]
        loss = fusion_loss(pose, batch.pose, module, trust * batch.weight, self.arguments.sharpness)
        if self.arguments.reprojection:
            loss = loss + self.arguments.reprojection * reprojection_loss(pose, batch.points, batch.point_weight)
        return loss, _mixing_figures(module)

    def _share(self, generator: torch.Generator) -> tuple[Tensor, RowNoise]:
        """Rows of the bank that fall to this process, and their noise."""
        count = self.arguments.batch
        return draw_share(self.weights, count, generator, self.loop.share(count))

    def describe(self, generator: torch.Generator) -> str:
        """Words for the rows that the loss took."""
        return "views " + named_rows(self._share(generator)[0], self.bank.source, self.names)

    def pictures(self, network: nn.Module) -> dict[str, np.ndarray]:
        """Validation crops with true and found poses."""
        return {"poses": pose_sheet(network, self.held_out)}

    def _harden(self, module: FusionNetwork) -> None:
        """End the soft phase: note its error, fix the weights, and let the best be chosen anew."""
        soft = self.validate(self.loop.averaged.module)
        was_sharp = module.is_sharp()
        self.mixing.note(self.loop.step, module, always=True)
        b = module.harden()
        self.mixing.note(self.loop.step, module, always=True)
        self.loop.averaged.module.harden()
        cut = self.validate(self.loop.averaged.module)
        self.loop.best = -np.inf
        note = {"soft": soft, "hardened": cut, "merging_layer": b, "was_sharp": was_sharp, **_mixing_figures(module)}
        note["weights"] = [round(value, 4) for value in self._soft_weights(module)]
        if self.loop.accelerator.is_main_process:
            (self.arguments.run / "hardening.json").write_text(json.dumps(note, indent=1), encoding="utf-8")

    def _soft_weights(self, module: FusionNetwork) -> list[float]:
        """w_1..w_L as they were before hardening."""
        if module.alpha is None:
            return module.weights().tolist()
        levels = torch.arange(1, module.depth + 1, device=module.alpha.device)
        return torch.sigmoid(module.alpha * (levels - module.beta)).tolist()

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures over all validation people whose 3D is known; photos and rendered people count half each."""
        network.eval()
        return self._figures(predict(network, self.held_out))

    def _figures(self, poses: np.ndarray) -> dict[str, float]:
        """Figures of poses (N, 17, 3) of the validation people; those of rendered people apart, where there are any."""
        truth, rendered = self.held_out.pose.cpu().numpy(), self.rendered[self.held_out.source].cpu().numpy()
        if rendered.all() or not rendered.any():
            return pose_figures(poses, truth)
        photos, synthetic = (pose_figures(poses[rows], truth[rows]) for rows in (~rendered, rendered))
        both = {"mpjpe": (photos["mpjpe"] + synthetic["mpjpe"]) / 2}
        return (
            both | {f"photos_{k}": v for k, v in photos.items()} | {f"synthetic_{k}": v for k, v in synthetic.items()}
        )

    def finish(self) -> None:
        """Prune, print the errors side by side, and write ``checkpoint/`` into the run's folder."""
        network = FusionNetwork(self.config.fusion).to(self.loop.device)
        network.load_state_dict(load_file(self.arguments.run / "best" / "model.safetensors"))
        rows = {"mean pose": self._figures(np.tile(self.mean, (len(self.held_out), 1, 1)))}
        note = self.arguments.run / "hardening.json"
        if note.is_file():
            hardening = json.loads(note.read_text(encoding="utf-8"))
            rows |= {"soft": hardening["soft"], "hardened, at once": hardening["hardened"]}
        if not self.config.fusion.single_stream:
            rows["hardened, trained on"] = self.validate(network)
            full, network = network, prune(network)
            _print_sizes(full, network)
        rows["released"] = self.validate(network)
        for name, figures in rows.items():
            print(f"{name:22}", "  ".join(f"{key} {value:.1f}" for key, value in figures.items()))
        config = dataclasses.replace(self.config, fusion=network.config)
        estimator = PoseEstimator(config, self.hourglass.cpu(), network.cpu(), name=self.arguments.run.name)
        if self.arguments.finder:
            estimator = attach(estimator, *read_finder(self.arguments.finder))
        estimator.save_pretrained(self.arguments.run / "checkpoint", metrics={"fusion": rows})
        save_file({"mean_pose": torch.from_numpy(self.mean)}, self.arguments.run / "mean_pose.safetensors")
        print(f"checkpoint: {self.arguments.run / 'checkpoint'}")


@torch.inference_mode()
def predict(network: nn.Module, bank: Bank, batch: int = 256) -> np.ndarray:
    """(N, 17, 3) mm for every row of a bank."""
    found = []
    for start in range(0, len(bank), batch):
        rows = torch.arange(start, min(start + batch, len(bank)), device=bank.images.device)
        found.append(network(*bank.inputs(rows)).float().cpu())
    return torch.cat(found).numpy()


@torch.inference_mode()
def _print_sizes(full: FusionNetwork, pruned: FusionNetwork, batch: int = 16, rounds: int = 20) -> None:
    """Print parameters and time a crop of the network before and after pruning."""
    config = full.config
    device = full.output.weight.device
    image = torch.rand(batch, 3, config.input_size, config.input_size, device=device)
    maps = torch.rand(batch, config.map_joints, config.input_size, config.input_size, device=device)
    for name, network in (("unpruned", full.eval()), ("pruned", pruned.eval())):
        network(image, maps)
        began = time.perf_counter()
        for _ in range(rounds):
            network(image, maps).sum().item()  # item waits for the device
        milliseconds = 1000 * (time.perf_counter() - began) / rounds / batch
        count = sum(parameter.numel() for parameter in network.parameters())
        print(f"{name:9} {count / 1e6:6.2f} M parameters  {milliseconds:6.2f} ms a crop")


def _mixing_figures(module: FusionNetwork) -> dict[str, float]:
    """Values of alpha and beta, where the strategy has them."""
    return {name: value.item() for name in ("alpha", "beta") if (value := getattr(module, name)) is not None}


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
