"""What clients send: it is checked here, before Gradio reads it, and whatever is wrong is answered with a sentence.

What fails inside Gradio before our functions run would reach the client as ``{"error": null}``.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import inspect
import json
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.responses import JSONResponse
from gradio.route_utils import FnIndexInferError
from gradio.utils import get_upload_folder

from demo.fetch import FetchError, fetch, new_file, shortened
from demo.service import refusal
from fusion_model.video.clips import MAX_BYTES

_SEND = 'send the file with the request, as {"path": ..., "meta": {"_type": "gradio.FileData"}}'
MISFITS = (FnIndexInferError, KeyError, TypeError)  # what Gradio raises at a call of no endpoint, or with other names
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unusable:
    """A file among several that cannot be had.

    Attributes:
        name: of the file, as far as it is known.
        error: says why.
    """

    name: str
    error: gr.Error


class CheckedBlocks(gr.Blocks):
    """Blocks whose inputs may have a check of their own, ``receive``, that sees what was sent first.

    ``receive`` takes the value and gives what Gradio shall go on with; it may be a coroutine, and raises ``gr.Error``.

    Attributes:
        first_sight: HTML that browsers show until Gradio has drawn the page; see :mod:`demo.front`.
    """

    first_sight = ""

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, *others: Any, **named: Any
    ) -> list[Any]:
        """Check what was sent; then do as Gradio does, but name no insides if that fails."""
        if block_fn.api_visibility == "public":
            _check_count(block_fn, inputs)
        try:
            checked = [await _received(block, value) for block, value in zip(block_fn.inputs, inputs, strict=False)]
            _keep_own_preprocess(block_fn.inputs, state)
            return await super().preprocess_data(block_fn, checked, state, *others, **named)
        except gr.Error:
            raise
        except Exception as error:
            _log.info("a request was refused: %s", error)
            raise refusal("the request holds a value that cannot be read: see the page's list of endpoints") from error


def _keep_own_preprocess(blocks: list[Any], state: Any) -> None:
    """Gradio makes a component that an event has changed anew, from its class: what was set on the first is lost."""
    for block in blocks:
        number = block._id  # noqa: SLF001 there is no public one
        if state is not None and number in state and "preprocess" in vars(block):
            state[number].preprocess = block.preprocess


def misfit(request: Request, error: Exception) -> JSONResponse:
    """The answer to a call that fits no endpoint, which would be "Internal Server Error"."""
    _log.info("%s was refused: %s", request.url.path, error)
    told = str(error).partition(" Please click")[0] if "call/v2/" in request.url.path else ""
    detail = "the request does not fit any endpoint: /gradio_api/info lists them with their parameters"
    if isinstance(error, TypeError) and told:
        detail = f"{told.rstrip('.')}: {detail}"
    return JSONResponse({"detail": detail}, status_code=422 if isinstance(error, TypeError) else 404)


def one_file(what: str = "photo") -> Callable[[Any], Awaitable[dict[str, Any] | None]]:
    """The check of one file.

    Args:
        what: is expected, for the messages.
    """

    async def receive(sent: Any) -> dict[str, Any] | None:
        """The file as Gradio's data, with no more than it needs; None if there is none."""
        if sent is None:
            return None
        path = await _file_of(sent, what)
        return {"path": path, "orig_name": Path(path).name, "meta": {"_type": "gradio.FileData"}}

    return receive


def photo_files(most: int) -> Callable[[Any], Awaitable[list[str | Unusable]]]:
    """The check of several photos: one that cannot be had is told with its reason, and the others go on."""

    async def receive(sent: Any) -> list[str | Unusable]:
        """The files, in order."""
        if not sent and sent not in (0, False, ""):
            raise refusal("there are no photos: send a list of files")
        if not isinstance(sent, list):
            raise refusal(f"photos is a list of files, got {shown(sent)}")
        if len(sent) > most:
            raise refusal(f"at most {most} photos are taken at once, got {len(sent)}: send them in several requests")
        return list(await asyncio.gather(*map(one, sent)))

    async def one(sent: Any) -> str | Unusable:
        """One of them."""
        try:
            return await _file_of(sent, "photo")
        except gr.Error as error:
            return Unusable(_name_of(sent), error)

    return receive


