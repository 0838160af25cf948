"""Trains one fusion network on the maps of a trained hourglass; what ``train.fusion`` and ``train.ablate`` share.

First with soft weights (Eq. 3, loss of Eq. 4), then with the weights hardened to 0 and 1, then pruned.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from fusion_model.config import ModelConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import CONFIG_FILE, check_state, load_checkpoint, weights_fingerprint
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune
from fusion_model.skeletons import HUMAN36M_17, SKELETONS, conversion_matrix
from train.data.sampling import draw_local, sampling_weights
from train.data.source import SYNTHETIC, whole_poses
from train.engine.checkpoints import read_weights
from train.engine.logs import forget_rows, read_rows, write_rows
from train.engine.loop import Loop
from train.engine.provenance import ENTRY, provenances
from train.engine.run_files import read_json, write_json
from train.fusion_stage.pose_figures import LIMBS, known, mean_pose, pose_figures
from train.fusion_stage.samples import FusionData, FusionSamples, SampleSettings, fusion_data, random_rows
from train.losses import fusion_loss, spread_loss
from train.settings import FusionTrainConfig

HARDENING = "hardening.json"  # in a run's folder: what the end of the soft phase came to
FILE = "mixing.csv"
EVERY = 50  # steps between two rows


class MixingLog:
    """The table of the weights in a run's folder (None: none is written): a row every 50 steps, two where they harden.

    Rows from ``step`` on are dropped: the run goes on from there.
    """

    def __init__(self, folder: Path | None, step: int) -> None:
        self._path, self._last = folder / FILE if folder else None, -1
        if self._path:
            forget_rows(self._path, step - 1)

    def record(self, step: int, network: FusionNetwork, *, always: bool = False) -> None:
        """A row for the weights that ``step`` updates led to, if it is due (or ``always``) and they can change."""
        due = always or (step % EVERY == 0 and step != self._last)
        if self._path is None or not network.config.has_soft_weights or not due:
            return
        self._last = step
        values = {name: getattr(network, name) for name in ("alpha", "beta")}
        values |= {f"w{layer}": w for layer, w in enumerate(network.mixing_weights(), start=1)}
        row = {"step": step, **{name: "" if v is None else f"{v.item():.6g}" for name, v in values.items()}}
        write_rows(self._path, [*read_rows(self._path), row])


def fusion_config(settings: FusionTrainConfig, trained: Path) -> ModelConfig:
    """The preset without its detector, with strategy and joint set of a run and the size of the hourglass's crop.

    That size is the one that was asked for, else that of the checkpoint whose hourglass is taken, which may also be a
    run or a file, else the preset's.
    """
    preset = PRESETS[settings.preset]
    chosen = {name: getattr(settings, name) for name in ("strategy", "fixed_beta", "skeleton")}
    fusion = dataclasses.replace(preset.fusion, **chosen)
    origin = load_checkpoint(trained)[0] if (trained / CONFIG_FILE).is_file() else preset
    size = settings.input_size or origin.hourglass.input_size
    hourglass = dataclasses.replace(preset.hourglass, input_size=size)
    return dataclasses.replace(preset, fusion=fusion, hourglass=hourglass, detector=None)


def load_hourglass(config: ModelConfig, path: Path) -> StackedHourglass:
    """The trained hourglass of a run, a checkpoint or a file, in evaluation mode; ValueError for another preset's."""
    hourglass = StackedHourglass(config.hourglass).eval().to(memory_format=torch.channels_last)
    weights = read_weights(path, "hourglass")
    try:
        check_state(hourglass, weights)
    except ValueError as error:
        raise ValueError(f"{path} has the hourglass of another --preset: {error}") from error
    hourglass.load_state_dict(weights)
    return hourglass


