"""What is done on the picture itself: picking, correcting, adding and deleting people, and pointing at joints."""

import numpy as np
import pytest

from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.serving import WAIT, served
from tests.helpers.stand_in import make_pose

pytestmark = pytest.mark.browser

SCREENS = {
    "desk": {"width": 1440, "height": 900},
    "laptop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
PHOTO = 512, 600  # pixels of the example; the stand-in finds a person in each half
BOX = "document.querySelector('#box input, #box textarea').value"


@pytest.fixture(scope="module")
def address(stand_in, example):
    with served(stand_in, example=example) as url:
        yield url


@pytest.fixture(params=SCREENS)
def page(open_page, request):
    page = open_page(SCREENS[request.param], "dark" if request.param == "laptop" else "light")
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    page.wait_for_selector("#picture .over", state="attached", timeout=WAIT)
    page.locator("#picture").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    yield page
    assert page.broken == []


def place(page, x, y):
    """Where a pixel of the photo is on the screen."""
    box = page.locator("#picture img").bounding_box()
    scale = min(box["width"] / PHOTO[0], box["height"] / PHOTO[1])
    left, top = box["x"] + (box["width"] - scale * PHOTO[0]) / 2, box["y"] + (box["height"] - scale * PHOTO[1]) / 2
    return left + (x + 0.5) * scale, top + (y + 0.5) * scale


def drag(page, start, end):
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    page.mouse.move(*place(page, *end))
    page.mouse.up()


def numbers(page):
    return [float(one) for one in page.evaluate(BOX).split(",")]


def wait_for_other_box(page, old):
    page.wait_for_function(f"old => {BOX} !== old", arg=old, timeout=WAIT)


def test_a_click_picks_a_person(page):
    page.mouse.click(*place(page, 400, 20))
    page.wait_for_function(f"{BOX}.startsWith('256')", timeout=WAIT)
    assert page.get_by_label("Person 2").is_checked()
    page.mouse.click(*place(page, 400, 20))  # again: nothing
    page.mouse.click(*place(page, 100, 20))
    page.wait_for_function(f"{BOX}.startsWith('0')", timeout=WAIT)
    assert page.get_by_label("Person 1").is_checked()


def test_a_tap_picks_a_person(page):
    page.evaluate(
        """([clientX, clientY]) => {
          const image = document.querySelector('#picture img'), at = { clientX, clientY, bubbles: true };
          image.dispatchEvent(new PointerEvent('pointerdown', { ...at, pointerType: 'touch' }));
          image.dispatchEvent(new MouseEvent('click', at));
        }""",
        place(page, 400, 20),
    )
    page.wait_for_function(f"{BOX}.startsWith('256')", timeout=WAIT)


def test_dragging_corrects_the_picked_person_or_adds_one(page):
    old = page.evaluate(BOX)
    drag(page, (20, 30), (230, 560))
    wait_for_other_box(page, old)
    assert max(abs(a - b) for a, b in zip(numbers(page), (20, 30, 230, 560), strict=True)) < 6
    assert page.get_by_label("Person 3").count() == 0
    old = page.evaluate(BOX)
    drag(page, (500, 590), (150, 300))  # from any corner
    wait_for_other_box(page, old)
    assert page.get_by_label("Person 3").is_checked()
    assert max(abs(a - b) for a, b in zip(numbers(page), (150, 300, 500, 590), strict=True)) < 6


def test_a_box_is_deleted_and_after_the_last_one_a_new_one_is_drawn(page):
    page.get_by_role("button", name="Delete the box").click()
    page.wait_for_function(f"{BOX}.startsWith('256')", timeout=WAIT)  # the other person moves up
    page.get_by_role("button", name="Delete the box").click()
    page.wait_for_selector("#picture.armed", timeout=WAIT)
    page.get_by_text("Click one corner").wait_for(timeout=WAIT)
    assert "No box is left" in page.locator("#notice").inner_text()
    assert not page.locator("#figure").is_visible()
    assert page.get_by_role("button", name="Delete the box").is_disabled()
    page.locator("#picture").scroll_into_view_if_needed()
    drag(page, (20, 30), (230, 560))
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    assert max(abs(a - b) for a, b in zip(numbers(page), (20, 30, 230, 560), strict=True)) < 6


def test_escape_cancels_a_box(page):
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


def test_a_joint_of_the_3d_view_is_lit_in_the_photo(page):
    page.locator("#figure").scroll_into_view_if_needed()
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('joint', { detail: { person: 0, name: 'left knee', from: null } }))"
    )
    ring = page.locator("#figure .ring").bounding_box()
    x, y = ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2
    page.mouse.move(x + 3, y)
    page.mouse.move(x, y)
    page.wait_for_function(
        "document.querySelector('#picture .over text')?.textContent.startsWith('left knee')", timeout=WAIT
    )
    assert page.locator("#figure .tip").inner_text().startswith("left knee")
