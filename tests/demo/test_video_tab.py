"""The video tab in headless Chromium."""

import json
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio.utils import get_upload_folder

from demo import video_tab
from demo.service import Service
from tests.helpers.clips import SquareEstimator, middle, picture, write_clip
from tests.helpers.serving import WAIT
from tests.helpers.stand_in import StandIn

GRAPH = "document.querySelector('#motion .js-plotly-plot')"
VIDEO = "document.querySelector('#motion video')"
SLIDER = "document.querySelector('#motion .slider')"
JOINTS = f"({GRAPH}?._fullData?.find(one => one.name === 'joints')?.z || [])"
BOX = "document.querySelector('#clip-box input, #clip-box textarea').value"
WRIST = 13  # in the order of the joints


@pytest.fixture
def page(open_page):
    page = open_page()
    page.get_by_role("tab", name="Video").click()
    page.wait_for_selector("#clip input[type=file]", state="attached", timeout=WAIT)
    return page


def give(page, path):
    clear = page.locator("#clip").get_by_role("button", name="Clear")
    if clear.count():
        clear.click()
    page.set_input_files("#clip input[type=file]", str(path))
    page.wait_for_selector("#clip video", timeout=WAIT)


def wait_for_motion(page, frames):
    page.wait_for_function(f"{SLIDER}?.max === '{frames - 1}' && {JOINTS}.length === 17", timeout=WAIT)


def saved(page, kind):
    page.locator(f"button#motion-{kind}, #motion-{kind} button").wait_for(timeout=WAIT)
    with page.expect_download(timeout=WAIT) as download:
        page.get_by_role("button", name=f"Download {kind.upper()}").click()
    return Path(download.value.path()).read_bytes()


def scrub(page, frame):
    page.locator("#motion .slider").fill(str(frame))
    page.wait_for_function(f"!{VIDEO}.seeking && Math.abs({VIDEO}.currentTime - {frame / 25}) < 0.02", timeout=WAIT)
    page.wait_for_timeout(700)
    return page.locator("#motion .clock").inner_text()


def test_a_clip_in_the_motion_out_and_without_smoothing_without_the_networks(page, clip, stand_in):
    page.get_by_text("The motion appears here").wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    stray = "#motion, #motion-json, #people, #clip-who, #clip video, #motion video"
    assert page.locator(stray).locator("visible=true").count() == 0
    give(page, clip)
    page.locator("#start").click()
    wait_for_motion(page, 10)
    assert "person found in 8 of 10, smoothed" in page.locator("#motion-caption").inner_text()
    assert json.loads(saved(page, "json"))["smoothed"] is True
    assert len(saved(page, "csv").splitlines()) == 1 + 8 * 17 + 2
    assert (saved(page, "bvh")[:9], saved(page, "glb")[:4]) == (b"HIERARCHY", b"glTF")
    assert b"avc1" in saved(page, "mp4")  # H.264

    eye = f"JSON.stringify({GRAPH}._fullLayout.scene._scene.getCamera().eye)"
    page.locator("#motion").get_by_role("button", name="Side").click()
    page.wait_for_timeout(1000)
    before = page.evaluate(eye)
    assert "nobody found" in scrub(page, 4)
    assert page.evaluate(f"{JOINTS}.every(value => value === null || Number.isNaN(value))")
    assert "nobody found" not in scrub(page, 7)
    assert page.evaluate(f"{JOINTS}.every(value => value > 0)")
    assert page.evaluate(eye) == before

    calls = stand_in.calls
    page.get_by_label("Smooth the joints over time").uncheck()
    page.wait_for_selector("#motion-json", state="hidden", timeout=WAIT)  # what it gives is smoothed
    page.locator("#motion-caption").get_by_text("not smoothed").wait_for(timeout=WAIT)
    assert json.loads(saved(page, "json"))["smoothed"] is False
    assert stand_in.calls == calls


def test_one_timeline_moves_clip_and_body(page, make_clip, monkeypatch):
    plain, frames = StandIn.__call__, []

    def lifted(*values, **named):
        frames.append(plain(*values, **named))
        frames[-1].joints_3d[WRIST, 1] -= 20 * (len(frames) - 1)
        return frames[-1]

    monkeypatch.setattr(StandIn, "__call__", lifted)
    give(page, make_clip(frames=12))
    page.wait_for_timeout(1500)
    frames.clear()
    page.get_by_label("Smooth the joints over time").uncheck()
    page.locator("#start").click()
    wait_for_motion(page, 12)
    heights = []
    for frame in (0, 5, 11):
        assert f"{frame / 25:.2f} s of 0.44 s" in scrub(page, frame)
        heights.append(page.evaluate(f"{JOINTS}[{WRIST}]"))
    assert np.diff(heights) == pytest.approx([80, 120], abs=5)
    page.locator("#motion .slider").press("ArrowLeft")
    page.wait_for_function(f"Math.abs({VIDEO}.currentTime - 0.4) < 0.02", timeout=WAIT)
    scrub(page, 0)
    moved = f"new Promise(done => {VIDEO}.addEventListener('timeupdate', () => done(true), {{once: true}}))"
    page.locator("#motion").get_by_role("button", name="Play").click()
    assert page.evaluate(moved)
    page.wait_for_function(f"Number({SLIDER}.value) > 0 && {JOINTS}[{WRIST}] > {heights[0]} + 10", timeout=WAIT)
    page.locator("#motion").get_by_role("button", name="Pause").click()
    page.wait_for_timeout(800)
    shown = page.evaluate(f"[Number({SLIDER}.value), {VIDEO}.currentTime * 25, {JOINTS}[{WRIST}]]")
    assert -0.03 < shown[1] - shown[0] < 1.2  # a browser rounds times
    assert shown[2] - heights[0] == pytest.approx(20 * max(0, shown[0] - 1), abs=25)


