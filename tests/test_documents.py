"""The pages: links and names lead somewhere, commands parse, no public name and no experiment is left out."""

import csv
import dataclasses
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import fusion_model
from fusion_model import presets
from fusion_model.estimator import FusionSummary

ROOT = Path(__file__).parent.parent
SKIPPED = {".git", ".venv", ".pytest_cache", "data", "runs", "prepared", "results", "build", "dist"}
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.md") if path.relative_to(ROOT).parts[0] not in SKIPPED
)
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
EXPERIMENTS = sorted(page for page in PAGES if re.match(r"docs/experiments/\d", page))
ROOMS = ("fusion_model/", "demo/", "train/", "tests/", "assets/", "scripts/", "docs/")


def without_blocks(text):
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """The names under which a page's headings can be linked, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_names_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(TEXTS[page])):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert re.match(r"[a-z]+:", target) or file.exists(), target
        assert not anchor or ":" in target or anchor in anchors(file.read_text(encoding="utf-8")), target
    for name in re.findall(r"`([\w./-]+)`", TEXTS[page]):
        assert not name.startswith(ROOMS) or (ROOT / name).exists(), name


def test_named_modules_and_targets_of_make_exist_and_pages_keep_their_form():
    for page in EXPERIMENTS:
        assert re.findall(r"^## (.+)$", TEXTS[page], re.MULTILINE) == ["Question", "Command", "Measured", "Answer"], (
            page
        )
    for lines in (TEXTS[page].splitlines() for page in ("README.md", "RESULTS.md")):
        assert len(lines) <= 150
        assert max(map(len, lines)) <= 120
    text = "".join(TEXTS.values())
    modules = set(re.findall(r"python -m ((?:train|demo|scripts|tests)\.[\w.]*\w)", text))
    assert [name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").is_file()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "check", "test"} <= set(re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES)
def test_training_commands_take_the_options_that_are_named(page, capsys):
    for block in re.findall(r"^ *```bash\n(.*?)^ *```", TEXTS[page], re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            _, flag, command = line.partition("-m train.")
            if not flag:
                continue
            module, *words = shlex.split(command, comments=True)
            try:
                importlib.import_module(f"train.{module}").parser().parse_args(words)
            except SystemExit:
                pytest.fail(f"{line}: {capsys.readouterr().err.splitlines()[-1]}")


@pytest.mark.slow
def test_the_contributors_command_finds_tests():
    (words,) = re.findall(r"^\.venv/bin/python -m (pytest [^#\n]*)", TEXTS["CONTRIBUTING.md"], re.MULTILINE)
    command = [sys.executable, "-m", *words.split(), "--collect-only", "-q"]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)  # it ends with 5 where there are none


def public(kind):
    """Public attributes of a class of ours, without those of its parents, and the fields of a dataclass."""
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return {name for name in vars(kind) if not name.startswith("_")} | {one.name for one in fields}


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("Pose", public(fusion_model.Pose)),
        ("FusionSummary", public(FusionSummary)),
        ("PoseEstimator", public(fusion_model.PoseEstimator) | {"config", "name", "predictor", "search"}),
        ("FusionNetwork", public(fusion_model.FusionNetwork) - {"forward"} | {"alpha", "beta"}),
        ("PRESETS", set(fusion_model.PRESETS)),
    ],
)
def test_every_public_name_and_attribute_is_on_the_page(section, names):
    page = TEXTS["docs/api.md"]
    assert [name for name in fusion_model.__all__ if anchors(page).count(name.lower()) != 1] == []
    text = re.split(r"^## ", page.split(f"\n## {section}\n")[1], flags=re.MULTILINE)[0]
    named = {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", code)}
    assert names <= named, f"docs/api.md lacks {sorted(names - named)} under {section}"


def test_the_list_of_documents_names_each_and_the_preset_of_the_contributors_page_makes_networks():
    pages = {Path(page).name for page in PAGES if re.fullmatch(r"docs/[a-z]+\.md", page)}
    assert set(re.findall(r"\]\(([a-z]+\.md)\)", TEXTS["docs/README.md"])) == pages
    listed = re.findall(r"\]\((\d.+?\.md)\)", TEXTS["docs/experiments/README.md"])
    assert sorted(listed) == [Path(page).name for page in EXPERIMENTS]
    (code,) = re.findall(r"```python\n(.*?)```", TEXTS["CONTRIBUTING.md"], re.DOTALL)
    slim = eval(f"{{{code}}}", vars(presets))["slim"]  # noqa: S307 - our own page
    assert fusion_model.FusionNetwork(slim.fusion).config.image_channels == slim.hourglass.width


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "experiments").glob("*.csv")), ids=lambda path: path.stem)
def test_a_csv_has_its_page_and_holds_what_the_page_shows(path):
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert {len(row) for row in rows} == {len(rows[0])}
    page, *_ = [page for page in EXPERIMENTS if f"]({path.name})" in TEXTS[page]]
    lines = TEXTS[page].replace("`", "").splitlines()
    for row in rows[1:]:
        (line,) = [line for line in lines if line.startswith(f"| {row[0]} |")]
        assert {cell.strip() for cell in line.strip("|").split("|")} <= set(row)
