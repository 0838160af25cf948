"""Where a photo or a clip comes from: an example, and for a photo a button, a drop anywhere, or the clipboard."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import cv2
import gradio as gr
import numpy as np
from gradio.processing_utils import move_files_to_cache

from demo.examples import CLIPS, Example
from demo.video.first_frame import read_first_frame
from fusion_model.images import load_photo

_EXAMPLES_JS, _JS, _CSS = (
    Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("examples.js", "chooser.js", "chooser.css")
)
_THUMBNAIL = 160  # pixels of its shorter side


def kept_files(examples: Sequence[Example], component: gr.components.Component) -> dict[str, Example]:
    """The examples by copies of their files that the page may take, and that stay as long as the server."""
    files = {}
    for example in examples:
        file = {"path": str(example.path), "orig_name": example.name, "meta": {"_type": "gradio.FileData"}}
        files[move_files_to_cache(file, component, postprocess=True, keep_in_cache=True)["path"]] = example
    return files


def chooser(files: Mapping[str, Example]) -> gr.HTML:
    """The component of a photo: its ``upload`` event tells that its value is a file, as Gradio's page has files.

    Args:
        files: examples to choose from, by :func:`kept_files`.
    """
    html = (
        "<div class='choose'><div class='start'>"
        "<button type='button' class='open'>Upload a photo</button>"
        "<input type='file' accept='image/*' hidden aria-label='Photo'>"
        "<p>or drop or paste one anywhere</p>"
        "<p>Photos are deleted within an hour.</p></div>"
        f"{_list('photo', files)}</div>"
        "<div class='drop' hidden><p>Drop the photo</p></div>"
    )
    return _component(html, _EXAMPLES_JS + _JS, "chooser")


def clip_chooser(files: Mapping[str, Example]) -> gr.HTML:
    """The same of a clip: examples only."""
    return _component(_list("video", files), _EXAMPLES_JS, "clip-chooser")


def _component(html: str, script: str, elem_id: str) -> gr.HTML:
    """The component; the template's own signs are escaped."""
    return gr.HTML(
        html_template=html.replace("{", "&#123;").replace("$", "&#36;"),
        css_template=_CSS,
        js_on_load=script,
        apply_default_css=False,
        elem_id=elem_id,
    )


def _list(tab: str, files: Mapping[str, Example]) -> str:
    """The examples of a tab, by whose name links call them."""
    items = "".join(_item(example, file) for file, example in files.items())
    return f"<ul aria-label='Examples' data-examples='{tab}'>{items}</ul>"


def _item(example: Example, file: str) -> str:
    """A button with a small picture, whose name is read out and written under it."""
    chosen = escape(json.dumps({"path": file, "orig_name": example.name}), quote=True)
    return (
        f"<li><button type='button' class='example' data-name='{example.path.stem}' data-file=\"{chosen}\">"
        f"<img src='{_thumbnail(example)}' alt=''><span>{escape(example.label)}</span></button></li>"
    )


def _picture(example: Example) -> np.ndarray:
    """The photo, or the first frame of the clip, (H, W, 3) uint8 RGB."""
    return read_first_frame(str(example.path)) if example in CLIPS else load_photo(example.path)


def _thumbnail(example: Example) -> str:
    """A small JPEG picture, the middle of the photo, as an address."""
    photo = _picture(example)
    side = min(photo.shape[:2])
    top, left = (photo.shape[0] - side) // 6, (photo.shape[1] - side) // 2  # heads are in the upper part
    part = photo[top : top + side, left : left + side]
    small = cv2.resize(part, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    return f"data:image/jpeg;base64,{b64encode(data.tobytes()).decode()}"
