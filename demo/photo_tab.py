"""The photo tab: a photo in, the poses of the people in it out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demo import renderers
from demo.drawing.figure_view import figure_value
from demo.drawing.figures import weights_figure, weights_sentence
from demo.inputs import parse_box, photo_input
from demo.renderers import Choices
from demo.result import Result, advice
from demo.result_panel import CANCEL, DRAW, HIDDEN, InitialContent, ResultPanel, note_text
from demo.retention import KEPT_SECONDS
from demo.service import Service, on_zero_gpu, refusal

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


class PhotoTab:
    """The components of the tab, in the current Blocks, and what happens when.

    Two things are kept for each visitor: the result, and the box that is being drawn.

    Args:
        service: the model.
        example: the photo with whose result the tab opens; None opens it empty.
    """

    def __init__(self, service: Service, example: Path | None) -> None:
        self.service, first = service, _initial_content(service, example)
        with gr.Row():
            with gr.Column(scale=3, min_width=280, elem_id="input"):
                self.photo = photo_input(first.result and first.result.photo)
                gr.Examples([str(EXAMPLES / name) for name in _EXAMPLES], self.photo, api_visibility="private")
                gr.Markdown(_PRIVACY, elem_classes="key")
            with gr.Column(scale=9, min_width=300):
                self.hint = gr.Markdown(_HINT, visible=first.result is None, elem_id="hint", elem_classes="hint")
                with gr.Column(visible=True if first.result else HIDDEN) as self.results:
                    self.panel = panel = ResultPanel(service.fusion, first)
        self.kept = gr.State(self._kept_example(first.result), time_to_live=KEPT_SECONDS)
        self.drawing = gr.State(time_to_live=KEPT_SECONDS)
        self.quick = [self.kept, panel.notice, panel.who, *panel.quick, self.drawing, panel.draw, panel.note]
        self.box_status = [self.drawing, panel.draw, panel.picture, panel.note]
        self.all = [*self.quick, *panel.late]
        self._connect()

    def add_endpoint(self, photo: gr.Image) -> None:
        """Add ``/show_pose`` to the current Blocks, whose parameter is not the page's photo."""
        gr.Button(visible=False).click(self.show_pose, photo, self.panel.show_pose_outputs, api_name="show_pose")

    def _connect(self) -> None:
        """Listen to all events."""
        panel = self.panel
        min_confidence = partial(panel.min_confidence.change, trigger_mode="always_last")
        asleep = {"fn": lambda: gr.DownloadButton(interactive=False), "outputs": panel.download, "queue": False}
        scaled = [panel.figure, panel.download]
        redrawn = [
            self._redraw(panel.who.input, self._person_picked, [panel.notice, *panel.quick, *panel.late]),
            self._redraw(min_confidence, self._joints_changed, [panel.picture, panel.figure]),
            self._redraw(panel.group.input, self._maps_changed, [panel.maps]),
            self._redraw(panel.outside.input, self._figure_changed, [panel.figure]),
            self._redraw(panel.height.submit, self._height_changed, scaled),
            self._redraw(panel.height.blur, self._height_changed, scaled),
            self._redraw(panel.kind.change(**asleep, **_QUIET).then, self._file_changed, [panel.download]),
            *self._on_box(),
        ]
        self._on_photo(redrawn)

    def _on_photo(self, redrawn: Sequence[Any]) -> None:
        """Take the old result away as soon as the photo changes, and show the new one, or nothing if that fails.

        The browser takes it away by itself, before any answer, and drops the old one's drawings that are still to come.
        One answer says what is drawn and whether it shows; a photo that comes during an estimate waits its turn. Maps
        and file are a later step, made from the kept result. Neither asks the browser who is picked: it may not have
        heard yet who is there.
        """
        frame, others = [self.hint, self.results], self.panel.choices[1:]
        inputs, outputs = [self.photo, self.kept, *others], [*self.all, *frame]
        self.photo.change(None, None, frame, js=_HIDE_JS, cancels=redrawn, **_QUIET)
        estimated = self.photo.change(
            self._new_photo,
            inputs,
            outputs,
            api_visibility="private",
            show_progress_on=self.hint,
            trigger_mode="always_last",
        )
        estimated.failure(None, None, frame, js=_HIDE_JS, **_QUIET)
        estimated.success(self._late, [self.photo, self.kept, *others], self.panel.late, **_QUIET)

    def _on_box(self) -> Sequence[Any]:
        """Draw a box by two clicks on the picture, or write it."""
        panel = self.panel
        panel.draw.click(_toggled, self.drawing, self.box_status, **_QUIET)
        inputs = [self.photo, self.kept, self.drawing, *panel.choices]
        busy = {"api_visibility": "private", "show_progress_on": panel.picture}
        clicked = panel.picture.select(self._picture_clicked, inputs, self.all, **busy)
        inputs = [self.photo, self.kept, panel.box, *panel.choices]
        return clicked, panel.box.submit(self._box_written, inputs, self.all, **busy)

    def _redraw(self, event: Callable[..., Any], function: Callable[..., Any], outputs: Sequence[Any]) -> Any:
        """On an event, draw from the kept result."""

        def drawn(photo: str | None, kept: Result | None, *choices: Any) -> Any:
            """New values of the outputs."""
            return function(_present(photo, kept), Choices(*choices))

        return event(drawn, [self.photo, self.kept, *self.panel.choices], outputs, **_QUIET)

    def _kept_example(self, result: Result | None) -> Result | None:
        """The result with which the page opens, of the photo as the page has it."""
        return result and dataclasses.replace(result, photo=self.photo.value["path"])

    def show_pose(self, photo: str | None) -> tuple[Any, ...]:
        """Estimate the pose of the person in a photo, and draw it.

        Args:
            photo: a file with a photo.

        Returns:
            The photo with the skeleton, the 3D figure, the confidence maps, what the fusion network has learnt in words
            and as bars, and the timings.
        """
        result = self.service.predict_all(photo)
        if not result.people:
            raise refusal("nobody was found in the photo: try one that shows a person larger")
        choices = Choices.first()
        array, fusion = self.service.photo_of(result), self.service.fusion
        return (
            renderers.picture(array, result, choices),
            renderers.figure(array, result, choices),
            renderers.maps(array, result, choices),
            weights_sentence(fusion),
            weights_figure(fusion),
            renderers.summary(self.service, result, choices),
        )

    def _new_photo(self, photo: str | None, kept: Result | None, *others: Any) -> Any:
        """What is shown first of a new photo, or nothing if there is none; who asks twice gets the kept result."""
        if photo is None:
            return self._nothing(_HINT)
        try:
            result = kept if kept is not None and kept.photo == photo else self.service.predict_all(photo)
        except gr.Error as error:
            gr.Warning(error.message, title=error.title)
            return self._nothing(f"### {error.title}\n{error.message}")
        shown = gr.Markdown(visible=False), gr.Column(visible=True)
        return (*self._quick(result, _first(result, others)), [], gr.DownloadButton(interactive=False), *shown)

    def _nothing(self, text: str) -> dict[Any, Any]:
        """No result, and in its place a text that stays, unlike a message that fades."""
        return {
            self.kept: None,
            self.hint: gr.Markdown(text, visible=True),
            self.results: gr.Column(visible=HIDDEN),
        }

    def _late(self, photo: str | None, kept: Result | None, *others: Any) -> Any:
        """The maps and the file of the kept result, if it is still the photo's."""
        if kept is None or kept.photo != photo:
            return gr.skip()
        return renderers.late_values(self.service.photo_of(kept), kept, _first(kept, others))

    def _quick(self, result: Result, choices: Choices) -> tuple[Any, ...]:
        """Values of ``self.quick``, with no box being drawn; if no person was found, a box can be drawn at once."""
        drawing = None if result.people else (None,)
        photo = self.service.photo_of(result)
        picture, *others = renderers.quick_values(self.service, photo, result, choices)
        state, draw, image, note = _drawing_state(drawing, picture)
        who = gr.Radio(result.choices(), value=choices.who, visible=len(result.people) > 1)
        return (result, _notice(result, choices.who), who, image, *others, state, draw, note)

    def _person_picked(self, result: Result, chosen: Choices) -> tuple[Any, ...]:
        """Show another person."""
        photo = self.service.photo_of(result)
        picture, *others = renderers.quick_values(self.service, photo, result, chosen)
        late = renderers.late_values(photo, result, chosen)
        return (_notice(result, chosen.who), gr.Image(picture), *others, *late)

    def _joints_changed(self, result: Result, chosen: Choices) -> tuple[Any, Any]:
        """Draw joints from another confidence on."""
        photo = self.service.photo_of(result)
        return gr.Image(renderers.picture(photo, result, chosen)), self._figure_changed(result, chosen)

    def _maps_changed(self, result: Result, chosen: Choices) -> gr.Gallery:
        """Show other maps."""
        return gr.Gallery(renderers.maps(self.service.photo_of(result), result, chosen))

    def _figure_changed(self, result: Result, chosen: Choices) -> str:
        """Show more or less in the 3D view."""
        return figure_value(renderers.figure(self.service.photo_of(result), result, chosen))

    def _height_changed(self, result: Result, chosen: Choices) -> tuple[Any, Any]:
        """Scale to another height."""
        return self._figure_changed(result, chosen), self._file_changed(result, chosen)

    def _file_changed(self, result: Result, chosen: Choices) -> gr.DownloadButton:
        """Offer another file."""
        return renderers.download(self.service.photo_of(result), result, chosen)

    def _picture_clicked(
        self, event: gr.SelectData, photo: str | None, kept: Result | None, drawing: _Drawing, *choices: Any
    ) -> Any:
        """A click on the picture: nothing, the first corner of a box, or the second one."""
        if drawing is None:
            return gr.skip()
        result, chosen = _present(photo, kept), Choices(*choices)
        point = renderers.to_photo(result, *event.index[:2])
        if drawing[0] is None:
            picture = renderers.picture(self.service.photo_of(result), result, chosen, point)
            return dict(zip(self.box_status, _drawing_state((point,), picture), strict=True))
        ends = list(zip(drawing[0], point, strict=True))
        return self._boxed(result, chosen, [*map(min, ends), *map(max, ends)])

    def _box_written(self, photo: str | None, kept: Result | None, text: str, *choices: Any) -> tuple[Any, ...]:
        """A box in writing."""
        return self._boxed(_present(photo, kept), Choices(*choices), parse_box(text))

    def _boxed(self, result: Result, choices: Choices, box: list[float]) -> tuple[Any, ...]:
        """Estimate the person in a box, and show that person."""
        result, who = result.with_box(choices.who, box, self.service.in_box(result, box))
        choices, photo = dataclasses.replace(choices, who=who), self.service.photo_of(result)
        return (*self._quick(result, choices), *renderers.late_values(photo, result, choices))


