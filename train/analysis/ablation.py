"""An ablation: runs of each strategy and seed, all of the same steps and on the same samples, and their tables.

Beside the fusion networks stands the baseline that they have to beat: 3D from the decoded joints alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fusion_model.config import FusionConfig
from fusion_model.estimator import PoseEstimator
from fusion_model.files import write_atomically
from fusion_model.fusion import FusionNetwork
from fusion_model.hub.strategies import COMPARED, save_strategies
from fusion_model.presets import PRESETS
from fusion_model.readings import READINGS, read_maps
from train.engine.checkpoints import latest_state
from train.engine.loop import start_accelerator
from train.engine.run_files import check_settings, read_json, write_json
from train.evaluation.paper import TABLE_5
from train.evaluation.tables import Cell, Table
from train.fusion_stage.pose_figures import known
from train.fusion_stage.samples import FusionData, fusion_data, fusion_fingerprint
from train.fusion_stage.training import Outcome, Trainer, fusion_config, load_hourglass, sample_settings
from train.settings import AblationConfig

LIFTER = "lifter"
STRATEGIES = ("image-only", "maps-only", LIFTER, "early", "late", "free", "trainable")
SHARP = 0.05  # the farthest that a weight of a sharp run may lie from the step [l > b]
WIDTH = 1024  # of the lifter
_RESULT = "result.json"
_OWN = {"save_every", "log", "accumulate", *AblationConfig.not_options}  # not shared by all runs


class Variant(NamedTuple):
    """One row of the tables: its name, one of :data:`fusion_model.config.STRATEGIES`, and its fixed merging layer."""

    name: str
    strategy: str
    fixed_beta: int | None = None


def variants(strategies: Sequence[str], betas: Sequence[str], preset: str) -> list[Variant]:
    """The rows that are asked for, in the order of the paper's table.

    ``betas`` are fixed merging layers, as numbers or ``all`` for those between early and late fusion; ValueError for
    one that the networks of the preset do not have.
    """
    depth, chosen = len(PRESETS[preset].fusion.layers), set()
    for beta in betas:
        if beta != "all" and not (beta.isdigit() and int(beta) <= depth):
            raise ValueError(f"--beta must be 'all' or merging layers from 0 to {depth} of {preset!r}, got {beta!r}")
        chosen |= set(range(1, depth)) if beta == "all" else {int(beta)}
    rows = {name: Variant(name, name) for name in STRATEGIES if name in strategies}
    if LIFTER in rows:
        rows[LIFTER] = Variant(LIFTER, "maps-only")
    last = [rows.pop(name) for name in ("free", "trainable") if name in rows]
    fixed = [Variant(f"fixed-{b}", "fixed", b) for b in sorted(chosen)]
    return [*rows.values(), *fixed, *last]


class Ablation:
    """All runs of one output folder, of the settings that they share and the arguments of ``train.ablate``.

    Raises:
        ValueError: if the folder holds runs with other settings, data or another hourglass; names the settings.
    """

    def __init__(self, settings: AblationConfig, arguments: argparse.Namespace) -> None:
        self.settings, self.arguments, self.out = settings, arguments, arguments.out
        self.seeds = list(dict.fromkeys(arguments.seeds))
        if arguments.networks and not (arguments.checkpoints and set(COMPARED) <= set(arguments.strategies)):
            raise ValueError(f"--networks needs --checkpoints, and {', '.join(COMPARED)} among --strategies")
        self.rows = variants(arguments.strategies, arguments.beta, settings.preset)
        self.config = fusion_config(settings, arguments.hourglass)
        self.hourglass = load_hourglass(self.config, arguments.hourglass)
        self.accelerator = start_accelerator()
        self._samples = dataclasses.replace(sample_settings(self.config, settings), people=settings.people)
        own = {name: value for name, value in settings.stored().items() if name not in _OWN}
        with self.accelerator.main_process_first():
            data = fusion_fingerprint(arguments.data, self._samples, self.hourglass, self.accelerator.device)
            check_settings(self.out, "settings.json", own | {"data and hourglass": data})

    def run(self) -> bool:
        """Train what is not finished yet; False if a signal ended it before that."""
        for seed, row in itertools.product(self.seeds, self.rows):
            if self._folder(row, seed).joinpath(_RESULT).is_file():
                self.accelerator.print(f"{row.name}, seed {seed}: finished before")
            elif not self._train(row, seed):
                return False
        return True

    def results(self) -> dict[str, list[dict[str, Any]]]:
        """What every run of each row came to, by seed."""
        return {row.name: [read_json(self._folder(row, seed) / _RESULT) for seed in self.seeds] for row in self.rows}

    def write_networks(self, folder: Path) -> Path:
        """Write the first seed's networks for the page; ValueError if a run was finished without its checkpoint."""
        networks, figures = {}, {}
        for row in [row for row in self.rows if row.name in COMPARED]:
            run = self._folder(row, self.seeds[0])
            if not (run / "checkpoint").is_dir():
                raise ValueError(f"{run} was finished without --checkpoints: delete its {_RESULT} to train it again")
            networks[row.name] = PoseEstimator.from_pretrained(run / "checkpoint", "cpu").fusion_network
            figures[row.name] = known(read_json(run / _RESULT)["pruned"])
        return save_strategies(folder, networks, self.hourglass, figures)

    def _train(self, row: Variant, seed: int) -> bool:
        """One run, from the start or from where it was cut; False if it was cut again."""
        self.accelerator.print(f"{row.name}, seed {seed}:", end=" ")
        folder = self._folder(row, seed)
        settings = dataclasses.replace(self.settings, strategy=row.strategy, fixed_beta=row.fixed_beta, seed=seed)
        config = fusion_config(settings, self.arguments.hourglass)
        torch.manual_seed(seed)  # of the initial weights
        network = (Lifter if row.name == LIFTER else FusionNetwork)(config.fusion)
        trainer = Trainer(config, self.hourglass, network, settings, folder)
        trainer.take_data(self._data)
        if not trainer.loop.run():
            return False
        if self.accelerator.is_main_process:
            # The last network rather than the best: nothing is chosen by the people that the tables are measured on.
            outcome = trainer.outcome(latest_state(folder) / "model.safetensors")
            result = _summary(trainer, outcome, row)
            if self.arguments.checkpoints and row.name != LIFTER:  # an estimator has no other
                trainer.estimator(outcome.network).save_pretrained(folder / "checkpoint")
            write_json(folder / _RESULT, result)
            for state in (folder / "checkpoints").glob("*/training_state.pt"):
                state.unlink()  # large, and nothing goes on from here
        self.accelerator.wait_for_everyone()
        return not trainer.loop.stop_reason

    @cached_property
    def _data(self) -> FusionData:
        """The crops with their maps, alike for all strategies and seeds."""
        device, cache = self.accelerator.device, self.out / "samples"
        return fusion_data(self.arguments.data, self._samples, self.hourglass, device, cache)

    def _folder(self, row: Variant, seed: int) -> Path:
        return self.out / "runs" / row.name / f"seed-{seed}"


