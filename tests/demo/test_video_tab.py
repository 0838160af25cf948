"""The video tab in headless Chromium."""

import csv
import json
from pathlib import Path

import pytest

from tests.helpers.serving import WAIT, served
from tests.helpers.videos import packets

pytestmark = pytest.mark.browser

FRAMES = "document.querySelector('#motion .js-plotly-plot')?._transitionData?._frames.length"


@pytest.fixture(scope="module")
def address(counting):
    with served(counting) as url:
        yield url


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


def test_a_clip_in_the_motion_out(video_page, clip):
    assert "30 seconds" in video_page.locator("#limits").inner_text()
    follow(video_page, clip)
    video_page.wait_for_function(f"{FRAMES} === 10", timeout=WAIT)
    assert "somebody found in 8 of 10, smoothed" in video_page.locator("#motion-caption").inner_text()
    assert json.loads(saved(video_page, "json"))["smoothed"] is True
    assert len(list(csv.reader(saved(video_page, "csv").splitlines()))) == 1 + 8 * 17 + 2
    assert saved(video_page, "bvh").startswith("HIERARCHY")
    video_page.wait_for_function("document.querySelector('#overlay video').duration > 0.3", timeout=WAIT)
    video_page.locator("#motion").get_by_role("button", name="Play").click()
    video_page.wait_for_function(
        "document.querySelector('#motion .js-plotly-plot')._fullLayout._currentFrame === '9'", timeout=WAIT
    )
    assert video_page.broken == []


def test_frames_that_are_missing_are_said(video_page, make_clip):
    path = make_clip(frames=30, name="cut.mp4")
    start, _ = packets(path)[12]
    path.write_bytes(path.read_bytes()[:start])
    follow(video_page, path)
    video_page.wait_for_function(f"{FRAMES} === 12", timeout=WAIT)
    assert "18 of 30 frames are missing" in video_page.locator("#motion-caption").inner_text()
    clip = json.loads(saved(video_page, "json"))["clip"]
    assert (clip["frames"], clip["missing_frames"]) == (12, 18)


def test_smoothing_can_be_switched_off_without_the_networks(video_page, clip, counting):
    follow(video_page, clip)
    video_page.wait_for_function(f"{FRAMES} === 10", timeout=WAIT)
    calls = counting.calls
    video_page.get_by_label("Smooth the joints over time").uncheck()
    video_page.get_by_text("not smoothed").wait_for(timeout=WAIT)
    assert json.loads(saved(video_page, "json"))["smoothed"] is False
    assert counting.calls == calls


def test_cancel_stops_the_work_on_the_server(video_page, make_clip, counting, monkeypatch):
    monkeypatch.setattr(counting, "pause", 0.05)
    follow(video_page, make_clip(frames=200))
    video_page.get_by_text(" of 200").wait_for(timeout=WAIT)
    video_page.locator("#stop").click()
    video_page.get_by_text("The motion appears here").wait_for(timeout=WAIT)
    video_page.wait_for_timeout(500)
    stopped = counting.calls
    video_page.wait_for_timeout(500)
    assert counting.calls == stopped
    assert video_page.locator("#start").is_enabled()


def test_a_clip_without_people_is_a_sentence_and_the_buttons_wake_again(video_page, make_clip):
    follow(video_page, make_clip(black=range(10)))
    video_page.get_by_test_id("toast-body").wait_for(timeout=WAIT)
    assert "nobody was found in the clip" in video_page.get_by_test_id("toast-body").inner_text()
    video_page.get_by_text("The motion appears here").wait_for(timeout=WAIT)
    assert video_page.locator("#start").is_enabled()
