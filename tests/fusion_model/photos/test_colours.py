"""Photos with colour profiles are seen as they are meant."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.helpers.photo_files import PHOTO, encoded, read


def profile(matrix_columns, gamma):
    """A colour profile made by hand: its primaries in XYZ (D50), and one tone curve."""

    def curve():
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"

    def xyz(values):
        return b"XYZ " + bytes(4) + struct.pack(">iii", *(round(v * 65536) for v in values))

    d50 = (0.9642, 1.0, 0.8249)
    red, green, blue = matrix_columns
    tags = {b"wtpt": xyz(d50), b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue)}
    tags |= {name: curve() for name in (b"rTRC", b"gTRC", b"bTRC")}
    tags[b"desc"] = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78) + b"\0\0"
    tags[b"cprt"] = b"text" + bytes(4) + b"x\0\0\0"
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s", place + len(body), b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", *(round(v * 65536) for v in d50))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def test_a_linear_photo_is_shown_as_bright_as_it_is_meant(tmp_path):
    seen = np.full((32, 48, 3), (60, 128, 200), np.uint8)
    linear = (255 * ((seen / 255 + 0.055) / 1.055) ** 2.4).round().astype(np.uint8)
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        content = encoded(Image.fromarray(linear), kind, icc_profile=profile(SRGB_PRIMARIES, 1.0), quality=95)
        assert np.abs(read(tmp_path, content).astype(int) - seen).max() <= 9, kind


def test_swapped_primaries_are_put_right(tmp_path):
    """Pictures that test viewers have such profiles."""
    red, green, blue = SRGB_PRIMARIES
    content = encoded(Image.fromarray(PHOTO[:, :, ::-1]), "PNG", icc_profile=profile((blue, green, red), 2.2))
    assert np.abs(read(tmp_path, content).astype(int) - PHOTO).mean() < 5


LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize("data", [b"profile", bytes(128), profile(SRGB_PRIMARIES, 2.2), b"\xff" * 5_000_000, LAB])
def test_a_profile_that_is_broken_or_changes_nothing_leaves_the_pixels_alone(tmp_path, data):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(PHOTO), "TIFF", icc_profile=data)), PHOTO)
