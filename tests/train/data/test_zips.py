"""Archives and arrays from elsewhere: hostile or damaged ones are refused by name wherever they are read."""

import io
import json
import os
import stat
import struct
import zipfile

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from tests.helpers.fake_data import make_people, write_lspet, write_pack
from tests.helpers.lsp_mpii_coco_files import write_lsp
from tests.helpers.rendered_set import small_parts, write_rendered
from tests.helpers.scene_files import write_scene_pack, write_voc
from train.data import packs, zips
from train.data.packs import open_pack
from train.data.prepared import INDEX, open_prepared, read_prepared
from train.data.readers.people import read_people
from train.data.scenes import find_scenes
from train.data.sources import find_sources
from train.data.zips import open_zip, read_arrays, read_member

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")


def add(path, name, content=b"x", mode=0, compressed=zipfile.ZIP_DEFLATED):
    """Put one more member into a zip file."""
    member = zipfile.ZipInfo(name)
    member.external_attr, member.compress_type = mode << 16, compressed
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, content)


def announce(path, name, size):
    """Let the directory of an archive announce another size of a member."""
    data = bytearray(path.read_bytes())
    place = data.rindex(name.encode()) - 46  # of the member's entry in the directory
    assert data[place : place + 4] == b"PK\1\2"
    data[place + 24 : place + 28] = struct.pack("<I", size)
    path.write_bytes(data)


HOSTILE = {
    "above": (lambda path: add(path, "../../evil.jpg"), "member '../../evil.jpg' lies outside the archive"),
    "within": (lambda path: add(path, "photos/../../evil.jpg"), "member 'photos/../../evil.jpg' lies outside"),
    "absolute": (lambda path: add(path, "/etc/cron.d/evil"), "member '/etc/cron.d/evil' lies outside the archive"),
    "drive": (lambda path: add(path, "C:/evil.jpg"), "member 'C:/evil.jpg' lies outside the archive"),
    "backslash": (lambda path: add(path, "..\\evil.jpg"), "evil.jpg' lies outside the archive"),
    "link": (lambda path: add(path, "link", b"/etc/passwd", stat.S_IFLNK | 0o777), "member 'link' is a link"),
    "twice": (lambda path: [add(path, "twice") for _ in range(2)], "member 'twice' is there 2 times"),
    "bomb": (lambda path: add(path, "bomb", bytes(3_000_000)), "member 'bomb' announces 3.0 MB in 0.0 MB"),
    "lying": (lambda path: [add(path, "huge"), announce(path, "huge", 4_000_000_000)], "'huge' announces 4,000.0 MB"),
}


@pytest.fixture(autouse=True)
def small_bombs(monkeypatch):
    monkeypatch.setattr(zips, "_LARGE", 1_000_000)


