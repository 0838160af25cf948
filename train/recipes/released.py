"""The recipe of the bundled checkpoint: from a folder of labelled photos to a measured checkpoint.

The bundled weights came about in several runs (RESULTS.md); this is about their sum in one go. Rendered people are put
beside the photos, as ``rendered`` and ``rendered-held``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from fusion_model.hub.checkpoints import CARD_FILE, load_checkpoint, read_metrics
from fusion_model.presets import PRESETS
from train.data.prepared import SETTINGS as PREPARED
from train.data.source import SYNTHETIC
from train.data.sources import find_sources
from train.engine.run_files import refuse_other_settings
from train.recipes.plan import Settings
from train.recipes.stages import Stage
from train.synthesis.dataset import SETTINGS as PICTURE_SETTINGS
from train.synthesis.dataset import Settings as PictureSettings

_HOURGLASS, _FUSION, _DETECTOR = 7_350, 12_000, 10_000  # steps at --scale 1
_BATCHES = {"hourglass": 256, "fusion": 64, "detector": 32}
_PICTURES, _HELD_OUT = 16_000, 1_200  # rendered, whatever --scale is
_PICTURE_SIZE = 256  # pixels
_BACKGROUNDS = "backgrounds"  # their folder
_MIXTURE = ("--crops", "3", "--synthetic-fraction", "0.5", "--teacher-trust", "0.5", "--reprojection", "0.2")


def check(settings: Settings) -> None:
    """Refuse photos, rendered people and a checkpoint that the recipe cannot go on from, before anything is made.

    Raises:
        FileNotFoundError: if there is no data set or no such checkpoint.
        ValueError: if the folder is a set itself or has no photos of a part, rendered people are others than the
            recipe's, the batches cannot be cut into so many parts, or the checkpoint is damaged, has no detector, or
            its hourglass is not the preset's.
    """
    _check_photos(settings.data)
    _check_batches(settings.accumulate, ("fusion",) if settings.init_from else tuple(_BATCHES))
    for folder, pictures in _pictures(settings).items():
        _check_pictures(folder, pictures)
    if settings.init_from:
        _check_checkpoint(settings.init_from, settings.preset)


def _check_pictures(folder: Path, pictures: PictureSettings) -> None:
    """Refuse a folder of other rendered people; raises as :func:`check`."""
    try:
        refuse_other_settings(folder, PICTURE_SETTINGS, asdict(pictures))
    except ValueError as error:
        raise ValueError(f"this recipe renders people itself: move {folder} away ({error})") from error


def _check_batches(parts: int, trained: tuple[str, ...]) -> None:
    """Refuse parts that a batch of a network to train cannot be cut into; raises as :func:`check`."""
    for batch in map(_BATCHES.get, trained):
        if batch % parts:
            raise ValueError(f"a batch of {batch} cannot be cut into {parts} parts: choose another --accumulate")


def _check_checkpoint(folder: Path, preset: str) -> None:
    """Refuse a checkpoint whose hourglass and detector cannot be taken; raises as :func:`check`."""
    config, _ = load_checkpoint(folder)
    if config.detector is None:
        raise ValueError(
            f"{folder} has no detector: --init-from takes a checkpoint with one, such as assets/checkpoints/default"
        )
    found, expected = ((one.stacks, one.width) for one in (config.hourglass, PRESETS[preset].hourglass))
    if found != expected:
        raise ValueError(
            f"{folder} has a hourglass of {found[0]} stacks of {found[1]} channels, the preset {preset} one of "
            f"{expected[0]} of {expected[1]}: choose the --preset that it was made with"
        )


def _check_photos(data: Path) -> None:
    """Refuse a folder without photos to train and to validate on; raises as :func:`check`."""
    if (data / PREPARED).is_file():
        raise ValueError(f"{data} is a data set itself: name the folder that it lies in")
    photos = [source for source in find_sources(data) if source.name != SYNTHETIC]
    for part, held_out in (("train", False), ("validate", True)):
        if not any((source.validation == held_out).any() for source in photos):
            raise ValueError(f"{data} has no photos to {part} on: see docs/data.md")


def stages(settings: Settings) -> list[Stage]:
    """Render people, pack, train the networks, fit the confidence, measure and write the card.

    Of a checkpoint to start from, hourglass and detector are taken as they are: see "tried and left" in RESULTS.md.
    """
    data, out, seed = str(settings.data), settings.out, ("--seed", str(settings.seed))
    packed, detector = str(out / "packed"), str(out / "detector")
    checkpoint = ("--checkpoint", str(out / "fusion" / "checkpoint"))
    start = settings.init_from and str(settings.init_from)
    hourglass, samples = start or str(out / "hourglass"), str(out / "samples")
    batch = {name: ("--batch", str(count)) for name, count in _BATCHES.items()}
    maps = ("--run", hourglass, *settings.common(_HOURGLASS, "4e-3"), *batch["hourglass"], *seed)
    poses = ("--hourglass", hourglass, "--run", str(out / "fusion"), *settings.common(_FUSION, "1e-3"))
    poses = (*poses, *batch["fusion"], *seed, "--cache", samples)  # which take some 20 min on two cores
    people = ("--run", detector, *settings.common(_DETECTOR, "2e-3", presets=False), *batch["detector"], *seed)
    backbone = ("--hourglass", hourglass, "--width", str(PRESETS[settings.preset].hourglass.width))
    train_hourglass = Stage("hourglass on photos and rendered people", (("hourglass", "--data", packed, *maps),))
    train_detector = (
        Stage("detector", (("detector", "--data", data, *people, *backbone),)),
        Stage("attach the detector", (("attach_detector", "--detector", detector, *checkpoint),)),
    )
    return [
        *_rendered(settings),
        Stage("pack the data", (("pack", "--data", data, "--out", packed, "--size-mb", "400"),)),
        *(() if start else (train_hourglass,)),
        Stage(
            "fusion network on its maps",
            (("fusion", "--data", packed, *poses, *_MIXTURE, *(("--detector", start) if start else ())),),
        ),
        *(() if start else train_detector),
        Stage("fit the confidence", (("calibrate", "--data", data, *checkpoint),)),
        Stage("measure", (("evaluate", "--data", data, *checkpoint, "--card"),)),
    ]


def _pictures(settings: Settings) -> dict[Path, PictureSettings]:
    """What is rendered to train and to validate on, by folder; half of it before backgrounds of training photos."""
    rendered, held_out = (settings.data / name for name in ("rendered", "rendered-held"))
    return {
        rendered: PictureSettings(_PICTURES, settings.seed, _PICTURE_SIZE, "train", _BACKGROUNDS),
        held_out: PictureSettings(_HELD_OUT, settings.seed + 1, _PICTURE_SIZE, "validation", _BACKGROUNDS),
    }


def _rendered(settings: Settings) -> tuple[Stage, Stage]:
    """The stages that render people."""
    backgrounds, estimator = str(settings.out / _BACKGROUNDS), settings.init_from
    cut = ("backgrounds", "--data", str(settings.data), "--out", backgrounds, "--seed", str(settings.seed))
    render = tuple(
        (
            *("synthesize", "--backgrounds", backgrounds, "--out", str(folder), "--count", str(pictures.count)),
            *("--seed", str(pictures.seed), "--size", str(pictures.size), "--split", pictures.split),
        )
        for folder, pictures in _pictures(settings).items()
    )
    return (
        Stage("cut backgrounds", ((*cut, *(("--checkpoint", str(estimator)) if estimator else ())),)),
        Stage("render people", render),
    )


def report(settings: Settings) -> str:
    """Where the checkpoint lies, and its figures in the true box."""
    checkpoint = settings.out / "fusion" / "checkpoint"
    rows = read_metrics(checkpoint)["true box"]
    lines = [f"{name:24} n {row['n']:5}  PCK@0.2 {row['pck']:5.1f} %" for name, row in rows.items()]
    return "\n".join(
        (*lines, f"all figures: {checkpoint / CARD_FILE}", f"FUSION_POSE_MODEL={checkpoint} python app.py")
    )
