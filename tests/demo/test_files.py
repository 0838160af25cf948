"""What visitors leave in Gradio's folder is known to its cleaner, which deletes it in time, or at the end."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.serving import WAIT, served, upload, wait_for_result


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    return tmp_path / "gradio"


@pytest.fixture
def server(folder, stand_in):
    """The page, to be closed; and what is there from the start, the examples."""
    with ExitStack() as server:
        server.address = server.enter_context(served(stand_in))
        server.files = names(folder)
        yield server


@pytest.fixture
def address(server):
    return server.address


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.browser
def test_no_file_of_a_photo_stays(folder, server, open_page, example, notes):
    page = open_page()
    upload(page, notes)
    page.locator("#hint").get_by_text("notes.jpg is not a photo").wait_for(timeout=WAIT)
    page.locator("#photo").get_by_role("button", name="Remove Image").click()
    upload(page, example)
    wait_for_result(page)
    page.get_by_label("Person 2").check()
    page.get_by_text("Person 2: confidence").wait_for(timeout=WAIT)
    page.get_by_label("Arms", exact=True).check()
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 7", timeout=WAIT)
    drawn = page.locator("#picture img").get_attribute("src")
    page.locator("#min-confidence input[type=number]").fill("0.9")
    page.locator("#min-confidence input[type=number]").press("Enter")
    page.wait_for_function("old => document.querySelector('#picture img').src !== old", arg=drawn, timeout=WAIT)
    assert len(names(folder)) > 20
    server.close()
    assert names(folder) == server.files


@pytest.mark.browser
def test_no_file_of_a_clip_stays(folder, server, open_page, clip):
    page = open_page()
    page.get_by_role("tab", name="Video").click()
    page.set_input_files("#clip input[type=file]", str(clip))
    page.wait_for_selector("#clip video", timeout=WAIT)
    page.get_by_role("button", name="Follow the person").click()
    page.wait_for_selector("#motion video", timeout=WAIT)
    assert {Path(name).suffix for name in names(folder)} >= {".mp4", ".json", ".csv", ".bvh", ".glb"}
    server.close()
    assert names(folder) == server.files
