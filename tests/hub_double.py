"""A Hub on this machine that the real client talks to, and that can refuse, fail, hang or be gone."""

import hashlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest
from huggingface_hub import close_session, constants

REPOSITORY = "user/name"
REFUSALS = {  # what the Hub says: status and code
    "no repository": (404, "RepoNotFound"),
    "private": (401, "RepoNotFound"),
    "gated": (403, "GatedRepo"),
    "failing": (503, ""),
}


class HubDouble(ThreadingHTTPServer):
    """Serves one repository.

    Attributes:
        commits: folder of each commit.
        refs: commit of each branch.
        mood: "well", "hanging", "no hub" (a login page), or one of ``REFUSALS``.
        mood_of_files: the same for files alone.
        asked: method and path of every request.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.commits, self.refs, self.asked = {}, {}, []
        self.mood = self.mood_of_files = "well"
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def push(self, folder, branch="main"):
        """A new commit with the files of a folder; returns its name."""
        commit = hashlib.sha1(f"{len(self.commits)}".encode(), usedforsecurity=False).hexdigest()
        self.commits[commit], self.refs[branch] = folder, commit
        return commit

    def downloads(self):
        """How many files were sent."""
        return sum(method == "GET" and "/resolve/" in path for method, path in self.asked)

    def close(self):
        """Be gone: the port refuses."""
        self.released.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.command, self.path))
        is_file = "/resolve/" in self.path
        mood = self.server.mood_of_files if is_file and self.server.mood == "well" else self.server.mood
        if mood == "hanging":
            self.server.released.wait()
            self.close_connection = True
        elif mood == "no hub":
            self._answer(200, b"<html>Welcome to the hotel</html>", {})
        elif mood in REFUSALS:
            status, code = REFUSALS[mood]
            self._answer(status, b"{}", {"X-Error-Code": code, "X-Error-Message": mood})
        elif is_file:
            self._file()
        else:
            self._info()

    do_HEAD = do_GET  # noqa: N815

    def _info(self):
        wanted = unquote(self.path.partition("/revision/")[2]) or "main"
        commit = self.server.refs.get(wanted, wanted)
        if commit not in self.server.commits:
            self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
            return
        self._answer(200, json.dumps({"id": REPOSITORY, "sha": commit, "siblings": []}).encode(), {})

    def _file(self):
        wanted, _, name = self.path.partition("/resolve/")[2].partition("/")
        wanted = unquote(wanted)
        commit = self.server.refs.get(wanted, wanted)
        path = self.server.commits[commit] / name
        if not path.is_file():
            headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}
            self._answer(404, b"", headers)
            return
        data = path.read_bytes()
        etag = hashlib.sha256(data).hexdigest()
        self._answer(200, data, {"X-Repo-Commit": commit, "ETag": f'"{etag}"'})

    def _answer(self, status, data, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The double in place of the Hub, with an empty cache."""
    double = HubDouble()
    monkeypatch.setattr(constants, "ENDPOINT", double.url)
    template = double.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    monkeypatch.delenv("HF_HUB_ETAG_TIMEOUT", raising=False)
    yield double
    if not double.released.is_set():
        double.close()
    close_session()  # connections to an address that is gone


@pytest.fixture
def black_hole():
    """An address whose connections are never accepted nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield f"http://127.0.0.1:{port}"
        for filler in fillers:
            filler.close()
