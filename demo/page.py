"""The page: what stands where, and the endpoints behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import ImageData

from demo.overlays import SIDE_COLOURS, draw_skeleton, map_pictures
from demo.plots import skeleton_figure, weights_figure, weights_sentence
from demo.service import Service, refusal
from fusion_model import Pose

EXAMPLES = Path(__file__).parents[1] / "assets" / "examples"
LONGEST_SIDE = 1280  # pixels of the picture that is sent to the browser

_TITLE = "# fusion-pose\nA photo of a person goes in; the joints and the 3D pose come out."
_HINT = "### The pose appears here\nUpload a photo, paste one, take one with the camera, or choose the example."
_PRIVACY = (
    "Photos are deleted from the server within an hour. One photo does not tell a person's size: 1.70 m is assumed."
)
_CSS = """
.gradio-container { max-width: 1280px !important; margin: 0 auto !important; }
#hint { padding: 4rem 1rem; text-align: center; opacity: 0.75; }
#figure, #weights { overflow: hidden; }
.key { font-size: 0.9rem; opacity: 0.9; }
.key b { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 50%; margin-right: 0.35em; }
.key span { display: inline-block; margin-right: 0.9em; }
#maps .thumbnail-lg { height: auto; aspect-ratio: auto; display: flex; flex-direction: column; }
#maps .thumbnail-lg img { height: auto; aspect-ratio: 1; }
#maps .caption-label {
  position: static; max-width: 100%; width: 100%; padding: 2px 3px; border: 0; border-radius: 0;
  font-size: 0.68rem; line-height: 1.3; text-align: center; white-space: normal;
}
#maps .grid-wrap, #maps { min-height: 0 !important; max-height: none !important; height: auto !important; }
@media (max-width: 640px) {
  #maps .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; }
  #hint { padding: 1rem; }
}
"""


def build_page(service: Service) -> gr.Blocks:
    """The Blocks over one loaded model, with all endpoints."""
    with gr.Blocks(title="fusion-pose", analytics_enabled=False, delete_cache=(1800, 3600)) as page:
        gr.Markdown(_TITLE)
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                photo = photo_input()
                gr.Examples([str(EXAMPLES / "hopper.jpg")], photo, api_visibility="private")
                gr.Markdown(_PRIVACY, elem_classes="key")
            with gr.Column(scale=7, min_width=300):
                hint = gr.Markdown(_HINT, elem_id="hint")
                with gr.Column(visible=False) as results:
                    outputs = _results(service)
        button = gr.Button(visible=False)

        def show_pose(photo: str | None) -> tuple[Any, ...]:
            """Estimate the pose of the person in a photo, and draw it."""
            return _drawn(service, *service.estimate(photo))

        button.click(show_pose, photo, outputs, api_name="show_pose")
        _redraw_on_change(photo, show_pose, outputs, hint, results)
        _data_endpoints(service, photo)
    return page.queue(max_size=32, default_concurrency_limit=1)


def _redraw_on_change(
    photo: gr.Image, draw: Callable[[str], tuple[Any, ...]], outputs: list[Any], hint: gr.Markdown, results: gr.Column
) -> None:
    """Take the old result away as soon as the photo changes, and show the new one, or nothing if that fails.

    What is drawn and whether it shows is one answer: a step of its own would read the photo anew, which may have
    changed meanwhile, and bring an old result back.
    """

    def shown(visible: bool) -> tuple[Any, ...]:
        return gr.Markdown(visible=not visible), gr.Column(visible=visible)

    def redraw(photo: str | None) -> tuple[Any, ...]:
        if photo is None:
            return (*(gr.skip() for _ in outputs), *shown(False))
        return (*draw(photo), *shown(True))

    quiet = {"api_visibility": "private", "show_progress": "hidden", "outputs": [hint, results]}
    photo.change(lambda: shown(False), **quiet).then(
        redraw, photo, [*outputs, hint, results], api_visibility="private", show_progress_on=hint
    ).failure(lambda: shown(False), **quiet)


def launch_options() -> dict[str, Any]:
    """What ``launch`` needs: fonts of the system only, so that the page asks no other server for anything."""
    theme = gr.themes.Default(
        primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    return {
        "theme": theme,
        "css": _CSS,
        "max_file_size": "50mb",
        "ssr_mode": False,
        "allowed_paths": [str(EXAMPLES)],
        "footer_links": ["api", "gradio"],
    }


def photo_input() -> gr.Image:
    """A photo input that hands on the file as it was sent, so that our own reader decodes, turns or refuses it.

    ``gr.Image`` would decode it first: without EXIF rotation for paths, and with a vague message for broken files.
    """
    photo = gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        webcam_options=gr.WebcamOptions(mirror=False),  # a mirrored photo would swap left and right
        label="Photo",
        height=380,
        buttons=["fullscreen"],
        elem_id="photo",
    )
    decoded, cache = photo.preprocess, Path(photo.GRADIO_CACHE).resolve()

    def path_of(payload: ImageData | None) -> str | None:
        """The uploaded file; only one in Gradio's own folder, as it does not check every payload itself."""
        if payload is None or not payload.path:
            return decoded(payload)
        if not Path(payload.path).resolve().is_relative_to(cache):
            raise refusal("this photo was not uploaded: send it with the request")
        return payload.path

    photo.preprocess = path_of
    return photo


