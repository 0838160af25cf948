"""Which checkpoint is served, and what the page says about it; the Hub is a double that the real client talks to."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
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


def test_a_model_of_the_hub_is_downloaded_once(hub, commit, monkeypatch):
    for _ in range(2):
        service = Service.from_environment()
        assert (service.info()["model"], service.notice) == ("user/name@main", "")
        assert service.info()["width"] == PoseEstimator.random("tiny").config.hourglass.width
        assert hub.downloads() == 3
    hub.asked.clear()
    monkeypatch.setenv(MODEL_VARIABLE, f"user/name@{commit}")
    assert Service.from_environment().notice == ""
    assert hub.asked == []


@pytest.mark.usefixtures("commit")
def test_a_hub_that_is_gone_leaves_the_cached_copy_and_the_page_says_so(hub):
    Service.from_environment()
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
    service = Service.from_environment()
    print(f"started after {time.monotonic() - began:.1f} s without an answer")
    assert time.monotonic() - began < 10
    assert "bundled" in service.notice


@pytest.mark.usefixtures("commit")
@pytest.mark.parametrize("mood", ["no repository", "private", "gated"])
def test_a_hub_that_refuses_is_no_reason_to_serve_something_else(hub, mood):
    hub.mood = mood
    with pytest.raises(
        SystemExit, match="The model cannot be loaded: there is no folder 'user/name@main', and the Hub"
    ):
        Service.from_environment()


@pytest.mark.usefixtures("commit")
def test_a_revision_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv(MODEL_VARIABLE, "user/name@v9")
    with pytest.raises(SystemExit, match="'user/name@v9', and the Hub has no such repository or revision"):
        Service.from_environment()


def test_a_missing_folder_is_no_reason_to_serve_something_else(monkeypatch, tmp_path):
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(SystemExit, match="cannot be loaded"):
        Service.from_environment()


def test_the_bundled_model_needs_no_notice(monkeypatch):
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    service = Service.from_environment()
    assert (service.info()["model"], service.notice) == ("default", "")


@pytest.mark.usefixtures("commit")
def test_a_folder_goes_by_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "model"))
    service = Service.from_environment()
    assert (service.info()["model"], service.notice) == ("model", "")


def test_every_call_that_needs_the_gpu_says_for_how_long(stand_in, photo, monkeypatch):
    declared, called = [], []

    class Spaces:
        @staticmethod
        def GPU(function, *, duration):  # noqa: N802
            declared.append(duration)
            return lambda *arguments: (called.append(function.__name__), function(*arguments))[1]

    monkeypatch.setattr("demo.service.spaces", Spaces)
    monkeypatch.setattr(Service, "_read", lambda *_: photo)
    service = Service(stand_in)
    assert declared == [GPU_SECONDS] * 4
    service.estimate("photo.jpg")
    result = service.predict_all("photo.jpg")
    monkeypatch.setattr(Service, "photo_of", lambda *_: photo)
    service.in_box(result, [0, 0, 100, 100])
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
