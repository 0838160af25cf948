"""The requests of the load test: every client's own photos and bad files, and the answers that they must get."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client.exceptions import AppError
from PIL import Image, ImageOps
from tqdm import tqdm

from fusion_model import NoPersonError, Pose, PoseEstimator

PERSON = (20, 14, 362, 511)  # of the example, in pixels
TOLERANCE = 1.0  # pixels and millimetres
SCALES = (1, 0.5, 2, 5)  # of the example: up to 9 megapixels


@dataclass(frozen=True)
class Request:
    """A request of a client, and the answer that it expects.

    Attributes:
        photo: the file.
        box: x0, y0, x1, y1 in pixels; None lets the app find the person.
        expected: (17, 5) x, y in pixels and x, y, z in mm, or a part of the error message.
    """

    photo: Path
    box: tuple[float, ...] | None
    expected: np.ndarray | str


def make_plans(estimator: PoseEstimator, folder: Path, example: Image.Image, clients: int) -> list[list[Request]]:
    """The requests of each client, which it repeats; files are written to ``folder``."""
    return [_plan(estimator, folder, number, example) for number in tqdm(range(clients), "right answers", disable=None)]


def _plan(estimator: PoseEstimator, folder: Path, number: int, example: Image.Image) -> list[Request]:
    """Own photo, the same with a box, own photo, a bad file; four times, for there are four kinds of bad files."""
    image, (x0, y0, x1, y1) = example, PERSON
    if number % 2:
        image, x0, x1 = ImageOps.mirror(example), example.width - 1 - x1, example.width - 1 - x0
    dx, dy = 8 * (number % 8), 8 * (number // 8)
    canvas = Image.new("RGB", (example.width + dx, example.height + dy), (110, 110, 110))
    canvas.paste(image, (dx, dy))
    scale = SCALES[number // 2 % len(SCALES)]
    path = folder / f"client{number:03}.jpg"
    canvas.resize((round(canvas.width * scale), round(canvas.height * scale))).save(path)
    box = tuple(scale * value for value in (x0 + dx, y0 + dy, x1 + dx, y1 + dy))
    found, boxed = (Request(path, one, _answer(estimator, path, one)) for one in (None, box))
    bad = _bad_files(folder, number, example)
    bad = bad[number % 4 :] + bad[: number % 4]
    return [request for one in bad for request in (found, boxed, found, one)]


def _bad_files(folder: Path, number: int, example: Image.Image) -> list[Request]:
    """One file of each kind; the error must name it."""
    paths = {name: folder / f"client{number:03}-{name}" for name in ("text.jpg", "cut.jpg", "empty.jpg", "tiny.png")}
    paths["text.jpg"].write_text(f"Shopping list of client {number}: milk, bread", encoding="utf-8")
    example.save(paths["cut.jpg"], comment=f"client {number}".encode())  # else all would be one cached file
    paths["cut.jpg"].write_bytes(paths["cut.jpg"].read_bytes()[:20_000])
    paths["empty.jpg"].touch()
    Image.new("RGB", (8, 8), (number % 256, 0, 0)).save(paths["tiny.png"])
    errors = {"text.jpg": "is not a photo", "cut.jpg": "is cut off", "empty.jpg": "is an empty file",
              "tiny.png": "is 8 x 8 pixels"}  # fmt: skip
    return [Request(path, None, f"{path.name} {errors[name]}") for name, path in paths.items()]


def _answer(estimator: PoseEstimator, path: Path, box: tuple[float, ...] | None) -> np.ndarray | str:
    """The answer of the library."""
    try:
        pose: Pose = estimator(path, box=box)
    except NoPersonError as error:
        return str(error)
    return joints_of(pose.to_dict())


def joints_of(answer: dict[str, Any]) -> np.ndarray:
    """Pixels and millimetres (17, 5) of a fusion-pose/1."""
    return np.array([[*joint["pixel"], *joint["position_mm"]] for joint in answer["joints"]])


def too_alike(plans: Sequence[Sequence[Request]]) -> str:
    """A sentence if two clients expect answers that could not be told apart, else nothing."""
    answers = [[one.expected for one in plan if one.box and not isinstance(one.expected, str)] for plan in plans]
    if not all(answers):
        return "the model finds no person in the example photo, even in the box: no answer could be checked"
    for one, other in itertools.combinations((mine[0] for mine in answers), 2):
        if np.abs(one - other).max() < 4 * TOLERANCE:
            return "two clients expect the same answer: a mix-up could not be noticed"
    return ""


def check_answer(request: Request, outcome: dict[str, Any] | AppError) -> str:
    """A sentence if the answer or the error is not that of the request, else nothing."""
    name = request.photo.name
    if isinstance(outcome, AppError):
        if isinstance(request.expected, str) and request.expected in str(outcome):
            return ""
        return f"{name}: the error {str(outcome)!r} is not its own"
    if isinstance(request.expected, str):
        return f"{name}: an answer where an error was due"
    apart = np.abs(joints_of(outcome) - request.expected).max()
    return "" if apart <= TOLERANCE else f"{name}: the answer is {apart:.1f} px or mm from its own"
