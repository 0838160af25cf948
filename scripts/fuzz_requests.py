"""Senseless requests to the endpoints of the running app, and whether each is answered by a sentence."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

_PARAMETERS = {  # of each endpoint, by what belongs there
    "estimate_pose": ("photo", "box"),
    "show_pose": ("photo",),
    "estimate_poses": ("photos", "flag"),
    "estimate_video": ("clip", "box", "flag", "number", "number"),
    "model_info": (),
}
_ADDRESSES = (
    "http://127.0.0.1:1/x.jpg",
    "http://localhost/x.jpg",
    "http://[::1]:1/x.jpg",
    "http://169.254.169.254/latest/meta-data",
    "http://0x7f000001/x.jpg",
    "http://nowhere.invalid/x.jpg",
    "file:///etc/passwd",
    "ftp://127.0.0.1/x.jpg",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "/etc/passwd",
    "../../../etc/passwd",
    "C:\\photo.jpg",
    "",
    "\0",
)
_PLAIN: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    17,
    2.5,
    10**30,
    float("nan"),
    float("inf"),
    "",
    "null",
    "=1+1",
    "<b>name</b>\n.jpg",
    "x" * 5000,
    "\u202egpj.exe",
    [],
    {},
    [[]],
    [None],
    {"path": None},
    {"a": {"b": [1, 2, {"c": None}]}},
)


class RequestFuzz:
    """Sends requests to one app.

    Args:
        url: of the app.
        photo: a good one, uploaded once.
        patience: seconds for one answer.
    """

    def __init__(self, url: str, photo: Path, patience: float) -> None:
        self._patience = patience
        self._client = httpx.Client(base_url=url.rstrip("/") + "/gradio_api", timeout=patience)
        with photo.open("rb") as file:
            answer = self._client.post("/upload", files={"files": (photo.name, file)})
        (self._uploaded,) = answer.raise_for_status().json()

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def send(self, generator: np.random.Generator) -> tuple[str, str, str]:
        """One request: answered, refused or broken; what was said; what was asked."""
        name = str(generator.choice(sorted(_PARAMETERS)))
        body = self._body(name, generator)
        asked = f"/{name} {body[:300]}"
        try:
            answer = self._client.post(f"/call/{name}", content=body, headers={"content-type": "application/json"})
            if answer.status_code >= 500:
                return "broken", f"status {answer.status_code}: {answer.text[:300]}", asked
            if answer.status_code >= 400:
                return "refused", _words(answer.text), asked
            return (*self._follow(f"/call/{name}/{answer.json()['event_id']}"), asked)
        except httpx.TimeoutException:
            return "broken", f"no answer within {self._patience:g} s", asked
        except (httpx.HTTPError, ValueError, KeyError) as error:
            return "broken", f"{type(error).__name__}: {error}", asked

    def _follow(self, path: str) -> tuple[str, str]:
        """The end of a request: answered or refused, and what was said."""
        event, end = "", time.monotonic() + self._patience
        with self._client.stream("GET", path) as lines:
            for line in lines.iter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event in ("complete", "error"):
                    data = line.removeprefix("data: ")
                    return ("answered", "") if event == "complete" else ("refused", _words(data))
                if time.monotonic() > end:
                    break
        return "broken", f"no end within {self._patience:g} s or none at all, after {event!r}"

    def _body(self, name: str, generator: np.random.Generator) -> str:
        """The JSON of a request, in which something is usually wrong."""
        data = [self._value(kind, generator) for kind in _PARAMETERS[name]]
        chance = generator.random()
        if chance < 0.1 and data:
            data.pop()
        elif chance < 0.2:
            data.append(self._value("flag", generator))
        if chance > 0.97:
            return str(generator.choice(["", "null", "[]", "{", '{"data": 5}', '{"data": null}', "\x00"]))
        return json.dumps({"data": data})

    def _value(self, kind: str, generator: np.random.Generator) -> Any:
        """One argument: what belongs there, or something else."""
        if generator.random() < 0.5:
            return _pick(_PLAIN, generator)
        if kind == "box":
            return [_pick((-1e9, 0, 10, 300, 1e9, None, "a"), generator) for _ in range(generator.integers(1, 6))]
        if kind == "number":
            return float(generator.normal(0, 2000))
        if kind == "flag":
            return bool(generator.integers(2))
        if kind == "photos":
            return [self._file(generator) for _ in range(int(generator.choice([0, 1, 2, 40])))]
        file = self._file(generator)
        return {"video": file, "subtitles": None} if kind == "clip" and generator.random() < 0.3 else file

    def _file(self, generator: np.random.Generator) -> Any:
        """A file as clients send it: the uploaded one, or one from somewhere else."""
        meta = {"_type": "gradio.FileData"}
        address = _pick(_ADDRESSES, generator)
        ways = (
            {"path": self._uploaded, "meta": meta},
            {"path": self._uploaded + "x", "meta": meta},
            {"path": address, "meta": meta},
            {"path": address, "url": address, "meta": meta, "orig_name": "<img src=x onerror=alert(1)>\n=1+1.jpg"},
            {"url": address, "meta": meta},
            {"path": address},
            address,
            None,
        )
        return _pick(ways, generator)


def _pick(choices: tuple[Any, ...], generator: np.random.Generator) -> Any:
    """One of them."""
    return choices[int(generator.integers(len(choices)))]


def _words(text: str) -> str:
    """What an error says to a person, of its JSON."""
    try:
        said = json.loads(text)
    except ValueError:
        return text
    while isinstance(said, dict):
        said = next((said[key] for key in ("detail", "error", "message") if key in said), None)
    if isinstance(said, list):  # of FastAPI: one entry for each wrong field
        said = "; ".join(str(one.get("msg", "")) for one in said if isinstance(one, dict))
    return said if isinstance(said, str) else ""
