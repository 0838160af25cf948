"""The components of a photo's result: what stands where, and what each shows. ``demo.photo_tab`` says when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr

from demo.downloads import CHOICES
from demo.drawing.figure_view import figure_value, figure_view, flat_view
from demo.drawing.figures import weights_figure, weights_sentence
from demo.inputs import clamped, height_input
from demo.view import MAP_GROUPS, View
from demo.widgets.lab_view import lab_value, lab_view
from demo.widgets.picture_tools import picture_tools, tools_value
from fusion_model.drawing import SIDE_COLOURS
from fusion_model.estimator import FusionSummary

_HEIGHT = 532  # pixels of the picture: as high as the 3D view beside it, with its buttons


class ResultPanel:
    """The components of a result, in the current Blocks.

    Args:
        fusion: what the fusion network has learnt.
        first: what they show when the page opens; None for nothing.
        poster: address of a picture of its 3D view; empty for none.
        with_lab: whether there is a fusion lab.

    Attributes:
        lab: the fusion lab, None without.
        choices: inputs, by the fields of :class:`demo.view.Choices`.
        quick: what a visitor waits for.
        late: what takes longer to draw.
    """

    def __init__(self, fusion: FusionSummary, first: View | None, poster: str, *, with_lab: bool) -> None:
        self.first, self.poster, self.with_lab = first, poster, with_lab
        with gr.Column() as self.frame:
            self._build(fusion)
        self.choices = {
            "who": self.who,
            "height_cm": self.height,
            "min_confidence": self.min_confidence,
            "show_outside": self.outside,
            "group": self.group,
            "kind": self.kind,
        }
        self.drawing = [self.picture, self.tools, self.figure]
        self.quick = [self.frame, self.notice, self.who, self.more, *self.drawing, self.times, self.box, self.caption]
        self.quick += [self.lab] if self.lab else []
        self.late = [self.maps, self.download]

    def drawn(self, view: View, components: Iterable[Any]) -> dict[Any, Any]:
        """New values of components, each of which shows its part of the view."""
        return {component: self._makers[component](view) for component in components}

    @property
    def show_pose_outputs(self) -> list[gr.components.Component]:
        """Outputs of the endpoint ``/show_pose``, whose figure is one of Plotly's."""
        figure, bars = (gr.Plot(visible=False, label=label) for label in ("3D skeleton", "Fusion weights"))
        return [self.picture, figure, self.maps, self.sentence, bars, self.times]

    @property
    def _makers(self) -> dict[Any, Callable[[View], Any]]:
        """What each component shows.

        Picture, maps and files go to the page as updates of their components, such as ``gr.Image(picture)``. Any
        update, even one that skips a component, makes a copy of it for the visitor, and Gradio never deletes the files
        of a copy's plain values.
        """
        return {
            self.frame: lambda view: gr.Column(elem_classes=[] if view.poses else ["nobody"]),
            self.notice: lambda view: gr.Markdown(view.notice(), visible=bool(view.notice())),
            self.who: lambda view: gr.Radio(
                view.result.choices(), value=view.choices.who, visible=len(view.result.people) > 1
            ),
            self.more: lambda view: gr.Button(_more(len(view.result.more)), visible=bool(view.result.more)),
            self.picture: lambda view: gr.Image(view.picture()),
            self.tools: tools_value,
            self.lab: lab_value,
            self.figure: lambda view: figure_value(view.figure()),
            self.times: View.summary,
            self.box: View.box_text,
            self.caption: View.caption,
            self.maps: lambda view: gr.Gallery(view.maps()),
            self.download: lambda view: gr.DownloadButton(value=view.file(), interactive=bool(view.poses)),
        }

    def _at_first(self, part: Callable[[View], Any]) -> Any:
        """A part of the first view; None if there is none."""
        return None if self.first is None else part(self.first)

    def _build(self, fusion: FusionSummary) -> None:
        """All components; those of the classes ``pose`` need a pose."""
        with gr.Row():
            self._build_picture()
            with gr.Column(min_width=300, elem_id="in-3d", elem_classes="pose"):
                figure = self._at_first(View.figure)
                self.figure = figure_view(
                    figure, label="3D skeleton", described_by="caption", elem_id="figure", poster=self.poster
                )
                self.caption = gr.Markdown(self._at_first(View.caption), elem_classes="key", elem_id="caption")
        notice = self._at_first(View.notice)
        self.notice = gr.Markdown(notice, visible=bool(notice), elem_id="notice")
        with gr.Row():
            with gr.Column(min_width=300):
                self._build_person_picker()
            with gr.Column(min_width=300, elem_classes="pose"):
                self._build_adjustments()
        with gr.Column(elem_classes="pose"):
            self._build_download_menu()
            self._build_maps()
            self._build_fusion(fusion)

    def _build_picture(self) -> None:
        """The photo with what was found in it."""
        with gr.Column(min_width=300, elem_id="on-photo"):
            self.picture = gr.Image(
                self._at_first(View.picture),
                label="Skeleton",
                interactive=False,
                height=_HEIGHT,
                buttons=["download", "fullscreen"],
                format="jpeg",  # a tenth of a PNG's time and bytes; the download menu has the PNG
                elem_id="picture",
                alt_text="The photo with the boxes of the people found and their skeletons",
            )
            gr.HTML(colour_key(), elem_classes="pose")
            summary = self._at_first(View.summary)
            self.times = gr.Markdown(summary, label="Timings", elem_classes=["key", "pose"], elem_id="times")

    def _build_person_picker(self) -> None:
        """Whose pose is shown: picked by number, or pointed out with a box."""
        people = self._at_first(lambda view: view.result.choices()) or []
        who = self._at_first(lambda view: view.choices.who)
        self.who = gr.Radio(people, value=who, visible=len(people) > 1, label="Who?", elem_id="who")
        count = self._at_first(lambda view: len(view.result.more)) or 0
        self.more = gr.Button(_more(count), visible=count > 0, size="md", elem_id="more")
        self.tools = picture_tools(self.first)
        self.box = gr.Textbox(
            self._at_first(View.box_text),
            label="Box",
            info="Pixels: left, top, right, bottom. Press Enter to apply.",
            max_lines=1,
            elem_id="box",
        )

    def _build_adjustments(self) -> None:
        """What changes the drawing alone."""
        with gr.Row(equal_height=True):
            self.height = height_input("height")
            slider = gr.Slider(
                0,
                1,
                0,
                step=0.05,
                label="Minimum confidence",
                info="Hides joints below it.",
                buttons=[],
                min_width=220,
                elem_id="min-confidence",
            )
            self.min_confidence = clamped(slider)
        self.outside = gr.Checkbox(
            label="Guess beyond the frame", info="Dotted in 3D: what the photo does not show.", elem_id="outside"
        )

    def _build_download_menu(self) -> None:
        """The format, and the button that gives the file."""
        gr.Markdown("## Export")
        file = self._at_first(View.file)
        with gr.Row():
            self.kind = gr.Dropdown(CHOICES, value="json", label="Format", scale=3, min_width=220, elem_id="kind")
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
        """The confidence maps."""
        gr.Markdown("## Heatmaps\nWhere the network sees each joint. Brighter is surer; click one to enlarge it.")
        groups = list(MAP_GROUPS)
        self.group = gr.Radio(groups, value=groups[0], label="Show", elem_id="group")
        self.maps = gr.Gallery(
            self._at_first(View.maps),
            label="Confidence maps",
            show_label=False,
            columns=9,
            height="auto",
            object_fit="contain",
            interactive=False,
            format="jpeg",  # a fifth of the time that the default, WebP, takes for all of them
            elem_id="maps",
            buttons=["download", "fullscreen"],
        )

    def _build_fusion(self, fusion: FusionSummary) -> None:
        """What is the same for every photo, and what it means for this one."""
        gr.Markdown("## Fusion")
        self.sentence = gr.Markdown(weights_sentence(fusion), label="Fusion")
        flat_view(weights_figure(fusion), label="The weight of each layer", elem_id="weights")
        self.lab = lab_view(self.first) if self.with_lab else None


def _more(count: int) -> str:
    """What the button says that shows so many weak finds."""
    return f"Show {count} more: weak find{'s' if count > 1 else ''}"


def colour_key(*, ellipsoids: bool = True) -> str:
    """Which colour is which side, and what faded means, and ellipsoids where there are some."""
    names = {"left": "left", "right": "right"}
    entries = [(f"style='background:rgb{SIDE_COLOURS[side]}'", f"the person's {name}") for side, name in names.items()]
    faded = "faded or hollow: guessed" + ("; in 3D, a larger ellipsoid means less sure" if ellipsoids else "")
    entries.append(("class='hollow'", faded))
    dots = " ".join(f"<span><b {look}></b>{name}</span>" for look, name in entries)
    return f"<div class='key'>{dots}</div>"
