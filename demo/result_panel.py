"""The components of a photo's result: what stands where. ``demo.photo_tab`` says what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from demo.downloads import CHOICES
from demo.drawing.figure_view import figure_view
from demo.drawing.figures import weights_figure, weights_sentence
from demo.inputs import height_input
from demo.renderers import MAP_GROUPS
from demo.result import Result
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.estimator import FusionSummary

DRAW, CANCEL = "Draw a box", "Cancel the box"
HIDDEN = "hidden"  # but in the page: what is taken out of it has to be built, and the 3D view drawn, from nothing


@dataclass(frozen=True)
class InitialContent:
    """What the page shows when it opens: nothing, or the result of an example.

    Attributes:
        result: of the example, from which everything is drawn again; None if there is none.
        others: as the fields of :class:`ResultPanel` want them.
    """

    result: Result | None = None
    notice: str = ""
    picture: np.ndarray | None = None
    people: Sequence[tuple[str, str]] = ()
    who: str | None = None
    figure: go.Figure | None = None
    caption: str = ""
    maps: Sequence[tuple[np.ndarray, str]] | None = None
    file: str | None = None
    summary: str = ""
    box: str = ""


class ResultPanel:
    """The components of a result, in the current Blocks.

    Args:
        fusion: what the fusion network has learnt.
        first: the initial content.
    """

    def __init__(self, fusion: FusionSummary, first: InitialContent) -> None:
        self.notice = gr.Markdown(first.notice, visible=bool(first.notice), elem_id="notice")
        with gr.Row():
            with gr.Column(min_width=300):
                self.picture = gr.Image(
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
                self._build_person_picker(first)
            with gr.Column(min_width=300):
                self.figure = figure_view(first.figure, label="3D skeleton", described_by="caption", elem_id="figure")
                self.caption = gr.Markdown(first.caption, elem_classes="key", elem_id="caption")
                self.height = height_input("height")
                self.outside = gr.Checkbox(
                    label="Guess beyond the frame",
                    info="Dotted in the 3D view: what the photo does not show.",
                    elem_id="outside",
                )
        self._build_download_menu(first)
        self._build_maps(first)
        with gr.Accordion("What the fusion network has learnt"):
            self.sentence = gr.Markdown(weights_sentence(fusion), label="Fusion")
            self.bars = gr.Plot(weights_figure(fusion), label="Fusion weights", show_label=False, elem_id="weights")
        self.times = gr.Markdown(first.summary, label="Timings", elem_classes="key", elem_id="times")

    def _build_person_picker(self, first: InitialContent) -> None:
        """Whose pose is shown: picked by number, or pointed out with a box."""
        several = len(first.people) > 1
        self.who = gr.Radio(first.people, value=first.who, visible=several, label="Whom?", elem_id="who")
        with gr.Row():
            self.box = gr.Textbox(
                first.box,
                label="Box in pixels: left, top, right, bottom",
                info="Wrong? Draw it anew on the picture, or write it here and press Enter.",
                max_lines=1,
                scale=1,
                min_width=220,
                elem_id="box",
            )
            self.draw = gr.Button(DRAW, size="md", scale=0, min_width=150, elem_id="draw")
        self.note = gr.HTML(note_text(""), elem_id="note")

    def _build_download_menu(self, first: InitialContent) -> None:
        """The format, and the button that gives the file."""
        label, enabled = "Get the joints out", first.file is not None
        with gr.Row():
            self.kind = gr.Dropdown(CHOICES, value="json", label=label, scale=3, min_width=220, elem_id="kind")
            self.download = gr.DownloadButton(
                "Download",
                first.file,
                interactive=enabled,
                variant="primary",
                scale=1,
                min_width=130,
                elem_id="download",
            )

    def _build_maps(self, first: InitialContent) -> None:
        """The confidence maps, and what else only changes the drawing."""
        about = "Confidence maps: how sure the network is of each joint, over its crop of the photo"
        gr.HTML(f"<div class='key'>{about}</div>")
        self.maps = gr.Gallery(
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
        groups, label = list(MAP_GROUPS), "Draw joints from this confidence"
        with gr.Row(equal_height=True):
            self.group = gr.Radio(groups, value=groups[0], label="Which maps", scale=3, elem_id="group")
            self.min_confidence = gr.Slider(
                0, 1, 0, step=0.05, label=label, buttons=[], scale=2, elem_id="min-confidence"
            )

    @property
    def choices(self) -> list[gr.components.Component]:
        """Inputs, in the order of the fields of :class:`demo.renderers.Choices`."""
        return [self.who, self.height, self.min_confidence, self.outside, self.group, self.kind]

    @property
    def quick(self) -> list[gr.components.Component]:
        """Outputs, in the order of :func:`demo.renderers.quick_values`."""
        return [self.picture, self.times, self.box, self.figure, self.caption]

    @property
    def late(self) -> list[gr.components.Component]:
        """Outputs, in the order of :func:`demo.renderers.late_values`."""
        return [self.maps, self.download]

    @property
    def show_pose_outputs(self) -> list[gr.components.Component]:
        """Outputs of the endpoint ``/show_pose``, whose figure is one of Plotly's."""
        figure = gr.Plot(visible=False, label="3D skeleton")
        return [self.picture, figure, self.maps, self.sentence, self.bars, self.times]


def note_text(text: str) -> str:
    """A line that screen readers read out when it changes; ``text`` is ours, not the user's."""
    return f"<p role='status' class='key'>{text}</p>"


def colour_key(*, bubbles: bool = True) -> str:
    """Which colour is which side, and what faded means, and bubbles where there are some."""
    names = {"left": "the person's left", "right": "the person's right"}
    entries = [(f"rgb{SIDE_COLOURS[side]}", name) for side, name in names.items()]
    faded = "faded or hollow: guessed" + ("; in 3D, the wider the bubble the less sure" if bubbles else "")
    entries.append(("rgba(128,128,128,0.45)", faded))
    dots = " ".join(f"<span><b style='background:{colour}'></b>{name}</span>" for colour, name in entries)
    return f"<div class='key'>{dots}</div>"
