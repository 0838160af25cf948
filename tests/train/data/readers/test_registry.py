"""The entries of the data sets: each has its reader and its section in docs/data.md, and is the only one."""

import ast
import re
from pathlib import Path

import pytest

from train.data.readers.registry import COMPOSITES, DISTRIBUTED, DISTRIBUTED_SCENES, SETS, DataSetInfo, data_set
from train.engine.provenance import SCENES

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DISTRIBUTED | DISTRIBUTED_SCENES)
def test_every_set_has_its_section_with_its_command(name):
    section = (DISTRIBUTED | DISTRIBUTED_SCENES)[name].section
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE).count(section) == 1
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    assert f"python -m train.prepare {name} --source" in text


def test_a_set_is_known_by_its_name_and_by_that_of_its_year():
    assert data_set("voc2012") is data_set("voc2007") is SETS["voc"]
    assert data_set("stanford40") is SETS["stanford40"]
    assert data_set("mpii2") == DataSetInfo("mpii2"), "somebody's own"


def test_what_the_entries_say():
    for name, one in SETS.items():
        assert one.labels != DataSetInfo.labels, name
        assert one.licence or name == SCENES, name

    def entries(field):
        return {name: getattr(one, field) for name, one in SETS.items() if getattr(one, field)}

    shares = {"lspet": 0.30, "mpii": 0.14, "coco": 0.08, "stanford40": 0.14, "street": 0.04}
    assert entries("share") == shares | {"everyday": 0.18, "action": 0.12}, "that add up to 1"
    assert entries("teacher_score") == {"stanford40": 0.9, "street": 0.9, "everyday": 0.8, "action": 0.8}
    assert entries("every") == {"human36m": 5, "humaneva": 1, "kth": 1, "mpi-inf-3dhp": 5}
    assert set(entries("agreed")) == {"everyday", "action"}
    assert set(entries("whole_photos")) == {"lspet"}
    assert set(entries("everyone_boxed")) == {"coco", "voc", "pennfudan", COMPOSITES}
    assert set(entries("upright")) == {"coco", "stanford40", "voc", "pennfudan"}
    assert {name: weight for name, weight in entries("hidden_weight").items() if weight != 1} == {"synthetic": 0.5}


def test_no_other_file_of_the_training_has_something_for_a_set_of_photos():
    names = {"stanford40", "everyday", "voc2007", "voc2012", "pennfudan"}  # others are words of their own, or protocols
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "train").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert found == {"train/data/readers/registry.py"}
