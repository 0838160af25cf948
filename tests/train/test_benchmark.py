"""How long a photo takes: what is measured and printed, and a neighbour that is busy and never outlives its use."""

import dataclasses
import multiprocessing
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from fusion_model.config import DetectorConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from tests.helpers.estimators import smooth_photo, sure
from tests.helpers.own_process import wait_for
from train import benchmark
from train.benchmark import BARE, CHOSEN, END_TO_END, bare_networks, busy_neighbour, lines


def fields_of(pid):
    """State, CPU ticks and so on of a process; none if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["Z"]


def test_the_neighbour_is_busy_at_low_priority_until_the_block_ends():
    with busy_neighbour() as process:
        assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
        wait_for(lambda: int(fields_of(process.pid)[11]) > 10)  # ticks of computing
    assert fields_of(process.pid)[0] == "Z"


def test_the_lines_are_seconds_and_their_ratios():
    alone = {CHOSEN: {END_TO_END: 0.2, BARE: 0.1}, "another": {END_TO_END: 0.16, BARE: 0.1}}
    rows = [line.split() for line in lines(alone, {END_TO_END: 0.3, BARE: 0.2}, 3)]
    assert rows[0][:6] == ["seconds", "a", "photo,", "median", "of", "3"]
    assert [row[-3:] for row in rows[1:3]] == [["0.200", "0.300", "1.50"], ["0.100", "0.200", "2.00"]]
    assert rows[3][-2:] == ["2.00", "1.50"]
    assert [row[-2:] for row in rows[6:]] == [["0.200", "1.25"], ["0.160", "1.00"]]


def test_photos_of_one_person_are_taken_in_order_and_all_times_count_alike(tmp_path):
    (tmp_path / "c").mkdir()
    for number, name in enumerate(("d.png", "c/b.png", "b.png", "a.png")):  # of 0, 1, 1 and 2 people
        Image.fromarray(np.full((64, 64, 3), number, np.uint8)).save(tmp_path / name)
    (tmp_path / "a.txt").touch()
    finder = SimpleNamespace(find_people=lambda photo: (np.zeros(([0, 1, 1, 2][photo[0, 0, 0]], 4)), None))
    for count in (1, 2, 9):
        assert [photo[0, 0, 0] for photo in benchmark.photos_of_one(finder, tmp_path, count)] == [2, 1][:count]
    with pytest.raises(ValueError, match=r"b\.png holds no photo in which the model finds exactly one person"):
        benchmark.photos_of_one(finder, tmp_path / "b.png", 1)
    times = [{END_TO_END: [1, 9], BARE: [4]}, {END_TO_END: [2], BARE: [8]}]
    assert benchmark._medians(times) == {END_TO_END: 2, BARE: 6}


@pytest.fixture
def estimator():
    plain = sure()
    config = dataclasses.replace(plain.config, detector=DetectorConfig(width=8, head=8, input_size=64))
    return PoseEstimator(config, plain.hourglass, plain.fusion_network, detector=PersonDetector(config.detector))


def test_the_bare_networks_run_once_for_one_person(estimator, monkeypatch):
    shapes, plain = [], PersonDetector.forward
    for network in (estimator.predictor.hourglass.front, estimator.fusion_network):
        network.register_forward_hook(lambda _network, inputs, _output: shapes.append(inputs[0].shape))
    monkeypatch.setattr(PersonDetector, "forward", lambda *given: shapes.append(given[1].shape) or plain(*given))
    bare_networks(estimator)()
    size, side = estimator.config.hourglass.input_size, estimator.config.fusion.input_size
    assert shapes == [(2, 3, 64, 64), (2, 3, size, size), (2, 3, side, side)]


@pytest.mark.parametrize("by_layers", [False, True])
def test_a_setting_decides_who_shares_the_work(monkeypatch, estimator, by_layers):
    monkeypatch.setattr(PoseEstimator, "from_pretrained", lambda _checkpoint: estimator)
    own = estimator.predictor.threads
    benchmark._begin("made", [smooth_photo()] * 2, by_layers)
    times = benchmark._round()
    assert (estimator.predictor.threads is own) is not by_layers
    assert len(times[END_TO_END]) == len(times[BARE]) == 2


@pytest.mark.slow
def test_the_command_prints_all_rows_and_leaves_no_process(tmp_path, monkeypatch, ends):
    sure().save_pretrained(tmp_path / "model")
    (tmp_path / "photos").mkdir()
    Image.fromarray(smooth_photo()).save(tmp_path / "photos" / "clouds.png")
    monkeypatch.setattr(PoseEstimator, "find_people", lambda _self, _photo: (np.zeros((1, 4)), np.ones(1)))
    monkeypatch.setattr(benchmark, "SETTINGS", {CHOSEN: None, "other": {"GOMP_SPINCOUNT": "7"}})
    started, before = [], dict(os.environ)

    def noting():
        children = multiprocessing.active_children()
        started.extend((child.pid, Path(f"/proc/{child.pid}/environ").read_bytes()) for child in children)
        return busy_neighbour()

    monkeypatch.setattr(benchmark, "busy_neighbour", noting)
    options = ("--checkpoint", tmp_path / "model", "--photos", tmp_path / "photos", "--rounds", 2)
    status, out, error = ends("benchmark", "--inference", *options)
    assert status == 0, error
    assert "measure: 100%" in error
    rows = [line.split() for line in out.splitlines() if line]
    assert [row[0] for row in rows] == ["seconds", "end", "bare", "end", "end", "halves", "other"]
    assert rows[0][5] == "2"
    assert dict(os.environ) == before
    assert sorted({b"GOMP_SPINCOUNT=7" in variables for _, variables in started}) == [False, True]
    assert all(fields_of(pid)[0] == "Z" for pid, _ in started)
