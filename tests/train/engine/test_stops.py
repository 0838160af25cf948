"""What ends a run early, and what lies on disk then: bad numbers, signals, the time limit, damaged checkpoints."""

import dataclasses
import shutil
import signal

import pytest
import torch

from tests.helpers.small_loop import SETTINGS, cut_at, loss, make
from train.engine.checkpoints import latest_state, prune_states, write_state
from train.engine.machine import only_here


def test_two_processes_do_not_train_the_same_run(tmp_path):
    (tmp_path / "run").mkdir()
    loop = make(tmp_path / "run")
    with only_here(tmp_path / "run"), pytest.raises(ValueError, match="is being trained by another process"):
        loop.run()
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"lock"}, "nothing was touched"
    assert loop.run()
    with only_here(tmp_path / "run"):
        """Let go at the end."""


def test_a_loss_that_is_no_number_keeps_the_last_checkpoint(tmp_path):
    def broken(module, step, generator):
        value, figures = loss(module, step, generator)
        return value * (float("inf") if step == 7 else 1.0), figures

    loop, words = make(tmp_path, function=broken), "the loss of step 7 is inf; the checkpoint of step 5 is kept: try a"
    with pytest.raises(FloatingPointError, match=words):
        loop.run()
    assert latest_state(tmp_path).name == "00000005"
    assert all(torch.isfinite(tensor).all() for tensor in loop.module.state_dict().values())
    again = make(tmp_path)
    assert again.resume()
    assert again.run()


def test_the_batch_of_a_bad_loss_is_named(tmp_path):
    def draw(generator):
        return torch.randint(1000, (3,), generator=generator)

    drawn = []

    def broken(module, step, generator):
        drawn.append(draw(generator))
        value, _ = loss(module, step, generator)
        return value * (float("nan") if step == 2 else 1), {}  # before the first checkpoint

    loop = make(tmp_path, function=broken, describe=lambda generator: f"rows {draw(generator).tolist()}")
    with pytest.raises(FloatingPointError) as caught:
        loop.run()
    words = f"the loss of step 2 is nan on rows {drawn[2].tolist()}; there is no checkpoint yet"
    assert words in str(caught.value)


def test_a_gradient_that_is_no_number_changes_no_weight(tmp_path):
    def steep(module, step, generator):
        value, figures = loss(module, step, generator)
        root = (value - value.detach()).sqrt() if step == 3 else value  # 0, with a slope without end
        return root, figures

    loop = make(tmp_path, function=steep)
    with pytest.raises(FloatingPointError, match="the gradient of step 3 is"):
        loop.run()
    assert all(torch.isfinite(tensor).all() for tensor in loop.module.state_dict().values())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_the_step_with_a_checkpoint(tmp_path, capsys, number):
    before = signal.getsignal(number)
    assert not make(tmp_path, function=cut_at(2, number)).run()
    assert latest_state(tmp_path).name == "00000003"
    assert f"stopped at step 3 by {number.name}; run again to continue" in capsys.readouterr().out
    assert signal.getsignal(number) is before


def test_the_time_limit_ends_the_run_with_a_checkpoint(tmp_path, capsys):
    assert not make(tmp_path, dataclasses.replace(SETTINGS, time_limit=1e-9)).run()
    assert latest_state(tmp_path).name == "00000001"
    assert "stopped at step 1 by the time limit; run again to continue" in capsys.readouterr().out


def test_a_half_written_checkpoint_is_ignored(tmp_path):
    make(tmp_path, function=cut_at(9)).run()
    for name in (".00000011.cut.part", "00000012"):  # cut while it was written; made, and nothing in it yet
        (tmp_path / "checkpoints" / name).mkdir()
    (tmp_path / "checkpoints" / ".00000011.cut.part" / "training_state.pt").write_bytes(b"half")
    assert latest_state(tmp_path).name == "00000010"
    loop = make(tmp_path)
    assert loop.resume()
    assert loop.step == 10
    write_state(tmp_path, 11, {"step": 11})
    assert latest_state(tmp_path).name == "00000011"
    (tmp_path / "checkpoints" / "notes.txt").touch()  # not ours
    prune_states(tmp_path, 2)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["00000011", "00000012", "notes.txt"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    make(tmp_path, dataclasses.replace(SETTINGS, steps=10)).run()
    file = latest_state(tmp_path) / "training_state.pt"
    content = file.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"something else"):
        file.write_bytes(damaged)
        with pytest.raises(
            ValueError, match=r"training_state\.pt is damaged .*to continue from an older state"
        ) as error:
            make(tmp_path).resume()
        assert "\n" not in str(error.value)
    shutil.rmtree(file.parent)
    loop = make(tmp_path)
    assert loop.resume()
    assert loop.step == 5
