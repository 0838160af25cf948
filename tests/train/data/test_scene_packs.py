"""Writing packs of scenes: what a cut, a full disk or other settings leave, and packs beside each other."""

import shutil

import numpy as np
import pytest

from tests.helpers.full_disk import full_after, full_at
from tests.helpers.scene_files import PHOTOS, write_coco_scenes, write_scene_pack, write_voc
from train.data.scenes import find_scenes


@pytest.fixture
def source(tmp_path, monkeypatch):
    """VOC of five photos, in three parts."""
    monkeypatch.setattr("train.data.readers.records.UNIT_PICTURES", 2)
    more = {"2008_000004": PHOTOS["2008_000001"], "2008_000005": PHOTOS["2008_000002"]}
    write_voc(tmp_path / "in", photos=PHOTOS | more)
    return tmp_path / "in"


def files(folder):
    return sorted(path.name for path in folder.iterdir())


PACK = ["scenes_voc.json", "scenes_voc.npz", "scenes_voc.zip"]


def test_a_cut_run_goes_on_and_keeps_finished_parts(source, tmp_path, prepare, prepare_error):
    prepare("voc", source, out=tmp_path / "whole")
    assert files(tmp_path / "whole") == PACK
    out = tmp_path / "out"
    with full_at("part-00002.zip"):
        error = prepare_error("voc", source)
    assert f"{out / 'scenes_voc.parts' / 'part-00002.zip'} cannot be written (No space left on device)" in error
    assert find_scenes(out) is None
    assert files(out / "scenes_voc.parts") == ["part-00000.zip", "part-00001.zip"]
    photos = source / "VOCdevkit" / "VOC2012" / "JPEGImages"
    for name in ("2008_000001", "2008_000003"):  # of the finished parts: they are not read again
        (photos / f"{name}.jpg").unlink()
    prepare("voc", source)
    assert files(out) == PACK
    whole, gone_on = find_scenes(tmp_path / "whole"), find_scenes(out)
    assert (out / "scenes_voc.npz").read_bytes() == (tmp_path / "whole" / "scenes_voc.npz").read_bytes()
    assert [gone_on.read(row) for row in range(5)] == [whole.read(row) for row in range(5)]


@pytest.mark.parametrize("name", ["scenes_voc.json", "scenes_voc.zip", "scenes_voc.npz"])
def test_a_disk_that_fills_up(name, source, tmp_path, prepare, prepare_error):
    out = tmp_path / "out"
    with full_at(name):
        error = prepare_error("voc", source)
    assert f"{out / name} cannot be written (No space left on device)" in error
    assert find_scenes(out) is None
    if name != "scenes_voc.json":  # all parts are there: no photo is read again
        shutil.rmtree(source / "VOCdevkit" / "VOC2012" / "JPEGImages")
    prepare("voc", source)
    assert len(find_scenes(out)) == 5
    assert files(out) == PACK


def test_a_disk_that_fills_up_within_a_part(source, tmp_path, prepare, prepare_error):
    with full_after(1):
        assert "make room and run the command again" in prepare_error("voc", source)
    assert not [name for name in files(tmp_path / "out" / "scenes_voc.parts") if name.endswith(".part")]
    prepare("voc", source)
    assert len(find_scenes(tmp_path / "out")) == 5


def test_a_finished_pack_is_left_alone_and_leftovers_go(source, tmp_path, prepare):
    out = tmp_path / "out"
    first = prepare("voc", source)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.suffix in (".npz", ".zip")}
    (out / ".scenes_voc.zip.0.part").write_bytes(b"of a killed run")
    (out / ".other.zip.0.part").write_bytes(b"of somebody else")
    (out / "scenes_voc.parts").mkdir()
    assert prepare("voc", source) == first
    assert files(out) == [".other.zip.0.part", *PACK]
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before


def test_a_part_that_is_damaged(source, tmp_path, prepare_error):
    with full_at("scenes_voc.npz"):
        prepare_error("voc", source)
    part = tmp_path / "out" / "scenes_voc.parts" / "part-00001.zip"
    part.write_bytes(part.read_bytes()[:100])
    error = prepare_error("voc", source)
    assert f"{part} is damaged" in error
    assert "delete it and run the command again" in error


def test_other_settings_or_another_source_are_refused(source, tmp_path, prepare, prepare_error):
    prepare("voc", source)
    error = prepare_error("voc", source, "--crop", "100")
    assert "was begun with side 400, not 100: choose another --out, or the same settings" in error
    write_voc(tmp_path / "less")
    assert "was begun with source '3 parts," in prepare_error("voc", tmp_path / "less")
    (tmp_path / "out" / "scenes_voc.json").unlink()
    assert "is there without scenes_voc.json: choose another --out" in prepare_error("voc", source)


@pytest.mark.parametrize("option", [("--margin", "2"), ("--every", "5"), ("--cameras", "C1")])
def test_options_of_people_are_refused(option, source, tmp_path, prepare_error):
    error = prepare_error("voc", source, *option)
    assert f"voc is stored as whole photos: leave {option[0]} away" in error
    assert not (tmp_path / "out").exists()


def test_a_folder_of_packs_is_data(source, tmp_path, prepare):
    """What is there already, VOC and COCO beside each other: training finds them as one."""
    out = tmp_path / "out"
    write_scene_pack(out, "", ["sun", "voc2012"], ["room.jpg", "2008_000001.jpg"], [False, True])
    write_coco_scenes(tmp_path / "coco")
    prepare("voc", source)
    prepare("coco-scenes", tmp_path / "coco")
    scenes = find_scenes(out)
    assert scenes.source.tolist() == ["sun", "voc2012", *["coco"] * 3, *["voc2012"] * 5]
    assert [len(boxes) for boxes in scenes.boxes] == [0, 1, 0, 2, 1, 1, 0, 2, 1, 0]
    for row in range(len(scenes)):
        height, width = scenes.photo(row).shape[:2]
        assert scenes.size[row].tolist() == [width, height]
        assert (scenes.boxes[row] >= -0.5).all()
        assert (scenes.boxes[row] <= np.tile(scenes.size[row], 2) - 0.5).all()
