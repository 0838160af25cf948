"""Train from a pack as on a rented machine: ``python -m tests.helpers.minimal_env PACK OUT``, for test_packs.py.

Of what requirements*.txt name, only PyTorch, torchvision, accelerate, OpenCV and what these install can be imported.
Exit status 1 if a training fails.
"""

import sys

HIDDEN = (
    "av", "cdflib", "gradio", "h5py", "matplotlib", "moderngl", "onnx", "onnxruntime", "pandas", "pi_heif", "plotly",
    "pygltflib", "scipy", "tensorboard",
)  # fmt: skip


def main(pack, out):
    """Exit status of the first training that fails, else 0."""
    sys.modules.update(dict.fromkeys(HIDDEN))  # as if they were not installed
    print("hidden:", *HIDDEN)
    from train import ablate, fusion, hourglass
    from train.command import run_command

    common = ["--data", pack, "--batch", "4", "--steps", "2"]
    tiny, maps = ["--preset", "tiny"], ["--hourglass", f"{out}/hourglass", "--crops", "1"]
    for module, more in (
        (hourglass, [*tiny, "--run", f"{out}/hourglass"]),
        (fusion, [*tiny, *maps, "--run", f"{out}/fusion"]),
        (ablate, [*tiny, *maps, "--out", f"{out}/ablation", "--strategies", "late", "--seeds", "0"]),
    ):
        sys.argv = [module.__name__, *common, *more]
        if status := run_command(module.parser(), module.main):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
