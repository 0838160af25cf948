"""The model behind the page: which checkpoint, when loaded, on which device, and what the user reads if it refuses."""

from __future__ import annotations

import dataclasses
import html
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import spaces  # before torch: on ZeroGPU it stands in for CUDA until a call has its GPU
except ImportError:
    spaces = None

import gradio as gr
import numpy as np

from demo.examples import Example, stored_result
from demo.lab import Lab
from demo.result import Person, Result
from demo.video import live, pipeline
from demo.video.first_frame import FirstFrame, read_first_frame
from demo.video.motion import Motion
from demo.video.tracker import Frame, Track, track_frames
from fusion_model import NoPersonError, Pose, PoseEstimator
from fusion_model.comparison import Comparison, compare
from fusion_model.hub.checkpoints import CARD_FILE, DEFAULT, checkpoint_name, locate_checkpoint
from fusion_model.hub.fetch import HubUnreachableError
from fusion_model.images import load_photo

MODEL_VARIABLE = "FUSION_POSE_MODEL"
GPU_SECONDS = 15
PIECE_PIXELS = 16 * 1920 * 1080  # of the frames of a clip for which the GPU is asked for at once

_log = logging.getLogger(__name__)


def on_gpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """Ask ZeroGPU for a GPU during each call; elsewhere the function as it is."""
    return function if spaces is None else spaces.GPU(function, duration=GPU_SECONDS)


def on_zero_gpu() -> bool:
    """Whether the GPU is there only during calls; the package alone says nothing, as it may be installed anywhere."""
    return spaces is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


