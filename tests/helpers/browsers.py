"""A browser that drives the real page."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from scripts.chromium import FLAGS, MISSING, find_chromium
from tests.helpers.serving import WAIT


@contextmanager
def chromium(*flags):
    """Headless Chromium with more flags; the test is skipped if there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = find_chromium()
    if found is None:
        pytest.skip(MISSING)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*FLAGS, *flags])
        yield browser
        browser.close()


def aside(function, *values):
    """What a function answers in a thread of its own: Playwright keeps the event loop of the tests' thread."""
    return ThreadPoolExecutor(1).submit(function, *values).result()


def watched(page):
    """The page, which from now on notes what it asks for and which of its scripts fail."""
    if not hasattr(page, "asked"):
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.broken.append(str(error)))
    page.asked, page.broken = [], []
    return page


def open_in(context, url, viewport, scheme="light"):
    """Such a page in a tab of a context that is free, or in a new one."""
    free = [tab for tab in context.pages if tab.url == "about:blank"]
    page = watched(free[0] if free else context.new_page())
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme=scheme)
    page.goto(url, timeout=WAIT)
    return page
