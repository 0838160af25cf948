"""Publishing as people do it: one command, the Hub's real client, a double of the Hub on this machine."""

import json
import re

import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from fusion_model import PoseEstimator
from tests.helpers import hub_double
from tests.helpers.earlier import assert_stored
from tests.helpers.estimators import sure
from tests.helpers.own_process import call
from train import publish
from train.evaluation.card import card_text, write_card

pytestmark = pytest.mark.slow
hub = hub_double.hub  # a fixture

TRAINING = {"mean pose": {"n": 6, "mpjpe": 301.25, "order": 50.0}, "released": {"n": 6, "mpjpe": 123.45, "order": 71.0}}
KEPT = {"fusion": TRAINING, "provenance": {"hourglass": {"steps": 7, "batch": 10, "images": 70, "people": {}}}}
POSES = {"model": {"n": 4, "mpjpe": 111.25, "pa_mpjpe": 77.75, "order": 66.5},
         "mean_pose": {"n": 4, "mpjpe": 222.5, "pa_mpjpe": 88.25, "order": 50.0}}  # fmt: skip
EVALUATION = {
    "true box": {"mpii": {"n": 4, "pck": 71.25, "se": 2.25}, "lspet, upright": {"n": 3, "pck": 51.25, "se": 1.5}},
    "end to end": {"lspet, upright": {"n": 4, "pck": 61.75, "se": 3.5}},
    "3D": {"mpii": POSES},
    "rendered 3D": {},
}
OF_CHECKPOINTS = (["run"], ["--tag", "v1"], ["--dataset", "people"], ["--licence", "mit"])
SPECIFIC = ("#", "|", "- ", "license", "person;", "pose = ", "FUSION", "Trained", "On the", "3D", "None", "Of", "Exp")
GROUPS = {"all": 100.0, "back": 90.0, "lying": 300.0, "seated": 120.0}


@pytest.fixture
def run(tmp_path):
    """A finished run of the fusion network, as far as publishing reads it."""
    estimator = PoseEstimator.random("tiny")
    estimator.save_pretrained(tmp_path / "run" / "checkpoint", metrics=KEPT)
    (tmp_path / "run" / "log.csv").write_text("step\n")
    return tmp_path / "run"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture
def published(printed, run):
    """Publishes the run; what the command printed."""
    return lambda *options: printed("publish", run, "--repo", "user/name", *options)


@pytest.fixture
def one_sentence(run, refused):
    """Publishes the run in vain; what the command said of it."""
    return lambda *options, run=run, repo="user/name": refused("publish", run, "--repo", repo, *options)


@pytest.fixture
def logged_in(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", hub.token)


@pytest.mark.usefixtures("logged_in")
def test_a_published_run_gives_the_same_pose_anywhere(hub, run, published, tmp_path, monkeypatch):
    out = published("--tag", "v1")
    assert re.search(r"^checked: .*checkpoint loads, and estimates a pose in \d+\.\d\d s$", out, re.MULTILINE)
    assert out.splitlines()[-2:] == [
        f"published: {hub.url}/user/name/tree/v1",
        "FUSION_POSE_MODEL=user/name@v1 python app.py",
    ]
    files = {path.name for path in hub.folder_of("v1").iterdir()}
    assert files == {".gitattributes", "config.json", "model.safetensors", "README.md"}
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "fresh"))
    photo = np.random.default_rng(1).integers(0, 256, (120, 100, 3), np.uint8)
    loaded = (sure(PoseEstimator.from_pretrained(source)) for source in (run / "checkpoint", "user/name@v1"))
    here, there = (estimator(photo, box=(10, 10, 90, 110)) for estimator in loaded)
    np.testing.assert_array_equal(here.joints_3d, there.joints_3d)
    np.testing.assert_array_equal(here.joints_2d, there.joints_2d)


