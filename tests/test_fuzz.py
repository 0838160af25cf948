"""A small part of the fuzz run, and what it is there for: it notices each way in which a case can go wrong."""

import os
import re
import time

import numpy as np
import pytest

from fusion_model import PoseEstimator
from scripts import fuzz
from scripts.fuzz import ask, attack, read_clip, read_photo, unclear
from scripts.fuzz_files import clip_seeds, mutated, photo_seeds
from tests.helpers.serving import served


def some(seeds, count):
    """The first cases of seed 0."""
    return ((f"{n:05}-{name}", data) for n in range(count) for name, data in [mutated(seeds, np.random.default_rng(n))])


def read_badly(path):
    """Read a file, in the way that its name says."""
    if path.name == "traceback":
        raise KeyError("width")
    if path.name == "nameless":
        raise ValueError("this is no photo")
    if path.name == "dead":
        os._exit(3)
    if path.name == "hanging":
        time.sleep(60)
    return "read"


def test_photos_end_in_a_picture_or_a_sentence(tmp_path):
    seeds = photo_seeds(fuzz.EXAMPLE)
    whole = attack(read_photo, iter(seeds.items()), tmp_path)
    assert whole.counts == {"read": len(seeds)}
    damaged = attack(read_photo, some(seeds, 150), tmp_path)
    assert damaged.broken == []
    assert min(damaged.counts["read"], damaged.counts["refused"]) > 20


def test_clips_end_in_frames_or_a_sentence(tmp_path):
    seeds = clip_seeds(tmp_path)
    whole = attack(read_clip, iter(seeds.items()), tmp_path)
    assert whole.counts == {"read": len(seeds)}
    damaged = attack(read_clip, some(seeds, 40), tmp_path)
    assert damaged.broken == []
    assert min(damaged.counts["read"], damaged.counts["refused"]) > 5


def test_requests_end_in_an_answer_or_a_sentence():
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        outcome = ask(url, None, 40, seed=0)
    assert outcome.broken == []
    assert outcome.counts["refused"] > 20


def test_the_same_seed_gives_the_same_files():
    seeds = photo_seeds(fuzz.EXAMPLE)
    assert list(some(seeds, 5)) == list(some(seeds, 5))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("traceback", "KeyError: 'width'"),
        ("nameless", "does not name the file"),
        ("dead", r"the process died \(exit code 3\)"),
        ("hanging", "no answer within 1 s"),
    ],
)
def test_a_case_that_goes_wrong_is_noticed_and_kept_and_the_next_is_read(tmp_path, monkeypatch, name, problem):
    monkeypatch.setattr(fuzz, "MAX_SECONDS", 1.0)
    files = [(name, b"1"), ("good", b"2")]
    outcome = attack(read_badly, iter(files), tmp_path, tmp_path / "kept")
    (sentence,) = outcome.broken
    assert outcome.counts == {"read": 1, "broken": 1}
    assert sentence.startswith(f"{name}: ")
    assert re.search(problem, sentence)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [name]


def test_growth_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "MAX_GROWTH", -1)
    assert "memory grew by" in attack(read_badly, iter([("good", b"")]), tmp_path).broken[0]


@pytest.mark.parametrize("message", ["", " ", "two\nlines", "x" * 501, "Traceback (most recent call last)"])
def test_what_is_no_sentence(message):
    assert "no sentence" in unclear(message)
