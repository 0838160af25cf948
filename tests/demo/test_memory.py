"""What keeps the server's memory from growing."""

import platform
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from demo.page import build_page, launch_options
from demo.service import Service

ROOT = Path(__file__).parents[2]
THREADS = """
import ctypes, threading
{first}
together = threading.Barrier(6)
def work():
    together.wait()
    bytearray(100_000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


def arenas(first):
    """How many arenas six threads make that allocate at the same time, in a process that runs a line before."""
    command = [sys.executable, "-c", THREADS.format(first=first)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stderr.count("Arena ")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this C library has no arenas")
def test_threads_share_two_arenas():
    assert arenas("") > 2
    assert arenas("from demo.memory import share_arenas; assert share_arenas()") == 2


def test_the_sessions_that_are_kept_are_bounded(stand_in, monkeypatch):
    monkeypatch.setattr("demo.page.SESSIONS", 3)
    page = build_page(Service(stand_in), example=None)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    try:
        for _ in range(5):  # each is a session of its own
            httpx.post(f"{url}gradio_api/call/model_info", json={"data": []}, timeout=60).raise_for_status()
        assert len(page.state_holder.session_data) == 3
    finally:
        page.close()
