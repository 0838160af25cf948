"""Fetching a file that a client names by its URL: from public addresses only, within limits of size and time."""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin

import httpx
from gradio.utils import get_upload_folder
from gradio_client.utils import strip_invalid_filename_characters

from fusion_model.video.clips import MAX_BYTES

SECONDS = 30.0  # for one file, redirects included
_REDIRECTS = 5
_MOVED = {301, 302, 303, 307, 308}
# IPv6 addresses that stand for an IPv4 one, which may be private: NAT64, 6to4, Teredo.
_BRIDGES = [ipaddress.ip_network(net) for net in ("64:ff9b::/96", "2002::/16", "2001::/32")]


class FetchError(ValueError):
    """A URL that is not fetched; the message says why."""


async def fetch(url: str) -> str:
    """Fetch a file into Gradio's folder, without reading it into memory.

    Args:
        url: of the file, http or https; each redirect has to lead to a public address too.

    Returns:
        Path of the file, whose name is the URL's.

    Raises:
        FetchError: if the address is private, unknown or does not answer, or the file is too large.
    """
    try:
        return await asyncio.wait_for(_fetched(url), SECONDS)
    except asyncio.TimeoutError as error:
        raise FetchError(f"the URL {shortened(url)} did not give its file within {SECONDS:g} seconds") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        if isinstance(error, FetchError):
            raise
        raise FetchError(f"the URL {shortened(url)} cannot be fetched: send the file with the request") from error


def new_file(name: str) -> str:
    """A path for a new file in a new folder of Gradio's."""
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return str(Path(tempfile.mkdtemp(dir=folder)) / name)


def shortened(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, not of this machine, its network or its provider."""
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    bridged = ip.version == 6 and any(ip in net for net in _BRIDGES)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or bridged)


async def _fetched(url: str) -> str:
    """Follow redirects, each checked anew, to a file."""
    target = url
    for _ in range(_REDIRECTS + 1):
        request = httpx.URL(target)
        if request.scheme not in ("http", "https") or not request.host:
            raise FetchError(f"the URL {shortened(url)} leads to {shortened(target)}: expected http or https")
        # Nothing else looks the name up again, and no proxy of the environment either.
        transport = _Pinned(await _public_address(request.host, url))
        headers = {"Accept-Encoding": "identity"}  # what is unpacked has no size beforehand
        async with (
            httpx.AsyncClient(transport=transport, trust_env=False, timeout=SECONDS) as client,
            client.stream("GET", request, headers=headers, follow_redirects=False) as answer,
        ):
            if answer.status_code not in _MOVED or "location" not in answer.headers:
                return await _saved(answer, url)
            target = urljoin(target, answer.headers["location"])
    raise FetchError(f"the URL {shortened(url)} is redirected more than {_REDIRECTS} times")


async def _public_address(host: str, url: str) -> str:
    """One address of a host, all of whose addresses are public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"the URL {shortened(url)} names a server that is not known: {shortened(host)}") from error
    addresses = [entry[4][0] for entry in found]
    if not all(is_public(address.partition("%")[0]) for address in addresses):
        raise FetchError(f"the URL {shortened(url)} leads to a private address: send the file with the request")
    return addresses[0]


class _Pinned(httpx.AsyncHTTPTransport):
    """Connects to the address that was checked; a second look-up of the name could give another one."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask by address, with the name in the header and for the certificate."""
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._address)  # the header Host was set before
        return await super().handle_async_request(request)


async def _saved(answer: httpx.Response, url: str) -> str:
    """Write the body of an answer."""
    if answer.status_code != 200:
        raise FetchError(f"the URL {shortened(url)} answered {answer.status_code} instead of a file")
    name = strip_invalid_filename_characters(PurePosixPath(answer.url.path).name)  # "file" if empty
    path = Path(new_file(name))
    try:
        with path.open("wb") as file:  # noqa: ASYNC230  # a chunk takes no time to write
            async for chunk in _limited(answer, url):
                file.write(chunk)
    except BaseException:
        shutil.rmtree(path.parent)
        raise
    return str(path)


async def _limited(answer: httpx.Response, url: str) -> AsyncIterator[bytes]:
    """The body of an answer, as far as it keeps the limit."""
    size = 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        if size > MAX_BYTES:
            raise FetchError(f"the file at {shortened(url)} is too large: at most {MAX_BYTES // 10**6} MB are read")
        yield chunk
