"""Parts of a data set made side by side; nothing is rendered: the pictures are random."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
import zipfile
from functools import partial

import pytest

from tests.helpers import rendered_set
from tests.helpers.own_process import ROOT, wait_for
from train.synthesis.dataset import PART, merge_labels, open_folder, part_path, write_parts
from train.synthesis.workers import write_side_by_side

SETTINGS = dataclasses.replace(rendered_set.SETTINGS, count=2 * PART + 30)


def slow(index):
    time.sleep(0.5)
    return rendered_set.picture(index)


def dying(index):
    if index == PART + 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return rendered_set.picture(index)


def maker(make):
    """What makes the pictures, given as it is to every process."""
    return make


def without_opengl():
    raise OSError("no OpenGL context could be had")


def contents(folder):
    parts = {path.name: zipfile.ZipFile(path) for path in folder.glob("part-*")}
    return {(part, name): file.read(name) for part, file in parts.items() for name in file.namelist()}


@pytest.mark.slow
def test_processes_make_the_same_set_and_only_what_is_missing(tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    open_folder(alone, SETTINGS)
    assert write_parts(alone, SETTINGS, rendered_set.picture) == SETTINGS.count
    open_folder(shared, SETTINGS)
    assert write_side_by_side(shared, SETTINGS, partial(maker, rendered_set.picture), processes=2) == SETTINGS.count
    assert merge_labels(shared, SETTINGS)
    assert contents(shared) == contents(alone)
    part_path(shared, 2).unlink()
    assert write_side_by_side(shared, SETTINGS, partial(maker, rendered_set.picture), processes=2) == 30


@pytest.mark.slow
def test_processes_end_when_the_command_is_killed(tmp_path):
    code = (
        "import sys\n"
        "from functools import partial\n"
        "from pathlib import Path\n"
        "from tests.train.synthesis import test_workers as these\n"
        "these.open_folder(Path(sys.argv[1]), these.SETTINGS)\n"
        "these.write_side_by_side(Path(sys.argv[1]), these.SETTINGS, partial(these.maker, these.slow), processes=2)\n"
    )
    command = subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT, stdout=subprocess.PIPE)
    wait_for(lambda: len(list(tmp_path.glob(".part-*"))) == 2)
    command.kill()
    command.communicate(timeout=60)  # until the last process that holds its output has ended
    assert not list(tmp_path.glob("part-*.zip"))


@pytest.mark.slow
def test_what_a_process_refuses_reaches_the_caller(tmp_path):
    open_folder(tmp_path, SETTINGS)
    with pytest.raises(OSError, match="no OpenGL context"):
        write_side_by_side(tmp_path, SETTINGS, without_opengl, processes=2)
    with pytest.raises(RuntimeError, match=r"killed.*again to go on"):
        write_side_by_side(tmp_path, SETTINGS, partial(maker, dying), processes=2)
    assert not list(tmp_path.glob(".part-*"))
