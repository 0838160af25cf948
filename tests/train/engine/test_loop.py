"""The loop: cut anywhere and continue exactly, refuse other settings, keep what was asked for, show what it does."""

import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from tests.helpers.csv_files import read_rows
from tests.helpers.small_loop import SETTINGS, assert_same, cut_at, loss, make, network, tensors_of, validate
from train.engine import loop as engine
from train.engine.checkpoints import read_weights
from train.engine.loop import Loop


def test_a_cut_run_ends_bit_for_bit_where_a_straight_one_does(tmp_path):
    straight = make(tmp_path / "straight")
    assert not straight.resume(), "nothing is there"
    assert straight.run()
    first = make(tmp_path / "cut", function=cut_at(9))
    assert not first.run()
    assert first.step == 10
    second = make(tmp_path / "cut")
    assert second.resume()
    assert second.step == 10
    assert second.run()
    assert_same(tensors_of(second), tensors_of(straight))
    assert_same(read_weights(tmp_path / "cut"), read_weights(tmp_path / "straight"))


def test_a_run_killed_between_checkpoints_repeats_and_logs_nothing_twice(tmp_path):
    def die(module, step, generator):
        if step == 13:
            raise KeyboardInterrupt
        return loss(module, step, generator)

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "cut", function=die).run()
    assert [int(row["step"]) for row in read_rows(tmp_path / "cut" / "log.csv")] == [4, 8, 12]
    loop = make(tmp_path / "cut")
    assert loop.resume()
    assert loop.step == 10
    assert loop.run()
    assert [int(row["step"]) for row in read_rows(tmp_path / "cut" / "log.csv")] == [4, 8, 12, 16, 20]
    straight = make(tmp_path / "straight")
    straight.run()
    assert_same(tensors_of(loop), tensors_of(straight))
    again = make(tmp_path / "cut", function=None)  # nothing is left to do
    assert again.resume()
    assert again.run()


def test_it_learns_and_keeps_the_best(tmp_path):
    loop = make(tmp_path, dataclasses.replace(SETTINGS, steps=60))
    before = validate(loop.averaged.module.eval())["score"]
    assert loop.run()
    scores = [float(row["score"]) for row in read_rows(tmp_path / "log.csv")]
    assert max(scores) > before
    assert loop.best == pytest.approx(max(scores))
    kept = network().eval()
    kept.load_state_dict(read_weights(tmp_path))
    assert validate(kept)["score"] == pytest.approx(max(scores), rel=1e-4)


def test_as_many_checkpoints_are_kept_as_asked_for_each_with_a_network_to_use(tmp_path):
    loop = make(tmp_path, dataclasses.replace(SETTINGS, keep=3))
    (tmp_path / "checkpoints" / ".00000007.cut.part").mkdir(parents=True)
    loop.run()
    kept = sorted((tmp_path / "checkpoints").iterdir())
    assert [path.name for path in kept] == ["00000010", "00000015", "00000020"]
    assert_same(read_weights(kept[-1]), dict(loop.averaged.module.state_dict()))


def test_accumulated_parts_make_the_step_of_the_whole_batch(tmp_path):
    def half(module, _step, generator):
        rows = torch.randn(8, 6, generator=generator)[loop.local_slice(8)]
        return (module(rows) - rows[:, :2]).square().mean(), {}

    ends = []
    for parts in (1, 4):
        settings = dataclasses.replace(SETTINGS, batch=8, accumulate=parts, steps=4)
        loop = Loop(nn.Linear(6, 2), half, validate, settings, tmp_path / str(parts), better="score")
        with torch.no_grad():
            loop.module.weight.fill_(0.1), loop.module.bias.zero_()
        ends.append((loop.train_step()["loss"], loop.module.weight.detach().clone()))
    assert ends[0][0] == pytest.approx(ends[1][0], rel=1e-2)  # bfloat16 where the processor has it
    torch.testing.assert_close(ends[0][1], ends[1][1], rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="a batch of 9 cannot be split evenly over 1 processes of 2 accumulated parts"):
        make(tmp_path, dataclasses.replace(SETTINGS, batch=9, accumulate=2))


