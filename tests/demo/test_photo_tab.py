"""The photo tab in headless Chromium: what is asked of the server, and what is left of the photo before."""

import csv
import dataclasses
import datetime as dt
import json
import threading
import time
from types import SimpleNamespace

import pytest
from gradio import Error
from PIL import Image

from demo.retention import KEPT_SECONDS
from demo.view import View
from fusion_model.images import load_photo
from tests.helpers.access import check
from tests.helpers.estimators import Seeing
from tests.helpers.serving import WAIT, download, given, put, remove_photo, upload, wait_for_figure, wait_for_result
from tests.helpers.stand_in import StandIn

AWAKE = "document.querySelector('#download:not([disabled])')"
BOX = "document.querySelector('#box input, #box textarea')?.value"
BODIES = "document.querySelector('#figure .graph').data.filter(one => one.name === 'body').length"
GRAPH = "document.querySelector('#figure .graph')"
MAPS = "document.querySelectorAll('#maps .grid-wrap img').length"
SHOWN = "document.querySelector('#figure .graph').layout.uirevision"
FOCUSED = "[...document.querySelectorAll('[id]:focus, [id]:has(:focus)')].map(one => one.id)"


def test_a_photo_in_the_pose_out_within_reach_of_the_keyboard(open_page, example):
    page = open_page()
    upload(page, example)
    wait_for_result(page)
    assert not page.get_by_text("The pose appears here").is_visible()
    assert page.locator("#figure .js-plotly-plot").bounding_box()["height"] > 300
    canvas = page.locator("#figure canvas").first
    assert (canvas.get_attribute("role"), canvas.get_attribute("aria-label")) == ("img", "3D skeleton")
    assert "faces the camera" in page.locator(f"#{canvas.get_attribute('aria-describedby')}").inner_text()
    assert page.locator("#picture img").get_attribute("alt")
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached |= set(page.evaluate(FOCUSED))
    assert {"who", "box", "draw", "kind", "download", "height", "outside", "group", "min-confidence"} <= reached


def test_another_drawing_needs_no_network_and_keeps_the_camera(open_page, example, stand_in, other, monkeypatch):
    page = open_page()
    upload(page, example)
    wait_for_result(page)
    page.evaluate("window.first = document.querySelector('#figure canvas')")
    page.locator("#figure").get_by_role("button", name="Side").click()
    camera = f"{GRAPH}._fullLayout.scene.camera"
    turned = f"(({{eye, center}}) => Math.abs(eye.y - center.y) < 0.2)({camera})"  # seen from the side
    page.wait_for_function(turned, timeout=WAIT)
    with monkeypatch.context() as patched:
        for name in ("predict_all", "__call__"):
            patched.setattr(type(stand_in), name, lambda *_, **__: pytest.fail("the network was run"))
        page.get_by_label("Arms", exact=True).check()
        page.wait_for_function(f"{MAPS} === 7", timeout=WAIT)
        put(page, "height", "190")
        hover = f"{GRAPH}.data.some(one => (one.hovertext || []).some(text => text.includes('y -849 mm')))"
        page.wait_for_function(hover, timeout=WAIT)
        page.get_by_label("Person 2").check()
        page.wait_for_function(f"{BOX}.startsWith('256')", timeout=WAIT)
        page.get_by_text("Person 2: confidence").wait_for(timeout=WAIT)
        put(page, "min-confidence", "50")  # as good as 1
        put(page, "min-confidence", "0.9")
        page.wait_for_function(f"{GRAPH}.data.find(one => one.mode === 'markers').x.length < 8", timeout=WAIT)
        assert page.evaluate(turned)
        assert download(page, "bvh", "hopper.bvh").path().read_bytes().startswith(b"HIERARCHY")
        assert download(page, "glb", "hopper.glb").path().read_bytes().startswith(b"glTF")
        put(page, "height", "5.9")  # feet
        page.locator("#notice").get_by_text("170 cm is assumed").wait_for(timeout=WAIT)
        page.get_by_label("Person 1").check()
        page.wait_for_function(f"{BOX}.startsWith('0')", timeout=WAIT)
        assert page.get_by_test_id("toast-body").count() == 0
    replace_photo(page, other)
    page.wait_for_function(f"{BOX}?.endsWith('350')", timeout=WAIT)
    page.wait_for_function(f"!({turned})", timeout=WAIT)
    assert page.evaluate("window.first === document.querySelector('#figure canvas')")


