"""Publish on the Hugging Face Hub: a run's checkpoint, or the page as a Space.

``python -m train.publish RUN --repo user/name`` sends a checkpoint, ``python -m train.publish --space user/name`` what
the page needs of this checkout.

The checkpoint is loaded strictly and tried on a picture, gets a model card with the figures that are stored in it, and
goes up as one commit of three files: config.json, model.safetensors and README.md. Log in before with 'hf auth login',
or set HF_TOKEN. The same command can be run again after any failure; what the Hub holds already is not sent twice. A
Space is one commit, too: it is created if need be, and files that its folders no longer have are deleted there.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import CARD_FILE, CONFIG_FILE, FILES, bundled_checkpoint, read_metrics
from fusion_model.hub.push import check_target, clear_failures, find_token, push_folder
from train.command import run_command
from train.evaluation.card import RESEARCH_ONLY, card_text

CHECKOUT = Path(__file__).parent.parent
SPACE = (
    "README.md", "LICENSE", "requirements.txt", "app.py", "demo", "fusion_model", "assets/checkpoints",
    "assets/examples", "assets/analysis/figure5.png", "assets/overview.webp", "assets/result.webp",
)  # fmt: skip
"""What a Space gets of the checkout: the page, its model, and README.md, which says how it is run."""


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(prog="python -m train.publish", description=__doc__)
    arguments.add_argument(
        "run", type=Path, metavar="RUN", nargs="?", help="with --repo: a run of train.fusion, or a checkpoint folder"
    )
    place = arguments.add_mutually_exclusive_group(required=True)
    place.add_argument("--repo", help="where to, as user/name; created if it is not there")
    place.add_argument("--space", help="the Space that gets the page of this checkout, as user/name")
    arguments.add_argument("--private", action="store_true", help="the repository has to be private")
    arguments.add_argument("--tag", help="name of this revision, such as v1 (default: no tag)")
    arguments.add_argument(
        "--dataset",
        action="append",
        default=[],
        help="name or Hub id of what it was trained on; may be repeated (default: as noted in the checkpoint)",
    )
    arguments.add_argument("--licence", help=f"of the weights, an id of the Hub (default: {RESEARCH_ONLY})")
    arguments.add_argument(
        "--dry-run", action="store_true", help="check everything, show what would be sent, and send nothing"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    of_checkpoints = [arguments.run, arguments.tag, arguments.dataset, arguments.licence]
    if arguments.space and any(of_checkpoints):
        parser().error("--space sends this checkout: RUN, --tag, --dataset and --licence belong to --repo")
    if arguments.repo and not arguments.run:
        parser().error("--repo needs RUN: a run of train.fusion, or a checkpoint folder")
    check_target(arguments.repo or arguments.space, arguments.tag)
    if not arguments.dry_run:
        find_token()
    (_publish_space if arguments.space else _publish_checkpoint)(arguments)
    return 0


def _publish_checkpoint(arguments: argparse.Namespace) -> None:
    folder, repo, tag = checkpoint_of(arguments.run), arguments.repo, arguments.tag
    estimator, metrics = try_out(folder), read_metrics(folder)
    card = card_text(estimator.config, repo, metrics, arguments.dataset, licence=arguments.licence)
    if arguments.dry_run:
        sizes = {name: (folder / name).stat().st_size for name in FILES} | {CARD_FILE: len(card.encode())}
        print(f"would send to {repo}{f', as {tag}' if tag else ''}:", listing(sizes), "the card:\n", card, sep="\n")
        return
    pushed = push_folder(folder, repo, private=arguments.private, tag=tag, card=card, tell=_tell)
    print(_done(pushed.url, sent=pushed.uploaded))
    print(f"FUSION_POSE_MODEL={repo}{f'@{tag}' if tag else ''} python app.py")


def _publish_space(arguments: argparse.Namespace) -> None:
    files = space_files(CHECKOUT)
    try_out(bundled_checkpoint())
    if arguments.dry_run:
        sizes = dict.fromkeys(SPACE, 0)
        for name, path in files.items():
            sizes[next(top for top in SPACE if f"{name}/".startswith(f"{top}/"))] += path.stat().st_size
        print(f"would send to the Space {arguments.space}:", listing(sizes), sep="\n")
        return
    url, changed = push_space(arguments.space, files, private=arguments.private)
    print(_done(url, sent=changed))
    print(f"gradio_client: Client({arguments.space!r})")


def _done(url: str, *, sent: bool) -> str:
    return f"{'published' if sent else 'identical to what is there already, nothing sent'}: {url}"


def space_files(checkout: Path) -> dict[str, Path]:
    """The files that a Space gets, by their path in it.

    Raises:
        FileNotFoundError: if the folder lacks one of :data:`SPACE`.
    """
    if missing := [name for name in SPACE if not (checkout / name).exists()]:
        raise FileNotFoundError(f"{checkout} has no {missing[0]}: --space sends a whole checkout of fusion-pose")
    found = [path for name in SPACE for path in (checkout / name, *sorted((checkout / name).rglob("*")))]
    kept = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(checkout).as_posix(): path for path in kept}


def push_space(repo_id: str, files: dict[str, Path], *, private: bool = False) -> tuple[str, bool]:
    """Create or update a Space by the Hub's client: a plain git push of files over 10 MB would be refused.

    Args:
        repo_id: ``"user/name"``.
        files: as :func:`space_files` gives them. Others in the same folders of the Space are deleted.
        private: whether the Space has to be private; one that is there already and public is refused.

    Returns:
        Its address, and whether anything had to be sent.

    Raises:
        ValueError: if the Hub cannot be reached or refuses: one sentence that says what to do.
    """
    token = find_token()
    api = HfApi(token=token)
    with clear_failures(repo_id, token):
        api.create_repo(repo_id, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        before = api.space_info(repo_id)
        if private and not before.private:
            found = f"the Space {repo_id!r} is there already and public, nothing was sent"
            raise ValueError(f"{found}: make it private in its settings, or choose another name")
        there = api.list_repo_files(repo_id, repo_type="space")
        gone = [name for name in there if name not in files and name.startswith(tuple(f"{top}/" for top in SPACE))]
        operations = [CommitOperationAdd(name, str(path)) for name, path in files.items()]
        operations += [CommitOperationDelete(name) for name in gone]
        commit = api.create_commit(repo_id, operations, repo_type="space", commit_message="Update from the checkout")
    return f"{api.endpoint}/spaces/{repo_id}", commit.oid != before.sha


def checkpoint_of(run: Path) -> Path:
    """The checkpoint folder of a run, or the folder itself if it is one.

    Raises:
        FileNotFoundError: if there is none.
    """
    for folder in (run, run / "checkpoint"):
        if (folder / CONFIG_FILE).is_file():
            return folder
    expected = "the folder of a finished run of train.fusion, with checkpoint/ in it, or a folder with"
    raise FileNotFoundError(f"{run} has no checkpoint: expected {expected} {CONFIG_FILE}")


def try_out(folder: Path) -> PoseEstimator:
    """Load a checkpoint strictly and estimate a pose of noise; FileNotFoundError or ValueError where that fails."""
    estimator = PoseEstimator.from_pretrained(folder, device="cpu")
    search = dataclasses.replace(estimator.config.search, person=0.0)  # noise shows no person
    config = dataclasses.replace(estimator.config, search=search)
    picture = np.random.default_rng(0).integers(0, 256, (192, 144, 3), np.uint8)
    began = time.perf_counter()
    (pose,) = estimator.with_config(config).batch([picture], [(8, 8, 136, 184)])
    if pose is None or not (np.isfinite(pose.joints_3d).all() and np.isfinite(pose.heatmaps).all()):
        raise ValueError(f"{folder} estimates numbers that are not finite: it is damaged, or its training diverged")
    print(f"checked: {folder} loads, and estimates a pose in {time.perf_counter() - began:.2f} s")
    return estimator


def listing(sizes: dict[str, int]) -> str:
    """Files that are sent, with their sizes in bytes."""
    lines = [f"  {name:20} {size:>12,} bytes" for name, size in {**sizes, "in all": sum(sizes.values())}.items()]
    return "\n".join(lines)


def _tell(sentence: str) -> None:
    print(f"python -m train.publish: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
