"""The recipes of the paper's Tables 1 to 5, as stages of commands.

What the paper says is kept: the hourglass is trained on MPII and fine-tuned on each set, the fusion network then learns
on its maps, is pretrained on Human3.6M for HumanEva-I and on rendered people for KTH. Numbers of steps, rates and
crops are choices of this project: the paper does not print them all.
"""

from __future__ import annotations

import math
import statistics

from train.evaluation.paper import TABLE_5
from train.evaluation.tables import Table
from train.recipes import plan, released
from train.recipes.plan import Recipe, Settings
from train.recipes.stages import Stage

# Steps at --scale 1.
_BASE, _TUNED, _FUSION, _ACTION, _SMALL = 100_000, 20_000, 50_000, 10_000, 10_000
_CROPS, _SMALL_CROPS = 2, 20  # augmented crops of each person: of a large set, and of some hundreds of people
_HUMANEVA, _KTH = ("--skeleton", "humaneva_15"), ("--skeleton", "lsp_14")
_STRATEGIES = ("image-only", "maps-only", "early", "late", "trainable")
_SEEDS = 3
_RENDERED = "the rendered people of train.synthesize stand in for the synthetic images of Chen et al."


def _on_human36m(settings: Settings) -> list[Stage]:
    """The hourglass on Human3.6M."""
    base = settings.base
    return [plan.hourglass(settings, base, _BASE), plan.hourglass(settings, "human36m", _TUNED, after=base)]


def _one_model(settings: Settings) -> list[Stage]:
    """The fusion network for all actions of Human3.6M."""
    return [*_on_human36m(settings), plan.fusion(settings, "human36m", "human36m", _FUSION, _CROPS)]


def _table_1(settings: Settings) -> list[Stage]:
    """One model for all actions, and one for each."""
    return [
        *_one_model(settings),
        plan.measured(settings, "human36m", "human36m", "human36m", "fusion/human36m/checkpoint"),
        plan.fusion(settings, "human36m-actions", "human36m", _ACTION, _CROPS, "--action-specific"),
        plan.measured(settings, "human36m-actions", "human36m", "human36m", "fusion/human36m-actions"),
    ]


def _report_1(settings: Settings) -> str:
    names = {"human36m": "ours, one model for all actions", "human36m-actions": "ours, a model for each action"}
    return plan.side_by_side(settings, "table1", "human36m", names, ())


def _table_2(settings: Settings) -> list[Stage]:
    """The model for all actions after alignment."""
    return [
        *_one_model(settings),
        plan.measured(settings, "human36m", "human36m", "human36m-pa", "fusion/human36m/checkpoint"),
    ]


def _report_2(settings: Settings) -> str:
    return plan.side_by_side(settings, "table2", "human36m-pa", {"human36m": "ours"}, ())


def _table_3(settings: Settings) -> list[Stage]:
    """Pretrained on Human3.6M with the joints of HumanEva-I, then tuned on HumanEva-I."""
    return [
        *_on_human36m(settings),
        plan.fusion(settings, "human36m-for-humaneva", "human36m", _FUSION, _CROPS, *_HUMANEVA, soft=True),
        plan.hourglass(settings, "humaneva", _SMALL, after=settings.base),
        plan.fusion(settings, "humaneva", "humaneva", _SMALL, _CROPS, *_HUMANEVA, after="human36m-for-humaneva"),
        plan.measured(settings, "humaneva", "humaneva", "humaneva", "fusion/humaneva/checkpoint"),
    ]


def _report_3(settings: Settings) -> str:
    notes = ("ours: pretrained on Human3.6M, as the paper's",)
    return plan.side_by_side(settings, "table3", "humaneva", {"humaneva": "ours"}, notes)