def test_no_old_file_is_to_be_had_and_nobody_waits_for_the_new_one_to_see_the_rest(open_page, example, monkeypatch):
    page, plain, made = open_page(), View.file, threading.Event()
    upload(page, example)
    wait_for_result(page)
    monkeypatch.setattr(View, "file", lambda view: plain(view) if made.wait(60) else None)
    for change, shown, height in (
        (page.get_by_label("Person 2").check, "Person 2: ", 1700),
        (lambda: put(page, "height", "150"), "Person 2: ", 1500),
        (lambda: put(page, "box", "0, 0, 90, 90"), "Person 3: ", 1500),
        (page.get_by_role("button", name="Delete the box").click, "Person 1: ", 1500),
    ):
        made.clear()
        change()
        page.wait_for_function(f"!({AWAKE})", timeout=WAIT)
        page.locator("#times").get_by_text(shown).wait_for(timeout=WAIT)
        made.set()
        assert json.loads(given(page).path().read_text())["height_mm"] == height


def test_what_is_wrong_is_a_sentence_and_no_old_result_stays(open_page, example, notes, black):
    page = open_page()
    check(page)
    upload(page, example)
    wait_for_result(page)
    put(page, "box", "one two")
    page.locator("#notice").get_by_text("four numbers").wait_for(timeout=WAIT)
    page.get_by_role("button", name="Draw a box").click()
    check(page)
    remove_photo(page)
    upload(page, notes)
    page.locator("#hint").get_by_text("notes.jpg is not a photo").wait_for(timeout=WAIT)
    page.wait_for_timeout(1000)
    assert not page.locator("#figure").is_visible()
    assert page.get_by_test_id("toast-body").count() == 0
    remove_photo(page)
    page.get_by_text("The pose appears here").wait_for(timeout=WAIT)
    upload(page, black)
    page.get_by_text("Nobody was found in this photo").wait_for(timeout=WAIT)
    page.get_by_text("Click one corner").wait_for(timeout=WAIT)
    for name in ("figure", "maps", "download", "height", "weights"):
        assert not page.locator(f"#{name}").is_visible(), name
    check(page)


def test_a_name_that_is_markup_does_nothing_on_the_page_in_files_and_in_messages(open_page, tmp_path):
    page, path = open_page(), tmp_path / "<img src=x onerror=window.stolen=1>.png"
    Image.new("RGB", (200, 240), (90, 90, 90)).save(path)
    upload(page, path)
    wait_for_result(page)
    files = {kind: download(page, kind, f".{kind}") for kind in ("json", "csv", "html")}
    assert not any(set(file.suggested_filename) & set("<>\n/\\") for file in files.values())
    texts = {kind: file.path().read_text() for kind, file in files.items()}
    assert json.loads(texts["json"])["schema"] == "fusion-pose/1"
    assert len(list(csv.DictReader(texts["csv"].splitlines()))) == 17
    opened = page.context.new_page()
    opened.set_content(texts["html"])
    remove_photo(page)
    path.write_text("milk, bread")
    upload(page, path)
    page.locator("#hint").get_by_text("is not a photo").wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    assert [one.evaluate("window.stolen") for one in (page, opened)] == [None, None]
    assert page.locator("#hint img, [data-testid=toast-body] img").count() == 0


def test_a_button_shows_those_of_whom_it_is_not_sure(open_page, tmp_path, monkeypatch):
    plain = StandIn.predict_all

    def unsure(self, photo, *, min_score=None, **named):  # of nobody in a dim photo, of one in a bright one
        first, second = plain(self, photo, **named)
        bright = load_photo(photo).mean() > 60
        found = dataclasses.replace(first, score=0.9 if bright else 0.4), dataclasses.replace(second, score=0.3)
        return [pose for pose in found if pose.score >= (self.trust_score if min_score is None else min_score)]

    monkeypatch.setattr(StandIn, "predict_all", unsure)
    monkeypatch.setattr(StandIn, "config", dataclasses.replace(StandIn.config, detector=Seeing.config))
    for name, level in (("bright", 120), ("dim", 40)):
        Image.new("RGB", (320, 240), (level,) * 3).save(tmp_path / f"{name}.png")
    page = open_page()
    upload(page, tmp_path / "bright.png")
    page.get_by_role("button", name="Show 1 more").click()
    page.get_by_label("Person 2").wait_for(timeout=WAIT)
    assert page.get_by_label("Everyone").is_checked()
    page.locator("#notice").get_by_text("weak finds").wait_for(timeout=WAIT)
    page.wait_for_function(f"{BODIES} === 2", timeout=WAIT)
    page.get_by_label("Person 1").check()
    page.locator("#notice").wait_for(state="hidden", timeout=WAIT)
    remove_photo(page)
    upload(page, tmp_path / "dim.png")
    page.locator("#notice").get_by_text("Nobody was found for sure").wait_for(timeout=WAIT)
    page.get_by_role("button", name="Show 2 more").click()
    page.locator("#notice").get_by_text("weak finds").wait_for(timeout=WAIT)
    page.wait_for_function(f"{BODIES} === 2", timeout=WAIT)


