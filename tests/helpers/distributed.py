"""What a process of a distributed training does, for test_loop.py.

``python -m tests.helpers.distributed FOLDER OUT``

Alone or as one of several under ``accelerate launch``, it takes a few steps with a hourglass and a fusion network, and
stops runs by a signal and by a loss that only the last process meets. What came of it lies in ``OUT/<process>.json``.
"""

import json
import math
import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from train.engine import loop as engine
from train.engine.arguments import LoopSettings
from train.engine.loop import Loop
from train.fusion_stage.training import Trainer
from train.hourglass_stage import make_loop
from train.settings import FusionTrainConfig, HourglassTrainConfig

COMMON = {"preset": "tiny", "batch": 8, "log": "csv", "steps": 6, "lr": 0.003}
TINY = PRESETS["tiny"]


def curve(loop):
    """Losses of six steps, and a sum over the weights they end with."""
    losses = []
    for loop.step in range(6):
        losses.append(loop.train_step()["loss"])
    return {"losses": losses, "weights": sum(p.double().abs().sum().item() for p in loop.module.parameters())}


def hourglass_curve(folder, out, **extra):
    return curve(make_loop(HourglassTrainConfig(**COMMON, **extra), folder / "data", out / "hourglass"))


def fusion_curve(folder, out):
    """Over the end of the soft phase, which all processes must pass in the same step."""
    torch.manual_seed(0)
    network = FusionNetwork(TINY.fusion)
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    stacks = StackedHourglass(TINY.hourglass).eval()
    trainer = Trainer(TINY, stacks, network, FusionTrainConfig(**COMMON, crops=1), out / "fusion")
    trainer.build_data(folder / "data")
    return curve(trainer.loop)


def tiny_loop(folder, loss):
    def of_slice(network, step, generator):
        return loss(network(torch.randn(8, 3, generator=generator)[loop.local_slice(8)]).square().mean(), step), {}

    settings = LoopSettings(steps=9, warmup=1, save_every=2, validate_every=3, batch=8, log="csv")
    loop = Loop(nn.Linear(3, 2), of_slice, lambda _network: {"score": 0.0}, settings, folder, better="score")
    return loop


def main(folder, out):
    engine.bf16_is_fast = lambda _device: False
    torch.set_num_threads(1)
    nn.BatchNorm2d.train = lambda norm, _mode=True: nn.Module.train(norm, mode=False)  # it would see a batch's split
    accelerator = engine.start_accelerator()
    processes, own = accelerator.num_processes, accelerator.process_index
    last = own == processes - 1

    def signalled(value, step):
        if step == 4 and last:
            os.kill(os.getpid(), signal.SIGTERM)
        return value

    result = {"hourglass": hourglass_curve(folder, out), "fusion": fusion_curve(folder, out)}
    if processes == 1:
        result["accumulated"] = hourglass_curve(folder, out, accumulate=4)
    stopped = tiny_loop(out / "stopped", signalled)
    result["stopped"] = {"finished": stopped.run(), "step": stopped.step}
    bad = tiny_loop(out / "nan", lambda value, step: value * (math.nan if step == 3 and last else 1))
    try:
        bad.run()
    except FloatingPointError as error:
        result["nan"] = str(error)
    (out / f"{own}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
