"""The pages: links and names lead somewhere, commands parse, no public name and no experiment is left out."""

import csv
import dataclasses
import importlib
import re
import shlex
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
    """A page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """The names under which a page's headings can be linked, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings]


def links():
    """(page, target) of every link that stays inside the repository."""
    for page, text in TEXTS.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(text)):
            if not re.match(r"[a-z]+:", target):
                yield page, target


def mentioned():
    """(page, path) of every file or folder of the repository that a page names as code."""
    for page, text in TEXTS.items():
        for name in re.findall(r"`([\w./-]+)`", text):
            if name.startswith(ROOMS):
                yield page, name


def commands():
    """(page, module, words) of every command of the repository that stands in a block for the shell."""
    for page, text in TEXTS.items():
        for block in re.findall(r"^ *```bash\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if "-m" in words and words[words.index("-m") + 1].startswith("train."):
                    module, *rest = words[words.index("-m") + 1 :]
                    yield page, module, tuple(rest)


def test_the_pages_are_found():
    assert {"README.md", "RESULTS.md", "docs/data.md", "train/README.md", "assets/examples/README.md"} <= set(PAGES)
    assert len(EXPERIMENTS) > 15


@pytest.mark.parametrize(("page", "target"), sorted(set(links())))
def test_links_lead_somewhere(page, target):
    path, _, anchor = target.partition("#")
    file = (ROOT / page).parent / path if path else ROOT / page
    assert file.exists(), f"{page} links to {target}"
    if anchor:
        assert anchor in anchors(file.read_text(encoding="utf-8")), f"{page} links to {target}"


@pytest.mark.parametrize(("page", "name"), sorted(set(mentioned())))
def test_named_files_exist(page, name):
    assert (ROOT / name).exists(), f"{page} names {name}"


def test_named_modules_exist():
    text = "".join(TEXTS.values())
    modules = set(re.findall(r"python -m ((?:train|demo|scripts|tests)\.[\w.]*\w)", text))
    assert {"train.hourglass", "train.fusion", "train.calibrate", "train.evaluate", "demo.predict"} <= modules
    assert [name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").is_file()] == []


def test_named_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make (\w+)", "".join(TEXTS.values()), re.MULTILINE))
    assert {"demo", "check", "test"} <= named <= targets


@pytest.mark.parametrize(("page", "module", "words"), sorted(set(commands())))
def test_training_commands_take_the_options_that_are_named(page, module, words, capsys):
    try:
        importlib.import_module(module).parser().parse_args(words)
    except SystemExit:
        pytest.fail(f"{page}: {module} {' '.join(words)}: {capsys.readouterr().err.splitlines()[-1]}")


@pytest.mark.parametrize("page", ["README.md", "RESULTS.md"])
def test_the_first_pages_keep_their_size(page):
    lines = TEXTS[page].splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 120] == []


def api_section(name):
    """What the page says under a heading."""
    return re.split(r"^## ", TEXTS["docs/api.md"].split(f"\n## {name}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", fusion_model.__all__)
def test_every_public_name_has_its_section(name):
    assert anchors(TEXTS["docs/api.md"]).count(name.lower()) == 1


def public(kind):
    """Public attributes of a class of ours, without those of its parents."""
    return {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("Pose", public(fusion_model.Pose) | {one.name for one in dataclasses.fields(fusion_model.Pose)}),
        ("FusionSummary", {one.name for one in dataclasses.fields(FusionSummary)}),
        ("PoseEstimator", public(fusion_model.PoseEstimator) | {"config", "name", "predictor", "search"}),
        ("FusionNetwork", public(fusion_model.FusionNetwork) - {"forward"} | {"alpha", "beta"}),
        ("PRESETS", set(fusion_model.PRESETS)),
    ],
)
def test_every_public_attribute_is_on_the_page(section, names):
    text = api_section(section)
    named = {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", code)}
    assert names <= named, f"docs/api.md lacks {sorted(names - named)} under {section}"


def test_the_preset_of_the_contributors_page_makes_networks():
    (code,) = re.findall(r"```python\n(.*?)```", TEXTS["CONTRIBUTING.md"], re.DOTALL)
    slim = eval(f"{{{code}}}", vars(presets))["slim"]  # noqa: S307 - our own page
    assert fusion_model.FusionNetwork(slim.fusion).config.image_channels == slim.hourglass.width


def test_the_list_of_documents_names_each():
    pages = {Path(page).name for page in PAGES if re.fullmatch(r"docs/[a-z]+\.md", page)}
    assert set(re.findall(r"\]\(([a-z]+\.md)\)", TEXTS["docs/README.md"])) == pages


@pytest.mark.parametrize("page", EXPERIMENTS)
def test_an_experiment_has_question_command_table_and_answer(page):
    headings = re.findall(r"^## (.+)$", TEXTS[page], re.MULTILINE)
    assert headings == ["Question", "Command", "Measured", "Answer"]
    assert TEXTS["docs/experiments/README.md"].count(f"]({Path(page).name})") == 1, "the list names each page once"
    assert f"| {Path(page).name[:10]} |" in TEXTS["docs/experiments/README.md"]


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "experiments").glob("*.csv")), ids=lambda path: path.stem)
def test_a_csv_has_its_page_and_holds_what_the_page_shows(path):
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert {len(row) for row in rows} == {len(rows[0])}
    naming = [page for page in EXPERIMENTS if f"]({path.name})" in TEXTS[page]]
    assert naming
    for row in rows[1:]:
        (line,) = [line for line in TEXTS[naming[0]].splitlines() if line.replace("`", "").startswith(f"| {row[0]} |")]
        shown = [cell.strip() for cell in line.replace("`", "").strip("|").split("|")]
        assert set(shown) <= set(row)
