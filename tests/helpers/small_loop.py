"""A loop over a few numbers, for the tests of the loop."""

import os
import signal

import torch
from torch import nn

from train.engine.loop import Loop
from train.engine.settings import LoopSettings

SETTINGS = LoopSettings(steps=20, lr=1e-2, warmup=5, save_every=5, validate_every=4, ema=0.9, schedule="cosine")


def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.Dropout(0.3), nn.ReLU(), nn.Linear(16, 2))


def loss(module, _step, generator):
    """A regression whose batch is a function of the generator alone."""
    inputs = torch.randn(32, 6, generator=generator)
    error = (module(inputs).float() - inputs[:, :2]).square().mean()
    return error, {"error": error.item()}


def validate(module):
    inputs = torch.linspace(-1, 1, 60).reshape(10, 6)
    return {"score": -(module(inputs).float() - inputs[:, :2]).square().mean().item()}


def make(folder, settings=SETTINGS, function=loss, **options):
    return Loop(network(), function, validate, settings, folder, better="score", **options)


def cut_at(step, signum=signal.SIGTERM):
    """The loss, with a signal to ourselves in the middle of a step."""

    def cut(module, number, generator):
        if number == step:
            os.kill(os.getpid(), signum)
        return loss(module, number, generator)

    return cut


def tensors_of(loop):
    return {"module": loop.module.state_dict(), "averaged": loop.averaged.state_dict()}


def assert_same(found, expected):
    """The same bits, in tensors or in (nested) dicts of tensors."""
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
