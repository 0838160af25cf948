"""What is held out in one data set is held out in all."""

import dataclasses

import numpy as np
import pytest

from tests.helpers.fake_data import make_source, write_pack
from tests.helpers.scene_files import write_scene_pack
from train.data.held_out import find_held_out
from train.data.scenes import find_scenes
from train.data.sources import find_people


def people(name, photos, validation):
    """A source whose rows show these photos."""
    source = make_source(name, len(photos))
    return dataclasses.replace(source, photos=np.array(photos), validation=np.array(validation))


def scenes(tmp_path, *rows):
    """Scenes of (source, name of the photo, validation)."""
    write_scene_pack(tmp_path, "", *zip(*rows, strict=True))
    return find_scenes(tmp_path)


@pytest.mark.parametrize(
    ("source", "name", "original"),
    [
        ("stanford40", "applauding_002.webp", "applauding_002.jpg"),
        ("mpii", "000003072_2.webp", "000003072.jpg"),
        ("coco", "train2017_000000000077_0.webp", "000000000077.jpg"),
        ("coco", "000000000077_12.webp", "COCO_train2014_000000000077.jpg"),
    ],
)
def test_the_photo_is_known_by_its_name_both_ways(source, name, original, tmp_path):
    whole = scenes(tmp_path, (source, original, True), (source, "other.jpg", False))
    found = find_held_out([people(source, [name, "another_9.webp"], [False, False])], whole)
    assert found.people[0].tolist() == [True, False]
    assert found.scenes.tolist() == [False, False]
    whole = scenes(tmp_path, (source, original, False), (source, "other.jpg", False))
    found = find_held_out([people(source, [name, "another_9.webp"], [True, False])], whole)
    assert found.people[0].tolist() == [False, False]  # what validates stays there
    assert found.scenes.tolist() == [True, False]


@pytest.mark.parametrize(
    ("source", "name", "original"),
    [
        ("stanford40", "applauding_002.webp", "applauding.jpg"),  # a number that is the photo's own
        ("stanford40", "applauding_002.webp", "applauding_003.jpg"),
        ("street", "street_0001.webp", "street.jpg"),
        ("mpii", "train2017_000000077_0.webp", "000000077.jpg"),
    ],
)
def test_other_photos_are_others(source, name, original, tmp_path):
    whole = scenes(tmp_path, (source, original, True), (source, "b.jpg", False))
    assert not find_held_out([people(source, [name], [False])], whole).people[0].any()


def test_the_other_person_of_a_photo_and_the_other_pack_of_scenes(tmp_path):
    mpii = people("mpii", ["7_1.webp", "7_2.webp", "8_1.webp"], [False, True, False])
    write_scene_pack(tmp_path, "_b", ["voc2012", "sun"], ["2008_1.jpg", "x.jpg"], [True, False])
    whole = scenes(tmp_path, ("voc2012", "2008_1.jpg", False), ("voc2012", "2008_2.jpg", False))
    found = find_held_out([mpii], whole)
    assert found.people[0].tolist() == [True, False, False]
    assert found.scenes.tolist() == [True, False, False, False]


def test_a_photo_of_the_same_name_in_another_set_does_not_count_and_the_line_has_the_counts(tmp_path):
    sources = [
        people("mpii", ["7_1.webp", "7_2.webp", "8_1.webp"], [False, False, True]),
        people("street", ["7.webp"], [False]),
        people("stanford40", ["b_1.webp"], [False]),
        make_source("lspet", 2),  # which does not know the names of its photos
    ]
    rows = [("mpii", "7.jpg", True), ("mpii", "8.jpg", False), ("stanford40", "b_1.jpg", True)]
    line = find_held_out(sources, scenes(tmp_path, *rows)).describe(sources)
    assert line.endswith("held out in some data set: 3 people (mpii 2, stanford40 1), 1 whole photos")
    alone = find_held_out(sources, None)
    assert not any(rows.any() for rows in alone.people)
    assert alone.scenes.shape == (0,)


def test_nobody_is_trained_on_whose_photo_is_held_out_elsewhere(tmp_path):
    write_pack(tmp_path, "mpii", 6, held_out=2)
    everyone = [len(find_people(tmp_path, validation=part)) for part in (False, True)]
    scenes(tmp_path, ("mpii", "p001.jpg", True), ("mpii", "p004.jpg", False))
    assert everyone == [4, 2]
    assert [len(find_people(tmp_path, validation=part)) for part in (False, True)] == [3, 2]
