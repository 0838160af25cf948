"""Render the example clip of the page: ``python -m train.example_clip --out assets/examples/stretching.mp4``.

A rendered person goes through captured postures: nobody's video, so it may be given away.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# As in train.synthesize.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import av
import numpy as np
from tqdm import tqdm

from fusion_model.files import replacing
from train.command import new_parser, run_command
from train.engine.arguments import at_least

_SIZE, _FRAMES, _RATE = 448, 120, 20  # pixels of a side, even as H.264 wants it; frames, and how many of them a second


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("example_clip", __doc__)
    arguments.add_argument("--out", type=Path, required=True, help="the file, MP4 (H.264)")
    arguments.add_argument(
        "--seed", type=at_least(0, int), default=4, help="of person, scene and postures; chosen for looks"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    from train.synthesis.routine import render_routine  # noqa: PLC0415 - needs OpenGL; --help does not

    pictures = render_routine(arguments.seed, _SIZE, _FRAMES)
    with replacing(arguments.out) as part, av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_RATE)
        stream.width = stream.height = _SIZE
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "slow", "crf": "24"}
        for picture in tqdm(pictures, total=_FRAMES, unit="frame", disable=None):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode(None))
    print(f"{arguments.out}: {_FRAMES} frames, {arguments.out.stat().st_size / 1000:.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
