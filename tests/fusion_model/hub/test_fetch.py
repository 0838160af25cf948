"""The Hub's real client against a double of the Hub: what is downloaded, when it is asked, and what happens without."""

import time

import pytest
from huggingface_hub import constants

from fusion_model.hub import fetch as hub_module
from fusion_model.hub.fetch import HubUnreachableError, Snapshot, fetch

FILES = ("config.json", "model.safetensors", "README.md")


def fetched(revision=None):
    return fetch("user/name", revision, FILES)


@pytest.fixture
def push(hub, tmp_path):
    """Publishes files that say so much; returns the commit."""

    def write(text, files=FILES, **options):
        (tmp_path / text).mkdir()
        for name in files:
            (tmp_path / text / name).write_text(f"{text} {name}")
        return hub.push(tmp_path / text, **options)

    return write


@pytest.fixture
def cached(hub, push):
    """The snapshot, fetched already; the Hub has forgotten that it was asked."""
    push("first")
    snapshot = fetched()
    hub.asked.clear()
    return snapshot


def config_of(snapshot):
    return (snapshot.folder / "config.json").read_text()


def test_a_second_start_asks_but_downloads_nothing(hub, cached):
    assert config_of(cached) == "first config.json"
    assert sorted(path.name for path in cached.folder.iterdir()) == sorted(FILES)
    assert fetched() == cached == Snapshot(cached.folder)
    assert hub.asked == ["GET /api/models/user/name"]
    assert cached.folder.name == hub.refs["main"]


def test_a_pinned_commit_is_asked_for_once(hub, push):
    commit = push("bare", FILES[:2])  # a file that the repository lacks is left out
    snapshot = fetched(commit)
    assert hub.asked_for("GET /user/name/resolve/") == 2
    hub.asked.clear()
    assert (fetched(commit), hub.asked) == (snapshot, [])
    with pytest.raises(FileNotFoundError, match=r"'user/name' is no checkpoint: it has no config\.json"):
        fetched(push("empty", ()))


@pytest.mark.usefixtures("cached")
def test_a_revision_is_the_one_that_is_meant_and_a_new_commit_is_fetched_and_remembered(hub, push):
    other = push("other", branch="v2")
    push("second")
    for revision, text in (("v2", "other"), (None, "second"), (other, "other")):
        assert config_of(fetched(revision)) == f"{text} config.json"
    with pytest.raises(FileNotFoundError, match=r"no folder 'user/name@v9', .* no such repository or revision"):
        fetched("v9")
    hub.close()
    for revision, text in (("v2", "other"), (None, "second")):
        assert config_of(fetched(revision)) == f"{text} config.json"


def test_a_new_commit_of_which_a_part_arrives_leaves_the_old_one_and_is_fetched_whole(hub, cached, push, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # the client's pauses
    new = push("second")
    hub.mishaps = [(method, "/model.safetensors", 503) for method in ("HEAD", "GET")] * 50
    found = fetched()
    assert found.folder == cached.folder
    assert found.unreachable
    with pytest.raises(HubUnreachableError):
        fetched(new)
    hub.mishaps = []
    assert {path.name for path in fetched(new).folder.iterdir()} == set(FILES)


@pytest.mark.parametrize("mood", ["gone", "failing", "hanging", "no hub", "offline mode"])
def test_without_the_hub_the_cache_counts(hub, cached, push, monkeypatch, mood):
    new = push("second")
    monkeypatch.setattr(hub_module, "_ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", mood == "offline mode")
    hub.mood = mood
    if mood == "gone":
        hub.close()
    began = time.monotonic()
    found = fetched()
    assert found.folder == cached.folder
    assert found.unreachable
    assert fetched(cached.folder.name) == cached
    for revision in ("v2", new):  # not in the cache
        with pytest.raises(HubUnreachableError, match="the Hub cannot be reached, and the local cache does not"):
            fetched(revision)
    assert time.monotonic() - began < 5
    assert mood != "offline mode" or hub.asked == []


@pytest.mark.usefixtures("cached")
def test_a_look_up_of_a_name_that_never_ends_is_left_too(hub, monkeypatch):
    monkeypatch.setattr(hub_module, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(hub_module.HfApi, "model_info", lambda *_, **__: hub.released.wait())
    assert fetched().unreachable == "the Hub did not answer within 0.2 s"
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.1")  # the client has read it
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.1)
    assert fetched().unreachable == "the Hub did not answer within 0.1 s"


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("mood", ["no repository", "private", "gated"])
def test_a_hub_that_refuses_is_believed_whatever_the_cache_holds(hub, mood):
    hub.mood = mood
    with pytest.raises(FileNotFoundError, match="the Hub has no such repository or revision, or it is") as error:
        fetched()
    assert not isinstance(error.value, HubUnreachableError)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="'user/na--me' is neither a folder nor a valid Hub id"):
        fetch("user/na--me", None, FILES)
