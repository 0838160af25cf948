"""The files that a result can be had as, each read back by somebody else's reader where there is one."""

import csv
import dataclasses
import html.parser
import io
import json

import bvhio
import jsonschema
import numpy as np
import pytest
from PIL import Image

from demo.exports import FORMATS, as_bvh, as_csv, as_html, as_json, as_npz, as_png
from fusion_model.skeletons import HUMAN36M_17, HUMANEVA_15, MPII_16

NUMBERS = {"type": "array", "items": {"type": "number"}}
JOINT = {
    "type": "object",
    "required": ["name", "position_mm", "pixel", "confidence", "status", "derived_2d"],
    "additionalProperties": False,
    "properties": {
        "name": {"enum": list(HUMAN36M_17.joints)},
        "position_mm": {**NUMBERS, "minItems": 3, "maxItems": 3},
        "pixel": {**NUMBERS, "minItems": 2, "maxItems": 2},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "status": {"enum": ["seen", "guessed", "outside"]},
        "derived_2d": {"type": "boolean"},
    },
}
ONE = {
    "type": "object",
    "required": ["schema", "model", "skeleton", "units", "axes", "height_mm", "joints", "bones", "person"],
    "properties": {
        "schema": {"const": "fusion-pose/1"},
        "skeleton": {"const": "human36m_17"},
        "units": {"type": "object", "required": ["position_mm", "pixel", "angle"]},
        "axes": {"type": "object", "required": ["position_mm", "pixel"]},
        "height_mm": {"type": "number"},
        "joints": {"type": "array", "items": JOINT, "minItems": 17, "maxItems": 17},
        "bones": {"type": "array", "minItems": 16, "maxItems": 16},
        "person": {"type": "object", "required": ["score", "crop", "crop_angle"]},
    },
}
SEVERAL = {
    "type": "object",
    "required": ["schema", "poses"],
    "additionalProperties": False,
    "properties": {"schema": {"const": "fusion-poses/1"}, "poses": {"type": "array", "items": ONE}},
}


@pytest.fixture
def other(pose):
    """A second person, a little to the right, partly hidden."""
    status = ("seen",) * 14 + ("guessed",) * 2 + ("outside",)
    return dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([40, 5]), status=status, score=0.5)


def test_json_of_one_pose_follows_the_schema(pose):
    document = json.loads(as_json.encode(pose))
    jsonschema.validate(document, ONE)
    assert document == pose.to_dict()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_lists_people_even_if_there_is_one(pose, other, count):
    document = json.loads(as_json.encode([pose, other][:count]))
    jsonschema.validate(document, SEVERAL)
    assert document["poses"] == [one.to_dict() for one in (pose, other)[:count]]


def test_json_takes_further_entries(pose):
    document = json.loads(as_json.encode(pose, source={"file": "a.jpg"}))
    assert document == {**pose.to_dict(), "source": {"file": "a.jpg"}}


def test_json_refuses_what_is_not_finite(pose):
    with pytest.raises(ValueError, match="JSON compliant"):
        as_json.encode(dataclasses.replace(pose, score=float("nan")))


def test_csv_has_a_row_for_each_joint(pose, other):
    rows = list(csv.DictReader(io.StringIO(as_csv.encode([pose, other], 'a "b", c.jpg').decode(), newline="")))
    assert list(rows[0]) == [
        "photo", "person", "joint", "x_px", "y_px", "x_mm", "y_mm", "z_mm", "confidence", "status"
    ]  # fmt: skip
    assert {row["photo"] for row in rows} == {'a "b", c.jpg'}
    assert [row["person"] for row in rows] == ["1"] * 17 + ["2"] * 17
    assert [row["joint"] for row in rows] == [*HUMAN36M_17.joints] * 2
    assert [row["status"] for row in rows] == [*pose.status, *other.status]
    for name, axes in (("joints_2d", ("x_px", "y_px")), ("joints_3d", ("x_mm", "y_mm", "z_mm"))):
        expected = np.concatenate([getattr(pose, name), getattr(other, name)])
        np.testing.assert_allclose([[float(row[axis]) for axis in axes] for row in rows], expected, atol=0.0051)
    confidence = np.concatenate([pose.confidence, other.confidence])
    np.testing.assert_allclose([float(row["confidence"]) for row in rows], confidence, atol=0.000051)


