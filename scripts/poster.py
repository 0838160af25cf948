"""The picture of the first example's 3D view, which the page shows until it can draw it: ``python -m scripts.poster``.

Its background is clear, and it is wide enough for the view on any screen. To be made anew with the stored results
(``python -m demo.examples``), or when the view changes.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from demo.drawing.figure_view import figure_page
from demo.drawing.figures import FIGURE_HEIGHT
from demo.examples import EXAMPLES
from demo.service import Service
from demo.view import Choices, View
from scripts.chromium import FLAGS, MISSING, find_chromium

WIDTH = 900  # pixels, of which a screen shows the middle
SHARPNESS = 1.5  # pixels of the picture in one of the page
QUALITY = 80
SETTLED = 1500  # milliseconds until nothing moves any more
_CLEAR = ":is(body, .stage) { background: none !important; } .bar { display: none !important; }"


def draw(page: Page, view: View) -> Image.Image:
    """The 3D view as the page draws it at first, with a clear background."""
    page.set_content(figure_page(view.figure(), "3D view"))
    page.add_style_tag(content=f"{_CLEAR} .frame {{ flex: none !important; height: {FIGURE_HEIGHT}px; }}")
    page.wait_for_function("document.querySelector('.photo img').complete && document.querySelector('canvas')")
    page.evaluate("window.dispatchEvent(new Event('resize'))")
    page.wait_for_timeout(SETTLED)
    return Image.open(io.BytesIO(page.locator(".frame").screenshot(omit_background=True)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    argparse.ArgumentParser(prog="python -m scripts.poster", description=__doc__).parse_args(arguments)
    if find_chromium() is None:
        print(MISSING, file=sys.stderr)
        return 1
    service, example = Service.from_environment(), EXAMPLES[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        screen = {"width": WIDTH, "height": FIGURE_HEIGHT + 200}
        page = browser.new_page(viewport=screen, device_scale_factor=SHARPNESS, reduced_motion="reduce")
        picture = draw(page, View(service, service.stored(example), Choices("1")))
        browser.close()
    picture.save(example.poster, quality=QUALITY, method=6)
    print(f"{example.poster}: {example.poster.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