def assert_named(error, path, words):
    assert str(path) in str(error)
    assert words in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(("spoil", "words"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_are_refused_when_they_are_opened(spoil, words, tmp_path):
    path = tmp_path / "a.zip"
    add(path, "photo")
    open_zip(path).close()
    spoil(path)
    with pytest.raises(ValueError, match=r"announces|lies outside|is a link|times") as error:
        open_zip(path)
    assert words in str(error.value)


SPOIL, WORDS = HOSTILE["above"]


def people(folder):
    write_pack(folder, "made", 2, held_out=1)
    return lambda: read_people(folder / "people_made.npz").photo(0)


def scenes(folder):
    write_scene_pack(folder, "", ["coco"], ["0.jpg"], np.array([False]))
    return lambda: find_scenes(folder).photo(0)


def lspet(folder):
    write_lspet(folder / "lspet", 2)
    np.savez(folder / "lspet_teacher.npz", **write_pack(folder / "other", "made", 2, held_out=0))
    return lambda: find_sources(folder)


@pytest.mark.parametrize(
    ("write", "name"),
    [(people, "people_made.zip"), (people, "people_made.npz"), (scenes, "scenes.zip"), (scenes, "scenes.npz"),
     (lspet, "lspet_teacher.npz")],
)  # fmt: skip
def test_whatever_is_read_is_opened_so(write, name, tmp_path):
    read = write(tmp_path)
    SPOIL(tmp_path / name)
    with pytest.raises(ValueError, match="lies outside") as error:
        read()
    assert_named(error.value, tmp_path / name, WORDS)


def test_rendered_parts_in_train_prepare(tmp_path, monkeypatch, prepare_error):
    small_parts(monkeypatch)
    write_rendered(tmp_path / "in")
    SPOIL(tmp_path / "in" / "part-00001.zip")
    error = prepare_error("synthetic", tmp_path / "in")
    assert_named(error, tmp_path / "in" / "part-00001.zip", WORDS)
    assert "(see Rendered people in docs/data.md)" in error
    assert not (tmp_path / "out" / INDEX).exists()


def test_parts_of_a_cut_run_and_a_prepared_folder(tmp_path, prepare, prepare_error):
    """Of people and of scenes: what an earlier run left is read again."""
    out, part = tmp_path / "out", tmp_path / "out" / "part-00000.zip"
    write_lsp(tmp_path / "lsp")
    prepare("lsp", tmp_path / "lsp")
    SPOIL(part)
    with pytest.raises(ValueError, match="crop 000000") as error:
        read_prepared(out).photo(0)
    assert_named(error.value, part, WORDS)
    index = (out / INDEX).read_bytes()
    (out / INDEX).unlink()
    assert_named(prepare_error("lsp", tmp_path / "lsp"), part, WORDS)
    (out / INDEX).write_bytes(index)
    SPOIL(out / "people.npz")
    with pytest.raises(ValueError, match=r"people\.npz") as error:
        open_prepared(out)
    assert_named(error.value, out / "people.npz", WORDS)
    write_voc(tmp_path / "voc")
    out = tmp_path / "scenes"
    prepare("voc", tmp_path / "voc", out=out)
    parts = out / "scenes_voc.parts"
    parts.mkdir()
    (out / "scenes_voc.zip").rename(parts / "part-00000.zip")
    SPOIL(parts / "part-00000.zip")
    assert_named(prepare_error("voc", tmp_path / "voc", out=out), parts / "part-00000.zip", WORDS)


def test_train_pack_ends_with_one_sentence(tmp_path, refused):
    people(tmp_path / "in")
    SPOIL(tmp_path / "in" / "people_made.zip")
    error = refused("pack", "--data", tmp_path / "in", "--out", tmp_path / "out")
    assert_named(error, tmp_path / "in" / "people_made.zip", WORDS)
    assert not list((tmp_path / "out").glob("*.safetensors"))


def test_a_photo_larger_than_any(tmp_path):
    path = tmp_path / "a.zip"
    add(path, "photo", os.urandom(1000), compressed=zipfile.ZIP_STORED)
    with open_zip(path) as archive, pytest.raises(ValueError, match=r"'photo' announces 0\.0 MB, at most 0\.0 MB"):
        read_member(archive, "photo", most=999)


def test_a_member_gives_no_more_than_it_announces(tmp_path):
    path = tmp_path / "a.zip"
    add(path, "photo", bytes(900_000))
    announce(path, "photo", 1000)
    with open_zip(path) as archive, pytest.raises(ValueError, match="Bad CRC-32"):
        read_member(archive, "photo")


def test_many_members_that_are_too_much_together(tmp_path):
    path = tmp_path / "a.zip"
    for row in range(20):
        add(path, f"{row}", bytes(400_000))
    with pytest.raises(ValueError, match=r"its members announce 8\.0 MB in 0\.0 MB, '0' the most"):
        open_zip(path)


@pytest.mark.parametrize("kind", ["encrypted", "method", "deflate"])
def test_members_that_cannot_be_unpacked(kind, tmp_path):
    path = tmp_path / "people_made.zip"
    write_pack(tmp_path, "made", 1, held_out=0)
    path.unlink()
    add(path, "p000.webp", os.urandom(500) + bytes(5000))
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\1\2")
    if kind == "encrypted":
        data[place + 8] = 1
    elif kind == "method":
        data[place + 10] = data[8] = 97
    else:
        data[60:100] = bytes([255]) * 40
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"people_made\.zip: photo p000\.webp cannot be read .*copy the archive again"):
        read_people(tmp_path / "people_made.npz").photo(0)


def npy(header, content=b""):
    """An array file with a header of one's own."""
    text = f"{header}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + content


NO_HEADER = "array box has no header that can be read"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,)}"),
            NO_HEADER,
        ),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"), "announces the shape (1000000"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 4)}", bytes(24)), "but has 24 bytes"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 4)}"), "holds Python objects (allow_pickle=False)"),
        (npy("__import__('os').getcwd()"), NO_HEADER),
        (b"", NO_HEADER),
        (b"\x93NUMPY", NO_HEADER),
    ],
)
def test_an_array_that_lies(content, words, tmp_path):
    path = tmp_path / "people_made.npz"
    arrays = write_pack(tmp_path, "made", 1, held_out=0)
    del arrays["box"]
    np.savez(path, **arrays)
    add(path, "box.npy", content)
    with pytest.raises(ValueError, match=r"people_made\.npz is damaged") as error:
        read_people(path)
    assert_named(error.value, path, words)


