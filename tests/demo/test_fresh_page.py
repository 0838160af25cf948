"""The page as a visitor finds it, opened with the example: what is asked of the server, and what is left of the old."""

import datetime as dt
import threading
import time
from types import SimpleNamespace

import pytest
from gradio import Error
from PIL import Image

from demo.retention import KEPT_SECONDS
from demo.view import View
from tests.helpers.serving import WAIT, remove_photo, upload, wait_for_figure
from tests.helpers.stand_in import StandIn

SHOWN = "document.querySelector('#figure .graph').layout.uirevision"


@pytest.fixture
def fresh(open_page, example_page):
    page = open_page(url=example_page)
    wait_for_figure(page)
    return page


@pytest.fixture
def other(tmp_path):
    Image.new("RGB", (300, 350), (90, 90, 90)).save(tmp_path / "other.png")
    return tmp_path / "other.png"


def replace_photo(page, path):
    remove_photo(page)
    page.wait_for_timeout(500)
    upload(page, path)


def wait_for_other(page):
    box = "document.querySelector('#box input, #box textarea')"
    page.wait_for_function(f"{box} && {box}.value.endsWith(', 350')", timeout=WAIT)
    page.wait_for_function("document.querySelector('#download:not([disabled])')", timeout=WAIT)


def test_asked_twice_it_estimates_once_and_a_refusal_keeps_its_title_and_link(fresh, other, black, monkeypatch):
    plain, photos = StandIn.predict_all, []

    def slow(self, photo, **named):
        photos.append(photo)
        time.sleep(0.5)
        return plain(self, photo, **named)

    monkeypatch.setattr(StandIn, "predict_all", slow)
    fresh.route("**/queue/join*", lambda route: (route.fetch(), route.continue_()))
    replace_photo(fresh, other)
    wait_for_other(fresh)
    fresh.wait_for_timeout(1500)
    assert len(photos) == 1
    replace_photo(fresh, black)
    fresh.get_by_text("Nobody was found in this photo").wait_for(timeout=WAIT)
    fresh.wait_for_timeout(2500)
    assert fresh.get_by_test_id("toast-body").count() == 0
    assert not fresh.locator("#figure").is_visible()
    fresh.unroute_all()
    told = Error('Used up. <a href="https://huggingface.co/pricing">More</a>', title="ZeroGPU quota")
    monkeypatch.setattr(StandIn, "predict_all", lambda *_, **__: (_ for _ in ()).throw(told))
    replace_photo(fresh, other)
    fresh.locator("#hint").get_by_text("Used up.").wait_for(timeout=WAIT)
    assert "ZeroGPU quota" in fresh.locator("#hint").inner_text()
    assert fresh.locator("#hint a").get_attribute("href") == "https://huggingface.co/pricing"


def test_the_example_replaces_no_new_photo_be_it_late_or_no_longer_kept(fresh, other, monkeypatch):
    drawn, first = View.figure, fresh.evaluate(SHOWN)

    def late(view):
        if view.choices.show_outside:
            time.sleep(4)
        return drawn(view)

    with monkeypatch.context() as patched:
        patched.setattr(View, "figure", late)
        fresh.get_by_label("Guess beyond the frame").check()
        fresh.wait_for_timeout(300)
    replace_photo(fresh, other)
    wait_for_other(fresh)
    new = fresh.evaluate(SHOWN)
    assert new != first
    fresh.wait_for_timeout(5000)
    assert fresh.evaluate(SHOWN) == new

    later = SimpleNamespace(now=lambda: dt.datetime.now() + dt.timedelta(seconds=KEPT_SECONDS + 1))  # noqa: DTZ005
    with monkeypatch.context() as patched:
        patched.setattr("gradio.state_holder.datetime", SimpleNamespace(datetime=later, timedelta=dt.timedelta))
        fresh.wait_for_timeout(2500)  # every second Gradio looks what has expired
    fresh.get_by_label("Guess beyond the frame").uncheck()
    fresh.get_by_text("this result is no longer kept").wait_for(timeout=WAIT)
    assert fresh.evaluate(SHOWN) == new


def test_a_waiting_visitor_sees_the_place_in_the_queue_and_gets_the_right_result(open_page, tmp_path, monkeypatch):
    plain, begun, released = StandIn.predict_all, threading.Event(), threading.Event()

    def held(self, photo, **named):
        begun.set()
        assert released.wait(120)
        return plain(self, photo, **named)

    monkeypatch.setattr(StandIn, "predict_all", held)
    pages = [open_page() for _ in range(3)]
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
