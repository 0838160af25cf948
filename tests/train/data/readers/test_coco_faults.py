"""Labels in COCO's format that people made themselves: what does not fit its schema or its photo is refused by name."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from fusion_model.skeletons import COCO_17, MPII_16
from tests.helpers.lsp_mpii_coco_files import LEFT_WRIST, write_coco
from tests.helpers.photos import brightest
from train.data.prepared import open_prepared, read_prepared

LABELS = "annotations/person_keypoints_train2017.json"
GONE = object()


@pytest.fixture
def source(tmp_path):
    """Two photos of 320 x 300 pixels to train on, a person in each; persons 1 to 3 are left out."""
    write_coco(tmp_path / "in")
    return tmp_path / "in"


@pytest.fixture
def change(source):
    """Changes an entry of a list of the file; returns the file."""

    def run(key, row, **changes):
        data = json.loads((source / LABELS).read_text())
        entry = data[key][row] | changes
        data[key][row] = {name: value for name, value in entry.items() if value is not GONE}
        (source / LABELS).write_text(json.dumps(data))
        return source / LABELS

    return run


def turned_file(path, orientation):
    """Store a photo turned, with the EXIF entry by which viewers show it as it was."""
    stored = {3: Image.ROTATE_180, 5: Image.TRANSPOSE, 6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(path) as image:
        image.transpose(stored[orientation]).save(path, quality=95, exif=exif)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_photo_is_turned_by_exif_where_the_labels_say_so(orientation, source, tmp_path, prepare):
    turned_file(source / "train2017" / "a.jpg", orientation)
    assert "EXIF" not in prepare("coco", source)
    people = read_prepared(tmp_path / "out")
    assert np.abs(brightest(people.photo(0)) - people.joints[0, LEFT_WRIST]).max() < 1


def test_a_photo_is_read_as_stored_where_the_labels_say_so(source, tmp_path, prepare):
    """A tool that ignores EXIF: the labels fit the file as stored, and the turn is reported."""
    photo = source / "train2017" / "a.jpg"
    image, exif = cv2.imread(str(photo)), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image[..., ::-1]).save(photo, quality=95, exif=exif)
    assert "skipped: 1 x a turn of a photo by EXIF, since the labels fit it as stored" in prepare("coco", source)
    people = read_prepared(tmp_path / "out")
    assert np.abs(brightest(people.photo(0)) - people.joints[0, LEFT_WRIST]).max() < 1


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_photo_of_another_size_is_refused(orientation, source, change, prepare_error):
    change("images", 0, width=640, height=600)
    if orientation > 1:
        turned_file(source / "train2017" / "a.jpg", orientation)
    error = prepare_error("coco", source)
    found = {
        1: "the photo has 320 x 300 pixels;",
        3: "the photo has 320 x 300 pixels;",
        6: "the photo has 300 x 320 pixels (320 x 300 as its EXIF entry turns it);",
    }
    assert f"{source / 'train2017' / 'a.jpg'}: {found[orientation]} expected 640 x 600 as its labels say" in error


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
        ("annotations", 1, {"id": 0}, "entry 1 of 'annotations', counted from 0, has the id 0 of an earlier one"),
        ("annotations", 1, {"id": GONE}, "entry 1 of 'annotations', counted from 0, has no 'id'"),
        ("annotations", 1, {"id": "ten"}, "has 'ten' as 'id'; expected a whole number"),
        ("annotations", 1, {"id": True}, "has True as 'id'; expected a whole number"),
        ("annotations", 0, {"image_id": 7}, "photo 7 is not listed, which person 0 is in"),
        ("annotations", 0, {"image_id": "0"}, "person 0 has '0' as 'image_id'; expected a whole number"),
        ("annotations", 0, {"image_id": GONE}, "person 0 has no 'image_id'"),
        ("annotations", 0, {"keypoints": GONE, "num_keypoints": 9}, "has None as keypoints; expected 51 numbers"),
        ("annotations", 0, {"keypoints": [], "num_keypoints": 9}, "has 0 numbers as keypoints; expected 51"),
        ("annotations", 0, {"category_id": "1"}, "person 0 in photo 0 has '1' as 'category_id'; expected a whole"),
        ("annotations", 0, {"keypoints": [1] * 50 + [None]}, "as keypoints; expected 51 numbers, x y v of 17 joints"),
        ("annotations", 0, {"keypoints": [1] * 50 + [float("inf")]}, "as keypoints; expected 51 numbers"),
        ("annotations", 0, {"keypoints": [[1, 1, 2]] * 16 + [[1, 1]]}, "as keypoints; expected 51 numbers"),
        ("annotations", 0, {"keypoints": [40, 40, 0.9] * 17}, "person 0 in photo 0 has keypoints with v [0.9, 0.9"),
        ("annotations", 0, {"bbox": []}, "person 0 in photo 0 has 0 numbers as its box; expected 4"),
        ("annotations", 0, {"bbox": [10, 20, 30]}, "has 3 numbers as its box; expected 4, x, y, width and height"),
        ("annotations", 0, {"bbox": "10 20 30 40"}, "has '10 20 30 40' as its box; expected 4 numbers"),
        ("annotations", 0, {"bbox": [10, 20, float("nan"), 60]}, "photo 0 has [10, 20, nan, 60] as its box"),
        ("annotations", 0, {"bbox": [10, 20, 10**400, 60]}, "person 0 in photo 0 has [10, 20, "),
        ("annotations", 0, {"bbox": ["10", "20", "30", "40"]}, "has ['10', '20', '30', '40'] as its box"),
        ("annotations", 0, {"bbox": {"x": 1}}, "person 0 in photo 0 has {'x': 1} as its box"),
        ("annotations", 0, {"bbox": [100, 100, -50, 60]}, "(99.5, 99.5, 49.5, 159.5) is inside-out or empty"),
        ("annotations", 0, {"bbox": [100, 100, 0, 60]}, "(99.5, 99.5, 99.5, 159.5) is inside-out or empty"),
        ("annotations", 0, {"bbox": [100, 100, 221.5, 60]}, "321, 159.5) reaches beyond the photo of 320 x 300 pixels"),
        ("annotations", 0, {"bbox": [-40, 100, 100, 60]}, "person 0 in photo 0 (-40.5, 99.5, 59.5, 159.5) reaches"),
        ("images", 1, {"id": 0}, "entry 1 of 'images', counted from 0, has the id 0 of an earlier one"),
        ("images", 0, {"width": GONE}, "photo 0 has no 'width'; expected a whole number from 1 on"),
        ("images", 0, {"height": 0}, "photo 0 has 0 as 'height'; expected a whole number from 1 on"),
        ("images", 0, {"height": 300.5}, "photo 0 has 300.5 as 'height'"),
        ("images", 0, {"file_name": GONE}, "photo 0 names the file None; expected the name of a photo"),
        ("images", 0, {"file_name": "../b.jpg"}, "photo 0 names the file '../b.jpg'; expected a photo within"),
        ("images", 0, {"file_name": "/etc/x.jpg"}, "photo 0 names the file '/etc/x.jpg'; expected a photo within"),
    ],
)  # fmt: skip
def test_entries_that_are_wrong(key, row, changes, words, source, change, prepare_error):
    path = change(key, row, **changes)
    error = prepare_error("coco", source)
    assert f"{path}: " in error
    assert words in error
    assert "(see COCO in docs/data.md)" in error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("[]", "holds a list, not an object"),
        ("[" * 100_000, "cannot be read (maximum recursion depth"),
        ('{"images": {}, "annotations": []}', "has no list 'images'"),
        ('{"images": []}', "has no list 'annotations'"),
        ('{"images": [5], "annotations": []}', "entry 0 of 'images', counted from 0, is 5; expected an object"),
        ('{"images": [], "annotations": [], "categories": 1}', "'categories' is no list of objects"),
    ],
)
@pytest.mark.parametrize("name", ["coco", "coco-scenes"])
def test_files_that_are_something_else(name, text, words, source, prepare_error):
    path = source / LABELS.replace("person_keypoints", "person_keypoints" if name == "coco" else "instances")
    path.write_text(text)
    assert f"{path}: {words}" in prepare_error(name, source)


def with_categories(source, *categories):
    """Put categories into the labels; returns the file."""
    path = source / LABELS
    path.write_text(json.dumps(json.loads(path.read_text()) | {"categories": categories}))
    return path


DOG = {"id": 18, "name": "dog", "keypoints": ["tail"]}


@pytest.mark.parametrize("name", ["person", "Person "])
@pytest.mark.parametrize("change_dog", [{}, {"keypoints": GONE}, {"keypoints": [1, 1, 2]}])
def test_what_is_of_another_category_is_nobody(name, change_dog, source, change, tmp_path, prepare):
    """Whether it has as many joints as a person, none, or its own."""
    with_categories(source, {"id": 1, "name": name, "keypoints": list(COCO_17.joints)}, DOG)
    change("annotations", 0, category_id=18, **change_dog)
    change("annotations", 1, category_id=1)
    assert "skipped: 1 x an annotation of another category than person" in prepare("coco", source)
    assert open_prepared(tmp_path / "out").columns["frame"].tolist()[:1] == [1]


@pytest.mark.parametrize("joints", [[], None, ["tail"]])
def test_joints_of_a_category_that_nobody_is_of(joints, source, prepare):
    person = {"id": 1, "name": "person", "keypoints": None}
    with_categories(source, person, DOG | {"keypoints": joints})
    assert "3 people of coco" in prepare("coco", source)


def test_joints_of_a_category_beside_one_of_another_name(source, prepare):
    """Where none is called person, those count that people are of."""
    path = with_categories(source, {"id": 1, "name": "human", "keypoints": list(COCO_17.joints)}, DOG)
    data = json.loads(path.read_text())
    data["annotations"] = [entry | {"category_id": 1} for entry in data["annotations"]]
    path.write_text(json.dumps(data))
    assert "3 people of coco" in prepare("coco", source)


@pytest.mark.parametrize("keypoints", [GONE, [], None])
def test_a_person_with_just_a_box_is_left_out(keypoints, source, change, prepare):
    printed_before = prepare("coco", source, out=source / "before")
    assert "2 x fewer than 4 labelled joints" in printed_before  # one in each part
    change("annotations", 0, keypoints=keypoints, num_keypoints=0)
    assert "3 x fewer than 4 labelled joints" in prepare("coco", source)


def test_whole_numbers_with_a_point_and_a_byte_order_mark(source, change, tmp_path, prepare, prepare_error):
    change("images", 1, id=1.0, width=320.0, height=300.0)
    path = change("annotations", 1, id=10.0, image_id=1.0)
    text = path.read_text()
    path.write_text(text, encoding="utf-8-sig")
    assert "3 people of coco" in prepare("coco", source)
    assert open_prepared(tmp_path / "out").columns["frame"].tolist() == [0, 1, 0]
    path.write_text(text)
    change("annotations", 1, bbox=[])
    assert "person 10 in photo 1 has 0 numbers as its box" in prepare_error("coco", source)


def test_joints_of_animals(source, prepare_error):
    animal = {"id": 1, "name": "cat", "keypoints": ["left_eye", *COCO_17.joints[1:]]}
    path = with_categories(source, animal)
    error = prepare_error("coco", source)
    assert f"{path}: the category 'cat' has the keypoints ['left_eye', 'left_eye'," in error
    assert "expected nose, left_eye, right_eye" in error


def moved(change, source, count, x):
    """Put the last joints of person 0 elsewhere."""
    joints = json.loads((source / LABELS).read_text())["annotations"][0]["keypoints"]
    for joint in range(17 - count, 17):
        joints[3 * joint] = x
    return change("annotations", 0, keypoints=joints)


def test_a_joint_far_outside_the_photo_is_refused(source, change, prepare_error):
    path = moved(change, source, 1, 700)
    error = prepare_error("coco", source)
    assert f"{path}: person 0 in photo 0 has the right_ankle at (700, " in error
    assert "expected a place in or near the picture a.jpg of 320 x 300 pixels" in error


def test_a_person_who_lies_mostly_outside_the_photo_is_refused(source, change, prepare_error):
    """As when the labels are those of the photo before it was made smaller."""
    moved(change, source, 9, 330)
    assert "person 0 in photo 0 has 9 of 17 joints outside the picture a.jpg" in prepare_error("coco", source)


def test_a_joint_outside_the_photo_becomes_unknown(source, change, tmp_path, prepare):
    moved(change, source, 1, 420)
    assert "skipped: 1 x a joint that lies far outside its photo (the person is kept)" in prepare("coco", source)
    people = read_prepared(tmp_path / "out")
    assert people.weight[0, MPII_16.index("right_ankle")] == 0
    assert people.weight[0, MPII_16.index("left_ankle")] == 1
