"""What is done on the picture itself: picking, correcting, adding and deleting people, and pointing at joints."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.browsers import open_in
from tests.helpers.serving import WAIT, wait_for_figure
from tests.helpers.stand_in import make_pose

PHOTO = 400, 470  # pixels: smaller than the frame of a desk, larger than a phone's; a person is in each half
IMAGE = "one => [one.getBoundingClientRect().toJSON(), getComputedStyle(one).objectFit]"
BOX = "document.querySelector('#box input, #box textarea').value"
TAP = Path(__file__).with_name("tap.js").read_text()


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    path = tmp_path_factory.mktemp("example") / "grey.png"
    Image.new("RGB", PHOTO, (90, 90, 90)).save(path)
    return path


@pytest.fixture(scope="module", params=[(1440, 900, "light"), (390, 844, "dark")], ids=["desk", "phone"])
def opened(context, example_page, request):
    width, height, scheme = request.param
    page = open_in(context, example_page, {"width": width, "height": height}, scheme)
    wait_for_figure(page)
    page.wait_for_selector("#picture .over", state="attached", timeout=WAIT)
    yield page
    page.goto("about:blank")


@pytest.fixture
def page(opened):
    opened.get_by_label("Person 1").check()
    opened.wait_for_function(f"{BOX}.startsWith('0')", timeout=WAIT)
    opened.locator("#picture").scroll_into_view_if_needed()
    opened.wait_for_timeout(300)
    yield opened
    assert opened.broken == []


def place(page, x, y):
    box, fit = page.locator("#picture img").evaluate(IMAGE)
    scale = min(box["width"] / PHOTO[0], box["height"] / PHOTO[1], np.inf if fit == "contain" else 1)
    left, top = box["x"] + (box["width"] - scale * PHOTO[0]) / 2, box["y"] + (box["height"] - scale * PHOTO[1]) / 2
    return left + (x + 0.5) * scale, top + (y + 0.5) * scale


def drag(page, start, end):
    old = page.evaluate(BOX)
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=2)
    page.mouse.up()
    page.wait_for_function(f"old => {BOX} !== old", arg=old, timeout=WAIT)
    return [float(one) for one in page.evaluate(BOX).split(",")]


def test_a_click_or_a_tap_picks_a_person_and_escape_cancels_a_box(page):
    page.mouse.click(*place(page, 320, 20))
    page.wait_for_function(f"{BOX}.startsWith('200')", timeout=WAIT)
    assert page.get_by_label("Person 2").is_checked()
    page.evaluate(TAP, place(page, 100, 20))
    page.wait_for_function(f"{BOX}.startsWith('0')", timeout=WAIT)
    assert page.get_by_label("Person 1").is_checked()
    page.wait_for_timeout(300)  # until the picture is drawn anew
    old = page.evaluate(BOX)
    page.get_by_role("button", name="Draw a box").click()
    page.locator("#picture").scroll_into_view_if_needed()
    page.mouse.click(*place(page, 100, 100))
    page.get_by_text("Now the opposite corner").wait_for(timeout=WAIT)
    page.keyboard.press("Escape")
    assert page.get_by_role("button", name="Draw a box").is_visible()
    page.mouse.click(*place(page, 150, 200))
    page.wait_for_timeout(700)
    assert page.evaluate(BOX) == old


def test_the_joint_under_the_pointer_is_lit_in_photo_3d_and_heatmaps(page):
    wrist = make_pose(np.zeros((PHOTO[1], PHOTO[0], 3))).joints_2d[HUMAN36M_17.index("left_wrist")] - [PHOTO[0] / 4, 0]
    page.mouse.move(*place(page, wrist[0] + 4, wrist[1]))
    page.mouse.move(*place(page, wrist[0] + 1, wrist[1] + 1))
    page.wait_for_selector("#picture .over text", state="attached", timeout=WAIT)
    assert page.locator("#picture .over text").text_content().startswith("left wrist 0.")
    assert "left wrist" in page.locator("#figure .tip").inner_text()
    assert page.locator("#figure .ring").is_visible()
    assert page.locator("#maps .lit").inner_text().startswith("left wrist")
    page.mouse.move(2, 2)
    page.wait_for_selector("#figure .ring", state="hidden", timeout=WAIT)
    page.locator("#figure").scroll_into_view_if_needed()  # and the other way round
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('joint', { detail: { person: 0, name: 'left knee', from: null } }))"
    )
    ring = page.locator("#figure .ring").bounding_box()
    x, y = ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2
    page.mouse.move(x + 3, y)
    page.mouse.move(x, y)
    lit = "document.querySelector('#picture .over text')?.textContent.startsWith('left knee')"
    page.wait_for_function(lit, timeout=WAIT)
    assert page.locator("#figure .tip").inner_text().startswith("left knee")


def test_dragging_corrects_the_picked_person_or_adds_one_until_all_are_deleted(page):
    assert drag(page, (20, 30), (180, 440)) == pytest.approx([20, 30, 180, 440], abs=6)
    assert page.get_by_label("Person 3").count() == 0
    assert drag(page, (390, 460), (120, 235)) == pytest.approx([120, 235, 390, 460], abs=6)  # from any corner
    assert page.get_by_label("Person 3").is_checked()
    page.get_by_label("Person 2").check()
    page.wait_for_function(f"{BOX}.startsWith('200')", timeout=WAIT)
    page.locator("#picture").scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # until the picture is drawn anew
    page.mouse.click(*place(page, 375, 440))  # within both boxes: the smaller one is meant
    page.wait_for_function(f"!{BOX}.startsWith('200')", timeout=WAIT)
    assert page.get_by_label("Person 3").is_checked()
    delete = page.get_by_role("button", name="Delete the box")
    for _ in range(2):
        old = page.evaluate(BOX)
        delete.click()
        page.wait_for_function(f"old => {BOX} !== old", arg=old, timeout=WAIT)  # another person is picked
    delete.click()
    page.wait_for_selector("#picture.armed", timeout=WAIT)
    page.get_by_text("Click one corner").wait_for(timeout=WAIT)
    assert "No box is left" in page.locator("#notice").inner_text()
    assert not page.locator("#figure").is_visible()
    assert delete.count() == 0
    page.locator("#picture").scroll_into_view_if_needed()
    assert drag(page, (20, 30), (180, 440)) == pytest.approx([20, 30, 180, 440], abs=6)
    wait_for_figure(page)
