"""The loop: cut anywhere and continue exactly, refuse what cannot go on, keep what was asked for, show what it does."""

import dataclasses
import json
import multiprocessing
import os
import re
import shutil
import signal
import sys
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers.fake_data import write_pack
from tests.helpers.own_process import output
from train.engine.arguments import LoopSettings
from train.engine.checkpoints import latest_state, read_weights, write_state
from train.engine.logs import TENSORBOARD_MISSING, Log, read_rows
from train.engine.loop import Loop
from train.engine.machine import only_here

SETTINGS = LoopSettings(steps=20, lr=1e-2, warmup=5, save_every=5, validate_every=4, log="csv")


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


def make(folder, function=loss, fingerprint=None, pictures=None, **changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    return Loop(network(), function, validate, settings, folder, "score", fingerprint, pictures)


def cut_at(step, signum=signal.SIGTERM):
    """The loss, with a signal to ourselves in the middle of a step."""

    def cut(module, number, generator):
        if number == step:
            os.kill(os.getpid(), signum)
        return loss(module, number, generator)

    return cut


def end_of(loop):
    """Everything that a run came to."""
    best = read_weights(loop.folder)
    return {"module": loop.module.state_dict(), "averaged": loop.averaged.state_dict(), "best": best}


def assert_same(found, expected):
    """The same bits."""
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def logged(folder):
    return [int(row["step"]) for row in read_rows(folder / "log.csv")]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run from the first to the last step."""
    loop = make(tmp_path_factory.mktemp("straight"))
    assert not loop.resume(), "nothing is there"
    assert loop.run()
    return loop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_with_a_checkpoint_and_it_goes_on_bit_for_bit(straight, tmp_path, capsys, number):
    before = signal.getsignal(number)
    assert not make(tmp_path, cut_at(6, number)).run()
    assert latest_state(tmp_path).name == "00000007"
    assert f"stopped at step 7 by {number.name}; run again to continue" in capsys.readouterr().out
    assert signal.getsignal(number) is before
    loop = make(tmp_path)
    assert loop.resume()
    loop.seconds += 1000
    assert loop.run()
    assert_same(end_of(loop), end_of(straight))
    again = make(tmp_path, None)  # nothing is left to do
    assert again.resume()
    assert again.best == straight.best
    assert again.seconds == loop.seconds > 1000
    assert again.run()


def run_and_die(folder, writing):
    """A process that is killed in step 13, or half way through the checkpoint of step 15."""
    plain = torch.save

    def save(state, path):
        plain(state, path)
        if writing and state["step"] == 15:
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = save
    make(folder, loss if writing else cut_at(13, signal.SIGKILL)).run()


@pytest.mark.parametrize("writing", [False, True])
def test_a_killed_run_repeats_and_logs_nothing_twice(straight, tmp_path, writing):
    process = multiprocessing.get_context("fork").Process(target=run_and_die, args=(tmp_path, writing))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert logged(tmp_path) == [4, 8, 12]
    assert bool(list((tmp_path / "checkpoints").glob(".00000015.*.part"))) == writing
    (tmp_path / "checkpoints" / "00000012").mkdir()  # made, and nothing in it yet
    loop = make(tmp_path)
    assert loop.resume()
    assert loop.step == 10
    assert loop.run()
    assert logged(tmp_path) == [4, 8, 12, 16, 20]
    assert_same(end_of(loop), end_of(straight))
    kept = sorted((tmp_path / "checkpoints").iterdir())
    assert [path.name for path in kept] == ["00000015", "00000020"]
    assert_same(read_weights(kept[-1]), dict(loop.averaged.module.state_dict()))


def test_it_learns_and_keeps_the_best(straight):
    scores = [float(row["score"]) for row in read_rows(straight.folder / "log.csv")]
    kept, before = network().eval(), validate(network().eval())["score"]
    kept.load_state_dict(read_weights(straight.folder))
    assert straight.best == pytest.approx(max(scores))
    assert validate(kept)["score"] == pytest.approx(max(scores), rel=1e-4)
    assert max(scores) > before


def test_the_first_of_the_best_is_kept_and_logged_figures_are_smoothed_over_a_cut(tmp_path):
    def numbered(module, step, generator):
        return loss(module, step, generator)[0], {"number": [1.0, 3.0, 9.0][step]}

    scores = iter([3.0, 1.0, 1.0])
    for steps in (2, 3):
        loop = make(tmp_path, numbered, steps=steps, validate_every=steps - 1)  # and at the end
        loop.better, loop.validate = "-score", lambda _module: {"score": next(scores)}
        assert loop.resume() == (steps == 3)
        assert loop.run()
    assert (loop.best, json.loads((tmp_path / "best" / "figures.json").read_text())["step"]) == (-1, 2)
    numbers = [1, 0.98 + 0.02 * 3, 0.98 * (0.98 + 0.02 * 3) + 0.02 * 9]
    assert [float(row["number"]) for row in read_rows(tmp_path / "log.csv")] == pytest.approx(numbers)


def test_parts_of_a_step_share_the_batch_and_not_the_dropout(tmp_path):
    drawn, gradients = [], []

    def note(optimiser, *_):
        every = [one.grad for group in optimiser.param_groups for one in group["params"]]
        gradients.extend(grad.tolist() for grad in every if grad is not None)

    def probe(module, _step, generator):
        drawn.append((torch.rand((), generator=generator).item(), torch.rand(()).item(), loop.local_slice(4)))
        return module[-1].bias.sum(), {"number": len(drawn)}

    for seed in (0, 1):
        loop = make(tmp_path, probe, batch=4, accumulate=2, seed=seed)
        loop.optimiser.optimizer.register_step_pre_hook(note)
        assert loop.train_step()["number"] == 1.5 + 2 * seed
    batches, dropouts, rows = zip(*drawn, strict=True)
    assert (batches[0], batches[2]) == (batches[1], batches[3])
    assert (len(set(batches)), len(set(dropouts))) == (2, 4)
    assert rows == (slice(0, 2), slice(2, 4)) * 2
    assert gradients == [[1, 1], [1, 1]], "of the mean over the parts"
    with pytest.raises(ValueError, match="a batch of 9 cannot be split evenly over 1 processes of 2 accumulated parts"):
        make(tmp_path, batch=9, accumulate=2)


def test_a_changed_setting_is_refused_by_name_but_length_and_rate_may_change(tmp_path):
    make(tmp_path, steps=5, fingerprint={"preset": "tiny"}).run()
    changes = {"seed 0, not 1": {"seed": 1}, "preset 'tiny', not": {"fingerprint": {"preset": "paper"}}}
    for message, change in changes.items():
        with pytest.raises(ValueError, match=rf"was begun with {message}.*: choose another --run"):
            make(tmp_path, **change).resume()
    with pytest.raises(ValueError, match="was begun with other widths or layers: choose another --run"):
        Loop(nn.Linear(6, 2), loss, validate, SETTINGS, tmp_path, "score", {"preset": "tiny"}).resume()
    loop = make(tmp_path, steps=8, lr=1e-3, warmup=1, fingerprint={"preset": "tiny"})
    assert loop.resume()
    assert loop.run()
    assert loop.step == 8


def test_a_full_disk_is_one_sentence_and_the_states_before_are_kept(tmp_path, monkeypatch):
    make(tmp_path, steps=5).run()
    monkeypatch.setattr(torch, "save", Mock(side_effect=RuntimeError("unexpected pos 64 vs 0\nby torch")))
    with pytest.raises(OSError, match=r"00000005 cannot be written \(unexpected pos 64 vs 0\): make room"):
        make(tmp_path, steps=6).run()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000005"]


def test_a_run_shows_its_speed_and_pictures(tmp_path, capsys):
    pytest.importorskip("tensorboard", reason="tensorboard is in requirements-train.txt")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    changes = {"steps": 50, "batch": 32, "validate_every": 25, "log": "tensorboard"}
    assert make(tmp_path, pictures=lambda _network: {"maps": np.full((4, 6, 3), 200, np.uint8)}, **changes).run()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    (speed,) = events.Scalars("images_per_second")
    assert (speed.step, speed.value > 0) == (50, True)
    rate = dataclasses.replace(SETTINGS, steps=50).rate(49)
    assert [one.value for one in events.Scalars("learning_rate")] == pytest.approx([rate])
    assert [one.step for one in events.Scalars("score")] == [25, 50]
    assert [one.step for one in events.Images("maps")] == [25, 50]
    bar = capsys.readouterr().err.split("\r")[-1]
    assert re.search(r"50/50 \[.*images/s=[0-9]", bar), bar


def test_without_tensorboard_the_table_alone_whose_new_columns_do_not_shift_the_old(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    log = Log(tmp_path, "tensorboard", 0)
    log.row({"step": 1, "loss": 3.0, "alpha": 0.1})
    log.row({"step": 3, "score": 9.0, "loss": 1.0})
    log.close()
    assert capsys.readouterr().out == TENSORBOARD_MISSING + "\n"
    assert log.board is None
    rows = [
        {"step": "1", "loss": "3.0", "alpha": "0.1", "score": ""},
        {"step": "3", "loss": "1.0", "alpha": "", "score": "9.0"},
    ]
    assert read_rows(tmp_path / "log.csv") == rows
    Log(tmp_path, "csv", 2)
    assert read_rows(tmp_path / "log.csv") == rows[:1]


def test_only_the_network_runs_in_bfloat16(tmp_path, use_bfloat16):
    use_bfloat16(True)
    found = {}

    def probe(module, _step, generator):
        inputs = torch.randn(32, 6, generator=generator)
        outputs = module(inputs)
        found.update(loss=(inputs @ inputs.T).dtype, outputs=outputs.dtype)
        return outputs.square().mean(), {}

    loop = make(tmp_path, probe)
    loop.module[0].register_forward_hook(lambda _module, _inputs, output: found.update(layer=output.dtype))
    loop.train_step()
    assert found == {"loss": torch.float32, "layer": torch.bfloat16, "outputs": torch.float32}


def test_rate_average_clipping_and_decay_by_hand(tmp_path):
    loop, seen = make(tmp_path, clip=0.01), []

    def note(*_):
        seen.append(torch.cat([p.grad.flatten() for p in loop.module.parameters()]).norm().item())

    loop.optimiser.optimizer.register_step_pre_hook(note)
    average, rates = None, []
    for loop.step in range(4):
        loop.train_step()
        rates.append(loop.optimiser.param_groups[0]["lr"])
        now = loop.module[0].weight.detach().clone()
        memory = (1 + loop.step) / (10 + loop.step)  # grows with the run
        average = now if average is None else torch.lerp(now, average, memory)
    torch.testing.assert_close(loop.averaged.module[0].weight.detach(), average)
    assert seen == pytest.approx([0.01] * 4, rel=1e-3)
    assert rates == pytest.approx([SETTINGS.rate(step) for step in range(4)])
    assert [SETTINGS.rate(step) for step in (0, 2, 10, 20)] == pytest.approx([0.2e-2, 0.6e-2 * 0.9755283, 0.5e-2, 0])
    module = nn.Linear(3, 2)
    module.alpha, module.free_weights = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.zeros(4))
    groups = Loop(module, None, None, SETTINGS, tmp_path, better="score").optimiser.param_groups
    found = [(len(group["params"]), group["weight_decay"], group.get("factor", 1)) for group in groups]
    assert found == [(1, 1e-4, 1), (1, 0, 1), (2, 0, 25)], "mixing parameters learn faster and do not decay"


def test_two_processes_do_not_train_the_same_run(tmp_path):
    loop = make(tmp_path)
    with only_here(tmp_path), pytest.raises(ValueError, match="is being trained by another process"):
        loop.run()
    assert {path.name for path in tmp_path.iterdir()} == {"lock"}, "nothing was touched"
    assert loop.run()
    with only_here(tmp_path):
        """Let go at the end."""


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda value: value * np.inf, "the loss of step 7 is inf; the checkpoint of step 5 is kept: try a lower"),
        (lambda value: (value - value.detach()).sqrt(), "the gradient of step 7 is"),  # 0, with a slope without end
    ],
)
def test_a_number_that_is_none_changes_no_weight_and_keeps_the_last_checkpoint(straight, tmp_path, bad, words):
    def broken(module, step, generator):
        value, figures = loss(module, step, generator)
        return bad(value) if step == 7 else value, figures

    loop = make(tmp_path, broken)
    with pytest.raises(FloatingPointError, match=words):
        loop.run()
    assert all(torch.isfinite(tensor).all() for tensor in loop.module.state_dict().values())
    loop = make(tmp_path)
    assert loop.resume()
    assert loop.run()
    assert_same(end_of(loop), end_of(straight))


def test_a_damaged_checkpoint_is_named(tmp_path):
    make(tmp_path, steps=10).run()
    file = latest_state(tmp_path) / "training_state.pt"
    content = file.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"something else"):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"state\.pt is damaged .*to continue from an older state") as error:
            make(tmp_path).resume()
        assert "\n" not in str(error.value)
    shutil.rmtree(file.parent)
    loop = make(tmp_path)
    assert loop.resume()
    assert loop.step == 5
    (tmp_path / "checkpoints" / "notes.txt").touch()  # not ours
    write_state(tmp_path, 11, {}, network())
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["00000005", "00000011", "notes.txt"]


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one_and_stop_in_the_same_step(tmp_path):
    write_pack(tmp_path / "data", "made", 8, held_out=2)
    launch = ("accelerate.commands.launch", "--multi_gpu", "--num_processes", 2, "--num_machines", 1,
              "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", 0, "-m")  # fmt: skip
    for name, command in (("one", ()), ("two", launch)):
        (tmp_path / name).mkdir()
        output(*command, "tests.helpers.distributed", tmp_path, tmp_path / name)
    results = [json.loads((tmp_path / name).read_text()) for name in ("one/0.json", "two/0.json", "two/1.json")]
    for network in ("hourglass", "fusion"):
        expected, *both = (result[network] for result in results)
        assert expected["losses"][0] != pytest.approx(expected["losses"][-1], rel=1e-3), "it learns, so steps matter"
        for found in both:
            assert found["losses"] == pytest.approx(expected["losses"], rel=1e-4)
            assert found["weights"] == pytest.approx(expected["weights"], rel=1e-5)
    one = results[0]
    assert one["accumulated"]["losses"] == pytest.approx(one["hourglass"]["losses"], rel=1e-4)
    assert [result["stopped"] for result in results] == 3 * [{"finished": False, "step": 5}]
    assert latest_state(tmp_path / "two" / "stopped").name == "00000005"
    assert all(result["nan"].startswith("the loss of step 3 is nan") for result in results)
    assert ["in another process" in result["nan"] for result in results] == [False, True, False]
    assert latest_state(tmp_path / "two" / "nan").name == "00000002"
