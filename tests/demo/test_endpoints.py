"""The endpoints of the real app, as a client calls them, as any program could, and as tools of MCP."""

import ast
import asyncio
import base64
import copy
import json
import os
import time
from pathlib import Path

import httpx
import jsonschema
import pytest
from gradio import Error
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.endpoints import poses_of_photos
from demo.service import Service
from demo.video.motion import encode_json
from demo.video.pipeline import motion_steps
from demo.video.smoothing import smooth_motion
from fusion_model import PoseEstimator
from fusion_model.video import clips
from tests.helpers.browsers import aside
from tests.helpers.clips import finished
from tests.helpers.earlier import assert_as_before
from tests.helpers.serving import META, ask, served

pytestmark = pytest.mark.slow
PERSON = [20, 14, 362, 511]
MISSING = {"path": "/nowhere/at/all.jpg", **META}


@pytest.fixture(scope="module")
def client():
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        yield Client(url, verbose=False)


@pytest.fixture(scope="module")
def sure_client(address):
    return Client(address, verbose=False)


@pytest.fixture(scope="module")
def uploaded(example_page, example):
    file = example.name, example.read_bytes()
    answer = httpx.post(f"{example_page}gradio_api/upload", files={"files": file}, timeout=60)
    return {"path": answer.json()[0], **META}


def message(client, path, api_name):
    with pytest.raises(AppError) as error:
        client.predict(handle_file(path), api_name=api_name)
    assert "Traceback" not in str(error.value)
    return str(error.value)


def test_the_contract_of_names_parameters_and_answers(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    parameters = {
        name: [(one["parameter_name"], one["parameter_has_default"]) for one in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    answers = {name: [one["label"] for one in endpoint["returns"]] for name, endpoint in endpoints.items()}
    assert_as_before("endpoints", (parameters, answers), file="page.json")
    for name, endpoint in endpoints.items():
        assert endpoint["description"], name
        assert all(len(one["label"]) > 3 for one in endpoint["parameters"]), name
        assert not any("any valid json" in str(one["type"]) for one in endpoint["returns"]), name
    assert_as_before("model_info", client.predict(api_name="/model_info"), file="page.json")


def test_several_photos_of_which_one_is_bad_and_one_shows_nobody(sure_client, example, notes, black):
    photos = [handle_file(path) for path in (example, notes, black)]
    answer = sure_client.predict(photos, api_name="/estimate_poses")
    (pose,) = answer["photos"][0]["poses"]
    good, bad, empty = ({"photo": one.name, "poses": [], "error": None} for one in (example, notes, black))
    bad["error"], empty["error"] = (one["error"] for one in answer["photos"][1:])
    assert answer == {"schema": "fusion-pose-photos/1", "photos": [{**good, "poses": [pose]}, bad, empty]}
    assert pose["schema"] == "fusion-pose/1"
    assert "notes.jpg is not a photo" in bad["error"]
    full, _, empty = sure_client.predict(photos, everybody=True, api_name="/estimate_poses")["photos"]
    assert (len(full["poses"]), empty["poses"]) == (2, [])
    assert "nobody was found" in empty["error"]


def test_what_the_page_draws_of_a_photo_turned_as_its_exif_says(sure_client, tmp_path):
    photo = Image.new("RGB", (200, 100), (90, 90, 90))
    photo.getexif()[274] = 6
    photo.save(tmp_path / "turned.jpg", exif=photo.getexif())
    drawn = sure_client.predict(handle_file(tmp_path / "turned.jpg"), api_name="/show_pose")
    picture, figure, maps, sentence, bars, times = drawn
    with Image.open(picture) as shown:
        assert shown.size == (320, 640), "enlarged, as the page draws small photos"
    assert all(json.loads(one["plot"])["layout"]["height"] for one in (figure, bars))
    assert len(maps) == 17
    assert "beta = 2.50" in sentence
    assert "stand-in" in times


def test_a_failure_shows_no_inside_and_markup_in_a_refusal_is_text(stand_in, example, monkeypatch, tmp_path):
    path, service = tmp_path / "<b>.jpg", Service(stand_in)
    path.write_text("milk, bread")
    with pytest.raises(Error) as error:
        service.estimate(str(path))
    assert error.value.message.startswith("&lt;b&gt;.jpg is not a photo")
    (answer,) = poses_of_photos(service, [str(path)], everyone=False)["photos"]
    assert answer["error"].startswith("<b>.jpg is not a photo")  # unchanged in JSON
    for kind, said in {ZeroDivisionError: "the server failed on", MemoryError: "no memory left for"}.items():
        monkeypatch.setattr(service, "_run", lambda *_, kind=kind: (_ for _ in ()).throw(kind("inside")))
        with pytest.raises(Error, match=f"{said} this photo") as error:
            service.estimate(str(example))
        assert "inside" not in str(error.value)


@pytest.mark.parametrize(
    ("endpoint", "values", "sentence"),
    [
        ("estimate_pose", [], "/estimate_pose takes 2 values (photo, box), got 0"),
        ("estimate_pose", [None, None], "there is no photo"),
        ("estimate_pose", ["walk.jpg", None], 'a photo is one file, got "walk.jpg"'),
        ("estimate_pose", [MISSING, None], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "SERVER"}, PERSON], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "SERVER", **META}, PERSON], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "CLIMBS", **META}, PERSON], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "GONE", **META}, PERSON], "or is no longer on the server"),
        ("estimate_video", [{"path": "SERVER", **META}, None, True, 1700, 300], "this clip was not uploaded"),
        ("estimate_pose", [{"path": "a\0b", **META}, None], "this photo was not uploaded"),
        ("estimate_pose", [{"path": "http://nowhere.invalid/a.jpg", **META}, None], "a server that is not known"),
        ("estimate_pose", [{"path": None, "url": "data:image/png;base64,?"}, None], "data URL cannot be read"),
        ("estimate_pose", ["photo", "left"], 'a box is four numbers x0, y0, x1, y1 in pixels, or null, got "left"'),
        ("estimate_pose", ["photo", [float("nan"), 0, 9, 9]], "a box is four numbers"),
        ("estimate_pose", ["photo", [True, 0, 9, 9]], "a box is four numbers"),
        ("estimate_pose", ["photo", [5, 5, 5, 60]], "no area"),
        ("estimate_pose", ["photo", [20_000, 0, 20_100, 100]], "does not touch"),
        ("estimate_poses", [None, False], "there are no photos"),
        ("estimate_poses", ["photo", False], "photos is a list of files"),
        ("estimate_poses", [["photo"] * 33, False], "at most 32 photos are taken at once, got 33"),
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
def test_a_wrong_value_is_answered_with_a_sentence(example_page, uploaded, example, endpoint, values, sentence):
    folder = Path(uploaded["path"]).parent
    places = {"SERVER": example, "CLIMBS": folder / os.path.relpath(example, folder), "GONE": folder / "gone.jpg"}

    def sent(value):
        if isinstance(value, dict) and value.get("path") in places:
            return {**value, "path": str(places[value["path"]])}
        return uploaded if value == "photo" else value

    event, answer = ask(example_page, endpoint, *map(sent, values))
    assert event == "error"
    assert sentence in answer["error"]
    assert "\n" not in answer["error"]
    assert len(answer["error"]) < 300


