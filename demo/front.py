"""What stands before Gradio's page: a first sight of the result, and its files, compressed once for all visitors.

Gradio shows nothing before a hundred scripts have come and run. It compresses their megabytes anew for each visitor,
whose browser it does not allow to keep them.
"""

from __future__ import annotations

import gzip

import brotli
from plotly.offline import get_plotlyjs
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.drawing.figure_view import PLOTLY

FILES = "/assets/"
"""Where files are whose names change with their content."""

_SCRIPT = f"{FILES}{PLOTLY}"
_KEEP = "public, max-age=31536000, immutable"
_COMPRESS = {
    "br": lambda body, level: brotli.compress(body, quality=level),
    "gzip": gzip.compress,
    "": lambda body, _: body,
}
_QUICK, _SMALL = 4, 9  # levels of compression, of what is sent once and of what is kept
_KEPT: dict[tuple[str, str], tuple[Message, bytes]] = {}  # files by path and encoding


class Front:
    """ASGI middleware that answers for the page and its files.

    Args:
        app: Gradio's, whose blocks have the HTML of the :attr:`~demo.requests.CheckedBlocks.first_sight`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or leave it to Gradio."""
        path = scope.get("path", "")
        if scope.get("method") != "GET" or not (path == "/" or path.startswith(FILES)):
            await self._app(scope, receive, send)
            return
        accepted = Headers(scope=scope).get("accept-encoding", "")
        encoding = next((name for name in ("br", "gzip") if name in accepted), "")
        start, body = await (
            self._page(scope, receive, encoding) if path == "/" else self._file(scope, receive, encoding)
        )
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _page(self, scope: Scope, receive: Receive, encoding: str) -> tuple[Message, bytes]:
        """The page, with what is seen until it is drawn."""
        start, body = await self._asked(scope, receive)
        seen = scope["app"].get_blocks().first_sight
        body = body.replace(b"<gradio-app", seen.encode() + b"<gradio-app", 1)
        body = body.replace(b"</head>", f'<link rel="preload" as="script" href=".{_SCRIPT}"></head>'.encode(), 1)
        return _compressed(start, body, encoding, _QUICK)

    async def _file(self, scope: Scope, receive: Receive, encoding: str) -> tuple[Message, bytes]:
        """A file, kept in memory from the first time on."""
        key = scope["path"], encoding
        if key not in _KEPT:
            if scope["path"] == _SCRIPT:
                kind = (b"content-type", b"text/javascript")
                start, body = {"type": "http.response.start", "status": 200, "headers": [kind]}, get_plotlyjs().encode()
            else:
                start, body = await self._asked(scope, receive)
            if start["status"] != 200:
                return start, body
            MutableHeaders(raw=start["headers"])["cache-control"] = _KEEP
            _KEPT[key] = _compressed(start, body, encoding, _SMALL)
        return _KEPT[key]

    async def _asked(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """Gradio's answer: its start, and its body in one piece."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            """One part of it."""
            messages.append(message)

        whole = [(name, value) for name, value in scope["headers"] if name not in (b"range", b"if-none-match")]
        await self._app({**scope, "headers": whole}, receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


def _compressed(start: Message, body: bytes, encoding: str, level: int) -> tuple[Message, bytes]:
    """An answer in an encoding of the browser's, or as it is."""
    body, headers = _COMPRESS[encoding](body, level), MutableHeaders(raw=start["headers"])
    headers["content-length"] = str(len(body))
    headers.add_vary_header("accept-encoding")
    if encoding:
        headers["content-encoding"] = encoding
    return start, body
