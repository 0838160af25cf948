"""Checks that every reader goes through, frames and photos of records, and the entries of the data sets."""

import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusion_model.skeletons import HUMAN36M_17, LSP_14
from tests.helpers.earlier import assert_as_before
from tests.helpers.photo_files import NOISE, encoded
from tests.helpers.videos import bar, damage, encode, set_matrix, shown_number
from train.data.readers.frames import iterate_frames, read_picture
from train.data.readers.layout import LayoutError, check_person
from train.data.readers.records import UNKNOWN, VISIBLE, Frame, Record
from train.data.readers.registry import DISTRIBUTED, DISTRIBUTED_SCENES, SETS, DataSetInfo, data_set
from train.engine.provenance import SCENES


def check(points, skeleton=LSP_14, hidden=(), skipped=None, **changes):
    """Someone in a photo of 200 x 100 pixels: whether the record stays as it is."""
    visible = np.full(len(points), VISIBLE)
    visible[list(hidden)] = UNKNOWN
    record = Record(Frame(Path("photo.jpg")), "train", points, visible, place="labels.json: person 7", **changes)
    return check_person(record, skeleton, (200, 100), Counter() if skipped is None else skipped) is record


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_joints_that_are_no_numbers(wrong):
    points = np.tile((50.0, 50.0), (14, 1))
    points[3, 1] = wrong
    with pytest.raises(LayoutError, match=r"labels\.json: person 7 has the left_hip at \(50, (nan|inf)\)"):
        check(points)
    assert check(points, hidden=[3])


@pytest.mark.parametrize(
    ("point", "kept"),
    [((-50, 50), True), ((-51, 50), False), ((249, 50), True), ((50, 150), False), ((50, -200), False)],
)
def test_joints_by_hand_a_quarter_outside_are_unknown(point, kept):
    """A quarter of the longer side of the photo, whichever side they lie on."""
    points, skipped = np.tile((50.0, 50.0), (14, 1)), Counter()
    points[[3, 5]] = point
    assert check(points, skipped=skipped) is kept
    assert skipped.total() == 2 * (not kept)
    points[:7] = -1, 50
    assert check(points), "up to half of the joints may lie outside"
    points[5] = -202, 50
    with pytest.raises(LayoutError, match=r"person 7 has the left_ankle at \(-202, 50\)"):
        check(points)


def test_people_measured_in_3d_may_reach_further_beyond_the_picture():
    points, pose = np.tile((50.0, 50.0), (17, 1)), np.zeros((17, 3))
    points[0] = (200 + 15 * 200, 50)
    pose[1] = np.nan  # unknown
    assert check(points, HUMAN36M_17, joints_3d=pose)
    points[0] = (200 + 25 * 200, 50)
    with pytest.raises(LayoutError, match=r"person 7 has the pelvis at \(5200, 50\)"):
        check(points, HUMAN36M_17, joints_3d=pose)
    pose[1] = (0, 0, 1e20)
    with pytest.raises(LayoutError, match=r"person 7 has a joint in 3D that is absurdly far away"):
        check(points, HUMAN36M_17, joints_3d=pose)


FRAMES = 12
BARS = [bar(number) for number in range(FRAMES)]


def pictures(video, numbers):
    """Those frames."""
    records = [
        Record(Frame(video, number), "train", np.zeros((14, 2)), np.full(len(LSP_14), VISIBLE)) for number in numbers
    ]
    return [picture for _, picture in iterate_frames(records, Counter())]


def found(video, number):
    """The number that a frame shows, None where it is refused."""
    try:
        return shown_number(pictures(video, [0, number])[1])
    except LayoutError as error:
        assert f"frame {number} cannot be decoded" in str(error)  # noqa: PT017 - may be refused or not
        return None


@pytest.mark.parametrize("broken", [1, 4, 7])
def test_no_frame_is_taken_for_another(tmp_path, broken):
    options = {"preset": "fast", "g": "8", "bf": "2", "b-adapt": "0", "sc_threshold": "0"}
    path = damage(encode(tmp_path / "a.avi", BARS, options=options), [broken])
    assert [shown_number(picture) for picture in pictures(path, [0, 8, 8, 9, 11])] == [0, 8, 8, 9, 11]
    assert [number for number in range(1, 8) if found(path, number) not in {number, None}] == []
    assert found(path, broken) is None


def test_labels_are_pixels_of_the_frame_as_it_is_stored(tmp_path):
    path = encode(tmp_path / "a.mp4", BARS, sample_aspect_ratio=Fraction(2))
    picture = pictures(set_matrix(path, (0, 1), (-1, 0)), [7])[0]
    assert (picture.shape, shown_number(picture)) == (BARS[0].shape, 7)


def test_a_photo_that_is_cut_off_says_so(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(Image.fromarray(NOISE), quality=95)[:-999])
    with pytest.raises(ValueError, match=r"a\.jpg: cannot be read \(it is cut off \(all below line \d+ of 200 is"):
        read_picture(Frame(tmp_path / "a.jpg"), Counter())


ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DISTRIBUTED | DISTRIBUTED_SCENES)
def test_every_set_has_its_section_with_its_command(name):
    section = (DISTRIBUTED | DISTRIBUTED_SCENES)[name].section
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE).count(section) == 1
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    assert f"python -m train.prepare {name} --source" in text


def test_a_set_is_known_by_its_name_and_by_that_of_its_year():
    assert data_set("voc2012") is data_set("voc2007") is SETS["voc"]
    assert data_set("stanford40") is SETS["stanford40"]
    assert data_set("mpii2") == DataSetInfo("mpii2"), "somebody's own"


def test_what_the_entries_say():
    for name, one in SETS.items():
        assert one.labels != DataSetInfo.labels, name
        assert one.licence or name == SCENES, name
    assert sum(one.share or 0 for one in SETS.values()) == pytest.approx(1)
    said = {name: [value for value in vars(one).values() if not callable(value)] for name, one in SETS.items()}
    assert_as_before("entries of sets", said, near=1e-6, file="data.json")
