"""Sets with 3D as distributed, through the command: a dot marks a joint in every picture; and their cameras by hand."""

import dataclasses

import cv2
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from fusion_model.skeletons import HUMAN36M_17, LSP_14, MPII_16
from tests.helpers import deep3dpose_files as deep
from tests.helpers import human36m_files as h36m
from tests.helpers import humaneva_files as eva
from tests.helpers import kth_files as kth
from tests.helpers import mpi_inf_3dhp_files as tdhp
from tests.helpers.rendered_set import label, picture, small_parts, write_rendered
from train.data import cameras
from train.data.cameras import human36m_camera_axes, project_affine
from train.data.prepared import open_prepared
from train.data.readers import human36m, humaneva, mpi_inf_3dhp
from train.data.readers.rendered import read_synthetic
from train.synthesis.labels import Picture

PELVIS, LEFT_WRIST = MPII_16.index("pelvis"), MPII_16.index("left_wrist")
KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


@pytest.fixture
def source(tmp_path):
    """Two training sequences and one of the test, of one camera."""
    stems = {"S1": ["Sitting 1", "SittingDown"], "S9": ["Walking"]}
    h36m.write_set(tmp_path / "in", stems, "Release-v1.2/metadata.xml")
    return tmp_path / "in"


def relative(frames):
    """(F, 17, 3): the fake poses as they should be stored."""
    seen = human36m_camera_axes(h36m.world(frames), h36m.small_camera())[:, KEPT]
    return seen - seen[:, :1]


def test_human36m(source, prepared):
    people = prepared("human36m", "human36m", source, "--every", "3", "--cameras", h36m.CAMERA, dot=PELVIS)
    assert np.abs(people.pose - np.tile(relative(7)[::3], (3, 1, 1))).max() < 0.01


@pytest.mark.parametrize("kinds", [("mono", "2d"), ("mono",), ("world", "2d"), ("world",)])
@pytest.mark.parametrize(
    ("subject", "stem", "shift"),
    [("S8", "TakingPhoto", 0.0), ("S9", "Greeting", 200.0), ("S9", "SittingDown 1", 200.0), ("S9", "Waiting 1", 200.0)],
)
def test_human36m_of_whatever_kind_even_if_shifted(kinds, subject, stem, shift, tmp_path, prepared):
    h36m.write_sequence(tmp_path / "in", subject, stem, shift=shift, kinds=kinds)
    h36m.write_metadata(tmp_path / "in" / "metadata.xml")
    options = ("--every", "1", "--cameras", h36m.CAMERA)
    name = f"human36m, {subject} {stem} {kinds[0]}"
    assert np.abs(prepared(name, "human36m", tmp_path / "in", *options, dot=PELVIS).pose - relative(7)).max() < 0.01


def test_human36m_without_cameras(tmp_path, prepared, prepare_error):
    h36m.write_sequence(tmp_path / "in", "S1", "Eating")
    h36m.write_sequence(tmp_path / "in", "S9", "Greeting", shift=200.0)  # which takes the cameras
    prepared("human36m without cameras", "human36m", tmp_path / "in", "--cameras", h36m.CAMERA)
    h36m.write_sequence(tmp_path / "world", "S1", "Eating", kinds=("world", "2d"))
    error = prepare_error("human36m", tmp_path / "world")
    assert "there is D3_Positions alone; expected D3_Positions_mono, or metadata.xml" in error


def test_human36m_frames_that_are_no_numbers_and_a_corrupt_sequence(source, prepared):
    h36m.write_sequence(source, "S11", "Directions")  # corrupt as distributed
    h36m.write_sequence(source, "S11", "WalkingDog 1")
    path = source / "S9" / "MyPoseFeatures" / "D3_Positions_mono" / f"Walking.{h36m.CAMERA}.cdf"
    poses = human36m_camera_axes(h36m.world(7), h36m.small_camera())
    poses[4, 20] = np.nan
    poses[5, 25] = np.nan  # joint 25 is kept, joint 20 is not
    h36m.write_cdf(path, poses)
    assert len(prepared("human36m, broken", "human36m", source, "--every", "1", "--cameras", h36m.CAMERA)) == 27


@pytest.mark.parametrize("camera", ["C1", "C3"])
def test_humaneva(camera, tmp_path, prepared, monkeypatch):
    def broken(poses):
        poses[2, 4] = np.nan

    eva.shorten(monkeypatch)
    eva.write_part(tmp_path / "in", "Train", range(12, 20), change=broken)
    eva.write_part(tmp_path / "in", "Validate", range(25))  # all frames, of which the part is taken
    eva.write_camera(tmp_path / "in", camera=camera)
    options = () if camera == "C1" else ("--cameras", camera)
    prepared(f"humaneva {camera}", "humaneva", tmp_path / "in", *options, dot=PELVIS)
    columns = open_prepared(tmp_path / "out").columns
    # camera axes: x is world x, y (down) is -z, z is y; the head is 800 mm over the pelvis
    assert np.allclose(columns["joints_3d"][:, eva.HEAD], (0, -800, 0), atol=1e-3)
    assert np.allclose(columns["root"][0], (30 * 12 - 300 + 100, -100 + 200, 4000))


