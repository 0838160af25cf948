"""The endpoint /estimate_video and the MCP tools of the real app, called as a client would."""

import asyncio
import base64
import json
import time

import httpx
import jsonschema
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from demo.page import build_page, launch_options, parse_arguments
from demo.service import Service
from demo.video import clips
from demo.video.pipeline import estimate_motion
from demo.video.smoothing import smooth_motion
from fusion_model.skeletons import HUMAN36M_17

POSE = {
    "type": "object",
    "required": ["schema", "joints", "bones", "person", "height_mm"],
    "properties": {
        "schema": {"const": "fusion-pose/1"},
        "joints": {
            "type": "array",
            "minItems": 17,
            "maxItems": 17,
            "items": {
                "type": "object",
                "required": ["name", "position_mm", "pixel", "confidence", "status", "derived_2d"],
                "additionalProperties": False,
                "properties": {
                    "name": {"enum": list(HUMAN36M_17.joints)},
                    "position_mm": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
                    "pixel": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
                    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                    "status": {"enum": ["seen", "guessed", "outside"]},
                    "derived_2d": {"type": "boolean"},
                },
            },
        },
    },
}


def exactly(**properties):
    """A schema of an object with these fields and no others."""
    return {
        "type": "object", "required": list(properties), "additionalProperties": False, "properties": properties,
    }  # fmt: skip


NUMBER, COUNT, TEXT = {"type": "number"}, {"type": "integer", "minimum": 0}, {"type": "string"}
VIDEO = exactly(
    schema={"const": "fusion-pose-video/1"},
    model=TEXT,
    clip=exactly(file=TEXT, width=COUNT, height=COUNT, frames=COUNT, frames_per_second=NUMBER, seconds=NUMBER),
    step=COUNT,
    smoothed={"type": "boolean"},
    frames={
        "type": "array",
        "items": exactly(frame=COUNT, time=NUMBER, found={"type": "boolean"}, pose={"anyOf": [POSE, {"type": "null"}]}),
    },
)


@pytest.fixture(scope="module")
def client(counting):
    page = build_page(Service(counting), example=None)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield Client(url, verbose=False)
    page.close()


def ask(client, *arguments, **named):
    return client.predict(*arguments, **named, api_name="/estimate_video")


def test_the_answer_keeps_its_schema_and_equals_one_in_python(client, clip, stand_in):
    answer = ask(client, handle_file(clip))
    jsonschema.validate(answer, VIDEO)
    expected = smooth_motion(estimate_motion(stand_in, clip)).to_dict()
    assert answer == json.loads(json.dumps(expected))
    assert [entry["found"] for entry in answer["frames"]] == [number not in (3, 4) for number in range(10)]


def test_every_parameter_counts(client, clip):
    answer = ask(client, video=handle_file(clip), box=[1, 2, 90, 110], smoothing=False, height_mm=1900, most_poses=4)
    jsonschema.validate(answer, VIDEO)
    assert (answer["smoothed"], answer["step"]) == (False, 3)
    assert answer["frames"][0]["pose"]["height_mm"] == 1900
    assert len(answer["frames"]) == 4


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"box": [1, 2, 3]}, "four"),
        ({"box": "left"}, "four numbers"),
        ({"height_mm": 100}, "between 50 and 250 cm, got 10"),
        ({"most_poses": 0}, "most_poses must lie between 1 and 300"),
    ],
)
def test_a_bad_parameter_is_a_sentence(client, clip, named, words):
    assert words in refused(client, handle_file(clip), **named)


def refused(client, *arguments, **named):
    with pytest.raises(AppError) as error:
        ask(client, *arguments, **named)
    assert "Traceback" not in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_no_usable_clip_is_a_sentence(client, make_clip, notes, monkeypatch, tmp_path):
    assert "there is no clip" in refused(client, None)
    assert "notes.jpg is not a clip" in refused(client, handle_file(notes))
    assert "nobody was found in the clip" in refused(client, handle_file(make_clip(black=range(10))))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(make_clip().read_bytes()[:900])
    assert "cut.mp4" in refused(client, handle_file(cut))
    monkeypatch.setattr(clips, "LONGEST_SECONDS", 0.2)
    assert "walk.mp4 lasts 0.4 seconds: at most 0.2" in refused(client, handle_file(make_clip()))
    monkeypatch.setattr(clips, "MOST_BYTES", 1000)
    assert "at most" in refused(client, handle_file(make_clip()))


