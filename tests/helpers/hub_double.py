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
NO_REVISION = 404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "no revision"}


class HubDouble(ThreadingHTTPServer):
    """Serves one repository, and takes pushes to it, which must carry ``token``.

    Attributes:
        commits: folder of each commit; ``refs`` has the commit of each branch and tag, ``objects`` large files.
        private: whether the repository is; None before a push creates it.
        mishaps: what happens to coming requests, each once: (method, part of the path, what), where what is a status,
            "cut" (the connection breaks while the request is sent) or "lost" (it breaks before the answer).
        mood: "well", "hanging", "no hub" (a login page), or one of ``REFUSALS``.
        asked: "METHOD path" of every request; ``messages`` has those of the commits.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.commits, self.refs, self.objects, self.asked, self.mishaps, self.messages = {}, {}, {}, [], [], []
        self.mood, self.refusal, self.kind, self.private = "well", "a mishap", "models", None
        self.token, self.url = "hf_" + 34 * "x", f"http://127.0.0.1:{self.server_port}"
        self.pushed, self.released = tempfile.TemporaryDirectory(), threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def push(self, folder, branch="main"):
        """A new commit with the files of a folder; returns its name."""
        commit = hashlib.sha1(f"{len(self.commits)}".encode(), usedforsecurity=False).hexdigest()
        self.commits[commit], self.refs[branch] = folder, commit
        return commit

    def asked_for(self, part):
        """How many requests had this in method and path."""
        return sum(part in one for one in self.asked)

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
        what, mood = self._begin(), self.server.mood
        if mood == "hanging":
            self.server.released.wait()
            self.close_connection = True
        elif mood == "no hub":
            self._answer(200, b"<html>Welcome to the hotel</html>")
        elif what or mood in REFUSALS:
            status, code = REFUSALS.get(mood, (what, ""))
            self._answer(status, {}, {"X-Error-Code": code, "X-Error-Message": mood})
        else:
            read = {"/resolve/": self._file, "/tree/": self._tree}
            self._answer(*next((read[part] for part in read if part in self.path), self._info)())

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self):
        length, what = int(self.headers["Content-Length"]), self._begin()
        body, answer = self.rfile.read(length // 2 if what == "cut" else length), None
        if isinstance(what, int):
            answer = what, {"error": self.server.refusal}
        elif "/lfs/" not in self.path and self.headers["Authorization"] != f"Bearer {self.server.token}":
            answer = 401, {"error": "Invalid username or password."}
        elif what != "cut":
            answer = self._write(body)
        if what in ("cut", "lost"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        else:
            self._answer(*answer)

    do_PUT = do_POST  # noqa: N815

    def _begin(self):
        """Note the request; what is to happen to it."""
        self.server.asked.append(f"{self.command} {self.path}")
        for mishap in self.server.mishaps:
            if mishap[0] == self.command and mishap[1] in self.path:
                self.server.mishaps.remove(mishap)
                return mishap[2]
        return None

    def _answer(self, status, content, headers=()):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        """Say nothing."""

    def _file(self):
        wanted, _, name = self.path.partition("/resolve/")[2].partition("/")
        commit = self.server.refs.get(unquote(wanted), unquote(wanted))
        path = self.server.commits[commit] / name
        if not path.is_file():
            return 404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}
        data = path.read_bytes()
        return 200, data, {"X-Repo-Commit": commit, "ETag": f'"{hashlib.sha256(data).hexdigest()}"'}

    def _tree(self):
        folder = self.server.folder_of("main")
        return 200, [_described(path, folder) for path in folder.rglob("*") if path.is_file()]

    def _info(self):
        wanted = unquote(self.path.partition("/revision/")[2]) or "main"
        commit = self.server.refs.get(wanted, wanted)
        if commit not in self.server.commits:
            return NO_REVISION
        return 200, {"id": REPOSITORY, "sha": commit, "siblings": [], "private": bool(self.server.private)}

    def _write(self, body):
        """Do what a pushing client asks for; status and answer."""
        if self.path.startswith("/lfs/"):
            self.server.objects[self.path.removeprefix("/lfs/").partition("?")[0]] = body
            return 200, {}
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        if self.path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if self.path == f"/{'spaces/' * (self.server.kind == 'spaces')}{REPOSITORY}.git/info/lfs/objects/batch":
            return self._batch(json.loads(body)["objects"])
        for name in ("paths-info", "preupload", "commit", "tag"):
            before, _, revision = self.path.partition(f"/{name}/")
            if before == f"/api/{self.server.kind}/{REPOSITORY}" and revision:
                return getattr(self, "_" + name.replace("-", "_"))(unquote(revision), body)
        return 404, {"error": "Repository not found"}

    def _create(self, wanted):
        if f"{wanted['organization']}/{wanted['name']}" != REPOSITORY:
            return 403, {"error": "You don't have the rights to create a repository there"}
        if self.server.private is not None:
            return 409, {"error": "You already created this repo", "url": f"{self.server.url}/{REPOSITORY}"}
        if wanted.get("type") == "space" and wanted.get("sdk") != "gradio":
            return 400, {"error": "a Space needs an SDK"}
        self.server.kind = "spaces" if wanted.get("type") == "space" else "models"
        self.server.private = wanted.get("visibility") == "private"
        self.server.commit_files({".gitattributes": b"*.safetensors filter=lfs\n"}, "main")
        return 200, {"url": f"{self.server.url}/{REPOSITORY}"}

    def _paths_info(self, revision, body):
        folder = self.server.folder_of(revision)
        if folder is None:
            return NO_REVISION
        paths = [folder / name for name in parse_qs(body.decode())["paths"]]
        return 200, [_described(path, folder) for path in paths if path.exists()]

    def _preupload(self, revision, body):
        folder, answers = self.server.folder_of(revision), []
        for file in json.loads(body)["files"]:
            there = folder / file["path"]
            known = _described(there, folder) if there.exists() else {"oid": None}
            mode = "lfs" if there.suffix == ".safetensors" else "regular"
            oid = known.get("lfs", known)["oid"]
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return 200, {"files": answers}

    def _batch(self, wanted):
        for file in wanted:
            if file["oid"] not in self.server.objects:
                href = f"{self.server.url}/lfs/{file['oid']}?X-Amz-Signature=geheim"
                file["actions"] = {"upload": {"href": href}}
        return 200, {"transfer": "basic", "objects": wanted}

    def _commit(self, revision, body):
        files, deleted = {}, []
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                self.server.messages.append(value["summary"])
            elif line["key"] == "file":
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


def _described(path, folder):
    """What the Hub says about a file; large ones are pointers in git."""
    data = path.read_bytes()
    oid = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n".encode()
    is_large = path.suffix == ".safetensors"
    blob = pointer if is_large else data
    name = hashlib.sha1(b"blob %d\0" % len(blob) + blob, usedforsecurity=False).hexdigest()
    lfs = {"lfs": {"oid": oid, "size": len(data), "pointerSize": len(pointer)}} if is_large else {}
    return {"type": "file", "path": path.relative_to(folder).as_posix(), "size": len(data), "oid": name, **lfs}


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
