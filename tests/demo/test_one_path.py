"""The page, the endpoints and the command line give the poses of the library, over a real small network."""

import json

import pytest

from demo import predict
from demo.endpoints import poses_of_photos
from demo.service import Service
from tests.helpers.estimators import seeing, sure


@pytest.fixture(scope="module")
def estimator():
    """Sees two people in every photo."""
    return seeing(sure(), (4, 2, 3.0, 8, 16, 8, 16, 0), (4, 6, 2.0, 6, 12, 6, 12, 0))


def entries(pose):
    """A pose as JSON, but for how long it took and what a file adds."""
    document = pose if isinstance(pose, dict) else pose.to_dict()
    return {key: value for key, value in document.items() if key not in ("seconds", "source", "files")}


@pytest.fixture
def predicted(estimator, example, tmp_path):
    """A function that runs the command on the example and reads the JSON."""

    def run(*options):
        arguments = [str(example), "--out", str(tmp_path), "--formats", "json", *options]
        assert predict.main(arguments, estimator=estimator) == 0
        return json.loads((tmp_path / f"{example.stem}.json").read_text())

    return run


def test_all_people(estimator, example, predicted):
    service, expected = Service(estimator), [entries(pose) for pose in estimator.predict_all(example)]
    assert len(expected) == 2
    (answer,) = poses_of_photos(service, [str(example)], everyone=True)["photos"]
    shown = [person.pose for person in service.predict_all(str(example)).people]
    for poses in (shown, answer["poses"], predicted("--all")["poses"]):
        assert [entries(pose) for pose in poses] == expected


def test_the_best_person_and_the_one_in_a_box(estimator, example, predicted):
    service, box = Service(estimator), [20, 14, 362, 511]
    (answer,) = poses_of_photos(service, [str(example)], everyone=False)["photos"]
    best = [service.estimate(str(example))[1], *answer["poses"], predicted(), *estimator.batch([example])]
    assert [entries(pose) for pose in best] == [entries(estimator(example))] * 4
    result = service.predict_all(str(example))
    boxed = [service.estimate(str(example), box)[1], service.in_box(result, box), predicted("--box", *map(str, box))]
    assert [entries(pose) for pose in boxed] == [entries(estimator(example, box=box))] * 3
