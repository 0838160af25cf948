"""Checks of labels that every reader goes through, and a fault of each kind in the other sets."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

from fusion_model.skeletons import HUMAN36M_17, LSP_14
from tests.helpers import deep3dpose_files, humaneva_files, kth_files, lsp_mpii_coco_files, mpi_inf_3dhp_files
from tests.helpers.rendered_set import small_parts, write_rendered
from tests.helpers.scene_files import coco_person, write_coco_scenes, write_voc
from train.data.readers.checks import check_person
from train.data.readers.records import VISIBLE, Frame, LayoutError, Place, Record

SIZE = (200, 100)


def person(joints_2d=None, **changes):
    """Someone by hand in a photo of 200 x 100 pixels."""
    points = np.tile((50.0, 50.0), (14, 1)) if joints_2d is None else joints_2d
    place = Place(Path("labels.json"), "person 7")
    return Record(Frame(Path("photo.jpg")), "train", points, np.full(len(points), VISIBLE), place=place, **changes)


def measured(joints_2d, joints_3d):
    return person(joints_2d, joints_3d=joints_3d)


def check(record, skeleton=LSP_14):
    skipped = Counter()
    return check_person(record, skeleton, SIZE, skipped), skipped.total()


def test_what_is_right_stays_as_it_is():
    right = person(box=np.array([-0.5, -0.5, 199.5, 99.5]))
    assert check(right) == (right, 0)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([10, 20, np.nan, 50], "has the box (10.0, 20.0, nan, 50.0); expected numbers"),
        ([60, 20, 50, 50], "has the box (60, 20, 50, 50); expected left, top, right and bottom"),
        ([60, 20, 60, 50], "has the box (60, 20, 60, 50); expected left, top, right and bottom"),
        ([210, 20, 260, 50], "in the picture photo.jpg of 200 x 100 pixels"),
    ],
)
def test_boxes(box, words):
    with pytest.raises(LayoutError) as error:
        check(person(box=np.array(box)))
    assert "labels.json: person 7 has the box" in str(error.value)
    assert words in str(error.value)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_joints_that_are_no_numbers(wrong):
    points = np.tile((50.0, 50.0), (14, 1))
    points[3, 1] = wrong
    with pytest.raises(LayoutError, match=r"labels\.json: person 7 has the left_hip at \(50\.0, (nan|-?inf)\)"):
        check(person(points))
    unknown = person(points)
    unknown.visible[3] = 0
    assert check(unknown) == (unknown, 0)


def test_people_measured_in_3d_may_reach_further_beyond_the_picture():
    points, pose = np.tile((50.0, 50.0), (17, 1)), np.zeros((17, 3))
    points[0] = (200 + 15 * 200, 50)
    record = measured(points, pose)
    assert check(record, HUMAN36M_17) == (record, 0)
    points[0] = (200 + 25 * 200, 50)
    with pytest.raises(LayoutError, match=r"person 7 has the pelvis at \(5200, 50\)"):
        check(measured(points, pose), HUMAN36M_17)
    pose[1] = (0, 0, 1e20)
    with pytest.raises(LayoutError, match=r"person 7 has the right_hip at .* mm in 3D; expected places up to"):
        check(measured(points, pose), HUMAN36M_17)
    pose[1] = np.nan  # means unknown
    points[0] = 50
    assert check(measured(points, pose), HUMAN36M_17)[1] == 0


def test_lsp_joints_outside_the_photo_and_no_numbers(tmp_path, prepare, prepare_error):
    joints = lsp_mpii_coco_files.write_lsp(tmp_path / "in")
    joints[0, 4, 1] = 450
    savemat(tmp_path / "in" / "joints.mat", {"joints": joints})
    assert "1 x a joint that lies far outside its photo" in prepare("lsp", tmp_path / "in")
    joints[0, 4, 1] = 4500
    savemat(tmp_path / "in" / "joints.mat", {"joints": joints})
    error = prepare_error("lsp", tmp_path / "in", out=tmp_path / "other")
    assert f"{tmp_path / 'in' / 'joints.mat'}: photo 2 has the left_knee at (4500, " in error
    joints[0, 4, 1] = np.nan
    savemat(tmp_path / "in" / "joints.mat", {"joints": joints})
    assert "joints.mat: photo 2 has a joint that is no number" in prepare_error("lsp", tmp_path / "in")
    savemat(tmp_path / "in" / "joints.mat", {"joints": np.full((3, 14, 2), "a", object)})
    assert "joints.mat: 'joints' holds object; expected real numbers" in prepare_error("lsp", tmp_path / "in")


def test_lsp_photos_with_exif_are_read_as_stored_and_named(tmp_path, prepare):
    lsp_mpii_coco_files.write_lsp(tmp_path / "in")
    photo, exif = tmp_path / "in" / "images" / "im0001.jpg", Image.Exif()
    exif[0x0112] = 6
    image = cv2.imread(str(photo))
    Image.fromarray(image[..., ::-1]).save(photo, exif=exif)
    printed = prepare("lsp", tmp_path / "in")
    assert "skipped: 1 x a turn of a photo by EXIF" in printed
    assert "3 people of lsp" in printed


def test_a_photo_of_too_many_pixels(tmp_path, prepare_error):
    lsp_mpii_coco_files.write_lsp(tmp_path / "in")
    photo = tmp_path / "in" / "images" / "im0001.jpg"
    Image.new("1", (8000, 7000)).save(photo, "PNG")
    error = prepare_error("lsp", tmp_path / "in")
    assert f"{photo}: it is 8000 x 7000 pixels: at most 51 megapixels are read, make it smaller first" in error


def mpii(folder, photo):
    """MPII with one photo of the given struct."""
    (folder / "images").mkdir(parents=True)
    release = {
        "annolist": lsp_mpii_coco_files.structs([photo] * 2),
        "img_train": [1, 1],
        "single_person": [1, 1],
    }
    savemat(folder / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})
    return folder / "mpii_human_pose_v1_u12_1.mat"


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        ({"annorect": [{"scale": 1.0}]}, "photo 1 of annolist cannot be read"),
        ({"image": {"name": 5.0}, "annorect": []}, "photo 1 of annolist names the file 5"),
        ({"image": {"name": "../1.jpg"}, "annorect": []}, "photo 1 of annolist names the file '../1.jpg'"),
    ],
)
def test_mpii_entries_that_are_wrong(photo, words, tmp_path, prepare_error):
    path = mpii(tmp_path / "in", photo)
    error = prepare_error("mpii", tmp_path / "in")
    assert f"{path}: {words}" in error
    assert "(see MPII in docs/data.md)" in error


def test_mpii_joints_without_a_number(tmp_path, prepare_error):
    lsp_mpii_coco_files.write_mpii(tmp_path / "in")
    entry = lsp_mpii_coco_files.mpii_person(0)
    entry["annopoints"]["point"][3]["x"] = []
    path = mpii(tmp_path / "other", {"image": {"name": "000000000.jpg"}, "annorect": [entry]})
    path.replace(tmp_path / "in" / path.name)
    error = prepare_error("mpii", tmp_path / "in")
    assert "person 1 of 000000000.jpg has the left_hip at (nan, " in error


def test_3dhp_frames_without_a_pose(tmp_path, prepare):
    mpi_inf_3dhp_files.write_train(tmp_path / "in", views=(0,))
    path = tmp_path / "in" / "S1" / "Seq1" / "annot.mat"

    cells = loadmat(path)
    cells["annot3"].ravel()[0][0] = np.nan
    savemat(path, {name: value for name, value in cells.items() if not name.startswith("__")})
    assert "skipped: 1 x a frame whose pose is no number" in prepare("mpi-inf-3dhp", tmp_path / "in", "--every", 1)


def test_cameras_that_are_no_numbers(tmp_path, prepare_error, monkeypatch):
    folder = tmp_path / "kth" / "player2sequence1" / "Sequence 1"
    kth_files.write_sequence(folder)
    path = folder / "cameras.txt"
    path.write_text(path.read_text().replace(path.read_text().split()[0], "nan", 1))
    assert f"{path}: a camera holds NaN or infinity" in prepare_error("kth", tmp_path / "kth")
    humaneva_files.shorten(monkeypatch)
    humaneva_files.write_part(tmp_path / "eva", "Train", range(12, 20))
    humaneva_files.write_camera(tmp_path / "eva")
    path = tmp_path / "eva" / "S1" / "Calibration_Data" / "C1.cal"
    path.write_text(" ".join(["inf", *path.read_text().split()[1:]]))
    assert f"{path}: it holds NaN or infinity" in prepare_error("humaneva", tmp_path / "eva", out=tmp_path / "2")


def test_deep3dpose_numbers(tmp_path, prepare_error):
    deep3dpose_files.write_deep3dpose(tmp_path / "in")
    values = [deep3dpose_files.datum(numbers=[float("nan")] * 45) for _ in range(deep3dpose_files.COUNT)]
    deep3dpose_files.write_database(tmp_path / "in" / "joint3_train.lmdb", values)
    error = prepare_error("deep3dpose", tmp_path / "in")
    assert "joint3_train.lmdb/00000000: a joint that is no number" in error


def test_a_database_that_was_cut_off(tmp_path, prepare_error):
    """LMDB itself would end the program."""
    deep3dpose_files.write_deep3dpose(tmp_path / "in")
    path = tmp_path / "in" / "image_train.lmdb" / "data.mdb"
    path.write_bytes(path.read_bytes()[:8192])
    assert f"{path.parent}: data.mdb has 8192 bytes of " in prepare_error("deep3dpose", tmp_path / "in")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("box", lambda box: box + np.inf, "array box holds NaN or infinity in row 0"),
        ("joints_2d", lambda joints: joints[:, :16], "array joints_2d has shape (12, 16, 2), expected (12, 17, 2)"),
        ("picture", lambda picture: picture - 5, "array picture names others than the 13 pictures of the set"),
        ("split", lambda _: np.array("all"), "split must be 'train' or 'validation', got 'all'"),
        ("stature", lambda stature: stature.astype(str), "array stature holds <U32, expected numbers"),
    ],
)
def test_rendered_labels_that_are_wrong(name, change, words, tmp_path, monkeypatch, prepare_error):
    small_parts(monkeypatch)
    write_rendered(tmp_path / "in")
    path = tmp_path / "in" / "annotations.npz"
    with np.load(path) as data:
        arrays = dict(data)
    np.savez(path, **arrays | {name: change(arrays[name])})
    assert f"{path}: {words}" in prepare_error("synthetic", tmp_path / "in")


def test_scenes_are_turned_by_exif_or_refused(tmp_path, prepare, prepare_error):
    folder = write_voc(tmp_path / "in")
    photo, exif = folder / "JPEGImages" / "2008_000001.jpg", Image.Exif()
    exif[0x0112] = 6
    with Image.open(photo) as image:
        image.transpose(Image.ROTATE_90).save(photo, exif=exif)
    prepare("voc", tmp_path / "in")
    with Image.open(photo) as image:
        image.save(photo)  # without the entry
    error = prepare_error("voc", tmp_path / "in", out=tmp_path / "other")
    assert f"{photo}: the photo has 450 x 600 pixels; expected 600 x 450" in error


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bbox": None}, "person 1 in photo 7 has no 'bbox'"),
        ({"category_id": "1"}, "person 1 in photo 7 has '1' as 'category_id'"),
        ({"id": 2}, "entry 1 of 'annotations', counted from 0, has the id 2 of an earlier one"),
    ],
)
def test_scenes_of_coco_that_are_wrong(changes, words, tmp_path, prepare_error):
    write_coco_scenes(tmp_path / "in")
    path = tmp_path / "in" / "annotations" / "instances_train2017.json"
    data = json.loads(path.read_text())
    data["annotations"][0] = coco_person(1, 7, (100, 50, 100, 100)) | changes
    path.write_text(json.dumps(data))
    assert f"{path}: {words}" in prepare_error("coco-scenes", tmp_path / "in")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<annotation>", "", "cannot be read"),
        ("<width>600</width>", "<width>0</width>", "the photo has the size 0 x 450"),
        ("<xmin>101</xmin>", "", "person 1 has no bndbox/xmin"),
        ("<truncated>0</truncated>", "<truncated>no</truncated>", "person 1 has 'no' as truncated"),
    ],
)
def test_voc_labels_that_are_wrong(old, new, words, tmp_path, prepare_error):
    path = write_voc(tmp_path / "in") / "Annotations" / "2008_000001.xml"
    head, person_entry, rest = path.read_text().partition("<object><name>person")
    text = head.replace(old, new) + person_entry + rest.replace(old, new)
    path.write_text(text)
    assert f"{path}: {words}" in prepare_error("voc", tmp_path / "in")


def test_voc_lists_that_lead_elsewhere(tmp_path, prepare_error):
    folder = write_voc(tmp_path / "in")
    (folder / "ImageSets" / "Main" / "train.txt").write_text("../../../secret\n")
    assert "Main: the list of train names the file '../../../secret.jpg'" in prepare_error("voc", tmp_path / "in")
