"""What is seen before Gradio has drawn the page, and how its files are sent."""

import gzip
import io
import re

import brotli
import httpx
import numpy as np
import pytest
from PIL import Image

from demo.examples import EXAMPLES
from fusion_model import PoseEstimator
from fusion_model.hub.checkpoints import DEFAULT
from tests.helpers.serving import WAIT, served

LOADED = "[...document.querySelectorAll('#first :is(.found img, .poster)')].every((one) => one.naturalWidth)"
PLACES = "(names) => names.map((name) => document.querySelector(name).getBoundingClientRect().toJSON())"


@pytest.fixture(scope="module")
def address():
    with served(PoseEstimator.from_pretrained(DEFAULT), example=EXAMPLES[0].path) as url:
        yield url


def seen(page, name):
    """The pixels of an element."""
    picture = Image.open(io.BytesIO(page.locator(name).screenshot())).convert("RGB")
    return np.asarray(picture, float)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
def test_the_result_is_seen_without_a_script_of_gradios_and_stays_where_it_is(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page.route("**/assets/index-*.js", lambda route: route.abort())
    page.goto(address, timeout=WAIT)
    page.wait_for_function(LOADED, timeout=WAIT)
    names = [".hero h1", ".bar button", ".frame"]
    before = page.evaluate(PLACES, [f"#first {name}" for name in (".found img", *names)])
    still = seen(page, "#first .frame")
    page.unroute_all()
    page.goto(address, timeout=WAIT)
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    page.wait_for_selector("#figure .poster", state="detached", timeout=WAIT)
    page.wait_for_function("document.querySelector('#figure .photo img').style.transform", timeout=WAIT)
    assert page.locator("#first").count() == 0
    after = page.evaluate(PLACES, ["#picture img", "#hero h1", *(f"#figure {name}" for name in names[1:])])
    for one, other in zip(before[1:], after[1:], strict=True):
        assert [one[side] for side in ("x", "y")] == pytest.approx([other[side] for side in ("x", "y")], abs=1.5)
    assert before[0]["y"] == pytest.approx(after[0]["y"], abs=1.5)
    assert np.abs(still - seen(page, "#figure .frame")).mean() < 5  # of 255: the picture is of this view
    page.close()


@pytest.mark.browser
def test_a_link_to_another_example_has_no_first_sight_of_this_one(browser, address):
    page = browser.new_page()
    page.route("**/assets/index-*.js", lambda route: route.abort())
    page.goto(f"{address}?example=yoga", timeout=WAIT)
    assert page.locator("#first").count() == 0
    page.close()


def test_a_page_without_an_example_has_none(stand_in):
    with served(stand_in) as url:
        assert "id='first'" not in httpx.get(url).text


@pytest.mark.parametrize(("accepted", "decode"), [("br", brotli.decompress), ("gzip", gzip.decompress), ("", bytes)])
def test_files_are_compressed_as_the_browser_wants_and_may_be_kept(address, accepted, decode):
    headers = {"accept-encoding": accepted}
    page = httpx.get(address, headers=headers).text
    for path in (re.search(r"/(assets/index-[^.]+\.js)", page)[1], re.search(r"/(assets/plotly-[^\"]+\.js)", page)[1]):
        for _ in range(2):
            with httpx.stream("GET", address + path, headers=headers) as answer:
                sent = b"".join(answer.iter_raw())
                assert answer.headers.get("content-encoding", "") == accepted
                assert "immutable" in answer.headers["cache-control"]
                assert int(answer.headers["content-length"]) == len(sent)
                assert "javascript" in answer.headers["content-type"]
            assert b"function" in decode(sent)


def test_a_file_that_is_not_there_is_not_found_again_and_again(address):
    for _ in range(2):
        answer = httpx.get(f"{address}assets/none.js")
        assert answer.status_code == 404
        assert "immutable" not in answer.headers.get("cache-control", "")
