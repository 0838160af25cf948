"""The commands that the pages tell people to type, in their order and for real: on a few people, for a few steps."""

import importlib
import re
import shlex
import shutil
from itertools import product
from pathlib import Path

import pytest

from tests.helpers import human36m_files, lsp_mpii_coco_files
from tests.helpers.fake_data import write_pack
from tests.helpers.in_process import call
from train import prepare
from train.data.readers.human36m import CAMERAS

ROOT = Path(__file__).parent.parent
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
                if module != "train.quickstart":  # tests/train/test_quickstart.py runs it
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
@pytest.mark.parametrize("page", ["README.md", "docs/data.md", "docs/formats.md", "docs/training.md"])
@pytest.mark.usefixtures("place")
def test_the_commands_of_a_page_run_in_its_order(page, capsys):
    if page == "docs/training.md":
        assert call(prepare, "human36m", "--source", "downloads/human36m", "--out", "data/human36m") == 0
    for module, words in commands(page):
        quick = QUICK.get(module.removeprefix("train."), ())
        command = importlib.import_module(module)
        status = command.main(words) if module == "demo.predict" else call(command, *words, *quick)
        assert status == 0, (module, words, capsys.readouterr().err[-2000:])


def test_the_pytest_command_of_the_contributors_page_finds_tests():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    ((folder, word),) = re.findall(r"^\.venv/bin/python -m pytest (\S+) -k (\w+)", text, re.MULTILINE)
    assert [path.name for path in (ROOT / folder).glob(f"test_{word}*")] == ["test_crops.py"]