def test_csv_calls_one_pose_person_1(pose):
    assert as_csv.encode(pose, "a.jpg") == as_csv.encode([pose], "a.jpg")


def test_npz_of_one_pose_comes_back(pose):
    with np.load(io.BytesIO(as_npz.encode(pose)), allow_pickle=False) as file:
        arrays = dict(file)
    for name in ("joints_3d", "joints_2d", "confidence", "box"):
        np.testing.assert_array_equal(arrays[name], getattr(pose, name))
        assert arrays[name].dtype == np.float32
    assert arrays["heatmaps"].dtype == np.float16
    np.testing.assert_allclose(arrays["heatmaps"], pose.heatmaps, atol=0.0005)
    assert tuple(arrays["status"]) == pose.status
    assert tuple(arrays["joint_names"]) == HUMAN36M_17.joints
    assert tuple(arrays["heatmap_names"]) == MPII_16.joints
    assert arrays["skeleton"] == "human36m_17"
    assert arrays["height_mm"] == 1700


def test_npz_stacks_people_first(pose, other):
    with np.load(io.BytesIO(as_npz.encode([pose, other])), allow_pickle=False) as file:
        assert file["joints_3d"].shape == (2, 17, 3)
        assert file["heatmaps"].shape == (2, 16, 64, 64)
        assert tuple(file["status"][1]) == other.status
        assert file["joint_names"].shape == (17,)


def test_npz_refuses_nobody():
    with pytest.raises(ValueError, match="got 0 poses of none"):
        as_npz.encode([])


def test_png_has_the_size_and_colours_of_the_photo(pose, photo):
    photo[:, :, 0] = 200
    with Image.open(io.BytesIO(as_png.encode(pose, photo))) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (400, 300), "RGB")
        assert picture.getpixel((0, 0)) == (200, 90, 90)
        assert (np.asarray(picture) != photo).any(2).sum() > 500


def test_png_draws_everybody(pose, other, photo):
    drawn = [np.array(Image.open(io.BytesIO(as_png.encode(who, photo)))) for who in (pose, other, [pose, other])]
    changed = [(picture != photo).any(2) for picture in drawn]
    np.testing.assert_array_equal(changed[2], changed[0] | changed[1])
    assert changed[2].sum() > changed[0].sum()


def test_png_of_the_maps_is_a_sheet(pose, photo):
    with Image.open(io.BytesIO(as_png.encode_maps(pose, photo))) as picture:
        assert picture.width > 6 * 192
        assert picture.height > 3 * 192


class Tags(html.parser.HTMLParser):
    """Collects the addresses that a page's tags load or link."""

    def __init__(self, page):
        super().__init__()
        self.addresses, self.scripts = [], 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note a tag's addresses."""
        self.scripts += tag == "script"
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def test_html_holds_the_figure_and_asks_nobody(pose):
    page = as_html.encode(pose).decode()
    tags = Tags(page)
    assert tags.addresses == []
    assert tags.scripts >= 2
    assert "Plotly.newPlot" in page
    assert all(name.replace("_", " ") in page for name in HUMAN36M_17.joints)
    assert len(page) > 1_000_000  # plotly itself


def random_joints(frames, seed, spread=0.0):
    """(T, 17, 3) mm of bones in any direction; their lengths vary by that share from frame to frame."""
    random = np.random.default_rng(seed)
    joints = np.zeros((frames, 17, 3))
    for parent, child in HUMAN36M_17.bones:
        bone = random.normal(size=(frames, 3))
        bone *= random.uniform(100, 450) / np.linalg.norm(bone, axis=1, keepdims=True)
        joints[:, child] = joints[:, parent] + bone * random.uniform(1 - spread, 1 + spread, (frames, 1))
    return joints.astype(np.float32)


