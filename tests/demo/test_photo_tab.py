"""The photo tab in headless Chromium."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.exports import FORMATS
from tests.helpers.serving import WAIT, served, upload, wait_for_result

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(stand_in):
    with served(stand_in) as url:
        yield url


@pytest.fixture
def page(open_page, example):
    """The page with the result of the example."""
    page = open_page()
    upload(page, example)
    wait_for_result(page)
    return page


def remove_photo(page):
    page.locator("#photo").get_by_role("button", name="Remove Image").click()
    page.get_by_text("The pose appears here").wait_for(timeout=WAIT)


def test_a_photo_in_the_pose_out(open_page, example):
    page = open_page()
    page.get_by_text("The pose appears here").wait_for(timeout=WAIT)
    for name in ("picture", "maps", "download", "height"):
        assert not page.locator(f"#{name}").is_visible(), name
    upload(page, example)
    wait_for_result(page)
    assert not page.get_by_text("The pose appears here").is_visible()
    plot = page.locator("#figure .js-plotly-plot").bounding_box()
    assert plot["height"] > 300
    assert plot["width"] > 300
    for view in ("Front", "Side", "Top"):
        assert page.locator("#figure").get_by_role("button", name=view).is_visible()
    assert "stand-in" in page.locator("#times").inner_text()
    assert page.broken == []


def test_dragging_turns_the_figure(page):
    page.locator("#figure").scroll_into_view_if_needed()
    plot = page.locator("#figure .js-plotly-plot").bounding_box()
    before = page.evaluate("document.querySelector('#figure .js-plotly-plot')._fullLayout.scene.camera.eye.x")
    x, y = plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] * 0.6
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 10, steps=4)
    page.mouse.move(x + 120, y + 20, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "old => Math.abs(document.querySelector('#figure .js-plotly-plot')"
        "._fullLayout.scene._scene.getCamera().eye.x - old) > 0.05",
        arg=before,
        timeout=WAIT,
    )


def test_the_figure_is_redrawn_in_place_and_keeps_its_camera(page, example, tmp_path):
    page.evaluate("window.first = document.querySelector('#figure canvas')")
    page.locator("#figure").get_by_role("button", name="Side").click()
    camera = "document.querySelector('#figure .graph')._fullLayout.scene.camera"
    turned = f"(({{eye, center}}) => Math.abs(eye.y - center.y) < 0.2)({camera})"  # seen from the side
    page.wait_for_function(turned, timeout=WAIT)
    page.get_by_label("Person 2").check()
    page.wait_for_function("document.querySelector('#box input, #box textarea').value.startsWith('256')", timeout=WAIT)
    page.wait_for_timeout(500)
    assert page.evaluate(turned)
    page.locator("#photo").get_by_role("button", name="Remove Image").click()
    Image.open(example).resize((300, 350)).save(tmp_path / "other.png")
    upload(page, tmp_path / "other.png")
    page.wait_for_function("document.querySelector('#box input, #box textarea').value.endsWith('350')", timeout=WAIT)
    page.wait_for_function(f"!({turned})", timeout=WAIT)
    assert page.evaluate("window.first === document.querySelector('#figure canvas')")


def test_the_figure_has_a_caption_and_its_buttons_a_keyboard(page):
    canvas = page.locator("#figure canvas").first
    assert (canvas.get_attribute("role"), canvas.get_attribute("aria-label")) == ("img", "3D skeleton")
    assert "faces the camera" in page.locator(f"#{canvas.get_attribute('aria-describedby')}").inner_text()
    page.locator("#figure").get_by_role("button", name="Top").press("Enter")
    page.wait_for_function("document.querySelector('#figure .graph')._fullLayout.scene.camera.eye.z > 1", timeout=WAIT)


def click_picture(page, x, y):
    """Click at a fraction of the picture's width and height."""
    place = page.locator("#picture img").bounding_box()
    page.mouse.click(place["x"] + x * place["width"], place["y"] + y * place["height"])


def box_of(page):
    return [float(part) for part in page.locator("#box textarea, #box input").input_value().split(",")]


def test_two_clicks_correct_the_box(page):
    assert box_of(page) == [0, 0, 256, 600]
    click_picture(page, 0.5, 0.5)  # means nothing yet
    page.get_by_role("button", name="Draw a box").click()
    page.get_by_text("Click one corner").wait_for(timeout=WAIT)
    page.locator("#picture").scroll_into_view_if_needed()
    click_picture(page, 0.45, 0.9)
    page.get_by_text("Now the opposite corner").wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    click_picture(page, 0.05, 0.1)
    page.get_by_role("button", name="Draw a box").wait_for(timeout=WAIT)
    box = "document.querySelector('#box input, #box textarea').value"
    page.wait_for_function(f"{box} !== '0, 0, 256, 600'", timeout=WAIT)
    image = page.locator("#picture img").bounding_box()
    tolerance = 3 + 512 / image["width"] + 600 / image["height"]
    wanted = [0.05 * 512, 0.1 * 600, 0.45 * 512, 0.9 * 600]
    assert max(abs(a - b) for a, b in zip(box_of(page), wanted, strict=True)) < tolerance
    assert page.get_by_label("Person 3").count() == 0  # a correction, no new person


def test_a_written_box_adds_a_person(page):
    box = page.locator("#box textarea, #box input")
    box.fill("240 50 500 580")
    box.press("Enter")
    page.get_by_label("Person 3").wait_for(timeout=WAIT)
    assert page.get_by_label("Person 3").is_checked()
    page.get_by_label("Everyone").check()
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 3", timeout=WAIT)
    box.fill("one two")
    box.press("Enter")
    page.locator("#notice").get_by_text("four numbers").wait_for(timeout=WAIT)
    page.get_by_label("Person 1").check()
    page.locator("#notice").wait_for(state="hidden", timeout=WAIT)


