"""The load test notices what it is there for, and a short one against the real app goes well."""

import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client.exceptions import AppError
from PIL import Image

from fusion_model import PoseEstimator
from scripts import load_pages, load_test
from scripts.chromium import MISSING, find_chromium
from scripts.load_pages import Visit, make_visits, visit_all
from scripts.load_requests import check_answer, make_plans, too_alike
from scripts.load_test import Tally, memory_problems
from tests.helpers.serving import served
from tests.helpers.stand_in import StandIn

ROOT = Path(__file__).parents[1]
CLIENTS = 3
EXAMPLE = Image.open(load_test.EXAMPLE).convert("RGB")

needs_chromium = pytest.mark.skipif(find_chromium() is None, reason=MISSING)


@pytest.fixture(scope="module")
def estimator():
    """A tiny untrained network, which takes anything in a box for a person."""
    return PoseEstimator.random("tiny", seed=0)


@pytest.fixture(scope="module")
def plans(estimator, tmp_path_factory):
    return make_plans(estimator, tmp_path_factory.mktemp("photos"), EXAMPLE, CLIENTS)


def boxed(plan):
    return next(request for request in plan if request.box)


def test_own_answers_are_right_and_those_of_others_are_not(plans, estimator):
    assert too_alike(plans) == ""
    answers = [estimator(boxed(plan).photo, box=boxed(plan).box).to_dict() for plan in plans]
    for asked, plan in enumerate(plans):
        for answered, answer in enumerate(answers):
            problem = check_answer(boxed(plan), answer)
            assert (problem == "") == (asked == answered)
    assert "client001.jpg: the answer is" in check_answer(boxed(plans[1]), answers[0])


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


def test_growing_memory_is_noticed():
    assert memory_problems(Tally(memory=[1_000_000_000, 1_199_000_000])) == []
    grown = Tally(memory=[1_000_000_000, 1_201_000_000])
    assert memory_problems(grown) == ["memory grew from 1000 MB after the first 10 to 1201 MB at the end"]


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
    assert tally.broken == ["client000.jpg: no answer (ConnectionError: cut)"]
    assert len(tally.latencies) == 2


@pytest.mark.browser
@needs_chromium
def test_visitors_check_whom_the_page_finds(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    problems = []
    with served(StandIn()) as url:
        right = next(visit for visit in make_visits(StandIn(), tmp_path, EXAMPLE) if len(visit.boxes) > 1)
        visit_all(url, [Visit(None), right], problems.append)
        assert problems == ["", ""]
        monkeypatch.setattr(load_pages, "_WAIT", 20_000)
        visit_all(url, [Visit(right.photo, right.boxes[::-1])], problems.append)
    assert problems[2].startswith(f"page ({right.photo.name}): ")


def test_without_a_browser_it_does_not_begin(monkeypatch, capsys):
    monkeypatch.setattr(load_test, "find_chromium", lambda: None)
    assert load_test.main([]) == 1
    assert capsys.readouterr().err == f"{MISSING}\n"


@pytest.mark.slow
@pytest.mark.browser
@needs_chromium
def test_a_few_clients_and_pages(estimator, tmp_path):
    estimator.save_pretrained(tmp_path / "model")
    command = [sys.executable, "-m", "scripts.load_test", "--clients", str(CLIENTS), "--requests", "30", "--pages", "3"]
    done = subprocess.run(
        [*command, "--model", str(tmp_path / "model")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = dict(line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:])
    assert (figures["requests"], figures["pages"], figures["wrong or lost"]) == ("30", "3", "0")
    assert int(figures["right answers"]) >= CLIENTS
    assert sum(int(value) for name, value in figures.items() if name.startswith("right errors: is ")) >= CLIENTS
    sizes = [float(value.removesuffix(" MB")) for name, value in figures.items() if name.startswith("server's memory")]
    assert len(sizes) == 2
    assert min(sizes) > 100


@pytest.mark.parametrize("arguments", [["--clients", "0"], ["--requests", "-1"], ["--pages", "many"]])
def test_bad_usage_is_one_sentence(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        load_test.main(arguments)
    assert stopped.value.code == 2
    assert "invalid positive" in capsys.readouterr().err
