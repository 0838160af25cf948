"""The endpoints as MCP tools, called as a client would: they need not be taught, and read nothing of the server."""

import ast
import asyncio
import base64

import httpx
import jsonschema
import pytest

from tests.helpers.serving import META, served

pytest.importorskip("mcp", reason="gradio[mcp] is not installed")


@pytest.fixture(scope="module")
def address(stand_in):
    with served(stand_in, mcp=True) as url:
        yield url


async def asked(url, *calls):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with (
        streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as client,
    ):
        await client.initialize()
        return (await client.list_tools()).tools, [await client.call_tool(*call) for call in calls]


def test_the_endpoints_are_tools_that_describe_everything(address, example):
    photo = "data:image/jpeg;base64," + base64.b64encode(example.read_bytes()).decode()
    calls = [
        ("model_info", {}),
        ("estimate_pose", {"photo": photo, "box": [20, 14, 362, 511]}),
        ("estimate_poses", {"photos": [photo, "data:,"], "everybody": True}),
    ]
    tools, answers = asyncio.run(asked(address, *calls))
    assert {tool.name for tool in tools} == {*(name for name, _ in calls), "show_pose", "estimate_video"}
    for tool in tools:
        jsonschema.validators.validator_for(tool.inputSchema).check_schema(tool.inputSchema)
    for tool in httpx.get(f"{address}gradio_api/mcp/schema", timeout=60).json():
        assert "Returns: " in tool["description"], tool["name"]
        assert ",," not in tool["description"]
        for name, parameter in tool["inputSchema"]["properties"].items():
            assert len(parameter.get("description", "")) > 10, (tool["name"], name)
    info, pose, poses = (answer.content[0].text for answer in answers)
    assert "fusion-pose-model/1" in info
    assert "fusion-pose/1" in pose
    assert [len(one["poses"]) for one in ast.literal_eval(poses)["photos"]] == [2, 0]


def test_no_tool_reads_a_file_of_the_server_or_asks_a_private_address(address, example):
    """Gradio runs a client beside the server for its tools, which uploads any file that is named to it."""
    file = {"path": str(example), **META}
    refused = {
        "not of type 'string'": {"photo": file},
        "": {"photo": None, "box": [file]},
        "provide a url": {"photo": str(example)},
        "private address": {"photo": "http://127.0.0.1:9/a.jpg"},
        "required": {},
    }
    _, answers = asyncio.run(asked(address, *(("estimate_pose", one) for one in refused.values())))
    for answer, sentence in zip(answers, refused, strict=True):
        assert answer.isError
        assert sentence in answer.content[0].text
        assert "fusion-pose" not in answer.content[0].text
