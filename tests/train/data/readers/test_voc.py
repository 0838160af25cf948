"""PASCAL VOC: files as distributed, through the command, to what training reads."""

import cv2
import numpy as np
import pytest

from tests.helpers.scene_files import PERSON, PHOTOS, voc_object, write_voc
from train.data.readers.voc import plan_voc
from train.data.scenes import find_scenes


def annotation(root, name="2008_000001"):
    return root / "Annotations" / f"{name}.xml"


def replaced(path, old, new):
    """Change the text of a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(("crop", "scale"), [(600, 1), (300, 0.5)])
def test_boxes_run_along_the_edges_of_the_pixels(crop, scale, tmp_path, prepare):
    write_voc(tmp_path / "in")
    prepare("voc", tmp_path / "in", "--crop", crop)
    scenes = find_scenes(tmp_path / "out")
    assert scenes.size[0].tolist() == [600 * scale, 450 * scale]
    # Columns 100 to 199 are white, so the person reaches from 99.5 to 199.5, by hand; halved, columns 50 to 99.
    expected = np.array([100, 50, 200, 150]) * scale - 0.5
    assert scenes.boxes[0].tolist() == [expected.tolist()]
    white = np.nonzero(scenes.photo(0).min(2) > 128)
    assert [white[1].min() - 0.5, white[0].min() - 0.5, white[1].max() + 0.5, white[0].max() + 0.5] == list(expected)


def test_everyone_flags_and_splits(tmp_path, prepare):
    write_voc(tmp_path / "in")
    printed = prepare("voc", tmp_path / "in")
    assert "3 photos of voc in" in printed
    assert "scenes_voc.npz: 2 people and 1 unsure boxes" in printed
    assert "nobody is in 1 of them" in printed
    assert "by split: train 2, validation 1" in printed
    scenes = find_scenes(tmp_path / "out")
    assert scenes.original.tolist() == [f"{name}.jpg" for name in PHOTOS]
    assert scenes.source.tolist() == ["voc2012"] * 3
    assert scenes.validation.tolist() == [False, False, True]
    assert [len(boxes) for boxes in scenes.boxes] == [1, 0, 2]  # neither the dog nor the head of a person
    assert scenes.size.tolist() == [[400, 300], [300, 200], [400, 320]]  # the longer side at most 400
    assert scenes.unsure[2].tolist() == [False, True]
    with np.load(tmp_path / "out" / "scenes_voc.npz") as data:
        assert data["box_flag"].tolist() == [0, 1, 2]
    assert np.allclose(scenes.boxes[2][0], [-0.5, -0.5, 79.5, 319.5])


@pytest.mark.parametrize("below", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_folder_may_be_the_devkit_or_a_year(below, tmp_path):
    write_voc(tmp_path)
    (unit,) = plan_voc(tmp_path / below).units
    assert [photo.source for photo in unit.load().records] == ["voc2012"] * 3


def test_several_years(tmp_path):
    write_voc(tmp_path, "VOC2007", {"000005": PHOTOS["2008_000001"]})
    write_voc(tmp_path)
    photos = [photo for unit in plan_voc(tmp_path).units for photo in unit.load().records]
    assert [photo.source for photo in photos] == ["voc2007", "voc2012", "voc2012", "voc2012"]
    assert photos[0].path.name == "000005.jpg"


def test_what_both_lists_name_is_held_out(tmp_path):
    root = write_voc(tmp_path)
    lists = root / "ImageSets" / "Main"
    (lists / "train.txt").write_text((lists / "train.txt").read_text() + "2008_000003\n\n")
    (unit,) = plan_voc(tmp_path).units
    assert [photo.split for photo in unit.load().records] == ["train", "train", "validation"]


def test_a_year_of_another_name(tmp_path, prepare_error):
    write_voc(tmp_path).rename(tmp_path / "pascal")
    error = prepare_error("voc", tmp_path / "pascal")
    assert "the folder is called pascal; expected the name that it is distributed by, VOC2012" in error


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("</annotation>", "", "cannot be read (no element found"),
        ("<width>600</width>", "", "the photo has no size/width"),
        ("<xmin>101</xmin>", "<xmin>wide</xmin>", "person 1 has 'wide' as bndbox/xmin"),
        ("<xmin>101</xmin>", "<xmin>201</xmin>", "the box of person 1 (199.5, 49.5, 199.5, 149.5) is inside-out"),
        ("<ymax>150</ymax>", "<ymax>50</ymax>", "is inside-out"),
        ("<xmin>101</xmin>", "<xmin>nan</xmin>", "person 1 has 'nan' as bndbox/xmin"),
        (
            "<xmax>200</xmax>",
            "<xmax>602</xmax>",
            "the box of person 1 (99.5, 49.5, 601.5, 149.5) reaches beyond the photo of 600 x 450 pixels",
        ),
        ("<ymin>51</ymin>", "<ymin>-1</ymin>", "reaches beyond the photo"),
    ],
)
def test_labels_that_are_wrong(old, new, words, tmp_path, prepare_error):
    path = annotation(write_voc(tmp_path / "in"))
    replaced(path, old, new)
    error = prepare_error("voc", tmp_path / "in")
    assert f"{path}: " in error
    assert words in error
    assert "; expected " in error
    assert "(see PASCAL VOC in docs/data.md)" in error
    assert find_scenes(tmp_path / "out") is None


def test_a_box_that_rounding_put_beyond_the_photo_is_cut(tmp_path):
    path = annotation(write_voc(tmp_path))
    replaced(path, "<xmax>200</xmax>", "<xmax>601</xmax>")
    (unit,) = plan_voc(tmp_path).units
    assert unit.load().records[0].boxes.tolist() == [[99.5, 49.5, 599.5, 149.5]]


def test_fractions_and_marks_that_are_not_there(tmp_path):
    path = annotation(write_voc(tmp_path))
    text = path.read_text().replace("<xmin>101</xmin>", "<xmin>101.25</xmin>")
    path.write_text(text.replace("<truncated>0</truncated>", "").replace("<difficult>0</difficult>", ""))
    (unit,) = plan_voc(tmp_path).units
    record = unit.load().records[0]
    assert record.boxes.tolist() == [[99.75, 49.5, 199.5, 149.5]]
    assert record.flags.tolist() == [0]


def test_names_and_lists_as_editors_write_them(tmp_path):
    """Names in lines of their own, in capitals, and a byte order mark."""
    root = write_voc(tmp_path)
    replaced(annotation(root), "<name>person</name>", "<name> Person\n</name>")
    for name in ("train.txt", "val.txt"):
        path = root / "ImageSets" / "Main" / name
        path.write_text(path.read_text(), encoding="utf-8-sig")
    (unit,) = plan_voc(tmp_path).units
    assert [len(photo.boxes) for photo in unit.load().records] == [1, 0, 2]


def test_difficult_counts_before_truncated(tmp_path):
    path = annotation(write_voc(tmp_path))
    both = voc_object("person", PERSON, "difficult").replace("<truncated>0", "<truncated>1")
    replaced(path, voc_object("person", PERSON), both)
    (unit,) = plan_voc(tmp_path).units
    assert unit.load().records[0].flags.tolist() == [2]


def test_photos_and_lists_that_are_missing_or_damaged(tmp_path, prepare_error):
    root = write_voc(tmp_path / "in")
    photo = root / "JPEGImages" / "2008_000003.jpg"
    whole = cv2.imread(str(photo))
    assert cv2.imwrite(str(photo), whole[:-10])
    error = prepare_error("voc", tmp_path / "in")
    assert "2008_000003.jpg: the photo has 500 x 390 pixels; expected 500 x 400 as its labels say" in error
    photo.write_bytes(b"no photo")
    error = prepare_error("voc", tmp_path / "in")
    assert "2008_000003.jpg: it is not a photo that can be read: expected JPEG, PNG" in error
    photo.unlink()
    assert "2008_000003.jpg: cannot be read" in prepare_error("voc", tmp_path / "in")
    annotation(root).unlink()
    assert "2008_000001.xml: cannot be read" in prepare_error("voc", tmp_path / "in")
    lists = root / "ImageSets" / "Main"
    for name in ("train.txt", "val.txt"):
        (lists / name).write_text("\n")
    assert f"{lists}: the lists name no photo" in prepare_error("voc", tmp_path / "in")
    (lists / "val.txt").unlink()
    assert "val.txt: cannot be read" in prepare_error("voc", tmp_path / "in")
