"""Files and folders that are whole or not there."""

import pytest

from fusion_model.files import printable, replacing, write_atomically


def test_a_file_is_replaced_as_a_whole(tmp_path):
    write_atomically(tmp_path / "a.txt", "é")
    write_atomically(tmp_path / "a.txt", b"new")
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("folder", [False, True])
def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path, folder):
    target = tmp_path / "target"
    if folder:
        target.mkdir()
        (target / "old").touch()
    else:
        target.write_text("old")

    def fail():
        with replacing(target) as part:
            if folder:
                part.mkdir()
                (part / "new").touch()
            else:
                part.write_text("new")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (target / "old").exists() if folder else target.read_text() == "old"


def test_a_folder_takes_the_place_of_another(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()
    with replacing(tmp_path / "folder") as part:
        part.mkdir()
        (part / "new").touch()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        pass


@pytest.mark.parametrize("name", ["a" * 255, "a" * 217, "é" * 127, "ß" * 120 + ".json"])
def test_a_name_as_long_as_names_may_be(tmp_path, name):
    """The temporary name beside it is no longer, and is not cut within a letter."""
    write_atomically(tmp_path / name, "first")
    write_atomically(tmp_path / name, "second")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "second")]


def test_names_are_shown_on_one_line():
    for name in ("a b é 日 <b>.jpg", "9.41\u202fPM.png", "a\u00a0b"):
        assert printable(name) == name
    assert printable("a\nb\x1b[1m\u202e\udcff") == r"a\nb\x1b[1m\u202e\udcff"
