"""Links that open a tab and an example, and the button that copies one."""

import pytest

from demo.examples import CLIPS, EXAMPLES
from tests.helpers.serving import WAIT, served

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


@pytest.mark.parametrize(
    ("query", "tab", "shown", "name"),
    [
        (f"example={EXAMPLES[3].path.stem}", "Photo", PHOTO, EXAMPLES[3].name),
        (f"tab=video&example={CLIPS[-1].path.stem}", "Video", CLIP, CLIPS[-1].name),
    ],
)
def test_a_link_opens_a_tab_and_its_example(open_page, address, query, tab, shown, name):
    page = open_page(url=f"{address}?{query}")
    page.wait_for_function(ends(shown, name), timeout=WAIT)
    assert selected(page) == tab
    assert page.broken == []


@pytest.mark.parametrize(
    ("query", "tab"),
    [
        ("tab=LIVE&example=nothing", "Live"),
        ("tab=video&example=dancing", "Video"),
        ("tab=%3Cimg%3E&example=%22%5D", "Photo"),
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


def test_the_copied_link_is_that_of_the_tab_and_of_the_example_in_it(open_page, address, example):
    page = open_page(url=f"{address}?__theme=light#limits")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def copied():
        page.get_by_role("button", name="Copy link").click()
        page.get_by_role("button", name="Link copied").wait_for(timeout=WAIT)
        page.get_by_role("button", name="Copy link").wait_for(timeout=WAIT)
        return page.evaluate("navigator.clipboard.readText()").removeprefix(f"{address}?__theme=light")

    assert copied() == f"&example={EXAMPLES[0].path.stem}"
    page.get_by_role("button", name=EXAMPLES[1].label, exact=True).click()
    page.wait_for_function(ends(PHOTO, EXAMPLES[1].name), timeout=WAIT)
    assert copied() == f"&example={EXAMPLES[1].path.stem}"
    page.set_input_files("#chooser input[type=file]", str(example))
    page.wait_for_function(ends(PHOTO, example.name), timeout=WAIT)
    assert copied() == ""  # a photo of one's own is in no link
    page.get_by_role("tab", name="Video").click()
    assert copied() == "&tab=video"
    page.get_by_role("button", name=CLIPS[0].label, exact=True).click()
    page.wait_for_function(ends(CLIP, CLIPS[0].name), timeout=WAIT)
    assert copied() == f"&tab=video&example={CLIPS[0].path.stem}"
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("The link is in the address bar").wait_for(timeout=WAIT)
    assert page.url == f"{address}?__theme=light&tab=video&example={CLIPS[0].path.stem}"
