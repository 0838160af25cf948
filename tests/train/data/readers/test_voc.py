"""PASCAL VOC: files as distributed, through the command, to what training reads."""

from collections import Counter

import numpy as np

from tests.helpers.earlier import assert_as_before
from tests.helpers.scene_files import PHOTOS, write_voc
from train.data.readers.voc import plan_voc
from train.data.scenes import find_scenes


def photos_in(folder):
    return [photo for load in plan_voc(folder).units.values() for photo in load(Counter())]


def test_boxes_run_along_the_edges_of_the_pixels(tmp_path, prepare):
    write_voc(tmp_path / "in")
    for crop, scale in ((600, 1), (300, 0.5)):
        prepare("voc", tmp_path / "in", "--crop", crop, out=tmp_path / str(crop))
        scenes = find_scenes(tmp_path / str(crop))
        assert scenes.size[0].tolist() == [600 * scale, 450 * scale]
        # Columns 100 to 199 are white, so the person reaches from 99.5 to 199.5, by hand; halved, columns 50 to 99.
        expected = np.array([100, 50, 200, 150]) * scale - 0.5
        assert scenes.boxes[0].tolist() == [expected.tolist()]
        photo = scenes.photo(0).astype(int)
        assert (photo[..., 0] - photo[..., 2])[photo.min(2) > 128].mean() > 20  # red and blue
        white = np.argwhere(photo.min(2) > 128)[:, ::-1]
        assert [*(white.min(0) - 0.5), *(white.max(0) + 0.5)] == list(expected)


def test_everyone_flags_and_splits(tmp_path, prepare, prepare_error):
    write_voc(tmp_path / "in")
    printed = prepare("voc", tmp_path / "in").replace(str(tmp_path), "")
    assert "scenes_voc.npz is there: delete it to make it anew" in prepare_error("voc", tmp_path / "in")
    scenes = find_scenes(tmp_path / "out")
    with np.load(tmp_path / "out" / "scenes_voc.npz") as data:
        assert_as_before("voc", [printed.splitlines(), dict(data)], file="data.json")
    assert [len(boxes) for boxes in scenes.boxes] == [1, 0, 2]  # neither the dog nor the head of a person
    assert scenes.unsure[2].tolist() == [False, True]


def test_a_flat_photo_keeps_a_line(tmp_path, prepare):
    write_voc(tmp_path / "in", photos={"2008_000009": ((1000, 16), [((0, 0, 499, 15), "")], "train")})
    prepare("voc", tmp_path / "in", "--crop", 20)
    assert find_scenes(tmp_path / "out").boxes[0].tolist() == [[-0.5, -0.5, 9.5, 0.5]]


def test_several_years_the_devkit_and_one_year(tmp_path):
    write_voc(tmp_path, "VOC2007", {"000005": PHOTOS["2008_000001"]})
    write_voc(tmp_path)
    for below in ("", "VOCdevkit"):
        photos = photos_in(tmp_path / below)
        assert [photo.source for photo in photos] == ["voc2007", "voc2012", "voc2012", "voc2012"]
        assert photos[0].frame.path.name == "000005.jpg"
    assert [photo.source for photo in photos_in(tmp_path / "VOCdevkit" / "VOC2012")] == ["voc2012"] * 3


def test_labels_as_editors_write_them(tmp_path):
    """Names in lines of their own, in capitals; rounding beyond the photo, fractions, marks that are not there."""
    root = write_voc(tmp_path)
    annotations, lists = root / "Annotations", root / "ImageSets" / "Main"
    for name, old, new in (
        ("2008_000001.xml", "<name>person</name>", "<name> Person\n</name>"),
        ("2008_000001.xml", "<xmin>101</xmin>", "<xmin>101.25</xmin>"),
        ("2008_000001.xml", "<xmax>200</xmax>", "<xmax>601</xmax>"),
        ("2008_000001.xml", "<truncated>0</truncated>", ""),
        ("2008_000003.xml", "<truncated>0</truncated><difficult>1", "<truncated>1</truncated><difficult>1"),
    ):
        text = (annotations / name).read_text()
        assert old in text
        (annotations / name).write_text(text.replace(old, new))
    (lists / "train.txt").write_text((lists / "train.txt").read_text() + "2008_000003\n\n", encoding="utf-8-sig")
    photos = photos_in(tmp_path)
    assert photos[0].boxes.tolist() == [[99.75, 49.5, 599.5, 149.5]]
    assert photos[0].flags.tolist() == [0]
    assert photos[2].flags.tolist() == [1, 2]  # difficult counts before truncated
    assert [photo.split for photo in photos] == ["train", "train", "validation"]  # what both lists name is held out
