"""The load test notices what it is there for, and a short one against the real app goes well."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gradio_client.exceptions import AppError

from fusion_model import PoseEstimator
from scripts import load_test
from scripts.load_test import Tally, check_answer, make_plans, memory_problems, too_alike

ROOT = Path(__file__).parents[1]
CLIENTS = 3


@pytest.fixture(scope="module")
def estimator():
    """A tiny untrained network, which takes anything in a box for a person."""
    return PoseEstimator.random("tiny", seed=0)


@pytest.fixture(scope="module")
def plans(estimator, tmp_path_factory):
    return make_plans(estimator, tmp_path_factory.mktemp("photos"), CLIENTS)


def boxed(plan):
    return next(request for request in plan if request.box)


def test_own_answers_are_right_and_those_of_others_are_not(plans, estimator):
    assert too_alike(plans) == ""
    answers = [estimator(boxed(plan).photo, box=boxed(plan).box).to_dict() for plan in plans]
    for asked, plan in enumerate(plans):
        for answered, answer in enumerate(answers):
            problem = check_answer(boxed(plan), answer)
            assert (problem == "") == (asked == answered)
    assert "client001.png: the answer is" in check_answer(boxed(plans[1]), answers[0])


def test_bad_files_are_of_four_kinds_and_their_errors_name_them(plans, estimator):
    for plan in plans:
        bad = plan[3::4]
        assert len({request.photo.name for request in bad}) == 4
        for request in bad:
            with pytest.raises(ValueError, match=request.photo.name) as error:
                estimator(request.photo)
            assert check_answer(request, AppError(str(error.value))) == ""
            for other in (one for plan in plans for one in plan[3::4] if one is not request):
                assert "is not its own" in check_answer(other, AppError(str(error.value)))


def test_an_error_for_a_photo_and_an_answer_for_a_bad_file_are_noticed(plans, estimator):
    good, bad = boxed(plans[0]), plans[0][3]
    answer = estimator(good.photo, box=good.box).to_dict()
    assert "is not its own" in check_answer(good, AppError("the server failed on this photo"))
    assert "an answer where an error was due" in check_answer(bad, answer)


def test_clients_that_expect_the_same_are_refused(plans):
    assert "could not be noticed" in too_alike([plans[0], plans[0]])


def test_growing_memory_is_noticed_in_a_long_run():
    steady = Tally(memory=[(second, 1_000_000_000) for second in range(121)])
    assert memory_problems(steady, 120) == []
    grown = Tally(memory=[(second, 1_000_000_000 + 2_000_000 * second) for second in range(121)])
    assert memory_problems(grown, 120) == ["memory grew from 1115 MB after a minute to 1235 MB at the end"]
    assert memory_problems(grown, 60) == []


def test_a_request_that_fails_or_finds_a_full_queue_is_counted(plans, monkeypatch):
    class Job:
        def __init__(self, *outcomes):
            self.outcomes = list(outcomes)

        def submit(self, *_, **__):
            return self

        def result(self, timeout):
            assert timeout > 0
            raise self.outcomes.pop(0)

    monkeypatch.setattr(load_test.time, "sleep", lambda _: None)
    tally, bad = Tally(), plans[0][3]
    full = load_test.QueueError("Queue is full! Please try again.")
    load_test._send(Job(full, full, AppError(bad.expected)), bad, tally)
    assert (tally.full, sum(tally.refusals.values()), tally.broken) == (2, 1, [])
    load_test._send(Job(ConnectionError("cut")), boxed(plans[0]), tally)
    assert tally.broken == ["client000.png: no answer (ConnectionError: cut)"]
    assert len(tally.latencies) == 2


@pytest.mark.slow
def test_a_few_clients_for_a_few_seconds(estimator, tmp_path):
    estimator.save_pretrained(tmp_path / "model")
    command = [sys.executable, "-m", "scripts.load_test", "--clients", str(CLIENTS), "--seconds", "4"]
    done = subprocess.run(
        [*command, "--model", str(tmp_path / "model")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = dict(line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:])
    assert figures["wrong or lost"] == "0"
    assert int(figures["right answers"]) >= CLIENTS
    assert sum(int(value) for name, value in figures.items() if name.startswith("right errors: is ")) >= CLIENTS
    assert np.isfinite(float(figures["server's memory at the end"].removesuffix(" MB")))


@pytest.mark.parametrize("arguments", [["--clients", "0"], ["--seconds", "-1"], ["--clients", "many"]])
def test_bad_usage_is_one_sentence(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        load_test.main(arguments)
    assert stopped.value.code == 2
    assert "invalid positive" in capsys.readouterr().err
