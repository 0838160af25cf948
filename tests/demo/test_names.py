"""Names of files that are markup, formulas or several lines do no harm on the page, in messages and in downloads."""

import csv
import io
import json

import httpx
import pytest
from PIL import Image

from demo.service import Service
from tests.helpers.serving import WAIT, served, upload, wait_for_result

MARKUP = "<img src=x onerror=window.stolen=1>.png"
FORMULA = "=HYPERLINK(1).png"
LINES = "two\nlines.png"


@pytest.fixture(scope="module")
def address(stand_in):
    with served(stand_in) as url:
        yield url


@pytest.fixture
def named(tmp_path):
    """A function that writes a photo, or what is none, under a name."""

    def write(name, *, good=True):
        path = tmp_path / name
        if good:
            Image.new("RGB", (200, 240), (90, 90, 90)).save(path)
        else:
            path.write_text("milk, bread")
        return path

    return write


@pytest.mark.browser
@pytest.mark.parametrize("name", [MARKUP, FORMULA, LINES])
def test_a_name_does_nothing_on_the_page(open_page, named, name):
    page = open_page()
    upload(page, named(name))
    wait_for_result(page)
    for kind in ("csv", "html", "json"):
        page.locator("#kind input").click()
        page.get_by_role("option", name=f"{kind.upper()}:").click()
        page.wait_for_timeout(500)
        page.locator("button#download:not([disabled]), #download button:not([disabled])").wait_for(timeout=WAIT)
        with page.expect_download(timeout=WAIT) as download:
            page.get_by_role("button", name="Download", exact=True).last.click()
        saved = download.value.suggested_filename
        assert not set(saved) & set("<>\n/\\")
        check(kind, download.value.path().read_text(), page)
    assert page.evaluate("window.stolen") is None
    assert page.broken == []


def check(kind, text, page):
    """Look for what a name could do in a file."""
    if kind == "json":
        assert json.loads(text)["schema"] == "fusion-pose/1"
    elif kind == "csv":
        for row in csv.reader(io.StringIO(text)):
            assert not any(cell.startswith(("=", "@", "+")) for cell in row)
    else:
        opened = page.context.new_page()
        opened.set_content(text)
        opened.wait_for_timeout(500)
        assert opened.evaluate("window.stolen") is None
        opened.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", [MARKUP, LINES])
def test_a_name_does_nothing_in_a_message(open_page, named, name):
    page = open_page()
    upload(page, named(name, good=False))
    page.locator("#hint").get_by_text("is not a photo").wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    assert page.evaluate("window.stolen") is None
    assert page.locator("#hint img, [data-testid=toast-body] img").count() == 0


def test_a_name_sent_without_the_page_does_nothing_either(address, stand_in, named):
    """Gradio's upload cleans names; a path of ours is taken as it stands."""
    path = named(MARKUP, good=False)
    sent = httpx.post(f"{address}gradio_api/upload", files={"files": (MARKUP, path.read_bytes())}, timeout=60).json()[0]
    assert not set(sent) & set("<>\n")
    with pytest.raises(Exception, match="&lt;img") as error:
        Service(stand_in).estimate(str(path))
    assert "<" not in str(error.value)
