"""Several visitors at once: each sees the place in the queue, and gets the result of the own photo."""

import threading

import pytest
from PIL import Image

from demo.page import build_page, launch_options
from demo.service import Service

pytestmark = pytest.mark.browser

WAIT = 60_000  # milliseconds, for busy machines
VISITORS = 4


class Held:
    """The stand-in, which looks at a photo only when it may."""

    def __init__(self, stand_in):
        self.stand_in, self.may, self.begun = stand_in, threading.Event(), threading.Semaphore(0)

    def __getattr__(self, name):
        """What else the stand-in has."""
        return getattr(self.stand_in, name)

    def everybody(self, photo):
        """Wait, and find the two people of the stand-in."""
        self.begun.release()
        assert self.may.wait(120)
        return self.stand_in.predict_all(photo)


@pytest.fixture(scope="module")
def held(stand_in):
    return Held(stand_in)


@pytest.fixture(scope="module")
def address(held):
    page = build_page(Service(held), example=None)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield url
    held.may.set()
    page.close()


def test_who_waits_sees_the_place_in_the_queue_and_gets_the_own_result(open_page, held, tmp_path):
    pages = [open_page() for _ in range(VISITORS)]
    for number, page in enumerate(pages):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (200, 100 + 10 * number), (90, 90, 90)).save(path)
        page.set_input_files("#photo input[type=file]", str(path))
        if number == 0:
            assert held.begun.acquire(timeout=60)
        else:
            page.locator("#hint").get_by_text(f"queue: {number}/{number}").wait_for(timeout=WAIT)
    held.may.set()
    for number, page in enumerate(pages):
        page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
        assert page.locator("#box input, #box textarea").input_value() == f"0, 0, 100, {100 + 10 * number}"
