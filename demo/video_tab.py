"""The video tab: a clip in, the motion of one person out."""

from __future__ import annotations

import html
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from gradio.utils import get_upload_folder

from demo.drawing.motion_figure import motion_sentence
from demo.drawing.motion_player import motion_player, player_value
from demo.examples import CLIPS
from demo.inputs import CLIP_QUEUE, checked_height, clip_input, height_input, parse_box
from demo.result_panel import colour_key
from demo.retention import KEPT_SECONDS
from demo.service import Service
from demo.video.first_frame import FirstFrame
from demo.video.motion import Motion
from demo.video.pipeline import MAX_POSES, SUFFIXES, Step
from demo.video.smoothing import smooth_motion
from demo.widgets.chooser import clip_chooser, kept_files
from fusion_model.video.clips import LIMITS

_HINT = "### The motion appears here\nUpload a clip, record one or choose an example, then press *Follow the person*."
_NOBODY_YET = (
    "### The motion appears here\n"
    "Nobody was found in the first frame: *Follow the person* takes the one who appears first."
)
_WORKING = (
    "### The motion appears here\n"
    "The clip is worked through frame by frame. Look at the other tabs meanwhile, if you like: the work goes on."
)
_LIMITS = f"{LIMITS} At most {MAX_POSES} frames are processed, evenly spread. Clips are deleted within an hour."
_WHO = "Who? Click a person above, or choose here"
_UPDATE_SECONDS = 0.2  # from one message to the next, at least
_DRAWING_FROM = 0.9  # fraction of the bar that the networks take
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_WORK: dict[str, Any] = {"api_visibility": "private", "concurrency_id": CLIP_QUEUE, "concurrency_limit": 1}

_Value = TypeVar("_Value")
_Updates = dict[Any, Any]  # new values by component


