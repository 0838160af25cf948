"""The Hub's real client pushes to a double of the Hub: what is sent, what is tried again, and what is said."""

import logging
import shutil

import pytest
import torch
from huggingface_hub import constants

from fusion_model import PoseEstimator
from fusion_model.hub.checkpoints import load_checkpoint
from fusion_model.hub.fetch import fetch
from fusion_model.hub.push import Pushed, check_target, push_folder

FILES = ("config.json", "model.safetensors", "README.md")
CARD = "---\npipeline_tag: keypoint-detection\n---\n\n# A card\n"


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
    def start(**options):
        return push_folder(folder, "user/name", **{"token": hub.token, "tell": said.append, **options})

    return start


def published(hub, revision="main"):
    return {path.name: path.read_bytes() for path in hub.folder_of(revision).iterdir()}


def local(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def is_published(hub, folder, revision="main"):
    files = published(hub, revision)
    assert files.pop(".gitattributes")
    return files == local(folder)


def test_three_files_arrive_as_one_commit_and_nothing_else(hub, folder, push, said):
    (folder / "optimizer.bin").write_bytes(b"state")
    done = push(tag="v1")
    assert done == Pushed(f"{hub.url}/user/name/tree/v1", hub.refs["main"], uploaded=True)
    assert is_published(hub, folder)
    assert is_published(hub, folder, "v1")
    assert len(hub.commits) == 2, "the repository's first, and ours"
    assert list(hub.objects.values()) == [(folder / "model.safetensors").read_bytes()], "the large file went by LFS"
    assert hub.asked_for("PUT /lfs/") == 1
    assert hub.private is False
    assert said == []


@pytest.mark.usefixtures("hub")
def test_what_was_pushed_can_be_fetched(folder, push, tmp_path, monkeypatch):
    push(tag="v1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "fresh"))
    assert local(fetch("user/name", "v1", FILES).folder) == local(folder)
    ours, theirs = load_checkpoint(folder)[1], load_checkpoint("user/name@v1")[1]
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_same_again_sends_nothing(hub, push):
    first = push()
    hub.asked.clear()
    assert push() == Pushed(first.url, first.commit, uploaded=False)
    assert not any(hub.asked_for(part) for part in ("PUT", "/commit/", "/preupload/", "/lfs/"))
    tagged = push(tag="v1")
    assert tagged == Pushed(f"{first.url}/tree/v1", first.commit, uploaded=False)
    assert hub.refs["v1"] == first.commit
    assert push(tag="v1") == tagged


def test_only_what_has_changed_is_sent(hub, folder, push):
    push()
    hub.asked.clear()
    done = push(card=CARD + "More.\n")
    assert done.uploaded
    assert published(hub)["README.md"] == (CARD + "More.\n").encode()
    assert (folder / "README.md").read_text() == CARD
    assert hub.asked_for("PUT /lfs/") == 0


def test_a_tag_is_never_moved(hub, push):
    push(tag="v1")
    hub.asked.clear()
    before = dict(hub.refs)
    with pytest.raises(ValueError, match=r"the tag 'v1' of 'user/name' marks other files, .* choose another tag"):
        push(tag="v1", card=CARD + "More.\n")
    assert hub.refs == before
    assert hub.asked_for("/commit/") == 0


def test_a_private_repository_is_made_and_a_public_one_refused(hub, push):
    push(private=True)
    assert hub.private is True
    hub.private = False
    with pytest.raises(ValueError, match="'user/name' is there already and public, nothing was sent"):
        push(private=True, card=CARD + "More.\n")
    assert push().uploaded is False


STEPS = [
    ("POST", "/repos/create"),
    ("POST", "/paths-info/main"),
    ("POST", "/validate-yaml"),
    ("POST", "/preupload/"),
    ("POST", "/objects/batch"),
    ("PUT", "/lfs/"),
    ("POST", "/lfs/verify"),
    ("POST", "/commit/"),
    ("POST", "/tag/"),
]


@pytest.mark.parametrize("what", [500, 503, 429, "cut", "lost", "html"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1].strip("/"))
def test_a_failure_that_passes_is_got_over(hub, folder, push, said, waits, step, what):
    if what == "html" and step[0] == "PUT":
        what = 502
    hub.mishaps = [(*step, what)]
    done = push(tag="v1")
    assert hub.mishaps == [], "it happened"
    assert done == Pushed(f"{hub.url}/user/name/tree/v1", hub.refs["main"], uploaded=True)
    assert is_published(hub, folder, "v1")
    assert len(hub.commits) == 2, "no commit twice, also when the answer was lost"
    assert len(waits) == 1
    clients_own = step[1] in ("/preupload/", "/objects/batch", "/lfs/", "/lfs/verify")
    assert len(said) == (0 if clients_own else 1), "the client tells about its own further tries"


def test_tries_are_bounded_and_the_waits_grow(hub, push, said, waits):
    hub.mishaps = [("POST", "/commit/", 500)] * 50
    with pytest.raises(ValueError, match=r"does not work now \(HTTP 500\): run the same command again later"):
        push()
    assert waits == [2.0, 8.0]
    assert said == [
        "uploading failed (HTTP 500): try 2 of 3 in 2 seconds",
        "uploading failed (HTTP 500): try 3 of 3 in 8 seconds",
    ]
    assert hub.asked_for("/commit/") == 3
    hub.mishaps = []
    hub.asked.clear()
    assert push().uploaded
    assert hub.asked_for("PUT /lfs/") == 0, "the large file had arrived already"


def test_an_upload_that_is_always_cut_leaves_nothing_behind(hub, folder, push):
    hub.mishaps = [("PUT", "/lfs/", "cut")] * 50
    with pytest.raises(ValueError, match=r"does not work now \(no connection: .*same command again later"):
        push(tag="v1")
    assert published(hub).keys() == {".gitattributes"}
    assert "v1" not in hub.refs
    hub.mishaps = []
    assert push(tag="v1").uploaded
    assert is_published(hub, folder, "v1")


def test_nobody_there(hub, push, said):
    hub.close()
    with pytest.raises(ValueError, match=r"does not work now \(no connection"):
        push()
    assert len(said) == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, r"does not accept the access token \(401\).* 'hf auth login'"),
        (403, r"may not write to 'user/name' \(403\): use a token with write permission"),
        (404, r"the Hub has no 'user/name' .* \(404\): check the spelling, and that 'user'"),
        (413, r"the Hub did not take 'user/name': a mishap \(413\)$"),
    ],
)
@pytest.mark.parametrize("step", [STEPS[0], STEPS[3], STEPS[5], STEPS[7], STEPS[8]], ids=lambda step: step[1])
def test_a_refusal_is_one_sentence_and_not_tried_again(hub, push, said, waits, step, status, words):
    hub.private = False if step[1] == "/repos/create" else None
    hub.mishaps = [(*step, status)] * 50
    with pytest.raises(ValueError, match=words) as error:
        push(tag="v1")
    assert "\n" not in str(error.value)
    assert error.value.__cause__ is None, "a traceback would show it"
    assert (said, waits) == ([], [])
    assert len(hub.mishaps) == 49