def test_one_bad_photo_of_many_stops_no_other_and_one_may_be_a_data_url(example_page, uploaded, example, monkeypatch):
    private, server = {"path": "http://127.0.0.1:9/a.jpg", **META}, {"path": str(example), **META}
    data = "data:image/jpeg;base64," + base64.b64encode(example.read_bytes()).decode()
    photos = [None, uploaded, "a.jpg", MISSING, private, server, {}, data, {"url": data}, "data:,"]
    event, answer = ask(example_page, "estimate_poses", photos, False)
    assert event == "complete"
    entries = answer[0]["photos"]
    assert [len(entry["poses"]) for entry in entries] == [0, 1, 0, 0, 0, 0, 0, 1, 1, 0]
    assert all((entry["error"] is None) == bool(entry["poses"]) for entry in entries)
    assert [one["photo"] for one in entries[:7]] == ["", "hopper.jpg", "a.jpg", "all.jpg", "a.jpg", "hopper.jpg", ""]
    assert "got null" in entries[0]["error"]
    monkeypatch.setattr("demo.requests.MAX_BYTES", example.stat().st_size - 1)
    assert "data URL cannot be read" in ask(example_page, "estimate_pose", data, None)[1]["error"]


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


def test_schemas_and_errors_of_gradio_tell_no_path_and_no_insides(example_page, uploaded, example, monkeypatch):
    for place in ("info", "openapi.json"):
        schema = httpx.get(f"{example_page}gradio_api/{place}", timeout=60).text
        assert "estimate_pose" in schema
        secrets = example.name, str(example.parent), uploaded["path"].rsplit("/", 2)[0]
        assert not [secret for secret in secrets if secret in schema]
    monkeypatch.setattr("demo.requests.uploaded", lambda *_: {}["secret"])
    event, answer = ask(example_page, "estimate_pose", uploaded, None)
    assert event == "error"
    assert answer["error"].startswith("the request holds a value that cannot be read")


def test_the_answer_equals_one_in_python_and_every_parameter_counts(sure_client, client, clip, stand_in, example):
    pose = client.predict(photo=handle_file(example), box=PERSON, api_name="/estimate_pose")
    known = PoseEstimator.random("tiny", seed=0)(example, box=PERSON).to_dict()
    assert json.loads(json.dumps({**known, "seconds": 0})) == {**pose, "seconds": 0}
    wanted = json.loads(json.dumps(smooth_motion(finished(motion_steps(stand_in, clip))).to_dict()))
    assert sure_client.predict(handle_file(clip), api_name="/estimate_video") == wanted
    named = {"video": handle_file(clip), "box": [1, 2, 90, 110], "smoothing": False, "height_mm": 1900, "most_poses": 4}
    answer = sure_client.predict(**named, api_name="/estimate_video")
    assert (answer["smoothed"], answer["step"], len(answer["frames"])) == (False, 3, 4)
    assert answer["frames"][0]["pose"]["height_mm"] == 1900


