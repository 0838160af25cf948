"""A browser that drives the real page."""

from contextlib import contextmanager

import pytest

from scripts.chromium import FLAGS, MISSING, find_chromium


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
