"""The endpoints that answer with data alone, for ``gradio_client`` and curl."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from demo.renderers import LEAST_CM, MOST_CM, checked_height
from demo.result_panel import CLIPS, uploaded
from demo.service import Service, refusal
from demo.video.motion import SCHEMA as VIDEO_SCHEMA
from demo.video.pipeline import MOST_POSES
from demo.video.smoothing import smooth_motion

SCHEMA = "fusion-pose-photos/1"
MOST_PHOTOS = 32


def data_endpoints(service: Service, photo: gr.Image, clip: gr.Video) -> None:
    """Add ``/estimate_pose``, ``/estimate_poses``, ``/estimate_video`` and ``/model_info`` to the Blocks at hand."""
    box = box_input()
    result = gr.JSON(visible=False, label="fusion-pose/1")

    def estimate_pose(photo: str | None, box: list[float] | None = None) -> dict[str, Any]:
        """Estimate the pose of the person in a photo: 17 joints in 3D (mm) and 2D (pixels) as fusion-pose/1.

        Args:
            photo: a file with a photo.
            box: x0, y0, x1, y1 in pixels round the person who is meant; null for the best person found.

        Returns:
            One fusion-pose/1: names, units, axes, bones and, for each joint, place, confidence and status.
        """
        return service.estimate(photo, box)[1].to_dict()

    def estimate_poses(photos: list[str] | None, everybody: bool = False) -> dict[str, Any]:
        """Estimate poses in several photos; one that cannot be done does not stop the others.

        Args:
            photos: files with photos, at most 32.
            everybody: all people of each photo, best first, instead of the best one.

        Returns:
            fusion-pose-photos/1: for each photo, in order, its name, a list of fusion-pose/1 (empty if it failed) and
            null or a sentence that says why it failed.
        """
        return poses_of_photos(service, photos, everybody=everybody)

    def model_info() -> dict[str, Any]:
        """What the model is and what its fusion network has learnt.

        Returns:
            fusion-pose-model/1: name, sizes, skeleton, and the fusion weights with alpha and beta.
        """
        return service.info()

    gr.Button(visible=False).click(estimate_pose, [photo, box], result, api_name="estimate_pose")
    several = gr.Checkbox(False, visible=False, label="everybody instead of the best person")
    inputs, answer = [photos_input(), several], gr.JSON(visible=False, label=SCHEMA)
    gr.Button(visible=False).click(estimate_poses, inputs, answer, api_name="estimate_poses")
    gr.api(model_info, api_name="model_info")
    _video_endpoint(service, clip, box)


def _video_endpoint(service: Service, clip: gr.Video, box: gr.JSON) -> None:
    """Add ``/estimate_video``: a generator, so that who cancels or goes away stops the work."""
    smoothing = gr.Checkbox(True, visible=False, label="smoothing")
    height = gr.Number(1700, visible=False, label=f"height_mm: {10 * LEAST_CM:.0f} to {10 * MOST_CM:.0f}")
    most = gr.Number(MOST_POSES, precision=0, visible=False, label=f"most_poses: 1 to {MOST_POSES}")
    answer = gr.JSON(visible=False, label=VIDEO_SCHEMA)

    def estimate_video(
        video: str | None,
        box: list[float] | None = None,
        smoothing: bool = True,
        height_mm: float = 1700.0,
        most_poses: int = MOST_POSES,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # how Gradio hands it over
    ) -> Iterator[dict[str, Any] | None]:
        """Follow one person through a clip of up to 30 seconds and 100 MB: the poses frame by frame as JSON.

        Args:
            video: a file with a clip (MP4, MOV, WebM, MKV or AVI).
            box: x0, y0, x1, y1 in pixels round the person in the first frame; null for the best person found.
            smoothing: whether joints are smoothed over time.
            height_mm: the person's height in mm, 500 to 2500: a clip does not tell it.
            most_poses: at most so many frames are looked at, evenly spread; 1 to 300.
            progress: told about each frame; no parameter of the endpoint.

        Returns:
            fusion-pose-video/1: the clip, and for each frame looked at its number, time and pose (fusion-pose/1, or
            null where nobody is found). Until it is done, null.
        """
        checked_height(None if height_mm is None else height_mm / 10)
        steps = service.motion_steps(video, box, height_mm, most_poses)
        while True:
            try:
                share, text = next(steps)
            except StopIteration as end:
                yield (smooth_motion(end.value) if smoothing else end.value).to_dict()
                return
            progress(min(1.0, share), text)
            yield None

    inputs = [clip, box, smoothing, height, most]
    gr.Button(visible=False).click(
        estimate_video, inputs, answer, api_name="estimate_video", concurrency_id=CLIPS, concurrency_limit=1
    )


def poses_of_photos(service: Service, photos: list[str] | None, *, everybody: bool) -> dict[str, Any]:
    """One photo after the other, so that memory does not grow with their number.

    Args:
        service: the model.
        photos: paths of uploaded files.
        everybody: all people of each photo instead of the best one.

    Returns:
        What ``/estimate_poses`` answers.

    Raises:
        gr.Error: if there is no photo, or there are too many.
    """
    if not photos:
        raise refusal("there are no photos: send a list of files")
    if len(photos) > MOST_PHOTOS:
        raise refusal(
            f"at most {MOST_PHOTOS} photos are taken at once, got {len(photos)}: send them in several requests"
        )
    return {"schema": SCHEMA, "photos": [_one(service, path, everybody=everybody) for path in photos]}


def _one(service: Service, path: str, *, everybody: bool) -> dict[str, Any]:
    """The entry of one photo."""
    entry: dict[str, Any] = {"photo": Path(path).name, "poses": [], "error": None}
    try:
        if everybody:
            people = service.predict_all(path).people
            entry["poses"] = [person.pose.to_dict() for person in people if person.pose is not None]
            entry["error"] = None if people else "nobody was found in the photo"
        else:
            entry["poses"] = [service.estimate(path)[1].to_dict()]
    except gr.Error as error:
        entry["error"] = html.unescape(error.message)
    return entry


def box_input() -> gr.JSON:
    """A hidden input of a box, whose JSON schema says so: Gradio's own for any JSON is none that MCP clients accept."""
    box = gr.JSON(visible=False, label="box: x0, y0, x1, y1 in pixels, or null")
    four = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    schema = {"anyOf": [four, {"type": "null"}], "description": "x0, y0, x1, y1 in pixels, or null"}
    box.api_info = lambda: dict(schema)
    return box


def photos_input() -> gr.File:
    """A hidden input of several photos, which takes uploaded files only."""
    photos = gr.File(file_count="multiple", type="filepath", visible=False, label="photos")
    cache = photos.GRADIO_CACHE

    def paths_of(payload: ListFiles | FileData | None) -> list[str] | None:
        """The uploaded files."""
        if payload is None:
            return None
        files = payload.root if isinstance(payload, ListFiles) else [payload]
        return [uploaded(file.path, cache) for file in files]

    photos.preprocess = paths_of
    return photos
