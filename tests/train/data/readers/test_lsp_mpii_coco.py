"""LSP, LSP-extended, MPII and COCO: files as distributed, through the command, to what training reads."""

import json
from collections import Counter

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from fusion_model.skeletons import COCO_17, MPII_16
from tests.helpers import lsp_mpii_coco_files as files
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import figure
from tests.helpers.lsp_mpii_coco_files import GONE, LEFT_WRIST, change_coco
from tests.helpers.photos import brightest
from tests.helpers.scene_files import write_coco_scenes
from train.data.prepared import open_prepared
from train.data.readers.coco import plan_coco_scenes
from train.data.readers.lsp import plan_lsp
from train.data.scenes import find_scenes

WRITERS = {"lsp": files.write_lsp, "lspet": files.write_lspet, "mpii": files.write_mpii, "coco": files.write_coco}
LABELS, SCENES = (f"annotations/{kind}_train2017.json" for kind in ("person_keypoints", "instances"))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("crop", ["256", "90"])
def test_the_joint_of_the_labels_is_the_joint_of_the_stored_crop(name, crop, tmp_path, prepared):
    WRITERS[name](tmp_path / "in")
    source = prepared(f"{name} {crop}", name, tmp_path / "in", "--crop", crop)
    assert np.abs(brightest(source.photo(0)) - source.joints[0, LEFT_WRIST]).max() < 0.75


def test_lsp_flags_and_split(tmp_path, prepared):
    files.write_lsp(tmp_path / "all", 1002)
    records = [record for load in plan_lsp(tmp_path / "all").units.values() for record in load(Counter())]
    assert [record.split for record in records] == ["train"] * 1000 + ["test"] * 2
    joints = files.write_lsp(tmp_path / "in")
    joints[0, 4, 1], joints[1, 5, 1] = -150, 450  # far outside
    savemat(tmp_path / "in" / "joints.mat", {"joints": joints})
    weight = prepared("lsp, far outside", "lsp", tmp_path / "in").weight
    assert np.argwhere(weight == 0).tolist() == [[1, MPII_16.index("left_knee")], [1, MPII_16.index("left_ankle")]]


def test_mpii_labels(tmp_path, prepare, prepared):
    files.write_mpii(tmp_path / "in")
    printed = prepare("mpii", tmp_path / "in", out=tmp_path / "without the list")
    assert "by split: train 1, validation 2" in printed
    assert "no valid_images.txt: every 10th labelled photo" in printed
    (tmp_path / "in" / "valid_images.txt").write_text("000000001.jpg\n")
    prepared("mpii with the list", "mpii", tmp_path / "in", "--crop", 90)
    columns = open_prepared(tmp_path / "out").columns
    # head box 30 x 40, diagonal 50, times 0.6; in the pixels of crops, two of which are less than half as large
    assert np.allclose(columns["head_size"], 30 * np.sqrt(columns["affine"][:, 0, 0] * columns["affine"][:, 1, 1]))
    inverse = np.linalg.inv(columns["affine"][0][:, :2])
    in_photo = (columns["joints_2d"][0] - columns["affine"][0][:, 2]) @ inverse.T
    assert np.allclose(in_photo, figure(MPII_16, *files.where(0)), atol=1e-3)  # MATLAB's 1 is taken off


@pytest.fixture
def source(tmp_path):
    """Two photos of 320 x 300 pixels to train on, a person in each; persons 1 to 3 are left out."""
    files.write_coco(tmp_path / "in")
    write_coco_scenes(tmp_path / "in")
    return tmp_path / "in"


def test_coco_labels_boxes_and_splits(source, prepared):
    change_coco(source / LABELS, "annotations", 1, bbox=[150, 130, 20, 32], keypoints=[160, 140, 2] * 4 + [0] * 39)
    change_coco(source / LABELS, "annotations", 0, id=20)  # people are sorted by it
    people = prepared("coco, sorted", "coco", source)
    assert people.weight[1, MPII_16.index("neck")] == 0  # COCO has none
    assert people.weight[1, MPII_16.index("pelvis")] == 1  # midpoint of the hips


