"""Two measurements, paired over the people whom both have."""

import json

import pytest

from train.compare import paired_table


def test_differences_are_paired_over_the_people_of_both():
    before = {"true box": {"coco": {"0 a": 50.0, "1 b": 80.0, "2 c": 90.0}, "lspet": {"8501": 10.0}, "old": {"0": 1.0}}}
    after = {"true box": {"coco": {"1 b": 90.0, "2 c": 92.0, "3 d": 0.0}, "lspet": {"8501": 40.0}, "new": {"0": 2.0}}}
    assert paired_table(before, after).splitlines()[2:] == [
        "| true box | coco | 2 | 85.0 | 91.0 | +6.00 | 4.00 |",  # differences 10 and 2
        "| true box | lspet | 1 | 10.0 | 40.0 | +30.00 | - |",
    ]
    with pytest.raises(ValueError, match="no person in common: measure both checkpoints on the same data"):
        paired_table({"true box": {"coco": {"0 a": 50.0}}}, {"true box": {"coco": {"0 b": 50.0}}})


def test_the_command_prints_the_table(tmp_path, printed, refused):
    for name, score in (("before", 25.0), ("after", 50.0)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"people": {"true box": {"mpii": {"0 a": score}}}}))
    table = printed("compare", tmp_path / "before.json", tmp_path / "after.json")
    assert table.splitlines()[-1] == "| true box | mpii | 1 | 25.0 | 50.0 | +25.00 | - |"
    (tmp_path / "a.json").write_text("{}")
    for name in ("none.json", "a.json"):
        error = refused("compare", tmp_path / name, tmp_path / "after.json")
        assert f"{name} has no scores of single people: expected what train.evaluate --out wrote" in error