def with_median_bones(joints):
    """(T, 17, 3) joints whose bones keep their directions and have their median lengths."""
    fitted = np.zeros_like(joints)
    for parent, child in HUMAN36M_17.bones:
        bone = joints[:, child] - joints[:, parent]
        length = np.linalg.norm(bone, axis=1, keepdims=True)
        fitted[:, child] = fitted[:, parent] + bone / length * np.median(length)
    return fitted


@pytest.fixture
def read_bvh(tmp_path):
    """A function that writes a BVH file and reads it with bvhio: the root, and joints (T, J, 3) in mm, camera axes."""

    def read(data, frames, skeleton=HUMAN36M_17):
        path = tmp_path / "pose.bvh"
        path.write_bytes(data)
        root = bvhio.readAsHierarchy(str(path))
        by_name = {joint.Name: joint for joint, _, _ in root.layout()}
        joints = []
        for frame in range(frames):
            root.loadPose(frame)
            joints.append([list(by_name[name].PositionWorld) for name in skeleton.joints])
        return root, np.array(joints) * [10, -10, -10]

    return read


def test_bvh_of_a_still_comes_back_as_it_was(pose, read_bvh):
    _, joints = read_bvh(as_bvh.encode([pose]), 1)
    assert np.abs(joints[0] - pose.joints_3d).max() < 0.01


def test_bvh_has_the_hierarchy_of_the_skeleton(pose, read_bvh):
    root, _ = read_bvh(as_bvh.encode([pose]), 1)
    parents = {joint.Name: joint.Parent.Name for joint, _, _ in root.layout() if joint.Parent}
    assert root.Name == "pelvis"
    for parent, child in HUMAN36M_17.bones:
        above = parents[HUMAN36M_17.joints[child]]
        helper = f"{HUMAN36M_17.joints[parent]}_to_{HUMAN36M_17.joints[child]}"
        assert (parents[helper] if above == helper else above) == HUMAN36M_17.joints[parent]
    assert set(parents) - set(HUMAN36M_17.joints) == {
        "pelvis_to_right_hip", "pelvis_to_left_hip", "thorax_to_left_shoulder", "thorax_to_right_shoulder"
    }  # fmt: skip


def test_bvh_rests_in_a_t_pose_that_faces_the_camera(pose, read_bvh):
    root, _ = read_bvh(as_bvh.encode([pose]), 1)
    root.loadRestPose(recursive=True)
    at = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in root.layout()}
    bones = {name: np.linalg.norm(pose.joints_3d[child] - pose.joints_3d[parent]) / 10
             for (parent, child), name in zip(HUMAN36M_17.bones, HUMAN36M_17.joints[1:], strict=True)}  # fmt: skip
    hip, ankle = bones["left_hip"], bones["left_knee"] + bones["left_ankle"]
    np.testing.assert_allclose(at["left_ankle"], [hip, -ankle, 0], atol=0.001)
    np.testing.assert_allclose(at["head_top"][[0, 2]], 0, atol=0.001)
    arm = sum(bones[f"right_{name}"] for name in ("shoulder", "elbow", "wrist"))
    np.testing.assert_allclose(at["right_wrist"] - at["thorax"], [-arm, 0, 0], atol=0.001)


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_bvh_of_a_sequence_comes_back_up_to_the_median_bones(change_pose, read_bvh, spread):
    wanted = random_joints(60, seed=3, spread=spread)
    data = as_bvh.encode([change_pose(joints_3d=joints) for joints in wanted], frame_seconds=1 / 25)
    _, joints = read_bvh(data, 60)
    assert np.abs(joints - with_median_bones(wanted)).max() < 0.05
    if not spread:
        assert np.abs(joints - wanted).max() < 0.05
    assert b"\nFrames: 60\nFrame Time: 0.04000000\n" in data


@pytest.mark.parametrize("turn", [np.diag([1, -1, -1]), np.diag([-1, 1, -1]), np.diag([-1, -1, 1])], ids="xyz")
def test_bvh_takes_half_a_turn(pose, change_pose, read_bvh, turn):
    rest = np.zeros((17, 3), np.float32)
    for parent, child in HUMAN36M_17.bones:
        rest[child] = rest[parent] + np.float32([10, -10, -10]) * as_bvh._rest_direction(HUMAN36M_17.joints[child])
    wanted = np.stack((rest @ turn, pose.joints_3d @ turn)).astype(np.float32)
    for joints in wanted:
        assert np.abs(read_bvh(as_bvh.encode([change_pose(joints_3d=joints)]), 1)[1] - joints).max() < 0.01