def _results(service: Service) -> list[gr.components.Component]:
    """The right-hand side: picture, 3D view, maps, weights, timings."""
    fusion = service.estimator.fusion
    picture = gr.Image(
        label="Skeleton", interactive=False, height=420, buttons=["download", "fullscreen"], format="png"
    )
    gr.HTML(_colour_key())
    figure = gr.Plot(label="3D skeleton", show_label=False, elem_id="figure")
    gr.HTML("<div class='key'>Confidence maps: how sure the network is of each joint, over its crop of the photo</div>")
    maps = gr.Gallery(
        label="Confidence maps",
        show_label=False,
        columns=6,
        height="auto",
        object_fit="contain",
        interactive=False,
        elem_id="maps",
        buttons=["download", "fullscreen"],
    )
    with gr.Accordion("What the fusion network has learnt"):
        sentence = gr.Markdown(weights_sentence(fusion), label="Fusion")
        bars = gr.Plot(weights_figure(fusion), label="Fusion weights", show_label=False, elem_id="weights")
    times = gr.Markdown(label="Timings", elem_classes="key", elem_id="times")
    return [picture, figure, maps, sentence, bars, times]


def _drawn(service: Service, photo: np.ndarray, pose: Pose) -> tuple[Any, ...]:
    """What the components of :func:`_results` show."""
    fusion = service.estimator.fusion
    return (
        draw_skeleton(photo, pose, LONGEST_SIDE),
        skeleton_figure(pose),
        map_pictures(photo, pose),
        weights_sentence(fusion),
        weights_figure(fusion),
        _times(pose),
    )


def _times(pose: Pose) -> str:
    """Timings, confidence and model in one line."""
    stages = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in pose.seconds.items())
    return f"Person: confidence {pose.score:.2f} · {stages} · model `{pose.model}`"


def _colour_key() -> str:
    """Which colour is which side, and what faded means."""
    names = {"left": "the person's left", "right": "the person's right"}
    entries = [(f"rgb{SIDE_COLOURS[side]}", name) for side, name in names.items()]
    entries.append(("rgba(128,128,128,0.45)", "faded: guessed or beyond the frame"))
    dots = " ".join(f"<span><b style='background:{colour}'></b>{name}</span>" for colour, name in entries)
    return f"<div class='key'>{dots}</div>"


def _data_endpoints(service: Service, photo: gr.Image) -> None:
    """``/estimate_pose`` and ``/model_info``, which answer with data alone."""
    box = gr.JSON(visible=False, label="box: x0, y0, x1, y1 in pixels, or null")
    result = gr.JSON(visible=False, label="fusion-pose/1")

    def estimate_pose(photo: str | None, box: list[float] | None = None) -> dict[str, Any]:
        """Estimate the pose of the person in a photo: 17 joints in 3D (mm) and 2D (pixels) as fusion-pose/1."""
        return service.estimate(photo, box)[1].to_dict()

    def model_info() -> dict[str, Any]:
        """What the model is and what its fusion network has learnt."""
        return service.info()

    gr.Button(visible=False).click(estimate_pose, [photo, box], result, api_name="estimate_pose")
    gr.api(model_info, api_name="model_info")
