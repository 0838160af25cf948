"""Bake the pack of bodies: ``python -m train.synthesis.bake --out assets/synthesis/body.npz --count 3000 --seed 0``.

Runs in a process of its own: anny and an EGL context do not get on in one.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import numpy as np

from train.synthesis.body import DEFAULT_PACK
from train.synthesis.body_people import draw_population
from train.synthesis.body_shapes import bake


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="train.synthesis.bake", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DEFAULT_PACK, help="the .npz to write (default: %(default)s)")
    parser.add_argument("--count", type=int, default=3000, help="people (default: %(default)s)")
    parser.add_argument("--components", type=int, default=48, help="of the shape model (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of people (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not 1 <= options.components <= options.count:
        parser.error(f"--components {options.components} must be at least 1 and at most --count {options.count}")
    try:
        source = importlib.import_module("train.synthesis.body_source").load_source()
    except ModuleNotFoundError as error:
        print(f"error: {error}; baking needs the package anny", file=sys.stderr)
        return 1
    arrays = bake(source, draw_population(np.random.default_rng(options.seed), options.count), options.components)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out, **arrays)
    print(f"{options.out}: {options.count} people, {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
