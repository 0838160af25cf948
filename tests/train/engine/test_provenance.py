"""What a checkpoint says of the training of its networks."""

import dataclasses
import json

import torch

from fusion_model.config import DetectorConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import read_metrics
from train.engine.checkpoints import write_best, write_state
from train.engine.provenance import begin_provenance, provenances, read_provenance
from train.evaluation.card import card_text
from train.settings import HourglassTrainConfig

SOURCE, NAMES = torch.tensor([0, 0, 0, 2, 2, 0]), ("lspet", "empty", "somebody's")


def begun(run, init_from=None, batch=10, steps=7, names=NAMES):
    """The folder of a run that was begun so and whose best network is of that step."""
    (run / "best").mkdir(parents=True)
    (run / "best" / "figures.json").write_text(json.dumps({"step": steps}))
    begin_provenance(run, HourglassTrainConfig(batch=batch), init_from, SOURCE, names, copies=2)
    return run


def test_images_add_up_over_runs_and_checkpoints(tmp_path):
    first = begun(tmp_path / "first")
    found = read_provenance(first, "hourglass")
    assert found.pop("settings") == HourglassTrainConfig(batch=10).stored()
    assert found == {"steps": 7, "batch": 10, "images": 70, "people": {"lspet": 2, "somebody's": 1}}
    metrics = {"provenance": provenances({"hourglass": first, "fusion": None})}
    assert metrics["provenance"].keys() == {"hourglass"}
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "released", metrics=metrics)
    second = read_provenance(begun(tmp_path / "second", tmp_path / "released", batch=4, steps=5), "hourglass")
    assert (second["steps"], second["batch"], second["images"]) == (5, 4, 90)
    third = read_provenance(begun(tmp_path / "third", tmp_path / "second", steps=1), "hourglass")
    assert third["images"] == 100


def test_people_of_former_runs_count_and_sets_of_one_name_are_one(tmp_path):
    first = begun(tmp_path / "first", names=("a", "b", "a"))
    assert read_provenance(first, "hourglass")["people"] == {"a": 3}
    later = read_provenance(begun(tmp_path / "later", first), "hourglass")
    assert later["people"] == {"a": 3, "lspet": 2, "somebody's": 1}


def test_of_weights_of_unknown_provenance_the_sum_is_unknown(tmp_path):
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "released")
    (tmp_path / "run without a file").mkdir()
    for number, start in enumerate(("released/model.safetensors", "released", "run without a file")):
        run = begun(tmp_path / str(number), tmp_path / start)
        assert read_provenance(run, "hourglass")["images"] is None, start


def test_a_run_that_goes_on_keeps_its_file(tmp_path):
    run = begun(tmp_path / "run")
    begin_provenance(run, HourglassTrainConfig(batch=99), None, SOURCE, NAMES)
    assert read_provenance(run, "hourglass")["batch"] == 99, "begun anew: nothing was saved yet"
    write_state(run, 5, {}, torch.nn.Linear(1, 1))
    begin_provenance(run, HourglassTrainConfig(batch=10), None, SOURCE, NAMES)
    assert read_provenance(run, "hourglass")["batch"] == 99


def test_the_card_names_the_provenance():
    config = PoseEstimator.random("tiny").config
    hourglass = {"steps": 7, "batch": 10, "images": None, "people": {"lspet": 2, "somebody's": 3}}
    detector = {"steps": 8, "batch": 9, "images": 72, "people": {"scenes": 4}}
    figures = {"provenance": {"hourglass": hourglass, "detector": detector}}
    card = card_text(config, "model", figures)
    for words in ("Trained on: LSP-extended (2 people), whole photos of ", " (4 photos), somebody's (3 people)."):
        assert words in card
    unknown = "not recorded"
    assert f"| hourglass | 7 | 10 | {unknown} |\n| fusion | {unknown} | {unknown} | {unknown} |\n\n" in card
    assert f'Of what is "{unknown}" the data are not known either.' in card
    assert "None: it has not been evaluated" in card
    assert "| detector | 8 | 9 | 72 |" in card_text(
        dataclasses.replace(config, detector=DetectorConfig()), "model", figures
    )
    assert "Trained on: my people." in card_text(config, "model", figures, ["my people"])
    assert "images a step" not in card_text(config, "model", {})


def test_another_detector_does_not_keep_the_provenance_of_the_one_before(tmp_path, printed):
    metrics = {"kept": 1, "provenance": {"detector": {"steps": 1, "batch": 1, "images": 1, "people": {}}}}
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "model", metrics=metrics)
    config = DetectorConfig(width=8, head=8, input_size=64)
    write_best(tmp_path / "run", PersonDetector(config), {"step": 5})
    (tmp_path / "run" / "detector.json").write_text(json.dumps(dataclasses.asdict(config)))
    printed("attach_detector", "--detector", tmp_path / "run", "--checkpoint", tmp_path / "model")
    assert read_metrics(tmp_path / "model") == {"kept": 1}
