"""What a process of a distributed training does, for test_distributed.py.

``python -m tests.helpers.distributed FOLDER OUT``

Alone or as one of several under ``accelerate launch``, it takes a few steps with a hourglass and a fusion network, and
stops runs by a signal and by a loss that only the last process meets. What came of it lies in ``OUT/<process>.json``.
"""

import contextlib
import dataclasses
import json
import math
import os
import signal
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from torch import nn

from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from train.engine import loop as engine
from train.engine.loop import Loop
from train.engine.settings import LoopSettings
from train.fusion_stage.training import Trainer
from train.hourglass_stage import make_loop
from train.settings import FusionTrainConfig, HourglassTrainConfig

COMMON = {"preset": "tiny", "batch": 8, "log": "csv", "steps": 6, "lr": 0.003}


def curve(loop):
    """Losses of six steps, and a sum over the weights they end with."""
    losses = []
    for loop.step in range(6):
        losses.append(loop.train_step()["loss"])
    return {"losses": losses, "weights": sum(p.double().abs().sum().item() for p in loop.module.parameters())}


def hourglass_curve(folder, out, **extra):
    settings = HourglassTrainConfig(**COMMON, freeze_norm=True, **extra)
    return curve(make_loop(settings, folder / "data", out / "hourglass"))


def fusion_curve(folder, out):
    """Over the end of the soft phase, which all processes must pass in the same step."""
    torch.manual_seed(0)
    config, stacks = PRESETS["tiny"], StackedHourglass(PRESETS["tiny"].hourglass).eval()
    network = FusionNetwork(config.fusion)
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    trainer = Trainer(config, stacks, network, FusionTrainConfig(**COMMON, crops=1), out / "fusion")
    trainer.build_data(folder / "data")
    return curve(trainer.loop)


def tiny_loop(folder, loss, **settings):
    torch.manual_seed(0)
    options = {"warmup": 1, "save_every": 2, "validate_every": 3, "batch": 8}
    settings = dataclasses.replace(LoopSettings(steps=9, **options), **settings)

    def of_slice(network, step, generator):
        inputs = torch.randn(8, 3, generator=generator)[loop.local_slice(8)]
        return loss(network(inputs).square().mean(), step), {}

    loop = Loop(nn.Linear(3, 2), of_slice, lambda _network: {"score": 0.0}, settings, folder, better="score")
    return loop


def last_process():
    return PartialState().process_index == PartialState().num_processes - 1


def stopped(out):
    """Only the last process gets the signal, in step 4."""

    def loss(value, step):
        if step == 4 and last_process():
            os.kill(os.getpid(), signal.SIGTERM)
        return value

    loop = tiny_loop(out / "stopped", loss)
    return {"finished": loop.run(), "step": loop.step}


def not_a_number(out):
    """Only the last process meets it, in step 3."""
    loop = tiny_loop(out / "nan", lambda value, step: value * (math.nan if step == 3 and last_process() else 1))
    try:
        loop.run()
    except FloatingPointError as error:
        return str(error)
    return "no error"


def main(folder, out):
    engine.bf16_is_fast = lambda _device: False
    torch.set_num_threads(1)
    result = {"curve": {"hourglass": hourglass_curve(folder, out), "fusion": fusion_curve(folder, out)}}
    result |= {"stopped": stopped(out), "nan": not_a_number(out)}
    state = PartialState()
    if state.num_processes == 1:
        result["curve"]["accumulated"] = hourglass_curve(folder, out, accumulate=4)
    with contextlib.suppress(ValueError):
        tiny_loop(out / "odd", None, batch=7, accumulate=2)
        result["odd"] = "was not refused"
    (out / f"{state.process_index}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
