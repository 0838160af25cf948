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
from demo.service import Service, on_zero_gpu, refusal

EXAMPLES = Path(__file__).parents[1] / "assets" / "examples"
KEPT_SECONDS = 3600  # of uploaded files and results

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
        self.kept = gr.State(first.result, time_to_live=KEPT_SECONDS)
        self.drawing = gr.State(time_to_live=KEPT_SECONDS)
        self.quick = [self.kept, panel.notice, panel.who, *panel.quick, self.drawing, panel.draw, panel.note]
        self.box_status = [self.drawing, panel.draw, panel.picture, panel.note]
        self.all = [*self.quick, *panel.late]
        self._connect()

    def _connect(self) -> None:
        """Listen to all events."""
        panel = self.panel
        gr.Button(visible=False).click(self.show_pose, self.photo, panel.show_pose_outputs, api_name="show_pose")
        self._on_photo()
        self._redraw(panel.who.input, self._person_picked, [panel.notice, *panel.quick, *panel.late])
        min_confidence = partial(panel.min_confidence.change, trigger_mode="always_last")
        self._redraw(min_confidence, self._joints_changed, [panel.picture, panel.figure])
        self._redraw(panel.group.input, self._maps_changed, [panel.maps])
        self._redraw(panel.outside.input, self._figure_changed, [panel.figure])
        self._redraw(panel.height.submit, self._height_changed, [panel.figure, panel.download])
        self._redraw(panel.height.blur, self._height_changed, [panel.figure, panel.download])
        asleep = {"fn": lambda: gr.DownloadButton(interactive=False), "outputs": panel.download, "queue": False}
        self._redraw(panel.kind.change(**asleep, **_QUIET).then, self._file_changed, [panel.download])
        self._on_box()

    def _on_photo(self) -> None:
        """Take the old result away as soon as the photo changes, and show the new one, or nothing if that fails.

        The browser takes it away by itself, before any answer. One answer says what is drawn and whether it shows; a
        photo that comes during an estimate waits its turn. Maps and file are a later step, made from the kept result.
        """
        frame = [self.hint, self.results]
        inputs, outputs = [self.photo, *self.panel.choices], [*self.all, *frame]
        self.photo.change(None, None, frame, js=_HIDE_JS, **_QUIET)
        estimated = self.photo.change(
            self._new_photo,
            inputs,
            outputs,
            api_visibility="private",
            show_progress_on=self.hint,
            trigger_mode="always_last",
        )
        estimated.failure(None, None, frame, js=_HIDE_JS, **_QUIET)
        estimated.success(self._late, [self.kept, *self.panel.choices], self.panel.late, **_QUIET)

    def _on_box(self) -> None:
        """Draw a box by two clicks on the picture, or write it."""
        panel = self.panel
        panel.draw.click(_toggled, self.drawing, self.box_status, **_QUIET)
        inputs = [self.kept, self.drawing, *panel.choices]
        busy = {"api_visibility": "private", "show_progress_on": panel.picture}
        panel.picture.select(self._picture_clicked, inputs, self.all, **busy)
        panel.box.submit(self._box_written, [self.kept, panel.box, *panel.choices], self.all, **busy)

    def _redraw(self, event: Callable[..., Any], function: Callable[..., Any], outputs: Sequence[Any]) -> None:
        """On an event, draw from the kept result."""
        inputs = [self.kept, *self.panel.choices]
        event(function, inputs, outputs, **_QUIET)

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
            renderers.figure(result, choices),
            renderers.maps(array, result, choices),
            weights_sentence(fusion),
            weights_figure(fusion),
            renderers.summary(self.service, result, choices),
        )

    def _new_photo(self, photo: str | None, _who: str | None, *others: Any) -> Any:
        """What is shown first of a new photo, or nothing if there is none."""
        if photo is None:
            return self._nothing(_HINT)
        try:
            result = self.service.predict_all(photo)
        except gr.Error as error:
            gr.Warning(error.message, title=error.title)
            return self._nothing(f"### {error.title}\n{error.message}")
        choices = Choices("1" if result.people else None, *others)
        shown = gr.Markdown(visible=False), gr.Column(visible=True)
        return (*self._quick(result, choices), [], gr.DownloadButton(interactive=False), *shown)

    def _nothing(self, text: str) -> dict[Any, Any]:
        """No result, and in its place a text that stays, unlike a message that fades."""
        return {
            self.kept: None,
            self.hint: gr.Markdown(text, visible=True),
            self.results: gr.Column(visible=HIDDEN),
        }

    def _late(self, kept: Result | None, *choices: Any) -> Any:
        """The maps and the file of the kept result, if there is one."""
        if kept is None:
            return gr.skip()
        return renderers.late_values(self.service.photo_of(kept), kept, Choices(*choices))

    def _quick(self, result: Result, choices: Choices) -> tuple[Any, ...]:
        """Values of ``self.quick``, with no box being drawn; if no person was found, a box can be drawn at once."""
        drawing = None if result.people else (None,)
        photo = self.service.photo_of(result)
        picture, *others = renderers.quick_values(self.service, photo, result, choices)
        state, draw, image, note = _drawing_state(drawing, picture)
        who = gr.Radio(result.choices(), value=choices.who, visible=len(result.people) > 1)
        return (result, _notice(result, choices.who), who, image, *others, state, draw, note)

    def _person_picked(self, kept: Result | None, *choices: Any) -> tuple[Any, ...]:
        """Show another person."""
        result, chosen = _present(kept), Choices(*choices)
        photo = self.service.photo_of(result)
        picture, *others = renderers.quick_values(self.service, photo, result, chosen)
        late = renderers.late_values(photo, result, chosen)
        return (_notice(result, chosen.who), gr.Image(picture), *others, *late)

    def _joints_changed(self, kept: Result | None, *choices: Any) -> tuple[Any, Any]:
        """Draw joints from another confidence on."""
        result, chosen = _present(kept), Choices(*choices)
        photo = self.service.photo_of(result)
        return gr.Image(renderers.picture(photo, result, chosen)), self._figure_changed(kept, *choices)

    def _maps_changed(self, kept: Result | None, *choices: Any) -> gr.Gallery:
        """Show other maps."""
        result = _present(kept)
        return gr.Gallery(renderers.maps(self.service.photo_of(result), result, Choices(*choices)))

    def _figure_changed(self, kept: Result | None, *choices: Any) -> str:
        """Show more or less in the 3D view."""
        return figure_value(renderers.figure(_present(kept), Choices(*choices)))

    def _height_changed(self, kept: Result | None, *choices: Any) -> tuple[Any, Any]:
        """Scale to another height."""
        return self._figure_changed(kept, *choices), self._file_changed(kept, *choices)

    def _file_changed(self, kept: Result | None, *choices: Any) -> gr.DownloadButton:
        """Offer another file."""
        result = _present(kept)
        return renderers.download(self.service.photo_of(result), result, Choices(*choices))

    def _picture_clicked(self, event: gr.SelectData, kept: Result | None, drawing: _Drawing, *choices: Any) -> Any:
        """A click on the picture: nothing, the first corner of a box, or the second one."""
        if drawing is None:
            return gr.skip()
        result, chosen = _present(kept), Choices(*choices)
        point = renderers.to_photo(result, *event.index[:2])
        if drawing[0] is None:
            picture = renderers.picture(self.service.photo_of(result), result, chosen, point)
            return dict(zip(self.box_status, _drawing_state((point,), picture), strict=True))
        ends = list(zip(drawing[0], point, strict=True))
        return self._boxed(result, chosen, [*map(min, ends), *map(max, ends)])

    def _box_written(self, kept: Result | None, text: str, *choices: Any) -> tuple[Any, ...]:
        """A box in writing."""
        return self._boxed(_present(kept), Choices(*choices), parse_box(text))

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
        figure=renderers.figure(result, choices),
        caption=renderers.caption(result, choices),
        maps=renderers.maps(photo, result, choices),
        file=renderers.file_path(photo, result, choices),
        summary=renderers.summary(service, result, choices),
        box=renderers.box_text(result, choices.who),
    )


def _present(kept: Result | None) -> Result:
    """The kept result; gr.Error if it is gone."""
    if kept is None:
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
