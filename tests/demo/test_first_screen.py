"""What is seen first, even before Gradio has drawn the page; where a photo comes from; how files are sent; links."""

import base64
import gzip
import io
import re
from itertools import pairwise
from pathlib import Path

import brotli
import httpx
import numpy as np
import pytest
from PIL import Image

from demo.about import PAPER
from demo.examples import CLIPS, EXAMPLES
from fusion_model import PoseEstimator
from fusion_model.hub.checkpoints import CARD_FILE, DEFAULT, locate_checkpoint
from tests.helpers.access import check
from tests.helpers.serving import WAIT, served, wait_for_figure

SCREENS = {"laptop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
TOP = "document.querySelector('#figure .stage').getBoundingClientRect().top + scrollY"
BOX = "document.querySelector('#box input, #box textarea').value"
PHOTO = "document.querySelector('#photo img')?.src"
CLIP = "document.querySelector('#clip video')?.src"
LEVELS = """[...document.querySelectorAll('h1, h2, h3, h4')].filter(one => one.getClientRects().length)
.map(one => Number(one.tagName[1]))"""
DROP_OR_PASTE = Path(__file__).with_name("drop_or_paste.js").read_text()
LOADED = "[...document.querySelectorAll('#first :is(.found img, .poster)')].every((one) => one.naturalWidth)"
PLACES = """(names) => names.map((name) => document.querySelector(name).getBoundingClientRect())
.map(({ x, y }) => [x, y])"""


@pytest.fixture(scope="module")
def address():
    estimator = PoseEstimator.from_pretrained(DEFAULT)
    card = (locate_checkpoint(DEFAULT).folder / CARD_FILE).read_text(encoding="utf-8")
    with served(estimator, card=card, example=EXAMPLES[0].path) as url:
        yield url


@pytest.mark.parametrize("screen", SCREENS)
def test_the_result_is_on_the_first_screen_and_everyone_can_use_it(open_page, screen):
    page = open_page(SCREENS[screen])
    wait_for_figure(page)
    assert page.get_by_role("heading", level=1).inner_text().endswith("pose in 3D, from one photo")
    assert page.get_by_role("link", name="Paper").get_attribute("href") == PAPER
    assert page.get_by_role("button", name="Upload a photo").is_visible()
    assert page.get_by_text("Photos are deleted within an hour.").is_visible()
    assert page.locator("#chooser .example").count() == len(EXAMPLES)
    assert page.evaluate(TOP) < (620 if screen == "phone" else 450)
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["width"]
    assert page.locator("#height").bounding_box()["y"] > page.locator("#picture").bounding_box()["y"]
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 17", timeout=WAIT)
    last, frame = page.locator("#maps .grid-wrap img").last.bounding_box(), page.locator("#maps").bounding_box()
    assert last["y"] + last["height"] <= frame["y"] + frame["height"]  # no map is cut off
    levels = page.evaluate(LEVELS)
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    check(page)
    if screen == "laptop":  # a heatmap opens large, and links lead to limits and model card
        page.locator("#maps .grid-wrap button").first.click()
        page.wait_for_function("document.querySelector('#maps .preview img')?.clientHeight > 400", timeout=WAIT)
        assert page.evaluate("document.querySelector('#maps .preview img').naturalWidth") >= 448
        check(page)
        page.get_by_role("link", name="Model card").click()
        page.locator("#model-card").get_by_text("non-commercial research").first.wait_for(timeout=WAIT)
        page.get_by_role("link", name="Limits").click()
        assert page.locator("#limits").is_visible()


def test_a_model_without_a_picture_of_its_3d_view_has_a_first_sight_too(open_page, example_page):
    assert "<div id='first'" in httpx.get(example_page, timeout=60).text
    page = open_page(url=example_page)
    wait_for_figure(page)
    assert page.evaluate("performance.now()") < 20_000  # when it gives up


def test_each_example_opens_with_one_click_within_sight_and_without_the_network(open_page, monkeypatch):
    monkeypatch.setattr(PoseEstimator, "predict_all", lambda *_, **__: pytest.fail("the network was run"))
    page = open_page(SCREENS["phone"])
    wait_for_figure(page)
    for example in EXAMPLES[1:4]:
        before = page.evaluate(BOX)
        page.get_by_role("button", name=example.label, exact=True).click()
        page.wait_for_function(f"old => {BOX} !== old", arg=before, timeout=WAIT)
        assert page.locator("#photo img").get_attribute("src").endswith(f"/{example.name}")
    assert page.evaluate(TOP) < 900
    assert page.get_by_role("button", name="Upload a photo").is_visible()
    assert page.get_by_test_id("toast-body").count() == 0


def test_a_photo_is_chosen_dropped_or_pasted_anywhere_and_no_other_server_is_asked(open_page, example, address):
    def wait_for_photo(name):
        page.wait_for_function(f"document.querySelector('#photo img')?.src.endsWith('{name}.jpg')", timeout=WAIT)
        page.get_by_text("The pelvis is beyond the frame").wait_for(timeout=WAIT)

    page = open_page()
    wait_for_figure(page)
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Upload a photo").click()
    chosen.value.set_files(str(example))
    wait_for_photo("hopper")
    for event in ("drop", "paste"):
        page.evaluate(DROP_OR_PASTE, [base64.b64encode(example.read_bytes()).decode(), event])
        wait_for_photo(event)
    assert page.evaluate("window.invited") is True
    assert page.locator("#chooser .drop").is_hidden()
    assert page.locator("#times code").inner_text() == "default"
    assert [asked for asked in page.asked if not asked.startswith((address, "data:", "blob:"))] == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
def test_the_result_is_seen_without_a_script_of_gradios_and_stays_where_it_is(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")

    def frame(inside):
        return np.asarray(Image.open(io.BytesIO(page.locator(f"{inside} .frame").screenshot())).convert("RGB"), float)

    page.route("**/assets/index-*.js", lambda route: route.abort())
    page.goto(f"{address}?example=yoga", timeout=WAIT)
    assert page.locator("#first").count() == 0  # a link to another example has no first sight of this one
    page.goto(address, timeout=WAIT)
    page.wait_for_function(LOADED, timeout=WAIT)
    before = page.evaluate(PLACES, [f"#first {name}" for name in (".found img", ".hero h1", ".bar button", ".frame")])
    still = frame("#first")
    place = page.evaluate(PLACES, ["#first .result > :first-child"])
    page.evaluate("document.querySelector('#first .result').lastElementChild.remove()")  # as before it has arrived
    assert page.evaluate(PLACES, ["#first .result > :first-child"]) == place
    page.unroute_all()
    page.goto(address, timeout=WAIT)
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    page.wait_for_selector("#figure .poster", state="detached", timeout=WAIT)
    page.wait_for_function("document.querySelector('#figure .photo img').style.transform", timeout=WAIT)
    assert page.locator("#first").count() == 0
    after = page.evaluate(PLACES, ["#picture img", "#hero h1", "#figure .bar button", "#figure .frame"])
    assert before[0][1] == pytest.approx(after[0][1], abs=1.5)
    assert np.array(before[1:]) == pytest.approx(np.array(after[1:]), abs=1.5)
    assert np.abs(still - frame("#figure")).mean() < 5  # of 255: the picture is of this view
    page.close()


@pytest.mark.parametrize(("accepted", "decode"), [("br", brotli.decompress), ("gzip", gzip.decompress), ("", bytes)])
def test_files_are_compressed_as_the_browser_wants_and_may_be_kept(address, accepted, decode):
    named = {"headers": {"accept-encoding": accepted, "range": "bytes=0-9"}, "timeout": 60}
    page = httpx.get(address, **named).text
    for path in (re.search(r"/(assets/index-[^.]+\.js)", page)[1], re.search(r"/(assets/plotly-[^\"]+\.js)", page)[1]):
        for _ in range(2):
            with httpx.stream("GET", address + path, **named) as answer:
                sent = b"".join(answer.iter_raw())
                assert answer.headers.get("content-encoding", "") == accepted
                assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
                assert "accept-encoding" in answer.headers["vary"].lower()
                assert int(answer.headers["content-length"]) == len(sent)
                assert "javascript" in answer.headers["content-type"]
            assert b"function" in decode(sent)
    missing = [httpx.get(f"{address}assets/none.js") for _ in range(2)]
    assert [(one.status_code, "immutable" in one.headers.get("cache-control", "")) for one in missing] == [(404, 0)] * 2


def ends(expression, name):
    return f"decodeURI({expression} || '').endsWith('{name}')"


@pytest.mark.parametrize(
    ("query", "tab", "photo", "clip"),
    [
        (f"example={EXAMPLES[3].path.stem}", "Photo", EXAMPLES[3].name, None),
        (f"tab=video&example={CLIPS[-1].path.stem}", "Video", EXAMPLES[0].name, CLIPS[-1].name),
        ("tab=LIVE&example=%22%5D", "Live", EXAMPLES[0].name, None),
        ("tab=%3Cimg%3E&example=dancing", "Photo", EXAMPLES[0].name, None),
    ],
)
def test_a_link_opens_a_tab_and_its_example_and_what_is_unknown_is_ignored(open_page, address, query, tab, photo, clip):
    page = open_page(url=f"{address}?{query}")
    page.wait_for_selector(f"[role=tab][aria-selected=true]:text-is('{tab}')", timeout=WAIT)
    page.wait_for_function(ends(PHOTO, photo), timeout=WAIT)
    if clip:
        page.wait_for_function(ends(CLIP, clip), timeout=WAIT)
    page.wait_for_timeout(1000)
    assert (page.get_by_role("tab", selected=True).inner_text(), bool(page.evaluate(CLIP))) == (tab, bool(clip))


def test_the_copied_link_is_that_of_the_tab_and_of_the_example_in_it(open_page, address, example):
    page = open_page(url=f"{address}?__theme=light#limits")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def copied():
        page.get_by_role("button", name="Copy link").click()
        page.get_by_role("button", name="Link copied").wait_for(timeout=WAIT)
        page.get_by_role("button", name="Copy link").wait_for(timeout=WAIT)
        return page.evaluate("navigator.clipboard.readText()").removeprefix(f"{address}?__theme=light")

    assert copied() == f"&example={EXAMPLES[0].path.stem}"
    page.set_input_files("#chooser input[type=file]", str(example))
    page.wait_for_function(ends(PHOTO, example.name), timeout=WAIT)
    assert copied() == ""  # a photo of one's own is in no link
    page.get_by_role("tab", name="Video").click()
    assert copied() == "&tab=video"
    page.get_by_role("button", name=CLIPS[0].label, exact=True).click()
    page.wait_for_function(ends(CLIP, CLIPS[0].name), timeout=WAIT)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("The link is in the address bar").wait_for(timeout=WAIT)
    assert page.url == f"{address}?__theme=light&tab=video&example={CLIPS[0].path.stem}"
