"""The real page in headless Chromium: what people see."""

import os
import shutil

import pytest

from demo.page import build_page, launch_options
from demo.service import Service
from fusion_model import PoseEstimator

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WAIT = 60_000  # milliseconds, for busy machines


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium: install the package 'chromium', or set CHROMIUM to its path")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(stand_in):
    page = build_page(Service(stand_in))
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield url
    page.close()


@pytest.fixture
def open_page(browser, address):
    contexts = []

    def opened(viewport=DESK, scheme="light", url=address):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.broken = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.broken.append(str(error)))
        page.goto(url, timeout=WAIT)
        page.wait_for_selector("#photo input[type=file]", state="attached", timeout=WAIT)
        return page

    yield opened
    for context in contexts:
        context.close()


def upload(page, path):
    page.set_input_files("#photo input[type=file]", str(path))


def wait_for_result(page):
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 17", timeout=WAIT)
    page.wait_for_selector("#times code", timeout=WAIT)


def test_a_photo_in_the_pose_out(open_page, example):
    page = open_page()
    page.get_by_text("The pose appears here").wait_for(timeout=WAIT)
    upload(page, example)
    wait_for_result(page)
    assert not page.get_by_text("The pose appears here").is_visible()
    plot = page.locator("#figure .js-plotly-plot").bounding_box()
    assert plot["height"] > 300
    assert plot["width"] > 300
    for view in ("Front", "Side", "Top"):
        assert page.locator("#figure .updatemenu-button", has_text=view).is_visible()
    assert "stand-in" in page.locator("#times").inner_text()
    assert page.broken == []


def test_the_buttons_turn_the_view(open_page, example):
    page = open_page()
    upload(page, example)
    wait_for_result(page)
    page.locator("#figure .updatemenu-button", has_text="Top").click()
    page.wait_for_function(
        "document.querySelector('#figure .js-plotly-plot')._fullLayout.scene.camera.eye.z > 1", timeout=WAIT
    )


def test_the_example_needs_one_click(open_page):
    page = open_page()
    page.locator("button.gallery-item").first.click()
    wait_for_result(page)


def test_a_bad_file_is_a_sentence(open_page, notes):
    page = open_page()
    upload(page, notes)
    toast = page.get_by_test_id("toast-body")
    toast.wait_for(timeout=WAIT)
    assert "notes.jpg is not a photo" in toast.inner_text()
    assert "Traceback" not in page.content()
    assert not page.locator("#figure").is_visible()


def test_no_old_result_beside_a_bad_photo(open_page, example, notes):
    page = open_page()
    upload(page, example)
    wait_for_result(page)
    page.locator("#photo").get_by_role("button", name="Remove Image").click()
    page.get_by_text("The pose appears here").wait_for(timeout=WAIT)
    upload(page, notes)
    page.get_by_test_id("toast-body").wait_for(timeout=WAIT)
    assert not page.locator("#figure").is_visible()


def test_a_quick_change_brings_no_old_result_back(open_page, example, notes):
    page = open_page()
    for _ in range(3):
        upload(page, example)
        wait_for_result(page)
        page.locator("#photo").get_by_role("button", name="Remove Image").click()
        upload(page, notes)
        page.get_by_test_id("toast-body").last.wait_for(timeout=WAIT)
        page.wait_for_timeout(1500)
        assert not page.locator("#figure").is_visible()
        page.locator("#photo").get_by_role("button", name="Remove Image").click()
        page.get_by_test_id("toast-close").last.click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_one_way_only(open_page, example, scheme):
    page = open_page(PHONE, scheme)
    upload(page, example)
    wait_for_result(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    plot = page.locator("#figure .js-plotly-plot").bounding_box()
    assert 250 < plot["width"] <= PHONE["width"]
    last = page.locator("#maps .grid-wrap img").last.bounding_box()
    frame = page.locator("#maps").bounding_box()
    assert last["y"] + last["height"] <= frame["y"] + frame["height"]  # no map is cut off


def test_the_page_asks_no_other_server(open_page, example, address):
    page = open_page()
    upload(page, example)
    wait_for_result(page)
    others = [url for url in page.asked if not url.startswith((address, "data:", "blob:"))]
    assert others == []


def test_over_a_real_network(open_page, example):
    """The tiny network is untrained: it may find somebody or not, but the page must say which."""
    served = build_page(Service(PoseEstimator.random("tiny", seed=0)))
    _, url, _ = served.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    try:
        page = open_page(url=url)
        upload(page, example)
        page.wait_for_selector("#times code, [data-testid=toast-body]", timeout=WAIT)
        toast = page.get_by_test_id("toast-body")
        if toast.count():
            assert "nobody was found" in toast.inner_text()
        else:
            assert "random-tiny" in page.locator("#times").inner_text()
    finally:
        served.close()
