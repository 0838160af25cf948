"""Photos of data sets as people have them: read as the demo reads them, but not turned, or refused with the reason."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from fusion_model.images import load_photo
from tests.helpers.photo_files import HEIC, NOISE, PHOTO, encoded
from train.data.readers.frames import read_picture
from train.data.readers.records import Frame

JPEG = encoded(Image.fromarray(PHOTO), quality=95)
CLEAR = Image.fromarray(PHOTO[:, :, 0]).convert("LA")
READ = {
    "a JPEG": JPEG,
    "a JPEG without its end": JPEG[:-2],
    "a PNG with transparent pixels": encoded(CLEAR, "PNG"),
    "a HEIC": HEIC,
}


def read(tmp_path, content, size=None, skipped=None):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    return read_picture(Frame(path, size=size), Counter() if skipped is None else skipped)[..., ::-1]


@pytest.mark.parametrize("kind", READ)
def test_photos_are_read_as_the_demo_reads_them(kind, tmp_path):
    found = read(tmp_path, READ[kind])
    assert np.array_equal(found, load_photo(tmp_path / "a.jpg"))
    assert found.max() > 200  # not black


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_exif_turns_a_file_of_any_kind_only_where_the_labels_say_so(kind, orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(PHOTO), kind, exif=exif, quality=95, lossless=True)
    for size in (None, (48, 32)):
        skipped = Counter()
        found = read(tmp_path, content, size, skipped)
        assert found.shape == PHOTO.shape
        assert np.abs(found.astype(int) - PHOTO).mean() < 10
        assert [*skipped.values()] == [1]
    if orientation > 3:
        skipped = Counter()
        assert np.array_equal(read(tmp_path, content, (32, 48), skipped), load_photo(tmp_path / "a.jpg"))
        assert not skipped
    with pytest.raises(ValueError, match=r"a\.jpg: the photo has 48 x 32 pixels; expected 60 x 40"):
        read(tmp_path, content, (60, 40))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (encoded(Image.fromarray(NOISE), quality=95)[:-999], r"it is cut off \(all below line \d+ of 200 is"),
        (b"<html>404</html>", "it is not a photo that can be read: expected JPEG, PNG"),
        (b"", "it is an empty file"),
    ],
)
def test_a_photo_that_cannot_be_read_says_why(content, words, tmp_path):
    with pytest.raises(ValueError, match=rf"a\.jpg: {words}"):
        read(tmp_path, content)
