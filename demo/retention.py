"""How long what visitors leave is kept: nothing of a photo or clip, drawings included, outlasts an hour."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

# A photo can be drawn again as long as its file is there, and what is drawn then is kept as long once more.
KEPT_SECONDS = 1800
_EVERY = 300
CLEANING = (_EVERY, KEPT_SECONDS - _EVERY)
"""Seconds from one cleaning to the next, and age from which a file goes."""


def own_folder() -> None:
    """Give this process a temporary folder of its own, unless ``GRADIO_TEMP_DIR`` names one.

    Gradio's default is common to all apps of the machine: each serves and takes the files of all others.
    """
    if not os.environ.get("GRADIO_TEMP_DIR"):
        os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="fusion-pose-")
        atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)


def watch(page: gr.Blocks) -> None:
    """Tell Gradio's cleaner of every file in its folder, and let closed pages keep their results no longer than others.

    It knows what its components were given, but not what is left of an upload that broke off, or of an MCP call.
    """
    page.upload_file_set.update(str(path) for path in Path(get_upload_folder()).rglob("*") if path.is_file())
    for session in list(page.state_holder.session_data.values()):
        session.STATE_TTL_WHEN_CLOSED = KEPT_SECONDS


@asynccontextmanager
async def watching(app: Any) -> AsyncIterator[None]:
    """Watch as long as the server runs, and once more before Gradio cleans up at its end."""

    async def repeat() -> None:
        """Watch a few times between two cleanings."""
        while True:
            await asyncio.sleep(_EVERY / 5)
            await asyncio.to_thread(watch, app.get_blocks())

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        watch(app.get_blocks())