def test_bvh_pelvis_turns_with_the_line_of_the_hips(pose, change_pose):
    def heading(joints):
        return float(as_bvh.encode([change_pose(joints_3d=joints)]).splitlines()[-1].split()[3])

    angle = np.radians(50)  # about the upward axis, to the person's left
    turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    turned = (pose.joints_3d @ turn.T).astype(np.float32)
    assert heading(turned) - heading(pose.joints_3d) == pytest.approx(50, abs=2)


def test_bvh_angles_do_not_jump_by_a_full_turn(pose, change_pose):
    frames = []
    for angle in np.radians(np.arange(0, 720, 10)):
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        frames.append(change_pose(joints_3d=(pose.joints_3d @ turn.T).astype(np.float32)))
    lines = as_bvh.encode(frames).decode().splitlines()[-72:]
    values = np.array([line.split() for line in lines], float)
    assert np.abs(np.diff(values, axis=0)).max() < 25
    assert abs(values[-1, 3] - values[0, 3]) == pytest.approx(710, abs=5)


def test_bvh_sitting_down_goes_smoothly(pose, change_pose):
    frames = []
    for angle in np.radians(np.arange(60, 120, 2)):  # of the thigh, forward from hanging, a little outward
        joints = pose.joints_3d.copy()
        hip, knee, ankle = (HUMAN36M_17.index(f"left_{name}") for name in ("hip", "knee", "ankle"))
        joints[knee] = joints[hip] + 440 * np.array([0.1, np.cos(angle), -np.sin(angle)])
        joints[ankle] = joints[knee] + np.array([0, 430, 0])
        frames.append(change_pose(joints_3d=joints.astype(np.float32)))
    lines = as_bvh.encode(frames).decode().splitlines()[-len(frames) :]
    assert np.abs(np.diff([[float(word) for word in line.split()] for line in lines], axis=0)).max() < 5


def test_bvh_takes_a_bone_without_length(pose, read_bvh):
    pose.joints_3d[HUMAN36M_17.index("neck")] = pose.joints_3d[HUMAN36M_17.index("thorax")]
    _, joints = read_bvh(as_bvh.encode([pose]), 1)
    assert np.abs(joints[0] - pose.joints_3d).max() < 0.01


def test_bvh_takes_another_skeleton_with_a_root(change_pose, read_bvh):
    names = [HUMAN36M_17.index(name) for name in HUMANEVA_15.joints]
    pose = change_pose(skeleton=HUMANEVA_15.name)
    pose = dataclasses.replace(pose, joints_3d=pose.joints_3d[names])
    _, joints = read_bvh(as_bvh.encode([pose]), 1, HUMANEVA_15)
    assert np.abs(joints[0] - pose.joints_3d).max() < 0.01


@pytest.mark.parametrize(
    ("changes", "seconds", "words"),
    [
        ([], 0.04, "0 poses of none"),
        ([{}, {"skeleton": "humaneva_15"}], 0.04, "one skeleton, got 2 poses"),
        ([{"skeleton": "coco_17"}], 0.04, "root joint, which the skeleton coco_17 lacks"),
        ([{"joints_3d": np.full((17, 3), np.nan)}], 0.04, "not finite"),
        ([{}], 0.0, "positive number of seconds, got 0"),
    ],
)
def test_bvh_refuses_what_cannot_be_written(change_pose, changes, seconds, words):
    with pytest.raises(ValueError, match=words):
        as_bvh.encode([change_pose(**change) for change in changes], seconds)


def test_every_format_writes_and_no_two_share_a_suffix(pose, other, photo):
    assert len({one.suffix for one in FORMATS.values()}) == len(FORMATS)
    for one in FORMATS.values():
        assert one.description
        assert one.write(pose, photo, "a.jpg")
        if one.together:
            assert one.write([pose, other], photo, "a.jpg")
