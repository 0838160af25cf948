"""Where a photo comes from: a button, a drop anywhere on the page, the clipboard, or an example."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

import cv2
import gradio as gr

from demo.examples import Example
from fusion_model.images import load_photo

_JS, _CSS = (Path(__file__).with_name(f"chooser.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
_THUMBNAIL = 160  # pixels of its shorter side


def chooser(examples: Sequence[Example], files: Sequence[str]) -> gr.HTML:
    """The component: its ``upload`` event tells that its value is a file, as Gradio's page has files.

    Args:
        examples: to choose from.
        files: of the examples, as the page can have them.
    """
    items = "".join(map(_item, examples, files))
    html = (
        "<div class='choose'><div class='start'>"
        "<button type='button' class='open'>Upload a photo</button>"
        "<input type='file' accept='image/*' hidden aria-label='Photo'>"
        "<p>or drop or paste one anywhere</p>"
        "<p>Photos are deleted within an hour.</p></div>"
        f"<ul aria-label='Examples'>{items}</ul></div>"
        "<div class='drop' hidden><p>Drop the photo</p></div>"
    )
    return gr.HTML(
        html_template=html.replace("{", "&#123;").replace("$", "&#36;"),  # the template's own signs
        css_template=_CSS,
        js_on_load=_JS,
        apply_default_css=False,
        elem_id="chooser",
    )


def _item(example: Example, file: str) -> str:
    """A button with a small picture, whose name is read out and written under it."""
    chosen = escape(json.dumps({"path": file, "orig_name": example.path.name}), quote=True)
    return (
        f"<li><button type='button' class='example' data-file=\"{chosen}\">"
        f"<img src='{_thumbnail(example)}' alt=''><span>{escape(example.label)}</span></button></li>"
    )


def _thumbnail(example: Example) -> str:
    """A small JPEG picture, the middle of the photo, as an address."""
    photo = load_photo(example.path)
    side = min(photo.shape[:2])
    top, left = (photo.shape[0] - side) // 6, (photo.shape[1] - side) // 2  # heads are in the upper part
    part = photo[top : top + side, left : left + side]
    small = cv2.resize(part, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    return f"data:image/jpeg;base64,{b64encode(data.tobytes()).decode()}"
