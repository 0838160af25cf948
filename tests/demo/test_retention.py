"""What visitors leave is gone within the hour or when the server ends; what keeps the server's memory from growing."""

import datetime as dt
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from gradio import Error
from gradio.route_utils import delete_files_created_by_app
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from PIL import Image

from demo.result import Result
from demo.retention import CLEANING, KEPT_SECONDS, own_folder, watch
from demo.service import Service
from tests.helpers.serving import WAIT, ask, launched, remove_photo, upload, wait_for_result

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    return tmp_path / "gradio"


@pytest.fixture
def page(folder, stand_in, example):
    """The page that opens with the example, served."""
    with launched(stand_in, example=example) as page:
        page.first = files(folder)
        yield page


def clean(page, seconds):
    """Do what happens so many seconds from now."""
    later = lambda: dt.datetime.now() + dt.timedelta(seconds=seconds)  # noqa: DTZ005, E731
    clock = SimpleNamespace(now=later, fromtimestamp=dt.datetime.fromtimestamp)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gradio.route_utils.datetime", clock)
        patched.setattr("gradio.state_holder.datetime", SimpleNamespace(datetime=clock, timedelta=dt.timedelta))
        watch(page)
        delete_files_created_by_app(page, CLEANING[1])
        page.state_holder.delete_all_expired_state()


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_every_file_goes_in_time_and_the_example_stays(page, folder, tmp_path):
    Image.new("RGB", (300, 350), (90, 90, 90)).save(tmp_path / "grey.png")
    client = Client(page.local_url, verbose=False, download_files=False)
    client.predict(handle_file(tmp_path / "grey.png"), api_name="/show_pose")
    (folder / "tmp1broken").write_bytes(b"half of an upload")
    left = files(folder)
    assert len(left) > len(page.first) + 10
    (photo,) = (path for path in left if path.name == "grey.png" and path.stat().st_size)
    result = Result(str(photo), (350, 300), (), 0.6)
    clean(page, CLEANING[1] - 60)
    assert (files(folder), Service(SimpleNamespace(fusion=None)).photo_of(result).shape) == (left, (350, 300, 3))
    clean(page, sum(CLEANING))
    assert files(folder) == page.first
    with pytest.raises(Error, match="no longer on the server"):  # so that nothing more is drawn of it
        Service(SimpleNamespace(fusion=None)).photo_of(result)
    assert 2 * sum(CLEANING) <= 3600  # what was drawn last is as old as that


def test_a_kept_result_goes_in_time_whether_or_not_its_page_is_still_open(page):
    kept = next(block._id for block in page.blocks.values() if getattr(block, "time_to_live", None))
    sessions = [page.state_holder[name] for name in ("open", "closed")]
    for session, closed in zip(sessions, (False, True), strict=True):
        session[kept], session.is_closed = "a result", closed
    clean(page, KEPT_SECONDS - 60)
    assert [session.state_data[kept] for session in sessions] == ["a result"] * 2
    clean(page, KEPT_SECONDS + 1)
    assert not [session for session in sessions if kept in session.state_data]


def test_the_server_looks_for_files_that_gradio_does_not_know_of(folder, stand_in, monkeypatch):
    monkeypatch.setattr("demo.retention._EVERY", 0.5)
    with launched(stand_in) as page:
        first = files(folder)
        (folder / "tmp1broken").write_bytes(b"half of an upload")
        httpx.get(page.local_url, timeout=60)
    assert files(folder) == first


def test_no_file_of_a_photo_or_clip_outlasts_the_server(folder, page, clip, notes, open_page):
    visitor = open_page(url=page.local_url)
    wait_for_result(visitor)
    remove_photo(visitor)
    upload(visitor, notes)
    visitor.locator("#hint").get_by_text("notes.jpg is not a photo").wait_for(timeout=WAIT)
    visitor.locator("#chooser .example").first.click()
    wait_for_result(visitor)
    visitor.get_by_role("tab", name="Video").click()
    visitor.set_input_files("#clip input[type=file]", str(clip))
    visitor.wait_for_selector("#clip video", timeout=WAIT)
    visitor.get_by_role("button", name="Follow the person").click()
    visitor.wait_for_selector("#motion video", timeout=WAIT)
    left = files(folder)
    assert {path.suffix for path in left} >= {".mp4", ".json", ".csv", ".bvh", ".glb"}
    assert len(left) > len(page.first) + 20
    page.close()
    assert files(folder) == page.first


def test_the_app_has_a_folder_of_its_own(monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    own_folder()
    mine = Path(get_upload_folder())
    assert mine.stat().st_mode & 0o077 == 0  # nobody else reads it
    mine.rmdir()


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
        assert "sleep_when_free" in page._queue.start_processing.__code__.co_names  # as build_page takes for granted