def sample_settings(config: ModelConfig, settings: FusionTrainConfig) -> SampleSettings:
    """The samples that a run asks for."""
    chosen = {name: getattr(settings, name) for name in ("crops", "seed", "augment", "action")}
    return dataclasses.replace(SampleSettings.of(config), **chosen)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a finished run came to.

    Attributes:
        network: the one to use; pruned, where there was something to prune.
        unpruned: the same before pruning.
        figures: of the mean pose; soft; hardened, at once; hardened, trained on; and released, as far as there are.
        hardening: what the end of the soft phase came to, None for strategies without soft weights.
    """

    network: FusionNetwork
    unpruned: FusionNetwork
    figures: dict[str, dict[str, float]]
    hardening: dict[str, Any] | None


class Trainer:
    """Loss and validation of one run, once :meth:`take_data` has given it people.

    Args:
        config: of both networks.
        hourglass: trained.
        network: to train.
        settings: of the run.
        run: its folder.
        data: fingerprint of the people, which a run that goes on must share.
    """

    def __init__(
        self,
        config: ModelConfig,
        hourglass: StackedHourglass,
        network: FusionNetwork,
        settings: FusionTrainConfig,
        run: Path,
        data: str = "",
    ) -> None:
        settings = dataclasses.replace(settings, input_size=config.hourglass.input_size)
        self.config, self.hourglass, self.settings, self.run = config, hourglass, settings, run
        self.soft_steps = settings.soft_steps
        joints = SKELETONS[config.fusion.skeleton].joints
        self._joints = [HUMAN36M_17.index(name) for name in joints]  # of the samples' 17, those put out
        same, hardens = {"hourglass": weights_fingerprint(hourglass), "data": data}, config.fusion.has_soft_weights
        self.loop = Loop(network, self.loss, self.validate, settings, run, "-mpjpe", same, idle_parameters=hardens)
        self.loop.accelerator.print("resumed" if self.loop.resume() else "started", f"at step {self.loop.step}")
        self.mixing = MixingLog(run if self.loop.accelerator.is_main_process else None, self.loop.step)

    def build_data(self, folder: Path, cache: Path | None = None) -> None:
        """Train and validate on what the settings ask for of a folder of data sets, which takes long to build."""
        asked = sample_settings(self.config, self.settings)
        self.take_data(fusion_data(folder, asked, self.hourglass, self.loop.device, cache))

    def take_data(self, data: FusionData) -> None:
        """Train on this, and validate on those held out whose limbs are all known; ValueError if there are none."""
        whole = torch.nonzero(whole_poses(data.held_out.weight))[:, 0]
        if not len(whole):
            words = f"none of {len(data.held_out)} validation people has all twelve limb joints in 3D"
            raise ValueError(f"{words}, by which poses are measured: hold out people who have")
        self.samples, self.held_out, self.names = data.training, data.held_out.take(whole), data.names
        self.rendered = torch.tensor([name == SYNTHETIC for name in self.names], device=self.loop.device)
        self.weights = sampling_weights(self.samples.source, self.names, self.settings.synthetic_fraction)
        self.mean = mean_pose(self.samples.pose.cpu().numpy(), self.samples.weight.cpu().numpy())

    def loss(self, network: nn.Module, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Eq. 4 on a batch, and the loss of its spreads; hardens the weights when the soft phase is over."""
        module = self.loop.module
        if step >= self.soft_steps and module.is_soft:
            self._harden(module)
        self.mixing.record(step, module)
        count = self.settings.batch
        rows, noise = draw_local(self.weights, count, generator, self.loop.local_slice(count))
        batch = random_rows(self.samples, rows, noise)
        inputs = batch.images, batch.maps, batch.readings
        pose, *spread = network(*inputs, spreads=True) if module.config.spreads else (network(*inputs),)
        target, weight = batch.pose[:, self._joints], joint_trust(batch.weight)[:, self._joints]
        terms = {"centring": self.settings.centring, "squared": self.settings.loss == "squared"}
        loss = fusion_loss(pose, target, module, weight, self.settings.sharpness_at(step), **terms)
        if spread:
            loss = loss + spread_loss(*spread, pose, target, weight)
        return loss, _mixing_figures(module)

    def _harden(self, module: FusionNetwork) -> None:
        """End the soft phase: fix the weights, write down what that costs, and let the best be chosen anew."""
        self.mixing.record(self.loop.step, module, always=True)
        hardening = self._hardened(module, self.loop.averaged.module)
        self.mixing.record(self.loop.step, module, always=True)
        self.loop.best = -math.inf  # what is trained from here on is another network
        if self.loop.accelerator.is_main_process:
            write_json(self.run / HARDENING, hardening)

    def _hardened(self, module: FusionNetwork, averaged: FusionNetwork) -> dict[str, Any]:
        """Harden both; the errors of the averaged one before and after, and the weights as they were."""
        soft = self.validate(averaged)
        was_sharp, weights = module.is_sharp(), [round(w, 4) for w in module.mixing_weights().tolist()]
        b = module.harden()
        averaged.hardened_at.copy_(module.hardened_at)  # its own beta lags behind, and may round to another layer
        figures = {"soft": soft, "hardened": self.validate(averaged), "merging_layer": b, "was_sharp": was_sharp}
        return {**figures, "weights": weights, **_mixing_figures(module)}

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
        both = {name: (photos[name] + synthetic[name]) / 2 for name in photos} | {"n": len(truth)}
        both |= {f"photos_{name}": value for name, value in photos.items()}
        return both | {f"synthetic_{name}": value for name, value in synthetic.items()}

    def outcome(self, weights: Path) -> Outcome:
        """Measure the network of a finished run that lies in that file, and prune it."""
        network = type(self.loop.module)(self.config.fusion).to(self.loop.device)
        network.load_state_dict(load_file(weights))
        figures = {"mean pose": self._figures(np.tile(self.mean, (len(self.held_out), 1, 1)))}
        soft = network.is_soft  # to the last step
        hardening = self._hardened(network, network) if soft else read_json(self.run / HARDENING) or None
        if hardening:
            figures |= {"soft": hardening["soft"], "hardened, at once": hardening["hardened"]}
        unpruned = network
        if not self.config.fusion.single_stream:
            figures["hardened, trained on"] = self.validate(network)
            network = prune(network)
        figures["released"] = self.validate(network)
        return Outcome(network, unpruned, figures, hardening)

    def estimator(self, network: FusionNetwork, detector: PersonDetector | None = None) -> PoseEstimator:
        """The hourglass, a network of this run and a detector, on the CPU, as one estimator."""
        searching = None if detector is None else detector.config
        config = dataclasses.replace(self.config, fusion=network.config, detector=searching)
        return PoseEstimator(config, self.hourglass.cpu(), network.cpu(), self.run.name, detector)

    def finish(self, detector: PersonDetector | None, origins: dict[str, Path | None]) -> None:
        """Print the errors side by side, and write ``checkpoint/`` with that detector into the run's folder.

        Args:
            detector: to put in, if any.
            origins: where the other networks come from, by their part.
        """
        outcome = self.outcome(self.run / "best" / "model.safetensors")
        network, rows = outcome.network, outcome.figures
        for name, figures in rows.items():
            shown = {key: value if isinstance(value, int) else f"{value:.1f}" for key, value in figures.items()}
            print(f"{name:22}", "  ".join(f"{key} {value}" for key, value in shown.items()))
        print("errors in mm; order: pairs of joints in the right order of depth, %")
        if outcome.hardening:
            print(_in_words(outcome.hardening))
        origins = {**origins, "fusion": self.run}
        metrics = {"fusion": {name: known(figures) for name, figures in rows.items()}, ENTRY: provenances(origins)}
        self.estimator(network, detector).save_pretrained(self.run / "checkpoint", metrics=metrics)
        print(f"checkpoint: {self.run / 'checkpoint'}")


