"""The live tab in headless Chromium, whose camera shows a clip."""

import re
import threading
import time
from pathlib import Path

import gradio as gr
import pytest
from gradio.utils import get_upload_folder

from demo.page import build_page
from demo.service import Service
from fusion_model import PoseEstimator
from tests.helpers.access import check
from tests.helpers.serving import WAIT, served

BODY = "document.querySelector('#live .graph')?._fullData?.find(one => one.name === 'body')"
HIGHEST = f"Math.max(...({BODY}?.z?.length ? {BODY}.z : [0]))"
CAMERA = "document.querySelector('#live video').srcObject"
QUIET = "document.querySelector('#live .note').textContent === ''"
TWO_CAMERAS = Path(__file__).with_name("two_cameras.js").read_text()


@pytest.fixture
def open_live(open_page):
    def opened(*where, **options):
        page = open_page(*where, **options)
        page.get_by_role("tab", name="Live").click()
        page.get_by_role("button", name="Start the camera").wait_for(timeout=WAIT)
        return page

    return opened


def note(page, text):
    page.locator("#live .note").get_by_text(text).wait_for(timeout=WAIT)


def wait_for_frames(page):
    page.locator("#live .pace").get_by_text("frames a second").wait_for(timeout=WAIT)


def test_a_camera_in_skeleton_and_body_out_until_it_is_stopped_and_nothing_is_kept(open_live):
    page = open_live()
    note(page, "not kept")
    kept = set(Path(get_upload_folder()).rglob("*"))
    page.get_by_role("button", name="Start the camera").click()
    wait_for_frames(page)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture, figure = (page.locator(f"#live {name}").bounding_box() for name in (".film", ".stage"))
        assert (figure["y"] > picture["y"] + 100) == (width < 700)
    check(page)
    assert page.locator("#live canvas[role=img]").first.is_visible()
    assert "faces the camera" in page.locator("#live .film canvas").get_attribute("aria-label")
    page.wait_for_function(f"{HIGHEST} > 1500", timeout=WAIT)
    assert not page.locator("#live .note").is_visible()
    assert set(Path(get_upload_folder()).rglob("*")) == kept
    page.evaluate(f"window.track = {CAMERA}.getTracks()[0]")
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate(f"[{CAMERA}, track.readyState]") == [None, "ended"]  # its light is out
    page.wait_for_timeout(500)
    asked = len(page.asked)
    page.wait_for_timeout(500)
    assert (len(page.asked), page.get_by_test_id("toast-body").count()) == (asked, 0)


def test_one_frame_is_on_its_way_and_it_is_the_newest_until_another_tab_is_opened(open_live, monkeypatch):
    step, turn, together, frames = Service.live_step, threading.Lock(), [], []

    def slow(service, frame, before):
        together.append(not turn.acquire(blocking=False))
        frames.append(frame)
        time.sleep(0.4)
        if not together[-1]:
            turn.release()
        return step(service, frame, before)

    monkeypatch.setattr(Service, "live_step", slow)
    page = open_live()
    page.get_by_role("button", name="Start the camera").click()
    wait_for_frames(page)
    page.wait_for_timeout(4000)
    assert not any(together)
    assert 4 <= len(frames) <= 14
    assert len(set(frames)) > len(frames) / 2  # the camera has gone on meanwhile
    age = re.search(r"(\d+) ms behind", page.locator("#live .pace").inner_text())
    assert 400 <= int(age[1]) < 1500  # it does not grow
    page.get_by_role("tab", name="Video").click()
    page.wait_for_function(f"{CAMERA} === null", timeout=WAIT)


def test_nobody_and_what_fails_are_said_and_another_camera_is_one_click_away(open_live, stand_in, monkeypatch):
    page = open_live()
    with monkeypatch.context() as patched:
        patched.setattr(type(stand_in), "predict_all", lambda *_, **__: [])
        page.get_by_role("button", name="Start the camera").click()
        note(page, "Nobody is seen")
    page.wait_for_function(QUIET, timeout=WAIT)
    with monkeypatch.context() as patched:
        patched.setattr(Service, "live_step", lambda *_: (_ for _ in ()).throw(gr.Error("the server failed")))
        note(page, "the server failed")
    page.wait_for_function(QUIET, timeout=WAIT)
    page.get_by_role("button", name="Stop").click()
    page.evaluate(TWO_CAMERAS)
    page.get_by_role("button", name="Start the camera").click()
    for opened in ("front,back", "front,back,front"):
        page.get_by_role("button", name="Other camera").click()
        page.wait_for_function(f"String(window.opened) === '{opened}'", timeout=WAIT)
        wait_for_frames(page)
    page.get_by_role("button", name="Stop").click()
    for broken, said in {
        "NotAllowedError": "does not let this page use the camera",
        "NotFoundError": "No camera was found",
        "AbortError": "cannot be started (AbortError)",
    }.items():
        fails = f"() => Promise.reject(new DOMException('', '{broken}'))"
        page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {fails}; }}")
        page.get_by_role("button", name="Start the camera").click()
        note(page, said)
    page.evaluate("() => { Object.defineProperty(navigator, 'mediaDevices', { value: undefined }); }")
    page.get_by_role("button", name="Start the camera").click()
    note(page, "by https, or on localhost")


def test_over_the_bundled_model(open_live):
    with served(PoseEstimator.from_pretrained("default")) as url:
        page = open_live(url=url)
        page.get_by_role("button", name="Start the camera").click()
        page.wait_for_function(f"{HIGHEST} > 1200", timeout=WAIT)


def test_a_space_that_lends_a_gpu_for_each_call_has_no_live_tab(stand_in, monkeypatch):
    monkeypatch.setattr("demo.page.on_zero_gpu", lambda: True)
    labels = [block.label for block in build_page(Service(stand_in), None).blocks.values() if isinstance(block, gr.Tab)]
    assert labels == ["Photo", "Video"]
