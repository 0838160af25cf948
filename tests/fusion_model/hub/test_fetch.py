"""The Hub's real client against a double of the Hub: what is downloaded, when it is asked, and what happens without."""

import time

import pytest
from huggingface_hub import constants

from fusion_model.hub import fetch as hub_module
from fusion_model.hub.fetch import HubUnreachableError, Snapshot, fetch

FILES = ("config.json", "model.safetensors", "README.md")


def write(folder, text):
    folder.mkdir(exist_ok=True)
    for name in FILES:
        (folder / name).write_text(f"{text} {name}")
    return folder


@pytest.fixture
def commit(hub, tmp_path):
    return hub.push(write(tmp_path / "first", "first"))


@pytest.fixture
def cached(hub, commit):  # noqa: ARG001
    """The snapshot, fetched already, with the Hub's memory of that wiped."""
    snapshot = fetch("user/name", None, FILES)
    hub.asked.clear()
    return snapshot


def config_of(snapshot):
    return (snapshot.folder / "config.json").read_text()


def test_a_second_start_asks_but_downloads_nothing(hub, cached, commit):
    assert config_of(cached) == "first config.json"
    assert sorted(path.name for path in cached.folder.iterdir()) == sorted(FILES)
    assert fetch("user/name", None, FILES) == cached == Snapshot(cached.folder)
    assert hub.asked == [("GET", "/api/models/user/name")]
    assert cached.folder.name == commit


def test_a_pinned_commit_is_asked_for_once(hub, commit):
    snapshot = fetch("user/name", commit, FILES)
    assert hub.downloads() == 3
    hub.asked.clear()
    assert fetch("user/name", commit, FILES) == snapshot
    assert hub.asked == []


@pytest.mark.usefixtures("commit")
def test_a_revision_is_the_one_that_is_meant(hub, tmp_path):
    other = hub.push(write(tmp_path / "other", "other"), branch="v2")
    assert config_of(fetch("user/name", "v2", FILES)) == "other config.json"
    assert config_of(fetch("user/name", None, FILES)) == "first config.json"
    assert config_of(fetch("user/name", other, FILES)) == "other config.json"
    hub.close()
    assert config_of(fetch("user/name", "v2", FILES)) == "other config.json"


@pytest.mark.usefixtures("cached")
def test_a_new_commit_is_fetched_and_remembered(hub, tmp_path):
    hub.push(write(tmp_path / "second", "second"))
    second = fetch("user/name", "main", FILES)
    assert config_of(second) == "second config.json"
    hub.close()
    assert fetch("user/name", "main", FILES).folder == second.folder


def test_a_new_commit_that_does_not_arrive_leaves_the_old_one(hub, cached, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # the client's pauses
    hub.push(write(tmp_path / "second", "second"))
    hub.mood_of_files = "failing"
    found = fetch("user/name", None, FILES)
    assert found.folder == cached.folder
    assert found.unreachable


def test_a_file_that_the_repository_lacks_is_left_out(hub, tmp_path):
    folder = write(tmp_path / "bare", "bare")
    (folder / "README.md").unlink()
    commit = hub.push(folder)
    snapshot = fetch("user/name", commit, FILES)
    hub.asked.clear()
    assert fetch("user/name", commit, FILES) == snapshot
    assert hub.asked == []
    for path in folder.iterdir():
        path.unlink()
    hub.push(folder, branch="empty")
    hub.commits["0" * 40] = folder
    with pytest.raises(FileNotFoundError, match=r"'user/name' is no checkpoint: it has no config\.json"):
        fetch("user/name", "0" * 40, FILES)


@pytest.mark.parametrize("mood", ["gone", "failing", "hanging", "no hub"])
@pytest.mark.parametrize("holds", [True, False], ids=["cached", "not cached"])
def test_without_the_hub_the_cache_counts(hub, commit, monkeypatch, mood, holds):
    monkeypatch.setattr(hub_module, "_ANSWER_SECONDS", 0.5)
    before = fetch("user/name", None, FILES) if holds else None
    hub.mood = mood
    if mood == "gone":
        hub.close()
    began = time.monotonic()
    if holds:
        found = fetch("user/name", None, FILES)
        assert found.folder == before.folder
        assert found.unreachable
        assert fetch("user/name", commit, FILES) == before
    else:
        for revision in (None, "main", commit):
            with pytest.raises(HubUnreachableError, match="the Hub cannot be reached, and the local cache does not"):
                fetch("user/name", revision, FILES)
    assert time.monotonic() - began < 5


@pytest.mark.slow
@pytest.mark.usefixtures("hub", "cached")
@pytest.mark.parametrize("variable", [None, "1"])
def test_a_black_hole_is_left_in_seconds(black_hole, monkeypatch, variable):
    monkeypatch.setattr(constants, "ENDPOINT", black_hole)
    if variable:
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", variable)
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", int(variable))
    began = time.monotonic()
    assert fetch("user/name", None, FILES).unreachable
    assert time.monotonic() - began < (2 if variable else 6)


@pytest.mark.usefixtures("cached")
def test_a_look_up_of_a_name_that_never_ends_is_left_too(hub, monkeypatch):
    monkeypatch.setattr(hub_module, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(hub_module.HfApi, "model_info", lambda *_, **__: hub.released.wait())
    assert fetch("user/name", None, FILES).unreachable == "the Hub did not answer within 0.2 s"


def test_offline_mode_asks_nobody(hub, cached, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    found = fetch("user/name", None, FILES)
    assert found.folder == cached.folder
    assert found.unreachable
    assert hub.asked == []


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("mood", ["no repository", "private", "gated"])
def test_a_hub_that_refuses_is_believed_whatever_the_cache_holds(hub, mood):
    hub.mood = mood
    with pytest.raises(FileNotFoundError, match="the Hub has no such repository or revision, or it is") as error:
        fetch("user/name", None, FILES)
    assert not isinstance(error.value, HubUnreachableError)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("commit")
def test_files_may_be_gated_where_the_repository_is_not(hub):
    hub.mood_of_files = "gated"
    with pytest.raises(FileNotFoundError, match="gated"):
        fetch("user/name", None, FILES)


@pytest.mark.usefixtures("hub", "cached")
def test_a_revision_that_is_not_there_and_a_bad_name():
    with pytest.raises(FileNotFoundError, match="no such repository or revision") as error:
        fetch("user/name", "v9", FILES)
    assert not isinstance(error.value, HubUnreachableError)
    with pytest.raises(ValueError, match="'user/na--me' is neither a folder nor a valid Hub id"):
        fetch("user/na--me", None, FILES)