def test_arrays_are_those_of_numpy():
    arrays = {
        "text": np.array(["a", "bcd"]),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.array(True),
        "empty": np.zeros((0, 4), np.float16),
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    read = read_arrays(file)
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert np.array_equal(read[name], array)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"box": np.full((2, 4), np.nan)}, "array box holds NaN or infinity in row 0"),
        ({"box": np.array([[0, 0, 9, 9], [5, 5, 5, 9]], float)}, "array box has an empty box in row 1, [5.0, 5.0, 5.0"),
        ({"name": np.array([1, 2])}, "array name holds int64, expected text"),
        ({"joints": np.full((2, 16, 3), "x")}, "array joints holds <U1, expected numbers"),
        ({"teacher_3d": np.full((2, 17, 3), 1j)}, "array teacher_3d holds complex128, expected numbers"),
        ({"name": np.array("p000.webp")}, "array name has shape (), expected (0,)"),
        ({"teacher_2d": np.zeros((2, 17, 3))}, "array teacher_2d has shape (2, 17, 3), expected (2, 19, 3)"),
        ({"name": np.array(["a", None], object)}, "allow_pickle"),
    ],
)
def test_labels_of_people_that_are_wrong(changes, words, tmp_path):
    path = tmp_path / "people_made.npz"
    np.savez(path, **write_pack(tmp_path, "made", 2, held_out=1) | changes)
    with pytest.raises(ValueError, match="people_made") as error:
        read_people(path)
    assert_named(error.value, path, words)


def write_packed(folder, **changes):
    """A pack of two people, some of its tensors changed."""
    people = make_people(2, side=16)
    tensors = {"photos": people.photos} | {name: getattr(people, name) for name in packs._COLUMNS[1:]}
    tensors |= {"validation": people.by_hand[:, 0]} | changes
    folder.mkdir()
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "people-00000.safetensors")
    index = {"format": "fusion-pose-pack/1", "people": 2, "size": 16, "files": ["people-00000.safetensors"]}
    (folder / "pack.json").write_text(json.dumps(index))


def test_files_of_a_pack_that_are_wrong(tmp_path):
    people = make_people(2, side=16)
    faults = {
        "joints": (people.joints[:1], r"array joints has shape \(1, 16, 2\), expected \(2, 16, 2\)"),
        "box": (people.box / 0, "array box holds NaN or infinity in row 0"),
        "photos": (people.photos[:, :, :8], r"its photos of shape \(2, 3, 8, 16\) are not 2 photos"),
        "weight": (people.weight.bool().long().char()[:, :3], "array weight has shape"),
    }
    for name, (tensor, words) in faults.items():
        write_packed(tmp_path / name, **{name: tensor})
        with pytest.raises(ValueError, match=rf"people-00000\.safetensors.*{words}"):
            open_pack(tmp_path / name, validation=True)
    write_packed(tmp_path / "right")
    assert len(open_pack(tmp_path / "right", validation=True)) == 2


@pytest.mark.parametrize("kind", ["out of order", "too few", "no size"])
def test_encoded_photos_that_do_not_fit(kind, tmp_path, printed):
    write_pack(tmp_path / "in", "made", 3, held_out=1)
    printed("pack", "--data", tmp_path / "in", "--out", tmp_path / "out", "--quality", 50)
    path = tmp_path / "out" / "people-00000.safetensors"
    with packs.safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    if kind == "out of order":
        tensors["ends"] = tensors["ends"][[1, 0, 2]].contiguous()
    elif kind == "too few":
        tensors["ends"] = tensors["ends"][1:].contiguous()
    else:
        metadata = {name: json.dumps({"print": json.loads(mark)["print"]}) for name, mark in metadata.items()}
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match=r"people-00000\.safetensors is damaged"):
        open_pack(tmp_path / "out", validation=False)
