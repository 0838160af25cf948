"""The Hub's real client pushes to a double of the Hub: what is sent, what is tried again, and what is said."""

import json
import logging
import shutil
from unittest.mock import Mock

import pytest
import torch
from huggingface_hub import HfApi, constants

from fusion_model import PoseEstimator
from fusion_model.hub.checkpoints import load_checkpoint
from fusion_model.hub.fetch import fetch
from fusion_model.hub.push import Pushed, push_folder

FILES = ("config.json", "model.safetensors", "README.md")
CARD = "---\npipeline_tag: keypoint-detection\n---\n\n# A card\n"
CHANGED = CARD + "More.\n"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    PoseEstimator.random("tiny").save_pretrained(folder, card=CARD)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The seconds that were waited; nothing waits here."""
    seconds = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@pytest.fixture
def said():
    return []


@pytest.fixture
def push(hub, folder, said):
    return lambda **options: push_folder(folder, "user/name", **{"token": hub.token, "tell": said.append, **options})


def refused(push, words, **options):
    """The one sentence that a push ends with."""
    with pytest.raises(ValueError, match=words) as error:
        push(**options)
    assert "\n" not in str(error.value)
    assert error.value.__cause__ is None, "a traceback would show it"
    return str(error.value)


def local(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def published(hub, revision="main"):
    files = {path.name: path.read_bytes() for path in hub.folder_of(revision).iterdir()}
    assert files.pop(".gitattributes")
    return files


def test_three_files_arrive_as_one_commit_and_nothing_else(hub, folder, push, said, tmp_path, monkeypatch):
    (folder / "optimizer.bin").write_bytes(b"state")
    done = push(tag="v1", message="Better")
    assert done == Pushed(f"{hub.url}/user/name/tree/v1", hub.refs["main"], uploaded=True)
    assert hub.messages == ["Better"]
    assert published(hub) == published(hub, "v1") == local(folder)
    assert len(hub.commits) == 2, "the repository's first, and ours"
    assert list(hub.objects.values()) == [(folder / "model.safetensors").read_bytes()], "the large file went by LFS"
    assert (hub.asked_for("PUT /lfs/"), hub.private, said) == (1, False, [])
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "fresh"))
    assert local(fetch("user/name", "v1", FILES).folder) == local(folder)
    ours, theirs = load_checkpoint(folder)[1], load_checkpoint("user/name@v1")[1]
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_only_what_has_changed_is_sent_and_a_tag_is_never_moved(hub, folder, push):
    first = push()
    hub.asked.clear()
    assert push() == Pushed(first.url, first.commit, uploaded=False)
    assert not any(hub.asked_for(part) for part in ("PUT", "/commit/", "/preupload/", "/lfs/"))
    tagged = push(tag="v1")
    assert tagged == Pushed(f"{first.url}/tree/v1", first.commit, uploaded=False)
    assert push(tag="v1") == tagged
    before = dict(hub.refs)
    refused(push, r"the tag 'v1' of 'user/name' marks other files, .* choose another tag", tag="v1", card=CHANGED)
    assert hub.refs == before
    assert push(card=CHANGED).uploaded
    assert published(hub) == {**local(folder), "README.md": CHANGED.encode()}
    assert (folder / "README.md").read_text() == CARD
    assert (hub.asked_for("/commit/"), hub.asked_for("PUT /lfs/")) == (1, 0)
    assert push(tag="v1") == tagged, "main has moved on"


def test_a_private_repository_is_made_and_a_public_one_refused(hub, push):
    push(private=True)
    assert hub.private is True
    hub.private = False
    refused(push, "'user/name' is there already and public, nothing was sent", private=True, card=CHANGED)
    assert push().uploaded is False


STEPS = {"create": "/repos/create", "paths": "/paths-info/main", "card": "/validate-yaml", "preupload": "/preupload/"}
STEPS |= {"batch": "/objects/batch", "commit": "/commit/", "tag": "/tag/"}
STEPS = {step: ("POST", path) for step, path in STEPS.items()} | {"lfs": ("PUT", "/lfs/")}
FAILURES = [*((step, 503) for step in STEPS), *((step, "lost") for step in ("create", "commit", "tag"))]
OWN_TRIES = ("preupload", "batch", "lfs")  # of the client, which tells about them


@pytest.mark.parametrize(("step", "what"), FAILURES)
def test_a_failure_that_passes_is_got_over(hub, folder, push, said, waits, step, what):
    hub.mishaps = [(*STEPS[step], what)]
    done = push(tag="v1")
    assert hub.mishaps == [], "it happened"
    assert done == Pushed(f"{hub.url}/user/name/tree/v1", hub.refs["main"], uploaded=True)
    assert published(hub, "v1") == local(folder)
    assert len(hub.commits) == 2, "no commit twice, also when the answer was lost"
    assert (len(waits), len(said)) == (1, 0 if step in OWN_TRIES else 1)


@pytest.mark.parametrize("what", [429, "cut"])
def test_tries_are_bounded_and_the_waits_grow(hub, folder, push, said, waits, what):
    hub.mishaps = [(*STEPS["commit"], what)] * 50
    refused(push, r"does not work now \((HTTP 429|no connection).*run the same command again later", tag="v1")
    assert waits == [2.0, 8.0]
    assert [sentence.rpartition(": ")[2] for sentence in said] == ["try 2 of 3 in 2 seconds", "try 3 of 3 in 8 seconds"]
    assert hub.asked_for("/commit/") == 3
    assert published(hub) == {}, "nothing is left behind"
    assert "v1" not in hub.refs
    hub.mishaps = []
    hub.asked.clear()
    assert push(tag="v1").uploaded
    assert hub.asked_for("PUT /lfs/") == 0, "the large file had arrived already"
    assert published(hub, "v1") == local(folder)


@pytest.mark.parametrize(
    ("step", "status", "words"),
    [
        ("create", 401, r"does not accept the access token \(401\).* 'hf auth login'"),
        ("preupload", 404, r"the Hub has no 'user/name' .* \(404\): check the spelling, and that 'user'"),
        ("lfs", 403, r"may not write to 'user/name' \(403\): use a token with write permission"),
        ("commit", 413, r"the Hub did not take 'user/name': a mishap \(413\)$"),
    ],
)
def test_a_refusal_is_one_sentence_and_not_tried_again(hub, push, said, waits, step, status, words):
    hub.mishaps = [(*STEPS[step], status)] * 50
    refused(push, words, tag="v1")
    assert (said, waits, len(hub.mishaps)) == ([], [], 49)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError("denied"), r"may not write to 'user/name' \(403\)"),
        (RuntimeError("HTTP status client error (401 Unauthorized)"), r"does not accept the access token \(401\)"),
        (RuntimeError("HTTP status client error (408 Request Timeout)"), r"does not work now \(HTTP 408\)"),
        (json.JSONDecodeError("no", "", 0), r"does not work now \(the answer was not that of a Hub\)"),
    ],
)
def test_what_the_client_says_in_words_alone_is_understood(push, monkeypatch, error, words):
    monkeypatch.setattr(HfApi, "create_commit", Mock(side_effect=error))
    refused(push, words)


def test_the_token_and_signatures_are_never_shown(hub, push, said, caplog, capfd):
    library, other = logging.getLogger("huggingface_hub"), "hf_" + 34 * "z"
    hub.token = hub.token.removeprefix("hf_")
    library.addHandler(caplog.handler)
    try:
        hub.mishaps = [(*STEPS["lfs"], 500)] * 50
        told = refused(push, "does not work now")
        hub.mishaps = [(*STEPS["commit"], 409)]
        hub.refusal = f"Bearer {hub.token} or {other} is tired of https://cdn.example.org/a?signature=geheim"
        told += refused(push, "did not take 'user/name': Bearer <token> or <token> is tired of")
    finally:
        library.removeHandler(caplog.handler)
    assert caplog.handler.filters == [], "it is left as it was"
    assert any("PUT" in line and "/lfs/" in line for line in caplog.messages)
    everything = "".join([*said, told, caplog.text, *capfd.readouterr()])
    assert not any(secret in everything for secret in (hub.token, other, "geheim"))


def test_nothing_is_sent_without_a_usable_token_or_in_offline_mode(hub, push, monkeypatch):
    for token in ("hf_abc\x01def", "hf_äöü", "hf_abc def"):
        assert token not in refused(push, "holds characters that no token has", token=token)
    refused(push, "log in with 'hf auth login', or set HF_TOKEN", token=None)
    for tag in ("a..b", "a.lock", "a.", "-a", "main"):
        refused(push, f"a tag is letters, .* and not 'main', got '{tag}'", tag=tag)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    with monkeypatch.context() as patch:
        patch.setattr(constants, "HF_HUB_OFFLINE", True)
        refused(push, "^offline mode is on, nothing was sent: unset HF_HUB_OFFLINE to publish$")
    assert hub.asked == []
    assert push(token=None).uploaded


def test_a_broken_checkpoint_is_never_published(hub, folder, push):
    (folder / "README.md").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no README\.md"):
        push()
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match="truncated"):
        push()
    assert hub.asked == []


def test_an_estimator_in_memory_is_pushed(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", hub.token)
    estimator = PoseEstimator.random("tiny")
    assert estimator.push_to_hub("user/name", card=CARD, private=True, tag="v2") == f"{hub.url}/user/name/tree/v2"
    assert hub.private
    assert PoseEstimator.from_pretrained("user/name@v2", device="cpu").config == estimator.config
