"""The prepared format: what a cut, a full disk or damage leaves is never taken for complete."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from fusion_model.skeletons import HUMAN36M_17, LSP_14
from tests.helpers.full_disk import full_at
from tests.helpers.lsp_mpii_coco_files import write_lsp
from train.data.cutting import cut_person
from train.data.prepared import INDEX, carry_joints, open_prepared, read_prepared
from train.data.preparing import _fingerprint
from train.data.readers.records import VISIBLE, Frame, Record
from train.data.sources import find_sources

pytestmark = pytest.mark.slow
COUNT = 450  # three parts of 200 at most


@pytest.fixture
def source(tmp_path):
    joints = write_lsp(tmp_path / "in", COUNT)
    joints[0, 4, 0] = -150  # outside the photo, by more than a quarter of it
    savemat(tmp_path / "in" / "joints.mat", {"joints": joints})
    return tmp_path / "in"


def test_a_cut_run_goes_on_and_keeps_finished_parts(source, tmp_path, prepare, prepare_error):
    whole, out = tmp_path / "whole", tmp_path / "out"
    prepare("lsp", source, "--crop", "40", out=whole)
    with full_at("part-00002.zip"):
        error = prepare_error("lsp", source, "--crop", "40")
    assert "part-00002.zip cannot be written (No space left on device): make room and run the command again" in error
    assert sorted(path.name for path in out.iterdir()) == ["part-00000.zip", "part-00001.zip", "prepare-settings.json"]
    for data in (tmp_path, out):
        with pytest.raises(FileNotFoundError, match=r"has no prepared\.json"):
            find_sources(data)
    kept = (out / "part-00000.zip").stat().st_mtime_ns
    prepare("lsp", source, "--crop", "40")
    assert (out / "part-00000.zip").stat().st_mtime_ns == kept
    first, second = open_prepared(out), open_prepared(whole)
    assert (len(first), first.index) == (COUNT, second.index)
    assert first.index["skipped"] == {"a joint that lies far outside its photo (the person is kept)": 1}
    for name, column in second.columns.items():
        assert np.array_equal(first.columns[name], column, equal_nan=column.dtype.kind == "f"), name
    for row in (0, 449):
        assert read_prepared(out).read(row) == read_prepared(whole).read(row)


def test_other_settings_or_another_source_are_refused(source, tmp_path, prepare, prepare_error):
    prepare("lsp", source)
    error = prepare_error("lsp", source, "--crop", "100")
    assert "was begun with crop 256, not 100: choose another --out, or the same settings" in error
    write_lsp(tmp_path / "less", 3)
    assert "was begun with source '3 parts," in prepare_error("lsp", tmp_path / "less")
    (tmp_path / "out" / "prepare-settings.json").unlink()
    assert "holds parts of something else" in prepare_error("lsp", source)


def test_corrected_labels_are_refused_not_ignored(source, tmp_path, prepare, prepare_error):
    prepare("lsp", source)
    prepare("lsp", source)
    joints = loadmat(source / "joints.mat")["joints"]
    joints[0, 0, -1] += 1  # x of one joint of the last photo
    savemat(source / "joints.mat", {"joints": joints})
    error = prepare_error("lsp", source)
    assert "part-00002.zip: it was made of other labels or by another reader; expected those of " in error
    assert f"as its reader gives them: delete {tmp_path / 'out'}, or choose another --out" in error


def test_damage_after_the_end(source, tmp_path, prepare):
    prepare("lsp", source, "--crop", "40")
    out = tmp_path / "out"
    part, people, index = (out / name for name in ("part-00001.zip", "people.npz", INDEX))
    with np.load(people) as data:
        np.savez(tmp_path / "nan.npz", **dict(data) | {"joints_2d": np.full((COUNT, 14, 2), np.nan, np.float32)})
    said, crop = json.loads(index.read_text()), r"part-00001\.zip: crop 000000\.jpg cannot be read"
    for path, content, words in (
        (part, part.read_bytes()[: part.stat().st_size // 2], crop),
        (part, b"", crop),
        (people, people.read_bytes()[:1000], r"people\.npz is damaged"),
        (people, (tmp_path / "nan.npz").read_bytes(), "array joints_2d holds NaN or infinity in row 0"),
        (index, json.dumps(said | {"people": 449}).encode(), r"array subject has shape \(450,\), expected \(449,\)"),
        (index, json.dumps(said | {"format": "other/1"}).encode(), "its format is 'other/1'.*expected the format 'fu"),
    ):
        kept = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(ValueError, match=words):
            read_prepared(out).read(200)
        path.write_bytes(kept)
    part.unlink()
    with pytest.raises(ValueError, match=crop):
        read_prepared(out).read(200)


def record(points, box):
    return Record(Frame(Path("none")), "train", points, np.full(len(points), VISIBLE), box=box and np.array(box, float))


def test_the_square_of_a_crop_by_hand():
    # Box 20 wide and 40 high round (50, 60), margin 1.5: a square of 60, from 20 to 80 and from 30 to 90 by pixel
    # edges at halves: columns 20.5 - 0.5 = 20 up to 80, that is 61 of them. 30 pixels of crop halve it.
    frame = np.zeros((200, 200, 3), np.uint8)
    cut = cut_person(frame, record(np.zeros((1, 2)), [40, 40, 60, 80]), side=30, margin=1.5)
    assert cut.size == (30, 30)
    half = 30 / 61
    assert np.allclose(cut.affine, [[half, 0, -19.5 * half - 0.5], [0, half, -29.5 * half - 0.5]])
    assert cut_person(frame[:70], record(np.zeros((1, 2)), [40, 40, 60, 80]), side=30, margin=1.5).size == (30, 20)
    far = dataclasses.replace(record(np.array([[50.0, 60]] * 3 + [[150, 150]]), None), visible=np.array([2, 1, 2, 0]))
    assert cut_person(frame, far, side=30, margin=1.5).box.tolist() == [50, 60, 51, 61], "at least a pixel"
    beside = cut_person(frame[:100, :100], record(np.zeros((1, 2)), [80, 80, 120, 120]), side=256, margin=1.0)
    assert beside.size == (20, 20), "a crop ends where the frame ends"
    assert beside.affine.tolist() == [[1, 0, -80], [0, 1, -80]]
    assert cut_person(frame, record(np.zeros((1, 2)), [250, 250, 290, 290]), side=256, margin=1.0) is None


def test_a_part_is_of_all_its_labels_whatever_the_folder():
    one = record(np.ones((14, 2)), [0, 0, 9, 9])
    assert _fingerprint([dataclasses.replace(one, frame=Frame(Path("elsewhere") / "none"))]) == _fingerprint([one])
    changes = [{"split": "test"}, {"joints_2d": np.zeros((14, 2))}, {"visible": np.ones(14)}, {"box": np.ones(4)}]
    changes += [{"joints_3d": np.ones((14, 3))}, {"frame": Frame(Path("a"))}, {"frame": Frame(Path("none"), 1)}]
    changes += [{"frame": Frame(Path("none"), member="a")}, {}]
    assert len({_fingerprint([dataclasses.replace(one, **change)]) for change in changes}) == 9


def test_a_joint_made_of_others_is_trusted_as_the_least_of_them():
    values, trust = np.zeros((1, 14, 2)), np.ones((1, 14))
    hips = [LSP_14.index("left_hip"), LSP_14.index("right_hip")]
    values[0, hips], trust[0, hips] = [(10, 20), (30, 60)], (0.5, 0.8)
    places, weight = carry_joints(LSP_14, HUMAN36M_17, values, trust)
    assert (places[0, 0].tolist(), weight[0, 0]) == ([20, 40], 0.5)


def test_no_people_to_store(tmp_path, prepare_error):
    write_lsp(tmp_path / "in", 2)
    error = prepare_error("lsp", tmp_path / "in", "--margin", "0.001")
    assert "there are no people to store: all were left out (the person lies outside the frame: 2)" in error
    assert not (tmp_path / "out" / INDEX).exists()


def test_pixels_lie_where_the_affine_says():
    # The frame's grey is its column: a crop pixel's grey is the column that its middle shows.
    frame = np.repeat(np.tile(np.arange(200, dtype=np.uint8), (200, 1))[..., None], 3, 2)
    for side in (47, 100, 256):
        cut = cut_person(frame, record(np.zeros((1, 2)), [60, 60, 140, 140]), side=side, margin=1.2)
        crop = cv2.imdecode(np.frombuffer(cut.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., 0].astype(float)
        expected = (np.arange(crop.shape[1]) - cut.affine[0, 2]) / cut.affine[0, 0]
        assert abs((crop - expected).mean()) < 0.15, side
