"""The picture of the page as it opens: ``python -m scripts.page_picture``."""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from fusion_model.hub.checkpoints import DEFAULT
from scripts.chromium import FLAGS, MISSING, find_chromium
from scripts.load_test import running_app
from scripts.page_timing import SCREENS, SETTLED, visitor, wait_for_result

QUALITY = 85  # of the file, if its format loses any


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.page_picture", description=__doc__)
    parser.add_argument("--model", default=DEFAULT, help="checkpoint: a folder, a Hub id, or the bundled one")
    parser.add_argument("--width", type=int, choices=SCREENS, default=max(SCREENS), help="of the screen, in pixels")
    parser.add_argument("--out", type=Path, default=Path("assets/result.webp"))
    options = parser.parse_args(arguments)
    if find_chromium() is None:
        print(MISSING, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        with running_app(options.model, Path(folder)) as (url, _), visitor(browser, options.width) as page:
            page.emulate_media(reduced_motion="reduce", color_scheme="light")
            page.goto(url)
            wait_for_result(page)
            page.wait_for_timeout(SETTLED)
            picture = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    picture.convert("RGB").save(options.out, quality=QUALITY)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
