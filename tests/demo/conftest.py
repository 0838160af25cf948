"""A person of known joints, an estimator that always finds that person, a clip of it, and a browser."""

import atexit
import dataclasses
import itertools
import os
import shutil
import tempfile
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="fusion-pose-tests-")  # other apps clean the common folder

import cv2
import numpy as np
import pytest
from PIL import Image

from demo.examples import CLIPS, FOLDER
from demo.exports import as_mp4
from demo.video.motion import Motion
from fusion_model.skeletons import HUMAN36M_17
from fusion_model.video.clips import Clip, open_clip, read_frames
from tests.helpers.browsers import chromium, open_in
from tests.helpers.clips import write_clip
from tests.helpers.hub_double import hub
from tests.helpers.serving import WAIT, served
from tests.helpers.stand_in import StandIn, make_pose

__all__ = ["hub"]
DESK = {"width": 1280, "height": 900}

atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def address(stand_in):
    with served(stand_in) as url:
        yield url


@pytest.fixture(scope="module")  # a server that ends takes the files of all others of its process along
def example_page(stand_in, example):
    with served(stand_in, example=example) as url:
        yield url


@pytest.fixture
def photo():
    return np.full((300, 400, 3), 90, np.uint8)


@pytest.fixture
def change_pose(photo):
    return lambda **changes: make_pose(photo, **changes)


@pytest.fixture
def pose(change_pose):
    return change_pose()


@pytest.fixture
def turned(pose):
    """A function that turns the person about the vertical: by 90 degrees, to the right of the picture."""

    def turn(degrees):
        matrix, _ = cv2.Rodrigues(np.array([0, -np.radians(degrees), 0]))
        return dataclasses.replace(pose, joints_3d=(pose.joints_3d @ matrix.T).astype(np.float32))

    return turn


@pytest.fixture(scope="session")
def stand_in():
    return StandIn()


@pytest.fixture(scope="session")
def example():
    return FOLDER / "hopper.jpg"


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory):
    """A function that writes a grey clip, 160 x 120 with 25 frames a second, black in some of its frames."""

    def make(frames=10, black=()):
        pictures = [np.full((120, 160, 3), 0 if number in black else 90, np.uint8) for number in range(frames)]
        return write_clip(tmp_path_factory.mktemp("clip") / "walk.mp4", pictures)

    return make


@pytest.fixture(scope="session")
def clip(make_clip):
    return make_clip(black=(3, 4))


@pytest.fixture
def motion(change_pose):
    """Every second frame of a clip: the person lifts the left hand by 10 mm a frame, and is away in two of them."""
    poses, wrist = [], HUMAN36M_17.index("left_wrist")
    for place in range(12):
        poses.append(change_pose(heatmaps=np.zeros((16, 1, 1), np.float32), seconds={}))
        poses[-1].joints_3d[wrist, 1] -= 10 * place
    poses[4:6] = None, None
    frames, times = zip(*((number, number / 25.0) for number in range(0, 24, 2)), strict=True)
    return Motion(Clip(Path("dance.mp4"), 400, 300, 24, 25.0), 2, frames, times, tuple(poses))


@pytest.fixture
def quick_turn(monkeypatch):
    monkeypatch.setattr(as_mp4, "RATE", 4)
    monkeypatch.setattr(as_mp4, "SIDE", 96)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium with a camera that shows the example clip, over and over."""
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    shown = (frame[:, :, ::-1] for *_, frame in itertools.islice(read_frames(open_clip(CLIPS[0].path)), 40))
    film.write_bytes(b"".join(cv2.imencode(".jpg", frame)[1].tobytes() for frame in shown))
    camera = ("device-for-media-stream", "ui-for-media-stream")
    with chromium(*(f"--use-fake-{one}" for one in camera), f"--use-file-for-fake-video-capture={film}") as browser:
        yield browser


@pytest.fixture(scope="session")
def context(browser):
    """Tabs that are used again: where the scripts have been read before, a page opens in half the time."""
    context = browser.new_context(reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def open_page(context, address):
    """A function that opens the page, where nothing moves by itself and no script may break."""
    pages = []

    def opened(viewport=DESK, url=address):
        pages.append(open_in(context, url, viewport))
        pages[-1].wait_for_selector("#photo input[type=file]", state="attached", timeout=WAIT)
        return pages[-1]

    yield opened
    for page in context.pages[1:]:  # a tab behind others draws nothing
        page.close()
    context.pages[0].goto("about:blank")
    assert [page.broken for page in pages] == [[]] * len(pages)


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("milk, bread, two <b>apples</b>")
    return path


@pytest.fixture
def black(tmp_path):
    Image.new("RGB", (100, 100)).save(tmp_path / "black.png")
    return tmp_path / "black.png"
