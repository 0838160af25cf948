"""How soon a visitor sees something: ``python -m scripts.page_timing``. Run it on a machine that does nothing else.

Starts the app in a process of its own and opens it in headless Chromium, each time as a new visitor with an empty
cache, at the widths of a desk and a phone. Without a graphics card, Chromium draws the 3D view in software, on the same
cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from fusion_model.hub.checkpoints import DEFAULT
from scripts.chromium import FLAGS, MISSING, find_chromium
from scripts.load_test import EXAMPLE, running_app

SCREENS = {1440: 900, 390: 844}  # width and height in pixels
WAIT = 120_000  # milliseconds
SETTLED = 3000  # milliseconds, after which nothing moves any more
# What moves, and when the photo with the skeleton is seen, and with it the 3D view or its picture.
_WATCHED = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: 'layout-shift', buffered: true });
const there = (one) => one.complete !== false && one.checkVisibility();
const seen = (names) => [...document.querySelectorAll(names)].some(there);
const look = () => {
  const both = seen('#first .found img, #picture img') && seen('.poster, #figure canvas');
  if (both) window.sight = performance.now() / 1000;
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
# When the photo with the skeleton is another one, and the 3D view, whose revision is its photo's.
_PICTURE = """(old) => {
  const picture = document.querySelector('#picture img');
  if (!picture || picture.src === old || !picture.naturalWidth || !picture.checkVisibility()) return false;
  return { value: picture.src, seconds: performance.now() / 1000 };
}"""
_FIGURE = """(old) => {
  const graph = document.querySelector('#figure .graph');
  const revision = graph && graph._fullLayout && graph.querySelector('canvas') && graph._fullLayout.uirevision;
  if (!revision || revision === old) return false;
  return { value: revision, seconds: performance.now() / 1000 };
}"""


@dataclass(frozen=True)
class Drawn:
    """What is shown of a photo, and since when.

    Attributes:
        picture: address of the photo with the skeleton.
        revision: of the 3D view.
        skeleton: seconds of the page when the photo with the skeleton was there.
        figure: the same of the 3D view.
    """

    picture: str
    revision: str
    skeleton: float
    figure: float


@dataclass(frozen=True)
class Timing:
    """Of one visit.

    Attributes:
        first_sight: seconds from the request of the page until the example's skeleton and 3D view are seen, be the
            latter a picture of it.
        first_figure: until the 3D view is drawn, and can be turned.
        upload: seconds from the choice of a photo to its skeleton.
        upload_figure: to its 3D view.
        largest_shift: score of the largest layout shift until then, as browsers count it; below 0.1 is good.
        kilobytes: received until the first 3D view is drawn, as sent over the network.
    """

    first_sight: float
    first_figure: float
    upload: float
    upload_figure: float
    largest_shift: float
    kilobytes: float


@contextmanager
def visitor(browser: Browser, width: int) -> Iterator[Page]:
    """A page of a new visitor, still empty."""
    context = browser.new_context(viewport={"width": width, "height": SCREENS[width]})
    context.set_default_timeout(WAIT)
    try:
        yield context.new_page()
    finally:
        context.close()


def wait_for_result(page: Page, before: Drawn | None = None) -> Drawn:
    """Wait until another result than the one before is drawn."""
    old = (before.picture, before.revision) if before else ("", "")
    picture, figure = (
        page.wait_for_function(script, arg=one).json_value()
        for script, one in zip((_PICTURE, _FIGURE), old, strict=True)
    )
    return Drawn(picture["value"], figure["value"], picture["seconds"], figure["seconds"])


def measure(browser: Browser, url: str, width: int, photo: Path) -> Timing:
    """One visit: the page is opened, and when its example is drawn, a photo is uploaded."""
    with visitor(browser, width) as page:
        page.add_init_script(_WATCHED)
        network, received = page.context.new_cdp_session(page), []
        network.send("Network.enable")
        network.on("Network.loadingFinished", lambda one: received.append(one["encodedDataLength"]))
        page.goto(url)
        first = wait_for_result(page)
        kilobytes = sum(received) / 1000
        page.wait_for_timeout(SETTLED)
        sight, largest = page.evaluate("[window.sight, Math.max(0, ...window.shifts)]")
        began = page.evaluate("performance.now() / 1000")
        page.set_input_files("#chooser input[type=file]", str(photo))
        second = wait_for_result(page, first)
    return Timing(sight, first.figure, second.skeleton - began, second.figure - began, largest, kilobytes)


def report(width: int, timings: Sequence[Timing]) -> str:
    """The medians, and from where to where they go."""
    names = {
        "first_sight": ("first result in sight after", "{:.2f} s"),
        "first_figure": ("its 3D view drawn after", "{:.2f} s"),
        "upload": ("upload to skeleton", "{:.2f} s"),
        "upload_figure": ("to its 3D view", "{:.2f} s"),
        "largest_shift": ("largest layout shift", "{:.3f}"),
        "kilobytes": ("sent until the first 3D view", "{:.0f} kB"),
    }
    parts = []
    for name, (words, form) in names.items():
        values = sorted(asdict(one)[name] for one in timings)
        low, middle, high = (form.format(value) for value in (values[0], statistics.median(values), values[-1]))
        parts.append(f"{words} {middle}" + (f" ({low} to {high})" if low != high else ""))
    return f"{width} pixels wide, {len(timings)} visits: {', '.join(parts)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.page_timing", description=__doc__)
    parser.add_argument("--model", default=DEFAULT, help="checkpoint: a folder, a Hub id, or the bundled one")
    parser.add_argument("--photo", type=Path, default=EXAMPLE, help="what is uploaded")
    parser.add_argument("--visits", type=int, default=5, help="at each width; the first of all is not counted")
    options = parser.parse_args(arguments)
    if find_chromium() is None:
        print(MISSING, file=sys.stderr)
        return 1
    if not options.photo.is_file():
        parser.error(f"there is no photo {options.photo}")
    print(f"{os.cpu_count()} cores, on which {os.getloadavg()[0]:.1f} processes ran in the last minute")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        photo = Path(shutil.copy(options.photo, name))
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        with running_app(options.model, Path(name)) as (url, _):
            measure(browser, url, max(SCREENS), photo)  # the networks' first run is a slow one
            for width in SCREENS:
                print(report(width, [measure(browser, url, width, photo) for _ in range(options.visits)]), flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
