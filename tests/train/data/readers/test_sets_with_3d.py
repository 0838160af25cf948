"""Sets with 3D as distributed, through the command, to what training reads: a dot marks a joint in every picture."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from fusion_model.skeletons import HUMAN36M_17, LSP_14
from tests.helpers import deep3dpose_files as deep
from tests.helpers import human36m_files as h36m
from tests.helpers import humaneva_files as eva
from tests.helpers import kth_files as kth
from tests.helpers import mpi_inf_3dhp_files as tdhp
from tests.helpers.photos import brightest
from train.data.cameras import human36m_camera_axes, project_affine
from train.data.prepared import open_prepared, read_prepared
from train.data.readers import human36m, humaneva, mpi_inf_3dhp

KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
SHORT = (
    *("pelv", "rhip", "rkne", "rank", "lhip", "lkne", "lank", "spin", "neck", "head", "htop", "lsho", "lelb", "lwri"),
    *("rsho", "relb", "rwri"),
)


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


def test_human36m(source, tmp_path, prepare):
    printed = prepare("human36m", source, "--every", "3", "--cameras", h36m.CAMERA)
    assert "9 people of human36m" in printed
    assert "by action: Sitting 3, SittingDown 3, Walking 3" in printed
    assert "by subject: S1 6, S9 3" in printed
    assert "found: no S5" in printed
    assert "found: S1: 3D from D3_Positions_mono" in printed
    prepared = open_prepared(tmp_path / "out")
    columns = prepared.columns
    assert columns["frame"].tolist() == [0, 3, 6] * 3
    assert columns["camera"].tolist() == [h36m.CAMERA] * 9
    assert columns["sequence"].tolist() == ["Sitting 1"] * 3 + ["SittingDown"] * 3 + ["Walking"] * 3
    assert np.abs(columns["joints_3d"] - np.tile(relative(7)[::3], (3, 1, 1))).max() < 0.01
    assert columns["has_3d"].all()
    root = human36m_camera_axes(h36m.world(1)[0, :1], h36m.small_camera())
    assert np.abs(columns["root"][0] - root).max() < 0.01
    loaded = read_prepared(tmp_path / "out")
    assert loaded.validation.tolist() == [False] * 6 + [True] * 3
    for row in range(9):  # the right frame of the right video: the dot is at the pelvis
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 6]).max() < 1.5
    assert np.array_equal(loaded.pose, columns["joints_3d"])


@pytest.mark.parametrize("kinds", [("mono", "2d"), ("mono",), ("world", "2d"), ("world",)])
@pytest.mark.parametrize(
    ("subject", "stem", "shift"),
    [("S8", "TakingPhoto", 0.0), ("S9", "Greeting", 200.0), ("S9", "SittingDown 1", 200.0), ("S9", "Waiting 1", 200.0)],
)
def test_human36m_of_whatever_kind_even_if_shifted(kinds, subject, stem, shift, tmp_path, prepare):
    h36m.write_sequence(tmp_path / "in", subject, stem, shift=shift, kinds=kinds)
    h36m.write_metadata(tmp_path / "in" / "metadata.xml")
    prepare("human36m", tmp_path / "in", "--every", "1", "--cameras", h36m.CAMERA)
    loaded = read_prepared(tmp_path / "out")
    assert np.abs(loaded.pose - relative(7)).max() < 0.01
    assert loaded.validation.tolist() == [subject == "S9"] * 7
    assert set(loaded.groups["action"]) == {"Photo" if stem == "TakingPhoto" else stem.split()[0]}
    for row in range(7):
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 6]).max() < 1.5


def test_human36m_without_cameras(tmp_path, prepare, prepare_error):
    h36m.write_sequence(tmp_path / "in", "S1", "Eating")
    h36m.write_sequence(tmp_path / "in", "S9", "Greeting", shift=200.0)
    printed = prepare("human36m", tmp_path / "in", "--cameras", h36m.CAMERA)
    assert "no metadata.xml: cameras are unknown" in printed
    assert "2 people of human36m" in printed  # every fifth frame of seven
    assert "skipped: 1 x S9 Greeting: its 3D is shifted, and mending it takes the cameras" in printed
    h36m.write_sequence(tmp_path / "world", "S1", "Eating", kinds=("world", "2d"))
    error = prepare_error("human36m", tmp_path / "world")
    assert "there is D3_Positions alone; expected D3_Positions_mono, or metadata.xml" in error


def test_human36m_frames_that_are_no_numbers_and_a_corrupt_sequence(source, tmp_path, prepare):
    h36m.write_sequence(source, "S11", "Directions")  # corrupt as distributed
    h36m.write_sequence(source, "S11", "WalkingDog 1")
    path = source / "S9" / "MyPoseFeatures" / "D3_Positions_mono" / f"Walking.{h36m.CAMERA}.cdf"
    poses = human36m_camera_axes(h36m.world(7), h36m.small_camera())
    poses[4, 20] = np.nan
    poses[5, 25] = np.nan  # joint 25 is kept, joint 20 is not
    h36m.write_cdf(path, poses)
    printed = prepare("human36m", source, "--every", "1", "--cameras", h36m.CAMERA)
    assert "skipped: 1 x a frame whose pose is no number" in printed
    assert "skipped: 1 x S11 Directions, all cameras: the video of one camera is corrupt" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["frame"][columns["subject"] == "S9"].tolist() == [0, 1, 2, 3, 4, 6]
    assert set(columns["action"][columns["subject"] == "S11"]) == {"WalkDog"}


@pytest.mark.parametrize("camera", ["C1", "C3"])
def test_humaneva(camera, tmp_path, prepare, monkeypatch):
    def broken(poses):
        poses[2, 4] = np.nan

    eva.shorten(monkeypatch)
    eva.write_part(tmp_path / "in", "Train", range(12, 20), change=broken)
    eva.write_part(tmp_path / "in", "Validate", range(25))  # all frames, of which the part is taken
    eva.write_camera(tmp_path / "in", camera=camera)
    printed = prepare("humaneva", tmp_path / "in", *(() if camera == "C1" else ("--cameras", camera)))
    assert "by split: test 7, train 7" in printed
    assert "skipped: 1 x a frame whose pose is no number" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["frame"].tolist() == [12, 13, 15, 16, 17, 18, 19, 5, 6, 7, 8, 9, 10, 11]
    assert columns["joints_3d"].shape == (14, 15, 3)
    # camera axes: x is world x, y (down) is -z, z is y; the head is 800 mm over the pelvis
    assert np.allclose(columns["joints_3d"][:, eva.HEAD], (0, -800, 0), atol=1e-3)
    assert np.allclose(columns["root"][0], (30 * 12 - 300 + 100, -100 + 200, 4000))
    loaded = read_prepared(tmp_path / "out")
    for row in range(14):
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 6]).max() < 1.5
    assert loaded.pose_weight[0].tolist() == [1] * 9 + [0] + [1] * 7  # no neck
    assert loaded.validation.tolist() == [False] * 7 + [True] * 7


def test_humaneva_low_heads_and_damaged_sequences(tmp_path, prepare, monkeypatch):
    def bow(poses):
        poses[1, eva.HEAD, 2] = poses[1, 1, 2] - 50

    eva.shorten(monkeypatch)
    eva.write_part(tmp_path / "in", "Validate", range(5, 12), subject="S3", change=bow)
    eva.write_part(tmp_path / "in", "Validate", range(5, 12), subject="S3", action="ThrowCatch")
    eva.write_part(tmp_path / "in", "Validate", range(5, 12), subject="S4")
    eva.write_camera(tmp_path / "in", subject="S3")
    printed = prepare("humaneva", tmp_path / "in")
    assert "skipped: 1 x a head joint of S3 Walking that lies below the thorax (the person is kept)" in printed
    assert "skipped: 1 x Validate/S3/ThrowCatch_1: its motion capture is damaged" in printed
    assert "skipped: 1 x Validate/S4/Walking_1: no part of the protocol" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["has_3d"][:, eva.HEAD].tolist() == [True, False] + [True] * 5
    assert columns["visible"][:, eva.HEAD].tolist() == [2, 0] + [2] * 5


@pytest.mark.parametrize("camera", ["1", "2"])
def test_kth(camera, tmp_path, prepare):
    kth.write_sequence(tmp_path / "in" / "player2sequence1" / "Sequence 1")
    options = [] if camera == "1" else ["--cameras", camera]
    printed = prepare("kth", tmp_path / "in", *options)
    assert "by split: test 3, train 2" in printed
    assert "by subject: player 2 5" in printed
    assert "found: player 2, sequence 1: player2sequence1/Sequence 1" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["sequence"].tolist() == ["player2sequence1"] * kth.FRAMES
    assert columns["camera"].tolist() == [camera] * kth.FRAMES
    # In camera axes the picture is x and y: 100 pixels a metre, relative to the middle of the hips.
    hips = [LSP_14.index("left_hip"), LSP_14.index("right_hip")]
    seen = project_affine(kth.pose(3), kth.CAMERAS[int(camera) - 1])
    assert np.allclose(columns["joints_3d"][3, :, :2], 10 * (seen - seen[hips].mean(0)), atol=0.01)
    # Bones keep their length, and what is nearer to the camera has the smaller z.
    bones = np.linalg.norm(kth.pose(3)[0] - kth.pose(3)[1]) * 1000
    assert np.linalg.norm(columns["joints_3d"][3, 0] - columns["joints_3d"][3, 1]) == pytest.approx(bones, rel=1e-5)
    if camera == "1":  # which faces along body y
        assert np.allclose(
            columns["joints_3d"][3, :, 2], 1000 * (kth.pose(3) - kth.pose(3)[hips].mean(0))[:, 1], atol=0.01
        )
    loaded = read_prepared(tmp_path / "out")
    for row in range(kth.FRAMES):
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 15]).max() < 0.75
    assert loaded.pose_weight[0, 0] == 1  # pelvis: middle of the hips
    assert np.allclose(loaded.pose[:, 0], 0, atol=1e-3)


def test_the_tables_are_those_of_the_authors_scripts():
    """Sums with a weight of its own for each row: they show a number that is another, and rows that changed places."""
    frames = np.array([(middle, end, *starts) for middle, end, starts in humaneva._SEQUENCES.values()])
    assert (np.arange(1, 16) @ frames).tolist() == [55673, 112488, 9390, 9389, 9320]
    assert mpi_inf_3dhp._SHORT == {("S6", "Seq2", "2"): 3911}
    splits = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
    assert {one: split for split, subjects in splits.items() for one in subjects} == human36m._SPLITS


def test_mpi_inf_3dhp(tmp_path, prepare):
    tdhp.write_train(tmp_path / "in")
    for subject in ("TS2", "TS3"):
        tdhp.write_test(tmp_path / "in" / "mpi_inf_3dhp_test_set", subject)
    printed = prepare("mpi-inf-3dhp", tmp_path / "in", "--every", "2")
    assert "by split: test 4, train 6" in printed
    missing = [view for view in range(14) if f"skipped: 1 x S1/Seq1.{view}: its video is not there" in printed]
    assert missing == [1, 2, 5, 6, 7, 8]  # of the eight cameras that see the whole body
    assert "skipped: 2 x a frame of TS3 that is not valid" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["frame"].tolist() == [0, 2, 4, 0, 2, 4, 0, 3, 0, 3]
    assert columns["camera"].tolist() == ["0"] * 3 + ["4"] * 3 + [""] * 4
    assert columns["action"].tolist() == [""] * 6 + ["green screen"] * 2 + ["indoors"] * 2
    for row, names, count, frame, offset in ((4, tdhp.NAMES_28, 28, 2, 4), (7, tdhp.NAMES_17, 17, 3, 0)):
        solid = tdhp.poses(tdhp.FRAMES, count, offset)[1][frame]
        expected = solid[[names.index(name) for name in SHORT]]
        assert np.allclose(columns["joints_3d"][row], expected - expected[0], atol=1e-3)
    loaded = read_prepared(tmp_path / "out")
    for row in range(10):
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 6]).max() < 1.5
    assert len(SHORT) == len(HUMAN36M_17)


def test_mpi_inf_3dhp_the_short_video_and_a_frame_without_a_pose(tmp_path, prepare, monkeypatch):
    monkeypatch.setattr("train.data.readers.mpi_inf_3dhp._SHORT", {("S6", "Seq1", "0"): 4})
    tdhp.write_train(tmp_path / "in", subject="S6", views=(0,), video_frames=4)
    path = tmp_path / "in" / "S6" / "Seq1" / "annot.mat"
    cells = loadmat(path)
    cells["annot3"].ravel()[0][0] = np.nan
    savemat(path, {name: value for name, value in cells.items() if not name.startswith("__")})
    printed = prepare("mpi-inf-3dhp", tmp_path / "in", "--every", "1", "--cameras", "0")
    assert "3 people of mpi-inf-3dhp" in printed
    assert "skipped: 1 x a frame whose pose is no number" in printed
    assert "skipped: 2 x a labelled frame beyond the end of the video" in printed


@pytest.mark.parametrize("unnamed", ["pelvis", "neck"])
def test_deep3dpose(unnamed, tmp_path, prepare, monkeypatch):
    order = ["pelvis" if name == unnamed else name for name in deep.ORDER]
    monkeypatch.setattr(deep, "ORDER", order)
    deep.write_deep3dpose(tmp_path / "in")
    monkeypatch.setattr("train.data.readers.deep3dpose._EVERY", 2)
    printed = prepare("deep3dpose", tmp_path / "in")
    assert f"{deep.COUNT} people of deep3dpose" in printed
    assert "by split: train 3, validation 2" in printed
    columns = open_prepared(tmp_path / "out").columns
    loaded = read_prepared(tmp_path / "out")
    for row in range(deep.COUNT):
        assert np.abs(loaded.photo(row)[..., ::-1].astype(int) - deep.picture(row)).max() < 3
        expected = deep.pose(row) * [2000, -2000, 1000]
        root = ["left_hip", "right_hip"] if unnamed == "pelvis" else ["pelvis"]
        expected -= expected[[order.index(name) for name in root]].mean(0)
        for place, name in enumerate(order):
            assert np.allclose(columns["joints_3d"][row, HUMAN36M_17.index(name)], expected[place], atol=0.01)
    assert columns["has_3d"][0].tolist() == [name in (*order, "pelvis") for name in HUMAN36M_17.joints]
    assert loaded.weight.max() == 0  # no labels in 2D
    assert loaded.pose_weight[0].sum() == len({*order, "pelvis"})
    assert np.allclose(loaded.box[0], (-0.5, -0.5, 29.5, 39.5))
