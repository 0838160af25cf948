"""``train.prepare``, the command as a user calls it."""

import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from tests.helpers.photos import brightest
from train.data.prepared import open_prepared, read_prepared


@pytest.fixture
def prepare(printed, tmp_path):
    """Prepares a set; what the command printed."""
    return lambda *arguments, out=tmp_path / "out": printed(*_command(*arguments, out=out))


@pytest.fixture
def prepare_error(refused, tmp_path):
    """Prepares a set in vain; the last line of errors."""
    return lambda *arguments, out=tmp_path / "out": refused(*_command(*arguments, out=out))


@pytest.fixture
def prepared(prepare, tmp_path):
    """Prepares a set, prints and stores what it did before, and shows the dot at that joint; its people."""

    def run(name, *arguments, dot=None, near=1.5):
        printed, columns = prepare(*arguments).replace(str(tmp_path), ""), open_prepared(tmp_path / "out").columns
        people = read_prepared(tmp_path / "out")
        labels = {key: part for key, part in vars(people).items() if key != "read" and part is not None}
        assert_as_before(name, [printed.splitlines(), columns, labels], near=1e-3, file="data.json")
        for row in range(len(people) if dot is not None else 0):
            assert np.abs(brightest(people.photo(row)) - people.joints[row, dot]).max() < near
        return people

    return run


def _command(data_set, source, *options, out):
    return "prepare", data_set, "--source", source, "--out", out, "--workers", 2, *options
