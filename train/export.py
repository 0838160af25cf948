"""Export a checkpoint's networks for other runtimes: ``python -m train.export --format onnx --out DIR``.

DIR gets an ONNX file (opset 18) for each network, which takes any number N of pictures, and model.json, which says what
goes in and comes out. In the bundled checkpoint a crop has S = 192 pixels, the detector's picture D = 256:

hourglass.onnx: image (N, 3, S, S) -> maps (N, 16, S / 4, S / 4), of the last stack.

fusion.onnx: image (N, 3, S, S) and maps (N, 16, S / 4, S / 4) -> joints_3d (N, J, 3) in millimetres. It
resizes its inputs and reads the maps itself. Where it reads the hourglass's features instead of the photo
(photo_features), hourglass.onnx gives features (N, C, S / 32, S / 32) too, and fusion.onnx takes these for image.

detector.onnx: image (N, 3, D, D) -> people (N, 7, D / 8, D / 8).

Each is compared with torch in onnxruntime before DIR appears. docs/export.md has what lies between photo, networks and
pose, in NumPy. It needs the extra: pip install ".[onnx]".
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fusion_model.crop_inference import fusion_inputs
from fusion_model.estimator import PoseEstimator
from fusion_model.files import replacing
from fusion_model.hourglass import folded
from fusion_model.hub.checkpoints import DEFAULT
from fusion_model.skeletons import MPII_16, SKELETONS, pelvis_weights
from train.command import run_command

FORMAT = "fusion-pose-onnx/1"
OPSET = 18
ABOUT = "model.json"
TENSORS = {
    "image": "RGB in [0, 1], channels first, black beyond the photo. Hourglass and fusion take the square round a "
    "person, its side config.crop.margin times the longer side of the tight box; the detector takes the whole photo",
    "maps": "about 1 at a joint and 0 elsewhere; the map's pixel x is the crop's 4 (x + 0.5) - 0.5. Average them over "
    "the crop and its mirror image before they are used",
    "features": "of the hourglass, for the fusion network",
    "joints_3d": "millimetres, camera axes of the crop (x right, y down, z away), pelvis at the origin, for a person "
    "of 1.70 m; before the corrections of config.following",
    "people": "for each cell of 8 pixels: log odds that the middle of a person lies there; log of the distances to the "
    "box's left, top, right and bottom in units of 32 pixels; cosine and sine of the body axis",
}
"""What the tensors are; ``model.json`` has it."""
TOLERANCE = {"maps": 1e-4, "features": 1e-3, "joints_3d": 0.1, "people": 1e-3}
"""Largest difference from torch, in the tensor's own unit."""


class Part(nn.Module):
    """A network as it is exported: what it computes, examples (N = 2) of its inputs by name, names of its outputs."""

    def __init__(
        self, network: nn.Module, compute: Callable[..., tuple[Tensor, ...]], inputs: dict[str, Tensor], *outputs: str
    ) -> None:
        super().__init__()
        self.network, self.compute, self.inputs, self.outputs = network, compute, inputs, outputs

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """A tensor for each output, with a row for each of the inputs' N."""
        return self.compute(*inputs)


def parts(estimator: PoseEstimator) -> dict[str, Part]:
    """The networks of an estimator on the CPU, by name."""
    config, generator = estimator.config, torch.Generator().manual_seed(0)
    hourglass, fusion = folded(estimator.hourglass), estimator.fusion_network
    pelvis = torch.from_numpy(pelvis_weights(SKELETONS[config.fusion.skeleton]))[:, None]

    def noise(side: int) -> Tensor:
        return torch.rand(2, 3, side, side, generator=generator)

    def look(image: Tensor) -> tuple[Tensor, ...]:
        maps, features = hourglass.maps_and_features(image)
        return (maps[-1], features) if reads_features else (maps[-1],)

    def pose(first: Tensor, maps: Tensor) -> tuple[Tensor]:
        joints = fusion(*fusion_inputs(first, maps, config.fusion.input_size, first if reads_features else None))
        return (joints - (pelvis * joints).sum(1, keepdim=True),)

    crop = noise(config.hourglass.input_size)
    reads_features = config.fusion.photo_features > 0
    given = ("maps", "features") if reads_features else ("maps",)
    with torch.no_grad():
        seen = {"image": crop, **dict(zip(given, look(crop), strict=True))}
    taken = {name: seen[name] for name in ("features" if reads_features else "image", "maps")}
    found = {"hourglass": Part(hourglass, look, {"image": crop}, *given)}
    found["fusion"] = Part(fusion, pose, taken, "joints_3d")
    if estimator.detector is not None:
        detector, photo = folded(estimator.detector), noise(config.detector.input_size)
        found["detector"] = Part(detector, lambda image: (detector(image),), {"image": photo}, "people")
    return found


