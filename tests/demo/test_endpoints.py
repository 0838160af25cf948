"""The endpoints of the real app, served and called as a client would."""

import json

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
from tests.helpers.serving import ask, served

PERSON = [20, 14, 362, 511]


@pytest.fixture(scope="module")
def client():
    """The app over a tiny untrained network, which takes anything in a box for a person."""
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        yield Client(url, verbose=False)


@pytest.fixture(scope="module")
def sure_client(stand_in_page):
    """The app over an estimator that always finds a person, except in black photos."""
    return Client(stand_in_page, verbose=False)


def message(client, *arguments, api_name="/estimate_pose"):
    with pytest.raises(AppError) as error:
        client.predict(*arguments, api_name=api_name)
    assert "Traceback" not in str(error.value)
    return str(error.value)


def test_the_contract_of_names_parameters_and_answers(client):
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
    assert {name: [one["label"] for one in endpoint["returns"]] for name, endpoint in endpoints.items()} == {
        "/show_pose": ["Skeleton", "3D skeleton", "Confidence maps", "Fusion", "Fusion weights", "Timings"],
        "/estimate_pose": ["fusion-pose/1"],
        "/estimate_poses": ["fusion-pose-photos/1"],
        "/estimate_video": ["fusion-pose-video/1"],
        "/model_info": ["fusion-pose-model/1"],
    }
    for name, endpoint in endpoints.items():
        assert endpoint["description"], name
        assert all(len(one["label"]) > 3 for one in endpoint["parameters"]), name
        assert not any("any valid json" in str(one["type"]) for one in endpoint["returns"]), name


def test_the_contract_of_fields_and_the_estimate_of_the_library(client, example):
    result = client.predict(photo=handle_file(example), box=PERSON, api_name="/estimate_pose")
    assert set(result) == {
        "schema", "model", "skeleton", "units", "axes", "size_note", "height_mm", "sides", "joints", "bones", "person",
        "heatmap_joints", "seconds",
    }  # fmt: skip
    assert result["schema"] == "fusion-pose/1"
    assert [joint["name"] for joint in result["joints"]] == list(HUMAN36M_17.joints)
    assert result["heatmap_joints"] == list(MPII_16.joints)
    expected = PoseEstimator.random("tiny", seed=0)(example, box=PERSON).to_dict()
    for joint, wanted in zip(result["joints"], expected["joints"], strict=True):
        assert set(joint) == {"name", "position_mm", "spread_mm", "pixel", "confidence", "status", "derived_2d"}
        assert joint["status"] == wanted["status"]
        for field in ("position_mm", "pixel", "confidence"):
            assert np.allclose(joint[field], wanted[field], atol=0.02), field


def test_several_photos_of_which_one_is_bad_and_one_shows_nobody(sure_client, example, notes, black):
    photos = [handle_file(path) for path in (example, notes, black)]
    answer = sure_client.predict(photos, api_name="/estimate_poses")
    assert (set(answer), answer["schema"]) == ({"schema", "photos"}, "fusion-pose-photos/1")
    good, bad, empty = answer["photos"]
    assert set(good) == set(bad) == {"photo", "poses", "error"}
    assert (good["photo"], good["error"]) == ("hopper.jpg", None)
    assert [pose["schema"] for pose in good["poses"]] == ["fusion-pose/1"]
    assert bad["poses"] == empty["poses"] == []
    assert "notes.jpg is not a photo" in bad["error"]
    full, _, empty = sure_client.predict(photos, everybody=True, api_name="/estimate_poses")["photos"]
    assert (len(full["poses"]), empty["poses"]) == (2, [])
    assert "nobody was found" in empty["error"]
    assert "at most 32 photos are taken at once, got 33" in message(
        sure_client, [handle_file(example)] * 33, api_name="/estimate_poses"
    )


def test_what_the_page_draws(sure_client, example):
    picture, figure, maps, sentence, bars, times = sure_client.predict(handle_file(example), api_name="/show_pose")
    with Image.open(picture) as drawn, Image.open(example) as photo:
        assert drawn.size == photo.size
    assert all(json.loads(one["plot"])["layout"]["height"] for one in (figure, bars))
    assert len(maps) == 17
    assert "beta = 2.50" in sentence
    assert "stand-in" in times


def test_a_photo_is_turned_as_its_exif_says(sure_client, tmp_path):
    photo = Image.new("RGB", (200, 100), (90, 90, 90))
    exif = photo.getexif()
    exif[274] = 6
    photo.save(tmp_path / "turned.jpg", exif=exif)
    with Image.open(sure_client.predict(handle_file(tmp_path / "turned.jpg"), api_name="/show_pose")[0]) as drawn:
        assert drawn.size == (100, 200)


def test_unusable_photos_and_boxes_are_refused_in_one_sentence(sure_client, client, notes, black, example, tmp_path):
    cut, huge = tmp_path / "cut.jpg", tmp_path / "huge.png"
    cut.write_bytes(example.read_bytes()[:20_000])
    Image.new("1", (20_000, 20_000)).save(huge)
    sentences = {notes: "notes.jpg is not a photo", black: "nobody was found", cut: "cut off", huge: "megapixels"}
    for path, sentence in sentences.items():
        assert sentence in message(sure_client, handle_file(path))
    assert "nobody was found" in message(sure_client, handle_file(black), api_name="/show_pose")
    for box, sentence in (([5, 5, 5, 60], "no area"), ([600, 0, 700, 100], "does not touch")):
        assert sentence in message(client, handle_file(example), box)


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
def test_a_file_of_the_server_cannot_be_read(stand_in_page, example, clip, meta, endpoint):
    photo = {"path": str(example), **meta}
    data = {
        "estimate_pose": [photo, [0, 0, 60, 60]],
        "estimate_poses": [[photo], False],
        "estimate_video": [{"path": str(clip), **meta}, None, True, 1700, 300],
    }
    answer = str(ask(stand_in_page, endpoint, *data[endpoint])[1])
    assert "was not uploaded" in answer
    assert "joints" not in answer


def test_model_info(client):
    info = client.predict(api_name="/model_info")
    assert info["schema"] == "fusion-pose-model/1"
    assert info["model"] == "random-tiny"
    assert set(info["fusion"]) == {"strategy", "alpha", "beta", "weights", "pruned", "merge_after"}
    assert len(info["fusion"]["weights"]) == 3