class Service:
    """One estimator, loaded once, whose refusals reach the user as one clear sentence.

    Args:
        estimator: the loaded model.
        notice: what the page says about the origin of the model; empty for nothing.
        card: the model card, Markdown; empty if there is none.
        lab: networks to compare on a person; None for a page without.

    Attributes:
        fusion: what the fusion network has learnt, read here once: between calls ZeroGPU keeps the tensors away.
    """

    def __init__(self, estimator: PoseEstimator, notice: str = "", card: str = "", lab: Lab | None = None) -> None:
        self.estimator, self.notice, self.card, self.fusion = estimator, notice, card, estimator.fusion
        self.lab = lab
        self._run = on_gpu(self._estimate)
        self._run_all = on_gpu(self._predict_all)
        self._run_tracker = on_gpu(self._track_frames)
        self._run_lab = on_gpu(self._compare)
        self._live_turn = threading.Lock()

    @classmethod
    def from_environment(cls) -> Service:
        """Load the checkpoint that ``FUSION_POSE_MODEL`` names (folder or Hub id), else the bundled one.

        If the Hub cannot be reached, the copy in the local cache is served, or without one the bundled checkpoint, and
        ``notice`` says so.

        Raises:
            SystemExit: with one clear sentence, if the checkpoint cannot be loaded.
        """
        source = os.environ.get(MODEL_VARIABLE) or DEFAULT
        try:
            found = locate_checkpoint(source)
            folder, reason = found.folder, found.unreachable
            estimator = PoseEstimator.from_pretrained(folder)
            estimator.name = checkpoint_name(source)
            notice = f"The Hub cannot be reached: {source} is served from the cache and may not be the newest."
        except HubUnreachableError as error:
            folder, reason = locate_checkpoint(DEFAULT).folder, str(error)
            estimator = PoseEstimator.from_pretrained(DEFAULT)
            notice = f"The Hub cannot be reached and {source} is not in the cache: the bundled model is served instead."
        except (ValueError, OSError) as error:
            sys.exit(f"The model cannot be loaded: {error}")
        card = (folder / CARD_FILE).read_text(encoding="utf-8")
        if reason:
            _log.warning("%s (%s)", notice, reason)
        return cls(estimator, notice if reason else "", card, Lab.beside(estimator))

    def estimate(self, photo: object, box: object = None) -> tuple[np.ndarray, Pose]:
        """Estimate the pose in an uploaded photo.

        Args:
            photo: path of the uploaded file.
            box: x0, y0, x1, y1 in pixels, or None to find the person.

        Returns:
            The photo (H, W, 3) uint8 RGB, and the pose.

        Raises:
            gr.Error: with a sentence that says what is wrong.
        """
        with _refusals():
            array = self._read(photo)
            return array, self._run(array, box)

    def predict_all(self, photo: object) -> Result:
        """Find all people in an uploaded photo and estimate their poses.

        Args:
            photo: path of the uploaded file.

        Returns:
            All people, best first, and apart those who are unsure; a photo without people is no error.

        Raises:
            gr.Error: with a sentence that says what is wrong.
        """
        with _refusals():
            array = self._read(photo)
            found = self._run_all(array, on_zero_gpu(), self._weakest_score)
        sure = self.estimator.trust_score
        people, more = (
            tuple(Person(pose.person_box, pose, compared) for pose, compared in found if (pose.score >= sure) == shown)
            for shown in (True, False)
        )
        return Result(str(photo), array.shape[:2], people, sure, more)

    def stored(self, example: Example) -> Result | None:
        """The stored result of an example, if this model made it."""
        return stored_result(example, self.estimator.name, self.estimator.trust_score)

    def in_box(self, result: Result, box: Sequence[float]) -> Pose | None:
        """Estimate the pose in a box of a photo whose people were estimated before; None if no person is there.

        Args:
            result: of the photo.
            box: x0, y0, x1, y1 in pixels.

        Raises:
            gr.Error: with a sentence that says what is wrong.
        """
        with _refusals():
            try:
                return self._run(self.photo_of(result), list(box))
            except NoPersonError:
                return None

    def compare(self, result: Result, person: Person) -> Comparison:
        """Run the lab's networks on a person of a photo, unless that was done with the photo.

        It takes as long as a first estimate on a processor, so it waits there until somebody asks. On ZeroGPU it is
        done with the photo, in one call.

        Raises:
            gr.Error: with a sentence that says what is wrong.
        """
        with _refusals():
            return person.comparison or self._run_lab(self.photo_of(result), person.pose)

    def photo_of(self, result: Result) -> np.ndarray:
        """The photo (H, W, 3) uint8 RGB of a result; gr.Error if it is no longer kept."""
        if not Path(result.photo).is_file():
            raise refusal("this photo is no longer on the server: upload it again")
        return load_photo(result.photo)

    def first_frame(self, clip: str) -> FirstFrame:
        """Find everyone in the first frame of an uploaded clip; gr.Error if it cannot be read."""
        with _refusals("clip"):
            frame = read_first_frame(clip)
            return FirstFrame(clip, tuple(pose for pose, _ in self._run_all(frame, False)), frame.shape[:2])

    def motion_steps(
        self, clip: str | None, box: Sequence[float] | None, height_mm: float, most_poses: int = pipeline.MAX_POSES
    ) -> Generator[pipeline.Step, None, Motion]:
        """Follow one person through an uploaded clip; see :func:`demo.video.pipeline.motion_steps`.

        On ZeroGPU the GPU is asked for in pieces of a few frames; elsewhere a step is one frame.

        Raises:
            gr.Error: with a sentence that says what is wrong.
        """
        if clip is None:
            raise refusal("there is no clip: upload one or record one")
        with _refusals("clip"):
            return (
                yield from pipeline.motion_steps(
                    self.estimator,
                    clip,
                    box=box,
                    height_mm=height_mm,
                    most_poses=most_poses,
                    tracker=self._run_tracker,
                    piece_pixels=PIECE_PIXELS if on_zero_gpu() else 0,
                )
            )

    def file_steps(self, motion: Motion, folder: Path) -> Generator[pipeline.Step, None, dict[str, Path]]:
        """Write the files of a motion; see :func:`demo.video.pipeline.file_steps`. Errors: as :meth:`motion_steps`."""
        with _refusals("clip"):
            return (yield from pipeline.file_steps(motion, folder))

    def live_step(self, frame: object, before: live.Live | None) -> live.Live:
        """Follow the person before a visitor's camera into one more frame; several visitors take turns.

        Args:
            frame: as the browser sends it, see :func:`demo.video.live.decode_frame`.
            before: after the frame before; None for the first.

        Raises:
            gr.Error: with a sentence that says what is wrong.
        """
        with _refusals("frame"):
            picture = live.decode_frame(frame)
            with self._live_turn:
                return live.follow(self.estimator, picture, time.monotonic(), before)

    def info(self) -> dict[str, Any]:
        """What the model is, JSON-ready."""
        config = self.estimator.config
        return {
            "schema": "fusion-pose-model/1",
            "model": self.estimator.name,
            "input_size": config.hourglass.input_size,
            "stacks": config.hourglass.stacks,
            "width": config.hourglass.width,
            "skeleton": config.fusion.skeleton,
            "fusion": {**dataclasses.asdict(self.fusion), "weights": self.fusion.weights.tolist()},
        }

    @property
    def _weakest_score(self) -> float | None:
        """Of the people whom the library has looked at anyway: to be told of them takes no more time."""
        detector = self.estimator.config.detector
        return detector and min(detector.min_score, self.estimator.trust_score)

    def _read(self, photo: object) -> np.ndarray:
        """The pixels of an uploaded photo."""
        if photo is None:
            raise refusal("there is no photo: upload one, take one or choose an example")
        return load_photo(photo)

    def _estimate(self, photo: np.ndarray, box: Any) -> Pose:
        """Run the networks on one person: one of the four calls that need the GPU."""
        return self.estimator(photo, box=box)

    def _predict_all(
        self, photo: np.ndarray, in_lab: bool, min_score: float | None = None
    ) -> list[tuple[Pose, Comparison | None]]:
        """Run the networks on all people, and the lab's on those who show, where it is wanted: the second one."""
        sure = self.estimator.trust_score
        return [
            (pose, self._compare(photo, pose) if in_lab and self.lab and pose.score >= sure else None)
            for pose in self.estimator.predict_all(photo, min_score=min_score)
        ]

    def _track_frames(self, frames: Sequence[Frame], track: Track) -> tuple[list[Pose | None], Track]:
        """Run the networks on some frames of a clip: the third one."""
        return track_frames(self.estimator, frames, track)

    def _compare(self, photo: np.ndarray, pose: Pose) -> Comparison:
        """Run the lab's networks on one person: the fourth one, of people who were not found with the photo."""
        return compare(self.estimator, self.lab.networks, photo, pose)


def refusal(message: str) -> gr.Error:
    """A message for the page and for clients, as text: the page would render markup."""
    return gr.Error(html.escape(message, quote=False), title="This did not work", print_exception=False)


@contextmanager
def _refusals(what: str = "photo") -> Iterator[None]:
    """Turn whatever goes wrong into one sentence for the user."""
    try:
        yield
    except gr.Error:  # a ValueError, too
        raise  # such as ZeroGPU's own words about its quota, with their title and link
    except (ValueError, TypeError, FileNotFoundError) as error:
        raise refusal(str(error)) from error
    except MemoryError as error:
        raise refusal(f"the server has no memory left for this {what}: try a smaller one") from error
    except Exception as error:
        _log.exception("an estimate failed")
        raise refusal(f"the server failed on this {what}; the reason is in its log") from error
