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

from demo.drawing.figure_view import figure_value, figure_view
from demo.drawing.motion_figure import motion_figure, motion_sentence
from demo.inputs import CLIP_QUEUE, checked_height, clip_input, height_input, parse_box
from demo.result_panel import HIDDEN, colour_key
from demo.retention import KEPT_SECONDS
from demo.service import Service
from demo.video.motion import Motion
from demo.video.pipeline import MAX_POSES, Step
from demo.video.smoothing import smooth_motion
from fusion_model.video.clips import LIMITS

_HINT = "### The motion appears here\nUpload a clip or record one, then press *Follow the person*."
_LIMITS = f"{LIMITS} At most {MAX_POSES} frames are processed, evenly spread. Clips are deleted within an hour."
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
        with gr.Row():
            with gr.Column(scale=3, min_width=280):
                self._build_input()
            with gr.Column(scale=9, min_width=300):
                self.hint = gr.Markdown(_HINT, elem_id="motion-hint", elem_classes="hint")
                self.progress = gr.HTML(visible=False, elem_id="progress")
                with gr.Column(visible=HIDDEN) as self.results:
                    self._build_results()
        self.files = {"mp4": self.overlay, "json": self.json, "csv": self.csv, "bvh": self.bvh}
        self._connect()

    def _build_input(self) -> None:
        """The clip, the options and the buttons."""
        self.clip = clip_input()
        gr.Markdown(_LIMITS, elem_classes="key", elem_id="limits")
        self.smooth = gr.Checkbox(
            True, label="Smooth the joints over time", info="Less jitter; switch it off to see each frame as it is."
        )
        self.height = height_input()
        self.box = gr.Textbox(
            label="Box in the first frame: left, top, right, bottom",
            info="In pixels, round the person. Empty: the best person found.",
            max_lines=1,
        )
        with gr.Row():
            small = {"size": "md", "min_width": 80}
            self.start = gr.Button("Follow the person", variant="primary", scale=2, elem_id="start", **small)
            self.stop = gr.Button("Cancel", variant="stop", scale=1, interactive=False, elem_id="stop", **small)

    def _build_results(self) -> None:
        """The overlay, the 3D figure and the downloads."""
        with gr.Row():
            with gr.Column(min_width=300):
                self.overlay = gr.Video(
                    label="Skeleton", interactive=False, height=420, buttons=["download"], elem_id="overlay"
                )
                gr.HTML(colour_key(ellipsoids=False))
                self.caption = gr.Markdown(elem_classes="key", elem_id="motion-caption")
            with gr.Column(min_width=300):
                self.figure = figure_view(
                    None, label="3D skeleton over time", described_by="motion-caption", elem_id="motion"
                )
        with gr.Row():
            self.json, self.csv, self.bvh = (
                gr.DownloadButton(f"Download {kind}", size="md", min_width=150, elem_id=f"motion-{kind.lower()}")
                for kind in ("JSON", "CSV", "BVH")
            )

    def _connect(self) -> None:
        """Listen to all events."""
        running = [self.progress, self.start, self.stop, self.hint, self.results]
        outputs = [*running, self.kept, self.figure, self.caption, *self.files.values()]
        inputs = [self.clip, self.box, self.height, self.smooth]
        work = {**_WORK, "show_progress_on": self.progress}
        started = self.start.click(self._begin, None, running, **_QUIET).then(self._follow, inputs, outputs, **work)
        again = self.smooth.input(self._draw_again, [self.kept, self.smooth], outputs, **work)
        for event in (started, again):
            event.failure(self._rest, None, running, **_QUIET)
        self.stop.click(self._rest, None, running, cancels=[started, again], **_QUIET)
        self.clip.change(self._rest, None, running, cancels=[started, again], **_QUIET)

    def _begin(self) -> _Updates:
        """What is shown as soon as the button is pressed, while others are served."""
        return {**self._busy(0.0, "waiting for a turn"), self.hint: gr.skip(), self.results: gr.Column(visible=HIDDEN)}

    def _busy(self, fraction: float, text: str) -> _Updates:
        """What is shown during the work."""
        return {
            self.progress: gr.HTML(_bar(fraction, text), visible=True),
            self.start: gr.Button(interactive=False),
            self.stop: gr.Button(interactive=True),
            self.hint: gr.Markdown(visible=False),
        }

    def _rest(self) -> _Updates:
        """What is shown while nothing runs and there is no result."""
        return {
            self.progress: gr.HTML(visible=False),
            self.start: gr.Button(interactive=True),
            self.stop: gr.Button(interactive=False),
            self.hint: gr.Markdown(visible=True),
            self.results: gr.Column(visible=HIDDEN),
        }

    def _follow(self, clip: str | None, box: str, height_cm: float | None, smooth: bool) -> Iterator[_Updates]:
        """Estimate the motion in a clip, and draw it."""
        corners, height_mm = parse_box(box) if box.strip() else None, 10 * checked_height(height_cm)
        steps = self.service.motion_steps(clip, corners, height_mm)
        motion = yield from self._relayed(steps, 0.0, _DRAWING_FROM)
        yield {self.kept: motion}
        yield from self._drawn(motion, smooth)

    def _draw_again(self, kept: Motion | None, smooth: bool) -> Iterator[_Updates]:
        """Draw the kept motion with or without smoothing, without the networks."""
        if kept is None:
            yield gr.skip()
            return
        yield self._begin()
        yield from self._drawn(kept, smooth)

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
            self.figure: figure_value(motion_figure(motion)),
            self.caption: motion_sentence(motion),
            **{component: type(component)(value=str(files[kind])) for kind, component in self.files.items()},
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


def _bar(fraction: float, text: str) -> str:
    """A labelled progress bar."""
    label = html.escape(text)
    return f"<label>{label}<progress max='1' value='{fraction:.3f}' aria-label='{label}'></progress></label>"
