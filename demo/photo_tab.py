"""The photo tab: a photo in, the poses of the people in it out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from demo.drawing.figures import weights_figure, weights_sentence
from demo.examples import EXAMPLES
from demo.first_sight import address, first_sight
from demo.inputs import parse_box, photo_input
from demo.result import EVERYONE, Result
from demo.result_panel import ResultPanel
from demo.retention import KEPT_SECONDS
from demo.service import Service, on_zero_gpu, refusal
from demo.view import Choices, View
from demo.widgets.chooser import chooser, kept_files
from demo.widgets.lab_view import lab_body, lab_value

_HINT = "## The pose appears here\nUpload a photo, or choose an example."
_AWAY = ["away"]  # class of results that do not show, but are in the page: else the 3D view were drawn from nothing
_HIDE_JS = (
    f"() => [{{__type__: 'update', visible: true, value: {json.dumps(_HINT)}}},"
    f" {{__type__: 'update', elem_classes: {json.dumps(_AWAY)}}}]"
)  # the hint, and no results
_SLEEP_JS = "() => ({__type__: 'update', interactive: false})"
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

_Values = dict[Any, Any]  # by component: of the inputs, or new ones of outputs
_Answer = Callable[[View, _Values, gr.EventData], _Values]


@dataclass
class _Shown:
    """What a visitor sees, in one object for each: a step that takes long learns from it what has changed meanwhile.

    Attributes:
        choices: with which person and which height it was drawn; None before a photo.
        result: identity of the one that was drawn; None until one is made here. It may not be kept yet.
        changes: how many there were that make another file.
        filed: how many there were when the file was made that the button gives.
    """

    choices: Choices | None
    result: int | None = None
    changes: int = 0
    filed: int = 0


class PhotoTab:
    """The components of the tab, in the current Blocks, and what happens when.

    Two things are kept for each visitor: the result, and how it is shown.

    Args:
        service: the model.
        example: the photo with whose result the tab opens; None opens it empty.
    """

    def __init__(self, service: Service, example: Path | None) -> None:
        first, poster = _first_view(service, example)
        self.service, self._poster = service, poster
        with gr.Row(elem_id="input"):
            self.photo = photo_input(first and first.result.photo)
            self.files = kept_files(EXAMPLES, self.photo)
            self.chooser = chooser(self.files)
        self.hint = gr.Markdown(_HINT, visible=first is None, elem_id="hint", elem_classes="hint")
        with gr.Column(elem_classes=[] if first else _AWAY) as self.results:
            self.panel = ResultPanel(service.fusion, first, poster, with_lab=service.lab is not None)
        # As the page has the photo, not as the file is called.
        kept = first and dataclasses.replace(first.result, photo=self.photo.value["path"])
        self.kept = gr.State(kept, time_to_live=KEPT_SECONDS)
        self.shown = gr.State(_Shown(first and first.choices))
        self._connect()

    def first_sight(self, hero: str, tabs: Sequence[str]) -> str:
        """What browsers show until the tab is drawn: HTML, or nothing if there is no first result."""
        if self.panel.first is None:
            return ""
        picture = address(Path(self.panel.picture.value["path"]))
        shown = self.panel.first
        return first_sight(hero, tabs, picture, shown.figure(), self._poster, shown.caption())

    def add_endpoint(self, photo: gr.Image) -> None:
        """Add ``/show_pose`` to the current Blocks, whose parameter is not the page's photo."""
        gr.Button(visible=False).click(self.show_pose, photo, self.panel.show_pose_outputs, api_name="show_pose")

    def show_pose(self, photo: str | None) -> tuple[Any, ...]:
        """Estimate the pose of the person in a photo, and draw it.

        Args:
            photo: a file with a photo.

        Returns:
            The photo with the skeleton, the 3D figure, the confidence maps, the fusion in words and as bars, timings.
        """
        result, fusion = self.service.predict_all(photo), self.service.fusion
        if not result.people:
            raise refusal("nobody was found in the photo: try one that shows a person larger")
        view = View(self.service, result, Choices("1"))
        drawn = view.picture(), view.figure(), view.maps()
        return (*drawn, weights_sentence(fusion), weights_figure(fusion), view.summary())

    def _connect(self) -> None:
        """Listen to all events."""
        panel, file = self.panel, [self.panel.download]
        min_confidence = partial(panel.min_confidence.change, trigger_mode="always_last")
        who = partial(panel.who.input, trigger_mode="always_last")
        self._put_to_sleep()
        redrawn = [
            *self._redraw(min_confidence, panel.drawing),
            *self._redraw(panel.group.input, [panel.maps]),
            *self._redraw(panel.outside.input, [panel.figure]),
            *self._answer(who, self._picked, panel.quick, panel.late, **_QUIET),
            *self._answer(panel.height.submit, self._resized, [panel.figure], file, **_QUIET),
            *self._answer(panel.height.blur, self._resized, [panel.figure], file, **_QUIET),
            *self._answer(panel.kind.change, lambda _, values, __: self._changed(values), [], file, **_QUIET),
            *self._on_picture(),
            *self._on_lab(),
        ]
        self._on_photo(redrawn)
        self.chooser.upload(None, self.chooser, self.photo, js="(file) => file", **_QUIET)

    def _put_to_sleep(self) -> None:
        """Let the browser put the button to sleep by itself, before any answer, when its file becomes an old one."""
        panel = self.panel
        fields = (panel.who.input, panel.height.input, panel.kind.change, panel.more.click, panel.box.submit)
        events = (*fields, panel.tools.pick, panel.tools.remove, panel.tools.box)
        for event in events:
            event(None, None, panel.download, js=_SLEEP_JS, **_QUIET)

    def _redraw(self, event: Callable[..., Any], components: Sequence[Any]) -> Sequence[Any]:
        """On an event, draw components from the kept result."""
        return self._answer(event, lambda view, *_: self.panel.drawn(view, components), components, **_QUIET)

    def _answer(
        self,
        event: Callable[..., Any],
        function: _Answer,
        components: Sequence[Any],
        late: Sequence[Any] = (),
        **options: Any,
    ) -> Sequence[Any]:
        """On an event, answer from the kept result; what is wrong is said in place, until the next answer.

        Nobody waits for what is ``late``: it follows.
        """

        def answer(values: _Values, told: gr.EventData) -> _Values:
            """New values of the components."""
            try:
                view = self._chosen(values)
                return {**self.panel.drawn(view, [self.panel.notice]), **function(view, values, told)}
            except gr.Error as error:
                return {self.panel.notice: gr.Markdown(f"**{error.title}:** {error.message}", visible=True)}

        outputs = {self.panel.notice, *components, *late}
        answered = event(answer, self._inputs() | {self.panel.box}, outputs, **options)
        return [answered, self._follow(answered.then, late)] if late else [answered]

    def _follow(self, event: Callable[..., Any], late: Sequence[Any]) -> Any:
        """After an event, make what takes longer, also if the one before is still being made."""
        return event(
            partial(self._late, late), self._inputs() - {self.panel.who}, late, trigger_mode="multiple", **_QUIET
        )

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
            [self.kept, *self.panel.quick, *self.panel.late, *frame],
            api_visibility="private",
            show_progress="minimal",  # the whole one moves, which takes time from the networks on the same machine
            show_progress_on=self.hint,
            trigger_mode="always_last",
        )
        estimated.failure(None, None, frame, js=_HIDE_JS, **_QUIET)
        self._follow(estimated.success, self.panel.late)

    def _on_picture(self) -> Sequence[Any]:
        """Pick, correct, add or delete a person."""
        panel, outputs, late = self.panel, [self.kept, *self.panel.quick], self.panel.late
        busy = {"api_visibility": "private", "show_progress_on": panel.picture}

        def picked(view: View, values: _Values, told: gr.EventData) -> _Values:
            return self._new_result(values, view, view.result, told.who)

        def drawn(view: View, values: _Values, told: gr.EventData) -> _Values:
            return self._boxed(view, values, list(told.box))

        def written(view: View, values: _Values, _: gr.EventData) -> _Values:
            return self._boxed(view, values, parse_box(values[panel.box]))

        return (
            *self._answer(panel.tools.pick, picked, outputs, late, **_QUIET),
            *self._answer(panel.tools.remove, self._removed, outputs, late, **_QUIET),
            *self._answer(panel.more.click, self._everyone, outputs, late, **_QUIET),
            *self._answer(panel.tools.box, drawn, outputs, late, **busy),
            *self._answer(panel.box.submit, written, outputs, late, **busy),
        )

    def _on_lab(self) -> Sequence[Any]:
        """Compare the networks on the person who is picked, once somebody looks."""
        lab = self.panel.lab

        def compared(view: View, *_: Any) -> _Values:
            person = view.one_person()
            try:
                body = person and lab_body(view, self.service.compare(view.result, person))
            except gr.Error as error:
                body = f"<p>{error.message}</p>"
            return {lab: lab_value(view, body)}

        return () if lab is None else self._answer(lab.ask, compared, [lab], **_QUIET)

    def _inputs(self) -> set[Any]:
        """What a view is made of."""
        return {self.photo, self.kept, self.shown, *self.panel.choices.values()}

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
            known = kept if kept is not None and kept.photo == photo else self._solved(photo)
            result = known or self.service.predict_all(photo)
        except gr.Error as error:
            return self._nothing(f"## {error.title}\n{error.message}")
        view = View(self.service, result, self._choices(values, who=_best(result)))
        return {
            **self._new_result(values, view, result, _best(result)),
            self.panel.maps: [],
            self.hint: gr.Markdown(visible=False),
            self.results: gr.Column(elem_classes=[]),
        }

    def _solved(self, photo: str) -> Result | None:
        """The stored result of an example, if the photo is one and this model made it."""
        found = self.files.get(photo) and self.service.stored(self.files[photo])
        return found and dataclasses.replace(found, photo=photo)

    def _nothing(self, text: str) -> _Values:
        """No result, and in its place a text that stays, unlike a message that fades."""
        return {
            self.kept: None,
            self.hint: gr.Markdown(text, visible=True),
            self.results: gr.Column(elem_classes=_AWAY),
        }

    def _late(self, components: Sequence[Any], values: _Values) -> Iterator[_Values]:
        """Maps and file of the kept result, if it is still the photo's; no file that is already another again."""
        kept, shown, download = values[self.kept], values[self.shown], self.panel.download
        if kept is None or kept.photo != values[self.photo] or shown.result not in (None, id(kept)):
            return
        begun, view = shown.changes, View(self.service, kept, self._choices(values, who=shown.choices.who))
        if self.panel.maps in components:
            yield self.panel.drawn(view, [self.panel.maps])
        if shown.filed == begun:
            yield {download: gr.DownloadButton(interactive=bool(view.poses))}
            return
        made = self.panel.drawn(view, [download])
        if shown.changes == begun:
            shown.filed = begun
            yield made

    def _changed(self, values: _Values, choices: Choices | None = None) -> _Values:
        """Note that another file is to follow, and what is shown if that is new; the old file can no longer be had."""
        shown = values[self.shown]
        shown.choices, shown.changes = choices or shown.choices, shown.changes + 1
        return {self.panel.download: gr.DownloadButton(interactive=False)}

    def _picked(self, view: View, values: _Values, _: gr.EventData) -> _Values:
        """Show the person who is picked by number."""
        return {**self._changed(values, view.choices), **self.panel.drawn(view, self.panel.quick)}

    def _resized(self, view: View, values: _Values, _: gr.EventData) -> _Values:
        """Show the person at another height; leaving the field is an event even if it is the old one."""
        shown, height = values[self.shown].choices, view.choices.height_cm
        if shown.height_cm == height:
            return {}
        resized = dataclasses.replace(shown, height_cm=height)
        return {**self._changed(values, resized), **self.panel.drawn(view, [self.panel.figure])}

    def _new_result(self, values: _Values, view: View, result: Result, who: str | None) -> _Values:
        """A result to keep, of which one person is shown."""
        choices = dataclasses.replace(view.choices, who=who)
        drawn = self.panel.drawn(View(self.service, result, choices), self.panel.quick)
        values[self.shown].result = id(result)
        return {self.kept: result, **self._changed(values, choices), **drawn}

    def _removed(self, view: View, values: _Values, _: gr.EventData) -> _Values:
        """Delete the box of the picked person."""
        result = view.result.without(view.choices.who)
        return self._new_result(values, view, result, _best(result))

    def _everyone(self, view: View, values: _Values, _: gr.EventData) -> _Values:
        """Show weak finds, too."""
        result = view.result.with_more()
        return self._new_result(values, view, result, EVERYONE if len(result.people) > 1 else "1")

    def _boxed(self, view: View, values: _Values, box: list[float]) -> _Values:
        """Estimate the person in a box, and show that person."""
        found = self.service.in_box(view.result, box)
        return self._new_result(values, view, *view.result.with_box(view.choices.who, box, found))


def _first_view(service: Service, example: Path | None) -> tuple[View | None, str]:
    """The result of the example with which the page opens, or nothing if no person is found, and a picture's address.

    The bundled model's is stored. Another model's is estimated, but not on ZeroGPU, which lends GPUs to visitors only.
    """
    if example is None:
        return None, ""
    known = next((one for one in EXAMPLES if one.path == example), None)
    stored = known and service.stored(known)
    if stored is None and on_zero_gpu():
        return None, ""
    view = View(service, stored or service.predict_all(str(example)), Choices("1"))
    return (view if view.poses else None), (address(known.poster) if stored and known.poster.is_file() else "")


def _best(result: Result) -> str | None:
    """The best person, if there is one."""
    return "1" if result.people else None