def _initial_content(service: Service, example: Path | None) -> InitialContent:
    """The result of the example; nothing if no person is found, or on ZeroGPU, which lends GPUs to visitors only."""
    if example is None or on_zero_gpu():
        return InitialContent()
    result, choices = service.predict_all(str(example)), Choices.first()
    if not choices.poses(result):
        return InitialContent()
    photo = service.photo_of(result)
    return InitialContent(
        result=result,
        notice=advice(result, choices.who),
        picture=renderers.picture(photo, result, choices),
        people=result.choices(),
        who=choices.who,
        figure=renderers.figure(photo, result, choices),
        caption=renderers.caption(result, choices),
        maps=renderers.maps(photo, result, choices),
        file=renderers.file_path(photo, result, choices),
        summary=renderers.summary(service, result, choices),
        box=renderers.box_text(result, choices.who),
    )


def _first(result: Result, others: Sequence[Any]) -> Choices:
    """The best person, if there is one, and what else is chosen on the page."""
    return Choices("1" if result.people else None, *others)


def _present(photo: str | None, kept: Result | None) -> Result:
    """The kept result; gr.Error if it is gone, when Gradio has the example's again, whatever the page shows."""
    if kept is None or kept.photo != photo:
        raise refusal("this result is no longer kept: upload the photo again")
    return kept


def _notice(result: Result, who: str | None) -> gr.Markdown:
    """Advice, if there is any."""
    text = advice(result, who)
    return gr.Markdown(text, visible=bool(text))


def _toggled(drawing: _Drawing) -> tuple[Any, ...]:
    """Begin to draw a box, or stop."""
    return _drawing_state((None,) if drawing is None else None)


def _drawing_state(drawing: _Drawing, picture: np.ndarray | None = None) -> tuple[Any, ...]:
    """Values of the state, the button, the picture (None leaves it) and the line that says what to click next."""
    armed = drawing is not None
    marked = {"elem_classes": ["armed"] if armed else []}
    image = gr.Image(**marked) if picture is None else gr.Image(picture, **marked)
    text = ""
    if armed:
        text = "Click one corner of the box on the picture." if drawing[0] is None else "Now the opposite corner."
    return drawing, gr.Button(CANCEL if armed else DRAW), image, note_text(text)
