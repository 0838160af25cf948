"""Files by URL: only from public addresses, whatever the URL looks like and wherever it leads, and within limits.

The tests' server stands for a public one at 127.0.0.2; everything else of this machine stays private.
"""

import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from gradio.utils import get_upload_folder

from demo import fetch
from tests.helpers.browsers import aside
from tests.helpers.serving import META, ask


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Host"]))
        kind, _, rest = self.path[1:].partition("/")
        self.send_response(int(kind) if (moved := kind.startswith("30")) else {"missing": 404}.get(kind, 200))
        if moved:
            self.send_header("Location", rest.replace("PORT", str(self.server.server_port)))
        self.end_headers()
        if kind == "slow":
            time.sleep(3)
        if not moved:
            as_it_is = self.headers["Accept-Encoding"] == "identity"  # others may get it compressed
            self.wfile.write(bytes(200_000) if kind == "large" else self.server.photo if as_it_is else b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def server(example):
    server = ThreadingHTTPServer(("0.0.0.0", 0), _Handler)  # noqa: S104
    server.photo, server.asked = example.read_bytes(), []
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def public(server, monkeypatch):
    real = fetch.is_public
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.2" or real(address))
    return f"http://127.0.0.2:{server.server_port}"


def refused(url):
    """Why a file is not fetched; nothing is left of it."""
    before = sorted(Path(get_upload_folder()).rglob("*"))
    with pytest.raises(fetch.FetchError) as error:
        aside(asyncio.run, fetch.fetch(url))
    assert sorted(Path(get_upload_folder()).rglob("*")) == before
    return str(error.value)


def test_a_file_of_a_public_server_is_fetched_over_five_redirects_at_most(public, server, example, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_BYTES", example.stat().st_size)
    path = Path(aside(asyncio.run, fetch.fetch(f"{public}/some/hopper%20two.jpg?size=1")))
    assert (path.name, path.read_bytes()) == ("hopper two.jpg", example.read_bytes())
    assert server.asked == [("/some/hopper%20two.jpg?size=1", public.removeprefix("http://"))]
    path = Path(aside(asyncio.run, fetch.fetch(f"{public}/301//302//303//307//308/{public}/photo/")))
    assert (path.name, path.read_bytes()) == ("photo", example.read_bytes())
    assert Path(aside(asyncio.run, fetch.fetch(public))).name == "file"
    server.asked.clear()
    told = refused(f"{public}/302/" * 9 + "a.jpg")
    assert f"the URL {f'{public}/302/' * 9:.77}... is redirected more than 5 times" in told
    assert len(server.asked) == 6


@pytest.mark.usefixtures("public")
def test_a_name_is_looked_up_once_and_none_of_its_addresses_is_private(server, monkeypatch):
    answers = [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2", "127.0.0.1"]]
    found = lambda *_, **__: [(2, 1, 6, "", (one, server.server_port)) for one in answers.pop(0)]  # noqa: E731
    monkeypatch.setattr("socket.getaddrinfo", found)
    host = f"photos.example:{server.server_port}"
    assert Path(aside(asyncio.run, fetch.fetch(f"http://{host}/a.jpg"))).name == "a.jpg"
    assert server.asked == [("/a.jpg", host)]
    for _ in range(2):
        assert "leads to a private address" in refused(f"http://{host}/a.jpg")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("path", "limits", "sentence"),
    [
        ("302///localhost:PORT/a.jpg", {}, "private address"),
        ("302/file:///etc/passwd", {}, "expected http or https"),
        ("missing/a.jpg", {}, "answered 404 instead of a file"),
        ("large/a.jpg", {"MAX_BYTES": 150_000}, "is too large"),  # no part of it is
        ("slow/a.jpg", {"SECONDS": 1.0}, "within 1 seconds"),
    ],
)
def test_a_private_redirect_no_file_too_much_and_too_slow(public, server, monkeypatch, path, limits, sentence):
    for name, value in limits.items():
        monkeypatch.setattr(fetch, name, value)
    assert sentence in refused(f"{public}/{path}")
    assert len(server.asked) == 1


PRIVATE = (
    "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "ff02::1",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "151.101.1.6", "2606:4700::1111", "::ffff:8.8.8.8")


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost", "[::ffff:127.0.0.1]", "10.0.0.1"])
def test_no_private_address_is_asked_however_it_is_written(server, host):
    assert [address for address in PRIVATE + PUBLIC if fetch.is_public(address)] == list(PUBLIC)
    assert "leads to a private address" in refused(f"http://{host}:{server.server_port}/a.jpg")
    assert server.asked == []


def test_endpoints_take_a_photo_by_its_url_but_from_no_private_address(address, public, server):
    file, private = ({"path": f"{url}/photo/a.jpg", **META} for url in (public, public.replace(".2:", ".1:")))
    assert ask(address, "estimate_pose", file, None)[1][0]["schema"] == "fusion-pose/1"
    server.asked.clear()
    for endpoint, data in (("show_pose", [private]), ("estimate_video", [private, None, True, 1700, 300])):
        assert "leads to a private address" in ask(address, endpoint, *data)[1]["error"]
    assert server.asked == []
