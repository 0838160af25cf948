"""Files by URL: only from public addresses, whatever the URL looks like and wherever it leads, and within limits.

The tests' server stands for a public one at 127.0.0.2; everything else of this machine stays private.
"""

import asyncio
import ipaddress
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from gradio.utils import get_upload_folder

from demo import fetch
from tests.helpers.serving import served

META = {"meta": {"_type": "gradio.FileData"}}


class Handler(BaseHTTPRequestHandler):
    """Gives a photo, redirects, and other things that servers do."""

    def do_GET(self):
        """Answer by the path."""
        self.server.asked.append((self.path, self.headers["Host"]))
        kind, _, rest = self.path[1:].partition("/")
        if kind == "to":
            self.send_response(302)
            self.send_header("Location", rest.replace("PORT", str(self.server.server_port)))
            self.end_headers()
            return
        self.send_response(404 if kind == "missing" else 200)
        self.end_headers()
        if kind == "slow":
            time.sleep(3)
        self.wfile.write(bytes(3000) if kind == "large" else self.server.photo)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def server(example):
    server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)  # noqa: S104
    server.photo, server.asked = example.read_bytes(), []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def public(server, monkeypatch):
    """The address of the server that counts as public."""
    server.asked.clear()
    real = fetch.is_public
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.2" or real(address))
    return f"http://127.0.0.2:{server.server_port}"


def files():
    return sorted(Path(get_upload_folder()).rglob("*"))


def test_a_file_of_a_public_server_is_fetched(public, server, example):
    path = Path(asyncio.run(fetch.fetch(f"{public}/some/hopper%20two.jpg?size=1")))
    assert path.name == "hopper two.jpg"
    assert path.read_bytes() == example.read_bytes()
    assert server.asked == [("/some/hopper%20two.jpg?size=1", public.removeprefix("http://"))]


def test_redirects_are_followed_to_public_servers(public, example):
    path = asyncio.run(fetch.fetch(f"{public}/to//to/{public}/photo/b.jpg"))
    assert Path(path).read_bytes() == example.read_bytes()
    assert Path(path).name == "b.jpg"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:PORT/a.jpg",
        "//localhost:PORT/a.jpg",
        "file:///etc/passwd",
        "http://[::1]:PORT/",
        "gopher://a/",
    ],
)
def test_a_redirect_to_a_private_address_is_refused(public, server, target):
    before = files()
    with pytest.raises(fetch.FetchError, match=r"private address|expected http or https"):
        asyncio.run(fetch.fetch(f"{public}/to/{target}"))
    assert len(server.asked) == 1
    assert files() == before


def test_a_ring_of_redirects_ends(public, server):
    with pytest.raises(fetch.FetchError, match="more than 5 times"):
        asyncio.run(fetch.fetch(f"{public}/to/" * 9 + "a.jpg"))
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("path", "limits", "sentence"),
    [
        ("missing/a.jpg", {}, "answered 404 instead of a file"),
        ("large/a.jpg", {"MAX_BYTES": 2000}, "is too large"),
        ("slow/a.jpg", {"SECONDS": 0.5}, "within 0.5 seconds"),
    ],
)
def test_no_file_too_much_and_too_slow(public, monkeypatch, path, limits, sentence):
    for name, value in limits.items():
        monkeypatch.setattr(fetch, name, value)
    before = files()
    with pytest.raises(fetch.FetchError, match=sentence):
        asyncio.run(fetch.fetch(f"{public}/{path}"))
    assert files() == before


PRIVATE = (
    "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "ff02::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address):
    assert not fetch.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "151.101.1.6", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are(address):
    assert fetch.is_public(address)
    assert ipaddress.ip_address(address)


@pytest.fixture(scope="module")
def page(stand_in):
    with served(stand_in) as url:
        yield f"{url}gradio_api"


HOSTS = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1",
    "169.254.169.254",
)  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("endpoint", ["show_pose", "estimate_video"])
def test_no_endpoint_asks_a_private_address(page, server, host, endpoint):
    server.asked.clear()
    file = {"path": f"http://{host}:{server.server_port}/a.jpg", **META}
    data = {"show_pose": [file], "estimate_video": [file, None, True, 1700, 300]}[endpoint]
    event = httpx.post(f"{page}/call/{endpoint}", json={"data": data}, timeout=60).json()["event_id"]
    answer = httpx.get(f"{page}/call/{endpoint}/{event}", timeout=60).text
    assert "leads to a private address" in answer
    assert server.asked == []


def test_an_endpoint_takes_a_photo_by_its_url(page, public):
    data = [{"path": f"{public}/photo/a.jpg", **META}, None]
    event = httpx.post(f"{page}/call/estimate_pose", json={"data": data}, timeout=60).json()["event_id"]
    assert "fusion-pose/1" in httpx.get(f"{page}/call/estimate_pose/{event}", timeout=60).text


@pytest.mark.parametrize("way", ["file=http://127.0.0.1:{port}/", "proxy=http://127.0.0.1:{port}/", "file=/etc/passwd"])
def test_gradio_hands_out_nothing_else(page, server, way):
    server.asked.clear()
    answer = httpx.get(f"{page}/{way.format(port=server.server_port)}", timeout=60)
    assert answer.status_code in (400, 403)
    assert server.asked == []
