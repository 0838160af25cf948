"""Parts of a data set made side by side; nothing is rendered: the pictures are random."""

import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.own_process import ROOT, wait_for
from train.synthesis.dataset import PART, Settings, merge_labels, open_folder, part_path, picture_generator, write_parts
from train.synthesis.labels import Picture
from train.synthesis.workers import write_side_by_side


def dying(index):
    if index == PART + 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return picture(index)


def without_opengl():
    raise OSError("no OpenGL context could be had")


def dying_factory():
    return dying


SETTINGS = Settings(count=2 * PART + 30, seed=1, size=16, split="train")


def picture(index):
    image = picture_generator(SETTINGS.seed, index).integers(0, 255, (16, 16, 3), np.uint8)
    return Picture(image, np.eye(3), [])


def factory():
    return picture


def contents(folder):
    return {
        (path.name, name): zipfile.ZipFile(path).read(name)
        for path in sorted(folder.glob("part-*"))
        for name in zipfile.ZipFile(path).namelist()
    }


@pytest.mark.slow
def test_processes_make_the_same_set_and_only_what_is_missing(tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    open_folder(alone, SETTINGS)
    assert write_parts(alone, SETTINGS, picture) == SETTINGS.count
    open_folder(shared, SETTINGS)
    assert write_side_by_side(shared, SETTINGS, factory, processes=2) == SETTINGS.count
    assert merge_labels(shared, SETTINGS)
    assert contents(shared) == contents(alone)
    before = part_path(shared, 0).stat().st_mtime_ns
    part_path(shared, 1).unlink()
    part_path(shared, 2).unlink()
    assert write_side_by_side(shared, SETTINGS, factory, processes=2) == SETTINGS.count - PART
    assert part_path(shared, 0).stat().st_mtime_ns == before
    assert contents(shared) == contents(alone)


@pytest.mark.slow
def test_processes_end_when_the_command_is_killed(tmp_path):
    script = textwrap.dedent("""
        import dataclasses, sys, time
        from pathlib import Path
        from tests.helpers import rendered_set
        from train.synthesis.dataset import PART, open_folder
        from train.synthesis.workers import write_side_by_side

        def slow(index):
            time.sleep(0.05)
            Path(sys.argv[1], "begun").touch()
            return rendered_set.picture(index)

        def factory():
            return slow

        if __name__ == "__main__":
            folder, settings = Path(sys.argv[1]), dataclasses.replace(rendered_set.SETTINGS, count=2 * PART)
            open_folder(folder, settings)
            write_side_by_side(folder, settings, factory, processes=2)
    """)
    path = tmp_path / "slow.py"
    path.write_text(script)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = subprocess.Popen([sys.executable, path, tmp_path], env=environment, start_new_session=True)
    wait_for((tmp_path / "begun").is_file)
    assert running(command.pid) >= 3
    command.kill()
    command.wait()
    wait_for(lambda: not running(command.pid))
    assert not list(tmp_path.glob("part-*.zip"))


def running(session):
    """Processes of a session that have not ended."""
    states = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            state, _, _, its_session, *_ = path.read_text().rpartition(")")[2].split()
            states.append(state if int(its_session) == session else "Z")
    return sum(state != "Z" for state in states)


@pytest.mark.slow
def test_what_a_process_refuses_reaches_the_caller(tmp_path):
    open_folder(tmp_path, SETTINGS)
    with pytest.raises(OSError, match="no OpenGL context"):
        write_side_by_side(tmp_path, SETTINGS, without_opengl, processes=2)
    with pytest.raises(RuntimeError, match=r"killed.*again to go on"):
        write_side_by_side(tmp_path, SETTINGS, dying_factory, processes=2)
