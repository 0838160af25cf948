"""What the README and its neighbours say is true: their code runs, their links lead somewhere, the Space can start."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "RESULTS.md", "CONTRIBUTING.md", "DATASETS.md", "train/README.md", "assets/examples/README.md")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SHELL_BLOCKS = re.findall(r"^```bash\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:7860"


def without_blocks(text):
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """The names under which a page's headings can be linked."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links():
    """(page, target) of every link that stays inside the repository."""
    for page in PAGES:
        text = without_blocks((ROOT / page).read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not re.match(r"[a-z]+:", target):
                yield page, target


def mentioned():
    """(page, path) of every file or folder of the repository that a page names as code."""
    rooms = ("fusion_model/", "demo/", "train/", "tests/", "assets/", "scripts/")
    for page in PAGES:
        for name in re.findall(r"`([\w./-]+)`", (ROOT / page).read_text(encoding="utf-8")):
            if name.startswith(rooms):
                yield page, name


@pytest.fixture(scope="module")
def address():
    """Where the real page is served, over the bundled checkpoint."""
    from fusion_model import PoseEstimator
    from tests.helpers.serving import served

    with served(PoseEstimator.from_pretrained("default")) as url:
        yield url.rstrip("/")


@pytest.fixture
def clip(tmp_path):
    """Three frames of the example photo."""
    from fusion_model.images import load_photo
    from tests.helpers.clips import write_clip

    return str(write_clip(tmp_path / "clip.mp4", [load_photo(ROOT / "assets/examples/hopper.jpg")] * 3))


@pytest.mark.slow
@pytest.mark.parametrize("code", BLOCKS, ids=[f"block {number + 1}" for number in range(len(BLOCKS))])
def test_the_python_blocks_run_as_they_are(code, request, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("FUSION_POSE_MODEL", raising=False)
    if ADDRESS in code:
        code = code.replace(ADDRESS, request.getfixturevalue("address"))
    if "clip.mp4" in code:
        code = code.replace("clip.mp4", request.getfixturevalue("clip"))
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own README
    shapes = {"joints_3d": (17, 3), "joints_2d": (17, 2), "confidence": (17,), "box": (4,)}
    if "estimator" in names:
        assert {name: getattr(names["pose"], name).shape for name in shapes} == shapes
        assert names["pose"].heatmaps.shape[0] == 16
        assert len(names["poses"]) == 2
        assert names["boxes"].shape == (*names["scores"].shape, 4)
    elif "joints" in names:
        assert names["joints"].shape == (1, 17, 3)
        assert names["maps"][0].shape == (1, 16, names["size"] / 4, names["size"] / 4)
    elif "answer" in names:
        hopper, page = names["answer"]["photos"]
        assert (hopper["photo"], len(hopper["poses"]), hopper["error"]) == ("hopper.jpg", 1, None)
        assert page["photo"] == "result.png"
    elif "motion" in names:
        assert [frame["found"] for frame in names["motion"]["frames"]] == [True] * 3
    else:
        assert len(names["pose"]["joints"]) == 17


@pytest.mark.slow
def test_the_curl_blocks_run_as_they_are(address, clip):
    script = "\n".join(block for block in SHELL_BLOCKS if "curl" in block)
    script = script.replace(ADDRESS, address).replace("clip.mp4", clip)
    command = [shutil.which("bash"), "-euc", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line.removeprefix("data:")) for line in done.stdout.splitlines() if line.startswith("data:")]
    results = [answer[0] for answer in answers if answer and answer[0]]
    assert list(dict.fromkeys(one["schema"] for one in results)) == ["fusion-pose/1", "fusion-pose-video/1"]
    assert results[-1] == answers[-1][0]  # the last line, as the README says
    assert [frame["found"] for frame in results[-1]["frames"]] == [True] * 3


@pytest.mark.parametrize(("page", "target"), sorted(set(links())))
def test_links_lead_somewhere(page, target):
    path, _, anchor = target.partition("#")
    file = (ROOT / page).parent / path if path else ROOT / page
    assert file.exists(), f"{page} links to {target}"
    if anchor:
        assert anchor in anchors(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("page", "name"), sorted(set(mentioned())))
def test_named_files_exist(page, name):
    assert (ROOT / name).exists(), f"{page} names {name}"


def test_named_commands_exist():
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    modules = set(re.findall(r"python -m ((?:train|demo)\.\w+)", text))
    assert {"train.hourglass", "train.fusion", "train.calibrate", "train.evaluate", "demo.predict"} <= modules
    assert all((ROOT / f"{name.replace('.', '/')}.py").is_file() for name in modules)


def test_named_targets_of_make_exist():
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "check", "test"} <= set(re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("line", re.findall(r"^python -m (train\.\w+ .*)$", README, re.MULTILINE))
def test_training_commands_take_the_options_that_are_named(line):
    import importlib

    module, *words = line.split()
    options = importlib.import_module(module).parser().parse_args(words)
    if module == "train.quickstart":  # makes its own data
        assert options.out.parent == Path("runs")
    else:
        assert (options.out.parent if module == "train.synthesize" else options.data) == Path("data")


def test_a_space_finds_what_it_needs():
    front = yaml.safe_load(README.split("---\n")[1])
    wanted = {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "license"}
    assert wanted <= set(front)
    assert front["sdk"] == "gradio"
    assert (ROOT / front["app_file"]).is_file()
    assert front["python_version"] in ("3.10", "3.12")  # what ZeroGPU offers
    assert len(front["short_description"]) <= 60
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {front["colorFrom"], front["colorTo"]} <= colours


def test_the_space_gets_the_gradio_that_the_requirements_ask_for():
    from packaging.requirements import Requirement

    front = yaml.safe_load(README.split("---\n")[1])
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    gradio = next(Requirement(line) for line in lines if line.startswith("gradio"))
    assert front["sdk_version"] in gradio.specifier
