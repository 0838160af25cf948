"""Inputs that tabs and endpoints have in common: uploaded files, a box, a height."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData, ListFiles
from gradio.utils import get_upload_folder

from demo.service import refusal
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM, MAX_HEIGHT_MM, MIN_HEIGHT_MM

CLIP_QUEUE = "clips"  # of Gradio: one clip is processed at a time, whoever asks
MIN_HEIGHT_CM, MAX_HEIGHT_CM = MIN_HEIGHT_MM / 10, MAX_HEIGHT_MM / 10
_SIZE_NOTE = "A picture does not tell a person's size: 170 cm is assumed until you say otherwise."


def photo_input(first: str | None = None) -> gr.Image:
    """A photo input that passes the file on as it was sent, so that our own reader decodes, turns or refuses it.

    ``gr.Image`` would decode it first: without EXIF rotation for paths, and with a vague message for broken files.
    """
    photo = gr.Image(
        first,
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        webcam_options=gr.WebcamOptions(mirror=False),  # a mirrored photo would swap left and right
        label="Photo",
        height=380,
        buttons=["fullscreen"],
        elem_id="photo",
        alt_text="Your photo",
    )
    decoded = photo.preprocess

    def path_of(payload: FileData | None) -> str | None:
        """The uploaded file, still encoded."""
        return decoded(payload) if payload is None or not payload.path else uploaded(payload.path)

    photo.preprocess = path_of
    return photo


def photos_input() -> gr.File:
    """A hidden input of several photos, which takes uploaded files only."""
    photos = gr.File(file_count="multiple", type="filepath", visible=False, label="photos")

    def paths_of(payload: ListFiles | FileData | None) -> list[str] | None:
        """The uploaded files."""
        if payload is None:
            return None
        files = payload.root if isinstance(payload, ListFiles) else [payload]
        return [uploaded(file.path) for file in files]

    photos.preprocess = paths_of
    return photos


def clip_input() -> gr.Video:
    """A clip input that passes the uploaded file on as it was sent."""
    clip = gr.Video(
        sources=["upload", "webcam"],
        label="Clip",
        include_audio=False,  # asks for no microphone
        elem_id="clip",
    )

    def path_of(payload: FileData | None) -> str | None:
        """The uploaded file."""
        return None if payload is None else uploaded(payload.path, "clip")

    clip.preprocess = path_of
    return clip


def uploaded(path: str, what: str = "photo") -> str:
    """The path of an uploaded file; only one in Gradio's own folder, as it does not check every payload itself.

    Raises:
        gr.Error: if the path leads elsewhere.
    """
    if not Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve()):
        raise refusal(f"this {what} was not uploaded: send it with the request")
    return path


def box_input() -> gr.JSON:
    """A hidden input of a box with its own JSON schema: MCP clients reject Gradio's schema for any JSON."""
    box = gr.JSON(visible=False, label="box: x0, y0, x1, y1 in pixels, or null")
    four = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    schema = {"anyOf": [four, {"type": "null"}], "description": "x0, y0, x1, y1 in pixels, or null"}
    box.api_info = lambda: dict(schema)
    return box


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
    label = f"Person's height in cm ({MIN_HEIGHT_CM:.0f} to {MAX_HEIGHT_CM:.0f})"
    return gr.Number(CONVENTIONAL_HEIGHT_MM / 10, label=label, info=_SIZE_NOTE, elem_id=elem_id)


def checked_height(height_cm: float | None) -> float:
    """The height; gr.Error if it is out of range."""
    if height_cm is None or not MIN_HEIGHT_CM <= height_cm <= MAX_HEIGHT_CM:
        allowed = f"between {MIN_HEIGHT_CM:g} and {MAX_HEIGHT_CM:g} cm"
        raise refusal(f"the person's height must lie {allowed}, got {height_cm}")
    return height_cm
