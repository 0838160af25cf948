"""The commands that time the page, take its picture, draw that of the README, and attack and load the page."""

import re
from collections import Counter
from contextlib import nullcontext
from itertools import chain
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from gradio_client.exceptions import AppError
from PIL import Image

from demo.drawing.overlays import draw_people, map_pictures
from demo.examples import EXAMPLES
from fusion_model import PoseEstimator
from scripts import fuzz, load_test, overview, page_picture, page_timing
from scripts.chromium import MISSING, find_chromium
from scripts.fuzz import ask, attack, read_clip, read_photo, unclear
from scripts.fuzz_files import clip_seeds, photo_seeds
from scripts.load_requests import check_answer, make_plans, too_alike
from scripts.load_test import Tally
from tests.helpers.browsers import aside
from tests.helpers.earlier import assert_as_before
from tests.helpers.serving import served
from tests.helpers.stand_in import make_pose


def test_the_readme_s_picture_is_photo_maps_and_a_person_who_turns_to_and_fro(tmp_path, monkeypatch):
    monkeypatch.setattr(overview.PoseEstimator, "from_pretrained", lambda _: make_pose)
    photo, out = np.full((300, 400, 3), 90, np.uint8), tmp_path / "out.webp"
    Image.fromarray(photo).save(tmp_path / "photo.png")
    overview.main([str(tmp_path / "photo.png"), "--out", str(out)])
    pose, side = make_pose(photo), overview.SIDE
    with Image.open(out) as film:
        assert (film.n_frames, film.size) == (36, (3 * side, side))
        for number, degrees in ((0, 0), (9, 40), (27, -40)):
            film.seek(number)
            still = np.hstack((overview.square(draw_people(photo, [pose])), map_pictures(photo, pose, side)[0][0]))
            wanted = np.hstack((still, overview.turned(pose, degrees))).astype(int)
            off = np.abs(np.asarray(film.convert("RGB")) - wanted)
            assert (off.mean() < 4, off[:, 2 * side :].mean() < 2) == (True, True)
    panels = [overview.square(np.zeros((200, 100, 3), np.uint8)), *(overview.turned(pose, angle) for angle in (0, 90))]
    assert_as_before("overview", panels, file="page.json")


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_is_timed_at_both_widths_and_its_picture_is_that_of_the_screen(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(page_timing, "SETTLED", 500)
    with served(PoseEstimator.from_pretrained("default"), example=EXAMPLES[0].path) as url:
        for command in (page_timing, page_picture):
            monkeypatch.setattr(command, "running_app", lambda *_: nullcontext((url, None)))
        assert aside(page_timing.main, ["--visits", "1"]) == 0
        assert aside(page_picture.main, ["--width", "390", "--out", str(tmp_path / "page.webp")]) == 0
    time, rest = r"([\d.]+) s.*?", r"shift ([\d.]+), .* ([\d.]+) kB"
    form = rf"(\d+) pixels .*? after {time} after {time} skeleton {time} view {time} {rest}"
    found = [[float(number) for number in row] for row in re.findall(form, capsys.readouterr().out)]
    assert [width for width, *_ in found] == [1440, 390]
    for _, sight, figure, skeleton, upload, shift, kilobytes in found:
        assert 0 < sight < figure < 120
        assert 0 < skeleton <= upload < skeleton + figure, "both from the choice of the photo"
        assert shift < 0.1
        assert 500 < kilobytes < 3000
    with Image.open(tmp_path / "page.webp") as picture:
        assert picture.size == (390, 844)
        assert len(picture.convert("RGB").getcolors(10**6)) > 1000


def test_answers_and_errors_of_others_broken_pages_and_growing_memory_are_noticed(tmp_path, monkeypatch, capsys):
    tally, said_of_pages = Tally(broken=["an answer"]), ["a page", ""]
    monkeypatch.setattr(load_test, "visit_all", lambda _url, visits, done: [done(problem) for problem in visits])
    load_test._visit("", iter(said_of_pages), tally, Mock())
    assert (tally.pages, tally.broken) == (2, ["an answer", "a page"])
    estimator = PoseEstimator.random("tiny", seed=0)  # takes anything in a box for a person

    def said(request):  # what the library answers, as the app does
        try:
            return estimator(request.photo, box=request.box).to_dict()
        except ValueError as error:
            return AppError(str(error))

    plans = make_plans(estimator, tmp_path, Image.open(load_test.EXAMPLE).convert("RGB"), clients=2)
    assert too_alike(plans) == ""
    assert "could not be noticed" in too_alike([plans[0], plans[0]])
    requests = [request for plan in plans for request in (plan[1], *plan[3::4])]  # one with a box and four bad files
    for number, request in enumerate(requests):
        problems = [check_answer(request, said(other)) for other in requests]
        assert [place for place, problem in enumerate(problems) if not problem] == [number]
        assert all(problem.startswith(f"{request.photo.name}: ") for problem in problems if problem)
    counts = {"right": 2, "refusals": Counter({"not a photo": 3}), "full": 4, "pages": 5, "seconds": 6.0}
    grown = Tally(memory=[1_000_000_000, 1_201_000_000], latencies=[0.1, 0.3, 0.7, 0.9, 2.0], **counts)
    assert_as_before("load", load_test.report(grown, 7).splitlines(), file="page.json")
    monkeypatch.setattr(load_test.PoseEstimator, "from_pretrained", lambda _: estimator)
    answers = {"make_plans": plans, "make_visits": [], "running_app": nullcontext(("", None)), "drive": grown}
    for name, answer in ({"find_chromium": "chromium"} | answers).items():
        monkeypatch.setattr(load_test, name, Mock(return_value=answer))
    assert load_test.main([]) == 1
    assert "BROKEN: memory grew from 1000 MB after the first 10 to 1201 MB at the end" in capsys.readouterr().err
    grown.memory[1] -= 2_000_000
    assert load_test.main([]) == 0
    grown.broken.append("an answer")
    assert load_test.main([]) == 1


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(find_chromium() is None, reason=MISSING)
def test_a_few_clients_and_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(load_test, "REST_SECONDS", 0.1)
    PoseEstimator.random("tiny", seed=0).save_pretrained(tmp_path)
    assert aside(load_test.main, ["--clients", "3", "--requests", "30", "--pages", "2", "--model", str(tmp_path)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("read", "count", "least"), [(read_photo, 150, 20), (read_clip, 40, 5)])
def test_photos_and_clips_end_in_a_picture_or_a_sentence(tmp_path, read, count, least):
    seeds = photo_seeds(fuzz.EXAMPLE) if read is read_photo else clip_seeds(tmp_path)
    damaged, case = (list(fuzz._cases(seeds, SimpleNamespace(first=n, seed=0), c)) for n, c in ((0, count), (7, 1)))
    assert case == damaged[7:8], "it can be repeated alone"
    outcome = attack(read, chain(seeds.items(), damaged), tmp_path)
    assert outcome.broken == []
    assert outcome.counts["read"] > len(seeds) + least
    assert outcome.counts["refused"] > least


@pytest.mark.slow
def test_requests_end_in_an_answer_or_a_sentence():
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        outcome = ask(url, None, 40, seed=0)
    assert outcome.broken == []
    assert outcome.counts["refused"] > 20
    for message in ("", "two\nlines", "x" * 501, "Traceback (most recent call last)"):
        assert "no sentence" in unclear(message)
