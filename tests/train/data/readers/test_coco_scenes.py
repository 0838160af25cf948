"""COCO's whole photos: files as distributed, through the command, to what training reads."""

import json

import pytest

from tests.helpers.scene_files import write_coco_scenes
from train.data.readers.coco import plan_coco_scenes
from train.data.scenes import find_scenes


@pytest.fixture
def source(tmp_path):
    write_coco_scenes(tmp_path / "in")
    return tmp_path / "in"


def labels(source, part="train2017"):
    path = source / "annotations" / f"instances_{part}.json"
    return path, json.loads(path.read_text())


def test_everyone_crowds_and_splits(source, tmp_path, prepare):
    printed = prepare("coco-scenes", source)
    assert "3 photos of coco-scenes in" in printed
    assert "scenes_coco.npz: 2 people and 1 unsure boxes" in printed
    assert "skipped: 1 x a box without area" in printed
    scenes = find_scenes(tmp_path / "out")
    assert scenes.original.tolist() == ["000000000005.jpg", "000000000007.jpg", "000000000009.jpg"]
    assert scenes.source.tolist() == ["coco"] * 3
    assert scenes.validation.tolist() == [False, False, True]
    assert [len(boxes) for boxes in scenes.boxes] == [0, 2, 1]  # the dog is nobody
    assert scenes.unsure[1].tolist() == [False, True]
    assert scenes.size.tolist() == [[300, 200], [400, 300], [300, 200]]
    # 100 + 100 pixels from corner to corner: columns 100 to 199, whose edges lie at 99.5 and 199.5.
    assert scenes.boxes[2].tolist() == [[99.5, 49.5, 199.5, 149.5]]
    photo = scenes.photo(2)
    assert photo[100, 100:200].min() > 200
    assert photo[100, [98, 201]].max() < 80


def test_photos_may_lie_under_images(source, tmp_path):
    for part in ("train2017", "val2017"):
        (source / "images").mkdir(exist_ok=True)
        (source / part).rename(source / "images" / part)
    photos = [photo for unit in plan_coco_scenes(source).units for photo in unit.load().records]
    assert [photo.path.is_file() for photo in photos] == [True] * 3
    (source / "images" / "val2017").rename(tmp_path / "gone")
    with pytest.raises(ValueError, match=r"val2017: there is no such folder; expected the photos of val2017\.zip"):
        plan_coco_scenes(source)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([550, 50, 60, 100], "the box of person 1 in photo 7 (549.5, 49.5, 609.5, 149.5) reaches beyond the photo"),
        ([100, 50, -20, 100], "the box of person 1 in photo 7 (99.5, 49.5, 79.5, 149.5) is inside-out"),
        ([100, 50, 20], "person 1 in photo 7 has 3 numbers as its box; expected 4, x, y, width and height"),
    ],
)
def test_boxes_that_are_wrong(box, words, source, prepare_error):
    path, data = labels(source)
    data["annotations"][0]["bbox"] = box
    path.write_text(json.dumps(data))
    error = prepare_error("coco-scenes", source)
    assert f"{path}: {words}" in error
    assert "(see COCO in docs/data.md)" in error


def test_a_box_that_rounding_put_beyond_the_photo_is_cut(source):
    path, data = labels(source)
    data["annotations"][0]["bbox"] = [-0.3, 0, 600.6, 450]
    path.write_text(json.dumps(data))
    photos = plan_coco_scenes(source).units[0].load().records
    assert photos[1].boxes[0].tolist() == [-0.5, -0.5, 599.5, 449.5]


def test_files_of_another_kind(source, prepare_error):
    path, data = labels(source)
    path.write_text(json.dumps(data | {"categories": [{"id": 1, "name": "dog"}]}))
    assert f"{path}: there is no category called person" in prepare_error("coco-scenes", source)
    path.write_text(json.dumps(data | {"images": data["images"][:1]} | {"annotations": data["annotations"][:1]}))
    assert plan_coco_scenes(source)
    path.write_text(json.dumps(data | {"images": data["images"][1:]}))
    assert f"{path}: photo 7 is not listed" in prepare_error("coco-scenes", source)
    path.write_text(json.dumps(data | {"images": [], "annotations": []}))
    assert f"{path}: there are no photos" in prepare_error("coco-scenes", source)
    path.write_text(json.dumps({"images": []}))
    assert f"{path}: has no list 'annotations'" in prepare_error("coco-scenes", source)
    path.write_text(json.dumps(data)[:100])
    assert f"{path}: cannot be read" in prepare_error("coco-scenes", source)
