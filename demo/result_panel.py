"""The page's components: what stands where. ``demo.page`` says what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import numpy as np
import plotly.graph_objects as go
from gradio.data_classes import FileData

from demo.downloads import CHOICES
from demo.drawing.figure_view import figure_view
from demo.drawing.figures import weights_figure, weights_sentence
from demo.drawing.overlays import SIDE_COLOURS
from demo.renderers import LEAST_CM, MAP_GROUPS, MOST_CM
from demo.result import Result
from demo.service import refusal
from fusion_model.estimator import FusionSummary

CLIPS = "clips"  # queue: one clip is worked on at a time, whoever asks for it
DRAW, CANCEL = "Draw a box", "Cancel the box"
HIDDEN = "hidden"  # but there: what is taken out of the page has to be built, and the 3D view drawn, from nothing
SIZE = "A picture does not tell a person's size: 170 cm is assumed until you say otherwise."


@dataclass(frozen=True)
class First:
    """What the page shows before anybody has done anything: nothing, or the result of an example.

    Attributes:
        result: of the example, from which everything is drawn again; None if there is none.
        others: as the fields of :class:`Panel` want them.
    """

    result: Result | None = None
    notice: str = ""
    picture: np.ndarray | None = None
    people: Sequence[tuple[str, str]] = ()
    who: str | None = None
    figure: go.Figure | None = None
    words: str = ""
    maps: Sequence[tuple[np.ndarray, str]] | None = None
    file: str | None = None
    summary: str = ""
    box: str = ""


@dataclass(frozen=True)
class Panel:
    """The components of a result, in the order of the page."""

    notice: gr.Markdown
    picture: gr.Image
    who: gr.Radio
    draw: gr.Button
    box: gr.Textbox
    note: gr.HTML
    figure: gr.HTML
    height: gr.Number
    beyond: gr.Checkbox
    kind: gr.Dropdown
    download: gr.DownloadButton
    maps: gr.Gallery
    least: gr.Slider
    group: gr.Radio
    sentence: gr.Markdown
    bars: gr.Plot
    times: gr.Markdown
    words: gr.Markdown

    @classmethod
    def build(cls, fusion: FusionSummary, first: First) -> Panel:
        """Place the components in the Blocks at hand, with what they show first."""
        notice = gr.Markdown(first.notice, visible=bool(first.notice), elem_id="notice")
        with gr.Row():
            with gr.Column(min_width=300):
                picture = gr.Image(
                    first.picture,
                    label="Skeleton",
                    interactive=False,
                    height=420,
                    buttons=["download", "fullscreen"],
                    format="jpeg",  # a tenth of a PNG's time and bytes; the download menu has the PNG
                    elem_id="picture",
                    alt_text="The photo with the boxes of the people found and their skeletons",
                )
                gr.HTML(colour_key())
                who, draw, box, note = _whom(first)
            with gr.Column(min_width=300):
                figure = figure_view(first.figure, label="3D skeleton", told_by="words", elem_id="figure")
                words = gr.Markdown(first.words, elem_classes="key", elem_id="words")
                height, beyond = _size()
        kind, download = _menu(first)
        maps, least, group = _maps(first)
        with gr.Accordion("What the fusion network has learnt"):
            sentence = gr.Markdown(weights_sentence(fusion), label="Fusion")
            bars = gr.Plot(weights_figure(fusion), label="Fusion weights", show_label=False, elem_id="weights")
        times = gr.Markdown(first.summary, label="Timings", elem_classes="key", elem_id="times")
        return cls(
            notice, picture, who, draw, box, note, figure, height, beyond, kind, download, maps, least, group,
            sentence, bars, times, words,
        )  # fmt: skip

    @property
    def choices(self) -> list[gr.components.Component]:
        """Inputs, in the order of the fields of :class:`demo.renderers.Choices`."""
        return [self.who, self.height, self.least, self.beyond, self.group, self.kind]

    @property
    def quick(self) -> list[gr.components.Component]:
        """Outputs, in the order of :func:`demo.renderers.quick_views`."""
        return [self.picture, self.times, self.box, self.figure, self.words]

    @property
    def late(self) -> list[gr.components.Component]:
        """Outputs, in the order of :func:`demo.renderers.late_views`."""
        return [self.maps, self.download]

    @property
    def drawn(self) -> list[gr.components.Component]:
        """Outputs of the endpoint ``/show_pose``, whose figure is one of Plotly's."""
        figure = gr.Plot(visible=False, label="3D skeleton")
        return [self.picture, figure, self.maps, self.sentence, self.bars, self.times]


