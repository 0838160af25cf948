"""The page, the endpoints and the command line give the poses of the library, over a real small network."""

import dataclasses
import json

import numpy as np
import pytest

from demo import predict
from demo.endpoints import poses_of_photos
from demo.service import Service
from tests.helpers.estimators import seeing, sure

TWO = (4, 2, 3.0, 8, 16, 8, 16, 0), (4, 6, 2.0, 6, 12, 6, 12, 0)


@pytest.fixture(scope="module")
def estimator():
    return seeing(sure(), *TWO)


def entries(pose):
    document = pose if isinstance(pose, dict) else pose.to_dict()
    return {key: value for key, value in document.items() if key not in ("seconds", "source", "files")}


@pytest.mark.parametrize("who", ["all", "best", "box"])
def test_all_ways_lead_to_the_same_poses(estimator, example, tmp_path, who):
    service, photo, box = Service(estimator), str(example), [20, 14, 362, 511] if who == "box" else None
    result = service.predict_all(photo)
    if who == "all":
        expected, ways = estimator.predict_all(example), [[person.pose for person in result.people]]
        assert len(expected) == 2
    else:
        expected, ways = [estimator(example, box=box)], [[service.estimate(photo, box)[1]]]
    if who == "box":
        ways.append([service.in_box(result, box)])
    else:
        ways.append(poses_of_photos(service, [photo], everyone=who == "all")["photos"][0]["poses"])
    options = {"all": ["--all"], "best": [], "box": ["--box", *map(str, box or ())]}[who]
    assert predict.main([photo, "--out", str(tmp_path), "--formats", "json", *options], estimator=estimator) == 0
    written = json.loads((tmp_path / f"{example.stem}.json").read_text())
    ways.append(written["poses"] if who == "all" else [written])
    for poses in ways:
        assert [entries(pose) for pose in poses] == [entries(pose) for pose in expected]


def test_weak_finds_are_apart(example):
    people = *TWO[:1], (4, 6, -1.0, 6, 12, 6, 12, 0), (1, 4, -2.0, 6, 6, 6, 6, 0)
    both = seeing(sure(), *people)  # of the last one is too little for the detector to count
    scores = [pose.score for pose in both.predict_all(np.full((200, 200, 3), 90, np.uint8), min_score=0.2)]
    assert len(scores) == 2
    search = dataclasses.replace(both.config.search, person=float(np.mean(scores)))
    estimator = both.with_config(dataclasses.replace(both.config, search=search))
    shown, result = estimator.predict_all(example), Service(estimator).predict_all(str(example))
    assert [person.pose.score for person in result.people] == [pose.score for pose in shown]
    assert len(result.people) == len(result.more) == 1
    assert result.more[0].pose.score < estimator.trust_score <= result.people[0].pose.score
    assert Service(sure()).predict_all(str(example)).more == ()  # without a detector there are none
