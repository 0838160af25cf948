"""How many samples an MP4 announces, however its boxes are nested."""

import struct
from functools import reduce

import pytest

from fusion_model.video.sample_tables import announced_samples


def box(kind, *content, size=None):
    """A box, with another size than its own where one is given."""
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside) if size is None else size, kind) + inside


def stsz(count):
    return box(b"stsz", struct.pack(">III", 0, 1, count))


def trun(count):
    return box(b"trun", struct.pack(">II", 0, count))


@pytest.mark.parametrize(
    ("boxes", "count"),
    [
        (box(b"ftyp") + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", stsz(7)))))), 7),
        (box(b"moov", box(b"trak", stsz(7)), box(b"trak", stsz(9)), box(b"trak", stsz(8))), 9),
        (box(b"mdat", stsz(9)) + box(b"moof", box(b"traf", trun(4), trun(5))), 5),
        (box(b"moov", box(b"free", size=10**6)) + box(b"moof", trun(6)), 6),  # a box beyond the end of its parent
        (box(b"moov", box(b"cmov", b"zip")), 2**32),
        (box(b"moov", box(b"stz2", struct.pack(">III", 0, 8, 7)), size=0) + box(b"free"), 7),  # to the end
        (struct.pack(">I4sQ", 1, b"wide", 44) + struct.pack(">I4sQIII", 1, b"stsz", 28, 0, 1, 9) + stsz(7), 9),
        (reduce(lambda inside, _: box(b"moov", inside), range(2000), b""), 0),  # boxes in boxes end
    ],
)
def test_the_largest_table_counts(tmp_path, boxes, count):
    path = tmp_path / "a.mp4"
    path.write_bytes(boxes)
    assert announced_samples(path) == count
