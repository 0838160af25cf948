"""LSP-extended and packs of people as training reads them; labels that are wrong or that a teacher contradicts."""

import zipfile

import numpy as np
import pytest
import torch
from scipy.io import savemat

from fusion_model.skeletons import HUMAN36M_17, LSP_14, MPII_16
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import figure, teacher_arrays, where, write_lspet, write_pack
from train.data.people import load_people
from train.data.readers.lsp import read_lspet
from train.data.readers.people import read_people, repair_labels, teacher_joints, teacher_pose
from train.data.sources import find_sources

ARMS = [f"{side}_{name}" for side in ("left", "right") for name in ("shoulder", "elbow", "wrist")]
LEGS = [f"{side}_{name}" for side in ("left", "right") for name in ("hip", "knee", "ankle")]
FEET = [f"{side}_{name}" for side in ("left", "right") for name in ("knee", "ankle")]
WRIST = MPII_16.index("left_wrist")


def figures(count):
    """(N, 16, 2) where the people of the fake data have their joints, and weights of ones."""
    truth = np.stack([figure(MPII_16, *where(row)) for row in range(count)]).astype(np.float32)
    return truth, np.ones(truth.shape[:2], np.float32)


def assert_labels_as_before(name, source):
    labels = {key: part for key, part in vars(source).items() if key != "read" and part is not None}
    assert_as_before(name, labels, near=1e-3, file="data.json")


def exchange(joints, row, names, skeleton=MPII_16):
    limbs = [skeleton.index(name) for name in names]
    joints[row, limbs] = joints[row, [skeleton.mirror[limb] for limb in limbs]]


def test_lspet_by_hand(tmp_path, monkeypatch):
    joints = write_lspet(tmp_path / "lspet", 5)
    joints[1:, 2, 3] = joints[2:, 2, 4] = 0  # one labelled joint, and two, one above the other
    joints[1, 0, 4] = joints[0, 0, 4]
    names = ("left_wrist", "left_hip")
    for name in names:
        joints[LSP_14.index(name), :, 0] = -500, -500, 0  # as distributed: a placeholder far from the body
    savemat(tmp_path / "lspet" / "joints.mat", {"joints": joints})
    monkeypatch.setattr("train.data.readers.lsp._LSPET_VALIDATION_FROM", 3)
    source = read_lspet(tmp_path / "lspet", None)
    assert_labels_as_before("lspet by hand", source)
    truth = figures(5)[0]
    truth[4, MPII_16.index("right_knee"), 0] = truth[4, MPII_16.index("right_ankle"), 0]
    assert np.abs(source.joints - truth)[source.by_hand].max() < 1e-3
    for row in (1, 2):
        assert source.read(row) == (tmp_path / "lspet" / "images" / f"im{row + 1:05d}.jpg").read_bytes()
    assert source.photo(0).shape == (150, 120, 3)
    assert source.contradicted is None


def test_lspet_with_a_teacher_of_the_first_photos(tmp_path):
    joints = write_lspet(tmp_path / "lspet", 3)
    wrist = LSP_14.index("left_wrist")
    joints[wrist, 0, [0, 2]] += 80  # misplaced: the teacher, who knows the first two photos, takes its place
    people = joints.transpose(2, 0, 1)
    exchange(people, 1, LEGS, LSP_14)
    savemat(tmp_path / "lspet" / "joints.mat", {"joints": people.transpose(1, 2, 0)})
    np.savez(tmp_path / "t.npz", **teacher_arrays(2))
    source = read_lspet(tmp_path / "lspet", tmp_path / "t.npz")
    assert_labels_as_before("lspet with a teacher", source)
    assert source.contradicted.tolist() == [[False, False], [False, True], [False, False]]
    assert np.allclose(source.joints[:2], figures(2)[0], atol=1e-3), "repaired"
    assert source.weight[0, WRIST] == pytest.approx(0.95**2)


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_pack_of_people(by_hand, tmp_path):
    arrays = write_pack(tmp_path, "made", 3, held_out=1)
    if by_hand:
        exchange(arrays["joints"], 0, ARMS + LEGS)
        arrays["joints"][:, MPII_16.index("pelvis")] += (9, 0, -1)  # hidden, and not in the middle of the hips
    else:
        arrays["joints"][:] = 0
        arrays["teacher_2d"][0, 9, 2] = 0.3  # COCO's left wrist: below the lowest score that counts
        arrays["teacher_2d"][0, 11, 2] = 0.7  # and the left hip
    np.savez(tmp_path / "people_made.npz", **arrays)
    source = read_people(tmp_path / "people_made.npz")
    assert_labels_as_before(f"pack, {by_hand}", source)
    assert source.photo(2).shape == (140, 130, 3)
    assert not np.array_equal(source.photo(1), source.photo(2))
    if by_hand:
        assert np.array_equal(source.joints, arrays["joints"][..., :2]), "labels of packs stay as they are"
    else:
        assert source.contradicted is None
        assert np.allclose(source.joints, figures(3)[0], atol=1e-3)


