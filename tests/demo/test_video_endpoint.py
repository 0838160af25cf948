"""The endpoint /estimate_video and the MCP tools of the real app, called as a client would."""

import ast
import asyncio
import base64
import json
import time

import jsonschema
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from demo.service import Service
from demo.video.pipeline import motion_steps
from demo.video.smoothing import smooth_motion
from fusion_model.video import clips
from tests.helpers.schemas import VIDEO
from tests.helpers.serving import served
from tests.helpers.steps import finished


@pytest.fixture(scope="module")
def client(counting):
    with served(counting) as url:
        yield Client(url, verbose=False)


def ask(client, *arguments, **named):
    return client.predict(*arguments, **named, api_name="/estimate_video")


def test_the_answer_keeps_its_schema_and_equals_one_in_python(client, clip, stand_in):
    answer = ask(client, handle_file(clip))
    jsonschema.validate(answer, VIDEO)
    expected = smooth_motion(finished(motion_steps(stand_in, clip))).to_dict()
    assert answer == json.loads(json.dumps(expected))
    assert [entry["found"] for entry in answer["frames"]] == [number not in (3, 4) for number in range(10)]


def test_every_parameter_counts(client, clip):
    answer = ask(client, video=handle_file(clip), box=[1, 2, 90, 110], smoothing=False, height_mm=1900, most_poses=4)
    jsonschema.validate(answer, VIDEO)
    assert (answer["smoothed"], answer["step"]) == (False, 3)
    assert answer["frames"][0]["pose"]["height_mm"] == 1900
    assert len(answer["frames"]) == 4


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"box": [1, 2, 3]}, "four"),
        ({"box": "left"}, "four numbers"),
        ({"height_mm": 17}, "height_mm must be a number between 500 and 2500 mm, got 17"),
        ({"most_poses": 0}, "most_poses must be a whole number between 1 and 300, got 0"),
    ],
)
def test_a_bad_parameter_is_a_sentence(client, clip, named, message):
    assert message in refused(client, handle_file(clip), **named)


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
    cut.write_bytes(make_clip().read_bytes()[:40])
    assert "cut.mp4" in refused(client, handle_file(cut))
    monkeypatch.setattr(clips, "MAX_SECONDS", 0.2)
    assert "walk.mp4 lasts 1.2 seconds: at most 0.2" in refused(client, handle_file(make_clip(frames=30)))
    monkeypatch.setattr(clips, "MAX_BYTES", 1000)
    assert "at most" in refused(client, handle_file(make_clip()))


def test_cancelling_stops_the_work_on_the_server(client, counting, make_clip, monkeypatch):
    monkeypatch.setattr(counting, "pause", 0.05)
    job = client.submit(handle_file(make_clip(frames=200)), api_name="/estimate_video")
    start = counting.calls
    while counting.calls < start + 5:
        time.sleep(0.05)
    assert job.cancel()
    time.sleep(0.5)
    stopped = counting.calls
    time.sleep(0.5)
    assert counting.calls == stopped < start + 100


def test_on_zero_gpu_frames_come_in_pieces(stand_in, clip, monkeypatch):
    monkeypatch.setattr("demo.service.on_zero_gpu", lambda: True)
    monkeypatch.setattr("demo.service.PIECE_PIXELS", 4 * 160 * 120)
    service, sizes = Service(stand_in), []
    run = service._run_tracker
    monkeypatch.setattr(service, "_run_tracker", lambda frames, track: sizes.append(len(frames)) or run(frames, track))
    assert [text for _, text in service.motion_steps(str(clip), None, 1700.0)][-1] == "frame 10 of 10"
    assert sizes == [4, 4, 2]


async def asked_over_mcp(url, photo):
    """Names of the tools with their parameters, and the answers of three of them."""
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
        poses = await client.call_tool("estimate_poses", {"photos": [photo, "data:,"], "everybody": True})
        return tools, info.content[0].text, pose.content[0].text, ast.literal_eval(poses.content[0].text)


def test_the_endpoints_are_mcp_tools(stand_in, example):
    pytest.importorskip("mcp", reason="gradio[mcp] is not installed")
    photo = "data:image/jpeg;base64," + base64.b64encode(example.read_bytes()).decode()
    with served(stand_in, mcp=True) as url:
        tools, info, pose, poses = asyncio.run(asked_over_mcp(url, photo))
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
    assert [len(one["poses"]) for one in poses["photos"]] == [2, 0]


async def refused_over_mcp(url, *arguments):
    """What estimate_pose answers to arguments that it refuses."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with (
        streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as client,
    ):
        await client.initialize()
        answers = [await client.call_tool("estimate_pose", one) for one in arguments]
        assert all(answer.isError for answer in answers)
        return [answer.content[0].text for answer in answers]


def test_no_tool_reads_a_file_of_the_server_or_asks_a_private_address(stand_in, example):
    """Gradio runs a client beside the server for its tools, which uploads any file that is named to it."""
    pytest.importorskip("mcp", reason="gradio[mcp] is not installed")
    file = {"path": str(example), "meta": {"_type": "gradio.FileData"}}
    arguments = [{"photo": file}, {"photo": None, "box": [file]}, {"photo": str(example)}]
    arguments += [{"photo": "http://127.0.0.1:9/a.jpg"}, {"photo": None, "bocks": 1}, {}]
    with served(stand_in, mcp=True) as url:
        answers = asyncio.run(refused_over_mcp(url, *arguments))
    assert "not of type 'string'" in answers[0]
    assert "provide a url" in answers[2]
    assert "private address" in answers[3]
    assert "required" in answers[5]
    assert "fusion-pose" not in " ".join(answers)
