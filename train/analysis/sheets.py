"""Qualitative sheets as Figures 4 and 6: crop, maps, joints, and the 3D pose from ahead and from the side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch.nn import functional

from fusion_model.drawing import SIDE_COLOURS, bone_side
from fusion_model.skeletons import HUMAN36M_17, MPII_16, Skeleton
from train.analysis.held_out import HeldOut
from train.fusion_stage.pose_figures import pose_figures

SIDES = {side: to_hex(np.divide(rgb, 255)) for side, rgb in SIDE_COLOURS.items()} | {"middle": "#5c636e"}  # on white
REFERENCE = "#b3b9c4"
_CROP = 320  # pixels
_SEEN = 0.1  # height of a peak from which its joint is drawn
_VIEWPOINTS = {"3D from the camera": (0, 1), "3D from the side": (2, 1)}  # axes to the right and down
_BAR_MM = 500


@dataclass(frozen=True)
class Example:
    """One person of a sheet.

    Attributes:
        name: how the person is called on the sheet and the page.
        crop: (S, S, 3) uint8, black where no photo is to be shown.
        maps: (16, M, M).
        points: (16, 2) pixels of the crop.
        peaks: (16,) heights of the maps.
        found: (17, 3) mm.
        truth: (17, 3) mm; of photos a teacher's, where there is no measurement.
        error: MPJPE in mm, 12 limb joints.
    """

    name: str
    crop: np.ndarray
    maps: np.ndarray
    points: np.ndarray
    peaks: np.ndarray
    found: np.ndarray
    truth: np.ndarray
    error: float


def examples(held_out: HeldOut, rows: np.ndarray, count: int, *, photos: bool) -> list[Example]:
    """People from good to bad: those at even steps of the error from the 5th to the 95th of 100.

    Args:
        held_out: the people.
        rows: (M,) of the kind to choose from.
        count: at most so many.
        photos: whether their pictures are shown.
    """
    found, truth = held_out.released[rows], held_out.truth[rows]
    errors = np.array([pose_figures(f[None], t[None])["mpjpe"] for f, t in zip(found, truth, strict=True)])
    count = min(count, len(rows))
    ranks = np.unique((np.linspace(0.05, 0.95, count) * (len(rows) - 1)).round().astype(int))
    chosen = np.argsort(errors, kind="stable")[ranks]
    images, *crops = held_out.crops(rows[chosen], _CROP)
    shown = (images if photos else np.zeros_like(images), *crops)
    people = []
    for place, rank, *seen in zip(chosen, ranks, *shown, strict=True):
        name = f"better than {100 - 100 * rank / max(1, len(rows) - 1):.0f} % of {len(rows)}"
        people.append(Example(name, *seen, found[place], truth[place], float(errors[place])))
    return people


def sheet_figure(people: list[Example], title: str, reference: str, *, photos: bool) -> Figure:
    """A row a person; the first column shows the picture, where it may be shown.

    Args:
        people: in their order.
        title: of the sheet.
        reference: what the poses to compare with are called.
        photos: whether there is that column.
    """
    columns = (*(("crop",) if photos else ()), "confidence maps", "2D joints", *_VIEWPOINTS)
    figure = Figure(figsize=(2.15 * len(columns) + 0.3, 2.3 * len(people) + 0.75), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    grid = figure.subplots(len(people), len(columns), squeeze=False)
    for axes, person in zip(grid, people, strict=True):
        rest = list(axes)
        if photos:
            rest.pop(0).imshow(person.crop)
        rest[0].imshow(_overlay(person))
        rest[1].imshow(person.crop)
        _skeleton(rest[1], MPII_16, person.points, person.peaks >= _SEEN)
        rest[1].set(xlim=(-0.5, _CROP - 0.5), ylim=(_CROP - 0.5, -0.5))
        _poses(rest[2:], person)
        axes[0].set_ylabel(f"MPJPE {person.error:.0f} mm\n{person.name}", fontsize=8)
    for axis, name in zip(grid[0], columns, strict=True):
        axis.set_title(name, fontsize=10)
    for axis in grid.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    handles = [Line2D([], [], color=colour, linewidth=2.5) for colour in (SIDES["left"], SIDES["right"], REFERENCE)]
    names = ["found, left", "found, right", reference]
    figure.legend(handles, names, loc="outside lower right", ncols=3, frameon=False, fontsize=9)
    return figure


def _overlay(person: Example) -> np.ndarray:
    """(S, S, 3) the crop, darkened, under the maps' maxima."""
    side = len(person.crop)
    maps = torch.from_numpy(person.maps)[None].float()
    large = functional.interpolate(maps, size=(side, side), mode="bilinear", align_corners=False)
    height = large[0].amax(0).clamp(0, 1).numpy()
    colour = colormaps["inferno"](0.25 + 0.75 * height)[..., :3]
    grey = person.crop.mean(-1, keepdims=True) / 255 * 0.55
    return grey * (1 - height[..., None]) + colour * height[..., None]


def _poses(axes: list[Axes], person: Example) -> None:
    """Found over reference pose from both viewpoints, at one scale, with a bar of half a metre."""
    both = np.concatenate((person.found, person.truth))
    middle = (both.min(0) + both.max(0)) / 2
    reach = 0.56 * float((both.max(0) - both.min(0)).max()) + 60
    for axis, (right, down) in zip(axes, _VIEWPOINTS.values(), strict=True):
        every = np.ones(len(HUMAN36M_17), bool)
        _skeleton(axis, HUMAN36M_17, person.truth[:, (right, down)], every, colour=REFERENCE)
        _skeleton(axis, HUMAN36M_17, person.found[:, (right, down)], every)
        axis.set(xlim=(middle[right] - reach, middle[right] + reach), ylim=(middle[down] + reach, middle[down] - reach))
        axis.set_aspect("equal")
    start, height = middle[0] - 0.95 * reach, middle[1] + 0.97 * reach
    axes[0].plot((start, start + _BAR_MM), (height, height), color="#2b2f36", linewidth=1.5, solid_capstyle="butt")
    axes[0].text(start, height - 0.03 * reach, "0.5 m", fontsize=7, color="#2b2f36", va="bottom")


def _skeleton(
    axis: Axes, skeleton: Skeleton, points: np.ndarray, seen: np.ndarray, *, colour: str | None = None
) -> None:
    """Bones between joints (J, 2) that are seen."""
    for bone in skeleton.bones:
        if seen[list(bone)].all():
            x, y = points[list(bone)].T
            shade = colour or SIDES[bone_side(skeleton, bone)]
            axis.plot(x, y, color=shade, linewidth=2.4 if colour is None else 3, solid_capstyle="round")
