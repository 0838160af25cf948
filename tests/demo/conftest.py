"""A person of known joints, an estimator that always finds that person, a clip of it, and a browser."""

import atexit
import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="fusion-pose-tests-")  # other apps clean the common folder

import numpy as np
import pytest
from PIL import Image

from demo.exports import as_mp4
from demo.video.motion import Motion
from fusion_model.skeletons import HUMAN36M_17
from fusion_model.video.clips import Clip
from tests.helpers.browsers import chromium
from tests.helpers.clips import write_clip
from tests.helpers.hub_double import black_hole, hub
from tests.helpers.serving import WAIT
from tests.helpers.stand_in import Counting, StandIn, make_pose

__all__ = ["black_hole", "hub"]

atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"


@pytest.fixture(scope="module")
def counting(stand_in):
    return Counting(stand_in)


@pytest.fixture
def photo():
    """A grey photo, 400 x 300."""
    return np.full((300, 400, 3), 90, np.uint8)


@pytest.fixture
def pose(photo):
    return make_pose(photo)


@pytest.fixture
def change_pose(photo):
    """A function that makes the same pose with other fields."""
    return lambda **changes: make_pose(photo, **changes)


@pytest.fixture
def turned(pose):
    """A function that turns the person about the vertical: by 90 degrees, to the right of the picture."""

    def turn(degrees):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        matrix = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
        return dataclasses.replace(pose, joints_3d=(pose.joints_3d @ matrix.T).astype(np.float32))

    return turn


@pytest.fixture(scope="session")
def stand_in():
    return StandIn()


@pytest.fixture(scope="session")
def example():
    return EXAMPLES / "hopper.jpg"


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory):
    """A function that writes a grey clip, 160 x 120 with 25 frames a second, black in some of its frames."""

    def make(frames=10, black=(), name="walk.mp4"):
        pictures = [np.full((120, 160, 3), 0 if number in black else 90, np.uint8) for number in range(frames)]
        return write_clip(tmp_path_factory.mktemp("clip") / name, pictures)

    return make


@pytest.fixture(scope="session")
def clip(make_clip):
    """Ten frames; no person is there in the fourth and fifth."""
    return make_clip(black=(3, 4))


@pytest.fixture
def motion(change_pose):
    """Every second frame of a clip: the person lifts the left hand by 10 mm a frame, and is away in two of them."""
    poses, wrist = [], HUMAN36M_17.index("left_wrist")
    for place in range(12):
        joints = change_pose().joints_3d.copy()
        joints[wrist, 1] -= 10 * place
        empty = np.zeros((16, 1, 1), np.float32)
        poses.append(None if place in (4, 5) else change_pose(joints_3d=joints, heatmaps=empty, seconds={}))
    frames = tuple(range(0, 24, 2))
    times = tuple(number / 25.0 for number in frames)
    return Motion(Clip(Path("dance.mp4"), 400, 300, 24, 25.0), 2, frames, times, tuple(poses))


@pytest.fixture
def quick_turn(monkeypatch):
    """The clip of a turn is small and has few pictures."""
    monkeypatch.setattr(as_mp4, "RATE", 4)
    monkeypatch.setattr(as_mp4, "SIDE", 96)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    with chromium() as browser:
        yield browser


DESK = {"width": 1280, "height": 900}


@pytest.fixture
def open_page(browser, address):
    contexts = []

    def opened(viewport=DESK, scheme="light", url=address):
        context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.asked, page.broken = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.broken.append(str(error)))
        page.goto(url, timeout=WAIT)
        page.wait_for_selector("#photo input[type=file]", state="attached", timeout=WAIT)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def notes(tmp_path):
    """A text file that is named like a photo."""
    path = tmp_path / "notes.jpg"
    path.write_text("milk, bread, two <b>apples</b>")
    return path


@pytest.fixture
def odd_photos(tmp_path, notes):
    """Photos of every kind that users send: path, and a part of the refusal, or None if it is accepted."""
    grey = Image.new("RGB", (200, 100), (90, 90, 90))
    exif = grey.getexif()
    exif[274] = 6
    two = {"save_all": True, "append_images": [Image.new("RGB", (200, 100), (150, 150, 150))]}
    grey.save(tmp_path / "turned.jpg", exif=exif)
    grey.convert("L").save(tmp_path / "grey.png")
    Image.new("RGBA", (200, 100), (90, 90, 90, 128)).save(tmp_path / "clear.png")
    Image.fromarray(np.full((100, 200), 30_000, np.uint16)).save(tmp_path / "deep.png")
    grey.save(tmp_path / "moving.gif", **two)
    grey.save(tmp_path / "moving.webp", **two)
    Image.new("RGB", (12_000, 400), (90, 90, 90)).save(tmp_path / "wide.jpg", quality=20)
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "telephone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    accepted = ("turned.jpg", "grey.png", "clear.png", "deep.png", "moving.gif", "moving.webp", "wide.jpg")
    refused = {
        "dot.png": "dot.png is 1 x 1 pixels",
        "empty.jpg": "empty.jpg is an empty file",
        "telephone.heic": "telephone.heic is damaged or cut off",
        notes.name: "notes.jpg is not a photo",
    }
    return {tmp_path / name: message for name, message in {**dict.fromkeys(accepted), **refused}.items()}
