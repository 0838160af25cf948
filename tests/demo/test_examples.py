"""The stored results of the examples are the bundled model's, good ones, and what the page opens with."""

import re
from pathlib import Path

import numpy as np
import pytest

from demo.examples import EXAMPLES, FOLDER, main, store_result, stored_result
from demo.page import build_page
from demo.service import Service
from demo.view import Choices, View
from fusion_model import PoseEstimator
from fusion_model.hub.checkpoints import DEFAULT


@pytest.fixture(scope="module")
def estimator():
    return PoseEstimator.from_pretrained(DEFAULT)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_a_stored_result_is_what_the_model_gives(estimator, example):
    stored = stored_result(example, DEFAULT, estimator.trust_score)
    found = estimator.predict_all(example.path)
    assert len(stored.people) == len(found) > 0, "the model has changed: run python -m demo.examples"
    for person, pose in zip(stored.people, found, strict=True):
        assert np.abs(person.pose.joints_2d - pose.joints_2d).max() < 1
        assert np.abs(person.pose.joints_3d - pose.joints_3d).max() < 10
        assert np.abs(person.pose.heatmaps - np.clip(pose.heatmaps, 0, 1)).max() < 0.02
        assert np.abs(person.box - pose.person_box).max() < 2


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_only_good_results_are_shown(example):
    view = View(None, stored_result(example, DEFAULT, 0.6), Choices("1"))
    assert len(view.poses) == 1
    assert view.notice() == ""
    assert view.poses["1"].status.count("seen") >= 12


def test_every_example_has_a_source_and_a_licence():
    rows = re.findall(
        r"^\| `(.+?)` \|.+\|(.+)\|.+\|$", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    named = {name for name, source in rows if source.strip()}
    files = {path.name for path in FOLDER.iterdir() if path.suffix in (".jpg", ".json", ".mp4")}
    assert files == named
    assert 6 <= len(EXAMPLES) <= 8


def test_the_page_runs_no_network_to_open_nor_for_an_example(estimator, monkeypatch):
    monkeypatch.setattr(PoseEstimator, "predict_all", lambda *_, **__: pytest.fail("the network was run"))
    page = build_page(Service(estimator))
    kept = [block.value for block in page.blocks.values() if getattr(block, "time_to_live", None)]
    assert any(getattr(one, "people", None) for one in kept)
    assert all(Service(estimator).stored(example) for example in EXAMPLES)


def test_another_model_has_no_stored_result():
    assert stored_result(EXAMPLES[0], "user/name", 0.6) is None


def test_storing_and_reading_give_the_same(estimator, tmp_path, monkeypatch):
    monkeypatch.setattr("demo.examples.FOLDER", tmp_path)
    (tmp_path / EXAMPLES[0].name).write_bytes((FOLDER / EXAMPLES[0].name).read_bytes())
    (pose,) = store_result(EXAMPLES[0], estimator)
    (person,) = stored_result(EXAMPLES[0], DEFAULT, 0.6).people
    assert Path(EXAMPLES[0].pack).parent == tmp_path
    assert person.pose.to_dict() == {**pose.to_dict(), "seconds": {}}


def test_the_command_takes_no_arguments(capsys):
    assert main(["--all"]) == 2
    assert "python -m demo.examples" in capsys.readouterr().out
