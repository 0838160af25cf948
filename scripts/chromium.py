"""The browser that opens pages for the load test and for the tests."""

from __future__ import annotations

import os
import shutil

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
MISSING = "there is no Chromium: install the package 'chromium', or set CHROMIUM to its path"


def find_chromium() -> str | None:
    """Its path: ``CHROMIUM`` of the environment, else the installed one; None if there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
