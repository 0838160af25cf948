"""Links that open a tab and an example, and the button that copies one."""

import pytest

from demo.examples import CLIPS, EXAMPLES
from tests.helpers.serving import WAIT, served

pytestmark = pytest.mark.browser

PHOTO = "document.querySelector('#photo img')?.src"
CLIP = "document.querySelector('#clip video')?.src"


@pytest.fixture(scope="module")
def address(stand_in):
    with served(stand_in, example=EXAMPLES[0].path) as url:
        yield url


def selected(page):
    return page.get_by_role("tab", selected=True).inner_text()


def ends(expression, name):
    return f"decodeURI({expression} || '').endsWith('{name}')"


@pytest.mark.parametrize("example", [EXAMPLES[0], EXAMPLES[3]], ids=lambda one: one.label)
def test_a_link_opens_an_example(open_page, address, example):
    page = open_page(url=f"{address}?example={example.path.stem}")
    page.wait_for_function(ends(PHOTO, example.name), timeout=WAIT)
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    assert selected(page) == "Photo"
    assert page.broken == []


def test_a_link_opens_a_tab_and_its_example(open_page, address):
    page = open_page(url=f"{address}?tab=video&example={CLIPS[-1].path.stem}")
    page.wait_for_function(ends(CLIP, CLIPS[-1].name), timeout=WAIT)
    assert selected(page) == "Video"
    assert page.get_by_role("button", name="Follow the person").is_enabled()


@pytest.mark.parametrize(
    ("query", "tab"),
    [
        ("tab=live", "Live"),
        ("tab=VIDEO", "Video"),
        ("tab=settings", "Photo"),
        ("example=nothing", "Photo"),
        ("tab=video&example=dancing", "Video"),
        ("tab=%3Cimg%3E&example=%22%5D", "Photo"),
        ("tab=video&tab=live", "Video"),
    ],
)
def test_what_is_unknown_in_a_link_is_ignored(open_page, address, query, tab):
    page = open_page(url=f"{address}?{query}")
    page.wait_for_selector(f"[role=tab][aria-selected=true]:text-is('{tab}')", timeout=WAIT)
    page.wait_for_timeout(1500)
    assert selected(page) == tab
    assert page.evaluate(ends(PHOTO, EXAMPLES[0].name))
    assert page.evaluate(CLIP) in (None, "")
    assert page.broken == []


def copied(page):
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Link copied").wait_for(timeout=WAIT)
    page.get_by_role("button", name="Copy link").wait_for(timeout=WAIT)
    return page.evaluate("navigator.clipboard.readText()")


def test_the_link_is_that_of_the_tab_and_of_the_example_in_it(open_page, address):
    page = open_page(url=f"{address}?__theme=light#limits")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    assert copied(page) == f"{address}?__theme=light&example={EXAMPLES[0].path.stem}"
    page.get_by_role("button", name=EXAMPLES[1].label, exact=True).click()
    page.wait_for_function(ends(PHOTO, EXAMPLES[1].name), timeout=WAIT)
    assert copied(page) == f"{address}?__theme=light&example={EXAMPLES[1].path.stem}"
    page.get_by_role("tab", name="Video").click()
    assert copied(page) == f"{address}?__theme=light&tab=video"
    page.get_by_role("button", name=CLIPS[0].label, exact=True).click()
    page.wait_for_function(ends(CLIP, CLIPS[0].name), timeout=WAIT)
    link = copied(page)
    assert link == f"{address}?__theme=light&tab=video&example={CLIPS[0].path.stem}"
    again = open_page(url=link)
    again.wait_for_function(ends(CLIP, CLIPS[0].name), timeout=WAIT)


def test_a_photo_of_ones_own_is_in_no_link(open_page, address, example):
    page = open_page(url=address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_input_files("#chooser input[type=file]", str(example))
    page.wait_for_function(ends(PHOTO, example.name), timeout=WAIT)
    assert copied(page) == address


def test_where_nothing_can_be_copied_the_address_bar_has_the_link(open_page, address):
    page = open_page(url=address)
    page.get_by_role("tab", name="Video").click()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("The link is in the address bar").wait_for(timeout=WAIT)
    assert page.url == f"{address}?tab=video"
