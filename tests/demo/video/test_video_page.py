"""The opened page and its video tab in headless Chromium, with timings (printed: pytest -s)."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from demo import DEFAULT_MODEL
from demo.page import build_page, launch_options
from demo.service import Service
from fusion_model import PoseEstimator

pytestmark = pytest.mark.browser

WAIT = 60_000  # milliseconds, for busy machines
FRAMES = "document.querySelector('#motion .js-plotly-plot')?._transitionData?._frames.length"


@pytest.fixture(scope="module")
def address(counting):
    page = build_page(Service(counting))
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield url
    page.close()


@pytest.fixture
def video_page(open_page):
    page = open_page()
    page.get_by_role("tab", name="Video").click()
    page.wait_for_selector("#clip input[type=file]", state="attached", timeout=WAIT)
    return page


def follow(page, path):
    page.set_input_files("#clip input[type=file]", str(path))
    page.wait_for_selector("#clip video", timeout=WAIT)
    page.get_by_role("button", name="Follow the person").click()


def saved(page, kind):
    page.locator(f"button#motion-{kind}, #motion-{kind} button").wait_for(timeout=WAIT)
    with page.expect_download(timeout=WAIT) as download:
        page.get_by_role("button", name=f"Download {kind.upper()}").click()
    return Path(download.value.path()).read_text()


def test_the_page_opens_with_the_example_solved_and_estimates_nothing(open_page, counting, monkeypatch):
    monkeypatch.setattr(counting, "everybody", lambda *_, **__: pytest.fail("the network was run"))
    page = open_page()
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    assert page.locator("#picture img").is_visible()
    assert "faces the camera" in page.locator("#words").inner_text()
    page.wait_for_timeout(1000)
    assert page.get_by_test_id("toast-body").count() == 0
    page.get_by_label("Person 2").check()
    page.get_by_text("Person 2: confidence").wait_for(timeout=WAIT)


def test_a_clip_in_the_motion_out(video_page, clip):
    assert "30 seconds" in video_page.locator("#limits").inner_text()
    follow(video_page, clip)
    video_page.wait_for_function(f"{FRAMES} === 10", timeout=WAIT)
    assert "somebody found in 8 of 10, smoothed" in video_page.locator("#motion-text").inner_text()
    assert json.loads(saved(video_page, "json"))["smoothed"] is True
    assert len(list(csv.reader(saved(video_page, "csv").splitlines()))) == 1 + 8 * 17 + 2
    assert saved(video_page, "bvh").startswith("HIERARCHY")
    video_page.wait_for_function("document.querySelector('#overlay video').duration > 0.3", timeout=WAIT)
    video_page.locator("#motion .updatemenu-button", has_text="Play").click()
    video_page.wait_for_function(
        "document.querySelector('#motion .js-plotly-plot')._fullLayout._currentFrame === '9'", timeout=WAIT
    )
    assert video_page.broken == []


def test_smoothing_can_be_switched_off_without_the_networks(video_page, clip, counting):
    follow(video_page, clip)
    video_page.wait_for_function(f"{FRAMES} === 10", timeout=WAIT)
    looked = counting.looked
    video_page.get_by_label("Smooth the joints over time").uncheck()
    video_page.get_by_text("not smoothed").wait_for(timeout=WAIT)
    assert json.loads(saved(video_page, "json"))["smoothed"] is False
    assert counting.looked == looked


def test_cancel_stops_the_work_on_the_server(video_page, make_clip, counting, monkeypatch):
    monkeypatch.setattr(counting, "pause", 0.05)
    follow(video_page, make_clip(frames=200))
    video_page.get_by_text(" of 200").wait_for(timeout=WAIT)
    video_page.locator("#stop").click()
    video_page.get_by_text("The motion appears here").wait_for(timeout=WAIT)
    video_page.wait_for_timeout(500)
    stopped = counting.looked
    video_page.wait_for_timeout(500)
    assert counting.looked == stopped
    assert video_page.locator("#start").is_enabled()


def test_a_clip_with_nobody_is_a_sentence_and_the_buttons_wake_again(video_page, make_clip):
    follow(video_page, make_clip(black=range(10)))
    video_page.get_by_test_id("toast-body").wait_for(timeout=WAIT)
    assert "nobody was found in the clip" in video_page.get_by_test_id("toast-body").inner_text()
    video_page.get_by_text("The motion appears here").wait_for(timeout=WAIT)
    assert video_page.locator("#start").is_enabled()


WATCH = """() => {
    const painted = selector => new Promise(done => {
        const look = () => {
            const found = document.querySelector(selector);
            const there = found && found.getBoundingClientRect().height > 0 && found.complete !== false;
            requestAnimationFrame(there ? () => requestAnimationFrame(() => done(performance.now())) : look);
        };
        look();
    });
    window.painted = {picture: painted("#picture img"), figure: painted("#figure .js-plotly-plot canvas")};
}"""  # the page's own clock: a look from outside waits until the browser has drawn everything


def seconds(page, what, since=0.0):
    """When something was painted, on the page's clock."""
    return page.evaluate(f"() => window.painted.{what}") / 1000 - since


def test_timings_with_the_bundled_model(browser, example, tmp_path):
    """Printed, not asserted: they depend on the machine and on what else it does."""
    served = build_page(Service(PoseEstimator.from_pretrained(DEFAULT_MODEL)))
    _, url, _ = served.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    try:
        page.goto(url, timeout=WAIT, wait_until="commit")
        page.evaluate(WATCH)
        print(f"\nfirst useful paint {seconds(page, 'picture'):.2f} s, 3D figure {seconds(page, 'figure'):.2f} s")
        page.wait_for_timeout(1500)
        for number in range(3):
            path = tmp_path / f"new{number}.jpg"
            with Image.open(example) as photo:
                photo.resize((500 - 20 * number, 586 - 23 * number)).save(path)
            page.locator("#photo").get_by_role("button", name="Remove Image").click()
            page.get_by_text("The pose appears here").wait_for(timeout=WAIT)
            page.evaluate(WATCH)
            start = page.evaluate("() => performance.now()") / 1000
            page.set_input_files("#photo input[type=file]", str(path))
            drawn, figure = (seconds(page, what, start) for what in ("picture", "figure"))
            print(f"new photo: skeleton {drawn:.2f} s, 3D figure {figure:.2f} s after the upload")
        assert page.locator("#times code").inner_text() == "default"
    finally:
        page.close()
        served.close()
