"""The files made of a result but BVH, each read back by an independent reader where there is one."""

import csv
import dataclasses
import html.parser
import io
import json

import jsonschema
import numpy as np
import pytest
from PIL import Image

from demo.exports import FORMATS, as_csv, as_html, as_json, as_npz, as_png
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.schemas import POSE, POSES


@pytest.fixture
def other(pose):
    """A second person, a little to the right, partly hidden."""
    status = ("seen",) * 14 + ("guessed",) * 2 + ("outside",)
    return dataclasses.replace(pose, joints_2d=pose.joints_2d + np.float32([40, 5]), status=status, score=0.5)


def test_json_of_one_pose_follows_the_schema(pose):
    document = json.loads(as_json.encode(pose))
    jsonschema.validate(document, POSE)
    assert document == pose.to_dict()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_lists_people_even_if_there_is_one(pose, other, count):
    document = json.loads(as_json.encode([pose, other][:count]))
    jsonschema.validate(document, POSES)
    assert document["poses"] == [one.to_dict() for one in (pose, other)[:count]]


def test_json_takes_further_entries(pose):
    document = json.loads(as_json.encode(pose, source={"file": "a.jpg"}))
    assert document == {**pose.to_dict(), "source": {"file": "a.jpg"}}


def test_json_refuses_what_is_not_finite(pose):
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
    for name, axes in (("joints_2d", ("x_px", "y_px")), ("joints_3d", ("x_mm", "y_mm", "z_mm"))):
        expected = np.concatenate([getattr(pose, name), getattr(other, name)])
        np.testing.assert_allclose([[float(row[axis]) for axis in axes] for row in rows], expected, atol=0.0051)
    confidence = np.concatenate([pose.confidence, other.confidence])
    np.testing.assert_allclose([float(row["confidence"]) for row in rows], confidence, atol=0.000051)


def test_csv_calls_one_pose_person_1(pose):
    assert as_csv.encode(pose, "a.jpg") == as_csv.encode([pose], "a.jpg")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=1+2.jpg", "'=1+2.jpg"),
        ("@me.jpg", "'@me.jpg"),
        ("-1.jpg", "'-1.jpg"),
        ("+1.jpg", "'+1.jpg"),
        ("a\nb\r,=c.jpg", r"a\nb\r,=c.jpg"),
        ("\t=a.jpg", r"\t=a.jpg"),
        ("\udcff.jpg", r"\udcff.jpg"),
        ("<script>.jpg", "<script>.jpg"),
        ("trip/a=b.jpg", "trip/a=b.jpg"),
    ],
)
def test_csv_makes_no_formula_and_no_further_row_of_a_name(pose, name, shown):
    text = as_csv.encode(pose, name).decode()
    assert text.count("\n") == 18
    assert {row["photo"] for row in csv.DictReader(io.StringIO(text, newline=""))} == {shown}


def test_npz_of_one_pose_comes_back(pose):
    with np.load(io.BytesIO(as_npz.encode(pose)), allow_pickle=False) as file:
        arrays = dict(file)
    for name in ("joints_3d", "joints_2d", "confidence", "box"):
        np.testing.assert_array_equal(arrays[name], getattr(pose, name))
        assert arrays[name].dtype == np.float32
    assert arrays["heatmaps"].dtype == np.float16
    np.testing.assert_allclose(arrays["heatmaps"], pose.heatmaps, atol=0.0005)
    assert tuple(arrays["status"]) == pose.status
    assert tuple(arrays["joint_names"]) == HUMAN36M_17.joints
    assert tuple(arrays["heatmap_names"]) == MPII_16.joints
    assert arrays["skeleton"] == "human36m_17"
    assert arrays["height_mm"] == 1700


def test_npz_stacks_people_first(pose, other):
    with np.load(io.BytesIO(as_npz.encode([pose, other])), allow_pickle=False) as file:
        assert file["joints_3d"].shape == (2, 17, 3)
        assert file["heatmaps"].shape == (2, 16, 64, 64)
        assert tuple(file["status"][1]) == other.status
        assert file["joint_names"].shape == (17,)


def test_npz_refuses_an_empty_list():
    with pytest.raises(ValueError, match="got 0 poses of none"):
        as_npz.encode([])


def test_png_has_the_size_and_colours_of_the_photo(pose, photo):
    photo[:, :, 0] = 200
    with Image.open(io.BytesIO(as_png.encode(pose, photo))) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (400, 300), "RGB")
        assert picture.getpixel((0, 0)) == (200, 90, 90)
        assert (np.asarray(picture) != photo).any(2).sum() > 500


def test_png_draws_everyone(pose, other, photo):
    drawn = [np.array(Image.open(io.BytesIO(as_png.encode(people, photo)))) for people in (pose, other, [pose, other])]
    changed = [(picture != photo).any(2) for picture in drawn]
    np.testing.assert_array_equal(changed[2], changed[0] | changed[1])
    assert changed[2].sum() > changed[0].sum()


def test_png_of_the_maps_is_a_sheet(pose, photo):
    with Image.open(io.BytesIO(as_png.encode_maps(pose, photo))) as picture:
        assert picture.width > 6 * 192
        assert picture.height > 3 * 192


class Tags(html.parser.HTMLParser):
    """Collects the addresses that a page's tags load or link."""

    def __init__(self, page):
        super().__init__()
        self.addresses, self.scripts = [], 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note a tag's addresses."""
        self.scripts += tag == "script"
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def test_html_holds_the_figure_and_needs_no_network(pose):
    page = as_html.encode(pose).decode()
    tags = Tags(page)
    assert tags.addresses == []
    assert tags.scripts >= 2
    assert "figureView(document" in page
    assert all(name.replace("_", " ") in page for name in HUMAN36M_17.joints)
    assert len(page) > 1_000_000  # plotly itself


def test_html_of_a_photo_shows_it_behind(pose, photo):
    assert "jpeg;base64," not in as_html.encode(pose).decode()
    assert "jpeg;base64," in FORMATS["html"].write(pose, photo, "a.jpg").decode()


def test_a_name_with_tags_adds_none_to_the_html(pose):
    hostile = dataclasses.replace(pose, model="</script><script>alert(1)</script><img src=x>")
    found, plain = (Tags(as_html.encode(one).decode()) for one in (hostile, pose))
    assert (found.scripts, found.addresses) == (plain.scripts, plain.addresses)


@pytest.mark.usefixtures("quick_turn")
def test_every_format_writes_and_no_two_share_a_suffix(pose, other, photo):
    assert len({one.suffix for one in FORMATS.values()}) == len(FORMATS)
    for one in FORMATS.values():
        assert one.description
        assert one.write(pose, photo, "a.jpg")
        if one.together:
            assert one.write([pose, other], photo, "a.jpg")