def joint_trust(weight: Tensor) -> Tensor:
    """(N, 17) factors in the loss: how well a photo's teacher sees each joint; limbs that it guesses count whole."""
    return weight.index_copy(1, torch.tensor(LIMBS, device=weight.device), (weight[:, LIMBS] > 0).float())


@torch.inference_mode()
def predict(network: FusionNetwork, samples: FusionSamples, batch: int = 256) -> np.ndarray:
    """(N, 17, 3) mm for every row of samples; zeros for the joints that the network does not put out."""
    carried, found = conversion_matrix(SKELETONS[network.config.skeleton], HUMAN36M_17), []
    for start in range(0, len(samples), batch):
        rows = torch.arange(start, min(start + batch, len(samples)), device=samples.images.device)
        found.append(network(*samples.inputs(rows)).float().cpu())
    return carried @ torch.cat(found).numpy()


def _in_words(hardening: dict[str, Any]) -> str:
    """What the weights were when they were rounded, and how to make them sharper."""
    weights = " ".join(f"{one:.4g}" for one in hardening["weights"])
    slope = "".join(f", {name} {hardening[name]:.3g}" for name in ("alpha", "beta") if name in hardening)
    advice = "" if hardening["was_sharp"] else "; not sharp: more --steps or a larger --sharpening make them so"
    return f"merged after layer {hardening['merging_layer']}; before they were rounded: w {weights}{slope}{advice}"


def _mixing_figures(module: FusionNetwork) -> dict[str, float]:
    return {name: value.item() for name in ("alpha", "beta") if (value := getattr(module, name)) is not None}


def action_checkpoints(folder: Path) -> dict[str, Path]:
    """Checkpoints by action of a folder with a run of ``train.fusion --action`` for each; empty if it is none."""
    return {path.parent.name: path for path in sorted(folder.glob("*/checkpoint"))}