def _summary(trainer: Trainer, outcome: Outcome, row: Variant) -> dict[str, Any]:
    network, hardening, figures = outcome.network, outcome.hardening or {}, outcome.figures
    single = network.config.single_stream
    weights = None if single else hardening.get("weights") or outcome.unpruned.mixing_weights().tolist()
    layer = None if single else network.merging_layer
    return {
        "name": row.name,
        "steps": trainer.loop.step,
        "seconds": round(trainer.loop.seconds),
        "mean_pose": figures["mean pose"],
        "soft": figures.get("soft"),
        "hardened": figures.get("hardened, at once"),
        "trained_on": figures["released" if single else "hardened, trained on"],
        "pruned": figures["released"],
        "parameters": {
            name: sum(parameter.numel() for parameter in one.parameters())
            for name, one in (("unpruned", outcome.unpruned), ("pruned", network))
        },
        "weights": weights,
        "alpha": hardening.get("alpha"),
        "beta": hardening.get("beta"),
        "merging_layer": layer,
        "sharp": None if single else is_sharp(weights, layer),
    }


def is_sharp(weights: Sequence[float], merging_layer: int) -> bool:
    """Whether w_1..w_L were all but the step [l > b] that they were hardened to."""
    return all(abs(w - (number > merging_layer)) <= SHARP for number, w in enumerate(weights, 1))


