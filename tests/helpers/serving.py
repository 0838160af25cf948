"""The real page, served to clients and browsers."""

from contextlib import contextmanager

from demo.page import build_page, launch_options
from demo.service import Service

WAIT = 60_000  # milliseconds, for busy machines


@contextmanager
def served(estimator, *, mcp=False, card="", lab=None, **options):
    """The address of the page over an estimator, without an example unless ``options`` have one."""
    page = build_page(Service(estimator, card=card, lab=lab), **{"example": None, **options})
    launch = launch_options(mcp=mcp)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch)
    try:
        yield url
    finally:
        page.close()


def upload(page, path):
    """Choose a file as the photo."""
    page.set_input_files("#photo input[type=file]", str(path))


def wait_for_result(page):
    """Wait until a photo's result is complete."""
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    page.wait_for_function("document.querySelectorAll('#maps .grid-wrap img').length === 17", timeout=WAIT)
    page.wait_for_selector("#times code", timeout=WAIT)
