"""The live tab: a camera in, skeleton and body out, frame by frame."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from demo.drawing.live_view import live_value, live_view
from demo.result_panel import colour_key
from demo.service import Service
from demo.video.live import Live

_KEPT_SECONDS = 60


class LiveTab:
    """The components of the tab, in the current Blocks, and what happens when.

    Gradio's own stream of a camera sends a frame at every tick, whether or not the last one is answered, and keeps each
    picture that it shows as a file. Here, the browser sends the next frame when it has the answer to the last one. No
    queue is asked: it would take longer than the networks.

    Args:
        service: the model.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.kept = gr.State(time_to_live=_KEPT_SECONDS)
        self.view = live_view(service.estimator.config.fusion.skeleton, elem_id="live")
        gr.HTML(colour_key(ellipsoids=False))
        options = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
        self.view.frame(self._answer, self.kept, [self.kept, self.view], **options)

    def _answer(self, kept: Live | None, told: gr.EventData) -> dict[Any, Any]:
        """Follow the person into one more frame; what is wrong is told with the frame's number."""
        number, frame = (getattr(told, name, None) for name in ("number", "frame"))
        try:
            live = self.service.live_step(frame, None if number == 1 else kept)
        except gr.Error as error:
            return {self.view: live_value(number, None, html.unescape(str(error.message)))}
        return {self.kept: live, self.view: live_value(number, live.pose)}