def test_what_is_unusable_is_a_sentence(sure_client, make_clip, example, notes, black, monkeypatch, tmp_path):
    for name, whole, size in (("cut.jpg", example, 20_000), ("cut.mp4", make_clip(), 40)):
        (tmp_path / name).write_bytes(whole.read_bytes()[:size])
    for path, endpoint, said in (
        (tmp_path / "cut.jpg", "pose", "cut off"), (tmp_path / "cut.mp4", "video", "cut.mp4"),
        (black, "pose", "nobody was found"), (make_clip(black=range(10)), "video", "nobody was found in the clip"),
        (notes, "video", "notes.jpg is not a clip"),
    ):  # fmt: skip
        assert said in message(sure_client, path, f"/estimate_{endpoint}")
    assert "nobody was found" in message(sure_client, black, "/show_pose")
    monkeypatch.setattr(clips, "MAX_SECONDS", 0.2)
    assert "lasts 1.2 seconds: at most 0.2" in message(sure_client, make_clip(frames=30), "/estimate_video")


def test_cancelling_stops_the_work_on_the_server(sure_client, stand_in, make_clip, monkeypatch):
    monkeypatch.setattr(stand_in, "pause", 0.05)
    job = sure_client.submit(handle_file(make_clip(frames=200)), api_name="/estimate_video")
    start = stand_in.calls
    while stand_in.calls < start + 5:
        time.sleep(0.05)
    assert job.cancel()
    time.sleep(0.5)
    stopped = stand_in.calls
    time.sleep(0.5)
    assert stand_in.calls == stopped < start + 100


def test_on_zero_gpu_frames_come_in_pieces_as_if_each_went_to_another_process(stand_in, clip, monkeypatch):
    monkeypatch.setattr("demo.service.on_zero_gpu", lambda: True)
    monkeypatch.setattr("demo.service.PIECE_PIXELS", 4 * 160 * 120 + 5)
    service, steps = Service(stand_in), []
    run = service._run_tracker
    monkeypatch.setattr(service, "_run_tracker", lambda frames, track: run(frames, copy.deepcopy(track)))
    pieces = finished(service.motion_steps(str(clip), None, 1700.0), steps)
    assert encode_json(pieces) == encode_json(finished(motion_steps(stand_in, clip)))
    assert steps == [(0.4, "frame 4 of 10"), (0.8, "frame 8 of 10"), (1.0, "frame 10 of 10")]


@pytest.fixture(scope="module")
def tools(stand_in):
    pytest.importorskip("mcp", reason="gradio[mcp] is not installed")
    with served(stand_in, mcp=True) as url:
        yield url


async def asked(url, *calls):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _), ClientSession(read, write) as client:
        await client.initialize()
        return (await client.list_tools()).tools, [await client.call_tool(*call) for call in calls]


def test_the_endpoints_are_tools_that_describe_everything(tools, example):
    photo = "data:image/jpeg;base64," + base64.b64encode(example.read_bytes()).decode()
    calls = [
        ("model_info", {}),
        ("estimate_pose", {"photo": photo, "box": [20, 14, 362, 511]}),
        ("estimate_poses", {"photos": [photo, "data:,"], "everybody": True}),
    ]
    found, answers = aside(asyncio.run, asked(tools, *calls))
    assert {tool.name for tool in found} == {*(name for name, _ in calls), "show_pose", "estimate_video"}
    for tool in found:
        jsonschema.validators.validator_for(tool.inputSchema).check_schema(tool.inputSchema)
    for tool in httpx.get(f"{tools}gradio_api/mcp/schema", timeout=60).json():
        assert "Returns: " in tool["description"], tool["name"]
        assert ",," not in tool["description"]
        for name, parameter in tool["inputSchema"]["properties"].items():
            assert len(parameter.get("description", "")) > 10, (tool["name"], name)
    info, pose, poses = (answer.content[0].text for answer in answers)
    assert "fusion-pose-model/1" in info
    assert "fusion-pose/1" in pose
    assert [len(one["poses"]) for one in ast.literal_eval(poses)["photos"]] == [2, 0]


def test_no_tool_reads_a_file_of_the_server_or_asks_a_private_address(tools, example):
    """Gradio runs a client beside the server for its tools, which uploads any file that is named to it."""
    file = {"path": str(example), **META}
    refused = {
        "not of type 'string'": {"photo": file},
        "": {"photo": None, "box": [file]},
        "provide a url": {"photo": str(example)},
        "private address": {"photo": "http://127.0.0.1:9/a.jpg"},
        "required": {},
    }
    _, answers = aside(asyncio.run, asked(tools, *(("estimate_pose", one) for one in refused.values())))
    for answer, sentence in zip(answers, refused, strict=True):
        assert answer.isError
        assert sentence in answer.content[0].text
        assert "fusion-pose" not in answer.content[0].text
