"""Writing, resuming, merging and reading rendered data sets; nothing is rendered: the pictures are random."""

import dataclasses
import json
import multiprocessing
import os
import signal
import zipfile

import cv2
import numpy as np
import pytest

from fusion_model.skeletons import HUMAN36M_17
from tests.helpers import rendered_set
from tests.helpers.earlier import assert_as_before
from tests.helpers.own_process import call
from tests.helpers.rendered_set import SETTINGS, label, picture, write_rendered
from train import synthesize
from train.data.readers.rendered import read_synthetic
from train.synthesis.camera import look_at
from train.synthesis.dataset import Settings, Work, merge_labels, open_folder, part_path, write_parts
from train.synthesis.labels import body_azimuth, camera_name, viewpoint_name, visible_joints


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    rendered_set.small_parts(monkeypatch)


def test_a_whole_data_set_and_its_reader(tmp_path):
    write_rendered(tmp_path)
    assert [path.name for path in sorted(tmp_path.glob("part-*"))] == [f"part-0000{k}.zip" for k in range(3)]
    source = read_synthetic(tmp_path)
    assert len(source) == 12
    with np.load(tmp_path / "annotations.npz") as data:
        assert_as_before("a set", [source.joints, source.pose, dict(source.groups), dict(data)])
    np.testing.assert_allclose(source.pose[3], 1700 / 854 * label(4).joints_3d, 1e-6, err_msg="854 mm brought to 1700")
    photo = source.photo(3).astype(int)
    error = [np.abs(photo - picture(index).image).mean() for index in range(13)]
    assert np.argmin(error) == 4, "the photo of row 3 is picture 4"
    assert not source.validation.any()


def test_the_command_makes_what_its_options_say(tmp_path, monkeypatch, capsys):
    usual = {"count": 1000, "seed": 0, "size": 256, "split": "train", "plain": False, "shard": (1, 1)}
    assert usual.items() <= vars(synthesize.parser().parse_args(["--out", "set"])).items()
    made = []
    monkeypatch.setattr(synthesize, "_maker", lambda *given: made.append(given) or picture)
    options = {"out": tmp_path / "set", "count": 13, "seed": 4, "size": 128, "split": "validation", "processes": 1}
    options |= {"backgrounds": tmp_path / "photos", "motions": tmp_path / "m.npz"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)] + ["--plain"]
    assert call(synthesize, *words, "--shard", "2/2") == 0
    printed = capsys.readouterr().out
    assert "pictures/s" in printed
    assert call(synthesize, *words, "--shard", "2/2") == 0
    assert "pictures/s" not in capsys.readouterr().out, "this part is made"
    assert f"parts of other shards are missing in {options['out']}" in printed
    assert [path.name for path in options["out"].glob("part-*")] == ["part-00001.zip"]
    for _ in range(2):
        assert call(synthesize, *words, "--preview", tmp_path / "sheet.jpg") == 0
    settings = Settings(13, 4, 128, "validation", "photos", "m.npz", plain=True)
    assert made == 2 * [(settings, options["motions"], options["backgrounds"])], "nothing is made twice"
    assert f"13 of them with their labels: {tmp_path / 'sheet.jpg'}" in capsys.readouterr().out
    assert_as_before("preview", cv2.imread(str(tmp_path / "sheet.jpg")))
    errors = {"seed 4, not 5: choose another": ("--seed", 5), "split 'validation', not 'train'": ("--split", "train")}
    errors |= {f"got '{wrong}'": ("--shard", wrong) for wrong in ("0/2", "3/2", "2")}
    for error, other in (errors | {"of at least 0, got '-1'": ("--seed", -1)}).items():
        assert call(synthesize, *words, *other) != 0
        assert error in capsys.readouterr().err
    assert json.loads((options["out"] / "settings.json").read_text())["seed"] == 4


