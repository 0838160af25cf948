"""The command line."""

import csv
import dataclasses
import json
import os
import re
import shutil
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image
from torch import nn

from demo import predict
from demo.predict import main
from tests.helpers.photo_files import HEIC
from tests.helpers.stand_in import StandIn


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def run(stand_in, out):
    return lambda *given, formats="json": main([*map(str, given), "--formats", formats, "--out", str(out)], stand_in)


def save(path, kind=None, level=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (400, 300), (level,) * 3).save(path, kind)
    return path


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def read(path):
    return json.loads(path.read_text())


def test_every_format_is_written_and_a_second_run_repeats_nothing(out, example, stand_in, capsys):
    assert main([str(example), "--out", str(out)], estimator=stand_in) == 0
    assert names(out) == [
        "hopper.bvh", "hopper.csv", "hopper.glb", "hopper.html", "hopper.json", "hopper.maps.png", "hopper.npz",
        "hopper.skeleton.png",
    ]  # fmt: skip
    result = read(out / "hopper.json")
    assert (result["schema"], len(result["joints"])) == ("fusion-pose/1", 17)
    with Image.open(out / "hopper.skeleton.png") as picture, Image.open(example) as photo:
        assert (result["source"]["width"], result["source"]["height"]) == photo.size == picture.size
        assert np.abs(np.asarray(picture, float) - np.asarray(photo, float)).mean() < 20  # red is red
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    shutil.copy(example, out)
    assert main([str(out), "--out", str(out)], estimator=stand_in) == 0
    printed = capsys.readouterr()
    assert "already done" in printed.out
    assert "photos to do: 1; left out: 0; results of this command: 8" in printed.err
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_only_the_formats_asked_for_are_written_and_a_cut_run_leaves_no_json(run, out, example, monkeypatch, capsys):
    assert (run(example, formats="csv, npz"), names(out)) == (0, ["hopper.csv", "hopper.json", "hopper.npz"])
    run(example, formats="csv")
    assert "already done" in capsys.readouterr().out
    other = StandIn()  # of the same name
    other.hourglass = nn.Linear(1, 1)
    assert main([str(example), "--out", str(out), "--formats", "csv"], other) == 0
    assert "already done" not in capsys.readouterr().out
    run(example, formats="csv,bvh")
    assert (out / "hopper.bvh").exists()
    with monkeypatch.context() as patch:
        cut = Mock(side_effect=KeyboardInterrupt)
        patch.setitem(predict.FORMATS, "bvh", dataclasses.replace(predict.FORMATS["bvh"], write=cut))
        assert run(example, "--height-mm", "1500", formats="csv,bvh") == 1
        assert "stopped; run the same command again to go on" in capsys.readouterr().err
    assert not (out / "hopper.json").exists()
    assert run(example, formats="csv,bvh") == 0
    assert float((out / "hopper.csv").read_text().splitlines()[-1].split(",")[7]) == -60


def test_all_people_are_one_list_or_have_a_file_each_and_a_lost_one_is_written_again(run, out, example):
    assert run(example, "--all", formats="csv,npz,bvh") == 0
    assert names(out) == ["hopper.bvh", "hopper.csv", "hopper.json", "hopper.npz", "hopper.person2.bvh"]
    result = read(out / "hopper.json")
    assert (result["schema"], [one["schema"] for one in result["poses"]]) == ("fusion-poses/1", ["fusion-pose/1"] * 2)
    assert result["files"]["bvh"] == ["hopper.bvh", "hopper.person2.bvh"]
    rows = list(csv.DictReader((out / "hopper.csv").open(newline="")))
    first, second = (next(row for row in rows if row["person"] == person) for person in "12")
    assert float(second["x_px"]) - float(first["x_px"]) == pytest.approx(result["source"]["width"] / 2, abs=0.02)
    (out / "hopper.person2.bvh").unlink()
    assert run(example, "--all", formats="csv,npz,bvh") == 0
    assert (out / "hopper.person2.bvh").exists()


def test_the_photos_of_a_folder_are_found_by_content_and_all_else_is_named(run, out, tmp_path, capsys):
    folder = tmp_path / "photos"
    for name, kind in {"a.jfif": "JPEG", "a.jpg": "JPEG", "c": "PNG", "trip/a.txt": "WEBP", "e.avifs": "AVIF"}.items():
        save(folder / name, kind)
    (folder / "a.HEIC").write_bytes(HEIC)
    (folder / "g.jpg").symlink_to(save(tmp_path / "elsewhere/linked.jpg"))
    save(folder / "me.Skeleton.PNG", "PNG")
    save(folder / ".thumbnails/deep/u.jpg")
    (folder / "BMI.txt").write_text("BMI of everybody")
    (folder / ".DS_Store").touch()
    os.mkfifo(folder / "pipe")
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (folder / "trip/back").symlink_to(folder)  # followed, it would never end
    assert run(folder, folder / "a.jpg", formats="csv") == 0
    results = {name: read(out / name)["source"]["file"] for name in names(out) if name.endswith(".json")}
    assert results == {
        "a.json": "a.HEIC", "a.jfif.json": "a.jfif", "a.jpg.json": "a.jpg", "c.json": "c", "e.json": "e.avifs",
        "g.json": "g.jpg", "trip/a.json": "trip/a.txt",
    }  # fmt: skip
    assert (out / "trip/a.csv").read_text().splitlines()[1].startswith("trip/a.txt,1,pelvis,")
    errors = capsys.readouterr().err
    for name, reason in {
        "BMI.txt": "not a photo", ".DS_Store": "hidden", ".thumbnails": "a hidden folder",
        "gone.jpg": "a link that leads nowhere", "trip/back": "a link to a folder", "pipe": "no file",
        "me.Skeleton.PNG": "called like a result of this command",
    }.items():  # fmt: skip
        assert f"{folder / name}: left out, {reason}\n" in errors
    assert "photos to do: 7; left out: 7; results of this command: 0\n" in errors
    assert run(*sorted(folder.glob("a.*"), reverse=True), formats="csv") == 0
    assert capsys.readouterr().out.count("already done") == 3


