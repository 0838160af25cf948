"""What people get wrong with every set, through the command: one sentence with file, found, expected and the page."""

import errno
import os
import zipfile
from pathlib import Path

import pytest
from scipy.io import savemat

from tests.helpers import humaneva_files, kth_files, lsp_mpii_coco_files, mpi_inf_3dhp_files
from train.data.prepared import INDEX, open_prepared, read_prepared
from train.data.readers.registry import DISTRIBUTED


def unfinished(folder):
    """Whether nothing in the folder could be taken for a prepared set."""
    if not folder.exists():
        return True
    with pytest.raises(FileNotFoundError):
        open_prepared(folder)
    return not list(folder.glob(".*.part"))


@pytest.mark.parametrize("name", DISTRIBUTED)
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "there is no such folder"),
        ("a file", "is a file"),
        ("empty", "only an empty folder"),
        ("packed", "but everything.zip is not unpacked"),
        ("another set", "only readme.txt"),
    ],
)
def test_a_source_that_is_none(name, kind, words, tmp_path, prepare):
    source = tmp_path / "in"
    if kind == "a file":
        source.touch()
    elif kind != "missing":
        source.mkdir()
        for file in {"packed": ["everything.zip"], "another set": ["readme.txt"]}.get(kind, []):
            (source / file).touch()
    status, error = prepare(name, source)
    assert status == 1
    assert str(source) in error
    assert words in error
    assert "; expected " in error
    assert f"(see {DISTRIBUTED[name].section} in DATASETS.md)" in error
    assert unfinished(tmp_path / "out")


def write_humaneva(folder):
    humaneva_files.write_part(folder, "Train", range(12, 20))
    humaneva_files.write_camera(folder)


def write_3dhp(folder):
    mpi_inf_3dhp_files.write_train(folder, views=(0,))


MATLAB = {
    "lsp": (lsp_mpii_coco_files.write_lsp, "joints.mat"),
    "lspet": (lsp_mpii_coco_files.write_lspet, "joints.mat"),
    "mpii": (lsp_mpii_coco_files.write_mpii, "mpii_human_pose_v1_u12_1.mat"),
    "humaneva": (write_humaneva, "converted_15j/Train/S1/Walking_1.mat"),
    "mpi-inf-3dhp": (write_3dhp, "S1/Seq1/annot.mat"),
}


@pytest.mark.parametrize("name", MATLAB)
@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.5, 0.95])
def test_a_matlab_file_that_was_cut_off(name, fraction, tmp_path, prepare):
    write, place = MATLAB[name]
    source = tmp_path / "in"
    source.mkdir()
    write(source)
    content = (source / place).read_bytes()
    (source / place).write_bytes(content[: int(fraction * len(content))])
    status, error = prepare(name, source)
    assert status == 1
    assert f"{source / place}: cannot be read" in error
    assert f"(see {DISTRIBUTED[name].section} in DATASETS.md)" in error
    assert unfinished(tmp_path / "out")


@pytest.mark.parametrize("name", MATLAB)
def test_a_matlab_file_of_another_set(name, tmp_path, prepare):
    write, place = MATLAB[name]
    source = tmp_path / "in"
    source.mkdir()
    write(source)
    savemat(source / place, {"something": 1.0})
    status, error = prepare(name, source)
    assert status == 1
    assert f"{source / place}: has the variables something; expected a MATLAB file with the variable" in error
    assert f"(see {DISTRIBUTED[name].section} in DATASETS.md)" in error
    assert unfinished(tmp_path / "out")


def test_joints_that_mpii_does_not_have(tmp_path, prepare):
    person = lsp_mpii_coco_files.mpii_person(0)
    person["annopoints"]["point"][3]["id"] = 16
    release = {
        "annolist": lsp_mpii_coco_files.structs([{"image": {"name": "1.jpg"}, "annorect": [person]}] * 2),
        "img_train": [1, 1],
        "single_person": [1, 1],
    }
    (tmp_path / "in" / "images").mkdir(parents=True)
    savemat(tmp_path / "in" / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})
    status, error = prepare("mpii", tmp_path / "in")
    assert status == 1
    assert "1.jpg has a joint 16; expected joints 0 to 15 (see MPII in DATASETS.md)" in error


def test_a_video_cut_in_its_bytes(tmp_path, prepare):
    """HumanEva's AVI keeps its index at its end: a cut one opens, and ends early."""
    write_humaneva(tmp_path / "in")
    video = tmp_path / "in" / "S1" / "Image_Data" / "Walking_1_(C1).avi"
    content = video.read_bytes()
    for fraction in (0.0, 0.3):
        video.write_bytes(content[: int(fraction * len(content))])
        status, error = prepare("humaneva", tmp_path / "in")
        assert status == 1
        assert f"{video}: " in error
        assert "cannot be opened as a video" in error or "the video ends after" in error
        assert "(see HumanEva-I in DATASETS.md)" in error
        assert unfinished(tmp_path / "out")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    humaneva_files.shorten(monkeypatch)


@pytest.fixture
def full(monkeypatch):
    """Makes a disk that is full after so many crops, or when a file of that name is to appear."""

    def fill(*, crops=None, file=None):
        no_space = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write, replace, count = zipfile.ZipFile.writestr, Path.replace, [0]

        def writestr(archive, *arguments, **options):
            count[0] += 1
            if crops is not None and count[0] > crops:
                raise no_space
            return write(archive, *arguments, **options)

        def moved(path, target):
            if Path(target).name == file:
                raise no_space
            return replace(path, target)

        monkeypatch.setattr(zipfile.ZipFile, "writestr", writestr)
        monkeypatch.setattr(Path, "replace", moved)

    return fill


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"crops": 2}, "part-00000.zip"),
        ({"file": "prepare-settings.json"}, "prepare-settings.json"),
        ({"file": "people.npz"}, "people.npz"),
        ({"file": INDEX}, INDEX),
    ],
)
def test_a_disk_that_fills_up(how, named, tmp_path, prepare, full, monkeypatch):
    kth_files.write_sequence(tmp_path / "in" / "player2sequence1" / "Sequence 1")
    full(**how)
    status, error = prepare("kth", tmp_path / "in")
    assert status == 1
    assert f"{tmp_path / 'out' / named} cannot be written (No space left on device)" in error
    assert "what is finished is kept: make room and run the command again" in error
    assert unfinished(tmp_path / "out")
    monkeypatch.undo()
    assert prepare("kth", tmp_path / "in")[0] == 0
    assert len(read_prepared(tmp_path / "out")) == kth_files.FRAMES
