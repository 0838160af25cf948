"""Inside ``train`` a package imports only from those below it, and nothing imports a command but another command."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = (  # from the top
    {"recipes", "ablation", "analysis"},
    {"evaluation"},
    {"fusion_stage", "detector_stage"},
    {"hourglass_stage"},
    {"data"},
    {"synthesis"},
    {"engine"},
)
LEVEL = {package: level for level, layer in enumerate(LAYERS) for package in layer}


def packages_of(path):
    """Names below ``train`` that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "train":
            below = node.module.split(".")[1:2]
            found |= set(below or (alias.name for alias in node.names))
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("train.")}
    return found


def test_every_package_has_a_layer():
    assert {path.parent.name for path in (ROOT / "train").glob("*/__init__.py")} == LEVEL.keys()


@pytest.mark.parametrize("package", LEVEL)
def test_a_package_imports_only_from_below(package):
    for path in (ROOT / "train" / package).rglob("*.py"):
        others = packages_of(path) - {package}
        assert others <= LEVEL.keys(), f"{path} imports a command"
        assert all(LEVEL[other] > LEVEL[package] for other in others), f"{path} imports {others}"
