"""The recipe of the bundled checkpoint: from a folder of data sets, rendered people among them, to a measured one.

The bundled weights came about in several runs (RESULTS.md). With ``--init-from`` this is the last of them; without,
about their sum in one go.
"""

from __future__ import annotations

from pathlib import Path

from fusion_model.checkpoints import CARD_FILE, load_checkpoint, read_metrics
from train.recipes.plan import Settings
from train.recipes.stages import Stage

# Steps at --scale 1: of a hourglass from nothing, of one that goes on, and of the others.
_HOURGLASS, _HOURGLASS_ON, _FUSION, _FINDER = 7_350, 4_350, 3_000, 10_000
_SIZES = {"compact": ("--input-size", "192")}  # of the crops, where they are not the preset's: see RESULTS.md
_MIXTURE = ("--views", "2", "--synthetic-share", "0.5", "--teacher-trust", "0.5", "--reprojection", "0.2")


def check_start(path: Path) -> None:
    """Refuse a checkpoint that the recipe cannot start from, before anything is made.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged, or has no finder.
    """
    config, _ = load_checkpoint(path)
    if config.finder is None:
        raise ValueError(
            f"{path} has no finder: --init-from takes a checkpoint with one, such as assets/checkpoints/default"
        )


def stages(settings: Settings) -> list[Stage]:
    """Pack, train the networks, fit the confidence, measure and write the card.

    With a checkpoint to start from, the hourglass goes on from its own and its finder is taken as it is.
    """
    data, out, seed = str(settings.data), settings.out, ("--seed", str(settings.seed))
    packed, hourglass, finder = str(out / "packed"), str(out / "hourglass"), str(out / "finder")
    checkpoint = ("--checkpoint", str(out / "fusion" / "checkpoint"))
    size, start = _SIZES.get(settings.preset, ()), settings.init_from and str(settings.init_from)
    steps = settings.common(_HOURGLASS_ON if start else _HOURGLASS, "4e-3")
    maps = ("--run", hourglass, *steps, "--batch", "256", *size, *seed, *(("--init-from", start) if start else ()))
    poses = ("--hourglass", hourglass, "--run", str(out / "fusion"), *settings.common(_FUSION, "1e-3"), *size, *seed)
    people = ("--run", finder, *settings.common(_FINDER, "2e-3", presets=False), *seed)
    train_finder = (
        Stage("finder", (("finder", "--data", data, *people, *checkpoint),)),
        Stage("attach the finder", (("attach_finder", "--finder", finder, *checkpoint),)),
    )
    return [
        Stage("pack the data", (("pack", "--data", data, "--out", packed, "--size-mb", "400"),)),
        Stage("hourglass on photos and rendered people", (("hourglass", "--data", packed, *maps),)),
        Stage(
            "fusion network on its maps",
            (("fusion", "--data", packed, *poses, *_MIXTURE, *(("--finder", start) if start else ())),),
        ),
        *(() if start else train_finder),
        Stage("fit the confidence", (("calibrate", "--data", data, *checkpoint),)),
        Stage("measure", (("evaluate", "--data", data, *checkpoint, "--card"),)),
    ]


def report(settings: Settings) -> str:
    """Where the checkpoint lies, and its figures in the true box."""
    checkpoint = settings.out / "fusion" / "checkpoint"
    rows = read_metrics(checkpoint)["true box"]
    lines = [f"{name:24} n {row['n']:5}  PCK@0.2 {row['pck']:5.1f} %" for name, row in rows.items()]
    return "\n".join(
        (*lines, f"all figures: {checkpoint / CARD_FILE}", f"FUSION_POSE_MODEL={checkpoint} python app.py")
    )
