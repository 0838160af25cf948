"""The command line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo import predict
from demo.predict import main, write_atomically


@pytest.fixture
def run(stand_in, tmp_path):
    def command(*arguments):
        return main([*map(str, arguments), "--out", str(tmp_path / "out")], estimator=stand_in)

    return command


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_all_four_files_are_written(run, out, example):
    assert run(example) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "hopper.html", "hopper.json", "hopper.maps.png", "hopper.skeleton.png"
    ]  # fmt: skip
    result = json.loads((out / "hopper.json").read_text())
    assert result["schema"] == "fusion-pose/1"
    assert len(result["joints"]) == 17
    with Image.open(out / "hopper.skeleton.png") as picture, Image.open(example) as photo:
        assert (result["source"]["width"], result["source"]["height"]) == photo.size
        assert picture.size == photo.size
        assert np.abs(np.asarray(picture, float) - np.asarray(photo, float)).mean() < 20  # red is red


def test_the_3d_view_needs_no_network(run, out, example):
    run(example)
    page = (out / "hopper.html").read_text()
    assert len(page) > 1_000_000  # plotly itself is inside
    assert '<script src="http' not in page
    assert "left wrist" in page


def test_a_second_run_repeats_nothing(run, out, example, capsys):
    run(example)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert run(example) == 0
    assert "already done" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in out.iterdir()}


@pytest.mark.parametrize("change", [["--height-mm", "1850"], ["--box", "1", "2", "300", "400"], ["--overwrite"]])
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

    monkeypatch.setattr(predict.os, "replace", fail)
    assert run(example) == 1
    assert list(out.iterdir()) == []


def test_writing_replaces_at_once(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["a.jpg", "--box", "1", "2"], "--box"),
        (["a.jpg", "--height-mm", "17"], "between 100 and 3000"),
        (["one/a.jpg", "two/a.png"], "a.json"),
    ],
)
def test_bad_usage_exits_with_2(run, arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


def test_a_file_is_no_folder(stand_in, example, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(example), "--out", str(example)], estimator=stand_in)
    assert stop.value.code == 2
    assert "is a file" in capsys.readouterr().err


def test_a_missing_model_is_one_sentence(example, tmp_path):
    command = [sys.executable, "-m", "demo.predict", str(example), "--out", str(tmp_path / "out")]
    command += ["--model", str(tmp_path / "nothing")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 1
    assert "the model cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
