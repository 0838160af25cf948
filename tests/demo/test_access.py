"""Whoever cannot see, point or tell faint greys apart can use the page: axe finds nothing serious in any state."""

import pytest
from PIL import Image

from tests.helpers.access import check
from tests.helpers.serving import WAIT, served, upload

pytestmark = pytest.mark.browser

SCREENS = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def address(stand_in, example):
    with served(stand_in, card="# Card\n## Data\nRendered people.", example=example) as url:
        yield url


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.mark.parametrize("screen", SCREENS)
def test_the_first_screen(open_page, screen, scheme):
    page = open_page(SCREENS[screen], scheme)
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 17", timeout=WAIT)
    check(page)


def test_a_box_to_draw_a_message_and_no_photo(open_page, scheme, tmp_path):
    page = open_page(scheme=scheme)
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    page.locator("#box textarea, #box input").fill("one two")
    page.locator("#box textarea, #box input").press("Enter")
    page.locator("#notice").get_by_text("four numbers").wait_for(timeout=WAIT)
    page.get_by_role("button", name="Draw a box").click()
    check(page)
    page.locator("#photo").get_by_role("button", name="Remove Image").click()
    page.get_by_text("The pose appears here").wait_for(timeout=WAIT)
    check(page)
    Image.new("RGB", (100, 100)).save(tmp_path / "black.png")
    upload(page, tmp_path / "black.png")
    page.get_by_text("Nobody was found in this photo").wait_for(timeout=WAIT)
    check(page)


def test_a_heatmap_opened_large_and_the_model_card(open_page, scheme):
    page = open_page(scheme=scheme)
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    page.wait_for_selector("#weights .js-plotly-plot", timeout=WAIT)
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 17", timeout=WAIT)
    page.get_by_role("link", name="Model card").click()
    page.get_by_text("Rendered people.").wait_for(timeout=WAIT)
    page.locator("#maps .grid-wrap button").first.click()
    large = page.locator("#maps .preview img").first
    large.wait_for(timeout=WAIT)
    page.wait_for_function("document.querySelector('#maps .preview img').clientHeight > 400", timeout=WAIT)
    assert page.evaluate("document.querySelector('#maps .preview img').naturalWidth") >= 448
    check(page)
