"""What people get wrong with every set, through the command: one sentence with file, found, expected and the page."""

import pytest
from scipy.io import savemat

from tests.helpers import humaneva_files, kth_files, lsp_mpii_coco_files, mpi_inf_3dhp_files
from tests.helpers.full_disk import full_after, full_at
from train.data.prepared import INDEX, open_prepared, read_prepared
from train.data.readers.registry import DISTRIBUTED, DISTRIBUTED_SCENES
from train.data.scenes import find_scenes

EVERY_SET = DISTRIBUTED | DISTRIBUTED_SCENES


@pytest.fixture(autouse=True)
def short(monkeypatch):
    humaneva_files.shorten(monkeypatch)


def unfinished(folder):
    """Whether nothing in the folder could be taken for a prepared set."""
    if not folder.exists():
        return True
    with pytest.raises(FileNotFoundError):
        open_prepared(folder)
    assert find_scenes(folder) is None
    return not list(folder.glob(".*.part"))


def assert_refused(error, name, *words):
    """The sentence has these words and names the data set's section."""
    assert all(text in error for text in words), error
    assert f"(see {EVERY_SET[name].section} in docs/data.md)" in error


@pytest.mark.parametrize("name", EVERY_SET)
def test_a_source_that_is_none(name, tmp_path, prepare_error):
    source = tmp_path / "in"

    def refused(words):
        assert_refused(prepare_error(name, source), name, str(source), words, "; expected ")
        return unfinished(tmp_path / "out")

    assert refused("there is no such folder")
    source.touch()
    assert refused("is a file")
    source.unlink()
    source.mkdir()
    assert refused("only an empty folder")
    (source / "everything.zip").touch()
    assert refused("only everything.zip")


MATLAB = {
    "lsp": (lsp_mpii_coco_files.write_lsp, "joints.mat"),
    "mpii": (lsp_mpii_coco_files.write_mpii, "mpii_human_pose_v1_u12_1.mat"),
    "humaneva": (humaneva_files.write_both_parts, "converted_15j/Train/S1/Walking_1.mat"),
    "mpi-inf-3dhp": (lambda folder: mpi_inf_3dhp_files.write_train(folder, views=(0,)), "S1/Seq1/annot.mat"),
}


@pytest.mark.parametrize("name", MATLAB)
def test_a_matlab_file_that_was_cut_off_or_is_of_another_set(name, tmp_path, prepare_error):
    write, place = MATLAB[name]
    write(tmp_path / "in")
    path = tmp_path / "in" / place
    content = path.read_bytes()
    for kept in (0.0, 0.05, 0.5, 0.95):
        path.write_bytes(content[: int(kept * len(content))])
        assert_refused(prepare_error(name, tmp_path / "in"), name, f"{path}: cannot be read")
    savemat(path, {"something": 1.0})
    words = "has the variables something; expected a MATLAB file with the variable"
    assert_refused(prepare_error(name, tmp_path / "in"), name, f"{path}: {words}")
    assert unfinished(tmp_path / "out")


@pytest.mark.parametrize("kept", [0.0, 0.3])
def test_a_video_cut_in_its_bytes(kept, tmp_path, prepare_error):
    """HumanEva's AVI keeps its index at its end: a cut one opens, and ends early."""
    humaneva_files.write_both_parts(tmp_path / "in")
    video = tmp_path / "in" / "S1" / "Image_Data" / "Walking_1_(C1).avi"
    video.write_bytes(video.read_bytes()[: int(kept * video.stat().st_size)])
    error = prepare_error("humaneva", tmp_path / "in")
    assert_refused(error, "humaneva", f"{video}: ")
    assert "cannot be opened as a video" in error or "the video ends after" in error
    assert unfinished(tmp_path / "out")


@pytest.mark.parametrize(
    ("full", "name"),
    [
        (full_after(2), "part-00000.zip"),
        (full_at("prepare-settings.json"), "prepare-settings.json"),
        (full_at("people.npz"), "people.npz"),
        (full_at(INDEX), INDEX),
    ],
)
def test_a_disk_that_fills_up(full, name, tmp_path, prepare, prepare_error):
    kth_files.write_sequence(tmp_path / "in" / "player2sequence1" / "Sequence 1")
    with full:
        error = prepare_error("kth", tmp_path / "in")
    assert f"{tmp_path / 'out' / name} cannot be written (No space left on device)" in error
    assert "make room and run the command again, what is finished is kept" in error
    assert unfinished(tmp_path / "out")
    prepare("kth", tmp_path / "in")
    assert len(read_prepared(tmp_path / "out")) == kth_files.FRAMES
