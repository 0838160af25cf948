"""The 3D view under the hands of a visitor, in headless Chromium."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.drawing.figure_view import figure_page
from demo.drawing.figures import skeleton_figure
from tests.helpers.browsers import open_in
from tests.helpers.serving import WAIT
from tests.helpers.stand_in import make_pose

PHOTO_CORNER, PROJECTED = (Path(__file__).with_name(name).read_text() for name in ("photo_corner.js", "projected.js"))
GRAPH = "document.querySelector('.graph')"
EYE = f"(() => {{ const one = {GRAPH}._fullLayout.scene._scene.getCamera(); return [one.eye, one.center, one.up]; }})()"


@pytest.fixture(scope="module")
def open_view(browser, tmp_path_factory):
    """A function that opens the view in a window, with more of a page above and below it."""
    path, photo = tmp_path_factory.mktemp("view") / "view.html", np.full((300, 400, 3), 90, np.uint8)
    start, end = figure_page(skeleton_figure({"": make_pose(photo)}, photo), "3D skeleton").split('<div class="stage"')
    room = "<p style='height: 60vh; margin: 0'></p>"
    end = end.replace("\n<script>", f"{room}\n<script>", 1)
    path.write_text(f'{start}{room}<div class="stage"{end}', encoding="utf-8")

    def opened(width=600, height=560, motion="reduce", **options):
        size = {"width": width, "height": height}
        page = open_in(browser.new_context(reduced_motion=motion, **options), path.as_uri(), size)
        page.wait_for_function(f"{GRAPH}._fullLayout && {GRAPH}.querySelector('canvas[role=img]')", timeout=WAIT)
        page.evaluate("document.querySelector('.stage').scrollIntoView()")
        page.wait_for_timeout(300)
        return page

    return opened


@pytest.fixture(scope="module")
def still_view(open_view):
    """The view of somebody who wants nothing to move by itself."""
    page = open_view()
    yield page
    page.context.close()


@pytest.fixture
def view(still_view):
    """The same, as it was at first."""
    still_view.mouse.move(5, 5)
    still_view.evaluate("source.layout.uirevision += 1; view.draw(structuredClone(source))")
    still_view.evaluate("document.querySelector('.stage').scrollIntoView()")
    still_view.wait_for_timeout(300)
    yield still_view
    assert still_view.broken == []


def angles(page):
    """Azimuth and elevation of the eye in degrees, its distance, and how far up points from the vertical plane."""
    eye, center, up = page.evaluate(EYE)
    x, y, z = (eye[axis] - center[axis] for axis in "xyz")
    distance = math.hypot(x, y, z)
    azimuth, elevation = math.degrees(math.atan2(x, -y)), math.degrees(math.asin(z / distance))
    return azimuth, elevation, distance, (up["x"] * y - up["y"] * x, up["z"])


def middle(page):
    box = page.locator(".graph").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, dx, dy):
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()
    page.wait_for_timeout(400)


def test_a_drag_turns_about_the_vertical_and_never_tips_the_body_over_and_a_wheel_scrolls_or_comes_nearer(view):
    azimuth, elevation, distance, _ = angles(view)
    drag(view, 100, 20)
    after = angles(view)
    assert after[0] == pytest.approx(azimuth - math.degrees(0.9), abs=1)
    assert 3 < after[1] - elevation < 15
    assert after[2] == pytest.approx(distance, rel=1e-3)
    for way, bounds in ((400, (80, 90)), (-500, (-20, -5))):
        for _ in range(2):
            drag(view, 0, way)
        _, elevation, _, (aside, up) = angles(view)
        assert bounds[0] < elevation < bounds[1]
        assert (aside, up > 0) == (pytest.approx(0, abs=1e-6), True)
    first, start = angles(view), view.evaluate("scrollY")
    view.mouse.move(*middle(view))
    view.mouse.wheel(0, 120)
    view.wait_for_timeout(500)
    assert view.evaluate("scrollY") > start + 50
    assert angles(view)[2] == pytest.approx(first[2])
    view.keyboard.down("Control")
    view.mouse.wheel(0, -120)
    view.keyboard.up("Control")
    view.wait_for_timeout(500)
    assert angles(view)[2] < 0.9 * first[2]


def test_reset_brings_the_first_view_back_from_wherever_it_was_turned(view):
    first, graph = angles(view), view.locator(".graph")
    click, twice = view.get_by_role("button", name="Reset").click, view.locator(".graph canvas").first.dblclick
    for again in (click, twice, lambda: graph.press("Home")):
        view.get_by_role("button", name="Side").press("Enter")
        view.wait_for_timeout(500)
        assert angles(view)[0] == pytest.approx(90, abs=0.5)
        for key in ("ArrowLeft", "ArrowDown", "+", "+", "-"):
            graph.press(key)
        view.wait_for_timeout(300)
        assert angles(view)[1] == pytest.approx(math.degrees(math.asin(0.04) + 0.1), abs=0.5)
        assert angles(view)[0] == pytest.approx(90 + math.degrees(0.15), abs=0.5)
        assert angles(view)[2] < 0.95 * first[2]
        again()
        view.wait_for_timeout(500)
        assert angles(view)[:3] == pytest.approx(first[:3], rel=1e-3)


def test_the_view_begins_at_its_upper_edge_and_shows_head_hands_and_feet_clear_of_buttons_from_all_sides(view):
    stage, bar = (view.locator(name).first.bounding_box() for name in (".stage", ".bar div"))
    assert view.locator(".graph canvas").first.bounding_box() == pytest.approx(stage, abs=0.5)
    for name in ("Front", "Side", "Top", "Reset"):
        view.get_by_role("button", name=name).click()
        view.wait_for_timeout(500)
        for place in ((0, -30, 760), (560, -180, 640), (-240, -60, -40), (-150, 40, -900), (150, 40, -900)):
            x, y = view.evaluate(PROJECTED, place)
            assert stage["x"] + 10 < x < stage["x"] + stage["width"] - 10
            assert bar["y"] + bar["height"] < y < stage["y"] + stage["height"] - 30


def test_it_turns_slowly_until_it_is_touched_or_not_at_all_with_reduced_motion(open_view, view):
    view.wait_for_timeout(1500)
    first = angles(view)[0]
    x, y = view.evaluate("(({eye, center}) => [eye.x - center.x, eye.y - center.y])(source.layout.scene.camera)")
    assert first == pytest.approx(math.degrees(math.atan2(x, -y)), abs=0.01)
    page = open_view(motion="no-preference")
    page.locator(".bar button").first.hover()
    page.wait_for_timeout(1500)
    azimuth, elevation, *_ = angles(page)
    assert (0.5 < abs(azimuth - first) < 40, elevation > 5) == (True, True)
    drag(page, 3, 0)
    page.locator(".bar button").first.hover()
    touched = angles(page)
    page.wait_for_timeout(1500)
    assert angles(page)[:3] == pytest.approx(touched[:3])
    page.context.close()


def swipe(page, *ways):
    """Move as many fingers from the middle of the view."""
    (x, y), session = middle(page), page.context.new_cdp_session(page)
    steps = [("touchStart", 0.2), *(("touchMove", step / 8) for step in range(2, 9)), ("touchEnd", 0)]
    for kind, part in steps:
        places = [{"x": round(x + part * dx), "y": round(y + part * dy)} for dx, dy in ways if part]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
        page.wait_for_timeout(20)
    page.wait_for_timeout(500)


def test_on_a_phone_nothing_lies_over_a_button_and_fingers_scroll_turn_or_come_nearer(open_view):
    phone = open_view(360, 700, has_touch=True, is_mobile=True)
    names = phone.locator(".bar button").all_inner_texts()
    assert names == ["Front", "Side", "Top", "Reset", "Photo", "Uncertainty"]
    for name in names:
        box = (button := phone.get_by_role("button", name=name)).bounding_box()
        assert (0 <= box["x"] <= 360 - box["width"], box["height"] >= 36) == (True, True)
        button.click(trial=True, timeout=2000)
    assert phone.locator(".modebar, .updatemenu-button").count() == 0
    first, start = angles(phone), phone.evaluate("scrollY")
    swipe(phone, (0, -220))
    assert phone.evaluate("scrollY") - start > 100
    assert angles(phone)[:3] == pytest.approx(first[:3])
    start = phone.evaluate("scrollY")
    swipe(phone, (150, 0))
    assert abs(phone.evaluate("scrollY") - start) < 5
    assert angles(phone)[0] < first[0] - 20
    swipe(phone, (-60, 0), (60, 0))
    assert angles(phone)[2] < 0.7 * first[2], "nearer"
    phone.context.close()


def test_what_is_switched_off_stays_off_when_the_figure_is_drawn_anew(view):
    def seen(name):
        return view.evaluate(f"{GRAPH}._fullData.find(one => one.name === '{name}').visible")

    button, photo = view.get_by_role("button", name="Photo"), view.locator(".photo img")
    assert (button.get_attribute("aria-pressed"), photo.is_visible()) == ("true", True)
    button.click()
    photo.wait_for(state="hidden", timeout=WAIT)
    view.wait_for_timeout(300)
    assert (seen("camera"), seen("uncertainty")) == (False, True)
    drag(view, 100, 0)
    turned = angles(view)
    view.evaluate("async () => { await view.draw(structuredClone(source)); }")
    assert (photo.is_visible(), seen("camera")) == (False, False)
    assert angles(view)[:3] == pytest.approx(turned[:3])
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    photo.wait_for(timeout=WAIT)
    view.wait_for_function(f"{GRAPH}._fullData.find(one => one.name === 'camera').visible === true", timeout=WAIT)


def test_the_photo_hangs_within_the_frustum_that_plotly_draws_and_is_not_seen_from_behind(view):
    drag(view, 60, 20)
    ends = view.evaluate("source.layout.meta.corners")
    for corner, fractions in zip(ends, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        assert view.evaluate(PHOTO_CORNER, fractions) == pytest.approx(view.evaluate(PROJECTED, corner), abs=1.5)
    for _ in range(2):
        drag(view, 200, 0)
    assert abs(angles(view)[0]) > 90
    assert not view.locator(".photo img").is_visible()


def test_the_joint_nearest_to_the_pointer_is_ringed_and_named(view):
    for name, place in (("left wrist", (560, -180, 640)), ("right ankle", (-150, 40, -870))):
        x, y = view.evaluate(PROJECTED, place)
        view.mouse.move(x + 7, y)
        tip, ring = view.locator(".tip"), view.locator(".ring").bounding_box()
        said = [name, f"x {place[0]} mm", f"y {-place[2]} mm", f"z {place[1]} mm"]
        assert [line.partition(" (")[0] for line in tip.inner_text().split("\n")[:4]] == said
        assert ring["x"] + ring["width"] / 2 == pytest.approx(x, abs=1.5)
        assert ring["y"] + ring["height"] / 2 == pytest.approx(y, abs=1.5)
        assert ("leftwards" in tip.get_attribute("class")) == (x > middle(view)[0])
        view.mouse.move(x + 60, y + 40)
        assert not tip.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_sides_of_the_body_show_their_colours_in_both_themes(view, scheme):
    view.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    view.get_by_role("button", name="Uncertainty").click()
    view.wait_for_timeout(600)
    shown = np.asarray(Image.open(io.BytesIO(view.locator(".graph").screenshot())).convert("RGB")).astype(int)
    view.get_by_role("button", name="Uncertainty").click()
    red, _, blue = np.moveaxis(shown, 2, 0)
    assert ((blue > 150) & (blue > red + 80)).sum() > 1000  # the person's left
    assert ((red > 150) & (red > blue + 80)).sum() > 1000
    behind = shown[10:40, 10:40].mean()
    assert behind > 200 if scheme == "light" else behind < 70
