"""The page as a visitor finds it, opened with the example: what is asked of the server, and what is left of the old."""

import datetime as dt
import time
from types import SimpleNamespace

import pytest
from gradio import Error
from PIL import Image

from demo.retention import KEPT_SECONDS
from demo.view import View
from tests.helpers.serving import WAIT, remove_photo, upload, wait_for_figure
from tests.helpers.stand_in import StandIn


@pytest.fixture
def address(example_page):
    return example_page


@pytest.fixture
def fresh(open_page):
    page = open_page()
    wait_for_figure(page)
    return page


@pytest.fixture
def estimates(monkeypatch):
    """Filled with the photos that are estimated, each of which takes its time."""
    plain, photos = StandIn.predict_all, []

    def slow(self, photo, **named):
        photos.append(photo)
        time.sleep(0.5)
        return plain(self, photo, **named)

    monkeypatch.setattr(StandIn, "predict_all", slow)
    return photos


def replace_photo(page, path):
    remove_photo(page)
    page.wait_for_timeout(500)
    upload(page, path)


def wait_for_box(page, height):
    """Wait until the result of a photo of that height is shown."""
    box = "document.querySelector('#box input, #box textarea')"
    page.wait_for_function(f"{box} && {box}.value.endsWith(', {height}')", timeout=WAIT)
    page.wait_for_function("document.querySelector('#download:not([disabled])')", timeout=WAIT)


@pytest.fixture
def other(tmp_path):
    """A photo of which the box of the first person ends at 350."""
    Image.new("RGB", (300, 350), (90, 90, 90)).save(tmp_path / "other.png")
    return tmp_path / "other.png"


def test_a_browser_that_asks_twice_gets_one_estimate_and_no_error(fresh, estimates, other, black):
    fresh.route("**/queue/join*", lambda route: (route.fetch(), route.continue_()))
    replace_photo(fresh, other)
    wait_for_box(fresh, 350)
    fresh.wait_for_timeout(1500)
    assert len(estimates) == 1
    replace_photo(fresh, black)
    fresh.get_by_text("Nobody was found in this photo").wait_for(timeout=WAIT)
    fresh.wait_for_timeout(2500)
    assert fresh.get_by_test_id("toast-body").count() == 0
    assert not fresh.locator("#figure").is_visible()


def test_words_for_the_user_keep_their_title_and_link_on_the_page(fresh, other, monkeypatch):
    told = Error('Used up. <a href="https://huggingface.co/pricing">More</a>', title="ZeroGPU quota")
    monkeypatch.setattr(StandIn, "predict_all", lambda *_, **__: (_ for _ in ()).throw(told))
    replace_photo(fresh, other)
    fresh.locator("#hint").get_by_text("Used up.").wait_for(timeout=WAIT)
    assert "ZeroGPU quota" in fresh.locator("#hint").inner_text()
    assert fresh.locator("#hint a").get_attribute("href") == "https://huggingface.co/pricing"


def test_the_example_replaces_no_new_photo_neither_by_a_late_drawing_nor_after_the_result_has_gone(
    fresh, other, monkeypatch
):
    drawn, shown = View.figure, "document.querySelector('#figure .graph').layout.uirevision"
    first = fresh.evaluate(shown)

    def late(view):
        if view.choices.show_outside:
            time.sleep(4)
        return drawn(view)

    with monkeypatch.context() as patched:
        patched.setattr(View, "figure", late)
        fresh.get_by_label("Guess beyond the frame").check()
        fresh.wait_for_timeout(300)
    replace_photo(fresh, other)
    wait_for_box(fresh, 350)
    new = fresh.evaluate(shown)
    assert new != first
    fresh.wait_for_timeout(5000)
    assert fresh.evaluate(shown) == new

    later = SimpleNamespace(now=lambda: dt.datetime.now() + dt.timedelta(seconds=KEPT_SECONDS + 1))  # noqa: DTZ005
    with monkeypatch.context() as patched:
        patched.setattr("gradio.state_holder.datetime", SimpleNamespace(datetime=later, timedelta=dt.timedelta))
        fresh.wait_for_timeout(2500)  # every second Gradio looks what has expired
    fresh.get_by_label("Guess beyond the frame").uncheck()
    fresh.get_by_text("this result is no longer kept").wait_for(timeout=WAIT)
    assert fresh.evaluate(shown) == new
