"""The command line."""

import csv
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo import predict
from demo.predict import main
from tests.helpers.photo_files import HEIC, tiff


@pytest.fixture
def run(stand_in, tmp_path):
    def command(*arguments):
        return main([*map(str, arguments), "--out", str(tmp_path / "out")], estimator=stand_in)

    command.estimator = stand_in
    return command


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def names(folder):
    """Of all files below a folder, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_every_format_is_written(run, out, example):
    assert run(example) == 0
    assert names(out) == [
        "hopper.bvh", "hopper.csv", "hopper.glb", "hopper.html", "hopper.json", "hopper.maps.png", "hopper.npz",
        "hopper.skeleton.png",
    ]  # fmt: skip
    result = json.loads((out / "hopper.json").read_text())
    assert result["schema"] == "fusion-pose/1"
    assert len(result["joints"]) == 17
    with Image.open(out / "hopper.skeleton.png") as picture, Image.open(example) as photo:
        assert (result["source"]["width"], result["source"]["height"]) == photo.size
        assert picture.size == photo.size
        assert np.abs(np.asarray(picture, float) - np.asarray(photo, float)).mean() < 20  # red is red


def test_a_second_run_repeats_nothing(run, out, example, capsys):
    run(example)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert run(example) == 0
    assert "already done" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in out.iterdir()}


@pytest.mark.parametrize(("formats", "suffixes"), [("csv", ["csv", "json"]), ("json, npz,bvh", ["bvh", "json", "npz"])])
def test_only_the_formats_asked_for_are_written(run, out, example, formats, suffixes):
    assert run(example, "--formats", formats) == 0
    assert names(out) == [f"hopper.{suffix}" for suffix in suffixes]
    assert sorted(json.loads((out / "hopper.json").read_text())["files"]) == suffixes


def test_a_further_format_is_done_and_so_is_a_lost_file(run, out, example, capsys):
    run(example, "--formats", "csv,npz")
    run(example, "--formats", "csv")
    assert "already done" in capsys.readouterr().out
    run(example, "--formats", "csv,bvh")
    assert (out / "hopper.bvh").exists()
    (out / "hopper.csv").unlink()
    run(example, "--formats", "csv")
    assert (out / "hopper.csv").exists()
    assert "already done" not in capsys.readouterr().out


def test_all_people_are_one_list_or_have_a_file_each(run, out, example):
    assert run(example, "--all", "--formats", "csv,npz,bvh,png") == 0
    assert names(out) == [
        "hopper.bvh", "hopper.csv", "hopper.json", "hopper.npz", "hopper.person2.bvh", "hopper.skeleton.png"
    ]  # fmt: skip
    result = json.loads((out / "hopper.json").read_text())
    assert result["schema"] == "fusion-poses/1"
    assert [one["schema"] for one in result["poses"]] == ["fusion-pose/1"] * 2
    assert result["files"]["bvh"] == ["hopper.bvh", "hopper.person2.bvh"]
    rows = list(csv.DictReader((out / "hopper.csv").open(newline="")))
    first, second = (next(row for row in rows if row["person"] == person) for person in "12")
    assert float(second["x_px"]) - float(first["x_px"]) == pytest.approx(result["source"]["width"] / 2, abs=0.02)
    with np.load(out / "hopper.npz", allow_pickle=False) as arrays:
        assert arrays["joints_3d"].shape == (2, 17, 3)


def test_photos_with_fewer_people_or_none(run, out, tmp_path, photo, capsys):
    black, half = tmp_path / "black.png", tmp_path / "half.png"
    Image.fromarray(photo * np.uint8(0)).save(black)
    photo[:, :200] = 0
    Image.fromarray(photo).save(half)
    assert run("--all", "--formats", "bvh", black, half) == 1
    assert names(out) == ["half.bvh", "half.json"]
    assert len(json.loads((out / "half.json").read_text())["poses"]) == 1
    assert "black.png: nobody was found" in capsys.readouterr().err


def test_folders_are_searched_and_keep_their_order(run, out, tmp_path, photo, capsys):
    folder = tmp_path / "photos"
    for name in ("a.jpg", "trip/a.PNG", "trip/deep/b.webp", ".hidden.png", "a.skeleton.png", "trip/a.maps.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(folder / name)
    (folder / "notes.txt").write_text("milk")
    assert run(folder, folder / "a.jpg", "--formats", "csv") == 0
    assert names(out) == ["a.csv", "a.json", "trip/a.csv", "trip/a.json", "trip/deep/b.csv", "trip/deep/b.json"]
    assert (out / "trip/deep/b.csv").read_text().splitlines()[1].startswith("trip/deep/b.webp,1,pelvis,")
    assert json.loads((out / "trip/a.json").read_text())["source"]["file"] == "trip/a.PNG"
    run(folder, "--formats", "csv")
    assert capsys.readouterr().out.count("already done") == 3


def test_photos_that_differ_in_their_endings_have_results_of_their_own(run, out, tmp_path, photo, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "IMG_2.HEIC").write_bytes(HEIC)
    for name in ("IMG_2.jpg", "IMG_2.png", "IMG_2.jpg.webp", "IMG_3.jpg"):
        Image.fromarray(photo).save(folder / name)
    assert run(folder, "--formats", "csv") == 0
    sources = {path.name: json.loads(path.read_text())["source"]["file"] for path in out.glob("*.json")}
    assert sources == {
        "IMG_2.json": "IMG_2.HEIC",
        "IMG_2.jpg.json": "IMG_2.jpg",
        "IMG_2.jpg.webp.json": "IMG_2.jpg.webp",
        "IMG_2.png.json": "IMG_2.png",
        "IMG_3.json": "IMG_3.jpg",
    }
    assert (out / "IMG_2.png.csv").read_text().splitlines()[1].startswith("IMG_2.png,")
    assert run(*sorted(folder.iterdir(), reverse=True), "--formats", "csv") == 0
    assert capsys.readouterr().out.count("already done") == 5


def test_photos_are_found_by_content_and_all_else_is_named(run, out, tmp_path, photo, capsys):
    folder, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    for one in (folder / "trip", elsewhere):
        one.mkdir(parents=True)
    for name, kind in (
        ("a.jfif", "JPEG"),
        ("b.jpe", "JPEG"),
        ("c", "PNG"),
        ("trip/d.txt", "WEBP"),
        ("e.avifs", "AVIF"),
    ):
        Image.fromarray(photo).save(folder / name, kind)
    (folder / "f.HEIC").write_bytes(HEIC)
    Image.fromarray(photo).save(elsewhere / "linked.jpg")
    (folder / "g.jpg").symlink_to(elsewhere / "linked.jpg")
    left_out = {
        "BMI.txt": "not a photo",
        "trip/clip.mp4": "not a photo",
        "raw.dng": "not a photo",
        ".DS_Store": "hidden",
        ".thumbnails": "a hidden folder",
        "gone.jpg": "a link that leads nowhere",
        "trip/back": "a link to a folder",
        "labels.json": "not a photo",
        "me.skeleton.png": "called like a result of this command",
    }
    (folder / "labels.json").write_text("{}")
    Image.fromarray(photo).save(folder / "me.skeleton.png")
    (folder / "BMI.txt").write_text("BMI of everybody")
    (folder / "trip/clip.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(99))
    (folder / "raw.dng").write_bytes(tiff(photo.transpose(2, 0, 1), 2, tags=[(254, 4, [1])]))
    (folder / ".DS_Store").touch()
    (folder / ".thumbnails/deep").mkdir(parents=True)
    for name in ("t.jpg", "deep/u.jpg"):
        Image.fromarray(photo).save(folder / ".thumbnails" / name)
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (folder / "trip/back").symlink_to(folder)  # followed, it would never end
    assert run(folder, "--formats", "csv") == 0
    assert names(out) == [
        f"{stem}.{kind}" for stem in ("a", "b", "c", "e", "f", "g", "trip/d") for kind in ("csv", "json")
    ]
    errors = capsys.readouterr().err
    for name, reason in left_out.items():
        assert f"{folder / name}: left out, {reason}\n" in errors
    assert "photos to do: 7; left out: 9; results of this command: 0\n" in errors
    assert main([str(folder / "trip/back"), "--out", str(out / "2"), "--formats", "json"], estimator=run.estimator) == 0


def test_what_is_called_a_photo_but_is_none_fails(run, out, tmp_path, example, capsys):
    shutil.copy(example, tmp_path / "a.jpg")
    (tmp_path / "b.jpg").touch()
    (tmp_path / "c.jpeg").write_text("milk")
    (tmp_path / "d.jpg").write_bytes(b"\0\0\0\x20ftypisom" + bytes(99))
    assert run(tmp_path, "--formats", "csv") == 1
    errors = capsys.readouterr().err
    assert "b.jpg is an empty file" in errors
    assert "c.jpeg is not a photo" in errors
    assert "d.jpg: it is a clip, and this command takes photos: use the page's Video tab" in errors
    assert "3 of 4 photos failed" in errors
    assert names(out) == ["a.csv", "a.json"]


@pytest.mark.parametrize(
    "name", ["a\nb\x1b[1m.jpg", "=1+2.jpg", "<b>a&b.jpg", os.fsdecode(b"\xff.jpg"), "a" * 228 + ".jpg"]
)
def test_a_photo_of_any_name(run, out, tmp_path, example, name, capsys):
    shutil.copy(example, tmp_path / name)
    assert run(tmp_path / name) == 0
    assert len(names(out)) == 8
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "\x1b" not in printed
    printed.encode()
    assert json.loads((out / f"{name[:-4]}.json").read_text())["source"]["file"] == name


def test_a_name_without_room_for_its_results_is_refused(run, out, tmp_path, example, capsys):
    path = tmp_path / ("a" * 248 + ".jpg")
    shutil.copy(example, path)
    assert run(path, "--formats", "csv") == 0
    assert run(path) == 1
    assert "its results would have names of 261 bytes, of 255: rename it" in capsys.readouterr().err
    assert len(names(out)) == 2


def test_results_beside_the_photos_are_not_taken_for_photos(stand_in, tmp_path, photo, capsys):
    Image.fromarray(photo).save(tmp_path / "a.jpg")
    for _ in range(2):
        assert main([str(tmp_path), "--out", str(tmp_path), "--formats", "png,maps"], estimator=stand_in) == 0
        assert "left out, " not in capsys.readouterr().err
    assert names(tmp_path) == ["a.jpg", "a.json", "a.maps.png", "a.skeleton.png"]
    (tmp_path / "b.csv").touch()
    main([str(tmp_path), "--out", str(tmp_path), "--formats", "png,maps"], estimator=stand_in)
    assert "photos to do: 1; left out: 1; results of this command: 3" in capsys.readouterr().err


def test_a_run_cut_between_files_leaves_no_json_that_vouches_for_them(run, out, example, monkeypatch):
    run(example, "--formats", "csv,bvh")
    with monkeypatch.context() as patch:
        cut = dataclasses.replace(predict.FORMATS["bvh"], write=lambda *_: 1 / 0)
        patch.setitem(predict.FORMATS, "bvh", cut)
        with pytest.raises(ZeroDivisionError):
            run(example, "--formats", "csv,bvh", "--height-mm", "1500")
    assert not (out / "hopper.json").exists()
    assert run(example, "--formats", "csv,bvh") == 0
    assert float((out / "hopper.csv").read_text().splitlines()[-1].split(",")[7]) == -60


@pytest.mark.slow
def test_the_bundled_model_finds_all_people(out, example):
    assert main([str(example), "--out", str(out), "--all", "--formats", "csv,bvh,npz"]) == 0
    result = json.loads((out / "hopper.json").read_text())
    with np.load(out / "hopper.npz", allow_pickle=False) as arrays:
        assert arrays["joints_3d"].shape == (len(result["poses"]), 17, 3)


@pytest.mark.parametrize(
    "change", [["--height-mm", "1850"], ["--box", "1", "2", "300", "400"], ["--all"], ["--overwrite"]]
)
def test_other_options_are_another_result(run, out, example, change):
    run(example)
    before = (out / "hopper.json").stat().st_mtime_ns
    assert run(example, *change) == 0
    assert (out / "hopper.json").stat().st_mtime_ns > before


def test_another_photo_of_the_same_name_is_done(run, out, tmp_path, photo):
    path = tmp_path / "me.png"
    Image.fromarray(photo).save(path)
    run(path)
    Image.fromarray(photo + 30).save(path)
    first = (out / "me.json").read_text()
    run(path)
    assert (out / "me.json").read_text() != first


def test_a_cut_result_is_done_again(run, out, example):
    run(example)
    (out / "hopper.json").write_text('{"schema": "fusi')
    assert run(example) == 0
    assert json.loads((out / "hopper.json").read_text())["source"]["file"] == "hopper.jpg"


def test_one_bad_photo_does_not_stop_the_others(run, out, example, notes, tmp_path, capsys):
    black = tmp_path / "black.png"
    Image.new("RGB", (100, 100)).save(black)
    assert run(notes, tmp_path / "nowhere.jpg", black, example) == 1
    errors = capsys.readouterr().err
    assert "notes.jpg is not a photo" in errors
    assert "nowhere.jpg" in errors
    assert "nobody was found" in errors
    assert "3 of 4 photos failed" in errors
    assert "Traceback" not in errors
    assert {path.stem.split(".")[0] for path in out.iterdir()} == {"hopper"}


def test_a_crash_leaves_no_half_written_file(run, out, example, monkeypatch):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    assert run(example) == 1
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["a.jpg", "--box", "1", "2"], "--box"),
        (["a.jpg", "--height-mm", "17"], "between 500 and 2500"),
        (["one/a.jpg", "two/a.jpg"], "one/a.jpg and two/a.jpg have one name"),
        (["a.jpg", "--formats", "csv,fbx"], "there is no format 'fbx'; there are json, csv, bvh, glb"),
        (["a.jpg", "--all", "--box", "1", "2", "3", "4"], "not allowed with"),
        (["a.jpg", "a.person2.jpg", "--all"], "rename that photo"),
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


@pytest.mark.parametrize("device", ["xpu", "cuda:99", "gpu"])
def test_an_unknown_device_is_one_sentence(out, example, device, capsys):
    assert main([str(example), "--out", str(out), "--device", device]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert f"the model cannot be loaded: the device '{device}' cannot be used here" in errors
    assert not out.exists()


@pytest.mark.slow
def test_a_missing_model_is_one_sentence(example, tmp_path):
    command = [sys.executable, "-m", "demo.predict", str(example), "--out", str(tmp_path / "out")]
    command += ["--model", str(tmp_path / "nothing")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 1
    assert "the model cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