@pytest.fixture
def fresh(open_page, example_page):
    page = open_page(url=example_page)
    wait_for_figure(page)
    return page


@pytest.fixture
def other(tmp_path):
    Image.new("RGB", (300, 350), (90, 90, 90)).save(tmp_path / "other.png")
    return tmp_path / "other.png"


def replace_photo(page, path):
    remove_photo(page)
    page.wait_for_timeout(500)
    upload(page, path)


def wait_for_other(page):
    page.wait_for_function(f"{BOX}?.endsWith(', 350')", timeout=WAIT)
    page.wait_for_function(AWAKE, timeout=WAIT)


def test_asked_twice_it_estimates_once_and_a_refusal_keeps_its_title_and_link(fresh, other, black, monkeypatch):
    plain, photos = StandIn.predict_all, []

    def slow(self, photo, **named):
        photos.append(photo)
        time.sleep(0.5)
        return plain(self, photo, **named)

    monkeypatch.setattr(StandIn, "predict_all", slow)
    fresh.route("**/queue/join*", lambda route: (route.fetch(), route.continue_()))
    replace_photo(fresh, other)
    wait_for_other(fresh)
    fresh.wait_for_timeout(1500)
    assert len(photos) == 1
    replace_photo(fresh, black)
    fresh.get_by_text("Nobody was found in this photo").wait_for(timeout=WAIT)
    fresh.wait_for_timeout(2500)
    assert fresh.get_by_test_id("toast-body").count() == 0
    assert not fresh.locator("#figure").is_visible()
    fresh.unroute_all()
    told = Error('Used up. <a href="https://huggingface.co/pricing">More</a>', title="ZeroGPU quota")
    monkeypatch.setattr(StandIn, "predict_all", lambda *_, **__: (_ for _ in ()).throw(told))
    replace_photo(fresh, other)
    fresh.locator("#hint").get_by_text("Used up.").wait_for(timeout=WAIT)
    assert "ZeroGPU quota" in fresh.locator("#hint").inner_text()
    assert fresh.locator("#hint a").get_attribute("href") == "https://huggingface.co/pricing"


def test_the_example_replaces_no_new_photo_be_it_late_or_no_longer_kept(fresh, other, monkeypatch):
    drawn, first = View.figure, fresh.evaluate(SHOWN)

    def late(view):
        if view.choices.show_outside:
            time.sleep(4)
        return drawn(view)

    with monkeypatch.context() as patched:
        patched.setattr(View, "figure", late)
        fresh.get_by_label("Guess beyond the frame").check()
        fresh.wait_for_timeout(300)
    replace_photo(fresh, other)
    wait_for_other(fresh)
    fresh.wait_for_function(f"old => {SHOWN} !== old", arg=first, timeout=WAIT)
    new = fresh.evaluate(SHOWN)
    fresh.wait_for_timeout(5000)
    assert fresh.evaluate(SHOWN) == new

    later = SimpleNamespace(now=lambda: dt.datetime.now() + dt.timedelta(seconds=KEPT_SECONDS + 1))  # noqa: DTZ005
    with monkeypatch.context() as patched:
        patched.setattr("gradio.state_holder.datetime", SimpleNamespace(datetime=later, timedelta=dt.timedelta))
        fresh.wait_for_timeout(2500)  # every second Gradio looks what has expired
    fresh.get_by_label("Guess beyond the frame").uncheck()
    fresh.get_by_text("this result is no longer kept").wait_for(timeout=WAIT)
    assert fresh.evaluate(SHOWN) == new


def test_a_waiting_visitor_sees_the_place_in_the_queue_and_gets_the_right_result(open_page, tmp_path, monkeypatch):
    plain, begun, released = StandIn.predict_all, threading.Event(), threading.Event()

    def held(self, photo, **named):
        begun.set()
        assert released.wait(120)
        return plain(self, photo, **named)

    monkeypatch.setattr(StandIn, "predict_all", held)
    pages = [open_page() for _ in range(2)]
    for number, page in enumerate(pages):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (200, 100 + 10 * number), (90, 90, 90)).save(path)
        upload(page, path)
        if number == 0:
            assert begun.wait(60)
        else:
            page.locator("#hint").get_by_text("queue: 1/1").wait_for(timeout=WAIT)
    released.set()
    for number, page in enumerate(pages):
        wait_for_figure(page)
        assert page.locator("#box input, #box textarea").input_value() == f"0, 0, 100, {100 + 10 * number}"