@pytest.mark.parametrize("meta", [{"meta": {"_type": "gradio.FileData"}}, {}])
def test_a_clip_of_the_server_cannot_be_read(client, clip, meta):
    """Asked without gradio_client, which would upload the file first."""
    call = f"{client.src.rstrip('/')}/gradio_api/call/estimate_video"
    asked = httpx.post(call, json={"data": [{"path": str(clip), **meta}, None, True, 1700, 300]}, timeout=60)
    if asked.status_code == 200:
        answer = httpx.get(f"{call}/{asked.json()['event_id']}", timeout=60).text
        assert "event: error" in answer
        assert "fusion-pose-video/1" not in answer


def test_cancelling_stops_the_work_on_the_server(client, counting, make_clip, monkeypatch):
    monkeypatch.setattr(counting, "pause", 0.05)
    job = client.submit(handle_file(make_clip(frames=200)), api_name="/estimate_video")
    start = counting.looked
    while counting.looked < start + 5:
        time.sleep(0.05)
    assert job.cancel()
    time.sleep(0.5)
    stopped = counting.looked
    time.sleep(0.5)
    assert counting.looked == stopped < start + 100


def test_on_zero_gpu_frames_come_in_pieces(stand_in, clip, monkeypatch):
    monkeypatch.setattr("demo.service.on_zero_gpu", lambda: True)
    monkeypatch.setattr("demo.service.PIECE_PIXELS", 4 * 160 * 120)
    service, sizes = Service(stand_in), []
    look = service._run_follow
    monkeypatch.setattr(service, "_run_follow", lambda frames, track: sizes.append(len(frames)) or look(frames, track))
    assert [text for _, text in service.motion_steps(str(clip), None, 1700.0)][-1] == "frame 10 of 10"
    assert sizes == [4, 4, 2]


def test_mcp_without_its_package_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("demo.page.find_spec", lambda _: None)
    with pytest.raises(SystemExit) as end:
        parse_arguments(["--mcp"])
    assert end.value.code == 2
    assert 'pip install "gradio[mcp]"' in capsys.readouterr().err


async def asked_over_mcp(url, photo):
    """Names of the tools with their parameters, and the answers of model_info and estimate_pose."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with (
        streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as client,
    ):
        await client.initialize()
        tools = {tool.name: tool.inputSchema for tool in (await client.list_tools()).tools}
        info = await client.call_tool("model_info", {})
        pose = await client.call_tool("estimate_pose", {"photo": photo, "box": [20, 14, 362, 511]})
        return tools, info.content[0].text, pose.content[0].text


def test_the_endpoints_are_mcp_tools(stand_in, example):
    pytest.importorskip("mcp", reason="gradio[mcp] is not installed")
    page = build_page(Service(stand_in), example=None)
    options = launch_options(mcp=True)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options)
    try:
        photo = "data:image/jpeg;base64," + base64.b64encode(example.read_bytes()).decode()
        tools, info, pose = asyncio.run(asked_over_mcp(url, photo))
    finally:
        page.close()
    assert {name: list(schema["properties"]) for name, schema in tools.items()} == {
        "show_pose": ["photo"],
        "estimate_pose": ["photo", "box"],
        "estimate_poses": ["photos", "everybody"],
        "estimate_video": ["video", "box", "smoothing", "height_mm", "most_poses"],
        "model_info": [],
    }
    for schema in tools.values():
        jsonschema.validators.validator_for(schema).check_schema(schema)
    assert "fusion-pose-model/1" in info
    assert "fusion-pose/1" in pose