class Lifter(nn.Module):
    """Two residual blocks on the decoded joints (Martinez et al., ICCV 2017), trained as a fusion network is.

    It reads x, y and height of each map's peak, and not the photo; of the fusion networks beside it, it has the number
    of maps, the joint set and the unit of the output.
    """

    alpha = beta = None  # nothing is mixed
    is_soft = False

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = dataclasses.replace(config, spreads=False)
        self.input = _layer(3 * config.map_joints)
        self.blocks = nn.ModuleList(nn.Sequential(_layer(WIDTH), _layer(WIDTH)) for _ in range(2))
        self.output = nn.Linear(WIDTH, 3 * config.joints)

    def forward(self, _image: Tensor, maps: Tensor, readings: Tensor | None = None) -> Tensor:
        """(N, joints, 3) mm from maps (N, map_joints, S, S), as :meth:`fusion_model.fusion.FusionNetwork.forward`."""
        x, y, _spread, height = (read_maps(maps) if readings is None else readings).chunk(READINGS, 1)
        x = self.input(torch.cat((x, y, height), 1))
        for block in self.blocks:
            x = x + block(x)
        return self.output(x).unflatten(1, (self.config.joints, 3)) * self.config.output_unit_mm

    def fusion_penalty(self, *_terms: float) -> Tensor:
        """() zero: there is no alpha."""
        return self.output.weight.new_zeros(())


def _layer(inputs: int) -> nn.Sequential:
    """Linear map to the common width, normalisation, ReLU, dropout."""
    return nn.Sequential(nn.Linear(inputs, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Dropout(0.5))


Runs = Sequence[Mapping[str, Any]]
Row = dict[str, Cell]

_PAPER, _NOT_SHARP = "MPJPE of the paper on Human3.6M, another data set", "runs not sharp"
_FIGURES: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    "MPJPE": lambda run: run["trained_on"]["mpjpe"],
    "PA-MPJPE": lambda run: run["trained_on"]["pa_mpjpe"],
    "photos, MPJPE": lambda run: run["trained_on"].get("photos_mpjpe"),
    "photos, PA-MPJPE": lambda run: run["trained_on"].get("photos_pa_mpjpe"),
    "rendered, MPJPE": lambda run: run["trained_on"].get("synthetic_mpjpe"),
    "rendered, PA-MPJPE": lambda run: run["trained_on"].get("synthetic_pa_mpjpe"),
    "MPJPE soft": lambda run: run["soft"] and run["soft"]["mpjpe"],
    "MPJPE hardened, at once": lambda run: run["hardened"] and run["hardened"]["mpjpe"],
    "MPJPE pruned": lambda run: run["pruned"]["mpjpe"],
    "M parameters": lambda run: run["parameters"]["unpruned"] / 1e6,
    "M parameters pruned": lambda run: run["parameters"]["pruned"] / 1e6,
    "alpha": lambda run: run["alpha"],
    "beta": lambda run: run["beta"],
}
"""What the runs of a row have a mean and a standard deviation of."""
_DIGITS = {
    "runs": 0, _NOT_SHARP: 0, _PAPER: 2, "M parameters": 2, "M parameters pruned": 2, "alpha": 3, "beta": 2,
}  # fmt: skip
_NOTES_5 = (
    "errors in mm, mean ± standard deviation over the seeds, of the finished network, trained on with hardened weights",
    "w, alpha and beta are means at the end of the soft phase",
    "lifter: two residual blocks (Martinez et al., ICCV 2017) on the joints decoded from the maps, no fusion network",
)
_NOTES_6 = (
    "the paper finds the sigmoid more accurate and, pruned, faster; its figures are not known to us",
    "free weights that are not sharp can be pruned only by rounding them",
    "soft: at the end of the soft phase; pruned: after training on with hardened weights",
)


