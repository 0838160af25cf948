"""Several visitors at once: each sees the place in the queue and gets the result of the right photo."""

import threading

import pytest
from PIL import Image

from tests.helpers.serving import WAIT, served, upload

pytestmark = pytest.mark.browser

VISITORS = 4


class Held:
    """The stand-in, which estimates only after it is released."""

    def __init__(self, stand_in):
        self.stand_in, self.released, self.begun = stand_in, threading.Event(), threading.Semaphore(0)

    def __getattr__(self, name):
        """What else the stand-in has."""
        return getattr(self.stand_in, name)

    def predict_all(self, photo, **named):
        """Wait, and find the two people of the stand-in."""
        self.begun.release()
        assert self.released.wait(120)
        return self.stand_in.predict_all(photo, **named)


@pytest.fixture(scope="module")
def held(stand_in):
    return Held(stand_in)


@pytest.fixture(scope="module")
def address(held):
    with served(held) as url:
        yield url
        held.released.set()


def test_a_waiting_visitor_sees_the_place_in_the_queue_and_gets_the_right_result(open_page, held, tmp_path):
    pages = [open_page() for _ in range(VISITORS)]
    for number, page in enumerate(pages):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (200, 100 + 10 * number), (90, 90, 90)).save(path)
        upload(page, path)
        if number == 0:
            assert held.begun.acquire(timeout=60)
        else:
            page.locator("#hint").get_by_text(f"queue: {number}/{number}").wait_for(timeout=WAIT)
    held.released.set()
    for number, page in enumerate(pages):
        page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
        assert page.locator("#box input, #box textarea").input_value() == f"0, 0, 100, {100 + 10 * number}"
