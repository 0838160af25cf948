"""Scenes made by hand: what counts as found, as false and as neither, operating points; pictures to train on."""

import numpy as np
import pytest

from fusion_model.config import DetectorConfig
from fusion_model.detection.detector import Detection
from fusion_model.detection.network import PersonDetector
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import write_pack
from tests.helpers.scene_files import made_scenes, write_scene_pack, write_voc
from train.detector_stage import figures
from train.detector_stage.figures import average_precision, crossed_rates, kinds, mark, operating_point, rates
from train.detector_stage.scene_samples import SceneSampler
from train.engine.provenance import read_provenance

SIZE = 128
PEOPLE = [(20, 10, 50, 90)]
PERSON, OTHER, SHORT, FAR = (10, 10, 40, 90), (60, 10, 90, 90), (200, 10, 230, 40), (50, 50, 55, 60)


def found(*boxes):
    """Boxes with a score each, as a detector gives them."""
    boxes = np.array(boxes, float).reshape(-1, 5)
    return boxes[:, :4], boxes[:, 4]


def test_the_best_box_finds_a_person_and_the_next_is_false():
    boxes, scores = found((*PERSON, 0.6), (11, 11, 41, 91, 0.9), (60, 10, 90, 90, 0.5))
    assert kinds(made_scenes([PERSON]), 0, boxes, scores).tolist() == ["beside", "hit", "beside"]
    assert kinds(made_scenes([]), 0, boxes, scores).tolist() == ["false"] * 3


def test_the_far_and_the_unsure_do_not_count():
    """100 pixels high: somebody of 10 is below a sixth, of 31 is not, however wide the photo."""
    scenes = made_scenes([PERSON, OTHER, FAR, SHORT], unsure={1}, shape=(100, 300))
    boxes, scores = found((*OTHER, 0.9), (*FAR, 0.8), (65, 20, 75, 50, 0.7), (*PERSON, 0.6), (15, 10, 35, 60, 0.5))
    assert kinds(scenes, 0, boxes, scores).tolist() == ["", "", "", "hit", "beside"]
    marks = mark(scenes, np.array([0]), [(boxes, scores)])
    assert (marks.people.tolist(), marks.kind.tolist()) == ([2], ["hit", "beside"])


@pytest.fixture
def marks():
    """Two photos with a person and two without anybody, alternately; the last two are of a set that is not complete."""
    scenes = made_scenes([PERSON], [], [PERSON], [], source=["coco", "coco", "mpii", "sun"])
    of_the_incomplete = found((*PERSON, 0.5), (*OTHER, 0.8)), found()
    boxes = [found((*PERSON, 0.9), (*OTHER, 0.3)), found((*OTHER, 0.6)), *of_the_incomplete]
    return mark(scenes, np.arange(4), boxes)


def test_rates_by_hand(marks):
    all_of_them, sure = rates(marks, 0.2), rates(marks, 0.7)
    assert (all_of_them["recall"], all_of_them["recall_complete"]) == (100, 100)
    assert (all_of_them["people"], all_of_them["people_complete"]) == (2, 1)
    assert all_of_them["false_boxes"] == 0.5, "one in two photos without anybody"
    assert all_of_them["false_boxes_beside"] == 1, "beside people it counts where everyone is boxed: one photo"
    assert (sure["recall"], sure["false_boxes"], sure["false_boxes_beside"]) == (50, 0, 0)
    assert sure["recall_se"] == pytest.approx(100 * 0.5 / 2**0.5)
    photos = [all_of_them[f"false_boxes{name}_{what}"] for name in ("", "_beside") for what in ("photos", "se")]
    assert photos == pytest.approx([2, 0.5, 1, 0])
    assert rates(marks, 0.9)["recall"] == 50, "at the score itself it is found"


def test_an_operating_point_is_the_lowest_score_that_keeps_to_both_limits(marks):
    assert [operating_point(marks, *allowed) for allowed in ((0.5, 1.0), (0.5, 0.0), (0.0, 1.0))] == [0.3, 0.5, 0.8]
    assert rates(marks, 0.8)["false_boxes"] == 0


def test_each_half_is_measured_at_the_point_of_the_other():
    """Half a false box on the one photo without anybody of each half is none: 0.3 and 0.9 are the points."""
    boxes = [found((*PERSON, 0.3)), found((*PERSON, 0.9)), found((*OTHER, 0.2)), found((*OTHER, 0.25))]
    figures = crossed_rates(mark(made_scenes([PERSON], [PERSON], [], []), np.arange(4), boxes), 0.5, 0.0)
    assert figures["recall"] == 50, "0.3 is below 0.9, which the odd photos chose"
    assert figures["false_boxes"] == 0, "0.25 is below 0.3, which the even photos chose"


def test_average_precision_by_hand(marks):
    """Hit, (beside, not complete: not counted), false, hit, beside: precision 1 at half of them, 2 / 3 at all."""
    assert average_precision(marks) == pytest.approx(100 * (1 + 2 / 3) / 2)
    boxes = found((*PERSON, 0.9), (100, 10, 130, 90, 0.8), (*OTHER, 0.7), (*SHORT, 0.6))
    marks = mark(made_scenes([PERSON, OTHER, SHORT, (150, 10, 180, 90)], shape=(100, 300)), np.arange(1), [boxes])
    assert average_precision(marks) == pytest.approx(100 * (1 + 3 / 4 + 3 / 4) / 4), "2 / 3 rises to what comes after"


def drawn(scenes, count=60):
    sampler = SceneSampler(scenes, SIZE)
    return [sampler.make(np.random.default_rng(seed)) for seed in range(count)]


