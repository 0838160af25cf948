"""Files and folders that are whole or not there."""

import os

import pytest

from fusion_model.files import printable, replacing, write_atomically


@pytest.fixture(params=["file", "folder"])
def put(request):
    """Writes a file, or a folder with a file of that name."""

    def write(path, text):
        if request.param == "folder":
            path.mkdir()
            path = path / text
        path.write_text(text)

    return write


@pytest.fixture
def target(put, tmp_path):
    put(tmp_path / "target", "old")
    return tmp_path / "target"


def content(path):
    return [one.name for one in path.iterdir()] if path.is_dir() else [path.read_text()]


def test_the_new_takes_the_place_of_the_old_once_it_lies_on_the_disk(put, target, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", lambda file: synced.append(os.fstat(file).st_ino))
    with replacing(target) as part:
        put(part, "new")
        assert content(target) == ["old"]
    assert (content(target), content(tmp_path)) == (["new"], ["target"])
    assert synced == [one.stat().st_ino for one in (target, *target.rglob("*")) if one.is_file()]


def test_an_error_leaves_what_was_there_and_nothing_else(put, target, tmp_path):
    with pytest.raises(OSError, match="disk full"), replacing(target) as part:  # noqa: PT012
        put(part, "new")
        raise OSError("disk full")
    with pytest.raises(FileNotFoundError), replacing(target):
        pass  # a block that writes nothing
    assert (content(target), content(tmp_path)) == (["old"], ["target"])


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "ß" * 120 + ".json"])
def test_a_name_as_long_as_names_may_be(tmp_path, name):
    """The temporary name beside it is no longer, and is not cut within a letter."""
    for text in ("first", "zweite ß".encode()):
        write_atomically(tmp_path / name, text)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "zweite ß")]


def test_names_are_shown_on_one_line():
    for name in ("a b é 日 <b>.jpg", "9.41\u202fPM.png", "a\u00a0b"):
        assert printable(name) == name
    assert printable("a\nb\x1b[1m\u202e\udcff") == r"a\nb\x1b[1m\u202e\udcff"
