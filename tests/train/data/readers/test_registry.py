"""The entries of the data sets: each has its reader and its section in docs/data.md, and is the only one."""

import re
from pathlib import Path

import pytest

from tests.helpers.earlier import assert_as_before
from train.data.readers.registry import DISTRIBUTED, DISTRIBUTED_SCENES, SETS, DataSetInfo, data_set
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
    assert sum(one.share or 0 for one in SETS.values()) == pytest.approx(1)
    said = {name: [value for value in vars(one).values() if not callable(value)] for name, one in SETS.items()}
    assert_as_before("entries of sets", said, near=1e-6, file="data.json")