def test_teacher_poses_are_trusted_by_joint():
    _, teacher_3d, visible = teacher_arrays(2).values()
    teacher_3d[1], teacher_3d[0, HUMAN36M_17.index("left_knee")] = 0, 0
    visible[0, 15] = 0.4  # BlazePose's left wrist
    weight = dict(zip(HUMAN36M_17.joints, teacher_pose(teacher_3d, visible)[1].T, strict=True))
    assert max(one[1] for one in weight.values()) == 0
    names = ("pelvis", "left_wrist", "right_wrist", "neck", "left_knee")
    assert [weight[name][0] for name in names] == pytest.approx([1, 0.4, 0.9, 0.1, 0])
    score = np.full((1, 19, 3), 0.95, np.float16)  # as packs may store it: squared in full precision
    assert teacher_joints(score)[1].max() == pytest.approx(float(score[0, 0, 2]) ** 2, rel=1e-6)


def test_a_folder_of_data_sets(data_folder, tmp_path):
    write_pack(data_folder, "street", 2, held_out=0)
    write_lspet(data_folder / "lspet", 2)
    assert find_sources(data_folder)[0].contradicted is None
    np.savez(data_folder / "lspet_teacher.npz", **teacher_arrays(1))
    sources = find_sources(data_folder)
    assert sources[0].pose_weight.any(1).tolist() == [True, False]
    assert [source.name for source in sources] == ["lspet", "made", "street"]
    with pytest.raises(ValueError, match="no validation people in street"):
        load_people(sources[2:], validation=True)
    with pytest.raises(FileNotFoundError, match=r"has no lspet/joints\.mat, people_\*\.npz or rendered set"):
        find_sources(tmp_path / "nothing")


def test_people_in_memory(data_folder):
    sources = find_sources(data_folder)
    people, held_out = (load_people(sources, validation=part) for part in (False, True))
    assert (len(people), len(held_out)) == (6, 2)
    assert people.photos.shape == (6, 3, 256, 256)
    scale = 256 / 140  # photos are 130 x 140
    expected = (figure(MPII_16, *where(0)) + 0.5) * scale - 0.5 + [(256 - 130 * scale) / 2, 0]
    assert np.abs(people.joints[0].numpy() - expected).max() < 0.01
    assert_as_before("people in memory", [people, held_out], near=1e-2, file="data.json")
    for rows in (torch.tensor([3, 1]), torch.arange(6) >= 4):
        assert torch.equal(people.take(rows).joints, people.joints[rows])


@pytest.mark.parametrize("longer", [(0, "left_hip"), (0, "right_hip"), (1, "left_hip"), (1, "right_hip")])
def test_a_misplaced_joint_is_dropped_where_the_teacher_is_confident(longer):
    """Far is half of the longest of the torso's diagonals, of the labels and of the teacher."""
    truth, weight = figures(3)
    joints, guess, knee = truth.copy(), truth.copy(), MPII_16.index("left_knee")
    hip = MPII_16.index(longer[1])
    (joints, guess)[longer[0]][:, hip, 1] += 15
    across = truth[:, MPII_16.index("right_shoulder" if longer[1] == "left_hip" else "left_shoulder")]
    torso = np.linalg.norm((joints, guess)[longer[0]][:, hip] - across, axis=-1)
    joints[:, knee, 0] += torso * [0.51, 0.49, 0.51]
    trust = np.full_like(weight, 0.65)
    trust[2] = 0.63
    assert not repair_labels(joints, weight, guess, trust).any()
    assert np.argwhere(weight == 0).tolist() == [[0, knee]]


