"""Train from a pack as on a rented machine: ``python -m tests.helpers.minimal_env PACK OUT``, for test_packs.py.

Only PyTorch, torchvision, accelerate, OpenCV and what these install themselves can be imported; everything else of the
environment is hidden. Exit status 1 if a training fails.
"""

import importlib.metadata
import re
import sys
from importlib.machinery import PathFinder

from packaging.requirements import Requirement

RENTED = ("torch", "torchvision", "accelerate", "opencv-python-headless")


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def with_requirements(names):
    """These distributions and all that they require, as far as they are installed."""
    left, found = [plain(name) for name in names], set()
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            wanted = map(Requirement, importlib.metadata.requires(name) or [])
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        left += [plain(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def hide_all_but(names):
    """Make every other distribution's modules impossible to import, as if it were not installed; returns them."""
    there = with_requirements(names)
    owners = importlib.metadata.packages_distributions()
    hidden = {module for module, of in owners.items() if not any(plain(name) in there for name in of)}

    class Rest(PathFinder):
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)

    sys.meta_path[sys.meta_path.index(PathFinder)] = Rest
    return hidden


def main(pack, out):
    """Exit status of the first training that fails, else 0."""
    hidden = hide_all_but(RENTED)
    print("hidden:", *sorted(hidden))
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
