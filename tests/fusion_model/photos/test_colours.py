"""Photos with colour profiles are seen as they are meant."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.helpers.photo_files import PHOTO, encoded, read

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SWAPPED = SRGB.replace(b"rXYZ", b"____", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"____", b"bXYZ", 1)
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_primaries_that_a_profile_swaps_are_put_right(tmp_path, kind):
    image = Image.fromarray(PHOTO[:, :, ::-1])
    content = encoded(image, kind, icc_profile=SWAPPED, quality=95, subsampling=0, lossless=True)
    assert np.abs(read(tmp_path, content).astype(int) - PHOTO).mean() < 5


@pytest.mark.parametrize(("divisor", "seen"), [(16, False), (4, True)])
def test_a_change_counts_once_it_is_seen(tmp_path, divisor, seen):
    """Red and blue swapped: a difference of 5 of 255 on average, and of 21."""
    pale = PHOTO // divisor
    found = read(tmp_path, encoded(Image.fromarray(pale), "TIFF", icc_profile=SWAPPED))
    assert np.abs(found.astype(int) - (pale[:, :, ::-1] if seen else pale)).mean() < 1
    assert seen or np.array_equal(found, pale)


@pytest.mark.parametrize("data", [b"profile", bytes(128), SRGB, b"\xff" * 5_000_000, LAB])
def test_a_profile_that_is_broken_or_changes_nothing_leaves_the_pixels_alone(tmp_path, data):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(PHOTO), "TIFF", icc_profile=data)), PHOTO)