def test_a_dry_run_shows_what_would_be_sent_and_needs_no_token(hub, run, published, printed, checkout):
    assert "would send to user/name:" in published("--dry-run")
    out = printed("publish", run / "checkpoint", "--repo", "user/name", "--tag", "v1", "--dry-run")
    assert "would send to user/name, as v1:" in out
    card = out.partition("the card:\n\n")[2][:-1]
    assert "pipeline_tag: keypoint-detection" in card
    sizes = {path.name: path.stat().st_size for path in (run / "checkpoint").iterdir()}
    sizes["README.md"] = len(card.encode())
    assert announced(out) == {**sizes, "in all": sum(sizes.values())}
    out = printed("publish", "--space", "user/name", "--dry-run")
    assert "would send to the Space user/name:" in out
    sizes = announced(out)
    model = sum(path.stat().st_size for path in (checkout / "assets/checkpoints").rglob("*.*"))
    assert (sizes["LICENSE"], sizes["demo"], sizes["assets/checkpoints"]) == (7, 12, model)
    assert sizes.pop("in all") == sum(sizes.values()) > model
    assert hub.asked == []


def announced(out):
    """The sizes that a dry run announces, by name."""
    found = re.findall(r"^  (\S.*?) +([\d,]+) bytes$", out, re.MULTILINE)
    return {name: int(size.replace(",", "")) for name, size in found}


@pytest.mark.usefixtures("logged_in")
def test_the_card_says_what_the_checkpoint_knows(hub, published):
    options = ("--dataset", "user/people", "--dataset", "My people", "--licence", "cc-by-4.0")
    published(*options)
    card = (hub.folder_of("main") / "README.md").read_text()
    assert "\ndatasets:\n- user/people\nlibrary_name: fusion-pose\nlicense: cc-by-4.0\npipeline" in card
    assert "Trained on: user/people, My people." in card
    assert "FUSION_POSE_MODEL=user/name python app.py" in card
    assert "| released | 6 | 123.5 | 71 |" in card
    assert published(*options).splitlines()[-2:] == [
        f"identical to what is there already, nothing sent: {hub.url}/user/name",
        "FUSION_POSE_MODEL=user/name python app.py",
    ]


def test_every_number_of_a_card_is_one_of_the_checkpoint(run, monkeypatch):
    folder = run / "checkpoint"
    estimator = PoseEstimator.from_pretrained(folder, device="cpu")
    cards = {"bare": card_text(estimator.config, "user/name", {})}
    groups = {
        name: {kind: {"n": 4, "mpjpe": (kind == "model") * far} for kind in POSES} for name, far in GROUPS.items()
    }
    mirrored = {"mpii": {"n": 9, "mirrored": 99.9}, "lspet, upright": {"n": 8, "mirrored": 88.8, "se": 1.25}}
    write_card(folder, estimator, {**EVALUATION, "rendered 3D": groups, "mirror joints": mirrored})
    cards["full"] = (folder / "README.md").read_text()
    monkeypatch.setattr("train.evaluation.card.bundled_checkpoint", lambda: folder)
    write_card(folder, estimator, EVALUATION)  # of what was measured before, nothing stays
    assert json.loads((folder / "config.json").read_text())["metrics"] == {**KEPT, **EVALUATION}
    cards["again"] = (folder / "README.md").read_text()
    for name, card in cards.items():  # headings, tables, and the lines that the checkpoint's words stand in
        lines = [line for line in card.replace(folder.as_posix(), "RUN").splitlines() if line.startswith(SPECIFIC)]
        assert_stored(name, lines, "cards.json")


def test_failures_are_one_sentence(hub, one_sentence, tmp_path, monkeypatch):
    assert "log in with 'hf auth login'" in one_sentence()
    monkeypatch.setenv("HF_TOKEN", "hf_" + 34 * "y")
    assert "does not accept the access token (401)" in one_sentence()
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert "may not write to 'other/name' (403)" in one_sentence(repo="other/name")
    assert "has no checkpoint: expected the folder of" in one_sentence(run=tmp_path)
    assert "must be named as 'user/name', got 'name'" in one_sentence("--dry-run", repo="name")
    assert "a tag is letters" in one_sentence("--dry-run", "--tag", "a b")