def strategies_table(results: Mapping[str, Runs]) -> Table:
    """Table 5 in kind, of the runs by row: a row a strategy; columns that no strategy has are left out."""
    every = [run for runs in results.values() for run in runs]
    known = {name: figure for name, figure in _FIGURES.items() if any(figure(run) is not None for run in every)}
    rows = {}
    for name, runs in results.items():
        weights = [run["weights"] for run in runs if run["weights"] is not None]
        layers = sorted({run["merging_layer"] for run in runs if run["merging_layer"] is not None})
        rows[name] = {"runs": len(runs), _PAPER: TABLE_5.get(name)}
        for column, figure in known.items():
            rows[name] |= _mean_std(column, map(figure, runs))
        rows[name] |= {
            "w_1..w_L": " ".join(f"{statistics.mean(column):.2f}" for column in zip(*weights, strict=True)) or None,
            "merging layer": ", ".join(map(str, layers)) or None,
            _NOT_SHARP: sum(run["sharp"] is False for run in runs),
        }
    notes = list(_NOTES_5[: 3 if LIFTER in rows else 2])
    if flagged := [f"{name} ({row[_NOT_SHARP]} of {row['runs']})" for name, row in rows.items() if row[_NOT_SHARP]]:
        notes.append(
            f"**Not sharp: {', '.join(flagged)}.** In these runs some w_l lay farther than {SHARP:g} from the "
            "step [l > b] that they were hardened to: the merging layer is then a rounding, not the network's choice."
        )
    return _table("Ways of merging (the paper's Table 5, on other data)", "strategy", rows, *notes)


def free_table(results: Mapping[str, Runs]) -> Table:
    """Table 6 of the appendix in kind: sigmoid with sharpness term against free weights."""
    rows = {}
    for name, title in (("free", "free weights"), ("trainable", "sigmoid with sharpness term")):
        runs = results[name]
        rows[title] = {"runs": len(runs)}
        for column in ("MPJPE soft", "MPJPE hardened, at once", "MPJPE pruned", "M parameters", "M parameters pruned"):
            rows[title] |= _mean_std(column, map(_FIGURES[column], runs))
        rows[title] |= {_NOT_SHARP: sum(not run["sharp"] for run in runs)}
    title = "Sigmoid against free weights (Table 6 of the paper's appendix, on other data)"
    return _table(title, "weights", rows, *_NOTES_6)


def _table(title: str, kind: str, rows: Mapping[str, Row], *notes: str) -> Table:
    columns = tuple(next(iter(rows.values())))
    cells = {name: tuple(row.values()) for name, row in rows.items()}
    return Table(title, columns, cells, notes=notes, digits_of=_DIGITS, kind=kind)


def _mean_std(name: str, figures: Iterable[float | None]) -> Row:
    """Mean and sample standard deviation of those that are known; None where there are too few."""
    values = [one for one in figures if one is not None]
    return {
        name: statistics.mean(values) if values else None,
        f"{name}_std": statistics.stdev(values) if len(values) > 1 else None,
    }


def write_report(out: Path, results: Mapping[str, Runs]) -> str:
    """Write ``table5.csv``, ``tables.json`` and ``tables.md``, and ``table6.csv`` where both of its rows were trained.

    Args:
        out: their folder.
        results: runs by row, as :meth:`Ablation.results` gives them.

    Returns:
        The Markdown.
    """
    tables = {"table5": strategies_table(results)}
    if {"free", "trainable"} <= results.keys():
        tables["table6"] = free_table(results)
    for name, table in tables.items():
        write_atomically(out / f"{name}.csv", table.to_csv())
    content = {name: table.content() for name, table in tables.items()} | {"runs": results}
    write_atomically(out / "tables.json", json.dumps(content, indent=1))
    run = next(iter(results.values()))[0]
    mean = run["mean_pose"]
    mixed = " Photos, whose 3D is a teacher's, and rendered people count half each." if "photos_mpjpe" in mean else ""
    protocol = (
        f"{run['steps']} steps a run. Measured on {mean['n']} validation people in their true boxes, over 12 limb "
        "joints relative to the pelvis; answering the mean pose of the training people gives an MPJPE of "
        f"{mean['mpjpe']:.1f} mm and a PA-MPJPE of {mean['pa_mpjpe']:.1f} mm.{mixed}\n"
    )
    text = "\n".join([*(table.to_markdown(level=3) for table in tables.values()), protocol])
    write_atomically(out / "tables.md", text)
    return text
