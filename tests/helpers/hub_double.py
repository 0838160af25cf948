"""A Hub on this machine that the real client talks to, and that can refuse, fail, hang, cut a connection or be gone."""

import base64
import hashlib
import json
import shutil
import socket
import struct
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest
from huggingface_hub import close_session, constants

REPOSITORY = "user/name"
REFUSALS = {  # what the Hub says: status and code
    "no repository": (404, "RepoNotFound"),
    "private": (401, "RepoNotFound"),
    "gated": (403, "GatedRepo"),
    "failing": (503, ""),
}
NO_REVISION = {"error": "Invalid rev id"}


class HubDouble(ThreadingHTTPServer):
    """Serves one repository, and takes pushes to it.

    Attributes:
        commits: folder of each commit; ``refs`` has the commit of each branch and tag.
        token: access token that pushes must carry; reading needs none.
        private: whether the repository is; None before it is created by a push.
        kind: "models", or "spaces" once a Space is created.
        objects: large files by their SHA-256.
        mishaps: what happens to coming requests, each once: (method, part of the path, what), where what is a status,
            "cut" (the connection breaks while the request is sent) or "lost" (it breaks before the answer).
        refusal: what the answer to a mishap says.
        mood: "well", "hanging", "no hub" (a login page), or one of ``REFUSALS``; ``mood_of_files`` for files alone.
        asked: method and path of every request.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.commits, self.refs, self.asked = {}, {}, []
        self.mood = self.mood_of_files = "well"
        self.token, self.private, self.objects, self.mishaps = "hf_" + 34 * "x", None, {}, []
        self.refusal, self.kind = "a mishap", "models"
        self.pushed = tempfile.TemporaryDirectory()
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

    def asked_for(self, part):
        """How many requests had this in method and path."""
        return sum(part in f"{method} {path}" for method, path in self.asked)

    def folder_of(self, revision):
        """The folder of a branch, tag or commit; None if there is none."""
        return self.commits.get(self.refs.get(revision, revision))

    def commit_files(self, files, branch, deleted=()):
        """A new commit with these files besides those of the branch, but for the deleted ones."""
        folder = Path(self.pushed.name) / str(len(self.commits))
        folder.mkdir()
        if old := self.folder_of(branch):
            shutil.copytree(old, folder, dirs_exist_ok=True)
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        for name in deleted:
            (folder / name).unlink()
        return self.push(folder, branch)

    def close(self):
        """Be gone: the port refuses."""
        self.released.set()
        self.shutdown()
        self.server_close()
        self.pushed.cleanup()


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
        elif "/tree/" in self.path:
            self._tree()
        else:
            self._info()

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self):
        self.server.asked.append((self.command, self.path))
        length, what = int(self.headers["Content-Length"]), self._mishap()
        if what == "cut":
            self.rfile.read(length // 2)
            self._break()
            return
        body = self.rfile.read(length)
        if isinstance(what, int):
            self._answer(what, json.dumps({"error": self.server.refusal}).encode(), {})
        elif "/lfs/" not in self.path and self.headers["Authorization"] != f"Bearer {self.server.token}":
            self._answer(401, b'{"error": "Invalid username or password."}', {})
        else:
            status, answer = self._write(body)
            if what == "lost":
                self._break()
            else:
                headers = {"X-Error-Code": "RevisionNotFound"} if answer is NO_REVISION else {}
                self._answer(status, json.dumps(answer).encode(), headers)

    do_PUT = do_POST  # noqa: N815

    def _mishap(self):
        """What is to happen to this request."""
        for mishap in self.server.mishaps:
            if mishap[0] == self.command and mishap[1] in self.path:
                self.server.mishaps.remove(mishap)
                return mishap[2]
        return None

    def _break(self):
        """Cut the connection hard."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _write(self, body):
        """Do what a pushing client asks for; status and answer."""
        if self.path.startswith("/lfs/"):
            return self._store(body)
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        if self.path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if self.path == f"/{'spaces/' * (self.server.kind == 'spaces')}{REPOSITORY}.git/info/lfs/objects/batch":
            return self._batch(json.loads(body))
        for name in ("paths-info", "preupload", "commit", "tag"):
            before, _, revision = self.path.partition(f"/{name}/")
            if before == f"/api/{self.server.kind}/{REPOSITORY}" and revision:
                return getattr(self, "_" + name.replace("-", "_"))(unquote(revision), body)
        return 404, {"error": "Repository not found"}

    def _create(self, wanted):
        url = f"{self.server.url}/{REPOSITORY}"
        if f"{wanted['organization']}/{wanted['name']}" != REPOSITORY:
            return 403, {"error": "You don't have the rights to create a model under this namespace"}
        if self.server.private is not None:
            return 409, {"error": "You already created this model repo", "url": url}
        if wanted.get("type") == "space" and wanted.get("sdk") != "gradio":
            return 400, {"error": "a Space needs an SDK"}
        self.server.kind = "spaces" if wanted.get("type") == "space" else "models"
        self.server.private = wanted.get("visibility") == "private"
        self.server.commit_files({".gitattributes": b"*.safetensors filter=lfs\n"}, "main")
        return 200, {"url": url}

    def _paths_info(self, revision, body):
        folder = self.server.folder_of(revision)
        if folder is None:
            return 404, NO_REVISION
        return 200, [_described(folder / name) for name in parse_qs(body.decode())["paths"] if (folder / name).exists()]

    def _preupload(self, revision, body):
        folder, answers = self.server.folder_of(revision), []
        for file in json.loads(body)["files"]:
            there = folder / file["path"]
            mode = "lfs" if _is_large(there) else "regular"
            oid = _described(there).get("lfs", _described(there))["oid"] if there.exists() else None
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return 200, {"files": answers}

    def _batch(self, wanted):
        answers = []
        for file in wanted["objects"]:
            answer = {"oid": file["oid"], "size": file["size"]}
            if file["oid"] not in self.server.objects:
                href = f"{self.server.url}/lfs/{file['oid']}?X-Amz-Signature=geheim"
                verify = f"{self.server.url}/lfs/verify"
                answer["actions"] = {"upload": {"href": href}, "verify": {"href": verify}}
            answers.append(answer)
        return 200, {"transfer": "basic", "objects": answers}

    def _store(self, body):
        if self.command == "POST":
            return (200, {}) if json.loads(body)["oid"] in self.server.objects else (404, {"error": "not there"})
        oid = self.path.removeprefix("/lfs/").partition("?")[0]
        if hashlib.sha256(body).hexdigest() != oid:
            return 400, {"error": "the content is not what its name says"}
        self.server.objects[oid] = body
        return 200, {}

    def _commit(self, revision, body):
        files, deleted = {}, []
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                deleted.append(value["path"])
        commit = self.server.commit_files(files, revision, deleted)
        return 200, {"commitOid": commit, "commitUrl": f"{self.server.url}/{REPOSITORY}/commit/{commit}"}

    def _tag(self, revision, body):
        tag = json.loads(body)["tag"]
        if tag in self.server.refs:
            return 409, {"error": "Reference already exists"}
        self.server.refs[tag] = self.server.refs.get(revision, revision)
        return 200, {}

    def _tree(self):
        folder = self.server.folder_of("main")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        entries = [{**_described(path), "path": path.relative_to(folder).as_posix()} for path in files]
        self._answer(200, json.dumps(entries).encode(), {"Content-Type": "application/json"})

    def _info(self):
        wanted = unquote(self.path.partition("/revision/")[2]) or "main"
        commit = self.server.refs.get(wanted, wanted)
        if commit not in self.server.commits:
            self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
            return
        info = {"id": REPOSITORY, "sha": commit, "siblings": [], "private": bool(self.server.private)}
        self._answer(200, json.dumps(info).encode(), {})

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
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        """Say nothing."""


def _is_large(path):
    """Whether the Hub keeps this file as a large one."""
    return path.suffix == ".safetensors"


def _described(path):
    """What the Hub says about a file; large ones are pointers in git."""
    data = path.read_bytes()
    oid = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n".encode()
    blob = pointer if _is_large(path) else data
    name = hashlib.sha1(b"blob %d\0" % len(blob) + blob, usedforsecurity=False).hexdigest()
    lfs = {"lfs": {"oid": oid, "size": len(data), "pointerSize": len(pointer)}} if _is_large(path) else {}
    return {"type": "file", "path": path.name, "size": len(data), "oid": name, **lfs}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The double in place of the Hub, with an empty cache."""
    double = HubDouble()
    monkeypatch.setattr(constants, "ENDPOINT", double.url)
    template = double.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # large files go by LFS
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_HUB_ETAG_TIMEOUT", raising=False)
    yield double
    if not double.released.is_set():
        double.close()
    close_session()  # connections to an address that is gone
