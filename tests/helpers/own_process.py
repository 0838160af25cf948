"""Starts a module in a process of its own and waits for what it does, or a command in this one, which is sooner."""

import os
import subprocess
import sys
import time
from pathlib import Path

from train.command import run_command

ROOT = Path(__file__).parents[2]
# One thread, no accelerator: the same result everywhere.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "ACCELERATE_USE_CPU": "true"}


def output(module, *arguments):
    """What ``python -m module`` prints; it has to succeed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_for(condition, seconds=60):
    """Until the condition holds; fails if the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen within {seconds} seconds"
        time.sleep(0.1)


def call(module, *arguments):
    """Exit status of a command in this process."""
    before, sys.argv = sys.argv, [module.__name__, *map(str, arguments)]
    try:
        return run_command(module.parser(), module.main)
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before
