"""The page as a visitor finds it, opened with the example: what is asked of the server, and what is left of the old."""

import datetime as dt
import time
from types import SimpleNamespace

import pytest
from gradio import Error
from PIL import Image

from demo.retention import KEPT_SECONDS
from demo.view import View
from tests.helpers.serving import WAIT, served, upload

pytestmark = pytest.mark.browser


class Slow:
    """The stand-in, which takes its time and counts the photos."""

    def __init__(self, stand_in):
        self.stand_in, self.estimates = stand_in, 0

    def __getattr__(self, name):
        """What else the stand-in has."""
        return getattr(self.stand_in, name)

    def predict_all(self, photo, **named):
        """Find the two people of the stand-in."""
        self.estimates += 1
        time.sleep(0.5)
        return self.stand_in.predict_all(photo, **named)


@pytest.fixture(scope="module")
def slow(stand_in):
    return Slow(stand_in)


@pytest.fixture(scope="module")
def address(slow, example):
    with served(slow, example=example) as url:
        yield url


@pytest.fixture
def fresh(open_page, slow):
    page = open_page()
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    slow.estimates = 0
    return page


def replace_photo(page, path):
    """Remove the photo, and choose another one."""
    page.locator("#photo").get_by_role("button", name="Remove Image").click()
    page.wait_for_selector("#photo input[type=file]", state="attached", timeout=WAIT)
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


def test_an_upload_is_estimated_once(fresh, slow, other):
    replace_photo(fresh, other)
    wait_for_box(fresh, 350)
    fresh.wait_for_timeout(1500)
    assert slow.estimates == 1


def twice(route):
    """Sends a request to join the queue two times."""
    route.fetch()
    route.continue_()


def test_a_browser_that_asks_twice_gets_one_estimate(fresh, slow, other):
    fresh.locator("#photo").get_by_role("button", name="Remove Image").click()
    fresh.get_by_text("The pose appears here").wait_for(timeout=WAIT)
    fresh.wait_for_timeout(1000)
    fresh.route("**/queue/join*", twice)
    upload(fresh, other)
    wait_for_box(fresh, 350)
    fresh.wait_for_timeout(1500)
    assert slow.estimates == 1
    assert fresh.get_by_test_id("toast-body").count() == 0


def test_a_first_photo_without_people_ends_in_no_error_even_if_it_is_asked_for_twice(fresh, tmp_path):
    Image.new("RGB", (100, 100)).save(tmp_path / "black.png")
    fresh.route("**/queue/join*", twice)
    replace_photo(fresh, tmp_path / "black.png")
    fresh.get_by_text("Nobody was found in this photo").wait_for(timeout=WAIT)
    fresh.wait_for_timeout(2500)
    assert fresh.get_by_test_id("toast-body").count() == 0
    assert not fresh.locator("#figure").is_visible()


def test_words_for_the_user_keep_their_title_and_link_on_the_page(fresh, slow, other, monkeypatch):
    def refuse(*_, **__):
        raise Error('Your quota is used up. <a href="https://huggingface.co/pricing">More</a>', title="ZeroGPU quota")

    monkeypatch.setattr(slow, "predict_all", refuse)
    replace_photo(fresh, other)
    fresh.locator("#hint").get_by_text("Your quota is used up.").wait_for(timeout=WAIT)
    assert "ZeroGPU quota" in fresh.locator("#hint").inner_text()
    assert fresh.locator("#hint a").get_attribute("href") == "https://huggingface.co/pricing"


def photo_of_figure(page):
    """What stands for the photo of the 3D figure."""
    return page.evaluate("document.querySelector('#figure .graph').layout.uirevision")


def test_a_late_drawing_of_the_example_does_not_replace_that_of_a_new_photo(fresh, other, monkeypatch):
    drawn = View.figure
    first = photo_of_figure(fresh)

    def late(view):
        if view.choices.show_outside:
            time.sleep(4)
        return drawn(view)

    monkeypatch.setattr(View, "figure", late)
    fresh.get_by_label("Guess beyond the frame").check()
    fresh.wait_for_timeout(300)
    monkeypatch.setattr(View, "figure", drawn)
    replace_photo(fresh, other)
    wait_for_box(fresh, 350)
    new = photo_of_figure(fresh)
    assert new != first
    fresh.wait_for_timeout(5000)
    assert photo_of_figure(fresh) == new


def test_a_result_that_is_no_longer_kept_is_not_replaced_by_the_example(fresh, other, monkeypatch):
    replace_photo(fresh, other)
    wait_for_box(fresh, 350)
    new = photo_of_figure(fresh)

    later = SimpleNamespace(now=lambda: dt.datetime.now() + dt.timedelta(seconds=KEPT_SECONDS + 1))  # noqa: DTZ005
    monkeypatch.setattr("gradio.state_holder.datetime", SimpleNamespace(datetime=later, timedelta=dt.timedelta))
    fresh.wait_for_timeout(2500)  # every second Gradio looks what has expired
    monkeypatch.undo()
    fresh.get_by_label("Guess beyond the frame").check()
    fresh.get_by_text("this result is no longer kept").wait_for(timeout=WAIT)
    assert photo_of_figure(fresh) == new
