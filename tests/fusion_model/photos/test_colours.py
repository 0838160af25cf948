"""Photos with colour profiles are seen as they are meant."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.helpers.photo_files import PHOTO, encoded, read

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_primaries_that_a_profile_swaps_are_put_right(tmp_path, kind):
    swapped = SRGB.replace(b"rXYZ", b"____", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"____", b"bXYZ", 1)
    image = Image.fromarray(PHOTO[:, :, ::-1])
    content = encoded(image, kind, icc_profile=swapped, quality=95, subsampling=0, lossless=True)
    assert np.abs(read(tmp_path, content).astype(int) - PHOTO).mean() < 5


@pytest.mark.parametrize("data", [b"profile", bytes(128), SRGB, b"\xff" * 5_000_000, LAB])
def test_a_profile_that_is_broken_or_changes_nothing_leaves_the_pixels_alone(tmp_path, data):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(PHOTO), "TIFF", icc_profile=data)), PHOTO)