def test_humaneva_low_heads_and_damaged_sequences(tmp_path, prepared, monkeypatch):
    def bow(poses):
        poses[1, eva.HEAD, 2] = poses[1, 1, 2] - 50

    eva.shorten(monkeypatch)
    eva.write_part(tmp_path / "in", "Validate", range(5, 12), subject="S3", change=bow)
    eva.write_part(tmp_path / "in", "Validate", range(5, 12), subject="S3", action="ThrowCatch")  # damaged
    eva.write_part(tmp_path / "in", "Validate", range(5, 12), subject="S4")  # no part of the protocol
    eva.write_camera(tmp_path / "in", subject="S3")
    prepared("humaneva, low heads", "humaneva", tmp_path / "in")
    assert open_prepared(tmp_path / "out").columns["has_3d"][:, eva.HEAD].tolist() == [True, False] + [True] * 5


@pytest.mark.parametrize("camera", ["1", "2"])
def test_kth(camera, tmp_path, prepared):
    kth.write_sequence(tmp_path / "in" / "player2sequence1" / "Sequence 1")
    options = [] if camera == "1" else ["--cameras", camera]
    prepared(f"kth {camera}", "kth", tmp_path / "in", *options, dot=LEFT_WRIST, near=0.75)
    found = open_prepared(tmp_path / "out").columns["joints_3d"][3]
    # In camera axes the picture is x and y: 100 pixels a metre, relative to the middle of the hips.
    hips, body = [LSP_14.index("left_hip"), LSP_14.index("right_hip")], kth.pose(3)
    seen = project_affine(body, kth.CAMERAS[int(camera) - 1])
    assert np.allclose(found[:, :2], 10 * (seen - seen[hips].mean(0)), atol=0.01)
    # What is nearer to the camera has the smaller z.
    if camera == "1":  # which faces along body y
        assert np.allclose(found[:, 2], 1000 * (body - body[hips].mean(0))[:, 1], atol=0.01)


def test_the_tables_are_those_of_the_authors_scripts():
    """Sums with a weight of its own for each row: they show a number that is another, and rows that changed places."""
    frames = np.array([(middle, end, *starts) for middle, end, starts in humaneva._SEQUENCES.values()])
    assert (np.arange(1, 16) @ frames).tolist() == [55673, 112488, 9390, 9389, 9320]
    assert mpi_inf_3dhp._SHORT == {("S6", "Seq2", "2"): 3911}
    splits = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
    assert {one: split for split, subjects in splits.items() for one in subjects} == human36m._SPLITS


def test_mpi_inf_3dhp(tmp_path, prepared):
    tdhp.write_train(tmp_path / "in")
    for subject in ("TS2", "TS3"):
        tdhp.write_test(tmp_path / "in" / "mpi_inf_3dhp_test_set", subject)
    prepared("mpi-inf-3dhp", "mpi-inf-3dhp", tmp_path / "in", "--every", "2", dot=PELVIS)


def test_mpi_inf_3dhp_the_short_video_and_a_frame_without_a_pose(tmp_path, prepared, monkeypatch):
    monkeypatch.setattr("train.data.readers.mpi_inf_3dhp._SHORT", {("S6", "Seq1", "0"): 4})
    tdhp.write_train(tmp_path / "in", subject="S6", views=(0,), video_frames=4)
    path = tmp_path / "in" / "S6" / "Seq1" / "annot.mat"
    cells = loadmat(path)
    cells["annot3"].ravel()[0][0] = np.nan
    savemat(path, {name: value for name, value in cells.items() if not name.startswith("__")})
    options = ("--every", "1", "--cameras", "0")
    assert len(prepared("mpi-inf-3dhp, short", "mpi-inf-3dhp", tmp_path / "in", *options)) == 3


@pytest.mark.parametrize("unnamed", ["pelvis", "neck"])
def test_deep3dpose(unnamed, tmp_path, prepared, monkeypatch):
    order = ["pelvis" if name == unnamed else name for name in deep.ORDER]
    monkeypatch.setattr(deep, "ORDER", order)
    deep.write_deep3dpose(tmp_path / "in")
    monkeypatch.setattr("train.data.readers.deep3dpose._EVERY", 2)
    people = prepared(f"deep3dpose without {unnamed}", "deep3dpose", tmp_path / "in")
    for row in range(deep.COUNT):
        assert np.abs(people.photo(row)[..., ::-1].astype(int) - deep.picture(row)).max() < 3
        expected = deep.pose(row) * [2000, -2000, 1000]
        root = ["left_hip", "right_hip"] if unnamed == "pelvis" else ["pelvis"]
        expected -= expected[[order.index(name) for name in root]].mean(0)
        assert np.allclose(people.pose[row, [HUMAN36M_17.index(name) for name in order]], expected, atol=0.01)


