"""Checks of labels that every reader goes through, and faults of single sets."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from fusion_model.skeletons import HUMAN36M_17, LSP_14, MPII_16
from tests.helpers import humaneva_files, kth_files, lsp_mpii_coco_files
from tests.helpers.lsp_mpii_coco_files import mpii_person
from tests.helpers.rendered_set import small_parts, write_rendered
from train.data.prepared import read_prepared
from train.data.readers.layout import LayoutError, check_person
from train.data.readers.records import VISIBLE, Frame, Record

SIZE = (200, 100)


def person(joints_2d=None, **changes):
    """Someone by hand in a photo of 200 x 100 pixels."""
    points = np.tile((50.0, 50.0), (14, 1)) if joints_2d is None else joints_2d
    place = "labels.json: person 7"
    return Record(Frame(Path("photo.jpg")), "train", points, np.full(len(points), VISIBLE), place=place, **changes)


def check(record, skeleton=LSP_14):
    skipped = Counter()
    return check_person(record, skeleton, SIZE, skipped), skipped.total()


@pytest.mark.parametrize("box", [[10, 20, np.nan, 50], [60, 20, 50, 50], [60, 20, 60, 50], [210, 20, 260, 50]])
def test_boxes(box):
    right = person(box=np.array([-0.5, -0.5, 199.5, 99.5]))
    assert check(right) == (right, 0)
    with pytest.raises(LayoutError, match=r"labels\.json: person 7 has the box .* in the picture photo\.jpg of 200 x"):
        check(person(box=np.array(box)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_joints_that_are_no_numbers(wrong):
    points = np.tile((50.0, 50.0), (14, 1))
    points[3, 1] = wrong
    with pytest.raises(LayoutError, match=r"labels\.json: person 7 has the left_hip at \(50, (nan|inf)\)"):
        check(person(points))
    unknown = person(points)
    unknown.visible[3] = 0
    assert check(unknown) == (unknown, 0)


def test_people_measured_in_3d_may_reach_further_beyond_the_picture():
    points, pose = np.tile((50.0, 50.0), (17, 1)), np.zeros((17, 3))
    points[0] = (200 + 15 * 200, 50)
    record = person(points, joints_3d=pose)
    assert check(record, HUMAN36M_17) == (record, 0)
    points[0] = (200 + 25 * 200, 50)
    with pytest.raises(LayoutError, match=r"person 7 has the pelvis at \(5200, 50\)"):
        check(person(points, joints_3d=pose), HUMAN36M_17)
    pose[1] = (0, 0, 1e20)
    with pytest.raises(LayoutError, match=r"person 7 has a joint in 3D that is absurdly far away"):
        check(person(points, joints_3d=pose), HUMAN36M_17)
    pose[1], points[0] = np.nan, 50  # NaN means unknown
    assert check(person(points, joints_3d=pose), HUMAN36M_17)[1] == 0


def test_lsp_joints_outside_the_photo_and_no_numbers(tmp_path, prepare, prepare_error):
    joints = lsp_mpii_coco_files.write_lsp(tmp_path / "in")
    path = tmp_path / "in" / "joints.mat"
    joints[0, 4, 1] = 450
    savemat(path, {"joints": joints})
    assert "1 x a joint that lies far outside its photo" in prepare("lsp", tmp_path / "in")
    source = read_prepared(tmp_path / "out")
    assert source.weight[1, [MPII_16.index("left_knee"), MPII_16.index("right_knee")]].tolist() == [0, 1]
    for places, value, words in (
        ([4], 4500, "photo 2 has the left_knee at (4500, "),
        ([4], np.nan, "photo 2 has a joint that is no number"),
        (range(8), 330, "photo 2 has 8 of 14 joints outside the picture im0002.jpg"),  # made for a larger photo
    ):
        joints[0, places, 1] = value
        savemat(path, {"joints": joints})
        assert f"{path}: {words}" in prepare_error("lsp", tmp_path / "in", out=tmp_path / "other")
    savemat(path, {"joints": np.full((3, 14, 2), "a", object)})
    assert f"{path}: 'joints' holds object; expected real numbers" in prepare_error("lsp", tmp_path / "in")


def without_x(entry):
    entry["annopoints"]["point"][3]["x"] = []
    return entry


def with_joint_16(entry):
    entry["annopoints"]["point"][3]["id"] = 16
    return entry


@pytest.mark.parametrize(
    ("name", "people", "words"),
    [
        (None, [{"scale": 1.0}], "photo 1 of annolist cannot be read"),
        ("../1.jpg", [], "photo 1 of annolist names the file '../1.jpg'"),
        (
            "000000000.jpg",
            [without_x(mpii_person(0))],
            "000000000.jpg has the left_hip at (nan, ",
        ),
        (
            "000000000.jpg",
            [with_joint_16(mpii_person(0))],
            "has a joint 16; expected joints 0 to 15",
        ),
    ],
)
def test_mpii_entries_that_are_wrong(name, people, words, tmp_path, prepare_error):
    lsp_mpii_coco_files.write_mpii(tmp_path / "in")
    photo = {"annorect": people} | ({"image": {"name": name}} if name else {})
    path = tmp_path / "in" / "mpii_human_pose_v1_u12_1.mat"
    annolist = lsp_mpii_coco_files.structs([photo] * 2)
    savemat(path, {"RELEASE": {"annolist": annolist, "img_train": [1, 1], "single_person": [1, 1]}})
    error = prepare_error("mpii", tmp_path / "in")
    assert f"{path}: " in error
    assert words in error
    assert "(see MPII in docs/data.md)" in error


def test_cameras_that_are_no_numbers(tmp_path, prepare_error, monkeypatch):
    folder = tmp_path / "kth" / "player2sequence1" / "Sequence 1"
    kth_files.write_sequence(folder)
    path = folder / "cameras.txt"
    path.write_text(path.read_text().replace(path.read_text().split()[0], "nan", 1))
    words = "cannot be read (ValueError: a camera holds NaN or infinity); expected affine cameras"
    assert f"{path}: {words}" in prepare_error("kth", tmp_path / "kth")
    humaneva_files.shorten(monkeypatch)
    humaneva_files.write_both_parts(tmp_path / "eva")
    path = tmp_path / "eva" / "S1" / "Calibration_Data" / "C1.cal"
    path.write_text(" ".join(["inf", *path.read_text().split()[1:]]))
    assert f"{path}: 22 numbers, [inf, " in prepare_error("humaneva", tmp_path / "eva", out=tmp_path / "2")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("box", lambda box: box + np.inf, "array box holds NaN or infinity in row 0"),
        ("joints_2d", lambda joints: joints[:, :16], "array joints_2d has shape (12, 16, 2), expected (12, 17, 2)"),
        ("picture", lambda picture: picture - 5, "array picture names others than the 13 pictures of the set"),
        ("split", lambda _: np.array("all"), "split must be 'train' or 'validation', got 'all'"),
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