@pytest.mark.usefixtures("logged_in")
def test_a_checkpoint_that_diverged_or_does_not_fit_is_not_sent(hub, run, one_sentence):
    path = run / "checkpoint" / "model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "fusion.output.bias": tensors["fusion.output.bias"] * float("nan")}, path)
    assert "estimates numbers that are not finite" in one_sentence()
    tensors.pop("fusion.alpha")
    save_file(tensors, path)
    assert "missing: fusion.alpha" in one_sentence()
    assert hub.asked == []


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of the project with a tiny model, as far as a Space gets it."""
    folder = tmp_path / "checkout"
    files = (
        "README.md", "LICENSE", "requirements.txt", "app.py", "demo/page.py", "demo/__pycache__/page.pyc",
        "fusion_model/pose.py", "assets/examples/walking.jpg", "assets/analysis/figure5.png", "assets/overview.webp",
        "assets/result.webp", "tests/test_app.py",
    )  # fmt: skip
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("---\nsdk: gradio\n---\n" if name == "README.md" else name)
    model = folder / "assets/checkpoints/default"
    PoseEstimator.random("tiny").save_pretrained(model)
    monkeypatch.setattr(publish, "CHECKOUT", folder)
    monkeypatch.setattr(publish, "bundled_checkpoint", lambda: model)
    return folder


def files_of(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("logged_in")
def test_a_space_gets_what_the_page_needs_and_loses_what_its_folders_lost(hub, printed, checkout):
    out = printed("publish", "--space", "user/name")
    assert out.splitlines()[-2:] == [f"published: {hub.url}/spaces/user/name", "gradio_client: Client('user/name')"]
    space = hub.folder_of("main")
    left_out = {"tests/test_app.py", "demo/__pycache__/page.pyc"}
    assert files_of(space) - {".gitattributes"} == files_of(checkout) - left_out
    hub.commit_files({"notes/mine.txt": b"mine", "app.py.old": b"mine"}, "main")
    (checkout / "demo/page.py").rename(checkout / "demo/pages.py")
    (checkout / "app.py").write_text("newer")
    printed("publish", "--space", "user/name")
    space = hub.folder_of("main")
    assert {"demo/pages.py", "notes/mine.txt", "app.py.old", ".gitattributes"} <= files_of(space)
    assert "demo/page.py" not in files_of(space)
    assert (space / "app.py").read_text() == "newer"
    again = printed("publish", "--space", "user/name").splitlines()[-2]
    assert again == f"identical to what is there already, nothing sent: {hub.url}/spaces/user/name"


@pytest.mark.usefixtures("logged_in")
def test_what_has_to_be_private_is_and_tries_are_told(hub, run, capsys, printed, refused, checkout):
    hub.mishaps = [("POST", "/commit/", 503)]
    assert (call(publish, run, "--repo", "user/name", "--private"), hub.private) == (0, True)
    told = "python -m train.publish: uploading failed (HTTP 503): try 2 of 3 in 2 seconds"
    assert told in capsys.readouterr().err.splitlines()
    hub.private = None  # forgotten
    printed("publish", "--space", "user/name", "--private")
    assert hub.private is True
    hub.private = False
    sent = len(hub.commits)
    assert "'user/name' is there already and public" in refused("publish", "--space", "user/name", "--private")
    for name, words in (("assets/checkpoints/default/model.safetensors", "truncated"), ("LICENSE", "has no LICENSE")):
        (checkout / name).write_text("cut") if words == "truncated" else (checkout / name).unlink()
        assert words in refused("publish", "--space", "user/name")
    assert len(hub.commits) == sent


def test_bad_usage_is_status_2(refused):
    for arguments, words in (
        (["run"], "one of the arguments --repo --space is required"),
        (["--repo", "user/name"], "--repo needs RUN: a run of train.fusion, or a checkpoint folder"),
        *((["--space", "user/name", *more], "--space sends this checkout: RUN, --tag") for more in OF_CHECKPOINTS),
    ):
        assert words in refused("publish", *arguments, status=2)
