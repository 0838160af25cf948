"""A small part of the fuzz run."""

from itertools import chain
from types import SimpleNamespace

import pytest

from fusion_model import PoseEstimator
from scripts import fuzz
from scripts.fuzz import ask, attack, read_clip, read_photo, unclear
from scripts.fuzz_files import clip_seeds, photo_seeds
from tests.helpers.serving import served


@pytest.mark.parametrize(("read", "count", "least"), [(read_photo, 150, 20), (read_clip, 40, 5)])
def test_photos_and_clips_end_in_a_picture_or_a_sentence(tmp_path, read, count, least):
    seeds = photo_seeds(fuzz.EXAMPLE) if read is read_photo else clip_seeds(tmp_path)
    damaged = fuzz._cases(seeds, SimpleNamespace(first=0, seed=0), count)
    outcome = attack(read, chain(seeds.items(), damaged), tmp_path)
    assert outcome.broken == []
    assert outcome.counts["read"] > len(seeds) + least
    assert outcome.counts["refused"] > least


def test_requests_end_in_an_answer_or_a_sentence():
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        outcome = ask(url, None, 40, seed=0)
    assert outcome.broken == []
    assert outcome.counts["refused"] > 20


def test_what_is_no_sentence():
    for message in ("", "two\nlines", "x" * 501, "Traceback (most recent call last)"):
        assert "no sentence" in unclear(message)
