"""Frames of records: of videos by their numbers, as labels count; photos as the demo reads them, but not turned."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from fusion_model.skeletons import LSP_14
from tests.helpers.photo_files import NOISE, encoded
from tests.helpers.videos import bar, damage, encode, set_matrix, shown_number
from train.data.readers.frames import iterate_frames, read_picture
from train.data.readers.layout import LayoutError
from train.data.readers.records import VISIBLE, Frame, Record

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
    assert picture.shape == BARS[0].shape
    assert shown_number(picture) == 7


def test_a_photo_that_is_cut_off_says_so(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(Image.fromarray(NOISE), quality=95)[:-999])
    with pytest.raises(ValueError, match=r"a\.jpg: cannot be read \(it is cut off \(all below line \d+ of 200 is"):
        read_picture(Frame(tmp_path / "a.jpg"), Counter())
