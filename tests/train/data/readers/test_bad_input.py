"""What people get wrong with every set, through the command: one sentence with file, found, expected and the page."""

import json
import shutil
from functools import cache

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from tests.helpers import human36m_files, humaneva_files, kth_files, lsp_mpii_coco_files, scene_files
from tests.helpers.deep3dpose_files import ORDER, datum, write_database
from tests.helpers.distributed_sets import OPTIONS, WRITERS, shrink
from tests.helpers.full_disk import full_after, full_at
from tests.helpers.lsp_mpii_coco_files import GONE, change_coco, mpii_person, write_lsp, write_lspet
from tests.helpers.mpi_inf_3dhp_files import write_train
from train.data.prepared import INDEX, open_prepared, read_prepared
from train.data.readers.registry import DISTRIBUTED, DISTRIBUTED_SCENES
from train.data.scenes import find_scenes

EVERY_SET = DISTRIBUTED | DISTRIBUTED_SCENES
KTH = "player2sequence1/Sequence 1"
CDF, VIDEO = (f"S1/{kind}/Sitting 1.54138969" for kind in ("MyPoseFeatures/D3_Positions_mono", "Videos"))
EVA, CAL = "converted_15j/Train/S1/Walking_1.mat", "S1/Calibration_Data/C1.cal"
AVI = "S1/Image_Data/Walking_1_(C1).avi"
MPII, ANNOT = "mpii_human_pose_v1_u12_1.mat", "S1/Seq1/annot.mat"
COCO, SCENES = (f"annotations/{kind}_train2017.json" for kind in ("person_keypoints", "instances"))
VOC = "VOCdevkit/VOC2012"
XML, LISTS, JPEG = f"{VOC}/Annotations/2008_000001.xml", f"{VOC}/ImageSets/Main", f"{VOC}/JPEGImages/2008_000003.jpg"

SETS = WRITERS | {"coco-scenes": scene_files.write_coco_scenes, "voc": scene_files.write_voc}


def text(place, new, old=None):
    """Write a text, or put it in place of another."""

    def change(folder):
        path = folder / place
        assert old is None or old in path.read_text()
        path.write_text(new if old is None else path.read_text().replace(old, new))

    return change


def cut(place, kept):
    def change(folder):
        content = (folder / place).read_bytes()
        (folder / place).write_bytes(content[: int(kept * len(content))])

    return change


def gone(place):
    return lambda folder: (folder / place).unlink()


def cdf(shape, *variable):
    return lambda folder: human36m_files.write_cdf(folder / f"{CDF}.cdf", np.ones(shape), *variable)


def mat(place, **variables):
    return lambda folder: savemat(folder / place, variables)


def lsp(joints, value):
    """Another x of some joints of the second photo."""

    def change(folder):
        labels = loadmat(folder / "joints.mat")["joints"]
        labels[0, joints, 1] = value
        savemat(folder / "joints.mat", {"joints": labels})

    return change


def mpii(person, photo="000000000.jpg", **point):
    """A photo of that name with that person, whose fourth joint has these values."""
    if point:
        person["annopoints"]["point"][3] |= point
    entries = [{"annorect": [person]} | ({"image": {"name": photo}} if photo else {})] * 2
    return mat(MPII, RELEASE={"annolist": lsp_mpii_coco_files.structs(entries), "img_train": [1, 1]})


def entry(place, key, row, **changes):
    return lambda folder: change_coco(folder / place, key, row, **changes)


def person(**changes):
    return entry(COCO, "annotations", 0, **changes)


def order(joints, millimetres=(1, 1, 1)):
    return text("deep3dpose.json", json.dumps({"joints": joints, "millimetres": millimetres}))


def database(name, *values):
    return lambda folder: write_database(folder / f"{name}.lmdb", values)


def rendered(**changes):
    """Change columns of rendered people."""

    def change(folder):
        with np.load(folder / "annotations.npz") as data:
            arrays = dict(data)
        arrays |= {name: make(arrays[name]) for name, make in changes.items()}
        np.savez(folder / "annotations.npz", **arrays)

    return change


