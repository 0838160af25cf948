"""COCO's people and whole photos, and labels in its format that people made themselves, through the command."""

import json
from collections import Counter

import cv2
import numpy as np
import pytest
from PIL import Image

from fusion_model.skeletons import COCO_17, MPII_16
from tests.helpers.fake_data import figure
from tests.helpers.lsp_mpii_coco_files import LEFT_WRIST, where, write_coco
from tests.helpers.photos import brightest
from tests.helpers.scene_files import write_coco_scenes
from train.data.prepared import open_prepared, read_prepared
from train.data.readers.coco import plan_coco_scenes
from train.data.scenes import find_scenes

LABELS = "annotations/person_keypoints_train2017.json"
SCENES = "annotations/instances_train2017.json"
GONE = object()


@pytest.fixture
def source(tmp_path):
    """Two photos of 320 x 300 pixels to train on, a person in each; persons 1 to 3 are left out."""
    write_coco(tmp_path / "in")
    write_coco_scenes(tmp_path / "in")
    return tmp_path / "in"


@pytest.fixture
def change(source):
    """Changes an entry of a list of a file; returns the file."""

    def run(key, row, file=LABELS, **changes):
        data = json.loads((source / file).read_text())
        entry = data[key][row] | changes
        data[key][row] = {name: value for name, value in entry.items() if value is not GONE}
        (source / file).write_text(json.dumps(data))
        return source / file

    return run


def test_labels_boxes_and_splits(source, tmp_path, prepare):
    printed = prepare("coco", source)
    assert "by split: train 2, validation 1" in printed
    for reason in ("a crowd", "smaller than 32 pixels", "fewer than 4 labelled joints"):
        assert f"skipped: 2 x {reason}" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["visible"][0].tolist() == [1] + [2] * 16
    assert np.allclose(columns["box"][0, :2], figure(COCO_17, *where(0)).min(0) - 0.5, atol=1e-3)
    people = read_prepared(tmp_path / "out")
    assert people.weight[0, MPII_16.index("neck")] == 0  # COCO has none
    assert people.weight[0, MPII_16.index("pelvis")] == 1  # midpoint of the hips


@pytest.mark.parametrize("turned", [True, False])
def test_a_photo_is_turned_by_exif_only_where_the_labels_say_so(turned, source, tmp_path, prepare):
    photo, exif = source / "train2017" / "a.jpg", Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(cv2.imread(str(photo))[..., ::-1])
    (image.transpose(Image.ROTATE_90) if turned else image).save(photo, quality=95, exif=exif)
    printed = prepare("coco", source)
    assert ("skipped: 1 x a turn of a photo by EXIF, since the labels fit it as stored" in printed) != turned
    people = read_prepared(tmp_path / "out")
    assert np.abs(brightest(people.photo(0)) - people.joints[0, LEFT_WRIST]).max() < 1


@pytest.mark.parametrize("box", [None, GONE])
def test_a_box_that_is_missing_is_had_from_the_joints(box, source, change, tmp_path, prepare):
    change("annotations", 0, bbox=box)
    assert "skipped: 1 x a box that the labels lack" in prepare("coco", source)
    columns = open_prepared(tmp_path / "out").columns
    joints = np.array(json.loads((source / LABELS).read_text())["annotations"][0]["keypoints"]).reshape(17, 3)
    assert np.allclose(columns["box"][0], (*joints[:, :2].min(0), *joints[:, :2].max(0)), atol=1e-3)


@pytest.mark.parametrize(
    ("key", "row", "changes", "words"),
    [
        ("annotations", 1, {"id": GONE}, "cannot be read (KeyError: 'id'); expected COCO's 'images'"),
        ("annotations", 0, {"image_id": 7}, "person 0 in photo 7 cannot be read (KeyError: 7); expected image_id of"),
        ("annotations", 0, {"keypoints": GONE, "num_keypoints": 9}, "expected image_id of a listed photo, bbox"),
        ("annotations", 0, {"keypoints": [1] * 42}, "cannot reshape array of size 42 into shape (17,3)"),
        ("annotations", 0, {"keypoints": [40, 40, 0.9] * 17}, "person 0 in photo 0 has keypoints with v [0.9, 0.9"),
        ("annotations", 0, {"bbox": [10, 20, 30]}, "person 0 in photo 0 cannot be read (ValueError: not enough values"),
        ("annotations", 0, {"bbox": [10, 20, float("nan"), 60]}, "has the box (9.5, 19.5, nan, 79.5), inside-out"),
        ("annotations", 0, {"bbox": [100, 100, 221.5, 60]}, "or beyond the photo of 320 x 300 pixels"),
        ("images", 1, {"id": 0}, "two photos have one id"),
        ("images", 0, {"width": GONE}, "cannot be read (KeyError: 'width')"),
        ("images", 0, {"width": 640}, "a.jpg: the photo has 320 x 300 pixels; expected 640 x 300 as its labels say"),
        ("images", 0, {"file_name": "../b.jpg"}, "photo 0 names the file '../b.jpg'; expected a photo within"),
    ],
)
def test_entries_that_are_wrong(key, row, changes, words, source, change, prepare_error):
    path = change(key, row, **changes)
    error = prepare_error("coco", source)
    assert f"{path}: " in error or "the photo has" in words
    assert words in error
    assert "(see COCO in docs/data.md)" in error


