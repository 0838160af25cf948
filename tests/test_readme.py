"""What README and docs tell people to run runs: code as it is, commands for a few steps; and the Space can start."""

import importlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from fusion_model import PoseEstimator
from fusion_model.images import example_photo
from tests.helpers import human36m_files, lsp_mpii_coco_files
from tests.helpers.clips import write_clip
from tests.helpers.fake_data import write_pack
from tests.helpers.own_process import call
from tests.helpers.serving import served
from train import hourglass, prepare
from train.data.readers.human36m import CAMERAS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENDPOINTS = (ROOT / "docs/endpoints.md").read_text(encoding="utf-8")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = ("README.md", "docs/api.md", "docs/data.md", "docs/endpoints.md", "docs/formats.md")
BLOCKS = [
    pytest.param(code, id=f"{page} {number}")
    for page in PAGES
    for number, code in enumerate(PYTHON.findall((ROOT / page).read_text(encoding="utf-8")), 1)
]
SHELL_BLOCKS = re.findall(r"^```bash\n(.*?)^```", ENDPOINTS, re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:7860"
CLIP = "assets/examples/stretching.mp4"
RESULTS = {  # what the names of a block stand for when it has run
    "as_bvh": lambda _: "Frames: 3\n" in Path("stretching.bvh").read_text(),
    "pose": lambda pose: len(pose["joints"] if isinstance(pose, dict) else pose.joints_3d) == 17,
    "answer": lambda answer: [one["photo"] for one in answer["photos"]] == ["hopper.jpg", "result.webp"],
    "motion": lambda motion: [frame["found"] for frame in motion["frames"]] == [True] * 3,
}


@pytest.fixture(scope="module")
def address():
    """Where the real page is served, over the bundled checkpoint."""
    with served(PoseEstimator.from_pretrained("default")) as url:
        yield url.rstrip("/")


@pytest.fixture
def clip(tmp_path):
    return str(write_clip(tmp_path / "clip.mp4", [example_photo()] * 3))


@pytest.mark.slow
@pytest.mark.parametrize("code", BLOCKS)
def test_the_python_blocks_run_as_they_are(code, request, monkeypatch, tmp_path):
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_POSE_MODEL", raising=False)
    for word, fixture in ((ADDRESS, "address"), (CLIP, "clip")):
        code = code.replace(word, request.getfixturevalue(fixture)) if word in code else code
    names = {}
    exec(compile(code, "a page", "exec"), names)  # noqa: S102 - our own pages
    for name, fits in RESULTS.items():
        assert name not in names or fits(names[name]), name
    if "people" in names:  # a pack of one's own photos: it trains
        quick = ("--preset", "tiny", "--steps", 1, "--batch", 4, "--log", "csv")
        assert call(hourglass, "--data", "mine", "--run", "run", *quick) == 0


@pytest.mark.slow
def test_the_curl_blocks_run_as_they_are(address, clip):
    script = "\n".join(block for block in SHELL_BLOCKS if "curl" in block)
    script = script.replace(ADDRESS, address).replace(CLIP, clip)
    command = [shutil.which("bash"), "-euc", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line.removeprefix("data:")) for line in done.stdout.splitlines() if line.startswith("data:")]
    results = [answer[0] for answer in answers if answer and answer[0]]
    assert list(dict.fromkeys(one["schema"] for one in results)) == ["fusion-pose/1", "fusion-pose-video/1"]
    assert results[-1] == answers[-1][0]  # the last line, as the page says
    assert [frame["found"] for frame in results[-1]["frames"]] == [True] * 3


def test_a_space_finds_what_it_needs():
    front = yaml.safe_load(README.split("---\n")[1])
    assert {"title", "emoji", "license"} <= set(front)
    assert (front["sdk"], front["app_file"]) == ("gradio", "app.py")
    assert front["python_version"] in ("3.10", "3.12")  # what ZeroGPU offers
    assert len(front["short_description"]) <= 60
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {front["colorFrom"], front["colorTo"]} <= colours
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    gradio = next(Requirement(line) for line in lines if line.startswith("gradio"))
    assert front["sdk_version"] in gradio.specifier


