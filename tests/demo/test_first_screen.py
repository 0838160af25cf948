"""What a visitor sees first, on a desk, a laptop and a phone, and where a photo comes from."""

import base64
import time
from itertools import pairwise

import pytest

from demo.about import PAPER
from demo.examples import EXAMPLES
from fusion_model import PoseEstimator
from fusion_model.hub.checkpoints import CARD_FILE, DEFAULT, locate_checkpoint
from tests.helpers.access import check
from tests.helpers.serving import WAIT, served, wait_for_figure

SCREENS = {
    "desk": {"width": 1440, "height": 900},
    "laptop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
TOP = "document.querySelector('#figure .stage').getBoundingClientRect().top + scrollY"
LEVELS = """[...document.querySelectorAll('h1, h2, h3, h4')].filter(one => one.getClientRects().length)
.map(one => Number(one.tagName[1]))"""


@pytest.fixture(scope="module")
def address():
    """The page over the bundled model, as ``app.py`` serves it."""
    estimator = PoseEstimator.from_pretrained(DEFAULT)
    card = (locate_checkpoint(DEFAULT).folder / CARD_FILE).read_text(encoding="utf-8")
    with served(estimator, card=card, example=EXAMPLES[0].path) as url:
        yield url


def wait_for_maps(page):
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 17", timeout=WAIT)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_the_result_is_on_the_first_screen_and_everyone_can_use_it(open_page, screen, scheme):
    began = time.monotonic()
    page = open_page(SCREENS[screen], scheme)
    wait_for_figure(page)
    print(f"{screen}, {scheme}: first result after {time.monotonic() - began:.1f} s, 3D at {page.evaluate(TOP):.0f} px")
    assert page.get_by_role("heading", level=1).inner_text().endswith("pose in 3D, from one photo")
    assert page.get_by_role("link", name="Paper").get_attribute("href") == PAPER
    assert page.get_by_role("button", name="Upload a photo").is_visible()
    assert page.get_by_text("Photos are deleted within an hour.").is_visible()
    assert page.locator("#chooser .example").count() == len(EXAMPLES)
    assert page.evaluate(TOP) < (620 if screen == "phone" else 450)
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["width"]
    assert page.locator("#height").bounding_box()["y"] > page.locator("#picture").bounding_box()["y"]
    wait_for_maps(page)
    last, frame = page.locator("#maps .grid-wrap img").last.bounding_box(), page.locator("#maps").bounding_box()
    assert last["y"] + last["height"] <= frame["y"] + frame["height"]  # no map is cut off
    levels = page.evaluate(LEVELS)
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    check(page)
    assert page.broken == []


def test_each_example_opens_with_one_click_within_sight_and_without_the_network(open_page, monkeypatch):
    monkeypatch.setattr(PoseEstimator, "predict_all", lambda *_, **__: pytest.fail("the network was run"))
    page = open_page(SCREENS["phone"])
    wait_for_figure(page)
    for example in EXAMPLES[1:4]:
        before = page.locator("#box textarea, #box input").input_value()
        page.get_by_role("button", name=example.label, exact=True).click()
        page.wait_for_function(
            "old => document.querySelector('#box input, #box textarea').value !== old", arg=before, timeout=WAIT
        )
        assert page.locator("#photo img").get_attribute("src").endswith(f"/{example.name}")
    assert page.evaluate(TOP) < 900
    assert page.get_by_role("button", name="Upload a photo").is_visible()
    assert page.get_by_test_id("toast-body").count() == 0


def test_a_photo_is_chosen_by_a_button_or_dropped_or_pasted_anywhere(open_page, example):
    page = open_page()
    wait_for_figure(page)
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Upload a photo").click()
    chosen.value.set_files(str(example))
    page.wait_for_function("document.querySelector('#photo img')?.src.endsWith('hopper.jpg')", timeout=WAIT)
    page.get_by_text("The pelvis is beyond the frame").wait_for(timeout=WAIT)
    for event in ("drop", "paste"):
        page.evaluate(
            """async ([data, event]) => {
              const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), files = new DataTransfer();
              files.items.add(new File([bytes], `${event}.jpg`, { type: 'image/jpeg' }));
              const target = document.querySelector('h1');
              if (event === 'paste') {
                target.dispatchEvent(new ClipboardEvent('paste', { clipboardData: files, bubbles: true }));
                return;
              }
              for (const name of ['dragenter', 'dragover', 'drop']) {
                target.dispatchEvent(new DragEvent(name, { dataTransfer: files, bubbles: true, cancelable: true }));
                if (name === 'dragenter') window.invited = !document.querySelector('#chooser .drop').hidden;
              }
            }""",
            [base64.b64encode(example.read_bytes()).decode(), event],
        )
        page.wait_for_function(f"document.querySelector('#photo img')?.src.endsWith('{event}.jpg')", timeout=WAIT)
        page.get_by_text("The pelvis is beyond the frame").wait_for(timeout=WAIT)
    assert page.evaluate("window.invited") is True
    assert page.locator("#chooser .drop").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_heatmap_opens_large_and_links_lead_to_limits_and_model_card(open_page, scheme):
    page = open_page(scheme=scheme)
    wait_for_maps(page)
    page.locator("#maps .grid-wrap button").first.click()
    page.wait_for_function("document.querySelector('#maps .preview img')?.clientHeight > 400", timeout=WAIT)
    assert page.evaluate("document.querySelector('#maps .preview img').naturalWidth") >= 448
    check(page)
    page.get_by_role("link", name="Model card").click()
    page.locator("#model-card").get_by_text("non-commercial research").first.wait_for(timeout=WAIT)
    page.get_by_role("link", name="Limits").click()
    assert page.locator("#limits").is_visible()
