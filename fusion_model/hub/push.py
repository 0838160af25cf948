"""Checkpoints onto the Hugging Face Hub: checked first, sent as one commit, and safe to run again at any point."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from huggingface_hub import CommitOperationAdd, HfApi, constants, get_token, is_offline_mode
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from fusion_model.hub.checkpoints import CARD_FILE, FILES, load_checkpoint
from fusion_model.hub.fetch import first_line

_WAITS = (2.0, 8.0)  # seconds before the second and the third try; the client itself repeats some requests besides
_PASSING = (408, 429)  # and every 5xx: the same request may well work later
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_XET_STATUS = re.compile(r"HTTP status client error \((\d{3})")  # hf_xet says it in words alone

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Pushed:
    """What a push has led to.

    Attributes:
        url: address of the repository, or of the tag.
        commit: the commit that holds the files, 40 hexadecimal digits.
        uploaded: False if the Hub held the same files already.
    """

    url: str
    commit: str
    uploaded: bool


def push_folder(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    private: bool = False,
    tag: str | None = None,
    card: str | None = None,
    message: str = "Upload checkpoint",
    token: str | None = None,
    tell: Callable[[str], None] = _log.warning,
) -> Pushed:
    """Upload a checkpoint's three files to the Hub as one commit, creating the repository if need be.

    What may pass (5xx, a connection that is cut) is tried three times. Whatever happens, the repository holds the old
    files or the new ones, and the same call can be made again: what has arrived is not sent twice.

    Args:
        folder: a checkpoint; it is loaded first, so that a broken one is never published.
        repo_id: ``"user/name"``.
        private: whether the repository has to be private; one that is there already and public is refused.
        tag: name for the revision, such as ``"v1"``. A tag that is there already and marks other files is refused.
        card: text of ``README.md``; None for the folder's own.
        message: commit message.
        token: access token; None for the one of the environment or of ``hf auth login``.
        tell: takes a sentence about each further try.

    Raises:
        FileNotFoundError: if a file of the checkpoint, the card included, is missing.
        ValueError: if the checkpoint is damaged, or the Hub cannot be reached or refuses: one sentence, without the
            token, that says what to do.
    """
    check_target(repo_id, tag)
    token = find_token(token)
    load_checkpoint(folder)
    sender = _Sender(HfApi(token=token), repo_id, _operations(Path(folder), card), tell)
    with clear_failures(repo_id, token):
        return sender.send(private=private, tag=tag, message=message)


@contextmanager
def clear_failures(repo_id: str, token: str) -> Iterator[None]:
    """Turn what fails on the way to the Hub into one sentence that says what to do; the token is never shown.

    Args:
        repo_id: what is being sent to.
        token: access token in use.

    Raises:
        ValueError: with that sentence.
    """
    with _redacted_log(token):
        try:
            yield
        except (HTTPError, OSError, RuntimeError, json.JSONDecodeError) as error:  # RuntimeError: of hf_xet
            raise ValueError(_redact(_sentence(error, repo_id), token)) from None  # the cause may hold the token
        except ValueError as error:
            raise ValueError(_redact(" ".join(str(error).split()), token)) from None


def check_target(repo_id: str, tag: str | None = None) -> None:
    """Check the names of a repository and a tag.

    Raises:
        ValueError: if the Hub could not take them.
    """
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise ValueError(f"{repo_id!r} is no valid repository name: {first_line(error)}") from error
    if repo_id.count("/") != 1:
        raise ValueError(f"the repository must be named as 'user/name', got {repo_id!r}")
    unusable = tag is not None and (not _TAG.fullmatch(tag) or ".." in tag or tag.endswith((".", ".lock")))
    if unusable or tag == constants.DEFAULT_REVISION:
        raise ValueError(f"a tag is letters, digits, '.', '_' and '-', such as v1, and not 'main', got {tag!r}")


def find_token(token: str | None = None) -> str:
    """The access token to use: the one given, of ``HF_TOKEN``, or of ``hf auth login``.

    Raises:
        ValueError: if there is none or it cannot be one, or in offline mode.
    """
    if is_offline_mode():
        raise ValueError("offline mode is on, nothing was sent: unset HF_HUB_OFFLINE to publish")
    token = token or get_token()
    if not token:
        raise ValueError(
            "publishing needs an access token: log in with 'hf auth login', or set HF_TOKEN to a token with write "
            "permission (https://huggingface.co/settings/tokens)"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("the access token holds characters that no token has: copy it again, or use 'hf auth login'")
    return token


class _Sender:
    """One push: where to, what, and whom to tell."""

    def __init__(
        self, api: HfApi, repo_id: str, operations: dict[str, CommitOperationAdd], tell: Callable[[str], None]
    ) -> None:
        self.api, self.repo_id, self.operations, self.tell = api, repo_id, operations, tell

    def send(self, *, private: bool, tag: str | None, message: str) -> Pushed:
        """Create, upload and tag; each step finds out what is done already."""
        url = self._try("creating the repository", lambda: self._create(private=private))
        if tag and self._try("looking for the tag", lambda: self._holds(tag)):
            commit = self._try("looking for the tag", lambda: self._commit_of(tag))
            return Pushed(f"{url}/tree/{tag}", commit, uploaded=False)
        uploaded = not self._try("comparing the files", lambda: self._holds(constants.DEFAULT_REVISION))
        if uploaded:
            commit = self._try("uploading", lambda: self._upload(message))
        else:
            commit = self._try("comparing the files", lambda: self._commit_of(constants.DEFAULT_REVISION))
        if tag:
            self._try("tagging", lambda: self._tag(tag, commit))
            url = f"{url}/tree/{tag}"
        return Pushed(url, commit, uploaded)

    def _try(self, what: str, step: Callable[[], _T]) -> _T:
        """What a step returns; failures that may pass are tried again, after growing waits."""
        for number, wait in enumerate(_WAITS, 2):
            try:
                return step()
            except (HTTPError, OSError, json.JSONDecodeError) as error:
                if not _may_pass(error):
                    raise
                self.tell(f"{what} failed ({_reason(error)}): try {number} of {len(_WAITS) + 1} in {wait:g} seconds")
            time.sleep(wait)
        return step()

    def _create(self, *, private: bool) -> str:
        """Make sure that the repository is there, and not in public if it must not be; returns its address."""
        self.api.create_repo(self.repo_id, private=private, exist_ok=True)
        if private and not self.api.model_info(self.repo_id).private:
            raise ValueError(
                f"{self.repo_id!r} is there already and public, nothing was sent: make it private in its settings, or "
                "choose another name"
            )
        return f"{self.api.endpoint}/{self.repo_id}"

    def _holds(self, revision: str) -> bool:
        """Whether a revision holds exactly these files; a tag that marks others is an error."""
        try:
            found = self.api.get_paths_info(self.repo_id, list(FILES), revision=revision)
        except RevisionNotFoundError:
            return False
        theirs = {file.path: file.lfs.sha256 if file.lfs else file.blob_id for file in found}
        same = theirs == {name: _oid(one, theirs.get(name, "")) for name, one in self.operations.items()}
        if not same and revision != constants.DEFAULT_REVISION:
            raise ValueError(
                f"the tag {revision!r} of {self.repo_id!r} marks other files, and tags are not moved: choose another "
                "tag, or delete that one first"
            )
        return same

    def _commit_of(self, revision: str) -> str:
        """The commit that a revision stands for."""
        return self.api.model_info(self.repo_id, revision=revision).sha

    def _upload(self, message: str) -> str:
        """All files as one commit: nobody ever sees half of a checkpoint. Returns the commit."""
        fresh = [CommitOperationAdd(name, one.path_or_fileobj) for name, one in self.operations.items()]
        try:
            return self.api.create_commit(self.repo_id, fresh, commit_message=message).oid
        except RuntimeError as error:  # so the client wraps what happens to a large file
            raise error.__cause__ or error from None

    def _tag(self, tag: str, commit: str) -> None:
        """Tag a commit; that the tag is there already is fine if it marks these files."""
        try:
            self.api.create_tag(self.repo_id, tag=tag, revision=commit)
        except HfHubHTTPError as error:
            if error.response.status_code != 409 or not self._holds(tag):
                raise


def _operations(folder: Path, card: str | None) -> dict[str, CommitOperationAdd]:
    """The three files and nothing else, whatever the folder holds."""
    sources: dict[str, str | bytes] = {name: str(folder / name) for name in FILES}
    if card is not None:
        sources[CARD_FILE] = card.encode()
    elif not (folder / CARD_FILE).is_file():
        raise FileNotFoundError(f"the checkpoint {folder} has no {CARD_FILE}")
    return {name: CommitOperationAdd(name, source) for name, source in sources.items()}


def _oid(operation: CommitOperationAdd, theirs: str) -> str:
    """The name that the Hub gives to a file's content: its SHA-256 (large files) or git's, as their own name is."""
    if len(theirs) == 64:
        return operation.upload_info.sha256.hex()
    with operation.as_file() as file:
        data = file.read()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _status(error: BaseException) -> int | None:
    """The HTTP status that an exception is about, if any."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code
    if isinstance(error, PermissionError):  # of hf_xet
        return 403
    found = _XET_STATUS.search(str(error))
    return int(found[1]) if found else None


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may work later."""
    if isinstance(error, OfflineModeIsEnabled):
        return False
    status = _status(error)
    if status is not None:
        return status >= 500 or status in _PASSING
    # what is no JSON comes from a gateway on the way; other errors of files (OSError) stay as they are
    return isinstance(error, (HTTPError, ConnectionError, TimeoutError, json.JSONDecodeError))


def _reason(error: BaseException) -> str:
    """What went wrong, in a few words."""
    status = _status(error)
    if status is not None:
        return f"HTTP {status}"
    if isinstance(error, json.JSONDecodeError):
        return "the answer was not that of a Hub"
    return f"no connection: {first_line(error)}"


def _sentence(error: BaseException, repo_id: str) -> str:
    """What went wrong with a push, and what to do."""
    owner = repo_id.partition("/")[0]
    status = _status(error)
    if status == 401:
        return (
            f"the Hub does not accept the access token (401), {repo_id!r} was not published: log in again with "
            "'hf auth login', or set HF_TOKEN to a valid token with write permission"
        )
    if status == 403:
        return (
            f"the access token may not write to {repo_id!r} (403): use a token with write permission, and a "
            f"repository of your own or of an organisation that lets you write, if {owner!r} is not yours"
        )
    if status == 404:
        return (
            f"the Hub has no {repo_id!r} that this access token may see (404): check the spelling, and that "
            f"{owner!r} is your user name or an organisation of yours"
        )
    if _may_pass(error):
        return (
            f"{repo_id!r} could not be published, {constants.ENDPOINT} does not work now ({_reason(error)}): run the "
            "same command again later, what has arrived is not sent twice"
        )
    said = " ".join((getattr(error, "server_message", None) or first_line(error)).split())
    return f"the Hub did not take {repo_id!r}: {said}" + (f" ({status})" if status else "")


def _redact(text: str, token: str) -> str:
    """A text without the token, without what looks like one, and without the signatures of addresses."""
    text = re.sub(r"hf_[A-Za-z0-9]{20,}", "<token>", text.replace(token, "<token>"))
    return re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]+", r"\1?...", text)


@contextmanager
def _redacted_log(token: str) -> Iterator[None]:
    """The client prints the addresses of requests that it repeats, signatures included: leave those out."""

    def redact(record: logging.LogRecord) -> bool:
        record.msg, record.args = _redact(record.getMessage(), token), ()
        return True

    handlers = logging.getLogger("huggingface_hub").handlers
    for handler in handlers:
        handler.addFilter(redact)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(redact)