def test_the_pitch_of_the_camera_groups_people(tmp_path):
    assert look_at(np.array([0.0, 2000, 2000]), np.zeros(3), 0.2, 100.0, (64, 64)).pitch == pytest.approx(45)
    names = ["camera up", "camera level", "camera down"]
    assert camera_name(np.array([-6.0, -5, 5, 6])).tolist() == [names[0], names[1], names[1], names[2]]
    write_rendered(tmp_path, make=lambda index: dataclasses.replace(picture(index), pitch=10.0 * (index % 3 - 1)))
    assert read_synthetic(tmp_path).groups["camera"].tolist() == [names[k % 3] for k in range(13) for _ in range(k % 3)]


def test_damaged_sets_say_so(tmp_path):
    write_rendered(tmp_path)
    part_path(tmp_path, 1).write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(ValueError, match=r"part-00001.*run train.synthesize again"):
        read_synthetic(tmp_path).photo(6)
    with pytest.raises(ValueError, match=r"part-00001.*damaged"):
        merge_labels(tmp_path, SETTINGS)


def test_a_joint_is_visible_up_to_the_thickness_of_the_body():
    depth, mask = np.full((50, 50), 2000.0), np.zeros((50, 50), bool)
    mask[10:, :40] = True
    pixels = np.tile([20.0, 20.0], (17, 1))
    wrist, hip = HUMAN36M_17.index("left_wrist"), HUMAN36M_17.index("left_hip")
    behind = visible_joints(pixels, np.full(17, 2100.0), depth, mask)
    assert behind[hip]
    assert not behind[wrist], "100 mm behind the surface: something is in front of a wrist"
    pixels[hip], pixels[wrist] = (20.0, 9.0), (20.0, 50.0)
    pixels[:4] = (-0.4, 49.4), (-0.6, 20.0), (39.4, 9.6), (39.6, 20.0)  # the first and third are seen
    moved = visible_joints(pixels, np.full(17, 2060.0), depth, mask)
    assert not moved[hip], "that pixel shows another person"
    assert not moved[wrist], "beyond the picture"
    assert np.flatnonzero(~moved).tolist() == sorted((1, 3, hip, wrist))
    thin = visible_joints(pixels, np.full(17, 2060.0), depth, mask, 0.9)
    assert np.flatnonzero(moved & ~thin).tolist() == [HUMAN36M_17.index("right_wrist")], "60 mm are too deep in a child"


def test_azimuth_is_zero_from_the_front_and_positive_from_the_left():
    facing = np.zeros((17, 3))
    facing[HUMAN36M_17.index("left_shoulder")] = (200, -450, 0)
    facing[HUMAN36M_17.index("right_shoulder")] = (-200, -450, 0)
    facing[HUMAN36M_17.index("thorax")] = (0, -450, 0)
    assert body_azimuth(facing) == pytest.approx(0)
    turned = facing[:, [2, 1, 0]] * [1, 1, -1]  # the left shoulder comes towards the camera
    assert turned[HUMAN36M_17.index("left_shoulder"), 2] == -200
    assert body_azimuth(turned) == pytest.approx(90)
    views = viewpoint_name(np.array([0.0, -59, 60, -120, 121, 180]))
    assert views.tolist() == ["front", "front", "side", "side", "back", "back"]


def test_killed_run_goes_on_without_duplicates_or_gaps(tmp_path):
    made = []

    def noted(index):
        made.append(index)
        return picture(index)

    def killed(index):
        if index == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return picture(index)

    open_folder(tmp_path, SETTINGS)
    child = multiprocessing.get_context("fork").Process(target=write_parts, args=(tmp_path, SETTINGS, killed))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert [path.name for path in tmp_path.glob("part-*")] == ["part-00000.zip"]
    assert not merge_labels(tmp_path, SETTINGS)
    assert Work.of(tmp_path, SETTINGS) == Work(missing=(1, 2), pictures=8, ready=5)
    write_parts(tmp_path, SETTINGS, noted)
    assert merge_labels(tmp_path, SETTINGS)
    assert made == list(range(5, 13)), "the finished part was not made again"
    assert not list(tmp_path.glob(".*.part"))
    names = [name for path in sorted(tmp_path.glob("part-*")) for name in zipfile.ZipFile(path).namelist()]
    assert sorted(name for name in names if name.endswith(".jpg")) == [f"{k:07d}.jpg" for k in range(13)]
