"""Packs of scenes: what training reads of them, what is wrong is said by name, and how train.prepare writes them."""

import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from tests.helpers.scene_files import write_scene_pack
from train.data.scenes import find_scenes, read_scenes

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
