"""Which checkpoint is served, and what the page says about it; the Hub is a double that the real client talks to."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from demo.about import _inside, hero
from demo.page import build_page, parse_arguments
from demo.service import GPU_SECONDS, MODEL_VARIABLE, Service
from fusion_model import PoseEstimator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def commit(hub, tmp_path, monkeypatch):
    PoseEstimator.random("tiny", seed=0).save_pretrained(tmp_path / "model")
    monkeypatch.setenv(MODEL_VARIABLE, "user/name@main")
    hub.push(tmp_path / "model")


@pytest.mark.slow
@pytest.mark.usefixtures("commit")
@pytest.mark.parametrize("cached", [True, False])
def test_without_the_hub_the_cache_or_the_bundled_model_is_served_and_the_page_says_so(hub, cached):
    if cached:
        assert Service.from_environment().notice == ""
    hub.close()
    service = Service.from_environment()
    assert service.info()["model"] == ("user/name@main" if cached else "default")
    said = "is served from the cache" if cached else "is not in the cache: the bundled model is served"
    assert f"user/name@main {said}" in service.notice
    assert service.notice in [getattr(block, "value", None) for block in build_page(service).blocks.values()]


@pytest.mark.usefixtures("commit")
@pytest.mark.parametrize(
    ("mood", "source", "sentence"),
    [
        ("private", "user/name@main", "there is no folder 'user/name@main', and the Hub"),
        ("well", "user/name@v9", "'user/name@v9', and the Hub has no such repository or revision"),
        ("well", "/nowhere/at/all", "/nowhere/at/all"),
        ("well", "", None),
        ("well", "model", None),
    ],
)
def test_a_refusal_serves_nothing_else_and_a_folder_needs_no_notice(hub, tmp_path, monkeypatch, mood, source, sentence):
    hub.mood = mood
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(MODEL_VARIABLE, source)
    if sentence is None:
        service = Service.from_environment()
        assert (service.info()["model"], service.notice) == (source or "default", "")
    else:
        with pytest.raises(SystemExit, match="The model cannot be loaded: ") as end:
            Service.from_environment()
        assert sentence in str(end.value)


def test_every_call_that_needs_the_gpu_says_for_how_long(stand_in, example, monkeypatch):
    declared, called = [], []

    def gpu(function, *, duration):
        declared.append(duration)
        return lambda *arguments: (called.append(function.__name__), function(*arguments))[1]

    monkeypatch.setattr("demo.service.spaces", SimpleNamespace(GPU=gpu))
    service = Service(stand_in)
    assert declared == [GPU_SECONDS] * 4
    service.estimate(str(example))
    service.in_box(service.predict_all(str(example)), [0, 0, 100, 100])
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
def test_on_zerogpu_the_model_is_on_the_device_at_once_and_can_be_described_without_it(tmp_path, monkeypatch):
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "model"))
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "model")
    space = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": "http://127.0.0.1:9"}
    environment = {**os.environ, **space, "ZEROGPU_OFFLOAD_DIR": str(tmp_path / "tensors")}
    command = [sys.executable, "-c", ZERO_GPU]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    device, functions, info = json.loads(done.stdout.strip().splitlines()[-1])
    assert (device, functions, info) == ("cuda:0", 4, Service.from_environment().info())


@pytest.mark.parametrize("space", ["", "user/name"])
def test_the_code_is_linked_where_its_address_is_known(monkeypatch, space):
    monkeypatch.setenv("SPACE_ID", space)
    assert ("https://huggingface.co/spaces/user/name/tree/main" in hero().value) == bool(space)
    assert ["#lab" in hero(with_lab=one).value for one in (False, True)] == [False, True]


def test_the_card_is_part_of_the_page_without_its_front_matter():
    card = "---\nlicense: x\n---\n# Card\n\n```bash\n# a comment\n```\n## More\n---\n"
    assert _inside(card) == "### Card\n\n```bash\n# a comment\n```\n#### More\n---\n"


def test_mcp_without_its_package_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("demo.page.find_spec", lambda _: None)
    with pytest.raises(SystemExit) as end:
        parse_arguments(["--mcp"])
    assert end.value.code == 2
    assert 'pip install "gradio[mcp]"' in capsys.readouterr().err
