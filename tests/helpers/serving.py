"""The real page, served to clients and browsers."""

import json
from contextlib import contextmanager

import httpx

from demo.page import build_page, launch_options
from demo.service import Service

WAIT = 60_000  # milliseconds, for busy machines
META = {"meta": {"_type": "gradio.FileData"}}  # of a file in a request


@contextmanager
def launched(estimator, *, mcp=False, card="", lab=None, example=None):
    """The page over an estimator, served."""
    page = build_page(Service(estimator, card=card, lab=lab), example)
    page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options(mcp=mcp))
    try:
        yield page
    finally:
        page.close()


@contextmanager
def served(estimator, **options):
    """The address of such a page."""
    with launched(estimator, **options) as page:
        yield page.local_url


def upload(page, path):
    """Choose a file as the photo."""
    page.set_input_files("#photo input[type=file]", str(path))


def wait_for_result(page):
    """Wait until a photo's result is complete."""
    wait_for_figure(page)
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 17", timeout=WAIT)
    page.wait_for_selector("#times code", timeout=WAIT)


def ask(url, endpoint, *values):
    """The event and the data of an endpoint's answer, without Gradio's client, which would upload and check first."""
    call = f"{url}gradio_api/call/{endpoint}"
    named = {"content": json.dumps({"data": values}), "headers": {"Content-Type": "application/json"}, "timeout": 60}
    asked = httpx.post(call, **named)
    if asked.status_code != 200:
        return "error", {"error": asked.text}
    lines = httpx.get(f"{call}/{asked.json()['event_id']}", timeout=60).text.strip().split("\n")
    return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


def given(page):
    """The file that the button gives, once it does."""
    page.locator("button#download:not([disabled]), #download button:not([disabled])").wait_for(timeout=WAIT)
    with page.expect_download(timeout=WAIT) as file:
        page.get_by_role("button", name="Download", exact=True).last.click(timeout=WAIT)
    return file.value


def download(page, kind, suffix):
    """The file of a format, once the button gives it."""
    page.locator("#kind input").click()
    page.get_by_role("option", name=f"{kind.upper()}:").click()
    for _ in range(50):
        file = given(page)
        if file.suggested_filename.endswith(suffix):
            return file
        page.wait_for_timeout(200)
    raise AssertionError(f"no file {suffix} came")


def remove_photo(page):
    """Take the photo away."""
    page.locator("#photo").get_by_role("button", name="Remove Image").click()
    page.wait_for_selector("#photo input[type=file]", state="attached", timeout=WAIT)


def wait_for_figure(page):
    """Wait until the 3D figure is drawn."""
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)


def put(page, field, text):
    """Write into a field, and press Enter."""
    field = page.locator(f"#{field} textarea, #{field} input").first
    field.fill(text)
    field.press("Enter")
