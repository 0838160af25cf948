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
def requests(estimator, tmp_path_factory):
    """Of each client one with a box and four bad files, and what the library says to each of them."""
    plans = make_plans(estimator, tmp_path_factory.mktemp("photos"), EXAMPLE, CLIENTS)
    assert too_alike(plans) == ""
    assert "could not be noticed" in too_alike([plans[0], plans[0]])
    return [(one, said(estimator, one)) for plan in plans for one in (plan[1], *plan[3::4])]


def said(estimator, request):
    """What the library answers, as the app does."""
    try:
        return estimator(request.photo, box=request.box).to_dict()
    except ValueError as error:
        return AppError(str(error))


def test_own_answers_and_errors_are_right_and_those_of_others_are_not(requests):
    assert len({request.photo.name for request, _ in requests}) == 5 * CLIENTS
    for number, (request, _) in enumerate(requests):
        problems = [check_answer(request, outcome) for _, outcome in requests]
        assert problems[number] == ""
        assert [place for place, problem in enumerate(problems) if not problem] == [number]
        for problem in filter(None, problems):
            assert problem.startswith(f"{request.photo.name}: ")


def test_growing_memory_is_noticed():
    assert memory_problems(Tally(memory=[1_000_000_000, 1_199_000_000])) == []
    grown = Tally(memory=[1_000_000_000, 1_201_000_000])
    assert memory_problems(grown) == ["memory grew from 1000 MB after the first 10 to 1201 MB at the end"]


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
