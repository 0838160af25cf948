"""Put data sets into a few self-contained files: ``python -m train.pack --data DIR --out OUT --size-mb 40``.

The training commands take OUT as their ``--data``; they then read photos from the files as they need them, instead of
decoding all of them into memory. With --quality 78 photos are kept as WebP, a thirtieth of the size, to carry to
another machine, and are decoded into memory there. Run the same command again to continue one that was cut.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train.command import new_parser, run_command
from train.data.packs import write_pack
from train.data.people import STORE_SIZE
from train.data.sources import find_sources
from train.engine.arguments import positive


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("pack", __doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of data sets")
    arguments.add_argument("--out", type=Path, required=True, help="folder of the pack")
    arguments.add_argument(
        "--size-mb", type=positive(float), default=40.0, help="largest size of a file in 10**6 bytes"
    )
    arguments.add_argument(
        "--crop", type=positive(int), default=STORE_SIZE, help="pixels of the square each photo is scaled into"
    )
    arguments.add_argument(
        "--quality", type=quality, help="of WebP that photos are kept as, 1 to 100; default: their pixels, as they are"
    )
    return arguments


def quality(text: str) -> int:
    """Reader of a WebP quality."""
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 100, got {text!r}")
    return value


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    files = write_pack(
        find_sources(arguments.data), arguments.out, arguments.crop, round(1e6 * arguments.size_mb), arguments.quality
    )
    total = sum(file.stat().st_size for file in files)
    print(f"{len(files)} files, {total / 1e6:.1f} MB in all: train with --data {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
