"""The video tab in headless Chromium."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from demo.examples import CLIPS
from fusion_model.video.clips import open_clip
from tests.helpers.clips import write_clip
from tests.helpers.glb import Glb
from tests.helpers.serving import WAIT, served
from tests.helpers.videos import packets

pytestmark = pytest.mark.browser

GRAPH = "document.querySelector('#motion .js-plotly-plot')"
VIDEO = "document.querySelector('#motion video')"
SLIDER = "document.querySelector('#motion .slider')"
JOINTS = f"({GRAPH}?._fullData?.find(one => one.name === 'joints')?.z || [])"
WRIST = 13  # in the order of the joints


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


def give(page, path):
    """Choose a file as the clip."""
    page.set_input_files("#clip input[type=file]", str(path))
    page.wait_for_selector("#clip video", timeout=WAIT)


def follow(page, path):
    give(page, path)
    page.get_by_role("button", name="Follow the person").click()


def wait_for_motion(page, frames):
    """Wait until that many frames are under the timeline and the body is drawn."""
    page.wait_for_function(f"{SLIDER}?.max === '{frames - 1}' && {JOINTS}.length === 17", timeout=WAIT)


def saved(page, kind):
    page.locator(f"button#motion-{kind}, #motion-{kind} button").wait_for(timeout=WAIT)
    with page.expect_download(timeout=WAIT) as download:
        page.get_by_role("button", name=f"Download {kind.upper()}").click()
    return Path(download.value.path())


def scrub(page, frame):
    """Move the slider to a frame, and wait until clip and body are there."""
    page.locator("#motion .slider").fill(str(frame))
    page.wait_for_function(f"!{VIDEO}.seeking && Math.abs({VIDEO}.currentTime - {frame / 25}) < 0.02", timeout=WAIT)
    page.wait_for_timeout(700)


def test_a_clip_in_the_motion_out(video_page, clip):
    assert "30 seconds" in video_page.locator("#clip-limits").inner_text()
    follow(video_page, clip)
    wait_for_motion(video_page, 10)
    assert "person found in 8 of 10, smoothed" in video_page.locator("#motion-caption").inner_text()
    assert json.loads(saved(video_page, "json").read_text())["smoothed"] is True
    assert len(list(csv.reader(saved(video_page, "csv").read_text().splitlines()))) == 1 + 8 * 17 + 2
    assert saved(video_page, "bvh").read_text().startswith("HIERARCHY")
    assert len(Glb(saved(video_page, "glb").read_bytes()).json["skins"]) == 1
    assert packets(saved(video_page, "mp4"))
    assert video_page.broken == []


def test_before_a_clip_is_there_no_player_and_no_download_is(video_page):
    video_page.get_by_text("The motion appears here").wait_for(timeout=WAIT)
    video_page.wait_for_timeout(500)
    stray = "#motion, #motion-json, #people, #clip-who, #clip video, #motion video"
    assert video_page.locator(stray).locator("visible=true").count() == 0


@pytest.fixture
def rising(counting, monkeypatch):
    """From the second frame on, the person lifts the left hand by 20 mm in every frame."""
    plain, frames = counting.stand_in.__call__, []

    def lifted(photo, box=None, **named):
        pose = plain(photo, box, **named)
        frames.append(pose)
        pose.joints_3d[WRIST, 1] -= 20 * (len(frames) - 1)
        return pose

    monkeypatch.setattr(type(counting), "__call__", lambda _, *values, **named: lifted(*values, **named))
    frames.clear()
    return frames


def test_one_timeline_moves_clip_and_body(video_page, make_clip, rising):
    give(video_page, make_clip(frames=12))
    video_page.wait_for_timeout(1500)
    rising.clear()
    video_page.get_by_label("Smooth the joints over time").uncheck()
    video_page.get_by_role("button", name="Follow the person").click()
    wait_for_motion(video_page, 12)
    heights = []
    for frame in (0, 5, 11):
        scrub(video_page, frame)
        heights.append(video_page.evaluate(f"{JOINTS}[{WRIST}]"))
        assert f"{frame / 25:.2f} s of 0.44 s" in video_page.locator("#motion .clock").inner_text()
    assert np.diff(heights) == pytest.approx([80, 120], abs=5)
    video_page.locator("#motion .slider").press("ArrowLeft")
    video_page.wait_for_function(f"Math.abs({VIDEO}.currentTime - 0.4) < 0.02", timeout=WAIT)
    scrub(video_page, 0)
    moved = f"new Promise(done => {VIDEO}.addEventListener('timeupdate', () => done(true), {{once: true}}))"
    video_page.locator("#motion").get_by_role("button", name="Play").click()
    assert video_page.evaluate(moved)
    video_page.wait_for_function(f"Number({SLIDER}.value) > 0 && {JOINTS}[{WRIST}] > {heights[0]} + 10", timeout=WAIT)
    video_page.locator("#motion").get_by_role("button", name="Pause").click()
    video_page.wait_for_timeout(800)
    shown = video_page.evaluate(f"[Number({SLIDER}.value), {VIDEO}.currentTime * 25, {JOINTS}[{WRIST}]]")
    assert 0 <= shown[1] - shown[0] < 1.2
    assert shown[2] - heights[0] == pytest.approx(20 * max(0, shown[0] - 1), abs=25)
    assert video_page.broken == []


def test_the_body_is_gone_where_nobody_is_found_and_the_camera_stays(video_page, clip):
    follow(video_page, clip)
    wait_for_motion(video_page, 10)
    eye = f"JSON.stringify({GRAPH}._fullLayout.scene._scene.getCamera().eye)"
    video_page.locator("#motion").get_by_role("button", name="Side").click()
    video_page.wait_for_timeout(1000)
    before = video_page.evaluate(eye)
    scrub(video_page, 4)
    assert "nobody found" in video_page.locator("#motion .clock").inner_text()
    assert video_page.evaluate(f"{JOINTS}.every(value => value === null || Number.isNaN(value))")
    scrub(video_page, 7)
    assert "nobody found" not in video_page.locator("#motion .clock").inner_text()
    assert video_page.evaluate(f"{JOINTS}.every(value => value > 0)")
    assert video_page.evaluate(eye) == before


def test_the_person_is_chosen_on_the_first_frame(video_page, make_clip):
    give(video_page, make_clip(frames=6))
    video_page.get_by_label("Person 2").wait_for(timeout=WAIT)
    picture = video_page.locator("#people img")
    picture.wait_for(timeout=WAIT)
    first = picture.get_attribute("src")
    box = picture.bounding_box()
    picture.click(position={"x": 0.75 * box["width"], "y": 0.5 * box["height"]})
    video_page.wait_for_function(
        "document.querySelector('#clip-box input, #clip-box textarea').value === '80, 0, 160, 120'"
    )
    assert video_page.get_by_label("Person 2").is_checked()
    video_page.wait_for_function("old => document.querySelector('#people img').src !== old", arg=first, timeout=WAIT)
    video_page.get_by_label("Person 1").check()
    video_page.wait_for_function(
        "document.querySelector('#clip-box input, #clip-box textarea').value === '0, 0, 80, 120'"
    )
    video_page.get_by_role("button", name="Follow the person").click()
    wait_for_motion(video_page, 6)


def test_one_person_leaves_no_choice_and_nobody_is_said(video_page, tmp_path):
    half = np.full((120, 160, 3), 90, np.uint8)
    half[:, 80:] = 0
    give(video_page, write_clip(tmp_path / "half.mp4", [half] * 3))
    video_page.wait_for_timeout(2000)
    assert not video_page.locator("#people").is_visible()
    give_again = write_clip(tmp_path / "none.mp4", [np.zeros((120, 160, 3), np.uint8)] * 3)
    video_page.locator("#clip").get_by_role("button", name="Clear").click()
    give(video_page, give_again)
    video_page.get_by_text("Nobody was found in the first frame").wait_for(timeout=WAIT)


def test_frames_that_are_missing_are_said(video_page, make_clip):
    path = make_clip(frames=30, name="cut.mp4")
    start, _ = packets(path)[12]
    path.write_bytes(path.read_bytes()[:start])
    follow(video_page, path)
    wait_for_motion(video_page, 12)
    assert "18 of 30 frames are missing" in video_page.locator("#motion-caption").inner_text()
    clip = json.loads(saved(video_page, "json").read_text())["clip"]
    assert (clip["frames"], clip["missing_frames"]) == (12, 18)


def test_smoothing_can_be_switched_off_without_the_networks(video_page, clip, counting):
    follow(video_page, clip)
    wait_for_motion(video_page, 10)
    calls = counting.calls
    video_page.get_by_label("Smooth the joints over time").uncheck()
    video_page.get_by_text("not smoothed").wait_for(timeout=WAIT)
    assert json.loads(saved(video_page, "json").read_text())["smoothed"] is False
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


def test_a_clip_without_people_is_a_sentence_that_stays_and_the_buttons_wake_again(video_page, make_clip):
    follow(video_page, make_clip(black=range(10)))
    video_page.get_by_test_id("toast-body").wait_for(timeout=WAIT)
    assert "nobody was found in the clip" in video_page.get_by_test_id("toast-body").inner_text()
    said = video_page.locator("#motion-hint").get_by_text("nobody was found in the clip")
    said.wait_for(timeout=WAIT)
    video_page.wait_for_timeout(12_000)  # a message has faded by then
    assert video_page.get_by_test_id("toast-body").count() == 0
    assert said.is_visible()
    assert video_page.locator("#start").is_enabled()


def test_what_is_wrong_with_a_file_is_said_as_soon_as_it_is_there_and_until_another_comes(video_page, tmp_path, clip):
    (tmp_path / "notes.mp4").write_text("milk, bread")
    video_page.set_input_files("#clip input[type=file]", str(tmp_path / "notes.mp4"))
    video_page.locator("#motion-hint").get_by_text("notes.mp4").wait_for(timeout=WAIT)
    video_page.get_by_label("Box in the first frame").fill("1, 2")
    video_page.get_by_role("button", name="Follow the person").click()
    video_page.locator("#motion-hint").get_by_text("a box is four numbers").wait_for(timeout=WAIT)
    video_page.locator("#clip").get_by_role("button", name="Clear").click()
    give(video_page, clip)
    video_page.get_by_text("The motion appears here").wait_for(timeout=WAIT)


def test_the_example_is_a_small_clip_that_is_followed_without_an_ffmpeg(video_page, monkeypatch):
    monkeypatch.setenv("PATH", "")
    video_page.get_by_role("button", name="Stretching").click()
    video_page.wait_for_function("document.querySelector('#clip video')?.src.includes('stretching')", timeout=WAIT)
    example = CLIPS[0].path
    assert example.stat().st_size < 500_000
    assert open_clip(example).frames == 120
    video_page.get_by_role("button", name="Follow the person").click()
    wait_for_motion(video_page, 120)
    assert video_page.broken == []
