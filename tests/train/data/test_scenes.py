"""Packs of scenes: what training reads of them, and what is wrong with a pack is said by name."""

import numpy as np
import pytest

from tests.helpers.scene_files import write_scene_pack
from train.data.scenes import find_scenes, read_scenes

ORIGINALS = ["a.jpg", "b.jpg", "c.jpg"]


def write_three(folder, name=""):
    return write_scene_pack(folder, name, ["voc2012"] * 3, ORIGINALS, [False, True, False])


def grey(scenes, row):
    return round(float(scenes.photo(row).mean()))


def test_a_pack(tmp_path):
    write_three(tmp_path)
    scenes = read_scenes(tmp_path / "scenes.npz")
    assert len(scenes) == 3
    assert [boxes.shape for boxes in scenes.boxes] == [(0, 4), (1, 4), (2, 4)]
    assert [flags.tolist() for flags in scenes.unsure] == [[], [False], [False, True]]  # flags 0; 1 and 2
    assert scenes.boxes[2][1].tolist() == [1, 2, 11, 22]
    assert scenes.validation.tolist() == [False, True, False]
    assert scenes.original.tolist() == ORIGINALS
    assert scenes.photo(0).shape == (30, 40, 3)
    assert [grey(scenes, row) for row in range(3)] == pytest.approx([20, 60, 100], abs=2)


def test_several_packs_are_one(tmp_path):
    write_three(tmp_path)
    write_scene_pack(tmp_path, "_more", ["coco", "sun"], ["d.jpg", "e.jpg"], [True, False])
    scenes = find_scenes(tmp_path)
    assert scenes.original.tolist() == [*ORIGINALS, "d.jpg", "e.jpg"]
    assert scenes.source.tolist() == ["voc2012"] * 3 + ["coco", "sun"]
    assert scenes.validation.tolist() == [False, True, False, True, False]
    assert [len(boxes) for boxes in scenes.boxes] == [0, 1, 2, 0, 1]
    assert [len(flags) for flags in scenes.unsure] == [0, 1, 2, 0, 1]
    assert scenes.size.shape == (5, 2)
    assert [grey(scenes, row) for row in (2, 3, 4)] == pytest.approx([100, 20, 60], abs=2)  # of the right zip


@pytest.mark.parametrize("rows", [[2, 0], [False, True, True]])
def test_some_of_the_photos(rows, tmp_path):
    write_three(tmp_path)
    scenes, kept = find_scenes(tmp_path), np.arange(3)[np.array(rows)]
    taken = scenes.take(np.array(rows))
    assert taken.original.tolist() == [ORIGINALS[row] for row in kept]
    assert [len(boxes) for boxes in taken.boxes] == kept.tolist()
    assert [len(flags) for flags in taken.unsure] == kept.tolist()
    assert taken.validation.tolist() == scenes.validation[kept].tolist()
    assert [grey(taken, place) for place in range(2)] == [grey(scenes, row) for row in kept]


@pytest.mark.parametrize("ending", ["npz", "zip"])
def test_a_missing_file(ending, tmp_path):
    write_three(tmp_path)
    (tmp_path / f"scenes.{ending}").unlink()
    with pytest.raises(FileNotFoundError, match=rf"scenes\.{ending} not found: a pack of scenes is an npz file with"):
        read_scenes(tmp_path / "scenes.npz")


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_labels_cut_off(kept, tmp_path):
    write_three(tmp_path)
    path = tmp_path / "scenes.npz"
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"scenes\.npz is damaged or no npz file .*copy it again"):
        find_scenes(tmp_path)


def test_a_photo_that_is_not_in_the_zip(tmp_path):
    arrays = write_three(tmp_path)
    np.savez(tmp_path / "scenes.npz", **arrays | {"name": np.array(["0.webp", "1.webp", "other.webp"])})
    scenes = find_scenes(tmp_path)
    with pytest.raises(ValueError, match=r"scenes\.zip: photo other\.webp cannot be read .*copy the archive again"):
        scenes.photo(2)


def test_an_array_that_is_missing(tmp_path):
    arrays = write_three(tmp_path)
    del arrays["box_flag"]
    np.savez(tmp_path / "scenes.npz", **arrays)
    with pytest.raises(ValueError, match=r"scenes\.npz has no array box_flag; it has name, size, "):
        find_scenes(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": np.zeros((3, 3))}, r"array size has shape \(3, 3\), expected \(3, 2\)"),
        ({"original": np.array(["a"])}, r"array original has shape \(1,\), expected \(3,\)"),
        ({"box_start": np.array([0, 0, 3])}, r"array box_start has shape \(3,\), expected \(4,\)"),
        ({"boxes": np.zeros((2, 4))}, r"array boxes has shape \(2, 4\), expected \(3, 4\)"),
        ({"box_flag": np.zeros(4)}, r"array box_flag has shape \(4,\), expected \(3,\)"),
        ({"box_start": np.array([0, 2, 1, 3])}, "box_start must rise from 0 to the number of boxes, 3"),
        ({"box_start": np.array([1, 1, 1, 3])}, "box_start must rise from 0 to the number of boxes, 3"),
        ({"split": np.array(["train", "test", "train"])}, "split must be 'train' or 'validation', got 'test'"),
    ],
)
def test_arrays_that_do_not_fit(changes, message, tmp_path):
    np.savez(tmp_path / "scenes.npz", **write_three(tmp_path) | changes)
    with pytest.raises(ValueError, match=rf"scenes\.npz: {message}"):
        find_scenes(tmp_path)
