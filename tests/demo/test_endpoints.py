"""The endpoints of the real app, served and called as a client would."""

import json

import httpx
import numpy as np
import pytest
from gradio import Error
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.endpoints import poses_of_photos
from demo.service import Service
from fusion_model import PoseEstimator
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.serving import served

PERSON = [20, 14, 362, 511]


@pytest.fixture(scope="module")
def client():
    """The app over a tiny untrained network, which takes anything in a box for a person."""
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        yield Client(url, verbose=False)


@pytest.fixture(scope="module")
def sure_client(stand_in):
    """The app over an estimator that always finds a person, except in black photos."""
    with served(stand_in) as url:
        yield Client(url, verbose=False)


def message(client, *arguments, api_name="/estimate_pose"):
    with pytest.raises(AppError) as error:
        client.predict(*arguments, api_name=api_name)
    assert "Traceback" not in str(error.value)
    return str(error.value)


def test_the_contract_of_names_and_parameters(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    parameters = {
        name: [(one["parameter_name"], one["parameter_has_default"]) for one in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    assert parameters == {
        "/show_pose": [("photo", False)],
        "/estimate_pose": [("photo", False), ("box", True)],
        "/estimate_poses": [("photos", False), ("everybody", True)],
        "/estimate_video": [
            ("video", False), ("box", True), ("smoothing", True), ("height_mm", True), ("most_poses", True)
        ],
        "/model_info": [],
    }  # fmt: skip
    assert [one["label"] for one in endpoints["/show_pose"]["returns"]] == [
        "Skeleton", "3D skeleton", "Confidence maps", "Fusion", "Fusion weights", "Timings"
    ]  # fmt: skip
    assert [one["label"] for one in endpoints["/estimate_pose"]["returns"]] == ["fusion-pose/1"]
    assert [one["label"] for one in endpoints["/estimate_poses"]["returns"]] == ["fusion-pose-photos/1"]
    assert [one["label"] for one in endpoints["/estimate_video"]["returns"]] == ["fusion-pose-video/1"]
    assert [one["label"] for one in endpoints["/model_info"]["returns"]] == ["fusion-pose-model/1"]


def test_parameters_and_answers_are_named_and_described(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for name, endpoint in endpoints.items():
        assert endpoint["description"], name
        for one in (*endpoint["parameters"], *endpoint["returns"]):
            assert len(one["label"]) > 3, (name, one["label"])
        for one in endpoint["returns"]:
            assert "any valid json" not in str(one["type"]), name


def test_mcp_tools_have_a_description_of_everything(stand_in):
    with served(stand_in, mcp=True) as url:
        tools = httpx.get(f"{url}gradio_api/mcp/schema", timeout=60).json()
    assert {tool["name"] for tool in tools} == {
        "show_pose", "estimate_pose", "estimate_poses", "estimate_video", "model_info"
    }  # fmt: skip
    for tool in tools:
        assert "Returns: " in tool["description"], tool["name"]
        assert ",," not in tool["description"]
        for name, parameter in tool["inputSchema"]["properties"].items():
            assert len(parameter.get("description", "")) > 10, (tool["name"], name)


def test_every_endpoint_is_described(client):
    schema = httpx.get(f"{client.src.rstrip('/')}/gradio_api/openapi.json", timeout=60).text
    for name in ("estimate_pose", "estimate_poses", "estimate_video", "show_pose", "model_info"):
        assert f"/run/{name}" in schema or f"/call/{name}" in schema


def test_several_photos_of_which_one_is_bad(sure_client, example, notes):
    photos = [handle_file(example), handle_file(notes)]
    answer = sure_client.predict(photos, api_name="/estimate_poses")
    assert set(answer) == {"schema", "photos"}
    assert answer["schema"] == "fusion-pose-photos/1"
    good, bad = answer["photos"]
    assert set(good) == set(bad) == {"photo", "poses", "error"}
    assert (good["photo"], good["error"]) == ("hopper.jpg", None)
    assert [pose["schema"] for pose in good["poses"]] == ["fusion-pose/1"]
    assert bad["poses"] == []
    assert "notes.jpg is not a photo" in bad["error"]


def test_all_people_in_several_photos(sure_client, example, tmp_path):
    Image.new("RGB", (100, 100)).save(tmp_path / "black.png")
    photos = [handle_file(example), handle_file(tmp_path / "black.png")]
    full, empty = sure_client.predict(photos, everybody=True, api_name="/estimate_poses")["photos"]
    assert len(full["poses"]) == 2
    assert empty["poses"] == []
    assert "nobody was found" in empty["error"]


def test_no_photos_and_too_many(client, example):
    assert "there are no photos" in message(client, [], api_name="/estimate_poses")
    many = [handle_file(example)] * 33
    assert "at most 32 photos are taken at once, got 33" in message(client, many, api_name="/estimate_poses")


def test_the_contract_of_fields(client, example):
    result = client.predict(handle_file(example), PERSON, api_name="/estimate_pose")
    assert result["schema"] == "fusion-pose/1"
    assert set(result) == {
        "schema", "model", "skeleton", "units", "axes", "size_note", "height_mm", "sides", "joints", "bones", "person",
        "heatmap_joints", "seconds",
    }  # fmt: skip
    assert [joint["name"] for joint in result["joints"]] == list(HUMAN36M_17.joints)
    for joint in result["joints"]:
        assert set(joint) == {"name", "position_mm", "spread_mm", "pixel", "confidence", "status", "derived_2d"}
        assert np.isfinite(joint["position_mm"]).all()
        assert joint["status"] in ("seen", "guessed", "outside")
    assert result["heatmap_joints"] == list(MPII_16.joints)


def test_an_estimate_over_http_equals_one_in_python(client, example):
    result = client.predict(photo=handle_file(example), box=PERSON, api_name="/estimate_pose")
    expected = PoseEstimator.random("tiny", seed=0)(example, box=PERSON).to_dict()
    for field in ("position_mm", "pixel", "confidence"):
        found, wanted = ([joint[field] for joint in one["joints"]] for one in (result, expected))
        assert np.allclose(found, wanted, atol=0.02), field
    assert [joint["status"] for joint in result["joints"]] == [joint["status"] for joint in expected["joints"]]


def test_the_box_is_optional(sure_client, example):
    result = sure_client.predict(handle_file(example), api_name="/estimate_pose")
    assert result["person"]["score"] == 0.9
    assert result["model"] == "stand-in"


def test_what_the_page_draws(sure_client, example):
    answer = sure_client.predict(handle_file(example), api_name="/show_pose")
    picture, figure, maps, sentence, bars, times = answer
    with Image.open(picture) as drawn, Image.open(example) as photo:
        assert drawn.size == photo.size
    figure = json.loads(figure["plot"])
    assert figure["layout"]["height"] > 300
    assert len(maps) == 17
    assert "beta = 2.50" in sentence
    assert json.loads(bars["plot"])["layout"]["height"]
    assert "stand-in" in times


def test_model_info(client):
    info = client.predict(api_name="/model_info")
    assert info["schema"] == "fusion-pose-model/1"
    assert info["model"] == "random-tiny"
    assert set(info["fusion"]) == {"strategy", "alpha", "beta", "weights", "pruned", "merge_after"}
    assert len(info["fusion"]["weights"]) == 3


@pytest.mark.parametrize("endpoint", ["/show_pose", "/estimate_pose"])
def test_no_photo_a_text_file_and_a_photo_without_people(sure_client, notes, tmp_path, endpoint):
    Image.new("RGB", (100, 100)).save(tmp_path / "black.png")
    assert "there is no photo" in message(sure_client, None, api_name=endpoint)
    assert "notes.jpg is not a photo" in message(sure_client, handle_file(notes), api_name=endpoint)
    assert "nobody was found" in message(sure_client, handle_file(tmp_path / "black.png"), api_name=endpoint)


def test_each_kind_of_photo_is_taken_or_refused_in_one_sentence(sure_client, odd_photos):
    answers = sure_client.predict([handle_file(path) for path in odd_photos], api_name="/estimate_poses")["photos"]
    for (path, error), answer in zip(odd_photos.items(), answers, strict=True):
        if error is None:
            assert (len(answer["poses"]), answer["error"]) == (1, None), path.name
            assert sure_client.predict(handle_file(path), api_name="/estimate_pose")["schema"] == "fusion-pose/1"
        else:
            assert answer["error"].startswith(error)
            assert error in message(sure_client, handle_file(path))


def test_a_truncated_and_a_huge_photo(client, example, tmp_path):
    path = tmp_path / "cut.jpg"
    path.write_bytes(example.read_bytes()[:20_000])
    assert "cut off" in message(client, handle_file(path))
    path = tmp_path / "huge.png"
    Image.new("1", (20_000, 20_000)).save(path)
    assert "megapixels" in message(client, handle_file(path))


@pytest.mark.parametrize(
    ("box", "error"),
    [
        ([5, 5, 5, 60], "no area"),
        ([600, 0, 700, 100], "does not touch the photo"),
        ([1, 2, 3], "four"),
        ("left", "four numbers"),
        ({"x0": 1}, "four numbers"),
    ],
)
def test_a_bad_box(client, example, box, error):
    assert error in message(client, handle_file(example), box)


def test_an_unexpected_failure_shows_no_inside(stand_in, example, monkeypatch):
    service = Service(stand_in)
    monkeypatch.setattr(service, "_run", lambda *_: 1 / 0)
    with pytest.raises(Exception, match="the server failed") as error:
        service.estimate(str(example))
    assert "division" not in str(error.value)


def test_markup_in_a_refusal_is_text_on_the_page_and_unchanged_in_json(stand_in, tmp_path):
    path, service = tmp_path / "<b>.jpg", Service(stand_in)
    path.write_text("milk, bread")
    with pytest.raises(Error) as error:
        service.estimate(str(path))
    assert error.value.message.startswith("&lt;b&gt;.jpg is not a photo")
    (answer,) = poses_of_photos(service, [str(path)], everyone=False)["photos"]
    assert answer["error"].startswith("<b>.jpg is not a photo")


@pytest.mark.parametrize("meta", [{"meta": {"_type": "gradio.FileData"}}, {}])
@pytest.mark.parametrize("endpoint", ["estimate_pose", "estimate_poses", "estimate_video"])
def test_a_file_of_the_server_cannot_be_read(client, tmp_path, clip, meta, endpoint):
    """Asked without gradio_client, which would upload the file first."""
    Image.new("RGB", (64, 64), "white").save(tmp_path / "private.png")
    photo = {"path": str(tmp_path / "private.png"), **meta}
    data = {
        "estimate_pose": [photo, [0, 0, 60, 60]],
        "estimate_poses": [[photo], False],
        "estimate_video": [{"path": str(clip), **meta}, None, True, 1700, 300],
    }
    call = f"{client.src.rstrip('/')}/gradio_api/call/{endpoint}"
    asked = httpx.post(call, json={"data": data[endpoint]}, timeout=60)
    answer = asked.text
    if asked.status_code == 200:
        answer = httpx.get(f"{call}/{asked.json()['event_id']}", timeout=60).text
    assert "was not uploaded" in answer
    assert "fusion-pose/1" not in answer
    assert "fusion-pose-video" not in answer


@pytest.mark.usefixtures("odd_photos")
def test_an_exif_turned_photo_is_turned(sure_client, tmp_path):
    picture = sure_client.predict(handle_file(tmp_path / "turned.jpg"), api_name="/show_pose")[0]
    with Image.open(picture) as drawn:
        assert drawn.size == (100, 200)
