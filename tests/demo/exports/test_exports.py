"""The files made of a result but BVH and glTF, and the menu of them: each read back by an independent reader."""

import csv
import dataclasses
import io
import json
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from demo.downloads import CHOICES, file_of
from demo.drawing.overlays import draw_people
from demo.exports import FORMATS, as_csv, as_html, as_json, as_npz, as_png
from fusion_model.skeletons import HUMAN36M_17, MPII_16


@pytest.fixture
def other(pose):
    """A second person, a little to the right, partly hidden."""
    status = ("seen",) * 14 + ("guessed",) * 2 + ("outside",)
    return dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([40, 5]), status=status, score=0.5)


def test_json_is_one_pose_with_further_entries_or_a_list_of_people_even_of_one(pose, other):
    assert json.loads(as_json.encode(pose, source={"file": "a.jpg"})) == {**pose.to_dict(), "source": {"file": "a.jpg"}}
    for people in ([], [pose], [pose, other]):
        wanted = {"schema": "fusion-poses/1", "poses": [one.to_dict() for one in people]}
        assert json.loads(as_json.encode(people)) == wanted
    with pytest.raises(ValueError, match="JSON compliant"):
        as_json.encode(dataclasses.replace(pose, score=float("nan")))


def test_csv_has_a_row_for_each_joint(pose, other):
    rows = list(csv.DictReader(io.StringIO(as_csv.encode([pose, other], 'a "b", c.jpg').decode(), newline="")))
    assert list(rows[0]) == [
        "photo", "person", "joint", "x_px", "y_px", "x_mm", "y_mm", "z_mm", "confidence", "status"
    ]  # fmt: skip
    assert {row["photo"] for row in rows} == {'a "b", c.jpg'}
    assert [row["person"] for row in rows] == ["1"] * 17 + ["2"] * 17
    assert [row["joint"] for row in rows] == [*HUMAN36M_17.joints] * 2
    assert [row["status"] for row in rows] == [*pose.status, *other.status]
    wanted = [np.column_stack((one.joints_2d, one.joints_3d, one.confidence)) for one in (pose, other)]
    numbers = [[float(value) for value in list(row.values())[3:9]] for row in rows]
    np.testing.assert_allclose(numbers, np.concatenate(wanted), atol=0.0051)
    assert as_csv.encode(pose, "a.jpg") == as_csv.encode([pose], "a.jpg")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *((f"{sign}1.jpg", f"'{sign}1.jpg") for sign in "=-+@"),
        ("a\nb\r,=c.jpg", r"a\nb\r,=c.jpg"),
        ("\udcff.jpg", r"\udcff.jpg"),
        ("trip/a=b.jpg", "trip/a=b.jpg"),
    ],
)
def test_csv_makes_no_formula_and_no_further_row_of_a_name(pose, name, shown):
    text = as_csv.encode(pose, name).decode()
    assert (text.count("\n"), {row["photo"] for row in csv.DictReader(io.StringIO(text, newline=""))}) == (18, {shown})


def arrays_of(data):
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return dict(file)


def test_npz_comes_back_and_stacks_people_first(pose, other):
    pose = dataclasses.replace(pose, angle=12.0)
    arrays = arrays_of(as_npz.encode(pose))
    for name in ("joints_3d", "joints_2d", "confidence", "box"):
        np.testing.assert_array_equal(arrays[name], getattr(pose, name))
        assert arrays[name].dtype == np.float32
    assert arrays["heatmaps"].dtype == np.float16
    np.testing.assert_allclose(arrays["heatmaps"], pose.heatmaps, atol=0.0005)
    names = {"status": pose.status, "joint_names": HUMAN36M_17.joints, "heatmap_names": MPII_16.joints}
    assert {name: tuple(arrays[name]) for name in names} == names
    once = {"skeleton": "human36m_17", "model": "stand-in", "height_mm": 1700, "angle": 12}
    assert {name: arrays[name] for name in once} == once
    both = arrays_of(as_npz.encode([pose, other]))
    assert (both["joints_3d"].shape, both["heatmaps"].shape) == ((2, 17, 3), (2, 16, 64, 64))
    assert both["score"].tolist() == pytest.approx([0.9, 0.5])
    for people, said in ([], "0 poses of none"), ([pose, dataclasses.replace(other, skeleton="lsp_14")], "2 poses of"):
        with pytest.raises(ValueError, match=f"got {said}"):
            as_npz.encode(people)


def test_png_draws_everyone_on_the_photo(pose, other, photo):
    photo[:, :, 0] = 200
    for people in ([pose], [pose, other]):
        picture = Image.open(io.BytesIO(as_png.encode(people, photo)))
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        np.testing.assert_array_equal(picture, draw_people(photo, people))


def html_of(page):
    """What is between the scripts of a page; a script with an address counts."""
    return re.split(rb"(?s)(?<=<script>).*?</script>", page)


def test_html_needs_no_network_shows_the_photo_behind_and_takes_no_tags_from_a_name(pose, photo):
    page = as_html.encode(pose, photo)
    assert b"jpeg;base64," in page
    assert b"<title>3D skeleton</title>" in page
    assert all(name.replace("_", " ").encode() in page for name in HUMAN36M_17.joints)
    hostile = dataclasses.replace(pose, model="</script><script>alert(1)</script><img src=x>")
    pieces, others = html_of(page), html_of(as_html.encode(hostile, photo))
    assert len(pieces) == len(others) > 1
    for piece in pieces + others:
        assert not re.search(rb"\s(src|href|srcset|data|action)\s*=", piece)


@pytest.mark.usefixtures("quick_turn")
@pytest.mark.parametrize("kind", FORMATS)
def test_one_person_is_a_file_as_such_and_several_are_one_file_or_packed(kind, photo, pose, other):
    form = FORMATS[kind]
    assert kind in [name for _, name in CHOICES]
    name, data = file_of(kind, {"1": pose}, photo, "me.jpg")
    assert name == "me" + form.suffix
    assert data == form.write(pose, photo, "me.jpg") or kind in ("npz", "html")  # these hold a time or an id
    name, data = file_of(kind, {"1": pose, "3": other}, photo, "us.jpg")
    if form.together:
        assert name == "us" + form.suffix
        assert data == form.write([pose, other], photo, "us.jpg") or len(arrays_of(data)["score"]) == 2
    else:
        assert name == f"us{form.suffix}.zip"
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.namelist() == [f"us.person{number}{form.suffix}" for number in (1, 3)]
            written = [archive.read(name) for name in archive.namelist()]
        assert written == [form.write(one, photo, "us.jpg") for one in (pose, other)]