def photo_input(first: str | None = None) -> gr.Image:
    """A photo input that hands on the file as it was sent, so that our own reader decodes, turns or refuses it.

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
    decoded, cache = photo.preprocess, photo.GRADIO_CACHE

    def path_of(payload: FileData | None) -> str | None:
        """The uploaded file, still encoded."""
        return decoded(payload) if payload is None or not payload.path else uploaded(payload.path, cache)

    photo.preprocess = path_of
    return photo


def clip_input() -> gr.Video:
    """A clip input that hands on the uploaded file as it was sent."""
    clip = gr.Video(
        sources=["upload", "webcam"],
        label="Clip",
        include_audio=False,  # asks for no microphone
        elem_id="clip",
    )
    cache = clip.GRADIO_CACHE

    def path_of(payload: FileData | None) -> str | None:
        """The uploaded file."""
        return None if payload is None else uploaded(payload.path, cache, "clip")

    clip.preprocess = path_of
    return clip


def uploaded(path: str, cache: str, what: str = "photo") -> str:
    """The path of an uploaded file; only one in Gradio's own folder, as it does not check every payload itself.

    Raises:
        gr.Error: if the path leads elsewhere.
    """
    if not Path(path).resolve().is_relative_to(Path(cache).resolve()):
        raise refusal(f"this {what} was not uploaded: send it with the request")
    return path


def height_label() -> str:
    """What the fields of a person's height are called."""
    return f"Person's height in cm ({LEAST_CM:.0f} to {MOST_CM:.0f})"


def note_text(text: str) -> str:
    """A line that screen readers read out when it changes; ``text`` is ours, not people's."""
    return f"<p role='status' class='key'>{text}</p>"


def _whom(first: First) -> tuple[gr.Radio, gr.Button, gr.Textbox, gr.HTML]:
    """Who is meant: picked by number, or shown with a box."""
    who = gr.Radio(first.people, value=first.who, visible=len(first.people) > 1, label="Whom?", elem_id="who")
    with gr.Row():
        box = gr.Textbox(
            first.box,
            label="Box in pixels: left, top, right, bottom",
            info="Wrong? Draw it anew on the picture, or write it here and press Enter.",
            max_lines=1,
            scale=1,
            min_width=220,
            elem_id="box",
        )
        draw = gr.Button(DRAW, size="md", scale=0, min_width=125, elem_id="draw")
    note = gr.HTML(note_text(""), elem_id="note")
    return who, draw, box, note


def _size() -> tuple[gr.Number, gr.Checkbox]:
    """What belongs to the 3D view."""
    height = gr.Number(170, label=height_label(), info=SIZE, elem_id="height")
    beyond = gr.Checkbox(
        label="Guess beyond the frame",
        info="Dotted in the 3D view: what the photo does not show.",
        elem_id="beyond",
    )
    return height, beyond


def _menu(first: First) -> tuple[gr.Dropdown, gr.DownloadButton]:
    """The download menu."""
    with gr.Row():
        kind = gr.Dropdown(CHOICES, value="json", label="Get the joints out", scale=3, min_width=220, elem_id="kind")
        download = gr.DownloadButton(
            "Download",
            first.file,
            interactive=first.file is not None,
            variant="primary",
            scale=1,
            min_width=130,
            elem_id="download",
        )
    return kind, download


def _maps(first: First) -> tuple[gr.Gallery, gr.Slider, gr.Radio]:
    """The confidence maps, and what else only changes the drawing."""
    gr.HTML("<div class='key'>Confidence maps: how sure the network is of each joint, over its crop of the photo</div>")
    maps = gr.Gallery(
        first.maps,
        label="Confidence maps",
        show_label=False,
        columns=6,
        height="auto",
        object_fit="contain",
        interactive=False,
        format="jpeg",  # a fifth of the time that the default, WebP, takes for all of them
        elem_id="maps",
        buttons=["download", "fullscreen"],
    )
    with gr.Row(equal_height=True):
        group = gr.Radio(list(MAP_GROUPS), value=next(iter(MAP_GROUPS)), label="Which maps", scale=3, elem_id="group")
        least = gr.Slider(
            0, 1, 0, step=0.05, label="Draw joints from this confidence", buttons=[], scale=2, elem_id="least"
        )
    return maps, least, group


def colour_key(*, bubbles: bool = True) -> str:
    """Which colour is which side, and what faded means, and bubbles where there are some."""
    names = {"left": "the person's left", "right": "the person's right"}
    entries = [(f"rgb{SIDE_COLOURS[side]}", name) for side, name in names.items()]
    faded = "faded or hollow: guessed" + ("; in 3D, the wider the bubble the less sure" if bubbles else "")
    entries.append(("rgba(128,128,128,0.45)", faded))
    dots = " ".join(f"<span><b style='background:{colour}'></b>{name}</span>" for colour, name in entries)
    return f"<div class='key'>{dots}</div>"
