"""Deep3DPose: Caffe's LMDB folders, through the command."""

import json

import numpy as np
import pytest

from fusion_model.skeletons import HUMAN36M_17
from tests.helpers.deep3dpose_files import COUNT, ORDER, datum, picture, pose, write_database, write_deep3dpose
from train.data.prepared import open_prepared, read_prepared
from train.data.readers import deep3dpose


@pytest.fixture
def source(tmp_path):
    write_deep3dpose(tmp_path / "in")
    return tmp_path / "in"


def test_poses_and_pictures(source, tmp_path, prepare, monkeypatch):
    monkeypatch.setattr("train.data.readers.deep3dpose._EVERY", 2)
    printed = prepare("deep3dpose", source)
    assert f"{COUNT} people of deep3dpose" in printed
    assert "by split: train 3, validation 2" in printed
    columns = open_prepared(tmp_path / "out").columns
    loaded = read_prepared(tmp_path / "out")
    for row in range(COUNT):
        assert np.abs(loaded.photo(row).astype(int) - picture(row)).max() < 3
        expected = pose(row) * [2000, -2000, 1000]
        expected -= expected[[ORDER.index("left_hip"), ORDER.index("right_hip")]].mean(0)
        for place, name in enumerate(ORDER):
            assert np.allclose(columns["joints_3d"][row, HUMAN36M_17.index(name)], expected[place], atol=0.01)
    assert columns["has_3d"][0].tolist() == [name != "spine" for name in HUMAN36M_17.joints]
    assert loaded.weight.max() == 0  # no labels in 2D
    assert loaded.pose_weight[0].sum() == 16
    assert np.allclose(loaded.box[0], (-0.5, -0.5, 29.5, 39.5))


def test_the_order_of_the_joints_has_to_be_stated(source, prepare_error):
    path = source / "deep3dpose.json"
    for stated, message in (
        ({"joints": ORDER[:14], "millimetres": [1, 1, 1]}, "14 joints, 14 different names"),
        ({"joints": ["nose", *ORDER[1:]], "millimetres": [1, 1, 1]}, "has no joint 'nose'"),
        ({"joints": [*ORDER[:-1], ORDER[0]], "millimetres": [1, 1, 1]}, "15 joints, 14 different names"),
        ({"joints": ORDER, "millimetres": [1, 1, 0]}, "millimetres [1.0, 1.0, 0.0]"),
        ({"joints": [None, *ORDER[1:]], "millimetres": [1, 1, 1]}, "no left_hip and right_hip"),
        ({"joints": ORDER}, "KeyError: 'millimetres'"),
    ):
        path.write_text(json.dumps(stated))
        assert message in prepare_error("deep3dpose", source)
    path.unlink()
    assert "there is no such file, and the order of the joints is not published" in prepare_error("deep3dpose", source)


def test_folders_that_are_missing_or_do_not_fit(tmp_path, prepare_error):
    folder = tmp_path / "other"
    write_database(folder / "image_train.lmdb", [datum(channels=3, height=4, width=4, data=bytes(48))] * 2)
    (folder / "deep3dpose.json").write_text(json.dumps({"joints": ORDER, "millimetres": [1, 1, 1]}))
    assert "joint3_train.lmdb: there is no data.mdb in it" in prepare_error("deep3dpose", folder)
    write_database(folder / "joint3_train.lmdb", [datum(numbers=[0.5] * 42)])
    assert "joint3_train.lmdb: 1 keys that are not the 2 of image_train.lmdb" in prepare_error("deep3dpose", folder)
    write_database(folder / "joint3_train.lmdb", [datum(numbers=[0.5] * 42)] * 2)
    assert "00000000: 42 numbers, or NaN among them; expected 45" in prepare_error("deep3dpose", folder)


def test_damaged_values(tmp_path, prepare_error):
    folder = tmp_path / "damaged"
    write_database(folder / "image_train.lmdb", [datum(channels=1, height=4, width=4, data=bytes(16))])
    write_database(folder / "joint3_train.lmdb", [b"\x22\x7fabc"])  # says 127 bytes, has 3
    (folder / "deep3dpose.json").write_text(json.dumps({"joints": ORDER, "millimetres": [1, 1, 1]}))
    assert "00000000: 16 bytes, 1 x 4 x 4; expected a picture of three channels" in prepare_error("deep3dpose", folder)
    write_database(folder / "image_train.lmdb", [datum(channels=3, height=4, width=4, data=bytes(48))])
    error = prepare_error("deep3dpose", folder)
    assert "joint3_train.lmdb/00000000: cannot be read (DecodeError: " in error
    assert "expected a Datum: unpack it again" in error
    path = folder / "image_train.lmdb" / "data.mdb"  # LMDB itself would end the program
    path.write_bytes(path.read_bytes()[:8192])
    deep3dpose._open.cache_clear()
    assert f"{path.parent}: data.mdb has 8192 bytes of " in prepare_error("deep3dpose", folder)


def test_numbers_that_are_none(source, prepare_error):
    write_database(source / "joint3_train.lmdb", [datum(numbers=[float("nan")] * 45)] * COUNT)
    assert "00000000: 45 numbers, or NaN among them; expected 45" in prepare_error("deep3dpose", source)
