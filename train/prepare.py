"""Bring a data set as distributed into one format: ``python -m train.prepare lspet --source DIR --out DIR``.

Run the same command again to go on with one that was cut: finished parts are kept. The commands of training take the
folder of ``--out``, or one that holds several such, as their ``--data``. ``voc`` and ``coco-scenes`` become a pack of
whole photos, ``scenes_<name>.npz`` and ``.zip``, written whole or not at all, in a folder that may be such a ``--data``
already. docs/data.md says where each set is asked for and how its folder has to be laid out.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from train.command import new_parser, run_command
from train.data.prepared import INDEX
from train.data.preparing import STORED_SIDE, write_prepared, write_scenes
from train.data.readers.layout import LayoutError
from train.data.readers.registry import DISTRIBUTED, DISTRIBUTED_SCENES, DataSetInfo
from train.data.scenes import read_scenes
from train.engine.arguments import positive

_CROP, _MARGIN = 256, 1.5
_LISTED = 24  # values of a count that are printed


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("prepare", __doc__)
    arguments.add_argument("data_set", choices=sorted((*DISTRIBUTED, *DISTRIBUTED_SCENES)), help="which set")
    arguments.add_argument("--source", type=Path, required=True, help="folder with the set as distributed, unpacked")
    arguments.add_argument("--out", type=Path, required=True, help="folder of the prepared set")
    crop = f"longest side of a stored picture in pixels, of a person {_CROP} and of a whole photo {STORED_SIDE}"
    arguments.add_argument("--crop", type=positive(int), help=f"{crop} if not given")
    margin = f"side of the square crop over the longer side of the person, {_MARGIN:g} if not given"
    arguments.add_argument("--margin", type=positive(float), help=margin)
    every = "take every so many frames of a video, 5 of Human3.6M and MPI-INF-3DHP and 1 of others if not given"
    arguments.add_argument("--every", type=positive(int), help=every)
    arguments.add_argument("--cameras", nargs="+", help="names of cameras; if not given, those that docs/data.md says")
    threads = os.cpu_count() or 1
    arguments.add_argument("--workers", type=positive(int), default=threads, help="threads that cut side by side")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    scenes = DISTRIBUTED_SCENES.get(arguments.data_set)
    chosen = scenes or DISTRIBUTED[arguments.data_set]
    reason = "is stored as whole photos" if scenes else "has no videos and no cameras to choose from"
    for option in ("margin", "every", "cameras") if scenes else () if chosen.cameras else ("every", "cameras"):
        if getattr(arguments, option):
            raise ValueError(f"{arguments.data_set} {reason}: leave --{option} away")
    try:
        skipped = (_prepare_scenes if scenes else _prepare_people)(arguments, chosen)
    except LayoutError as error:
        raise error.see(chosen.section) from error
    for reason, count in skipped.items():
        print(f"  skipped: {count} x {reason}")
    return 0


def _prepare_people(arguments: argparse.Namespace, chosen: DataSetInfo) -> Mapping[str, int]:
    """Store a set as crops of its people, and print who they are; who was left out, by reason."""
    settings = {
        "data_set": arguments.data_set,
        "crop": arguments.crop or _CROP,
        "margin": arguments.margin or _MARGIN,
        "every": arguments.every or chosen.every or 1,
        "cameras": arguments.cameras or [],
    }
    plan = chosen.plan(arguments.source, settings["cameras"], settings["every"])
    index = write_prepared(plan, arguments.out, settings, chosen.licence, arguments.workers)
    print(f"{index['people']} people of {index['data_set']} in {arguments.out}, {len(index['joints'])} joints each")
    for name, counts in index["counts"].items():
        listed = ", ".join(f"{value or '-'} {count}" for value, count in list(counts.items())[:_LISTED])
        more = f" and {len(counts) - _LISTED} more (all in {INDEX})" if len(counts) > _LISTED else ""
        print(f"  by {name}: {listed}{more}")
    for note in index["found"]:
        print(f"  found: {note}")
    return index["skipped"]


def _prepare_scenes(arguments: argparse.Namespace, chosen: DataSetInfo) -> Mapping[str, int]:
    """The same for whole photos with everyone in them."""
    plan, pack = chosen.plan(arguments.source), arguments.data_set.removesuffix("-scenes")
    path, skipped = write_scenes(plan, arguments.out, pack, arguments.crop or STORED_SIDE, arguments.workers)
    scenes = read_scenes(path)
    unsure, nobody = sum(int(flags.sum()) for flags in scenes.unsure), sum(len(boxes) == 0 for boxes in scenes.boxes)
    people, held_out = sum(map(len, scenes.boxes)) - unsure, int(scenes.validation.sum())
    print(f"{len(scenes)} photos of {arguments.data_set} in {path}: {people} people and {unsure} unsure boxes")
    print(f"  nobody is in {nobody} of them")
    print(f"  by split: train {len(scenes) - held_out}, validation {held_out}")
    return skipped


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
