"""Requests of every wrong kind, sent as any program could: each is answered with a sentence, and none gives a pose."""

import base64
import json

import httpx
import pytest
from gradio import Error

from demo.service import Service
from tests.helpers.serving import served

META = {"meta": {"_type": "gradio.FileData"}}
MISSING = {"path": "/nowhere/at/all.jpg", **META}


class Asking:
    """Asks the endpoints of a page without Gradio's client, which would upload, complete and check first."""

    def __init__(self, url, photo):
        self.url = f"{url}gradio_api"
        answer = httpx.post(f"{self.url}/upload", files={"files": (photo.name, photo.read_bytes())}, timeout=60)
        self.photo = {"path": answer.json()[0], **META}

    def __call__(self, endpoint, *values):
        """The event and the data of the answer; a value "photo" stands for the uploaded photo."""
        data = json.dumps({"data": [self.photo if value == "photo" else value for value in values]})
        named = {"content": data, "headers": {"Content-Type": "application/json"}, "timeout": 60}
        asked = httpx.post(f"{self.url}/call/{endpoint}", **named).json()
        lines = httpx.get(f"{self.url}/call/{endpoint}/{asked['event_id']}", timeout=60).text.strip().split("\n")
        return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


@pytest.fixture(scope="module")
def ask(stand_in, example):
    """The page that opens with an example, as it is started."""
    with served(stand_in, example=example) as url:
        yield Asking(url, example)


@pytest.mark.parametrize(
    ("endpoint", "values", "sentence"),
    [
        ("estimate_pose", [], "/estimate_pose takes 2 values (photo, box), got 0"),
        ("estimate_pose", ["photo"], "takes 2 values (photo, box), got 1"),
        ("estimate_pose", ["photo", None, 3], "takes 2 values (photo, box), got 3"),
        ("estimate_pose", [None, None], "there is no photo"),
        ("estimate_pose", ["walk.jpg", None], 'a photo is one file, got "walk.jpg"'),
        ("estimate_pose", [7, None], "a photo is one file, got 7"),
        ("estimate_pose", [[MISSING], None], "a photo is one file, got ["),
        ("estimate_pose", [{"meta": 3}, None], "a photo is one file, got {"),
        ("estimate_pose", [MISSING, None], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "a\0b", **META}, None], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "", **META}, None], "a photo is one file"),
        ("estimate_pose", [{"path": "http://nowhere.invalid/a.jpg", **META}, None], "a server that is not known"),
        ("estimate_pose", [{"path": None, "url": "data:image/png;base64,?"}, None], "data URL cannot be read"),
        ("estimate_pose", ["photo", "left"], "a box is four numbers"),
        ("estimate_pose", ["photo", [1, "2", 3, 4]], 'got [1, "2", 3, 4]'),
        ("estimate_pose", ["photo", [float("nan"), 0, 9, 9]], "a box is four numbers"),
        ("estimate_pose", ["photo", [True, 0, 9, 9]], "a box is four numbers"),
        ("show_pose", [], "/show_pose takes 1 value (photo), got 0"),
        ("show_pose", [None], "there is no photo"),
        ("show_pose", [{"path": []}], "a photo is one file"),
        ("estimate_poses", [None, False], "there are no photos"),
        ("estimate_poses", ["photo", False], "photos is a list of files"),
        ("estimate_poses", [["photo"], "yes"], 'everybody is true or false, got "yes"'),
        ("estimate_video", [None, None, True, 1700, 300], "there is no clip"),
        ("estimate_video", [["photo"], None, True, 1700, 300], "a clip is one file"),
        ("estimate_video", ["photo", None, None, 1700, 300], "smoothing is true or false, got null"),
        ("estimate_video", ["photo", None, True, 17, 300], "between 500 and 2500 mm, got 17"),
        ("estimate_video", ["photo", None, True, "1700", 300], 'got "1700"'),
        ("estimate_video", ["photo", None, True, float("nan"), 300], "got NaN"),
        ("estimate_video", ["photo", None, True, 1700, None], "a whole number between 1 and 300, got null"),
        ("estimate_video", ["photo", None, True, 1700, 2.5], "a whole number between 1 and 300, got 2.5"),
        ("estimate_video", ["photo", None, True, 1700, True], "a whole number between 1 and 300, got true"),
        ("model_info", [1], "/model_info takes no values, got 1"),
    ],
)
def test_a_wrong_value_is_answered_with_a_sentence(ask, endpoint, values, sentence):
    event, answer = ask(endpoint, *values)
    assert event == "error"
    assert sentence in answer["error"]
    assert "\n" not in answer["error"]
    assert len(answer["error"]) < 300