class VideoTab:
    """The components of the tab, in the current Blocks, and what happens when.

    The work is done in generators: Gradio goes on with one only while its visitor is there and has not cancelled.

    Args:
        service: the model.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.kept = gr.State(time_to_live=KEPT_SECONDS)  # the motion before it is smoothed
        self.first = gr.State(time_to_live=KEPT_SECONDS)  # the first frame and who is in it
        with gr.Row():
            with gr.Column(scale=3, min_width=280):
                self._build_input()
            with gr.Column(scale=9, min_width=300):
                self.hint = gr.Markdown(_HINT, elem_id="motion-hint", elem_classes="hint")
                with gr.Column(visible=False) as self.results:  # Gradio shows what is "hidden" when the tab is opened
                    self._build_results()
        self._connect()

    def _build_input(self) -> None:
        """The clip, the person, the options and the buttons."""
        self.clip = clip_input()
        self.chooser = clip_chooser(kept_files(CLIPS, self.clip))
        self.people = gr.Image(
            label="First frame",
            show_label=False,  # it would hide heads
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            format="jpeg",
            elem_id="people",
            alt_text="The first frame of the clip, with a numbered box round each person",
        )
        self.who = gr.Radio(label=_WHO, visible=False, elem_id="clip-who")
        with gr.Row():
            small = {"size": "md", "min_width": 80}
            self.start = gr.Button("Follow the person", variant="primary", scale=2, elem_id="start", **small)
            self.stop = gr.Button("Cancel", variant="stop", scale=1, interactive=False, elem_id="stop", **small)
        self.progress = gr.HTML(visible=False, elem_id="progress")
        self.smooth = gr.Checkbox(
            True, label="Smooth the joints over time", info="Less jitter; switch it off to see each frame as it is."
        )
        self.height = height_input()
        self.box = gr.Textbox(
            label="Box in the first frame: left, top, right, bottom",
            info="In pixels, round the person. Empty: the best person found.",
            max_lines=1,
            elem_id="clip-box",
        )
        gr.Markdown(_LIMITS, elem_classes="key", elem_id="clip-limits")

    def _build_results(self) -> None:
        """The player and the downloads."""
        self.player = motion_player(label="3D body over time", described_by="motion-caption", elem_id="motion")
        gr.HTML(colour_key(ellipsoids=False))
        self.caption = gr.Markdown(elem_classes="key", elem_id="motion-caption")
        with gr.Row():
            self.files = {
                kind: gr.DownloadButton(f"Download {kind.upper()}", size="md", min_width=140, elem_id=f"motion-{kind}")
                for kind in SUFFIXES
            }

    def _connect(self) -> None:
        """Listen to all events."""
        running = [self.progress, self.start, self.stop, self.hint, self.results]
        outputs = [*running, self.kept, self.player, self.caption, *self.files.values()]
        inputs = [self.clip, self.box, self.height, self.smooth]
        work = {**_WORK, "show_progress_on": self.progress}
        started = self.start.click(self._begin, None, running, **_QUIET).then(self._follow, inputs, outputs, **work)
        again = self.smooth.input(self._begin_again, self.kept, running, **_QUIET)
        again = again.then(self._draw_again, [self.kept, self.smooth], outputs, trigger_mode="multiple", **work)
        for event in (started, again):
            event.failure(self._rest, None, running, **_QUIET)
        self.stop.click(self._rest, None, running, cancels=[started, again], **_QUIET)
        who = [self.first, self.people, self.who, self.box]
        changed = self.clip.change(self._new_clip, None, [*running, *who], cancels=[started, again], **_QUIET)
        changed.then(self._look, self.clip, [*who, self.hint], show_progress_on=self.hint, api_visibility="private")
        self.chooser.upload(None, self.chooser, self.clip, js="(file) => file", **_QUIET)
        picked = [self.people, self.who, self.box]
        self.people.select(self._clicked, self.first, picked, **_QUIET)
        self.who.input(self._picked, [self.first, self.who], picked, **_QUIET)

    def _new_clip(self) -> _Updates:
        """Nothing, neither of the clip before nor of this one."""
        return {
            **self._rest(),
            self.first: None,
            self.people: gr.Image(None, visible=False),
            self.who: gr.Radio([], value=None, visible=False),
            self.box: "",
        }

    def _look(self, clip: str | None) -> _Updates:
        """Let the visitor choose among several people in the first frame of a clip, or say why it cannot be read."""
        if clip is None:
            return {self.first: None}
        try:
            first = self.service.first_frame(clip)
        except gr.Error as error:
            return {self.first: None, self.hint: _told(error)}
        if not first.poses:
            return {self.first: None, self.hint: gr.Markdown(_NOBODY_YET)}
        if len(first.poses) == 1:
            return {self.first: None}
        return {
            self.first: first,
            self.people: gr.Image(first.picture("1"), visible=True),
            self.who: gr.Radio(first.choices(), value="1", visible=True),
        }

    def _clicked(self, event: gr.SelectData, first: FirstFrame | None) -> _Updates:
        """Choose the person who was clicked on."""
        number = first and first.person_at(*event.index[:2])
        return self._picked(first, number) if number else {self.box: gr.skip()}

    def _picked(self, first: FirstFrame | None, number: str) -> _Updates:
        """Choose a person by number."""
        if first is None or not Path(first.clip).is_file():
            return {self.box: gr.skip()}
        return {self.people: gr.Image(first.picture(number)), self.who: number, self.box: first.box_text(number)}

    def _begin(self) -> _Updates:
        """What is shown as soon as the button is pressed, while others are served."""
        return {**self._busy(0.0, "waiting for a turn"), self.results: gr.Column(visible=False)}

    def _begin_again(self, kept: Motion | None) -> Any:
        """The same where there is a motion to draw anew: the old player and files are wrong from now on."""
        return gr.skip() if kept is None else self._begin()

    def _busy(self, fraction: float, text: str) -> _Updates:
        """What is shown during the work."""
        return {
            self.progress: gr.HTML(_bar(fraction, text), visible=True),
            self.start: gr.Button(interactive=False),
            self.stop: gr.Button(interactive=True),
            self.hint: gr.Markdown(_WORKING, visible=True),
        }

    def _rest(self) -> _Updates:
        """What is shown while nothing runs and there is no result."""
        return {
            self.progress: gr.HTML(visible=False),
            self.start: gr.Button(interactive=True),
            self.stop: gr.Button(interactive=False),
            self.hint: gr.Markdown(_HINT, visible=True),
            self.results: gr.Column(visible=False),
        }

    def _follow(self, clip: str | None, box: str, height_cm: float | None, smooth: bool) -> Iterator[_Updates]:
        """Estimate the motion in a clip, and draw it; what goes wrong is said where the result would be, and stays."""
        try:
            corners, height_mm = parse_box(box) if box.strip() else None, 10 * checked_height(height_cm)
            steps = self.service.motion_steps(clip, corners, height_mm)
            motion = yield from self._relayed(steps, 0.0, _DRAWING_FROM)
            yield {self.kept: motion}
            yield from self._drawn(motion, smooth)
        except gr.Error as error:
            yield {**self._rest(), self.hint: _told(error)}

    def _draw_again(self, kept: Motion | None, smooth: bool) -> Iterator[_Updates]:
        """Draw the kept motion with or without smoothing, without the networks."""
        if kept is None:
            yield gr.skip()
            return
        yield {**self._busy(_DRAWING_FROM, "drawing"), self.results: gr.Column(visible=False)}
        try:
            yield from self._drawn(kept, smooth)
        except gr.Error as error:
            yield {**self._rest(), self.hint: _told(error)}

    def _drawn(self, kept: Motion, smooth: bool) -> Iterator[_Updates]:
        """Write the files of a motion, and show them; its folder lies in Gradio's cache, which is cleaned up."""
        motion, cache = smooth_motion(kept) if smooth else kept, Path(get_upload_folder())
        cache.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=cache))
        try:
            files = yield from self._relayed(self.service.file_steps(motion, folder), _DRAWING_FROM, 1.0)
        except BaseException:  # closed because the visitor cancelled, too
            shutil.rmtree(folder)
            raise
        yield {
            **self._rest(),
            self.hint: gr.Markdown(visible=False),
            self.results: gr.Column(visible=True),
            self.player: player_value(motion, files["mp4"]),
            self.caption: motion_sentence(motion),
            **{button: gr.DownloadButton(value=str(files[kind])) for kind, button in self.files.items()},
        }

    def _relayed(
        self, steps: Generator[Step, None, _Value], low: float, high: float
    ) -> Generator[_Updates, None, _Value]:
        """Drive steps to their end, show their progress on a part of the bar now and then, and return their value."""
        updated = 0.0
        with closing(steps):
            while True:
                try:
                    fraction, text = next(steps)
                except StopIteration as end:
                    return end.value
                if time.monotonic() - updated >= _UPDATE_SECONDS:
                    updated = time.monotonic()
                    yield self._busy(low + (high - low) * min(1.0, fraction), text)


def _told(error: gr.Error) -> gr.Markdown:
    """A refusal as a text that stays, beside a message that fades, which screen readers read out."""
    gr.Warning(error.message, title=error.title)
    return gr.Markdown(f"### {error.title}\n{error.message}", visible=True)


def _bar(fraction: float, text: str) -> str:
    """A labelled progress bar."""
    label = html.escape(text)
    return f"<label>{label}<progress max='1' value='{fraction:.3f}' aria-label='{label}'></progress></label>"
