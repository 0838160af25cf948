"""Which checkpoint is served, and what the page says about it; the Hub is a double that the real client talks to."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gradio import Error
from huggingface_hub import constants

from demo.page import build_page
from demo.service import GPU_SECONDS, MODEL_VARIABLE, Service
from fusion_model import PoseEstimator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def commit(hub, tmp_path, monkeypatch):
    """The Hub holds a model, and the app is told to serve it."""
    PoseEstimator.random("tiny", seed=0).save_pretrained(tmp_path / "model")
    monkeypatch.setenv(MODEL_VARIABLE, "user/name@main")
    return hub.push(tmp_path / "model")


def is_shown(service):
    """Whether the page shows the notice."""
    return service.notice in [getattr(block, "value", None) for block in build_page(service).blocks.values()]


def test_a_model_of_the_hub_is_downloaded_once_and_served_from_the_cache_if_the_hub_is_gone(hub, commit, monkeypatch):
    for _ in range(2):
        service = Service.from_environment()
        assert (service.info()["model"], service.notice) == ("user/name@main", "")
        assert hub.downloads() == 3
    hub.asked.clear()
    monkeypatch.setenv(MODEL_VARIABLE, f"user/name@{commit}")
    assert Service.from_environment().notice == ""
    assert hub.asked == []
    monkeypatch.setenv(MODEL_VARIABLE, "user/name@main")
    hub.close()
    service = Service.from_environment()
    assert service.info()["model"] == "user/name@main"
    assert service.info()["width"] == PoseEstimator.random("tiny").config.hourglass.width
    assert "user/name@main is served from the cache" in service.notice
    assert is_shown(service)


@pytest.mark.usefixtures("commit")
@pytest.mark.parametrize("mood", ["gone", "failing"])
def test_a_hub_out_of_reach_is_replaced_by_the_bundled_model_and_the_page_says_so(hub, mood):
    hub.mood = mood
    if mood == "gone":
        hub.close()
    service = Service.from_environment()
    assert service.info()["model"] == "default"
    assert "user/name@main is not in the cache: the bundled model is served" in service.notice
    assert is_shown(service)


@pytest.mark.slow
@pytest.mark.usefixtures("commit")
def test_a_hub_that_never_answers_does_not_hold_the_start(black_hole, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", black_hole)
    began = time.monotonic()
    assert "bundled" in Service.from_environment().notice
    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("commit")
@pytest.mark.parametrize(
    ("mood", "source", "sentence"),
    [
        ("no repository", "user/name@main", "there is no folder 'user/name@main', and the Hub"),
        ("private", "user/name@main", "there is no folder 'user/name@main', and the Hub"),
        ("gated", "user/name@main", "there is no folder 'user/name@main', and the Hub"),
        ("", "user/name@v9", "'user/name@v9', and the Hub has no such repository or revision"),
        ("", "/nowhere/at/all", "/nowhere/at/all"),
    ],
)
def test_a_refusal_is_no_reason_to_serve_something_else(hub, monkeypatch, mood, source, sentence):
    hub.mood = mood or hub.mood
    monkeypatch.setenv(MODEL_VARIABLE, source)
    with pytest.raises(SystemExit, match="The model cannot be loaded: ") as end:
        Service.from_environment()
    assert sentence in str(end.value)


@pytest.mark.usefixtures("commit")
@pytest.mark.parametrize("name", ["default", "model"])
def test_the_bundled_model_and_a_folder_need_no_notice(monkeypatch, tmp_path, name):
    monkeypatch.setenv(MODEL_VARIABLE, "" if name == "default" else str(tmp_path / name))
    service = Service.from_environment()
    assert (service.info()["model"], service.notice) == (name, "")


def test_words_of_zerogpu_for_the_user_keep_their_title_and_link(stand_in, example, monkeypatch):
    told, service = (
        Error('Used up. <a href="https://huggingface.co/pricing">More</a>', title="Quota"),
        Service(stand_in),
    )
    monkeypatch.setattr(service, "_run", lambda *_: (_ for _ in ()).throw(told))  # a ValueError, too
    with pytest.raises(Error) as error:
        service.estimate(str(example))
    assert error.value is told


def test_every_call_that_needs_the_gpu_says_for_how_long(stand_in, photo, monkeypatch):
    declared, called = [], []

    class Spaces:
        @staticmethod
        def GPU(function, *, duration):  # noqa: N802
            declared.append(duration)
            return lambda *arguments: (called.append(function.__name__), function(*arguments))[1]

    monkeypatch.setattr("demo.service.spaces", Spaces)
    monkeypatch.setattr(Service, "_read", lambda *_: photo)
    monkeypatch.setattr(Service, "photo_of", lambda *_: photo)
    service = Service(stand_in)
    assert declared == [GPU_SECONDS] * 4
    service.estimate("photo.jpg")
    service.in_box(service.predict_all("photo.jpg"), [0, 0, 100, 100])
    assert called == ["_estimate", "_predict_all", "_estimate"]


ZERO_GPU = """
import demo.service, json, torch
from spaces.zero import torch as zero
from spaces.zero.decorator import decorated_cache
service = demo.service.Service.from_environment()
zero.pack()  # what a launch does: the tensors leave the memory until a call has its GPU
print(json.dumps([str(service.estimator.predictor.device), len(decorated_cache) // 2, service.info()]))
"""


@pytest.mark.slow
def test_on_zerogpu_the_model_is_on_the_device_at_once_and_can_be_described_without_it(tmp_path):
    environment = os.environ | {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": "http://127.0.0.1:9",
        "ZEROGPU_OFFLOAD_DIR": str(tmp_path),
        MODEL_VARIABLE: "",
    }
    command = [sys.executable, "-c", ZERO_GPU]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    device, functions, info = json.loads(done.stdout.strip().splitlines()[-1])
    assert (device, functions) == ("cuda:0", 4)
    assert info == Service.from_environment().info()