def test_one_bad_photo_of_many_stops_no_other(ask):
    private = {"path": "http://127.0.0.1:9/a.jpg", **META}
    photos = [None, ask.photo, "a.jpg", MISSING, private, ask.photo, [], {}]
    event, answer = ask("estimate_poses", photos, False)
    assert event == "complete"
    entries = answer[0]["photos"]
    assert [len(entry["poses"]) for entry in entries] == [0, 1, 0, 0, 0, 1, 0, 0]
    assert all((entry["error"] is None) == bool(entry["poses"]) for entry in entries)
    assert [entry["photo"] for entry in entries] == [
        "",
        "hopper.jpg",
        "a.jpg",
        "all.jpg",
        "a.jpg",
        "hopper.jpg",
        "",
        "",
    ]
    assert "got null" in entries[0]["error"]


def test_photos_may_be_data_urls_as_mcp_clients_send_them(ask, example):
    photo = "data:image/jpeg;base64," + base64.b64encode(example.read_bytes()).decode()
    event, answer = ask("estimate_poses", [photo, {"url": photo}, "data:,"], False)
    assert event == "complete"
    assert [len(entry["poses"]) for entry in answer[0]["photos"]] == [1, 1, 0]


@pytest.mark.parametrize(
    ("endpoint", "body", "status", "sentence"),
    [
        ("v2/estimate_pose", {}, 422, "No value provided for required argument: photo"),
        ("v2/estimate_pose", {"photo": None, "bocks": [0, 0, 9, 9]}, 422, "`bocks` is not a valid"),
        ("v2/show_pose", {"box": None}, 422, "`box` is not a valid"),
        ("v2/estimate_bose", {}, 404, "does not fit any endpoint"),
        ("estimate_bose", {"data": []}, 404, "does not fit any endpoint"),
        ("estimate_pose", {}, 422, "Field required"),
    ],
)
def test_a_call_of_no_endpoint_or_with_other_names_says_so(ask, endpoint, body, status, sentence):
    """An omitted photo used to be the page's example."""
    answer = httpx.post(f"{ask.url}/call/{endpoint}", json=body, timeout=60)
    assert answer.status_code == status
    assert sentence in answer.text


def test_the_schemas_tell_no_path_and_no_default_photo(ask, example):
    for place in ("info", "openapi.json"):
        schema = httpx.get(f"{ask.url}/{place}", timeout=60).text
        assert "estimate_pose" in schema
        assert example.name not in schema
        assert str(example.parent) not in schema
        assert json.dumps(ask.photo["path"].rsplit("/", 2)[0])[1:-1] not in schema


def test_what_gradio_itself_raises_is_told_without_its_insides(ask, monkeypatch):
    monkeypatch.setattr("demo.requests.uploaded", lambda *_: {}["secret"])
    event, answer = ask("estimate_pose", "photo", None)
    assert event == "error"
    assert answer["error"].startswith("the request holds a value that cannot be read")


def test_words_for_the_user_keep_their_title_and_link(stand_in, example, monkeypatch):
    """Such as those of ZeroGPU about its quota; ``gr.Error`` is a ``ValueError``."""
    service = Service(stand_in)
    told = Error('Your quota is used up. <a href="https://huggingface.co/pricing">More</a>', title="ZeroGPU quota")

    def run(*_):
        raise told

    monkeypatch.setattr(service, "_run", run)
    monkeypatch.setattr(service, "_run_all", run)
    for estimate in (service.estimate, service.predict_all):
        with pytest.raises(Error) as error:
            estimate(str(example))
        assert error.value is told
