"""Fixtures of the training tests."""

import pytest

from tests.helpers.fake_data import write_pack


@pytest.fixture
def data_folder(tmp_path):
    """What ``--data`` takes: a pack of eight people, two of them for validation."""
    folder = tmp_path / "data"
    folder.mkdir()
    write_pack(folder, "made", 8, held_out=2)
    return folder


@pytest.fixture(autouse=True)
def memory_is_given_back(monkeypatch):
    """A command that is run in this process is one of many there."""
    monkeypatch.setattr("train.command.keep_freed_memory", lambda: False)
