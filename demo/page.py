"""The page: its tabs and the endpoints behind them, and how it is launched."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo.about import about, hero, hero_lines
from demo.endpoints import data_endpoints
from demo.examples import EXAMPLES, FOLDER
from demo.front import Front
from demo.inputs import photo_parameter
from demo.live_tab import LiveTab
from demo.photo_tab import PhotoTab
from demo.requests import MISFITS, CheckedBlocks, misfit
from demo.retention import CLEANING, watching
from demo.service import Service, on_zero_gpu
from demo.theme import CSS, theme
from demo.video_tab import VideoTab
from fusion_model.video.clips import MAX_BYTES

# Gradio knows of so many pages and clients, by default of 10,000, and forgets the one that was used least recently. One
# is 0.3 MB and, of a page, the last result: 0.15 MB for each person in it.
SESSIONS = 200
_POLL_SECONDS = 0.02  # Gradio's queue looks every millisecond whether anybody waits, which takes a tenth of a core


def build_page(service: Service, example: Path | None = EXAMPLES[0].path) -> gr.Blocks:
    """The Blocks over one loaded model, with all endpoints.

    Args:
        service: the model.
        example: the photo with whose result the page opens, if a person is found.
    """
    with CheckedBlocks(title="fusion-pose", analytics_enabled=False, delete_cache=CLEANING) as page:
        hero(with_lab=service.lab is not None)
        if service.notice:
            gr.Markdown(service.notice, elem_id="serving")
        with gr.Tabs():
            with gr.Tab("Photo"):
                photo_tab = PhotoTab(service, example)
            with gr.Tab("Video"):
                video_tab = VideoTab(service)
            if not on_zero_gpu():  # which would lend a GPU for each frame
                with gr.Tab("Live"):
                    LiveTab(service)
        about(service.card)
        photo = photo_parameter()
        photo_tab.add_endpoint(photo)
        data_endpoints(service, photo, video_tab.clip)
    tabs = [block.label for block in page.blocks.values() if isinstance(block, gr.Tab)]
    page.first_sight = photo_tab.first_sight(hero_lines(with_lab=service.lab is not None), tabs)
    page.queue(max_size=32, default_concurrency_limit=1)
    page._queue.sleep_when_free = _POLL_SECONDS  # noqa: SLF001 - there is no option
    return page


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line of ``app.py``; exits with one sentence if ``--mcp`` lacks its package."""
    parser = argparse.ArgumentParser(prog="app.py", description="Serve the page and its endpoints.")
    parser.add_argument("--mcp", action="store_true", help="serve the endpoints as MCP tools too (needs gradio[mcp])")
    parsed = parser.parse_args(arguments)
    if parsed.mcp and find_spec("mcp") is None:
        parser.error('--mcp needs the package mcp, which is not installed: pip install "gradio[mcp]"')
    return parsed


def launch_options(*, mcp: bool = False) -> dict[str, Any]:
    """The arguments of ``launch``.

    Args:
        mcp: serve the endpoints as MCP tools too, at ``/gradio_api/mcp/``; if False, ``GRADIO_MCP_SERVER`` decides.
    """
    return {
        "mcp_server": mcp or None,
        "theme": theme(),
        "css": CSS,
        "max_file_size": MAX_BYTES,
        "state_session_capacity": SESSIONS,
        "ssr_mode": False,
        "allowed_paths": [str(FOLDER)],
        "app_kwargs": {
            "lifespan": watching,
            "exception_handlers": dict.fromkeys(MISFITS, misfit),
            "middleware": [Middleware(Front)],
        },
        "footer_links": ["api", "gradio"],
    }