@pytest.mark.parametrize("name", ["a\nb\x1b[1m.jpg", "<b>a&b.jpg", os.fsdecode(b"\xff.jpg"), "a" * 228 + ".jpg"])
def test_a_photo_of_any_name(run, out, tmp_path, example, name, capsys, change_pose):
    shutil.copy(example, tmp_path / name)
    assert run(tmp_path / name, formats="csv,bvh") == 0
    printed = capsys.readouterr().out
    assert (printed.count("\n"), "\x1b" in printed) == (1, False)
    printed.encode()
    assert "(person 0.90, 17 of 17 joints seen)" in printed
    assert predict._summary(change_pose(status=("seen", "guessed") * 8 + ("outside",))).endswith(" 8 of 17 joints seen")
    assert read(out / f"{name[:-4]}.json")["source"]["file"] == name


def test_one_bad_photo_does_not_stop_the_others(run, out, tmp_path, example, notes, black, capsys):
    (tmp_path / "b.jpg").touch()
    (tmp_path / "c.jpg").write_bytes(b"\0\0\0\x20ftypisom" + bytes(99))
    long = tmp_path / ("a" * 248 + ".jpg")
    shutil.copy(example, long)
    photos = notes, tmp_path / "b.jpg", tmp_path / "c.jpg", tmp_path / "nowhere.jpg", black, long, example
    assert run(*photos, "--all", formats="png") == 1
    errors = capsys.readouterr().err
    for said in (
        "notes.jpg is not a photo", "b.jpg is an empty file", "there is no such photo", "black.png: nobody was found",
        "c.jpg: it is a clip, and this command takes photos: use the page's Video tab", "6 of 7 photos failed",
        "its results would have names of 261 bytes, of 255: rename it",
    ):  # fmt: skip
        assert said in errors
    assert "Traceback" not in errors
    assert names(out) == ["hopper.json", "hopper.skeleton.png"]


@pytest.mark.parametrize(
    "change",
    [
        ["--height-mm", "1850"], ["--box", "1", "2", "300", "400"], ["--all"], ["--all", "--height-mm", "1850"],
        ["--overwrite"], "photo", "model", "cut",
    ],
)  # fmt: skip
def test_what_was_done_otherwise_or_is_cut_is_done_again(run, out, tmp_path, change, stand_in, monkeypatch):
    photo, result = save(tmp_path / "me.png"), out / "me.json"
    run(photo)
    if change == "photo":
        save(photo, level=120)
    if change == "model":
        monkeypatch.setattr(stand_in, "name", "other")
    if change == "cut":
        result.write_text(result.read_text()[:20])
    before = result.stat().st_mtime_ns
    assert run(photo, *(change if isinstance(change, list) else ())) == 0
    assert result.stat().st_mtime_ns > before
    assert read(result)["source"]["file"] == "me.png"
    poses = read(result).get("poses", [read(result)])
    assert {pose["height_mm"] for pose in poses} == {1850 if "1850" in change else 1700}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["a.jpg", "--height-mm", "17"], "between 500 and 2500"),
        (["one/a.jpg", "two/a.jpg"], "one/a.jpg and two/a.jpg have one name"),
        (["a.jpg", "--formats", "csv,fbx"], "there is no format 'fbx'; there are json, csv, bvh, glb"),
        (["a.jpg", "--all", "--box", "1", "2", "3", "4"], "not allowed with"),
        (["a.gif", "a.jpg", "a.jpg.person2.png", "--all"], "a.jpg.person2 is what a person in a.jpg would be called"),
        (["empty"], "holds no photo: expected JPEG"),
        (["a.jpg", "--out", "file"], "is a file"),
    ],
)
def test_bad_usage_exits_with_2(stand_in, tmp_path, monkeypatch, arguments, message, capsys):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("file").touch()
    with pytest.raises(SystemExit) as stop:
        main(["--out", "out", *arguments], estimator=stand_in)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("given", [("--device", "cuda:99"), ("--model", "/no/model")])
def test_a_model_that_cannot_be_loaded_is_one_sentence(out, example, given, capsys):
    assert main([str(example), "--out", str(out), *given]) == 1
    assert re.fullmatch(f"the model cannot be loaded: .*{given[1]}.*\n", capsys.readouterr().err)
    assert not out.exists()
