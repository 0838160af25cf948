"""``prepare``: the command as a user calls it."""

import sys

import pytest

from train.command import run_command
from train.prepare import main, parser


@pytest.fixture
def prepare(tmp_path, monkeypatch, capsys):
    """Calls the command; returns its exit status and what it printed."""

    def call(data_set, source, *options, out=None):
        out = out or tmp_path / "out"
        arguments = [data_set, "--source", str(source), "--out", str(out), "--workers", "2", *options]
        monkeypatch.setattr(sys, "argv", ["prepare", *arguments])
        status = run_command(parser(), main)
        printed = capsys.readouterr()
        return status, printed.out if status == 0 else printed.err.strip().splitlines()[-1]

    return call