INSTRUCTIONS = re.findall(r"^([A-Z]+) (.*)$", (ROOT / "Dockerfile").read_text().replace("\\\n", " "), re.MULTILINE)


def instructions(name):
    return [rest for word, rest in INSTRUCTIONS if word == name]


@pytest.mark.slow
def test_what_the_container_copies_serves_the_page(tmp_path):
    for source, place in map(str.split, instructions("COPY")):
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / source, tmp_path / place)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    variables, check, start = (instructions(name)[0].replace("7860", port) for name in ("ENV", "HEALTHCHECK", "CMD"))
    check, start = json.loads(check.split("CMD ")[1]), json.loads(start)
    settings = dict(one.split("=") for one in variables.split())
    environment = {**os.environ, **settings, "GRADIO_SERVER_NAME": "127.0.0.1"}
    environment.pop("FUSION_POSE_MODEL", None)
    with subprocess.Popen([sys.executable, *start[1:]], cwd=tmp_path, env=environment) as server:
        try:
            healthy = [sys.executable, *check[1:]]
            assert any(
                subprocess.run(healthy, capture_output=True, check=False).returncode == 0 or time.sleep(1)
                for _ in range(180)
                if server.poll() is None
            )
        finally:
            server.terminate()


def test_the_container_is_no_root_and_opens_the_port_of_the_page():
    assert (instructions("USER"), instructions("EXPOSE")) == (["app"], ["7860"])
    copied = {f"!{rest.split()[0]}" for rest in instructions("COPY")}
    assert copied == {line for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}


STEPS = ("--steps", 2, "--batch", 4, "--validate-every", 2, "--log", "csv")
TINY = ("--preset", "tiny", *STEPS)
QUICK = {  # of each command, what makes it quick
    "ablate": (*TINY, "--crops", 1, "--strategies", "late", "--seeds", 0),
    "analyse": ("--people", 2, "--images", 2),
    "backgrounds": ("--count", 2, "--min-side", 16),
    "detector": (*STEPS, "--width", 16, "--input-size", 64),
    "evaluate": ("--checkpoint", "released", "--data", "data2d"),  # after two steps nobody is found
    "fusion": (*TINY, "--crops", 1),
    "hourglass": TINY,
    "publish": ("--dry-run",),  # tests/train/test_publish.py sends to a double of the Hub
    "reproduce": ("--dry-run",),  # tests/train/test_reproduce.py runs recipes
    "synthesize": ("--count", 2, "--size", 64, "--processes", 1),
}


def commands(page):
    """(module, words) of the commands of this repository on a page, in its order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^ *```bash\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("python -m "):
                module, *words = shlex.split(line, comments=True)[2:]
                if module != "train.quickstart":  # tests/train/test_reproduce.py runs it
                    yield module, words


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder in which a page's commands are typed: a clone, with data sets where the pages have them."""
    for name in ("assets", "configs"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("data", "data2d", "mine"):
        write_pack(tmp_path / name, "made", 8, held_out=3)
    shutil.copytree(ROOT / "assets/checkpoints/default", tmp_path / "released")
    lsp_mpii_coco_files.write_coco(tmp_path / "coco")
    for subject, camera in product(("S1", "S9"), CAMERAS):
        monkeypatch.setattr(human36m_files, "CAMERA", camera)
        human36m_files.write_sequence(tmp_path / "downloads" / "human36m", subject, "Walking")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("train.command.keep_freed_memory", lambda: False)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/data.md", "docs/deploy.md", "docs/formats.md", "docs/training.md"])
@pytest.mark.usefixtures("place")
def test_the_commands_of_a_page_run_in_its_order(page, capsys):
    if page == "docs/training.md":
        assert call(prepare, "human36m", "--source", "downloads/human36m", "--out", "data/human36m") == 0
    for module, words in commands(page):
        quick = QUICK.get(module.removeprefix("train."), ())
        command = importlib.import_module(module)
        status = command.main(words) if module == "demo.predict" else call(command, *words, *quick)
        assert status == 0, (module, words, capsys.readouterr().err[-2000:])