def box(sent: Any) -> list[float] | None:
    """The check of a box; whether it has an area and touches the photo is the library's business."""
    if sent is None or (isinstance(sent, list) and len(sent) == 4 and all(map(_is_number, sent))):
        return sent
    raise refusal(f"a box is four numbers x0, y0, x1, y1 in pixels, or null, got {shown(sent)}")


def flag(name: str) -> Callable[[Any], bool]:
    """The check of a parameter that is true or false."""

    def receive(sent: Any) -> bool:
        """The value."""
        if not isinstance(sent, bool):
            raise refusal(f"{name} is true or false, got {shown(sent)}")
        return sent

    return receive


def number(name: str, low: float, high: float, unit: str = "", *, whole: bool = False) -> Callable[[Any], float]:
    """The check of a parameter that is a number in a range."""
    kind = f"{'a whole number' if whole else 'a number'} between {low:g} and {high:g}{unit}"

    def receive(sent: Any) -> float:
        """The value."""
        if not _is_number(sent) or not low <= sent <= high or (whole and sent != int(sent)):
            raise refusal(f"{name} must be {kind}, got {shown(sent)}")
        return sent

    return receive


def shown(sent: Any) -> str:
    """A value for a message, as JSON, cut if it is long."""
    return shortened(json.dumps(sent, default=str))


def uploaded(path: str, what: str = "photo") -> str:
    """The path of an uploaded file; only one in Gradio's own folder.

    Raises:
        gr.Error: if the path leads elsewhere.
    """
    try:
        found = Path(path).resolve()
        inside = found.is_relative_to(Path(get_upload_folder()).resolve()) and found.is_file()
    except (OSError, ValueError):  # a name that no file can have
        inside = False
    if not inside:
        raise refusal(f"this {what} was not uploaded, or is no longer on the server: upload it again")
    return path


async def _received(block: Any, value: Any) -> Any:
    """A value after the check of its input, if that has one."""
    receive = getattr(block, "receive", None)
    checked = value if receive is None else receive(value)
    return await checked if inspect.isawaitable(checked) else checked


def _check_count(block_fn: Any, inputs: list[Any]) -> None:
    """Refuse values too few or too many: Gradio says nothing of either."""
    if len(inputs) != len(block_fn.inputs):
        names = list(inspect.signature(block_fn.fn).parameters)[: len(block_fn.inputs)]
        count = "1 value" if len(names) == 1 else f"{len(names)} values"
        wanted = f"{count} ({', '.join(names)})" if names else "no values"
        raise refusal(f"/{block_fn.api_name} takes {wanted}, got {len(inputs)}")


async def _file_of(sent: Any, what: str) -> str:
    """The path of a file that was uploaded, is to be fetched from a URL, or is written out in a data URL."""
    source = (sent.get("path") or sent.get("url")) if isinstance(sent, dict) else sent
    is_url = isinstance(source, str) and source.lower().startswith(("http://", "https://", "data:"))
    if not (is_url or (isinstance(sent, dict) and isinstance(source, str))):  # a URL needs no wrapping
        raise refusal(f"a {what} is one file, got {shown(sent)}: {_SEND}")
    if source.lower().startswith("data:"):
        return _written(source, what)
    if not is_url:
        return uploaded(source, what)
    try:
        return await fetch(source)
    except FetchError as error:
        raise refusal(str(error)) from error


def _written(source: str, what: str) -> str:
    """The file in a data URL."""
    try:
        data = base64.b64decode(source.partition(";base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or len(data) > MAX_BYTES:
        raise refusal(f"the {what} in a data URL cannot be read: expected base64 of at most {MAX_BYTES // 10**6} MB")
    path = new_file("file")
    Path(path).write_bytes(data)
    return path


def _name_of(sent: Any) -> str:
    """The name of what should have been a file, for the answer."""
    path = sent.get("orig_name") or sent.get("path") if isinstance(sent, dict) else sent
    return Path(path).name[:200] if isinstance(path, str) and not path.startswith("data:") else ""


def _is_number(value: Any) -> bool:
    """Whether it is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
