"""Every set that the command offers has its section in docs/data.md, under the heading that messages name."""

import re
from pathlib import Path

from train.data.readers.registry import DISTRIBUTED, DISTRIBUTED_SCENES

PAGE = (Path(__file__).parents[4] / "docs/data.md").read_text(encoding="utf-8")


def test_every_set_has_its_section_with_its_command():
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    for name, chosen in (DISTRIBUTED | DISTRIBUTED_SCENES).items():
        assert headings.count(chosen.section) == 1, name
        section = PAGE.split(f"\n## {chosen.section}\n")[1].split("\n## ")[0]
        assert f"python -m train.prepare {name} --source" in section, name
