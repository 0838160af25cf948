"""Publish a run's checkpoint on the Hugging Face Hub: ``python -m train.publish RUN --repo user/name``.

The checkpoint is loaded strictly and tried on a picture, gets a model card with the figures that are stored in it, and
goes up as one commit of three files: config.json, model.safetensors and README.md. Log in before with 'hf auth login',
or set HF_TOKEN. The same command can be run again after any failure; what the Hub holds already is not sent twice.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

from fusion_model.estimator import PoseEstimator
from fusion_model.hub.checkpoints import CARD_FILE, CONFIG_FILE, FILES, read_metrics
from fusion_model.hub.push import check_target, find_token, push_folder
from train.command import run_command
from train.evaluation.card import RESEARCH_ONLY, card_text

_HEAD_LINES = 20  # of the card, shown by --dry-run


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = argparse.ArgumentParser(prog="python -m train.publish", description=__doc__)
    arguments.add_argument("run", type=Path, metavar="RUN", help="a run of train.fusion, or a checkpoint folder")
    arguments.add_argument(
        "--repo", required=True, type=_repository, help="where to, as user/name; created if it is not there"
    )
    arguments.add_argument("--private", action="store_true", help="the repository has to be private")
    arguments.add_argument("--tag", type=_tag, help="name of this revision, such as v1 (default: no tag)")
    arguments.add_argument(
        "--dataset",
        action="append",
        default=[],
        help="name or Hub id of what it was trained on; may be repeated (default: as noted in the checkpoint)",
    )
    arguments.add_argument("--licence", help=f"of the weights, an id of the Hub (default: {RESEARCH_ONLY})")
    arguments.add_argument("--card", type=Path, help="your own card (default: written from the checkpoint)")
    arguments.add_argument(
        "--dry-run", action="store_true", help="check everything, show what would be sent, and send nothing"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if not arguments.dry_run:
        find_token()
    folder = checkpoint_of(arguments.run)
    estimator = try_out(folder)
    if arguments.card:
        card = _own_card(arguments.card)
    else:
        card = card_text(
            estimator.config, arguments.repo, read_metrics(folder), arguments.dataset, licence=arguments.licence
        )
    if arguments.dry_run:
        print(f"would send to {arguments.repo}" + (f", as {arguments.tag}" if arguments.tag else "") + ":")
        print(tree(folder, card))
        print("the card begins with:\n")
        print("\n".join(card.splitlines()[:_HEAD_LINES]))
        return 0
    try:
        pushed = push_folder(
            folder, arguments.repo, private=arguments.private, tag=arguments.tag, card=card, tell=_tell
        )
    except KeyboardInterrupt:
        _tell("stopped: run the same command again to go on, what has arrived is not sent twice")
        return 1
    print(f"{'published' if pushed.uploaded else 'identical to what is there already, nothing sent'}: {pushed.url}")
    revision = f"@{arguments.tag}" if arguments.tag else ""
    print(f"FUSION_POSE_MODEL={arguments.repo}{revision} python app.py")
    return 0


def checkpoint_of(run: Path) -> Path:
    """The checkpoint folder of a run, or the folder itself if it is one.

    Raises:
        FileNotFoundError: if there is none.
    """
    for folder in (run, run / "checkpoint"):
        if (folder / CONFIG_FILE).is_file():
            return folder
    raise FileNotFoundError(
        f"{run} has no checkpoint: expected the folder of a finished run of train.fusion, with checkpoint/ in it, or a "
        f"folder with {CONFIG_FILE}"
    )


def try_out(folder: Path) -> PoseEstimator:
    """Load a checkpoint strictly and estimate one pose with it, on a picture of noise.

    Raises:
        FileNotFoundError, ValueError: if it is damaged, or estimates what is no number.
    """
    estimator = PoseEstimator.from_pretrained(folder, device="cpu")
    any_score = dataclasses.replace(estimator.config.search, person=0.0)  # noise shows no person
    config = dataclasses.replace(estimator.config, search=any_score)
    picture = np.random.default_rng(0).integers(0, 256, (192, 144, 3), np.uint8)
    began = time.perf_counter()
    (pose,) = estimator.with_config(config).batch([picture], [(8, 8, 136, 184)])
    if pose is None or not (np.isfinite(pose.joints_3d).all() and np.isfinite(pose.heatmaps).all()):
        raise ValueError(f"{folder} estimates numbers that are not finite: it is damaged, or its training diverged")
    print(f"checked: {folder} loads, and estimates a pose in {time.perf_counter() - began:.2f} s")
    return estimator


def tree(folder: Path, card: str) -> str:
    """The files that are sent, with their sizes."""
    sizes = {name: len(card.encode()) if name == CARD_FILE else (folder / name).stat().st_size for name in FILES}
    lines = [f"  {name:20} {size:>12,} bytes" for name, size in sizes.items()]
    return "\n".join([*lines, f"  {'in all':20} {sum(sizes.values()):>12,} bytes"])


def _repository(text: str) -> str:
    """Reader of a repository's name on the command line."""
    return _checked(text, text, None)


def _tag(text: str) -> str:
    """Reader of a tag on the command line."""
    return _checked(text, "user/name", text)


def _checked(text: str, repo_id: str, tag: str | None) -> str:
    """A text that the Hub takes as a name; bad usage else."""
    try:
        check_target(repo_id, tag)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _own_card(path: Path) -> str:
    """The text of a card that the user wrote."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"the card {path} must be text in UTF-8") from error
    if not text.startswith("---\n"):
        raise ValueError(f"the card {path} must begin with a block of metadata between two lines '---'")
    return text


def _tell(sentence: str) -> None:
    """Say what is going on, where errors go."""
    print(f"python -m train.publish: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
