"""The endpoints that answer with data alone, for ``gradio_client`` and curl."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from demo.inputs import CLIP_QUEUE, box_parameter, flag_parameter, number_parameter, photos_parameter
from demo.requests import Unusable
from demo.service import Service
from demo.video.motion import SCHEMA as VIDEO_SCHEMA
from demo.video.pipeline import MAX_POSES
from demo.video.smoothing import smooth_motion
from fusion_model.estimator import CONVENTIONAL_HEIGHT_MM, MAX_HEIGHT_MM, MIN_HEIGHT_MM

SCHEMA = "fusion-pose-photos/1"
MAX_PHOTOS = 32


def data_endpoints(service: Service, photo: gr.Image, clip: gr.Video) -> None:
    """Add ``/estimate_pose``, ``/estimate_poses``, ``/estimate_video`` and ``/model_info`` to the current Blocks."""
    box = box_parameter()
    result = _answer("fusion-pose/1", "joints in mm and pixels with confidence and status, bones, box, units and axes")

    def estimate_pose(photo: str | None, box: list[float] | None = None) -> dict[str, Any]:
        """Estimate the pose of the person in a photo: 17 joints in 3D (mm) and 2D (pixels) as fusion-pose/1.

        Args:
            photo: a file with a photo.
            box: x0, y0, x1, y1 in pixels round the person; null for the best person found.

        Returns:
            One fusion-pose/1: names, units, axes, bones and, for each joint, place, confidence and status.
        """
        return service.estimate(photo, box)[1].to_dict()

    def estimate_poses(photos: list[str | Unusable], everybody: bool = False) -> dict[str, Any]:
        """Estimate poses in several photos; one that cannot be done does not stop the others.

        Args:
            photos: files with photos, at most 32.
            everybody: all people of each photo, best first, instead of the best one.

        Returns:
            fusion-pose-photos/1: of each photo, in order, its name, a list of poses, and why it failed, or null.
        """
        return poses_of_photos(service, photos, everyone=everybody)

    def model_info() -> dict[str, Any]:
        """What the model is and what its fusion network has learnt.

        Returns:
            fusion-pose-model/1: name, sizes, skeleton, and the fusion weights with alpha and beta.
        """
        return service.info()

    gr.Button(visible=False).click(estimate_pose, [photo, box], result, api_name="estimate_pose")
    several = flag_parameter("everybody", "Everyone in each photo instead of the best person", first=False)
    inputs, answer = [photos_parameter(MAX_PHOTOS), several], _answer(SCHEMA, "of each photo its name, poses and error")
    gr.Button(visible=False).click(estimate_poses, inputs, answer, api_name="estimate_poses")
    about = _answer("fusion-pose-model/1", "name, sizes, skeleton, and the fusion weights with alpha and beta")
    gr.Button(visible=False).click(model_info, None, about, api_name="model_info")
    _video_endpoint(service, clip, box)


def _answer(schema: str, content: str) -> gr.JSON:
    """A hidden output whose schema says what it holds: Gradio's own says "any valid json"."""
    answer = gr.JSON(visible=False, label=schema)
    answer.api_info = lambda: {"type": "object", "description": f"{schema}: {content}"}
    return answer


def _video_endpoint(service: Service, clip: gr.Video, box: gr.JSON) -> None:
    """Add ``/estimate_video``: a generator, so that the work stops when the client cancels or goes away."""
    smoothing = flag_parameter("smoothing", "Smooth the joints over time", first=True)
    height = number_parameter(
        "height_mm", CONVENTIONAL_HEIGHT_MM, MIN_HEIGHT_MM, MAX_HEIGHT_MM, " mm", "The person's height"
    )
    max_poses = number_parameter("most_poses", MAX_POSES, 1, MAX_POSES, label="Frames at most, evenly spread")
    answer = _answer(VIDEO_SCHEMA, "the clip, and of each frame its time and pose; null until it is done")

    def estimate_video(
        video: str | None,
        box: list[float] | None = None,
        smoothing: bool = True,
        height_mm: float = CONVENTIONAL_HEIGHT_MM,
        most_poses: int = MAX_POSES,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # how Gradio hands it over
    ) -> Iterator[dict[str, Any] | None]:
        """Follow one person through a clip of up to 30 seconds and 100 MB: the poses frame by frame as JSON.

        Args:
            video: a file with a clip (MP4, MOV, WebM, MKV or AVI).
            box: x0, y0, x1, y1 in pixels round the person in the first frame; null for the best person found.
            smoothing: whether joints are smoothed over time.
            height_mm: the person's height in mm, 500 to 2500: a clip does not tell it.
            most_poses: at most so many frames are processed, evenly spread; 1 to 300.
            progress: called after each frame; no parameter of the endpoint.

        Returns:
            fusion-pose-video/1: the clip, and of each frame its number, time and pose, or null if nobody is found.
        """
        steps = service.motion_steps(video, box, height_mm, most_poses)
        while True:
            try:
                fraction, text = next(steps)
            except StopIteration as end:
                yield (smooth_motion(end.value) if smoothing else end.value).to_dict()
                return
            progress(min(1.0, fraction), text)
            yield None

    inputs = [clip, box, smoothing, height, max_poses]
    gr.Button(visible=False).click(
        estimate_video, inputs, answer, api_name="estimate_video", concurrency_id=CLIP_QUEUE, concurrency_limit=1
    )


def poses_of_photos(service: Service, photos: list[str | Unusable], *, everyone: bool) -> dict[str, Any]:
    """Estimate one photo after the other, so that memory does not grow with their number.

    Args:
        service: the model.
        photos: paths of uploaded files, or what could not be had of them.
        everyone: all people of each photo instead of the best one.

    Returns:
        The answer of ``/estimate_poses``.
    """
    return {"schema": SCHEMA, "photos": [_entry(service, path, everyone=everyone) for path in photos]}


def _entry(service: Service, photo: str | Unusable, *, everyone: bool) -> dict[str, Any]:
    """The entry of one photo."""
    if isinstance(photo, Unusable):
        return {"photo": photo.name, "poses": [], "error": html.unescape(photo.error.message)}
    path, entry = photo, {"photo": Path(photo).name, "poses": [], "error": None}
    try:
        if everyone:
            people = service.predict_all(path).people
            entry["poses"] = [person.pose.to_dict() for person in people if person.pose is not None]
            entry["error"] = None if people else "nobody was found in the photo"
        else:
            entry["poses"] = [service.estimate(path)[1].to_dict()]
    except gr.Error as error:
        entry["error"] = html.unescape(error.message)
    return entry