def test_the_person_is_chosen_on_the_first_frame(page, make_clip, tmp_path):
    give(page, make_clip(frames=6))
    page.get_by_label("Person 2").wait_for(timeout=WAIT)
    picture = page.locator("#people img")
    picture.wait_for(timeout=WAIT)
    first, box = picture.get_attribute("src"), picture.bounding_box()
    picture.click(position={"x": 0.75 * box["width"], "y": 0.5 * box["height"]})
    page.wait_for_function(f"{BOX} === '80, 0, 160, 120'", timeout=WAIT)
    assert page.get_by_label("Person 2").is_checked()
    page.wait_for_function("old => document.querySelector('#people img').src !== old", arg=first, timeout=WAIT)
    page.get_by_label("Person 1").check()
    page.wait_for_function(f"{BOX} === '0, 0, 80, 120'", timeout=WAIT)
    page.locator("#start").click()
    wait_for_motion(page, 6)
    half = np.full((120, 160, 3), 90, np.uint8)
    half[:, 80:] = 0
    give(page, write_clip(tmp_path / "half.mp4", [half] * 3))
    page.wait_for_timeout(2000)
    assert not page.locator("#people").is_visible()  # one person leaves no choice


def test_an_example_is_followed_without_an_ffmpeg_until_cancel_stops_the_work(page, stand_in, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(stand_in, "pause", 0.05)
    page.get_by_role("button", name="Stretching").click()
    page.wait_for_function("document.querySelector('#clip video')?.src.includes('stretching')", timeout=WAIT)
    page.locator("#start").click()
    page.get_by_text(" of 120").wait_for(timeout=WAIT)
    page.locator("#stop").click()
    page.get_by_text("The motion appears here").wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    stopped = stand_in.calls
    page.wait_for_timeout(500)
    assert stand_in.calls == stopped
    assert page.locator("#start").is_enabled()
    monkeypatch.setattr(stand_in, "pause", 0.0)
    page.locator("#start").click()
    wait_for_motion(page, 120)


def test_what_is_wrong_is_said_at_once_and_stays_until_another_clip_comes(page, make_clip, tmp_path, clip):
    hint = page.locator("#motion-hint")
    (tmp_path / "notes.mp4").write_text("milk, bread")
    page.set_input_files("#clip input[type=file]", str(tmp_path / "notes.mp4"))
    hint.get_by_text("notes.mp4").wait_for(timeout=WAIT)
    page.get_by_label("Box in the first frame").fill("1, 2")
    page.locator("#start").click()
    hint.get_by_text("a box is four numbers").wait_for(timeout=WAIT)
    give(page, make_clip(black=range(10)))
    hint.get_by_text("Nobody was found in the first frame").wait_for(timeout=WAIT)
    page.locator("#start").click()
    hint.get_by_text("nobody was found in the clip").wait_for(timeout=WAIT)
    page.get_by_test_id("toast-body").first.wait_for(state="hidden", timeout=WAIT)
    assert hint.get_by_text("nobody was found in the clip").is_visible()
    give(page, clip)
    page.get_by_text("The motion appears here").wait_for(timeout=WAIT)


def test_box_height_and_smoothing_count_the_bar_grows_and_a_cancelled_drawing_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(video_tab, "_UPDATE_SECONDS", 0)
    path = write_clip(tmp_path / "a.mp4", [np.maximum(picture(80), picture(300 + k % 2 * 8)) for k in range(10)])
    with gr.Blocks():
        tab = video_tab.VideoTab(Service(SquareEstimator()))
    updates = list(tab._follow(str(path), "270, 50, 330, 250", 190, True))
    (kept,) = (update[tab.kept] for update in updates if tab.kept in update)
    assert [middle(pose) for pose in kept.poses] == pytest.approx([300, 308] * 5, abs=2)
    assert {pose.height_mm for pose in kept.poses} == {1900}
    bars = [update[tab.progress].value for update in updates if tab.start in update][:-1]
    assert [float(bar.split("'")[3]) for bar in bars] == pytest.approx(
        [*(0.09 * np.arange(1, 11)), *(0.9 + 0.01 * np.arange(1, 11))]
    )
    shown = json.loads(Path(updates[-1][tab.files["json"]].value["path"]).read_text())
    assert np.ptp([frame["pose"]["joints"][0]["pixel"][0] for frame in shown["frames"]]) < 6
    before, steps = set(Path(get_upload_folder()).iterdir()), tab._draw_again(kept, False)
    began, *_ = [next(steps) for _ in range(5)]
    assert began[tab.results].visible is False
    steps.close()
    assert set(Path(get_upload_folder()).iterdir()) == before