@pytest.mark.parametrize("name", ["coco", "coco-scenes"])
@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, '{"images": {}}', '{"images": [5], "annotations": []}'])
def test_files_that_are_something_else(name, text, source, prepare_error):
    path = source / (LABELS if name == "coco" else SCENES)
    path.write_text(text)
    error = prepare_error(name, source)
    assert f"{path}: cannot be read (" in error
    assert "expected COCO's 'images'" in error


def with_categories(source, *categories):
    """Put categories into the labels; returns the file."""
    path = source / LABELS
    path.write_text(json.dumps(json.loads(path.read_text()) | {"categories": categories}))
    return path


DOG = {"id": 18, "name": "dog", "keypoints": ["tail"]}


@pytest.mark.parametrize("name", ["person", "Person "])
@pytest.mark.parametrize("change_dog", [{}, {"keypoints": [1, 1, 2]}])
def test_what_is_of_another_category_is_nobody(name, change_dog, source, change, tmp_path, prepare):
    """Whether it has as many joints as a person or its own."""
    with_categories(source, {"id": 1, "name": name, "keypoints": list(COCO_17.joints)}, DOG)
    change("annotations", 0, category_id=18, **change_dog)
    change("annotations", 1, category_id=1)
    assert "skipped: 1 x an annotation of another category than person" in prepare("coco", source)
    assert open_prepared(tmp_path / "out").columns["frame"].tolist()[:1] == [1]


def test_joints_of_the_category_that_people_are_of(source, prepare, prepare_error):
    """Where none is called person, those of the category count that is used."""
    path = with_categories(source, {"id": 1, "name": "human", "keypoints": list(COCO_17.joints)}, DOG)
    data = json.loads(path.read_text())
    data["annotations"] = [entry | {"category_id": 1} for entry in data["annotations"]]
    path.write_text(json.dumps(data))
    assert "3 people of coco" in prepare("coco", source)
    data["categories"][0] = {"id": 1, "name": "cat", "keypoints": ["left_eye", *COCO_17.joints[1:]]}
    path.write_text(json.dumps(data))
    error = prepare_error("coco", source, out=source / "other")
    assert f"{path}: the category 'cat' has other keypoints; expected nose, left_eye, right_eye" in error


def test_files_as_other_tools_write_them(source, change, tmp_path, prepare):
    """Whole numbers with a point, a byte order mark, and a person of whom there is just a box."""
    change("images", 1, id=1.0, width=320.0, height=300.0)
    change("annotations", 0, keypoints=GONE, num_keypoints=0)
    path = change("annotations", 1, id=10.0, image_id=1.0)
    path.write_text(path.read_text(), encoding="utf-8-sig")
    printed = prepare("coco", source)
    assert "2 people of coco" in printed
    assert "3 x fewer than 4 labelled joints" in printed  # one in each part besides
    assert open_prepared(tmp_path / "out").columns["frame"].tolist() == [1, 0]


def test_whole_photos_with_everyone_crowds_and_splits(source, change, tmp_path, prepare):
    change("annotations", 0, SCENES, bbox=[-0.3, 0, 600.6, 450])  # rounding: cut
    printed = prepare("coco-scenes", source)
    assert "scenes_coco.npz: 2 people and 1 unsure boxes" in printed
    assert "skipped: 1 x a box without area" in printed
    scenes = find_scenes(tmp_path / "out")
    assert scenes.original.tolist() == ["000000000005.jpg", "000000000007.jpg", "000000000009.jpg"]
    assert scenes.validation.tolist() == [False, False, True]
    assert [len(boxes) for boxes in scenes.boxes] == [0, 2, 1]  # the dog is nobody
    assert scenes.unsure[1].tolist() == [False, True]
    assert scenes.boxes[1][0].tolist() == [-0.5, -0.5, 399.5, 299.5]  # the photo of 600 x 450 stored as 400 x 300
    # 100 + 100 pixels from corner to corner: columns 100 to 199, whose edges lie at 99.5 and 199.5.
    assert scenes.boxes[2].tolist() == [[99.5, 49.5, 199.5, 149.5]]
    photo = scenes.photo(2)
    assert photo[100, 100:200].min() > 200
    assert photo[100, [98, 201]].max() < 80


def test_photos_may_lie_under_images(source, tmp_path):
    for part in ("train2017", "val2017"):
        (source / "images").mkdir(exist_ok=True)
        (source / part).rename(source / "images" / part)
    photos = [photo for load in plan_coco_scenes(source).units.values() for photo in load(Counter())]
    assert [photo.frame.path.is_file() for photo in photos] == [True] * 3
    (source / "images" / "val2017").rename(tmp_path / "gone")
    with pytest.raises(ValueError, match=r"val2017: there is no such folder; expected the photos of val2017\.zip"):
        plan_coco_scenes(source)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bbox": None}, "person 1 in photo 7 cannot be read"),
        (
            {"bbox": [550, 50, 60, 100]},
            "person 1 in photo 7 has the box (549.5, 49.5, 609.5, 149.5), inside-out",
        ),
        ({"image_id": 8}, "person 1 in photo 8 cannot be read (KeyError: 8)"),
    ],
)
def test_whole_photos_that_are_wrong(changes, words, source, change, prepare_error):
    path = change("annotations", 0, SCENES, **changes)
    error = prepare_error("coco-scenes", source)
    assert f"{path}: {words}" in error
    assert "(see COCO in docs/data.md)" in error
    path.write_text(json.dumps(json.loads(path.read_text()) | {"categories": [{"id": 1, "name": "dog"}]}))
    assert f"{path}: there is no category called person" in prepare_error("coco-scenes", source)
