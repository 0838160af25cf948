"""A small part of the fuzz run."""

from types import SimpleNamespace

import pytest

from fusion_model import PoseEstimator
from scripts import fuzz
from scripts.fuzz import ask, attack, read_clip, read_photo
from scripts.fuzz_files import clip_seeds, photo_seeds
from tests.helpers.serving import served


@pytest.mark.parametrize(("read", "count", "least"), [(read_photo, 150, 20), (read_clip, 40, 5)])
def test_photos_and_clips_end_in_a_picture_or_a_sentence(tmp_path, read, count, least):
    seeds = photo_seeds(fuzz.EXAMPLE) if read is read_photo else clip_seeds(tmp_path)
    assert attack(read, iter(seeds.items()), tmp_path).counts == {"read": len(seeds)}
    damaged = attack(read, fuzz._cases(seeds, SimpleNamespace(first=0, seed=0), count), tmp_path)
    assert damaged.broken == []
    assert min(damaged.counts["read"], damaged.counts["refused"]) > least


def test_requests_end_in_an_answer_or_a_sentence():
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        outcome = ask(url, None, 40, seed=0)
    assert outcome.broken == []
    assert outcome.counts["refused"] > 20


def read_badly(path):
    raise KeyError(path.name)


def test_a_traceback_is_noticed_and_kept(tmp_path):
    outcome = attack(read_badly, iter([("a.jpg", b"1")]), tmp_path, tmp_path / "kept")
    assert outcome.broken == ["a.jpg: KeyError: 'a.jpg'"]
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["a.jpg"]