def export_onnx(estimator: PoseEstimator, folder: Path) -> None:
    """Write the networks and ``model.json``, and print a line for each; the folder appears complete or not at all.

    Args:
        estimator: on the CPU.
        folder: to write; an existing one must be empty or an export, which it replaces.

    Raises:
        ValueError: if packages are missing, the folder holds other files, or onnxruntime computes something else.
    """
    try:
        import onnxruntime  # noqa: PLC0415
        import onnxscript  # noqa: F401, PLC0415 - what torch.onnx needs
    except ModuleNotFoundError as error:
        raise ValueError(f'--format onnx needs more packages ({error}): pip install ".[onnx]"') from error
    chosen = parts(estimator)
    files = {f"{name}.onnx" for name in chosen} | {"detector.onnx", ABOUT}
    if folder.exists() and (not folder.is_dir() or {path.name for path in folder.iterdir()} - files):
        raise ValueError(f"{folder} must be new, empty or an earlier export: give another folder with --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    sets = {"maps": MPII_16, "joints_3d": SKELETONS[estimator.config.fusion.skeleton]}
    about = {
        "format": FORMAT,
        "model": estimator.name,
        "opset": OPSET,
        "networks": {},
        "tensors": TENSORS,
        "joints": {name: {"names": one.joints, "mirror": one.mirror} for name, one in sets.items()},
        "config": asdict(estimator.config),
    }
    with replacing(folder.resolve()) as unfinished:
        unfinished.mkdir()
        for name, part in chosen.items():
            path = unfinished / f"{name}.onnx"
            _write(part, path)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            ends = {"inputs": session.get_inputs(), "outputs": session.get_outputs()}
            shapes = {kind: {one.name: ["N", *one.shape[1:]] for one in tensors} for kind, tensors in ends.items()}
            about["networks"][name] = shapes
            print(f"{name}: differs from torch by {_difference(part, session):.1g} at most", flush=True)
        (unfinished / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _write(part: Part, path: Path) -> None:
    axes = tuple({0: torch.export.Dim("N")} for _ in part.inputs)
    with torch.no_grad():
        program = torch.export.export(part, tuple(part.inputs.values()), dynamic_shapes=(axes,))
        torch.onnx.export(
            program, f=path, input_names=list(part.inputs), output_names=list(part.outputs), opset_version=OPSET,
            dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip


def _difference(part: Part, session: Any) -> float:
    """Largest difference of its outputs from torch's, for one, two and three pictures."""
    worst = dict.fromkeys(part.outputs, 0.0)
    for count in (1, 2, 3):
        inputs = {name: torch.cat((value, value.flip(0)))[:count] for name, value in part.inputs.items()}
        with torch.no_grad():
            ours = part(*inputs.values())
        theirs = session.run(list(part.outputs), {name: value.numpy() for name, value in inputs.items()})
        for name, one, other in zip(part.outputs, ours, theirs, strict=True):
            worst[name] = float(np.maximum(worst[name], np.abs(one.numpy() - other).max()))  # NaN stays
    for name, value in worst.items():
        if not value <= TOLERANCE[name]:
            words = f"they differ by {value:.2g}, more than {TOLERANCE[name]:g}; nothing was written"
            raise ValueError(f"onnxruntime gives other {name} than torch: {words}")
    return max(worst.values())


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    formatter = argparse.RawDescriptionHelpFormatter
    arguments = argparse.ArgumentParser(prog="python -m train.export", description=__doc__, formatter_class=formatter)
    arguments.add_argument("--format", choices=["onnx"], required=True, help="of the files")
    arguments.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments.add_argument(
        "--checkpoint", default=DEFAULT, help="a folder, or a Hub id as user/name (default: the bundled one)"
    )
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    estimator = PoseEstimator.from_pretrained(arguments.checkpoint, device="cpu")
    export_onnx(estimator, arguments.out)
    print(f"{arguments.out} has {', '.join(sorted(path.name for path in arguments.out.iterdir()))}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