def _table_4(settings: Settings) -> list[Stage]:
    """On KTH alone, and after rendered people."""
    kth = (settings, "kth", "kth-pcp")
    return [
        plan.hourglass(settings, settings.base, _BASE),
        plan.hourglass(settings, "kth", _SMALL, after=settings.base),
        plan.fusion(settings, "kth-alone", "kth", _SMALL, _SMALL_CROPS, *_KTH),
        plan.measured(kth[0], "kth-alone", *kth[1:], "fusion/kth-alone/checkpoint"),
        plan.hourglass(settings, "synthetic", _TUNED, after=settings.base),
        plan.fusion(settings, "rendered-for-kth", "synthetic", _FUSION, _CROPS, *_KTH, soft=True),
        plan.fusion(settings, "kth-pretrained", "kth", _SMALL, _SMALL_CROPS, *_KTH, after="rendered-for-kth"),
        plan.measured(kth[0], "kth-pretrained", *kth[1:], "fusion/kth-pretrained/checkpoint"),
    ]


def _report_4(settings: Settings) -> str:
    names = {"kth-alone": "ours, not pretrained", "kth-pretrained": "ours, pretrained on rendered people"}
    return plan.side_by_side(settings, "table4", "kth-pcp", names, (_RENDERED,))


def _table_5(settings: Settings) -> list[Stage]:
    """Every way of merging on Human3.6M, from several seeds, each measured by the protocol of Table 1."""
    out = settings.out
    data = ("--data", str(settings.data / "human36m"), "--hourglass", str(out / "hourglass" / "human36m"))
    choice = ("--strategies", *_STRATEGIES, "--seeds", *map(str, _seeds(settings)), "--checkpoints")
    common = (*settings.common(_FUSION, "1e-3"), "--crops", str(_CROPS))
    ablate = ("ablate", *data, "--out", str(out / "ablation"), *choice, *common)
    measures = [
        plan.measured(settings, name, "human36m", "human36m", f"ablation/runs/{strategy}/seed-{seed}/checkpoint")
        for strategy in _STRATEGIES
        for seed, name in _ablated(settings, strategy).items()
    ]
    return [*_on_human36m(settings), Stage("ways of merging on human36m", (ablate,)), *measures]


def _report_5(settings: Settings) -> str:
    rows, counts = {}, {}
    for strategy in _STRATEGIES:
        tables = [plan.measured_table(settings, name, "human36m") for name in _ablated(settings, strategy).values()]
        figures = [table.rows["this checkpoint"][-1] for table in tables]  # the mean of all actions
        std = math.nan if math.isnan(sum(figures)) else statistics.stdev(figures)
        rows[strategy] = (statistics.mean(figures), std, TABLE_5[strategy])
        counts = dict.fromkeys(("ours", "standard deviation"), tables[0].counts["all"])
    notes = (
        f"ours: the mean over {_SEEDS} seeds of networks for all actions, at their last step",
        "the paper's figure of the trainable network is that of a model for each action in its Table 1",
    )
    columns = ("ours", "standard deviation", "paper")
    title = "Ways of merging on Human3.6M, MPJPE in mm, mean of the actions (the paper's Table 5)"
    return plan.write_table(settings, "table5", Table(title, columns, rows, counts, notes, 2))


def _seeds(settings: Settings) -> range:
    """Of the runs of Table 5."""
    return range(settings.seed, settings.seed + _SEEDS)


def _ablated(settings: Settings, strategy: str) -> dict[int, str]:
    """Names of the measurements of a strategy by seed."""
    return {seed: f"{strategy}-{seed}" for seed in _seeds(settings)}


RECIPES = {
    "table1": Recipe("Human3.6M, MPJPE by action", ("", "human36m"), _table_1, _report_1),
    "table2": Recipe("Human3.6M after Procrustes alignment", ("", "human36m"), _table_2, _report_2),
    "table3": Recipe("HumanEva-I, pretrained on Human3.6M", ("", "human36m", "humaneva"), _table_3, _report_3),
    "table4": Recipe("KTH, with and without rendered people", ("", "kth", "synthetic"), _table_4, _report_4),
    "table5": Recipe("ways of merging on Human3.6M", ("", "human36m"), _table_5, _report_5),
    "released": Recipe(
        "the bundled checkpoint", (), released.stages, released.report, "released", goes_on=True, check=released.check
    ),
}
"""What ``train.reproduce`` offers; another recipe is a function of its stages, one of its report, and a line here."""
