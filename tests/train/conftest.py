"""Fixtures of the training tests."""

import importlib

import pytest
from accelerate.state import AcceleratorState

from tests.helpers.fake_data import write_pack
from tests.helpers.own_process import call


@pytest.fixture
def data_folder(tmp_path):
    """What ``--data`` takes: a pack of eight people, two of them for validation."""
    write_pack(tmp_path / "data", "made", 8, held_out=2)
    return tmp_path / "data"


@pytest.fixture
def ends(capsys):
    """Runs ``train.<name>`` in this process: its status, output, and last line of errors."""

    def run(name, *arguments):
        status = call(importlib.import_module(f"train.{name}"), *arguments)
        written = capsys.readouterr()
        assert "Traceback" not in written.err
        return status, written.out, (written.err.strip().splitlines() or [""])[-1]

    return run


@pytest.fixture
def printed(ends):
    """Runs a command that has to succeed; what it printed."""

    def run(name, *arguments):
        status, out, error = ends(name, *arguments)
        assert status == 0, error
        return out

    return run


@pytest.fixture
def refused(ends):
    """Runs a command that has to fail (status 2 for bad usage); the one sentence that it ends with."""

    def run(name, *arguments, status=1):
        ended, _, error = ends(name, *arguments)
        assert ended == status
        return error

    return run


@pytest.fixture(autouse=True)
def memory_is_given_back(monkeypatch):
    """A command that is run in this process is one of many there."""
    monkeypatch.setattr("train.command.keep_freed_memory", lambda: False)


@pytest.fixture
def use_bfloat16(monkeypatch):
    """Chooses the precision of networks that train, whatever the processor has: accelerate asks once a process."""

    def use(fast):
        AcceleratorState._reset_state(reset_partial_state=True)
        monkeypatch.setattr("train.engine.loop.bf16_is_fast", lambda _device: fast)

    yield use
    AcceleratorState._reset_state(reset_partial_state=True)
