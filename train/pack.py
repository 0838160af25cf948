"""Put data sets into a self-contained folder: ``python -m train.pack --data DIR --out OUT``.

The training commands take OUT as their ``--data``; they then read photos from it as they need them, instead of decoding
all of them into memory.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train.command import new_parser, run_command
from train.data.people import STORE_SIZE, write_pack
from train.data.sources import find_learnable
from train.engine.arguments import positive


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("pack", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets")
    arguments.add_argument("--out", type=Path, required=True, help="the packed folder")
    arguments.add_argument("--crop", type=positive(int), default=STORE_SIZE, help="pixels of the square of a photo")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    count = write_pack(find_learnable(arguments.data)[0], arguments.out, arguments.crop)
    print(f"{count} people: train with --data {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
