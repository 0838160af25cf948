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