def test_prepared_people_are_those_of_the_set(tmp_path, prepared, monkeypatch):
    small_parts(monkeypatch)
    write_rendered(tmp_path / "in")
    direct, loaded = read_synthetic(tmp_path / "in"), prepared("synthetic", "synthetic", tmp_path / "in")
    assert np.allclose(loaded.pose, direct.pose, atol=0.01)  # both at the conventional height
    offset = open_prepared(tmp_path / "out").columns["affine"][:, None, :, 2]  # no shrinking of 128 pixels
    assert np.allclose(loaded.joints - offset, direct.joints, atol=1e-3)
    for row in range(12):
        (x, y), crop = np.round(-offset[row, 0]).astype(int), loaded.photo(row)
        whole = direct.photo(row)[y : y + crop.shape[0], x : x + crop.shape[1]].astype(int)
        assert np.abs(whole - crop).mean() < 25  # noise, coded twice


def test_people_too_small_or_hidden_to_learn_from_are_left_out(tmp_path):
    some = np.arange(17)
    faults = {1: {"box": np.array([5, 5, 40, 68.9])}, 2: {"visible": some < 3}}
    faults[0] = {"box": np.array([5, 5, 35, 69.0]), "visible": some < 4}

    def make(index):
        people = [dataclasses.replace(label(index, person), **faults.get(person, {})) for person in range(index % 4)]
        return Picture(picture(index).image, np.eye(3), people)

    write_rendered(tmp_path / "in", make=make)
    assert len(read_synthetic(tmp_path / "in")) == sum(index % 4 > 0 for index in range(13))


def test_human36m_distortion_by_hand():
    # Point (200, 100, 1000): x = 0.2, y = 0.1, r2 = 0.05. k = (-0.2, 0.3, 8), p1 = 0.01, p2 = 0.02.
    # g = 1 - 0.2 * 0.05 + 0.3 * 0.0025 + 8 * 0.000125 + 0.01 * 0.1 + 0.02 * 0.2 = 0.99675
    # u = 1000 (0.2 * 0.99675 + 0.02 * 0.05) + 500 = 1000 * 0.20035 + 500 = 700.35; OpenCV's model would have 701.35
    # v = 2000 (0.1 * 0.99675 + 0.01 * 0.05) + 400 = 2000 * 0.100175 + 400 = 600.35
    values = np.array([0, 0, 0, 0, 0, 0, 1000, 2000, 500, 400, -0.2, 0.3, 8, 0.01, 0.02])
    assert np.allclose(cameras.project_human36m(np.array([200.0, 100, 1000]), values), (700.35, 600.35), atol=1e-9)


def test_human36m_world_to_camera_by_hand():
    # A quarter turn about x alone: y goes to z, z to -y. Camera at (1, 2, 3): (1, 5, 7) - t = (0, 3, 4) -> (0, -4, 3).
    values = np.array([np.pi / 2, 0, 0, 1, 2, 3, *[0] * 9])
    assert np.allclose(cameras.human36m_camera_axes(np.array([1.0, 5, 7]), values), (0, -4, 3), atol=1e-12)
    # Rx Ry Rz: z is turned first. (1, 0, 0) by a quarter about z is (0, 1, 0), about x then (0, 0, 1).
    assert np.allclose(cameras.human36m_rotation(np.array([1, 0, 1]) * np.pi / 2) @ [1, 0, 0], (0, 0, 1), atol=1e-12)
    # About y a quarter turn takes z to x.
    assert np.allclose(cameras.human36m_rotation(np.array([0, np.pi / 2, 0])) @ [0, 0, 1], (1, 0, 0), atol=1e-12)


def test_opencv_camera_axes_agree_with_opencv():
    points = np.random.default_rng(0).uniform(-500, 500, (20, 3)) + np.array([0, 0, 2500])
    turn, place, none = np.array([0.1, -0.2, 0.3]), np.array([10.0, 20, 30]), np.zeros(3)
    values, matrix = np.array([*[0] * 9, *cv2.Rodrigues(turn)[0].ravel(), *place]), np.diag([600.0, 610, 1])
    expected, _ = cv2.projectPoints(points, turn, place, matrix, None)
    seen, _ = cv2.projectPoints(cameras.opencv_camera_axes(points, values), none, none, matrix, None)
    assert np.allclose(seen, expected, atol=1e-6)


def test_affine_camera_by_hand():
    # u = 100 X + 240, v = -100 Z + 320: the camera faces along body y, z is up. (0.5, 9, 1) -> (290, 220).
    values = np.array([100, 0, 0, 240, 0, 0, -100, 320])
    assert cameras.project_affine(np.array([0.5, 9, 1]), values).tolist() == [290, 220]
    # Camera axes: x is X, y (down) is -Z, and z = x cross y = (1,0,0) cross (0,0,-1) = (0, 1, 0): away, along Y.
    assert np.allclose(cameras.affine_rotation(values), [[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    sheared = cameras.affine_rotation(np.array([100, 10, 0, 0, 0, 90, 20, 0]))
    assert np.allclose(sheared @ sheared.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(sheared) == pytest.approx(1)
    with pytest.raises(ValueError, match="sees a line, not a plane"):
        cameras.affine_rotation(np.array([1, 0, 0, 5, 2, 0, 0, 6]))