def other_axes(folder):
    with h5py.File(folder / "TS5" / "annot_data.mat", "w") as file:
        file["valid_frame"], file["annot2"] = np.ones(4), np.zeros((4, 1, 28, 2))


def swapped_cameras(folder):
    shutil.rmtree(folder / KTH)
    kth_files.write_sequence(folder / KTH, swap=True)


CUT_FILES = {"lsp": "joints.mat", "mpii": MPII, "humaneva": EVA, "mpi-inf-3dhp": ANNOT, "human36m": f"{CDF}.cdf"}
FLOATS = datum(numbers=[0.5] * 42)
WRONG = [
    *((name, cut(place, kept), "cannot be read") for name, place in CUT_FILES.items() for kept in (0, 0.05, 0.5, 0.99)),
    *((name, mat(CUT_FILES[name], something=1.0), "a MATLAB file with the variable") for name in ("lsp", "humaneva")),
    ("mpi-inf-3dhp", cut("TS5/annot_data.mat", 0.5), "annot_data.mat: cannot be read"),
    *(("humaneva", cut(AVI, kept), "Walking_1_(C1).avi: ") for kept in (0, 0.3)),  # AVI keeps its index at its end
    ("human36m", cut(f"{VIDEO}.mp4", 0.5), "Sitting 1.54138969.mp4: cannot be read"),
    ("human36m", cdf((7, 32, 3), "Angles"), "'Pose'"),
    ("human36m", cdf((7, 31, 3)), "of size 651"),
    ("human36m", cdf((5, 32, 3)), "D2_Positions/Sitting 1.54138969.cdf: 7 poses; expected 5 as in 3D"),
    ("human36m", text("metadata.xml", "<metadata><w0>[1 2]</w0></metadata>"), "metadata.xml: cannot be read"),
    ("humaneva", lambda folder: humaneva_files.write_part(folder, "Train", range(12, 19)), "Walking_1.mat: 7 frames"),
    ("humaneva", lambda folder: humaneva_files.write_camera(folder, frames=15), "the video ends after 15 frames"),
    ("humaneva", mat(EVA, poses_3d=np.zeros((8, 17, 3)), poses_2d=np.zeros((3, 8, 17, 2))), "has shape (8, 17, 3)"),
    ("humaneva", text(CAL, "1 2 3"), "C1.cal: cannot be read (3 numbers, [1.0, 2.0, 3.0]"),
    ("humaneva", text(CAL, "inf", "700"), "C1.cal: cannot be read (22 numbers, [inf, "),
    ("kth", cut(f"{KTH}/positions2d.txt", 0.5), "expected a number a line, 84 a frame for 16 frames"),
    ("kth", text(f"{KTH}/positions2d.txt", "x y z"), "positions2d.txt: cannot be read"),
    ("kth", text(f"{KTH}/cameras.txt", "nan", "100.00000000"), "a camera holds NaN or infinity"),
    ("kth", swapped_cameras, "cameras.txt: cannot be read (its cameras put the 3D joints"),
    ("kth", gone(f"{KTH}/Camera 1/00003.png"), "00003.png: cannot be read"),
    ("kth", lambda folder: (folder / "player2sequence1").rename(folder / "other"), "no folder names player and"),
    ("mpi-inf-3dhp", other_axes, "annot2 has shape (2, 28, 1, 4); expected (4, 1, 17, 2) or the reverse"),
    ("mpi-inf-3dhp", mat(ANNOT, annot2=np.zeros((4, 56)), annot3=0.0), "expected a cell for each of 14 views"),
    ("mpi-inf-3dhp", lambda folder: write_train(folder, video_frames=3), "video_0.avi: the video ends after 3 frames"),
    ("deep3dpose", order([*ORDER[:-1], ORDER[0]]), "15 joints, 14 different names"),
    ("deep3dpose", order([None, *ORDER[1:]]), "expected the order of the joints, which is not published"),
    ("deep3dpose", order(ORDER, millimetres=[1, 1, 0]), "millimetres [1.0, 1.0, 0.0]"),
    ("deep3dpose", gone("deep3dpose.json"), "deep3dpose.json: cannot be read"),
    ("deep3dpose", gone("joint3_train.lmdb/data.mdb"), "joint3_train.lmdb: cannot be read"),
    ("deep3dpose", cut("image_train.lmdb/data.mdb", 0.5), "image_train.lmdb: cannot be read (data.mdb has "),
    ("deep3dpose", database("joint3_train", *[FLOATS] * 11), "11 keys that are not the 10 of image_train.lmdb"),
    ("deep3dpose", database("joint3_train", FLOATS), "00000000: 42 numbers, or NaN among them; expected 45"),
    ("deep3dpose", database("joint3_train", datum(numbers=[float("nan")] * 45)), "00000000: 45 numbers, or NaN"),
    ("deep3dpose", database("joint3_train", b"\x22\x7fabc"), "00000000: cannot be read (DecodeError: "),
    ("deep3dpose", database("image_train", datum(channels=1, height=4, width=4, data=bytes(16))), "16 bytes, 1 x"),
    ("lsp", lsp(4, 4500), "joints.mat: photo 2 has the left_knee at (4500, "),
    ("lsp", lsp(4, np.nan), "joints.mat: photo 2 has a joint that is no number"),
    ("lsp", lsp(range(8), 330), "photo 2 has 8 of 14 joints outside the picture im0002.jpg"),  # made for a larger photo
    ("lsp", mat("joints.mat", joints=np.full((3, 14, 2), "a", object)), "joints.mat: cannot be read"),
    ("lsp", text("images/im0002.jpg", ""), "im0002.jpg: cannot be read (it is an empty file"),
    ("lsp", gone("images/im0002.jpg"), "photo 2 is missing, 11 are there"),
    ("lsp", write_lspet, "joints.mat: 'joints' has shape (14, 3, 3); expected (3, 14, N) of LSP, not another set"),
    ("lspet", write_lsp, "joints.mat: 'joints' has shape (3, 14, 3); expected (14, 3, N) of LSP-extended"),
    ("mpii", mpii({"scale": 1.0}, photo=None), "photo 1 of annolist cannot be read"),
    ("mpii", mpii(mpii_person(0), photo="/1.jpg"), "photo 1 of annolist names the file '/1.jpg'"),
    ("mpii", mpii(mpii_person(0), x=[]), "person 1 of 000000000.jpg has the left_hip at (nan, "),
    ("mpii", mpii(mpii_person(0), id=16), "has a joint 16; expected joints 0 to 15"),
    ("coco", entry(COCO, "annotations", 1, id=GONE), "cannot be read (KeyError: 'id'); expected COCO's 'images'"),
    ("coco", person(image_id=70), "person 0 in photo 70 cannot be read (KeyError: 70); expected image_id of"),
    ("coco", person(keypoints=[1] * 42), "cannot reshape array of size 42 into shape (17,3)"),
    ("coco", person(keypoints=[40, 40, 0.9] * 17), "person 0 in photo 0 has keypoints with v [0.9, 0.9"),
    ("coco", person(bbox=[10, 20, float("nan"), 60]), "has the box (9.5, 19.5, nan, 79.5), inside-out"),
    ("coco", person(bbox=[100, 100, 221.5, 60]), "or beyond the photo of 320 x 300 pixels"),
    ("coco", entry(COCO, "images", 1, id=0), "two photos have one id"),
    ("coco", entry(COCO, "images", 0, width=640), "a.jpg: the photo has 320 x 300 pixels; expected 640 x 300 as"),
    ("coco", entry(COCO, "images", 0, file_name="../b.jpg"), "photo 0 names the file '../b.jpg'; expected a photo"),
    *(
        (name, text(place, wrong), f"{place}: cannot be read (")
        for name, place in (("coco", COCO), ("coco-scenes", SCENES))
        for wrong in ("", "[]", "[" * 100_000, '{"images": {}}', '{"images": [5], "annotations": []}')
    ),
    ("coco-scenes", entry(SCENES, "annotations", 0, bbox=[550, 50, 60, 100]), "has the box (549.5, 49.5, 609.5"),
    ("coco-scenes", entry(SCENES, "categories", 0, name="cat"), "there is no category called person"),
    ("coco-scenes", lambda folder: (folder / "val2017").rename(folder / "v"), "val2017: there is no such folder"),
    ("voc", text(XML, "", "</annotation>"), "2008_000001.xml: cannot be read (ParseError: no element found"),
    ("voc", text(XML, "<xmin>201<", "<xmin>101<"), "person 1 has the box (199.5, 49.5, 199.5, 149.5), inside-out"),
    ("voc", text(XML, "<xmax>602<", "<xmax>200<"), "or beyond the photo of 600 x 450 pixels"),
    ("voc", text(XML, "<width>601<", "<width>600<"), "has 600 x 450 pixels; expected 601 x 450 as its labels"),
    ("voc", text(JPEG, "no photo"), "2008_000003.jpg: cannot be read (it is not a photo that can be read"),
    ("voc", text(f"{LISTS}/train.txt", "../../../secret\n"), "Main: names the file '../../../secret.jpg'"),
    ("voc", gone(f"{LISTS}/val.txt"), "val.txt: cannot be read"),
    ("synthetic", rendered(box=lambda box: box + np.inf), "array box holds NaN or infinity in row 0"),
    ("synthetic", rendered(picture=lambda picture: picture - 5), "array picture names others than the 13 pictures"),
    ("synthetic", cut("part-00001.zip", 0.1), "part-00001.zip: member 0000005.jpg cannot be read"),
    ("synthetic", gone("annotations.npz"), "there is no annotations.npz"),
]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    shrink(monkeypatch)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A folder with a set of each name, written once."""

    @cache
    def write(name):
        folder = tmp_path_factory.mktemp(name)
        SETS[name](folder)
        return folder

    return write


def unfinished(folder):
    """Whether nothing in the folder could be taken for a prepared set."""
    if not folder.exists():
        return True
    with pytest.raises(FileNotFoundError):
        open_prepared(folder)
    assert find_scenes(folder) is None
    return not list(folder.glob(".*.part"))


@pytest.mark.parametrize(("name", "change", "words"), WRONG)
def test_a_file_that_is_wrong(name, change, words, pristine, tmp_path, prepare_error):
    shutil.copytree(pristine(name), tmp_path / "in")
    change(tmp_path / "in")
    error = prepare_error(name, tmp_path / "in", *OPTIONS.get(name, ()))
    assert words in error
    assert str(tmp_path / "in") in error or name == "synthetic"
    assert f"(see {EVERY_SET[name].section} in docs/data.md)" in error or "run train.synthesize again" in error
    assert unfinished(tmp_path / "out")


@pytest.mark.parametrize("name", EVERY_SET)
def test_a_source_that_is_none(name, tmp_path, prepare_error):
    source = tmp_path / "in"

    def refused(words):
        error = prepare_error(name, source)
        assert all(one in error for one in (str(source), words, "; expected ", EVERY_SET[name].section)), error
        return unfinished(tmp_path / "out")

    assert refused("there is no such folder")
    source.touch()
    assert refused("is a file")
    source.unlink()
    source.mkdir()
    assert refused("only an empty folder")
    (source / "everything.zip").touch()
    assert refused("only everything.zip")
    for other in "fghij":
        (source / other).touch()
    assert refused("only everything.zip, f, g, h and 2 more")


@pytest.mark.parametrize(
    ("full", "name"),
    [
        (full_after(2), "part-00000.zip"),
        (full_at("prepare-settings.json"), "prepare-settings.json"),
        (full_at("people.npz"), "people.npz"),
        (full_at(INDEX), INDEX),
    ],
)
def test_a_disk_that_fills_up(full, name, pristine, tmp_path, prepare, prepare_error):
    with full:
        error = prepare_error("kth", pristine("kth"))
    assert f"{tmp_path / 'out' / name} cannot be written (No space left on device)" in error
    assert "make room and run the command again, what is finished is kept" in error
    assert unfinished(tmp_path / "out")
    prepare("kth", pristine("kth"))
    assert len(read_prepared(tmp_path / "out")) == 16


@pytest.mark.parametrize("name", ["human36m", "humaneva", "kth", "mpi-inf-3dhp"])
def test_a_camera_that_the_set_lacks(name, pristine, prepare_error):
    assert "--cameras 99 is none of the set's: it has " in prepare_error(name, pristine(name), "--cameras", "99")
