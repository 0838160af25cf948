"""Visitors of the page for the load test: real pages in headless Chromium, opened, used and closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Browser, Error, Page, sync_playwright
from tqdm import tqdm

from fusion_model import PoseEstimator
from scripts.chromium import FLAGS, find_chromium

_CROWDS = ((1, 400), (2, 700), (3, 1200), (1, 4000), (2, 2400), (4, 900), (3, 2800))  # people, height in pixels
_WAIT = 180_000  # milliseconds, for busy machines
_BOX_SHOWN = """wanted => {
  const shown = document.querySelector('#box textarea, #box input').value.split(',').map(Number);
  return shown.length === 4 && shown.every((value, place) => Math.abs(value - wanted[place]) <= 1.5);
}"""  # the page rounds to whole pixels


@dataclass(frozen=True)
class Visit:
    """What a visitor does.

    Attributes:
        photo: uploaded; None only opens the page and closes it.
        boxes: x0, y0, x1, y1 in pixels of those whom the page must find in it, in this order.
    """

    photo: Path | None
    boxes: tuple[tuple[float, ...], ...] = ()


def make_visits(estimator: PoseEstimator, folder: Path, example: Image.Image) -> list[Visit]:
    """Visits with photos of one to four people and 0.1 to 20 megapixels; every second visitor has no photo."""
    visits = []
    for people, height in tqdm(_CROWDS, "photos for pages", disable=None):
        one = example.resize((round(example.width * height / example.height), height))
        crowd = Image.new("RGB", (people * one.width, height))
        for place in range(people):
            crowd.paste(ImageOps.mirror(one) if place % 2 else one, (place * one.width, 0))
        path = folder / f"crowd{people}x{height}.jpg"
        crowd.save(path)
        boxes = tuple(tuple(pose.person_box.tolist()) for pose in estimator.predict_all(path))
        visits += [Visit(path, boxes), Visit(None)]
    return visits


def visit_all(url: str, visits: Iterable[Visit], done: Callable[[str], None]) -> None:
    """One visit after the other.

    Args:
        url: of the page.
        visits: what the visitors do.
        done: called after each visit, with a sentence if something was wrong.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        for visit in visits:
            done(_visit(browser, url, visit))
        browser.close()


def _visit(browser: Browser, url: str, visit: Visit) -> str:
    """A page of its own for one visitor; returns a sentence if something was wrong."""
    context = browser.new_context()
    context.set_default_timeout(_WAIT)
    page, broken = context.new_page(), []
    page.on("pageerror", lambda error: broken.append(str(error)))
    try:
        page.goto(url)
        page.wait_for_selector("#photo input[type=file]", state="attached")
        if visit.photo is not None:
            _use(page, visit.photo, visit.boxes)
    except Error as error:
        broken.append(error.message)
    finally:
        context.close()
    name = "opened only" if visit.photo is None else visit.photo.name
    return f"page ({name}): {broken[0]}" if broken else ""


def _use(page: Page, photo: Path, boxes: tuple[tuple[float, ...], ...]) -> None:
    """Upload a photo, wait for the people in it, and look at the last of them."""
    remove = page.locator("#photo").get_by_role("button", name="Remove Image")
    if remove.count():  # of the example that the page opens with
        remove.click()
    page.locator("#hint").wait_for()
    page.set_input_files("#photo input[type=file]", str(photo))
    page.locator("#picture img").wait_for()
    if boxes:
        page.wait_for_function(_BOX_SHOWN, arg=boxes[0])
    if len(boxes) > 1:
        page.locator("#who input[type=radio]").nth(len(boxes) - 1).check()
        page.wait_for_function(_BOX_SHOWN, arg=boxes[-1])
