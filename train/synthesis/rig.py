"""The rig that every source of motion drives and every body follows.

World axes of the synthesis: millimetres, right-handed, y up. In the canonical stance a person stands upright, faces
+z, has its left hand at +x and its arms stretched sideways. A *posture* is one world rotation a bone, (21, 3, 3):
bone b points along ``rotations[b] @ RIG.directions[b]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_UP, _DOWN, _AHEAD, _LEFT, _RIGHT = (0, 1, 0), (0, -1, 0), (0, 0, 1), (1, 0, 0), (-1, 0, 0)


@dataclass(frozen=True)
class Rig:
    """A tree of bones.

    Attributes:
        names: bones; a bone begins at the joint it turns about and ends where its children begin.
        parents: index of each bone's parent, -1 for the first.
        directions: (B, 3) float64 unit vectors, where each bone points in the canonical stance.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    directions: np.ndarray

    def __len__(self) -> int:
        """Number of bones."""
        return len(self.names)

    def index(self, name: str) -> int:
        """Index of a bone; ValueError if there is none of that name."""
        if name not in self.names:
            raise ValueError(f"the rig has no bone {name!r}; it has {', '.join(self.names)}")
        return self.names.index(name)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """Index of each bone's mirror bone: its own for those on the middle line."""
        swap = {"left": "right", "right": "left"}
        names = []
        for name in self.names:
            side, _, rest = name.partition("_")
            names.append(f"{swap[side]}_{rest}" if side in swap else name)
        return tuple(self.names.index(name) for name in names)


_MIDDLE = (("pelvis", -1, _UP), ("spine", 0, _UP), ("chest", 1, _UP), ("neck", 2, _UP), ("head", 3, _UP))


def _side(name: str, first: int, outwards: tuple[int, int, int]) -> list[tuple[str, int, tuple[int, int, int]]]:
    """The eight bones of one side, the first of them at index ``first``."""
    arm = [("clavicle", 2), ("upper_arm", first), ("forearm", first + 1), ("hand", first + 2)]
    leg = [("thigh", 0, _DOWN), ("shin", first + 4, _DOWN), ("foot", first + 5, _AHEAD), ("toes", first + 6, _AHEAD)]
    return [(f"{name}_{bone}", parent, outwards) for bone, parent in arm] + [
        (f"{name}_{bone}", parent, direction) for bone, parent, direction in leg
    ]


_BONES = [*_MIDDLE, *_side("left", 5, _LEFT), *_side("right", 13, _RIGHT)]

RIG = Rig(
    tuple(name for name, _, _ in _BONES),
    tuple(parent for _, parent, _ in _BONES),
    np.array([direction for _, _, direction in _BONES], np.float64),
)


def mirror_posture(rotations: np.ndarray) -> np.ndarray:
    """The posture in a mirror: x negated, sides swapped.

    Args:
        rotations: (..., 21, 3, 3).
    """
    flip = np.array([-1.0, 1.0, 1.0])
    return (flip[:, None] * rotations * flip)[..., list(RIG.mirror), :, :]
