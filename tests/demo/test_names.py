"""Names of files that are markup, formulas or several lines do no harm on the page, in messages and in downloads."""

import csv
import json

import pytest
from PIL import Image

from tests.helpers.serving import WAIT, download, remove_photo, upload, wait_for_result

NAMES = ("<img src=x onerror=window.stolen=1>.png", "=HYPERLINK(1).png", "two\nlines.png")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_does_nothing_on_the_page_in_files_and_in_messages(open_page, tmp_path, name):
    page, path = open_page(), tmp_path / name
    Image.new("RGB", (200, 240), (90, 90, 90)).save(path)
    upload(page, path)
    wait_for_result(page)
    files = {kind: download(page, kind, f".{kind}") for kind in ("json", "csv", "html")}
    assert not any(set(file.suggested_filename) & set("<>\n/\\") for file in files.values())
    texts = {kind: file.path().read_text() for kind, file in files.items()}
    assert json.loads(texts["json"])["schema"] == "fusion-pose/1"
    for row in csv.reader(texts["csv"].splitlines()):
        assert not any(cell.startswith(("=", "@", "+")) for cell in row)
    opened = page.context.new_page()
    opened.set_content(texts["html"])
    opened.wait_for_timeout(500)
    assert opened.evaluate("window.stolen") is None
    remove_photo(page)
    path.write_text("milk, bread")
    upload(page, path)
    page.locator("#hint").get_by_text("is not a photo").wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    assert page.evaluate("window.stolen") is None
    assert page.locator("#hint img, [data-testid=toast-body] img").count() == 0
    assert page.broken == []