def white(sample, where):
    """People are white in photos of grey: how many of their pixels lie in cells of such trust."""
    return int((np.kron(where(sample.trust), np.ones((8, 8), bool)) & (sample.image.min(-1) > 200)).sum())


def test_people_fill_their_boxes():
    """All of the white lies in boxes, or where nothing is to be learnt."""
    boxes = 0
    for sample in drawn(made_scenes(PEOPLE, [], source=["stanford40", "sun"], shape=(100, 140))):
        assert sample.image.shape == (SIZE, SIZE, 3)
        total, outside = white(sample, lambda trust: trust >= 0), sample.image.copy()
        for x0, y0, x1, y1 in sample.boxes:
            assert -0.5 <= min(x0, y0) < max(x1, y1) <= SIZE - 0.5
            part = (slice(round(y0 + 0.5), round(y1 + 0.5) + 1), slice(round(x0 + 0.5), round(x1 + 0.5) + 1))
            assert (sample.image[part].min(-1) > 200).mean() > 0.6, "turned a little, a rectangle no longer fills it"
            outside[part] = 0
            boxes += 1
        sample.image = outside
        assert white(sample, lambda trust: trust > 0) < 0.15 * max(total, 60)
    assert boxes > 40


def test_the_body_axis_turns_with_the_photo():
    """Of tall boxes in sets whose people in such boxes stand; who lies does so in a photo turned by a right angle."""
    standing, unknown = (
        drawn(made_scenes(PEOPLE, source=[name], shape=(100, 140)), 300) for name in ("stanford40", "mpii")
    )
    axes, boxes = (np.concatenate([getattr(one, name) for one in standing]) for name in ("axes", "boxes"))
    known = axes.any(1)
    assert known.sum() > 100
    assert np.allclose(np.linalg.norm(axes[known], axis=1), 1, atol=1e-5)
    assert (axes[known, 0] > 0.999).mean() > 0.7
    width, height = (boxes[:, 2:] - boxes[:, :2])[np.abs(axes[:, 1]) > 0.9].T
    assert len(width) > 3
    assert (width > height).all()
    assert not any(sample.axes.any() for sample in unknown)


def test_the_unsure_are_neither_found_nor_background_and_nobody_is_nobody():
    for sample in drawn(made_scenes(PEOPLE, unsure={0}, shape=(100, 140)), 20):
        assert not len(sample.boxes)
        assert white(sample, lambda trust: trust > 0) < 0.25 * max(white(sample, lambda trust: trust >= 0), 60)
    sampler = SceneSampler(made_scenes(PEOPLE, [], [], source=["coco"] * 3), SIZE)
    assert (len(sampler), len(sampler.nobody)) == (3, 2)
    assert all(photo.max() < 200 for photo in sampler.nobody)


def test_pictures_are_drawn_as_before():
    people = [(20, 10, 50, 90), (60, 40, 80, 99), (200, 3, 212, 30)]
    made = made_scenes(people, [], people, source=["stanford40", "sun", "coco"], shape=(120, 260))
    made.unsure[0][1], made.validation[2] = True, True
    assert_as_before("scenes", drawn(made, 80), 0.01, "stages.json")


def test_no_photo_is_trained_on_that_a_data_set_holds_out(printed, tmp_path, monkeypatch):
    """Of a pack of people, a pack of scenes that shares photos with it, and VOC as it is distributed."""
    data, taken = tmp_path / "data", []

    class Recording(SceneSampler):
        def __init__(self, scenes, *arguments):
            super().__init__(scenes, *arguments)
            taken.append((sorted(scenes.original[~scenes.validation]), len(self)))

    monkeypatch.setattr("train.detector.SceneSampler", Recording)
    names = write_pack(data, "mpii", 8, held_out=2)["name"]  # the last two
    shared = [str(names[row]).replace(".webp", ".jpg") for row in (0, 7, 1)]
    write_scene_pack(data, "", ["mpii"] * 3, shared, [True, False, False])
    write_pack(data, "synthetic", 4, held_out=1)  # who are not for the detector
    write_voc(tmp_path / "in")
    printed("prepare", "voc", "--source", tmp_path / "in", "--out", data, "--workers", 1)
    small = ("--input-size", 64, "--width", 8, "--batch", 2, "--steps", 2, "--validate-every", 2)
    out = printed("detector", "--data", data, "--run", tmp_path / "run", *small)
    assert "held out in some data set: 1 people (mpii 1), 1 whole photos" in out
    assert "with 3 whole photos and 5 people" in out
    assert read_provenance(tmp_path / "run", "detector")["people"] == {"mpii": 5, "scenes": 3}
    assert taken == [(sorted([shared[2], "2008_000001.jpg", "2008_000002.jpg"]), 3)]


def test_a_detector_is_measured_on_every_other_validation_photo(monkeypatch):
    """It is sure of one of two, whom it sees everywhere: hit, false twice, hit twice; those two are not sure enough."""

    def detect(_network, photo, config):
        there = [bool(photo[50, x].min() > 200) for x in (20, 70)]
        boxes = (PERSON, 0.9 if there[0] else 0.5), *[(OTHER, 0.3)] * there[1]
        return [Detection(np.array(box), 0.0, score) for box, score in boxes if score >= config.min_score == 0.02]

    monkeypatch.setattr(figures, "detect", detect)
    scenes = made_scenes([PERSON], [PERSON], [PERSON], [OTHER], [], [OTHER], [PERSON], validation=True)
    scenes.validation[[0, 6]] = False
    found = figures.detector_figures(PersonDetector(DetectorConfig()), scenes)
    assert found == pytest.approx({"ap": 100 * (1 + 3 / 5 + 3 / 5) / 3, "scene_recall": 100 / 3})
