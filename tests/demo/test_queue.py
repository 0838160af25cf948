"""Several visitors at once: each sees the place in the queue and gets the result of the right photo."""

import threading

from PIL import Image

from tests.helpers.serving import WAIT, upload, wait_for_figure
from tests.helpers.stand_in import StandIn


def test_a_waiting_visitor_sees_the_place_in_the_queue_and_gets_the_right_result(open_page, tmp_path, monkeypatch):
    plain, begun, released = StandIn.predict_all, threading.Event(), threading.Event()

    def held(self, photo, **named):
        begun.set()
        assert released.wait(120)
        return plain(self, photo, **named)

    monkeypatch.setattr(StandIn, "predict_all", held)
    pages = [open_page() for _ in range(4)]
    for number, page in enumerate(pages):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (200, 100 + 10 * number), (90, 90, 90)).save(path)
        upload(page, path)
        if number == 0:
            assert begun.wait(60)
        else:
            page.locator("#hint").get_by_text(f"queue: {number}/{number}").wait_for(timeout=WAIT)
    released.set()
    for number, page in enumerate(pages):
        wait_for_figure(page)
        assert page.locator("#box input, #box textarea").input_value() == f"0, 0, 100, {100 + 10 * number}"
