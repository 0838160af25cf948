"""The photo tab in headless Chromium."""

import csv
import json

import pytest
from PIL import Image

from tests.helpers.access import check
from tests.helpers.serving import WAIT, download, remove_photo, upload, wait_for_result, write_box

BOX = "document.querySelector('#box input, #box textarea').value"
GRAPH = "document.querySelector('#figure .graph')"
MAPS = "document.querySelectorAll('#maps .grid-wrap img').length"
FOCUSED = (
    "[...document.querySelectorAll('[id]')].filter(one => one.contains(document.activeElement)).map(one => one.id)"
)


@pytest.fixture
def page(open_page, example):
    page = open_page()
    upload(page, example)
    wait_for_result(page)
    yield page
    assert page.broken == []


def test_a_photo_in_the_pose_out_within_reach_of_the_keyboard(open_page, example):
    page = open_page()
    page.get_by_text("The pose appears here").wait_for(timeout=WAIT)
    for name in ("picture", "maps", "download", "height"):
        assert not page.locator(f"#{name}").is_visible(), name
    upload(page, example)
    wait_for_result(page)
    assert not page.get_by_text("The pose appears here").is_visible()
    assert page.locator("#figure .js-plotly-plot").bounding_box()["height"] > 300
    assert "stand-in" in page.locator("#times").inner_text()
    canvas = page.locator("#figure canvas").first
    assert (canvas.get_attribute("role"), canvas.get_attribute("aria-label")) == ("img", "3D skeleton")
    assert "faces the camera" in page.locator(f"#{canvas.get_attribute('aria-describedby')}").inner_text()
    assert page.locator("#picture img").get_attribute("alt")
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached |= set(page.evaluate(FOCUSED))
    assert {"who", "box", "draw", "kind", "download", "height", "outside", "group", "min-confidence"} <= reached
    assert page.broken == []


def test_another_drawing_needs_no_network_and_keeps_the_camera(page, example, stand_in, tmp_path, monkeypatch):
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
        page.locator("#height input").fill("190")
        page.locator("#height input").press("Enter")
        hover = f"{GRAPH}.data.some(one => (one.hovertext || []).some(text => text.includes('y -849 mm')))"
        page.wait_for_function(hover, timeout=WAIT)
        page.get_by_label("Person 2").check()
        page.wait_for_function(f"{BOX}.startsWith('256')", timeout=WAIT)
        page.get_by_text("Person 2: confidence").wait_for(timeout=WAIT)
        least = page.locator("#min-confidence input[type=number]")
        least.fill("0.9")
        least.press("Enter")
        page.wait_for_function(f"{GRAPH}.data.find(one => one.mode === 'markers').x.length < 8", timeout=WAIT)
        assert page.evaluate(turned)
        assert download(page, "bvh", "hopper.bvh").path().read_bytes().startswith(b"HIERARCHY")
        assert download(page, "glb", "hopper.glb").path().read_bytes().startswith(b"glTF")
        assert page.get_by_test_id("toast-body").count() == 0
    remove_photo(page)
    Image.open(example).resize((300, 350)).save(tmp_path / "other.png")
    upload(page, tmp_path / "other.png")
    page.wait_for_function(f"{BOX}.endsWith('350')", timeout=WAIT)
    page.wait_for_function(f"!({turned})", timeout=WAIT)
    assert page.evaluate("window.first === document.querySelector('#figure canvas')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_wrong_is_a_sentence_and_no_old_result_stays(open_page, example, notes, black, scheme):
    page = open_page(scheme=scheme)
    check(page)
    upload(page, example)
    wait_for_result(page)
    write_box(page, "one two")
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
    assert page.broken == []


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
