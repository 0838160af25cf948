"""The photo tab: a photo in, the poses of the people in it out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demo.drawing.figures import weights_figure, weights_sentence
from demo.inputs import parse_box, photo_input
from demo.result import Result
from demo.result_panel import CANCEL, DRAW, HIDDEN, ResultPanel, note_text
from demo.retention import KEPT_SECONDS
from demo.service import Service, on_zero_gpu, refusal
from demo.view import Choices, View

EXAMPLES = Path(__file__).parents[1] / "assets" / "examples"

_EXAMPLES = ("walking.jpg", "hopper.jpg")
_HINT = "### The pose appears here\nUpload a photo, paste one, take one with the camera, or choose an example."
_PRIVACY = "Photos are deleted from the server within an hour."
_HIDE_JS = (
    f"() => [{{__type__: 'update', visible: true, value: {json.dumps(_HINT)}}},"
    f" {{__type__: 'update', visible: {json.dumps(HIDDEN)}}}]"
)  # the hint, and no results
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

_Corner = tuple[float, float] | None
_Drawing = tuple[_Corner] | None  # None: no box is being drawn; else its first corner, if it was clicked already
_Values = dict[Any, Any]  # by component: of the inputs, or new ones of outputs


class PhotoTab:
    """The components of the tab, in the current Blocks, and what happens when.

    Two things are kept for each visitor: the result, and the box that is being drawn.

    Args:
        service: the model.
        example: the photo with whose result the tab opens; None opens it empty.
    """

    def __init__(self, service: Service, example: Path | None) -> None:
        self.service, first = service, _first_view(service, example)
        with gr.Row():
            with gr.Column(scale=3, min_width=280, elem_id="input"):
                self.photo = photo_input(first and first.result.photo)
                gr.Examples([str(EXAMPLES / name) for name in _EXAMPLES], self.photo, api_visibility="private")
                gr.Markdown(_PRIVACY, elem_classes="key")
            with gr.Column(scale=9, min_width=300):
                self.hint = gr.Markdown(_HINT, visible=first is None, elem_id="hint", elem_classes="hint")
                with gr.Column(visible=True if first else HIDDEN) as self.results:
                    self.panel = ResultPanel(service.fusion, first)
        # As the page has the photo, not as the file is called.
        kept = first and dataclasses.replace(first.result, photo=self.photo.value["path"])
        self.kept = gr.State(kept, time_to_live=KEPT_SECONDS)
        self.drawing = gr.State(time_to_live=KEPT_SECONDS)
        self._connect()

    def add_endpoint(self, photo: gr.Image) -> None:
        """Add ``/show_pose`` to the current Blocks, whose parameter is not the page's photo."""
        gr.Button(visible=False).click(self.show_pose, photo, self.panel.show_pose_outputs, api_name="show_pose")

    def show_pose(self, photo: str | None) -> tuple[Any, ...]:
        """Estimate the pose of the person in a photo, and draw it.

        Args:
            photo: a file with a photo.

        Returns:
            The photo with the skeleton, the 3D figure, the confidence maps, what the fusion network has learnt in words
            and as bars, and the timings.
        """
        result, fusion = self.service.predict_all(photo), self.service.fusion
        if not result.people:
            raise refusal("nobody was found in the photo: try one that shows a person larger")
        view = View(self.service, result, Choices("1"))
        drawn = view.picture(), view.figure(), view.maps()
        return (*drawn, weights_sentence(fusion), weights_figure(fusion), view.summary())

    def _connect(self) -> None:
        """Listen to all events."""
        panel = self.panel
        min_confidence = partial(panel.min_confidence.change, trigger_mode="always_last")
        asleep = {"fn": lambda: gr.DownloadButton(interactive=False), "outputs": panel.download, "queue": False}
        redrawn = [
            self._redraw(panel.who.input, [*panel.quick, *panel.late]),
            self._redraw(min_confidence, [panel.picture, panel.figure]),
            self._redraw(panel.group.input, [panel.maps]),
            self._redraw(panel.outside.input, [panel.figure]),
            self._redraw(panel.height.submit, [panel.figure, panel.download]),
            self._redraw(panel.height.blur, [panel.figure, panel.download]),
            self._redraw(panel.kind.change(**asleep, **_QUIET).then, [panel.download]),
            *self._on_box(),
        ]
        self._on_photo(redrawn)

    def _redraw(self, event: Callable[..., Any], components: Sequence[Any]) -> Any:
        """On an event, draw components from the kept result."""

        def draw(values: _Values) -> _Values:
            """New values of the components."""
            return self.panel.drawn(self._chosen(values), components)

        return event(draw, self._inputs(), components, **_QUIET)

    def _on_photo(self, redrawn: Sequence[Any]) -> None:
        """Take the old result away as soon as the photo changes, and show the new one, or nothing if that fails.

        The browser takes it away by itself, before any answer, and drops the old one's drawings that are still to come.
        One answer says what is drawn and whether it shows; a photo that comes during an estimate waits its turn. Maps
        and file are a later step, made from the kept result. Neither asks the browser who is picked: it may not have
        heard yet who is there.
        """
        frame, inputs = [self.hint, self.results], self._inputs() - {self.panel.who}
        self.photo.change(None, None, frame, js=_HIDE_JS, cancels=redrawn, **_QUIET)
        estimated = self.photo.change(
            self._new_photo,
            inputs,
            [*self._outputs(), *frame],
            api_visibility="private",
            show_progress_on=self.hint,
            trigger_mode="always_last",
        )
        estimated.failure(None, None, frame, js=_HIDE_JS, **_QUIET)
        estimated.success(self._late, inputs, self.panel.late, **_QUIET)

    def _on_box(self) -> Sequence[Any]:
        """Draw a box by two clicks on the picture, or write it."""
        panel, outputs = self.panel, self._outputs()
        drawing = [self.drawing, panel.draw, panel.picture, panel.note]
        panel.draw.click(self._toggled, self.drawing, drawing, **_QUIET)
        busy = {"api_visibility": "private", "show_progress_on": panel.picture}
        clicked = panel.picture.select(self._picture_clicked, self._inputs(self.drawing), outputs, **busy)
        return clicked, panel.box.submit(self._box_written, self._inputs(panel.box), outputs, **busy)

    def _inputs(self, *others: Any) -> set[Any]:
        """What a view is made of, and other inputs."""
        return {self.photo, self.kept, *self.panel.choices.values(), *others}

    def _outputs(self) -> list[Any]:
        """Everything that a new result changes."""
        return [self.kept, self.drawing, self.panel.draw, self.panel.note, *self.panel.quick, *self.panel.late]

    def _chosen(self, values: _Values) -> View:
        """The kept result as chosen; gr.Error if it is gone, when Gradio has the example's again, whatever is shown."""
        result = values[self.kept]
        if result is None or result.photo != values[self.photo]:
            raise refusal("this result is no longer kept: upload the photo again")
        return View(self.service, result, self._choices(values))

    def _choices(self, values: _Values, **others: Any) -> Choices:
        """What is chosen on the page, but for ``others``."""
        return Choices(**{name: values.get(component) for name, component in self.panel.choices.items()} | others)

    def _new_photo(self, values: _Values) -> _Values:
        """What is shown first of a new photo, or nothing if there is none; who asks twice gets the kept result."""
        photo, kept = values[self.photo], values[self.kept]
        if photo is None:
            return self._nothing(_HINT)
        try:
            result = kept if kept is not None and kept.photo == photo else self.service.predict_all(photo)
        except gr.Error as error:
            gr.Warning(error.message, title=error.title)
            return self._nothing(f"### {error.title}\n{error.message}")
        return {
            **self._new_result(View(self.service, result, self._choices(values, who=_best(result)))),
            self.panel.maps: [],
            self.panel.download: gr.DownloadButton(interactive=False),
            self.hint: gr.Markdown(visible=False),
            self.results: gr.Column(visible=True),
        }

    def _nothing(self, text: str) -> _Values:
        """No result, and in its place a text that stays, unlike a message that fades."""
        return {
            self.kept: None,
            self.hint: gr.Markdown(text, visible=True),
            self.results: gr.Column(visible=HIDDEN),
        }

    def _late(self, values: _Values) -> Any:
        """The maps and the file of the kept result, if it is still the photo's."""
        kept = values[self.kept]
        if kept is None or kept.photo != values[self.photo]:
            return gr.skip()
        view = View(self.service, kept, self._choices(values, who=_best(kept)))
        return self.panel.drawn(view, self.panel.late)

    def _new_result(self, view: View, components: Iterable[Any] = ()) -> _Values:
        """A result to keep, what is waited for and other components; where nobody was found, a box can be drawn."""
        quick = [component for component in self.panel.quick if component is not self.panel.picture]
        return {
            self.kept: view.result,
            **self.panel.drawn(view, [*quick, *components]),
            **self._drawing_state(None if view.result.people else (None,), view.picture()),
        }

    def _toggled(self, drawing: _Drawing) -> _Values:
        """Begin to draw a box, or stop."""
        return self._drawing_state((None,) if drawing is None else None)

    def _picture_clicked(self, event: gr.SelectData, values: _Values) -> Any:
        """A click on the picture: nothing, the first corner of a box, or the second one."""
        drawing = values[self.drawing]
        if drawing is None:
            return gr.skip()
        view = self._chosen(values)
        point = view.to_photo(*event.index[:2])
        if drawing[0] is None:
            return self._drawing_state((point,), view.picture(point))
        ends = list(zip(drawing[0], point, strict=True))
        return self._boxed(view, [*map(min, ends), *map(max, ends)])

    def _box_written(self, values: _Values) -> _Values:
        """A box in writing."""
        return self._boxed(self._chosen(values), parse_box(values[self.panel.box]))

    def _boxed(self, view: View, box: list[float]) -> _Values:
        """Estimate the person in a box, and show that person."""
        result, who = view.result.with_box(view.choices.who, box, self.service.in_box(view.result, box))
        new = View(self.service, result, dataclasses.replace(view.choices, who=who))
        return self._new_result(new, self.panel.late)

    def _drawing_state(self, drawing: _Drawing, picture: np.ndarray | None = None) -> _Values:
        """The state, the button, the picture (None leaves it) and the line that says what to click next."""
        armed, text = drawing is not None, ""
        marked = {"elem_classes": ["armed"] if armed else []}
        image = gr.Image(**marked) if picture is None else gr.Image(picture, **marked)
        if armed:
            text = "Click one corner of the box on the picture." if drawing[0] is None else "Now the opposite corner."
        return {
            self.drawing: drawing,
            self.panel.draw: gr.Button(CANCEL if armed else DRAW),
            self.panel.picture: image,
            self.panel.note: note_text(text),
        }


def _first_view(service: Service, example: Path | None) -> View | None:
    """The result of the example; nothing if no person is found, or on ZeroGPU, which lends GPUs to visitors only."""
    if example is None or on_zero_gpu():
        return None
    view = View(service, service.predict_all(str(example)), Choices("1"))
    return view if view.poses else None


def _best(result: Result) -> str | None:
    """The best person, if there is one."""
    return "1" if result.people else None
