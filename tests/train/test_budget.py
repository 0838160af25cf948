"""What a checkpoint says of the training of its networks."""

import argparse
import json

import pytest
import torch

from fusion_model.estimator import PoseEstimator
from train.card import card_text
from train.engine.budget import NOTE, budgets, note_budget, read_budget

SOURCE, NAMES = torch.tensor([0, 0, 0, 2, 2, 0]), ("lspet", "empty", "somebody's")


def begun(run, init_from=None, batch=10, steps=7):
    """The folder of a run that was begun so and whose best network is of that step."""
    (run / "best").mkdir(parents=True)
    (run / "best" / "figures.json").write_text(json.dumps({"step": steps}))
    arguments = argparse.Namespace(run=run, init_from=init_from, batch=batch)
    note_budget(arguments, "hourglass", SOURCE, NAMES, views=2)
    return run


def test_a_run_from_nothing(tmp_path):
    assert read_budget(begun(tmp_path / "run"), "hourglass") == {
        "steps": 7, "batch": 10, "images": 70, "people": {"lspet": 2, "somebody's": 1},
    }  # fmt: skip


def test_images_add_up_over_runs_and_checkpoints(tmp_path):
    first = begun(tmp_path / "first")
    metrics = {"training": budgets({"hourglass": first, "fusion": None})}
    assert metrics["training"].keys() == {"hourglass"}
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "released", metrics=metrics)
    second = read_budget(begun(tmp_path / "second", tmp_path / "released", batch=4, steps=5), "hourglass")
    assert (second["steps"], second["batch"], second["images"]) == (5, 4, 90)
    third = read_budget(begun(tmp_path / "third", tmp_path / "second", steps=1), "hourglass")
    assert third["images"] == 100


@pytest.mark.parametrize("start", ["weights.safetensors", "released"])
def test_of_weights_without_a_budget_the_sum_is_unknown(tmp_path, start):
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "released")
    assert read_budget(begun(tmp_path / "run", tmp_path / start), "hourglass")["images"] is None


def test_a_run_that_goes_on_keeps_its_note(tmp_path):
    run = begun(tmp_path / "run")
    note_budget(argparse.Namespace(run=run, init_from=None, batch=99), "hourglass", SOURCE, NAMES)
    assert read_budget(run, "hourglass")["batch"] == 10
    (run / NOTE).unlink()
    state = run / "checkpoints" / "00000005"
    state.mkdir(parents=True)
    (state / "training_state.pt").touch()
    note_budget(argparse.Namespace(run=run, init_from=None, batch=99), "hourglass", SOURCE, NAMES)
    assert read_budget(run, "hourglass") is None, "begun by a version that noted nothing"


def test_the_card_names_data_and_budget():
    config = PoseEstimator.random("tiny").config
    hourglass = {"steps": 7, "batch": 10, "images": None, "people": {"lspet": 2, "somebody's": 1}}
    fusion = {"steps": 3, "batch": 5, "images": 15, "people": {"lspet": 1}}
    figures = {"training": {"hourglass": hourglass, "fusion": fusion}}
    card = card_text(config, "model", figures)
    assert "Trained on: LSP-extended (2 people), somebody's (1 people)." in card
    assert "| hourglass | 7 | 10 | not recorded |\n| fusion | 3 | 5 | 15 |" in card
    assert "Other figures" not in card
    assert "Trained on: my people." in card_text(config, "model", figures, ["my people"])
    assert "images a step" not in card_text(config, "model", {})