@pytest.mark.parametrize(
    ("names", "aside", "unseen", "unlabelled", "found"),
    [
        (ARMS, 0, [], [], [True, False]),
        (ARMS + LEGS, 0, [], [], [True, True]),
        (LEGS, 0.18, [], [], [False, True]),
        (LEGS, 0.22, [], [], [False, False]),  # torso lengths from the place on the other side
        (LEGS, 0, LEGS, [], [False, False]),  # an uncertain teacher
        (LEGS, 0, [], ["left_shoulder", "right_shoulder"], [False, False]),  # an unknown torso
        (LEGS, 0, [], ["left_ankle"], [False, True]),  # a label goes along with its side
        (LEGS, 0, ["left_hip", "left_knee"], [], [False, True]),
        (LEGS, 0, ["left_hip", "left_knee", "left_ankle"], [], [False, False]),  # three are too few
        (FEET, 0, [], [], [False, False]),  # four crossed and two straight, of six
        (FEET, 0, ["left_hip"], [], [False, True]),  # four and one, of five
        (["left_knee", "right_knee"], 0, [], ["left_hip"], [False, True]),  # three crossed and one straight, of four
    ],
)
def test_sides_are_exchanged_where_most_of_what_is_known_says_so(names, aside, unseen, unlabelled, found):
    truth, weight = figures(3)
    joints, trust, index = truth.copy(), np.ones_like(weight), MPII_16.index
    exchange(joints, 1, names)
    if unlabelled == ["left_hip"]:  # the label of the left ankle lies on the right one, too
        joints[1, index("left_ankle")] = truth[1, index("right_ankle")]
    shift = aside * np.linalg.norm(truth[1, index("left_shoulder")] - truth[1, index("right_hip")])
    joints[1, [index(name) for name in LEGS], 1] += shift
    trust[1, [index(name) for name in unseen]] = 0
    weight[1, [index(name) for name in unlabelled]] = 0
    before = joints.copy()
    assert repair_labels(joints, weight, truth, trust).tolist() == [[False, False], found, [False, False]]
    assert np.array_equal(joints, before) != any(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"box": np.full((2, 4), np.nan)}, "array box holds NaN or infinity in row 0"),
        ({"teacher_3d_visible": np.eye(2, 33) * 2}, "array teacher_3d_visible has scores beyond 0 and 1 in row 0"),
        ({"box": np.array([[0, 0, 9, 9], [5, 5, 5, 9]], float)}, "array box has an empty box in row 1, [5.0, 5.0, 5.0"),
        ({"name": np.array([1, 2])}, "array name holds int64, expected text"),
        ({"joints": np.full((2, 16, 3), "x")}, "array joints holds <U1, expected numbers"),
        ({"name": np.array("p000.webp")}, "array name has shape (), expected (1,)"),
        ({"teacher_2d": np.zeros((2, 17, 3))}, "array teacher_2d has shape (2, 17, 3), expected (2, 19, 3)"),
        ({"name": np.array(["a", None], object)}, "allow_pickle=False"),
    ],
)
def test_labels_of_people_that_are_wrong(changes, words, tmp_path):
    path = tmp_path / "people_made.npz"
    np.savez(path, **write_pack(tmp_path, "made", 2, held_out=1) | changes)
    with pytest.raises(ValueError, match="people_made") as error:
        read_people(path)
    assert words in str(error.value)


def test_packs_of_people_with_missing_or_damaged_parts(tmp_path):
    arrays = write_pack(tmp_path, "made", 2, held_out=1)
    labels, archive = tmp_path / "people_made.npz", tmp_path / "people_made.zip"
    with zipfile.ZipFile(archive, "w") as emptied:
        emptied.writestr("p001.webp", b"")
    with pytest.raises(ValueError, match="made: photo 1 cannot be decoded"):
        read_people(labels).photo(1)
    for content in (archive.read_bytes(), b"no archive"):
        archive.write_bytes(content)
        with pytest.raises(ValueError, match=r"people_made\.zip: photo p000\.webp cannot be .*copy the archive again"):
            read_people(labels).photo(0)
    content = labels.read_bytes()
    for kept in (0, len(content) // 2):
        labels.write_bytes(content[:kept])
        with pytest.raises(ValueError, match=r"people_made\.npz is damaged or no npz file"):
            read_people(labels)
    np.savez(labels, **{name: array for name, array in arrays.items() if name not in ("teacher_3d", "box")})
    with pytest.raises(ValueError, match="has no array box, teacher_3d; it has name, validation"):
        read_people(labels)
    archive.unlink()
    with pytest.raises(FileNotFoundError, match=r"people_made\.zip not found: a pack of people is an npz"):
        read_people(labels)
