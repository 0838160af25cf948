"""The load test notices what it is there for, and a short one against the real app goes well."""

import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client.exceptions import AppError
from PIL import Image

from fusion_model import PoseEstimator
from scripts import load_test
from scripts.chromium import MISSING, find_chromium
from scripts.load_requests import check_answer, make_plans, too_alike
from scripts.load_test import Tally, memory_problems

EXAMPLE = Image.open(load_test.EXAMPLE).convert("RGB")


def test_answers_and_errors_of_others_and_growing_memory_are_noticed(tmp_path):
    estimator = PoseEstimator.random("tiny", seed=0)  # takes anything in a box for a person

    def said(request):
        """What the library answers, as the app does."""
        try:
            return estimator(request.photo, box=request.box).to_dict()
        except ValueError as error:
            return AppError(str(error))

    plans = make_plans(estimator, tmp_path, EXAMPLE, clients=2)
    assert too_alike(plans) == ""
    assert "could not be noticed" in too_alike([plans[0], plans[0]])
    requests = [request for plan in plans for request in (plan[1], *plan[3::4])]  # one with a box and four bad files
    for number, request in enumerate(requests):
        problems = [check_answer(request, said(other)) for other in requests]
        assert [place for place, problem in enumerate(problems) if not problem] == [number]
        assert all(problem.startswith(f"{request.photo.name}: ") for problem in problems if problem)
    assert memory_problems(Tally(memory=[1_000_000_000, 1_199_000_000])) == []
    grown = Tally(memory=[1_000_000_000, 1_201_000_000])
    assert memory_problems(grown) == ["memory grew from 1000 MB after the first 10 to 1201 MB at the end"]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(find_chromium() is None, reason=MISSING)
def test_a_few_clients_and_pages(tmp_path):
    PoseEstimator.random("tiny", seed=0).save_pretrained(tmp_path)
    options = ["--clients", "3", "--requests", "30", "--pages", "3", "--model", str(tmp_path)]
    command, root = [sys.executable, "-m", "scripts.load_test", *options], Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
