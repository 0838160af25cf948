"""``train.prepare``, the command as a user calls it."""

import pytest


@pytest.fixture
def prepare(printed, tmp_path):
    """Prepares a set; what the command printed."""
    return lambda *arguments, out=tmp_path / "out": printed(*_command(*arguments, out=out))


@pytest.fixture
def prepare_error(refused, tmp_path):
    """Prepares a set in vain; the last line of errors."""
    return lambda *arguments, out=tmp_path / "out": refused(*_command(*arguments, out=out))


def _command(data_set, source, *options, out):
    return "prepare", data_set, "--source", source, "--out", out, "--workers", 2, *options
