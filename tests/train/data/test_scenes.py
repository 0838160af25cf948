"""Packs of scenes, read, wrong or written; what is held out in one data set is held out in all."""

import dataclasses

import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import make_source
from tests.helpers.scene_files import write_scene_pack
from train.data.scenes import find_scenes, read_scenes
from train.data.sources import without_held_out

ORIGINALS = ["a.jpg", "b.jpg", "c.jpg"]


def write_three(folder):
    return write_scene_pack(folder, "", ["voc2012"] * 3, ORIGINALS, [False, True, False])


def grey(scenes):
    return [round(float(scenes.photo(row).mean()), -1) for row in range(len(scenes))]


def test_several_packs_are_one_and_some_of_the_photos_can_be_taken(tmp_path):
    write_three(tmp_path)
    write_scene_pack(tmp_path, "_more", ["coco", "sun"], ["d.jpg", "e.jpg"], [True, False])
    scenes = find_scenes(tmp_path)
    labels = {name: part for name, part in vars(scenes).items() if name != "read"}
    assert_as_before("two packs of scenes", labels, file="data.json")
    assert [flags.tolist() for flags in scenes.unsure[:3]] == [[], [False], [False, True]]  # flags 0; 1 and 2
    assert grey(scenes) == [20, 60, 100, 20, 60], "of the right zip"
    for rows in ([2, 0], [False, True, True, False, True]):
        taken, kept = scenes.take(np.array(rows)), np.arange(5)[np.array(rows)]
        assert taken.original.tolist() == scenes.original[kept].tolist()
        assert [len(boxes) for boxes in taken.boxes] == [len(scenes.boxes[row]) for row in kept]
        assert grey(taken) == [grey(scenes)[row] for row in kept]


def test_files_that_are_missing_or_damaged(tmp_path):
    arrays, labels = write_three(tmp_path), tmp_path / "scenes.npz"
    np.savez(labels, **arrays | {"name": np.array(["0.webp", "1.webp", "other.webp"])})
    with pytest.raises(ValueError, match=r"scenes\.zip: photo other\.webp cannot be read .*copy the archive again"):
        find_scenes(tmp_path).photo(2)
    labels.write_bytes(labels.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"scenes\.npz is damaged or no npz file .*copy it again"):
        find_scenes(tmp_path)
    (tmp_path / "scenes.zip").unlink()
    with pytest.raises(FileNotFoundError, match=r"scenes\.zip not found: a pack of scenes is an npz file with"):
        read_scenes(labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": np.zeros((3, 3))}, r"array size has shape \(3, 3\), expected \(3, 2\)"),
        ({"box_start": np.array([0, 0, 3])}, r"array box_start has shape \(3,\), expected \(4,\)"),
        ({"boxes": np.zeros((2, 4))}, r"array boxes has shape \(2, 4\), expected \(3, 4\)"),
        ({"box_start": np.array([1, 1, 2, 3])}, "box_start must rise from 0 to the number of boxes, 3"),
        ({"box_start": np.array([0, 2, 1, 3])}, "box_start must rise from 0 to the number of boxes, 3"),
        ({"split": np.array(["train", "test", "train"])}, "split must be 'train' or 'validation', got 'test'"),
    ],
)
def test_arrays_that_do_not_fit(changes, message, tmp_path):
    np.savez(tmp_path / "scenes.npz", **write_three(tmp_path) | changes)
    with pytest.raises(ValueError, match=rf"scenes\.npz: {message}"):
        find_scenes(tmp_path)


@pytest.mark.parametrize("option", [("--margin", "2"), ("--every", "5"), ("--cameras", "C1")])
def test_options_of_people_are_refused(option, tmp_path, prepare_error):
    assert f"voc is stored as whole photos: leave {option[0]} away" in prepare_error("voc", tmp_path, *option)
    assert not (tmp_path / "out").exists()


def people(name, photos, validation):
    """A source whose rows show these photos."""
    return dataclasses.replace(make_source(name, len(photos)), photos=np.array(photos), validation=np.array(validation))


def scenes(tmp_path, *rows):
    """Scenes of (source, name of the photo, validation)."""
    write_scene_pack(tmp_path, "", *zip(*rows, strict=True))
    return find_scenes(tmp_path)


@pytest.mark.parametrize(
    ("source", "name", "original", "same"),
    [
        ("stanford40", "applauding_002.webp", "applauding_002.jpg", True),
        ("mpii", "000003072_2.webp", "000003072.jpg", True),
        ("coco", "train2017_000000000077_0.webp", "000000000077.jpg", True),
        ("coco", "000000000077_12.webp", "COCO_train2014_000000000077.jpg", True),
        ("stanford40", "applauding_002.webp", "applauding.jpg", False),  # a number that is the photo's own
        ("stanford40", "applauding_002.webp", "applauding_003.jpg", False),
        ("street", "street_0001.webp", "street.jpg", False),
        ("mpii", "train2017_000000077_0.webp", "000000077.jpg", False),
    ],
)
def test_a_photo_is_known_by_its_name_both_ways(source, name, original, same, tmp_path):
    for held_out in ("person", "photo"):
        mine = people(source, [name, "another_9.webp"], [held_out == "person", False])
        whole = scenes(tmp_path, (source, original, held_out == "photo"), (source, "other.jpg", False))
        (left,), photos, _ = without_held_out([mine], whole)
        assert (name in left.photos) == (held_out == "person" or not same)
        assert (original in photos.original) == (held_out == "photo" or not same)
        assert len(left) + len(photos) == 4 - same


def test_the_other_person_of_a_photo_and_another_set_and_the_line_has_the_counts(tmp_path):
    sources = [
        people("mpii", ["7_1.webp", "7_2.webp", "8_1.webp", "9_1.webp", "9_2.webp"], [False, False, True, False, True]),
        people("street", ["7.webp"], [False]),  # another photo of that name
        people("stanford40", ["b_1.webp"], [False]),
        make_source("lspet", 2),  # which does not know the names of its photos
    ]
    write_scene_pack(tmp_path, "_b", ["voc2012", "sun"], ["2008_1.jpg", "x.jpg"], [True, False])
    rows = [("mpii", "7.jpg", True), ("mpii", "8.jpg", False), ("stanford40", "b_1.jpg", True)]
    sources[0] = dataclasses.replace(sources[0], groups={"size": np.array(list("abcde"))})
    left, photos, line = without_held_out(sources, scenes(tmp_path, *rows, ("voc2012", "2008_1.jpg", False)))
    assert [len(one) for one in left] == [2, 1, 0, 2]
    assert [left[0].read(row) for row in (0, 1)] == [sources[0].read(row) for row in (2, 4)]
    assert left[0].groups["size"].tolist() == ["c", "e"]
    assert photos.original.tolist() == ["7.jpg", "b_1.jpg", "2008_1.jpg", "x.jpg"]
    assert line.endswith("held out in some data set: 4 people (mpii 3, stanford40 1), 2 whole photos")
    alone, none, line = without_held_out(sources, None)
    assert [len(one) for one in alone] == [4, 1, 1, 2]
    assert none is None
    assert line.endswith("held out in some data set: 1 people (mpii 1), 0 whole photos")