@pytest.mark.parametrize("turned", [Image.ROTATE_90, Image.TRANSPOSE, None])
def test_a_photo_is_turned_by_exif_only_where_the_labels_say_so(turned, source, prepared):
    photo, exif = source / "train2017" / "a.jpg", Image.Exif()
    exif[0x0112] = 5 if turned == Image.TRANSPOSE else 6
    image = Image.fromarray(cv2.imread(str(photo))[..., ::-1])
    (image if turned is None else image.transpose(turned)).save(photo, quality=95, exif=exif)
    prepared(f"coco turned {turned is None}", "coco", source, dot=LEFT_WRIST, near=1)


@pytest.mark.parametrize("box", [None, GONE])
def test_a_box_that_is_missing_is_had_from_the_joints(box, source, prepared):
    change_coco(source / LABELS, "annotations", 0, bbox=box)
    prepared("coco without a box", "coco", source)


@pytest.mark.parametrize("name", ["Person ", "cat"])
def test_coco_what_is_of_another_category_is_nobody(name, source, tmp_path, prepare, prepare_error):
    """Where none is called person, everyone counts, and the category that they are of has to have a person's joints."""
    path, joints = source / LABELS, ["tail", *COCO_17.joints[1:]] if name == "cat" else list(COCO_17.joints)
    categories = [{"id": 1, "name": name, "keypoints": joints}, {"id": 18, "name": "dog", "keypoints": ["tail"]}]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"categories": categories}))
    change_coco(path, "annotations", 0, category_id=18, keypoints=[1, 1, 2])
    change_coco(path, "annotations", 1, category_id=1)
    if name == "cat":
        assert f"{path}: the category 'cat' has other keypoints; expected nose, left" in prepare_error("coco", source)
    else:
        assert "skipped: 1 x an annotation of another category than person" in prepare("coco", source)
        assert open_prepared(tmp_path / "out").columns["frame"].tolist()[:1] == [1]


def test_coco_files_as_other_tools_write_them(source, prepared):
    """Whole numbers with a point, a byte order mark, and a person of whom there is just a box."""
    path = source / LABELS
    change_coco(path, "images", 1, id=1.0, width=320.0, height=300.0)
    change_coco(path, "annotations", 0, keypoints=GONE, num_keypoints=0)
    change_coco(path, "annotations", 1, id=10.0, image_id=1.0)
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert len(prepared("coco by other tools", "coco", source)) == 2


def test_coco_whole_photos_with_everyone_crowds_and_splits(source, tmp_path, prepare):
    change_coco(source / SCENES, "annotations", 0, bbox=[-0.3, 0, 600.6, 450])  # rounding: cut
    printed = prepare("coco-scenes", source)
    assert "scenes_coco.npz: 2 people and 1 unsure boxes" in printed
    assert "skipped: 1 x a box without area" in printed
    scenes = find_scenes(tmp_path / "out")
    labels = {name: part for name, part in vars(scenes).items() if name != "read"}
    assert_as_before("coco-scenes", labels, file="data.json")
    assert [len(boxes) for boxes in scenes.boxes] == [0, 2, 1]  # the dog is nobody
    assert scenes.boxes[1][0].tolist() == [-0.5, -0.5, 399.5, 299.5]  # the photo of 600 x 450 stored as 400 x 300
    # 100 + 100 pixels from corner to corner: columns 100 to 199, whose edges lie at 99.5 and 199.5.
    assert scenes.boxes[2].tolist() == [[99.5, 49.5, 199.5, 149.5]]


def test_coco_photos_may_lie_under_images(source):
    for part in ("train2017", "val2017"):
        (source / "images").mkdir(exist_ok=True)
        (source / part).rename(source / "images" / part)
    photos = [photo for load in plan_coco_scenes(source).units.values() for photo in load(Counter())]
    assert [photo.frame.path.is_file() for photo in photos] == [True] * 3
