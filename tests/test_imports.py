"""Who imports whom: app -> demo -> fusion_model <- train, inside train downwards only, and never in a circle.

What pip installs: the library alone, with the bundled checkpoint and its licence; the bounds of the packages.
"""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from itertools import chain
from pathlib import Path

import pytest
import tomlkit
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8")).unwrap()
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
FIRST_BLOCK = BLOCK.search((ROOT / "README.md").read_text(encoding="utf-8"))[1]
LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-train.txt")
CHECKS = """
import importlib.util, json, fusion_model
from fusion_model.hub.checkpoints import bundled_checkpoint
found = [name for name in ("app", "demo", "train", "tests", "scripts") if importlib.util.find_spec(name)]
print(json.dumps([found, fusion_model.__file__, str(bundled_checkpoint()), pose.joints_3d.shape]))
"""
ROOMS = {
    "app": {"app", "demo"},
    "demo": {"demo", "fusion_model"},
    "fusion_model": {"fusion_model"},
    "scripts": {"scripts", "demo", "fusion_model"},
    "train": {"train", "fusion_model"},
}
# From the top: a package imports from itself and from what stands below it; commands are what lies in train itself.
TRAIN = [{"commands"}, {"analysis", "recipes"}, {"evaluation"}, {"detector_stage", "fusion_stage"}, {"hourglass_stage"}]
TRAIN += [{"data"}, {"synthesis"}, {"losses", "settings"}, {"engine"}]
FOREIGN = {"gradio", "plotly", "accelerate", "torchvision"}


def dotted(path):
    """The name by which a file or folder is imported."""
    return ".".join(path.relative_to(ROOT).parts).removesuffix(".py").removesuffix(".__init__")


FILES = {dotted(path): path for room in ROOMS for path in (ROOT / f"{room}.py", *(ROOT / room).rglob("*.py"))}
FILES = {name: path for name, path in FILES.items() if path.is_file()}


def imported(text, package=""):
    """The modules that a file of a package imports, anywhere in it; those of the repository by their full names."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            inside = (f"{module}.{alias.name}" for alias in node.names)
            names |= {name if name in FILES else module for name in inside}
    return names


IMPORTS = {name: imported(path.read_text(encoding="utf-8"), dotted(path.parent)) for name, path in FILES.items()}
ARROWS = [(name, target) for name in IMPORTS for target in IMPORTS[name]]


def room(name):
    return name.partition(".")[0]


def train_may(importer, target):
    packages = [(name.split(".")[1:] or ["commands"])[0] for name in (importer, target)]
    packages = [one if (ROOT / "train" / one).is_dir() or one in {*chain(*TRAIN)} else "commands" for one in packages]
    above, below = (next(number for number, names in enumerate(TRAIN) if one in names) for one in packages)
    return packages[0] == packages[1] or above < below


def test_arrows_point_downwards_only_and_never_in_a_circle():
    rooms = [(name, target) for name, target in ARROWS if room(target) in ROOMS]
    assert [(name, target) for name, target in rooms if room(target) not in ROOMS[room(name)]] == []
    inside = [(name, target) for name, target in rooms if room(name) == room(target) == "train"]
    assert [arrow for arrow in inside if not train_may(*arrow)] == []
    assert [arrow for arrow in ARROWS if room(arrow[0]) == "train" and room(arrow[1]) in ("gradio", "plotly")] == []
    TopologicalSorter({name: IMPORTS[name] & set(FILES) for name in IMPORTS}).prepare()


def test_the_library_imports_exactly_the_packages_that_it_asks_for():
    owners = importlib.metadata.packages_distributions()
    names = {room(target) for name, target in ARROWS if room(name) == "fusion_model"}
    names -= {*sys.stdlib_module_names, "fusion_model"}
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["heic"]]
    assert {owners[name][0].lower().replace("_", "-") for name in names} == {Requirement(line).name for line in asked}


@pytest.mark.slow
def test_the_library_loads_nothing_it_does_not_need():
    code = (
        "import importlib, pkgutil, sys, fusion_model, train.synthesize, train.synthesis.routine\n"
        "assert not {'av', 'torch'} & set(sys.modules) and {*fusion_model.__all__} <= {*dir(fusion_model)}\n"
        "for module in pkgutil.walk_packages(fusion_model.__path__, 'fusion_model.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert 'fusion_model.hub.fetch' in sys.modules\n"
        f"print(sorted({FOREIGN | {'demo'}!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def requirements(lines):
    """The bounds of each package that is named."""
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r "))]
    return {one.name: one.specifier for one in found}


def read(name):
    return requirements((ROOT / name).read_text(encoding="utf-8").splitlines())


def test_every_requirement_is_bounded_on_both_sides_and_the_library_has_the_bounds_of_the_app():
    app, development, library = *map(read, LISTS[:2]), requirements(PROJECT["project"]["dependencies"])
    assert {name: app.get(name) for name in library} == library
    extras = PROJECT["project"]["optional-dependencies"]
    for line in chain(PROJECT["build-system"]["requires"], *extras.values()):
        assert requirements([line]).items() <= development.items()
    for package, specifier in chain(*(read(name).items() for name in LISTS)):
        assert {">=", "<"} <= {one.operator for one in specifier}, package
    assert "-r" not in (ROOT / "requirements.txt").read_text().split(), "a Space needs one file only"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what ``pip install .`` puts into site-packages, dependencies apart."""
    folder = tmp_path_factory.mktemp("install")
    for name in ("assets", "demo", "fusion_model", "tests", "train"):
        shutil.copytree(ROOT / name, folder / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md", "app.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / "copy")
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--quiet"]
    command = [*pip, "--target", folder / "site", folder / "copy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(folder / "copy")
    return folder / "site"


@pytest.mark.slow
def test_the_library_alone_is_installed_with_the_licence_of_the_weights(installed):
    wanted = {path.relative_to(ROOT): path for path in (ROOT / "fusion_model").rglob("*.py")}
    wanted[Path("fusion_model/py.typed")] = ROOT / "fusion_model/py.typed"
    for name in ("LICENSE", "default/README.md", "default/config.json", "default/model.safetensors"):
        wanted[Path("fusion_model/bundled", name)] = ROOT / "assets/checkpoints" / name
    for name in ("README.md", "hopper.jpg"):
        wanted[Path("fusion_model/examples", name)] = ROOT / "assets/examples" / name
    files = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    assert {path for path in files if "dist-info" not in path.parts[0] and path.suffix != ".pyc"} == set(wanted)
    assert [path for path, ours in wanted.items() if (installed / path).read_bytes() != ours.read_bytes()] == []
    (found,) = importlib.metadata.distributions(path=[str(installed)])
    assert found.metadata["License-Expression"] == "MIT AND LicenseRef-non-commercial-research"
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("LICENSE", "assets/checkpoints/LICENSE")]
    assert {file.read_text(encoding="utf-8") for file in found.files if "licenses" in file.parts} == set(texts)
    assert "non-commercial research" in texts[1]


@pytest.mark.slow
def test_the_first_block_of_the_readme_runs_in_another_folder(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", FIRST_BLOCK + CHECKS]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    package = installed / "fusion_model"
    expected = [[], str(package / "__init__.py"), str(package / "bundled/default"), [17, 3]]
    assert json.loads(done.stdout.splitlines()[-1]) == expected
