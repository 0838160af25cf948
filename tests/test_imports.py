"""Who imports whom: app -> demo -> fusion_model <- train; and no file grows into two rooms."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "app": {"app", "demo"},
    "demo": {"demo", "fusion_model"},
    "fusion_model": {"fusion_model"},
    "train": {"train", "fusion_model"},
}
FOREIGN = {"gradio", "plotly", "accelerate", "torchvision"}


def sources():
    """Every Python file of the program and of its tests."""
    folders = [*ROOMS, "tests"]
    return [
        path
        for path in (ROOT / "app.py", *(p for f in folders for p in sorted((ROOT / f).rglob("*.py"))))
        if path.exists()
    ]


def imported(text):
    """Top-level names of the packages that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", [p for p in sources() if "tests" not in p.relative_to(ROOT).parts], ids=str)
def test_rooms_import_only_where_they_may(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    names = imported(path.read_text(encoding="utf-8"))
    assert names & set(ROOMS) <= ROOMS[room]
    if room == "fusion_model":
        assert not names & FOREIGN
    if room == "train":
        assert "gradio" not in names
        assert "plotly" not in names or path.name == "turning.py"  # skeletons that one can turn


def test_the_walk_sees_imports_inside_functions():
    assert imported("def f():\n    import demo.page\n    from train.engine import loop\n    from . import x") == {
        "demo",
        "train",
    }


@pytest.mark.parametrize("path", sources(), ids=str)
def test_no_file_is_two_rooms(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_library_loads_nothing_it_does_not_need():
    code = (
        "import pkgutil, sys, fusion_model\n"
        "for module in pkgutil.iter_modules(fusion_model.__path__): __import__('fusion_model.' + module.name)\n"
        f"print(sorted({FOREIGN | {'demo', 'train'}!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
