"""Checkpoints on the Hugging Face Hub: fetched once, then read from the local cache, whether it answers or not."""

from __future__ import annotations

import concurrent.futures
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from huggingface_hub import HfApi, constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
)

_ANSWER_SECONDS = 4.0
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REFUSED = (401, 403, 404)  # private, gated, or not there; any other failure is one of the way to the Hub

_T = TypeVar("_T")


class HubUnreachableError(FileNotFoundError):
    """The Hub cannot be reached, and the local cache does not hold the repository either."""


@dataclass(frozen=True)
class Snapshot:
    """Files of one commit of a repository, in the local cache.

    Attributes:
        folder: where they lie.
        unreachable: why the Hub could not be asked, so that there may be a newer commit; else empty.
    """

    folder: Path
    unreachable: str = ""


def fetch(repository: str, revision: str | None, files: Sequence[str]) -> Snapshot:
    """Files of a repository on the Hub: nothing is downloaded twice, and a cached commit is not even asked for.

    The Hub has a few seconds to say which commit is meant (``HF_HUB_ETAG_TIMEOUT``, else 4); after that, and where it
    fails, the cache counts. The new commit replaces the cached one only when all of it is here.

    Args:
        repository: ``"user/name"``.
        revision: branch, tag or commit; None for the main branch.
        files: what to fetch; a file that the repository lacks is left out.

    Raises:
        HubUnreachableError: if the Hub cannot be reached and the cache does not hold the files.
        FileNotFoundError: if the Hub refuses: no such repository or revision, or it is private or gated.
        ValueError: if the name is not valid.
    """
    name = f"{repository}@{revision}" if revision else repository
    try:
        pinned = revision is not None and _COMMIT.fullmatch(revision)
        if pinned and (folder := _cached(repository, revision, files)):
            return Snapshot(folder)
        return Snapshot(_download(repository, revision, _ask(repository, revision), files))
    except HFValidationError as error:
        raise ValueError(f"{name!r} is neither a folder nor a valid Hub id: {first_line(error)}") from error
    except (HTTPError, LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        reason = first_line(error)
        if isinstance(error, HfHubHTTPError) and getattr(error.response, "status_code", None) in _REFUSED:
            raise FileNotFoundError(
                f"there is no folder {name!r}, and the Hub has no such repository or revision, or it is private or "
                f"gated ({reason})"
            ) from error
    if folder := _cached(repository, revision, files):
        return Snapshot(folder, unreachable=reason)
    raise HubUnreachableError(
        f"there is no folder {name!r}, the Hub cannot be reached, and the local cache does not hold the repository "
        f"either ({reason})"
    )


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, or its name."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _ask(repository: str, revision: str | None) -> str:
    """The commit that a branch or tag stands for; the client itself would wait for the answer without end."""
    seconds = constants.HF_HUB_ETAG_TIMEOUT if "HF_HUB_ETAG_TIMEOUT" in os.environ else _ANSWER_SECONDS
    try:
        return _within(seconds, lambda: HfApi().model_info(repository, revision=revision, timeout=seconds).sha)
    except HFValidationError:
        raise
    except ValueError as error:  # no JSON: a hotel's login page, say
        raise ConnectionError(f"what answers at {constants.ENDPOINT} is no Hub: {first_line(error)}") from error


def _within(seconds: float, function: Callable[[], _T]) -> _T:
    """What a function returns or raises; TimeoutError after some seconds, for a look-up of a name cannot be cut."""
    future: concurrent.futures.Future[_T] = concurrent.futures.Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(timeout=seconds)
    except concurrent.futures.TimeoutError as error:
        raise TimeoutError(f"the Hub did not answer within {seconds:g} s") from error


def _download(repository: str, revision: str | None, commit: str, files: Sequence[str]) -> Path:
    """The folder of a commit; what the cache lacks is fetched, and then noted as what the revision stands for."""
    paths = []
    for file in files:
        with suppress(RemoteEntryNotFoundError):
            paths.append(hf_hub_download(repository, file, revision=commit))
    if not paths:
        raise FileNotFoundError(f"the Hub repository {repository!r} is no checkpoint: it has no {files[0]}")
    folder = Path(paths[0]).parent
    if revision != commit and _cached(repository, revision, files) != folder:
        hf_hub_download(repository, Path(paths[0]).name, revision=revision)  # the client notes the commit
    return folder


def _cached(repository: str, revision: str | None, files: Sequence[str]) -> Path | None:
    """The folder of a revision as it was last seen, if the cache knows about all its files."""
    found = [try_to_load_from_cache(repository, file, revision=revision) for file in files]
    paths = [path for path in found if isinstance(path, str)]
    return Path(paths[0]).parent if paths and None not in found else None
