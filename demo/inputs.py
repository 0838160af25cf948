"""Inputs that tabs and endpoints have in common: uploaded files, a box, a height."""

from __future__ import annotations

import copy
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from demo import requests
from demo.service import refusal
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM, MAX_HEIGHT_MM, MIN_HEIGHT_MM

CLIP_QUEUE = "clips"  # of Gradio: one clip is processed at a time, whoever asks
MIN_HEIGHT_CM, MAX_HEIGHT_CM = MIN_HEIGHT_MM / 10, MAX_HEIGHT_MM / 10
_SIZE_NOTE = "Unknown? Leave it at 170."


def photo_input(first: str | None = None) -> gr.Image:
    """The photo on the page, or nothing."""
    return _as_sent(
        gr.Image(
            first,
            type="filepath",
            image_mode=None,
            sources=["upload", "webcam", "clipboard"],
            webcam_options=gr.WebcamOptions(mirror=False),  # a mirrored photo would swap left and right
            label="Photo",
            height=130,
            min_width=200,
            scale=0,
            buttons=[],
            elem_id="photo",
            alt_text="Your photo",
        )
    )


def photo_parameter() -> gr.Image:
    """A hidden input of a photo for endpoints: without the page's example, which would be taken where none is sent."""
    return _as_sent(gr.Image(type="filepath", visible=False, label="Photo of a person"))


def photos_parameter(most: int) -> gr.File:
    """A hidden input of several photos; what cannot be had of them is told apart."""
    photos = gr.File(file_count="multiple", type="filepath", visible=False, label=f"Photos, at most {most}")
    # Gradio's own schema points to definitions that its MCP tools do not find.
    schema = {"type": "array", "items": photo_parameter().api_info()}
    photos.api_info = lambda: copy.deepcopy(schema)
    photos.receive = requests.photo_files(most)
    photos.data_model, photos.preprocess = None, lambda received: received
    return photos


def clip_input() -> gr.Video:
    """The clip on the page."""
    clip = gr.Video(
        sources=["upload", "webcam"],
        label="Clip",
        include_audio=False,  # asks for no microphone
        elem_id="clip",
    )
    return _as_sent(clip, "clip")


def _as_sent(component: Any, what: str = "photo") -> Any:
    """The component, which passes the file on as it was sent, so that our own reader decodes, turns or refuses it.

    ``gr.Image`` would decode it first: without EXIF rotation for paths, and with a vague message for broken files.
    """

    def path_of(payload: FileData | None) -> str | None:
        """The uploaded file, still encoded."""
        return None if payload is None else requests.uploaded(payload.path, what)

    component.receive, component.preprocess = requests.one_file(what), path_of
    return component


def box_parameter() -> gr.JSON:
    """A hidden input of a box with its own JSON schema: MCP clients reject Gradio's schema for any JSON."""
    box = gr.JSON(visible=False, label="Box round the person: x0, y0, x1, y1 in pixels, or null")
    four = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    schema = {"anyOf": [four, {"type": "null"}], "description": "x0, y0, x1, y1 in pixels, or null"}
    box.api_info, box.receive = lambda: dict(schema), requests.box
    return box


def flag_parameter(name: str, label: str, *, first: bool) -> gr.Checkbox:
    """A hidden input of a parameter that is true or false."""
    flag = gr.Checkbox(first, visible=False, label=label)
    flag.receive = requests.flag(name)
    return flag


def number_parameter(name: str, first: float, low: float, high: float, unit: str = "", label: str = "") -> gr.Number:
    """A hidden input of a number in a range; a whole one if ``first`` is."""
    whole = isinstance(first, int)
    number = gr.Number(
        first, precision=0 if whole else None, visible=False, label=f"{label or name}: {low:.0f} to {high:.0f}{unit}"
    )
    number.receive = requests.number(name, low, high, unit, whole=whole)
    return number


def parse_box(text: str) -> list[float]:
    """Four numbers, separated by commas or blanks; gr.Error if they are not."""
    try:
        box = [float(part) for part in text.replace(",", " ").replace(";", " ").split()]
    except ValueError:
        box = []
    if len(box) != 4:
        raise refusal("a box is four numbers in pixels: left, top, right, bottom, such as 20, 14, 362, 511")
    return box


def height_input(elem_id: str | None = None) -> gr.Number:
    """The field of a person's height."""
    return gr.Number(CONVENTIONAL_HEIGHT_MM / 10, label="Height in cm", info=_SIZE_NOTE, min_width=220, elem_id=elem_id)


def clamped(slider: gr.Slider) -> gr.Slider:
    """The slider, for whose field of a number any is as good as the nearest that it has, and none as the least."""

    def receive(sent: Any) -> Any:
        """The number that is meant."""
        return slider.minimum if sent is None else min(max(sent, slider.minimum), slider.maximum)

    slider.receive = receive
    return slider


def checked_height(height_cm: float | None) -> float:
    """The height; gr.Error if it is out of range."""
    if height_cm is None or not MIN_HEIGHT_CM <= height_cm <= MAX_HEIGHT_CM:
        allowed = f"between {MIN_HEIGHT_CM:g} and {MAX_HEIGHT_CM:g} cm"
        raise refusal(f"the person's height must lie {allowed}, got {height_cm}")
    return height_cm
