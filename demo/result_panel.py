"""The components of a photo's result: what stands where, and what each shows. ``demo.photo_tab`` says when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr

from demo.downloads import CHOICES
from demo.drawing.figure_view import figure_value, figure_view
from demo.drawing.figures import weights_figure, weights_sentence
from demo.inputs import height_input
from demo.view import MAP_GROUPS, View
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.estimator import FusionSummary

DRAW, CANCEL = "Draw a box", "Cancel the box"
HIDDEN = "hidden"  # but in the page: what is taken out of it has to be built, and the 3D view drawn, from nothing


class ResultPanel:
    """The components of a result, in the current Blocks.

    Args:
        fusion: what the fusion network has learnt.
        first: what they show when the page opens; None for nothing.

    Attributes:
        choices: inputs, by the fields of :class:`demo.view.Choices`.
        quick: what a visitor waits for.
        late: what takes longer to draw.
    """

    def __init__(self, fusion: FusionSummary, first: View | None) -> None:
        self.first = first
        notice = self._at_first(View.notice)
        self.notice = gr.Markdown(notice, visible=bool(notice), elem_id="notice")
        with gr.Row():
            with gr.Column(min_width=300):
                self.picture = gr.Image(
                    self._at_first(View.picture),
                    label="Skeleton",
                    interactive=False,
                    height=420,
                    buttons=["download", "fullscreen"],
                    format="jpeg",  # a tenth of a PNG's time and bytes; the download menu has the PNG
                    elem_id="picture",
                    alt_text="The photo with the boxes of the people found and their skeletons",
                )
                gr.HTML(colour_key())
                self._build_person_picker()
            with gr.Column(min_width=300):
                figure = self._at_first(View.figure)
                self.figure = figure_view(figure, label="3D skeleton", described_by="caption", elem_id="figure")
                self.caption = gr.Markdown(self._at_first(View.caption), elem_classes="key", elem_id="caption")
                self.height = height_input("height")
                self.outside = gr.Checkbox(
                    label="Guess beyond the frame",
                    info="Dotted in the 3D view: what the photo does not show.",
                    elem_id="outside",
                )
        self._build_download_menu()
        self._build_maps()
        with gr.Accordion("What the fusion network has learnt"):
            self.sentence = gr.Markdown(weights_sentence(fusion), label="Fusion")
            self.bars = gr.Plot(weights_figure(fusion), label="Fusion weights", show_label=False, elem_id="weights")
        self.times = gr.Markdown(self._at_first(View.summary), label="Timings", elem_classes="key", elem_id="times")
        self.choices = {
            "who": self.who,
            "height_cm": self.height,
            "min_confidence": self.min_confidence,
            "show_outside": self.outside,
            "group": self.group,
            "kind": self.kind,
        }
        self.quick = [self.notice, self.who, self.picture, self.times, self.box, self.figure, self.caption]
        self.late = [self.maps, self.download]

    def drawn(self, view: View, components: Iterable[Any]) -> dict[Any, Any]:
        """New values of components, each of which shows its part of the view."""
        return {component: self._makers[component](view) for component in components}

    @property
    def _makers(self) -> dict[Any, Callable[[View], Any]]:
        """What each component shows.

        Picture, maps and files go to the page as updates of their components, such as ``gr.Image(picture)``. Any
        update, even one that skips a component, makes a copy of it for the visitor, and Gradio never deletes the files
        of a copy's plain values.
        """
        return {
            self.notice: lambda view: gr.Markdown(view.notice(), visible=bool(view.notice())),
            self.who: lambda view: gr.Radio(
                view.result.choices(), value=view.choices.who, visible=len(view.result.people) > 1
            ),
            self.picture: lambda view: gr.Image(view.picture()),
            self.times: View.summary,
            self.box: View.box_text,
            self.figure: lambda view: figure_value(view.figure()),
            self.caption: View.caption,
            self.maps: lambda view: gr.Gallery(view.maps()),
            self.download: lambda view: gr.DownloadButton(value=view.file(), interactive=bool(view.poses)),
        }

    def _at_first(self, part: Callable[[View], Any]) -> Any:
        """A part of the first view; None if there is none."""
        return None if self.first is None else part(self.first)

    def _build_person_picker(self) -> None:
        """Whose pose is shown: picked by number, or pointed out with a box."""
        people = self._at_first(lambda view: view.result.choices()) or []
        who = self._at_first(lambda view: view.choices.who)
        self.who = gr.Radio(people, value=who, visible=len(people) > 1, label="Whom?", elem_id="who")
        with gr.Row():
            self.box = gr.Textbox(
                self._at_first(View.box_text),
                label="Box in pixels: left, top, right, bottom",
                info="Wrong? Draw it anew on the picture, or write it here and press Enter.",
                max_lines=1,
                scale=1,
                min_width=220,
                elem_id="box",
            )
            self.draw = gr.Button(DRAW, size="md", scale=0, min_width=150, elem_id="draw")
        self.note = gr.HTML(note_text(""), elem_id="note")

    def _build_download_menu(self) -> None:
        """The format, and the button that gives the file."""
        label, file = "Get the joints out", self._at_first(View.file)
        with gr.Row():
            self.kind = gr.Dropdown(CHOICES, value="json", label=label, scale=3, min_width=220, elem_id="kind")
            self.download = gr.DownloadButton(
                "Download",
                file,
                interactive=file is not None,
                variant="primary",
                scale=1,
                min_width=130,
                elem_id="download",
            )

    def _build_maps(self) -> None:
        """The confidence maps, and what else only changes the drawing."""
        about = "Confidence maps: how sure the network is of each joint, over its crop of the photo"
        gr.HTML(f"<div class='key'>{about}</div>")
        self.maps = gr.Gallery(
            self._at_first(View.maps),
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
