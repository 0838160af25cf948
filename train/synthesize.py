"""Render people with exact joints: ``python -m train.synthesize --out DIR --count 20000 --seed 0``.

Run the same command again to continue a run that was cut. ``--shard i/n`` makes every n-th part of the set, so that
several machines share the work; put the parts into one folder and run the command without it to finish the set.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Before NumPy is loaded: its products are small here, and its spinning threads take the renderer's cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from train.command import new_parser, run_command
from train.engine.arguments import at_least, positive
from train.synthesis.dataset import Settings, merge_labels, open_folder
from train.synthesis.labels import Picture
from train.synthesis.preview import write_preview
from train.synthesis.workers import write_side_by_side


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("synthesize", __doc__)
    arguments.add_argument("--out", type=Path, required=True, help="folder of the data set; an unfinished one goes on")
    arguments.add_argument("--count", type=positive(int), default=1000, help="pictures")
    arguments.add_argument(
        "--seed", type=at_least(0, int), default=0, help="of everything: the same seed gives the same labels"
    )
    arguments.add_argument("--size", type=positive(int), default=256, help="pixels of a picture's side")
    arguments.add_argument(
        "--split", choices=("train", "validation"), default="train", help="bodies and motions of which part"
    )
    arguments.add_argument(
        "--backgrounds", type=Path, help="folder of photos without people to put behind half of them"
    )
    arguments.add_argument("--motions", type=Path, help="postures that train.synthesis.motion.collect made")
    arguments.add_argument(
        "--plain", action="store_true", help="one person a picture, whole, on their feet, with nothing in front"
    )
    arguments.add_argument("--shard", type=shard, default=(1, 1), metavar="I/N", help="make every N-th part only")
    arguments.add_argument(
        "--processes", type=positive(int), default=os.cpu_count() or 1, help="that render side by side"
    )
    arguments.add_argument("--preview", type=Path, help="write a contact sheet (JPEG) of 64 labelled pictures")
    return arguments


def shard(text: str) -> tuple[int, int]:
    """Reader of ``i/n``."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"must be I/N with 1 <= I <= N, such as 2/4, got {text!r}")
    return int(match[1]), int(match[2])


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if arguments.preview:
        arguments.preview.parent.mkdir(parents=True, exist_ok=True)
    names = (path.name if path else "" for path in (arguments.backgrounds, arguments.motions))
    settings = Settings(arguments.count, arguments.seed, arguments.size, arguments.split, *names, arguments.plain)
    open_folder(arguments.out, settings)
    if not merge_labels(arguments.out, settings):
        factory = functools.partial(_maker, settings, arguments.motions, arguments.backgrounds)
        began = time.perf_counter()
        if made := write_side_by_side(arguments.out, settings, factory, arguments.shard, arguments.processes):
            print(f"{made / (time.perf_counter() - began):.1f} pictures/s, start included")
        if not merge_labels(arguments.out, settings):
            print(f"parts of other shards are missing in {arguments.out}: bring them, and run without --shard")
            return 0
    print(f"{settings.count} pictures in {arguments.out}, labels in {arguments.out / 'annotations.npz'}")
    if arguments.preview:
        drawn = write_preview(arguments.out, arguments.preview)
        print(f"{drawn} of them with their labels: {arguments.preview}")
    return 0


def _maker(settings: Settings, motions: Path | None, backgrounds: Path | None) -> Callable[[int], Picture]:
    """What renders picture number i, with an OpenGL context of its own that lasts as long as the process."""
    # Needs OpenGL; --help and a finished set do not.
    from train.synthesis.pictures import PictureMaker  # noqa: PLC0415
    from train.synthesis.renderer import Renderer  # noqa: PLC0415

    return PictureMaker(Renderer(settings.size), settings, motions, backgrounds)


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
