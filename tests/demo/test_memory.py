"""What keeps the server's memory from growing."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.serving import ask, launched

ROOT = Path(__file__).parents[2]
BEGIN = "import demo.memory; demo.memory.TRIM_SECONDS = 0.1; assert demo.memory.give_back_memory()"
WORK = """
import ctypes, psutil, threading, time
from concurrent.futures import ThreadPoolExecutor
together = threading.Barrier(6)
with ThreadPoolExecutor(6) as pool:
    list(pool.map(lambda _: (together.wait(), bytearray(100_000), together.wait()), range(6)))
ctypes.CDLL(None).malloc_stats()
pieces = [bytearray(100_000 if number % 2 else 1_000) for number in range(4_000)]
full = psutil.Process().memory_info().rss
del pieces[1::2]
time.sleep(1)
print(full - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_share_two_arenas_and_holes_are_given_back():
    done = subprocess.run([sys.executable, "-c", BEGIN + WORK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.count("Arena ") == 2
    assert int(done.stdout) > 150_000_000


def test_the_sessions_that_are_kept_are_bounded(stand_in, monkeypatch):
    monkeypatch.setattr("demo.page.SESSIONS", 3)
    with launched(stand_in) as page:
        for _ in range(5):  # each is a session of its own
            ask(page.local_url, "model_info")
        assert len(page.state_holder.session_data) == 3