READERS = {
    "json": lambda data: json.loads(data)["schema"] == "fusion-pose/1",
    "csv": lambda data: len(data.decode().splitlines()) == 18,
    "bvh": lambda data: data.startswith(b"HIERARCHY"),
    "npz": lambda data: np.load(io.BytesIO(data), allow_pickle=False)["heatmaps"].shape[0] == 16,
    "png": lambda data: Image.open(io.BytesIO(data)).size == (512, 600),
    "maps": lambda data: Image.open(io.BytesIO(data)).width > 512,
    "html": lambda data: b"plotly" in data,
    "glb": lambda data: data.startswith(b"glTF"),
    "turn": lambda data: data[4:8] == b"ftyp",
}


def test_every_format_can_be_downloaded(page):
    assert set(READERS) == set(FORMATS)
    for kind, one in FORMATS.items():
        page.locator("#kind input").click()
        page.get_by_role("option", name=f"{kind.upper()}:").click()
        assert READERS[kind](downloaded(page, f"hopper{one.suffix}")), kind


def downloaded(page, name):
    """What the button gives, once it gives the file of that name."""
    for _ in range(20):
        page.locator("button#download:not([disabled]), #download button:not([disabled])").wait_for(timeout=WAIT)
        with page.expect_download(timeout=WAIT) as download:
            page.get_by_role("button", name="Download", exact=True).last.click()
        if download.value.suggested_filename == name:
            return Path(download.value.path()).read_bytes()
        page.wait_for_timeout(200)
    pytest.fail(f"no {name} came")


def test_what_changes_the_drawing_needs_no_network(page, stand_in, monkeypatch):
    for name in ("predict_all", "__call__"):
        monkeypatch.setattr(type(stand_in), name, lambda *_, **__: pytest.fail("the network was run"))
    page.get_by_label("Arms", exact=True).check()
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 7", timeout=WAIT)
    height = page.locator("#height input")
    height.fill("190")
    height.press("Enter")
    page.wait_for_function(
        "document.querySelector('#figure .js-plotly-plot').data"
        ".some(one => (one.hovertext || []).some(text => text.includes('y -849 mm')))",
        timeout=WAIT,
    )
    page.get_by_label("Person 2").check()
    page.get_by_text("Person 2: confidence").wait_for(timeout=WAIT)
    page.locator("#min-confidence input[type=number]").fill("0.9")
    page.locator("#min-confidence input[type=number]").press("Enter")
    page.wait_for_function(
        "document.querySelector('#figure .js-plotly-plot').data.find(one => one.mode === 'markers').x.length < 8",
        timeout=WAIT,
    )
    assert page.get_by_test_id("toast-body").count() == 0


def test_a_photo_without_people_is_a_sentence_and_a_box_may_be_drawn(open_page, tmp_path):
    page = open_page()
    Image.new("RGB", (100, 100)).save(tmp_path / "black.png")
    upload(page, tmp_path / "black.png")
    page.get_by_text("Nobody was found in this photo").wait_for(timeout=WAIT)
    page.get_by_text("Click one corner").wait_for(timeout=WAIT)
    for name in ("figure", "maps", "download", "height", "weights"):
        assert not page.locator(f"#{name}").is_visible(), name
    assert page.get_by_role("button", name="Cancel").is_visible()  # of the box


def test_the_keyboard_reaches_what_can_be_done(page):
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(
            "[...document.querySelectorAll('[id]')].filter(one => one.contains(document.activeElement))"
            ".map(one => one.id).join(' ')"
        ))  # fmt: skip
    names = set(" ".join(reached).split())
    assert {"who", "box", "draw", "kind", "download", "height", "outside", "group", "min-confidence"} <= names
    assert page.locator("#picture img").get_attribute("alt")


def test_the_example_needs_one_click(open_page):
    page = open_page()
    page.locator("#chooser .example").first.click()
    wait_for_result(page)


def test_a_bad_file_is_a_sentence(open_page, notes):
    page = open_page()
    upload(page, notes)
    page.locator("#hint").get_by_text("notes.jpg is not a photo").wait_for(timeout=WAIT)
    assert page.get_by_test_id("toast-body").count() == 0
    assert "Traceback" not in page.content()
    assert not page.locator("#figure").is_visible()
    remove_photo(page)


def test_each_kind_of_photo_is_shown_or_refused_in_one_sentence(open_page, odd_photos):
    page = open_page()
    for path, message in odd_photos.items():
        upload(page, path)
        if message is None:
            page.wait_for_selector("#picture img", timeout=WAIT)
            page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 17", timeout=WAIT)
        else:
            page.locator("#hint").get_by_text(message).wait_for(timeout=WAIT)
        remove_photo(page)
    assert page.broken == []


def test_a_quick_change_brings_no_old_result_back(open_page, example, notes):
    page = open_page()
    for _ in range(3):
        upload(page, example)
        wait_for_result(page)
        page.locator("#photo").get_by_role("button", name="Remove Image").click()
        upload(page, notes)
        page.locator("#hint").get_by_text("is not a photo").wait_for(timeout=WAIT)
        page.wait_for_timeout(1500)
        assert not page.locator("#figure").is_visible()
        page.locator("#photo").get_by_role("button", name="Remove Image").click()


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
