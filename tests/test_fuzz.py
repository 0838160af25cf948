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


@pytest.mark.parametrize(("read", "count", "least"), [(read_photo, 150, 20), (read_clip, 40, 5)])
def test_photos_and_clips_end_in_a_picture_or_a_sentence(tmp_path, read, count, least):
    seeds = photo_seeds(fuzz.EXAMPLE) if read is read_photo else clip_seeds(tmp_path)
    assert list(some(seeds, 5)) == list(some(seeds, 5)), "the same seed gives the same files"
    whole = attack(read, iter(seeds.items()), tmp_path)
    assert whole.counts == {"read": len(seeds)}
    damaged = attack(read, some(seeds, count), tmp_path)
    assert damaged.broken == []
    assert min(damaged.counts["read"], damaged.counts["refused"]) > least


def test_requests_end_in_an_answer_or_a_sentence():
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        outcome = ask(url, None, 40, seed=0)
    assert outcome.broken == []
    assert outcome.counts["refused"] > 20


def test_a_case_that_goes_wrong_is_noticed_and_kept_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "MAX_SECONDS", 3.0)
    monkeypatch.setattr(fuzz, "MAX_GROWTH", -1)
    problems = {
        "traceback": "KeyError: 'width'",
        "nameless": "does not name the file",
        "dead": r"the process died \(exit code 3\)",
        "hanging": "no answer within 3 s",
    }
    outcome = attack(read_badly, iter([(name, b"1") for name in (*problems, "good")]), tmp_path, tmp_path / "kept")
    *broken, growth = outcome.broken
    assert outcome.counts == {"read": 1, "broken": 4}
    for sentence, (name, problem) in zip(broken, problems.items(), strict=True):
        assert re.search(f"^{name}: .*{problem}", sentence)
    assert growth.startswith("memory grew by")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == set(problems)


@pytest.mark.parametrize("message", ["", " ", "two\nlines", "x" * 501, "Traceback (most recent call last)"])
def test_what_is_no_sentence(message):
    assert "no sentence" in unclear(message)