def test_a_token_that_the_hub_does_not_know(hub, push):
    with pytest.raises(ValueError, match=r"\(401\)"):
        push(token="hf_" + 34 * "y")
    assert hub.private is None


def test_somebody_elses_name(hub, folder):
    with pytest.raises(ValueError, match=r"may not write to 'other/name' \(403\).* if 'other' is not yours"):
        push_folder(folder, "other/name", token=hub.token)


def test_a_repository_that_may_be_written_but_not_created_is_used(hub, folder, push):
    hub.private = False
    hub.commit_files({".gitattributes": b"*"}, "main")
    hub.mishaps = [("POST", "/repos/create", 403)]
    assert push().uploaded
    assert is_published(hub, folder)


def test_metadata_that_the_hub_refuses_are_told(hub, push, waits):
    with pytest.raises(ValueError, match=r"Invalid metadata in README\.md\. - not YAML") as error:
        push(card="---\na: [\n---\n")
    assert "\n" not in str(error.value)
    assert waits == []
    assert published(hub).keys() == {".gitattributes"}


def test_the_token_and_signatures_are_never_shown(hub, push, said, caplog, capfd):
    library = logging.getLogger("huggingface_hub")
    seen = []
    hub.token = hub.token.removeprefix("hf_")

    class Collect(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    handler = Collect()
    library.addHandler(handler)
    hub.mishaps = [("PUT", "/lfs/", 500)] * 50
    try:
        with pytest.raises(ValueError, match="does not work now") as error:
            push()
        hub.mishaps = [("POST", "/commit/", 409)]
        other = "hf_" + 34 * "z"
        hub.refusal = f"Bearer {hub.token} or {other} is tired of https://cdn.example.org/a?signature=geheim"
        with pytest.raises(ValueError, match="did not take 'user/name': Bearer <token> or <token> is tired of") as told:
            push()
    finally:
        library.removeHandler(handler)
    assert any("PUT" in line and "/lfs/" in line for line in seen)
    everything = "".join([*seen, *said, str(error.value), str(told.value), caplog.text, *capfd.readouterr()])
    assert hub.token not in everything
    assert other not in everything
    assert "geheim" not in everything
    assert not handler.filters, "the client's log is as it was"


@pytest.mark.parametrize("token", ["hf_abc\x01def", "hf_äöü", "hf_abc def"])
def test_a_token_that_is_none_is_not_shown_either(hub, push, token):
    with pytest.raises(ValueError, match="holds characters that no token has") as error:
        push(token=token)
    assert token not in str(error.value)
    assert hub.asked == []


def test_without_a_token_it_is_said_how_to_get_one(hub, push, monkeypatch):
    with pytest.raises(ValueError, match="log in with 'hf auth login', or set HF_TOKEN"):
        push(token=None)
    assert hub.asked == []
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert push(token=None).uploaded


def test_offline_mode_sends_nothing(hub, push, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"^offline mode is on, nothing was sent: unset HF_HUB_OFFLINE to publish$"):
        push()
    assert hub.asked == []


@pytest.mark.parametrize("name", ["name", "user/na--me", "user/name/more", "user/na me", "-user/name"])
def test_names_that_the_hub_could_not_take(name):
    with pytest.raises(ValueError, match=r"is no valid repository name|must be named as 'user/name'"):
        check_target(name)


@pytest.mark.parametrize("tag", ["", "main", "a b", "-x", "a..b", "v1.lock", "a/b", "ä"])
def test_tags_that_the_hub_could_not_take(tag):
    check_target("user/name", "v1.0-rc_2")
    with pytest.raises(ValueError, match="a tag is letters"):
        check_target("user/name", tag)


def test_a_broken_checkpoint_is_never_published(hub, folder, push, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint folder"):
        push_folder(tmp_path / "none", "user/name", token=hub.token)
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
    again = PoseEstimator.from_pretrained("user/name@v2", device="cpu")
    assert again.config == estimator.config