def test_a_changed_setting_is_refused_by_name_but_length_and_rate_may_change(tmp_path):
    make(tmp_path, dataclasses.replace(SETTINGS, steps=5), fingerprint={"preset": "tiny"}).run()
    for change, message in (({"seed": 1}, "seed 0, not 1"), ({"weight_decay": 0.1}, "weight_decay 0.0001, not 0.1")):
        with pytest.raises(ValueError, match=rf"was begun with {message}: choose another --run"):
            make(tmp_path, dataclasses.replace(SETTINGS, **change), fingerprint={"preset": "tiny"}).resume()
    with pytest.raises(ValueError, match="preset 'tiny', not 'paper'"):
        make(tmp_path, fingerprint={"preset": "paper"}).resume()
    settings = dataclasses.replace(SETTINGS, steps=8, lr=1e-3, schedule="constant", warmup=1)
    loop = make(tmp_path, settings, fingerprint={"preset": "tiny"})
    assert loop.resume()
    assert loop.run()
    assert loop.step == 8


def test_warm_up_holds_for_every_schedule(tmp_path):
    for schedule in ("cosine", "constant"):
        loop = make(tmp_path / schedule, dataclasses.replace(SETTINGS, schedule=schedule, validate_every=20))
        rates = []
        for loop.step in range(6):
            loop.train_step()
            rates.append(loop.optimiser.param_groups[0]["lr"])
        falling = [0.5 * (1 + math.cos(math.pi * step / 20)) if schedule == "cosine" else 1.0 for step in range(6)]
        risen = [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
        assert rates == pytest.approx([1e-2 * a * b for a, b in zip(risen, falling, strict=True)]), schedule


def test_a_run_shows_its_speed_and_pictures(tmp_path, capsys):
    pytest.importorskip("tensorboard", reason="tensorboard is in requirements-train.txt")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = dataclasses.replace(SETTINGS, steps=50, batch=32, validate_every=25, log="tensorboard")
    picture = np.full((4, 6, 3), 200, np.uint8)
    assert make(tmp_path, settings, pictures=lambda _network: {"maps": picture}).run()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    (speed,) = events.Scalars("images_per_second")
    assert (speed.step, speed.value > 0) == (50, True)
    assert [one.step for one in events.Scalars("score")] == [25, 50]
    assert [one.step for one in events.Images("maps")] == [25, 50]
    bar = capsys.readouterr().err.split("\r")[-1]
    assert re.search(r"50/50 \[.*images/s=[0-9]", bar), bar


@pytest.fixture
def fresh_accelerator():
    """None was made before, and none is left: their precision is chosen once a process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("fresh_accelerator")
def test_only_the_network_runs_in_bfloat16(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "bf16_is_fast", lambda _device: True)
    found = {}

    def probe(module, _step, generator):
        inputs = torch.randn(32, 6, generator=generator)
        found["loss"] = (inputs @ inputs.T).dtype
        outputs = module(inputs)
        found["outputs"] = outputs.dtype
        return outputs.square().mean(), {}

    loop = make(tmp_path, function=probe)
    loop.module[0].register_forward_hook(lambda _module, _inputs, output: found.update(layer=output.dtype))
    loop.train_step()
    assert found == {"loss": torch.float32, "layer": torch.bfloat16, "outputs": torch.float32}


def test_the_average_and_the_clipped_gradient_by_hand(tmp_path):
    loop = make(tmp_path, dataclasses.replace(SETTINGS, clip=0.01, warmup=1))
    seen = []
    step = loop.optimiser.step
    loop.optimiser.step = lambda: (seen.append(torch.cat([p.grad.flatten() for p in loop.module.parameters()])), step())
    average = None
    for loop.step in range(4):
        loop.train_step()
        now = loop.module[0].weight.detach().clone()
        weight = 1 - min(0.9, (1 + loop.step) / (10 + loop.step))  # the memory grows with the run
        average = now if average is None else torch.lerp(average, now, weight)
    torch.testing.assert_close(loop.averaged.module[0].weight.detach(), average)
    assert [gradient.norm().item() for gradient in seen] == pytest.approx([0.01] * 4, rel=1e-3)


def test_mixing_parameters_learn_faster_and_do_not_decay(tmp_path):
    module = nn.Linear(3, 2)
    module.alpha, module.free_weights = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.zeros(4))
    loop = Loop(module, None, None, SETTINGS, tmp_path, better="score")
    groups = {len(group["params"]): group for group in loop.optimiser.param_groups if "factor" in group}
    assert groups[2]["factor"] > 1
    assert groups[2]["weight_decay"] == 0
    assert [group["weight_decay"] for group in loop.optimiser.param_groups] == [1e-4, 0, 0]
