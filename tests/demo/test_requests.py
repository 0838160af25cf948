"""Requests of every wrong kind, sent as any program could: each is answered with a sentence, and none gives a pose."""

import base64

import httpx
import pytest

from tests.helpers.serving import ask

META = {"meta": {"_type": "gradio.FileData"}}
MISSING = {"path": "/nowhere/at/all.jpg", **META}


@pytest.fixture(scope="module")
def photo(example_page, example):
    """A photo as it was uploaded."""
    files = {"files": (example.name, example.read_bytes())}
    answer = httpx.post(f"{example_page}gradio_api/upload", files=files, timeout=60)
    return {"path": answer.json()[0], **META}


@pytest.mark.parametrize(
    ("endpoint", "values", "sentence"),
    [
        ("estimate_pose", [], "/estimate_pose takes 2 values (photo, box), got 0"),
        ("estimate_pose", [None, None], "there is no photo"),
        ("estimate_pose", ["walk.jpg", None], 'a photo is one file, got "walk.jpg"'),
        ("estimate_pose", [MISSING, None], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "a\0b", **META}, None], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "http://nowhere.invalid/a.jpg", **META}, None], "a server that is not known"),
        ("estimate_pose", [{"path": None, "url": "data:image/png;base64,?"}, None], "data URL cannot be read"),
        ("estimate_pose", ["photo", "left"], "a box is four numbers"),
        ("estimate_pose", ["photo", [1, "2", 3, 4]], 'got [1, "2", 3, 4]'),
        ("estimate_pose", ["photo", [float("nan"), 0, 9, 9]], "a box is four numbers"),
        ("estimate_pose", ["photo", [True, 0, 9, 9]], "a box is four numbers"),
        ("estimate_poses", [None, False], "there are no photos"),
        ("estimate_poses", ["photo", False], "photos is a list of files"),
        ("estimate_poses", [["photo"], "yes"], 'everybody is true or false, got "yes"'),
        ("estimate_video", [None, None, True, 1700, 300], "there is no clip"),
        ("estimate_video", [["photo"], None, True, 1700, 300], "a clip is one file"),
        ("estimate_video", ["photo", None, None, 1700, 300], "smoothing is true or false, got null"),
        ("estimate_video", ["photo", None, True, 17, 300], "between 500 and 2500 mm, got 17"),
        ("estimate_video", ["photo", None, True, float("nan"), 300], "got NaN"),
        ("estimate_video", ["photo", None, True, 1700, 2.5], "a whole number between 1 and 300, got 2.5"),
        ("model_info", [1], "/model_info takes no values, got 1"),
    ],
)
def test_a_wrong_value_is_answered_with_a_sentence(example_page, photo, endpoint, values, sentence):
    event, answer = ask(example_page, endpoint, *(photo if value == "photo" else value for value in values))
    assert event == "error"
    assert sentence in answer["error"]
    assert "\n" not in answer["error"]
    assert len(answer["error"]) < 300


def test_one_bad_photo_of_many_stops_no_other_and_a_photo_may_be_a_data_url(example_page, photo, example):
    private = {"path": "http://127.0.0.1:9/a.jpg", **META}
    data = "data:image/jpeg;base64," + base64.b64encode(example.read_bytes()).decode()
    photos = [None, photo, "a.jpg", MISSING, private, {}, data, {"url": data}, "data:,"]
    event, answer = ask(example_page, "estimate_poses", photos, False)
    assert event == "complete"
    entries = answer[0]["photos"]
    assert [len(entry["poses"]) for entry in entries] == [0, 1, 0, 0, 0, 0, 1, 1, 0]
    assert all((entry["error"] is None) == bool(entry["poses"]) for entry in entries)
    assert [entry["photo"] for entry in entries[:6]] == ["", "hopper.jpg", "a.jpg", "all.jpg", "a.jpg", ""]
    assert "got null" in entries[0]["error"]


@pytest.mark.parametrize(
    ("endpoint", "body", "status", "sentence"),
    [
        ("v2/estimate_pose", {}, 422, "No value provided for required argument: photo"),
        ("v2/estimate_pose", {"photo": None, "bocks": [0, 0, 9, 9]}, 422, "`bocks` is not a valid"),
        ("v2/estimate_bose", {}, 404, "does not fit any endpoint"),
        ("estimate_bose", {"data": []}, 404, "does not fit any endpoint"),
    ],
)
def test_a_call_of_no_endpoint_or_with_other_names_says_so(example_page, endpoint, body, status, sentence):
    answer = httpx.post(f"{example_page}gradio_api/call/{endpoint}", json=body, timeout=60)
    assert answer.status_code == status
    assert sentence in answer.text


def test_the_schemas_tell_no_path_and_no_default_photo(example_page, photo, example):
    for place in ("info", "openapi.json"):
        schema = httpx.get(f"{example_page}gradio_api/{place}", timeout=60).text
        assert "estimate_pose" in schema
        assert not [
            one for one in (example.name, str(example.parent), photo["path"].rsplit("/", 2)[0]) if one in schema
        ]


def test_what_gradio_itself_raises_is_told_without_its_insides(example_page, photo, monkeypatch):
    monkeypatch.setattr("demo.requests.uploaded", lambda *_: {}["secret"])
    event, answer = ask(example_page, "estimate_pose", photo, None)
    assert event == "error"
    assert answer["error"].startswith("the request holds a value that cannot be read")
