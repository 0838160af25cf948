"""Files of the download menu; what is in them is tested in test_exports.py."""

import io
import json
import zipfile

import numpy as np
import pytest

from demo.downloads import CHOICES, file_of
from demo.exports import FORMATS


def test_every_format_is_on_the_menu():
    assert [name for _, name in CHOICES] == list(FORMATS)


@pytest.mark.usefixtures("quick_turn")
@pytest.mark.parametrize("kind", FORMATS)
def test_one_person_is_a_file_as_such(kind, photo, pose):
    name, data = file_of(kind, {"1": pose}, photo, "me.jpg")
    assert name == "me" + FORMATS[kind].suffix
    assert data == FORMATS[kind].write(pose, photo, "me.jpg") or kind in ("npz", "html")  # these hold a time or an id


def test_several_people_in_one_file(photo, pose):
    name, data = file_of("json", {"1": pose, "3": pose}, photo, "us.jpg")
    assert name == "us.json"
    assert len(json.loads(data)["poses"]) == 2
    _, data = file_of("npz", {"1": pose, "3": pose}, photo, "us.jpg")
    assert np.load(io.BytesIO(data), allow_pickle=False)["joints_3d"].shape == (2, 17, 3)


def test_several_people_with_a_file_each_are_packed(photo, pose):
    name, data = file_of("bvh", {"1": pose, "3": pose}, photo, "us.jpg")
    assert name == "us.bvh.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["us.person1.bvh", "us.person3.bvh"]
        assert archive.read("us.person3.bvh").startswith(b"HIERARCHY")
