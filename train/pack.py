"""Put data sets into a few self-contained files: ``python -m train.pack --data DIR --out OUT --size-mb 40``.

The training commands take OUT as their ``--data``; they then read photos from the files as they need them, instead of
decoding all of them into memory. Run the same command again to continue one that was cut.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train.command import new_parser, run_command
from train.data.packs import write_pack
from train.data.people import STORE_SIZE
from train.data.sources import find_learnable
from train.engine.arguments import positive


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("pack", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets")
    arguments.add_argument("--out", type=Path, required=True, help="the packed folder")
    arguments.add_argument(
        "--size-mb", type=positive(float), default=40.0, help="largest size of a file in 10**6 bytes"
    )
    arguments.add_argument(
        "--crop", type=positive(int), default=STORE_SIZE, help="pixels of the square each photo is scaled into"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    sources = find_learnable(arguments.data)
    files = write_pack(sources, arguments.out, arguments.crop, round(1e6 * arguments.size_mb))
    total = sum(file.stat().st_size for file in files)
    print(f"{len(files)} files, {total / 1e6:.1f} MB in all: train with --data {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
