"""A person of known joints, and an estimator that always finds that person."""

import atexit
import dataclasses
import os
import shutil
import tempfile
import time
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="fusion-pose-tests-")  # other apps clean the common folder

import numpy as np
import pytest
import torch
from PIL import Image

from demo.video.clips import clip_writer
from fusion_model import PRESETS, NoPersonError, Pose
from fusion_model.boxes import check_box
from fusion_model.estimator import FusionSummary
from fusion_model.heatmaps import encode
from fusion_model.images import load_photo
from fusion_model.skeletons import HUMAN36M_17, MPII_16, conversion_matrix
from tests.helpers.hub_double import black_hole, hub

__all__ = ["black_hole", "hub"]

atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"

# A person who faces the camera, so that the own left is on the right of the photo; mm, x right, y down, z away.
STANDING = {
    "pelvis": (0, 0, 0), "right_hip": (-130, 0, 0), "right_knee": (-150, 440, -60), "right_ankle": (-150, 870, 40),
    "left_hip": (130, 0, 0), "left_knee": (150, 440, -60), "left_ankle": (150, 870, 40), "spine": (0, -240, 10),
    "thorax": (0, -480, 0), "neck": (0, -570, -30), "head_top": (0, -760, 0), "left_shoulder": (180, -470, 0),
    "left_elbow": (430, -420, -60), "left_wrist": (560, -640, -180), "right_shoulder": (-180, -470, 0),
    "right_elbow": (-250, -200, 60), "right_wrist": (-240, 40, -60),
}  # fmt: skip


def make_pose(photo, **changes):
    """The standing person in the middle of a photo (H, W, 3), head and feet inside it."""
    height, width = photo.shape[:2]
    joints_3d = np.array([STANDING[name] for name in HUMAN36M_17.joints], np.float32)
    scale = height / 1900
    joints_2d = (joints_3d[:, :2] * scale + [width / 2, height * 0.47]).astype(np.float32)
    box = np.array([width / 2 - height / 2, 0, width / 2 + height / 2, height], np.float32) - 0.5
    mpii = conversion_matrix(HUMAN36M_17, MPII_16) @ joints_2d
    maps = encode(torch.from_numpy((mpii - box[:2]) * (64 / height) - 0.5), (64, 64), 1.5).numpy()
    values = {
        "joints_3d": joints_3d, "joints_2d": joints_2d, "confidence": np.linspace(0.6, 1, 17, dtype=np.float32),
        "status": ("seen",) * 17, "heatmaps": maps, "box": box, "angle": 0.0, "score": 0.9,
        "skeleton": HUMAN36M_17.name, "height_mm": 1700.0, "derived": ("spine",),
        "seconds": {"looking": 0.04, "fusion": 0.002}, "model": "stand-in",
    }  # fmt: skip
    return Pose(**(values | changes))


class StandIn:
    """Has the face of PoseEstimator and always finds the standing person, except in black photos."""

    name = "stand-in"
    config = PRESETS["tiny"]
    least_score = config.calibration.person
    fusion = FusionSummary("trainable", 2.0, 2.5, np.array([0.05, 0.27, 0.73], np.float32), True, 1)

    def __call__(self, photo, box=None, *, height_mm=1700.0, flip_test=True):  # noqa: ARG002 - the face of the real one
        """Find the person; a box must at least be four numbers."""
        if box is not None:
            check_box(box, 10_000, 10_000)
        array = load_photo(photo)
        if not array.any():
            raise NoPersonError("nobody was found in the photo")
        pose = make_pose(array)
        return dataclasses.replace(pose, height_mm=height_mm, joints_3d=pose.joints_3d * np.float32(height_mm / 1700))

    def find_people(self, photo):
        """Find two people, beside each other; nobody in black photos."""
        height, width = load_photo(photo).shape[:2]
        boxes = [[0, 0, width / 2, height], [width / 2, 0, width, height]] if load_photo(photo).any() else []
        return np.array(boxes, np.float32).reshape(-1, 4), np.array([0.9, 0.5][: len(boxes)], np.float32)

    def everybody(self, photo, *, height_mm=1700.0):
        """Find the two people of find_people, each the standing person in the middle of the box."""
        boxes, _ = self.find_people(photo)
        return boxes, self.batch([load_photo(photo)] * len(boxes), boxes, height_mm=height_mm)

    def batch(self, photos, boxes, *, height_mm=1700.0):
        """Find the standing person in each box, centered there; nobody where the photo is below 20 at its center."""
        poses = []
        for photo, (x0, y0, x1, y1) in zip(photos, boxes, strict=True):
            pose, seen = self(photo, height_mm=height_mm), photo[int(y0 + y1) // 2, int(x0 + x1) // 2].max() >= 20
            shift = np.float32([(x0 + x1 - photo.shape[1]) / 2, 0])
            poses.append(dataclasses.replace(pose, joints_2d=pose.joints_2d + shift) if seen else None)
        return poses


class Counting:
    """The stand-in, which counts what it looks at, and takes its time."""

    def __init__(self, stand_in):
        self.stand_in, self.looked, self.pause = stand_in, 0, 0.0

    def __getattr__(self, name):
        """What else the stand-in has."""
        return getattr(self.stand_in, name)

    def __call__(self, *arguments, **named):
        """Find the person."""
        self.looked += 1
        time.sleep(self.pause)
        return self.stand_in(*arguments, **named)


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
        path = tmp_path_factory.mktemp("clip") / name
        with clip_writer(path, (160, 120), 25) as write:
            for number in range(frames):
                write(np.full((120, 160, 3), 0 if number in black else 90, np.uint8), number / 25)
        return path

    return make


@pytest.fixture(scope="session")
def clip(make_clip):
    """Ten frames; nobody is there in the fourth and fifth."""
    return make_clip(black=(3, 4))


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium: install the package 'chromium', or set CHROMIUM to its path")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


DESK = {"width": 1280, "height": 900}
WAIT = 60_000  # milliseconds, for busy machines


@pytest.fixture
def open_page(browser, address):
    contexts = []

    def opened(viewport=DESK, scheme="light", url=address):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
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
    """Photos of every kind that people send: path, and words of the refusal, or None if it is taken."""
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
    taken = ("turned.jpg", "grey.png", "clear.png", "deep.png", "moving.gif", "moving.webp", "wide.jpg")
    refused = {
        "dot.png": "dot.png is 1 x 1 pixels",
        "empty.jpg": "empty.jpg is an empty file",
        "telephone.heic": "telephone.heic is a HEIC photo, which is not read: expected JPEG",
        notes.name: "notes.jpg is not a photo",
    }
    return {tmp_path / name: words for name, words in {**dict.fromkeys(taken), **refused}.items()}
