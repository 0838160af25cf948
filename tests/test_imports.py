"""Who imports whom: app -> demo -> fusion_model <- train, inside train downwards only, and never in a circle."""

import ast
import importlib.metadata
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from itertools import chain
from pathlib import Path

import tomlkit
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
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
    project = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["heic"]]
    assert {owners[name][0].lower().replace("_", "-") for name in names} == {Requirement(line).name for line in asked}


def test_the_library_loads_nothing_it_does_not_need():
    code = (
        "import importlib, pkgutil, sys, fusion_model\n"
        "assert 'av' not in sys.modules\n"
        "for module in pkgutil.walk_packages(fusion_model.__path__, 'fusion_model.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert 'fusion_model.hub.fetch' in sys.modules\n"
        f"print(sorted({FOREIGN | {'demo', 'train'}!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
