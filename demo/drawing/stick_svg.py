"""People as small drawings of lines, from the front and from the side: sharp at any size, and light on phones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from demo.drawing.shades import side_css
from fusion_model.drawing import bone_side
from fusion_model.skeletons import Skeleton

_EDGE = 110.0  # mm round a person
# Axis to the right and axis away, with its sign, of what the camera sees, and who stands on the picture's right.
_VIEWS = ((0, 2, 1), (2, 0, -1))
_HEAD = 0.6  # of the way from the neck to the top of the head
_HEAD_RADIUS = 95.0  # mm


class Frame:
    """What all drawings have in common: one scale, so that they can be compared.

    Args:
        poses: (J, 3) mm each, camera axes, all that will be drawn.
        skeleton: of all of them.
    """

    def __init__(self, poses: Iterable[np.ndarray], skeleton: Skeleton) -> None:
        points, self.skeleton = np.concatenate(list(poses)), skeleton
        low, high = points.min(0) - _EDGE, points.max(0) + _EDGE
        self._width, self._height = max(high[0] - low[0], high[2] - low[2]), high[1] - low[1]
        middle = (low + high) / 2
        self._origins = [(middle[right] - self._width / 2, low[1]) for right, _, _ in _VIEWS]

    def draw(self, pose: np.ndarray, under: np.ndarray | None = None, *, name: str, dashed: bool = False) -> str:
        """One person twice, side by side, as SVG.

        Args:
            pose: (J, 3) mm, in the colours of the sides.
            under: another one, drawn in grey: behind it, or ``dashed`` over it.
            name: of the drawing, for who cannot see it.
            dashed: see above.
        """
        views = []
        for number, (_, depth, sign) in enumerate(_VIEWS):
            flat, away = self._flat(pose, number), sign * pose[:, depth]
            limbs = sorted(_limbs(self.skeleton), key=lambda limb, away=away: -away[list(limb)].mean())
            shapes = "".join(self._limb(flat, limb) for limb in limbs) + self._head(flat)
            grey = "" if under is None else self._grey(self._flat(under, number), dashed=dashed)
            shapes = shapes + grey if dashed else grey + shapes
            views.append(f"<g transform='translate({number * self._width:.0f} 0)'>{shapes}</g>")
        return (
            f"<svg viewBox='0 0 {2 * self._width:.0f} {self._height:.0f}' role='img' aria-label='{escape(name)}'>"
            f"{''.join(views)}</svg>"
        )

    def _flat(self, pose: np.ndarray, view: int) -> np.ndarray:
        """(J, 2) mm of a drawing."""
        return pose[:, [_VIEWS[view][0], 1]] - self._origins[view]

    def _limb(self, flat: np.ndarray, limb: tuple[int, ...]) -> str:
        """Bones in a row, with an edge that sets them off from those behind."""
        path, colour = _path(flat, limb), side_css(bone_side(self.skeleton, limb[-2:]))
        return f"<path class='edge' d='{path}'/><path class='limb' stroke='{colour}' d='{path}'/>"

    def _head(self, flat: np.ndarray) -> str:
        """A disc, where the joint set has a head."""
        if "head_top" not in self.skeleton.joints:
            return ""
        top = self.skeleton.index("head_top")
        x, y = flat[self.skeleton.parents[top]] * (1 - _HEAD) + flat[top] * _HEAD
        return f"<circle class='head' cx='{x:.0f}' cy='{y:.0f}' r='{_HEAD_RADIUS:.0f}' fill='{side_css('middle')}'/>"

    def _grey(self, flat: np.ndarray, *, dashed: bool) -> str:
        """All limbs of the other person."""
        path = "".join(_path(flat, limb) for limb in _limbs(self.skeleton))
        return f"<path class='{'dashed' if dashed else 'under'}' d='{path}'/>"


def _limbs(skeleton: Skeleton) -> list[tuple[int, ...]]:
    """Joints in a row, each from the root or from where limbs part to where they part or end."""
    children = [[b for a, b in skeleton.bones if a == joint] for joint in range(len(skeleton))]
    limbs = []
    for start, joint in skeleton.bones:
        if len(children[start]) > 1 or skeleton.parents[start] < 0:
            limb = [start, joint]
            while len(children[limb[-1]]) == 1:
                limb += children[limb[-1]]
            limbs.append(tuple(limb))
    return limbs


def _path(flat: np.ndarray, joints: Sequence[int]) -> str:
    """A line through joints of (J, 2)."""
    return "M" + "L".join(f"{x} {y}" for x, y in np.rint(flat[list(joints)]).astype(int))
