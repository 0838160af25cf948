"""What the loop is made of: warm starts, seeds and noise, weights on disk and what is noted of their training."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import save_file

from fusion_model.config import DetectorConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import read_metrics
from fusion_model.presets import PRESETS
from train.engine.checkpoints import read_weights, warm_start, write_best, write_state
from train.engine.provenance import begin_provenance, provenances, read_provenance
from train.engine.seeds import RowNoise, derive_seed, draw_seeds
from train.evaluation.card import card_text
from train.fusion_stage.training import load_hourglass
from train.settings import HourglassTrainConfig

SOURCE, NAMES = torch.tensor([0, 0, 0, 2, 2, 0]), ("lspet", "empty", "somebody's")


def test_a_warm_start_takes_what_fits_and_says_what_it_skipped(tmp_path):
    estimator = PoseEstimator.random("tiny")
    estimator.save_pretrained(tmp_path / "checkpoint")
    for part, network in (("hourglass", estimator.hourglass), ("fusion", estimator.fusion_network)):
        fresh = type(network)(network.config)
        assert warm_start(fresh, tmp_path / "checkpoint", part).endswith("skipped: nothing")
        torch.testing.assert_close(fresh.state_dict(), network.state_dict(), rtol=1e-3, atol=1e-6)  # stored as float16
    hourglass = load_hourglass(estimator.config, tmp_path / "checkpoint").state_dict()
    assert all(torch.equal(hourglass[k].half(), one.half()) for k, one in estimator.hourglass.state_dict().items())
    other = StackedHourglass(dataclasses.replace(PRESETS["tiny"].hourglass, joints=14))  # all but the maps' layers fit
    count = len(other.state_dict())
    words = warm_start(other, tmp_path / "checkpoint", "hourglass")
    skipped = words.partition("skipped: ")[2].split(", ")
    assert f": {count - len(skipped)} of {count} tensors" in words
    assert skipped == [name for name, one in sorted(other.state_dict().items()) if one.shape != hourglass[name].shape]
    save_file({"nothing": torch.zeros(1)}, tmp_path / "strange.safetensors")
    with pytest.raises(ValueError, match="no tensor fits this network"):
        warm_start(other, tmp_path / "strange.safetensors")


def test_seeds_are_the_same_everywhere_and_noise_is_a_samples_own():
    assert derive_seed(0, 1) == 4059051691542397301
    assert len({derive_seed(*numbers) for numbers in ((0,), (0, 0), (0, 1), (1, 0), (-1, 0))}) == 5
    seeds = draw_seeds(64, torch.Generator().manual_seed(0))
    whole, part = RowNoise(seeds), RowNoise(seeds[20:30])
    for shape in ((), (3,), (2, 5)):
        assert torch.equal(whole.normal(*shape)[20:30], part.normal(*shape))
    assert RowNoise(torch.tensor([7])).uniform(2)[0].tolist() == pytest.approx([0.3672001, 0.4849326])
    twice = RowNoise(seeds)
    assert not torch.equal(twice.uniform(9), twice.uniform(9))
    rows = torch.arange(10) % 3 == 0
    assert torch.equal(whole.normal(7)[20:30][rows], part.normal(7, rows=rows))
    numbers, levels = whole.normal(999), whole.uniform(999)
    part.normal(999)
    assert torch.equal(levels[20:30], part.uniform(999))
    for found, mean, std in ((numbers, 0, 1), (levels, 0.5, 12**-0.5)):
        assert found.mean().item() == pytest.approx(mean, abs=0.02)
        assert found.std().item() == pytest.approx(std, abs=0.02)
        assert torch.corrcoef(found[:8]).fill_diagonal_(0).abs().max() < 0.15


def test_weights_that_are_not_there_or_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a run's folder with best/model\.safetensors"):
        read_weights(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ValueError, match=r"model\.safetensors is truncated or no safetensors file"):
        read_weights(tmp_path / "model.safetensors")


def begun(run, init_from=None, batch=10, steps=7, names=NAMES):
    """The folder of a run that was begun so and whose best network is of that step."""
    (run / "best").mkdir(parents=True)
    (run / "best" / "figures.json").write_text(json.dumps({"step": steps}))
    begin_provenance(run, HourglassTrainConfig(batch=batch), init_from, SOURCE, names, copies=2)
    return run


def test_images_and_people_add_up_over_runs_and_checkpoints(tmp_path):
    first = begun(tmp_path / "first")
    found = read_provenance(first, "hourglass")
    assert found.pop("settings") == HourglassTrainConfig(batch=10).stored()
    assert found == {"steps": 7, "batch": 10, "images": 70, "people": {"lspet": 2, "somebody's": 1}}
    metrics = {"provenance": provenances({"hourglass": first, "fusion": None})}
    assert metrics["provenance"].keys() == {"hourglass"}
    PoseEstimator.random("tiny").save_pretrained(tmp_path / "released", metrics=metrics)
    second = read_provenance(begun(tmp_path / "second", tmp_path / "released", batch=4, steps=5), "hourglass")
    assert (second["steps"], second["batch"], second["images"]) == (5, 4, 90)
    assert read_provenance(begun(tmp_path / "third", tmp_path / "second", steps=1), "hourglass")["images"] == 100
    same = begun(tmp_path / "same", names=("a", "b", "a"))
    assert read_provenance(same, "hourglass")["people"] == {"a": 3}, "sets of one name are one"
    later = read_provenance(begun(tmp_path / "later", same), "hourglass")
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
    with_detector = dataclasses.replace(config, detector=DetectorConfig())
    assert "| detector | 8 | 9 | 72 |" in card_text(with_detector, "model", figures)
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
