"""A posture in the making: trunk, legs and arms set one by one, by directions or by where a hand or foot goes."""

from __future__ import annotations

import numpy as np

from train.synthesis.rig import RIG

from .figure import CLAVICLE_FRACTION, LENGTHS, start_of
from .rotation import about, align, between, cross, of_vector, perpendicular, to_local, to_world, unit, vector_of

_X, _Y, _Z = np.eye(3)
OUTWARDS = {"left": 1.0, "right": -1.0}
SIDES = ("left", "right")
_TRUNK = [RIG.index(name) for name in ("spine", "chest", "neck", "head")]


def heading(side: str, up: float, out: float) -> np.ndarray:
    """Unit vector (3,) that points ahead (+z), raised by ``up`` and turned away from the middle by ``out`` degrees."""
    up, out = np.deg2rad([up, out])
    return np.array([OUTWARDS[side] * np.sin(out) * np.cos(up), np.sin(up), np.cos(out) * np.cos(up)])


def pitched(degrees: float) -> np.ndarray:
    """Rotation (3, 3) that leans what stands upright ahead by so many degrees."""
    return about(_X, np.deg2rad(degrees))


class Draft:
    """A posture that starts with a captured upper body and straight legs.

    Attributes:
        rotations: (21, 3, 3) world rotations, changed in place.
    """

    def __init__(self, upper: np.ndarray, pelvis: np.ndarray, fraction: float, bend: tuple[float, float]) -> None:
        """Put a captured upper body on a pelvis.

        Args:
            upper: (21, 3, 3) captured posture.
            pelvis: (3, 3) world rotation.
            fraction: how much of the captured bending of spine, neck and head is kept.
            bend: degrees that spine and chest bend ahead besides.
        """
        local = to_local(upper)
        local[_TRUNK] = of_vector(fraction * vector_of(local[_TRUNK]))
        local[1] = local[1] @ pitched(bend[0])
        local[2] = local[2] @ pitched(bend[1])
        local[0] = pelvis
        for side in SIDES:
            first = RIG.index(f"{side}_thigh")
            local[first : first + 4] = np.eye(3)
        self.rotations = to_world(local)

    def at(self, bone: str) -> np.ndarray:
        """Where a bone starts on the plain adult, (3,) mm."""
        return start_of(self.rotations, bone)

    def aim_leg(self, side: str, thigh: np.ndarray, shin: np.ndarray, foot: np.ndarray) -> None:
        """Point thigh, shin and foot along world directions (3,); a straight knee faces where the foot points."""
        normal = cross(thigh, shin)
        bent = np.linalg.norm(normal)
        # The pelvis decides where the foot is in line with the shin and says nothing.
        straight = unit(cross(foot, shin) + 0.3 * self.rotations[0] @ _X)
        hinge = unit(normal + max(0.0, 0.4 - bent) * straight)
        first = RIG.index(f"{side}_thigh")
        self.rotations[first] = align(-_Y, _X, thigh, hinge)
        self.rotations[first + 1] = align(-_Y, _X, shin, hinge)
        self.rotations[first + 2] = self.rotations[first + 3] = align(_Z, _X, foot, hinge)

    def bend_toes(self, side: str, degrees: float) -> None:
        """Bend the toes up against the foot."""
        foot = RIG.index(f"{side}_foot")
        self.rotations[foot + 1] = self.rotations[foot] @ pitched(-degrees)

    def step_to(self, side: str, ankle: np.ndarray, pole: np.ndarray, foot: np.ndarray) -> None:
        """Bring the ankle to a place (3,) mm, the knee towards ``pole`` (3,), the foot along ``foot`` (3,)."""
        thigh = RIG.index(f"{side}_thigh")
        upper, lower = bend_to(ankle - self.at(f"{side}_thigh"), LENGTHS[thigh], LENGTHS[thigh + 1], pole)
        self.aim_leg(side, upper, lower, foot)

    def aim_arm(self, side: str, upper: np.ndarray, lower: np.ndarray, turn: float = 0.0, drop: float = 0.0) -> None:
        """Point upper arm and forearm along world directions.

        Args:
            side: left or right.
            upper: (3,) unit vector of the upper arm.
            lower: (3,) unit vector of the forearm.
            turn: degrees by which the hand is turned palm down (pronated).
            drop: degrees by which the hand bends towards the palm.
        """
        chest, sign = self.rotations[RIG.index("chest")], OUTWARDS[side]
        outwards, axis = sign * _X, cross(sign * _X, _Z)
        local = chest.T @ upper
        normal = cross(upper, lower)
        min_twist = chest @ between(outwards, local) @ axis
        hinge = unit(normal + max(0.0, 0.4 - float(np.linalg.norm(normal))) * min_twist)
        first = RIG.index(f"{side}_clavicle")
        self.rotations[first] = chest @ between(outwards, local, CLAVICLE_FRACTION)
        self.rotations[first + 1] = align(outwards, axis, upper, hinge)
        forearm = align(outwards, axis, lower, hinge)
        half = about(outwards, np.deg2rad(sign * turn / 2))
        self.rotations[first + 2] = forearm @ half
        self.rotations[first + 3] = forearm @ half @ half @ about(_Z, np.deg2rad(-sign * drop))

    def hand_to(self, side: str, wrist: np.ndarray, pole: np.ndarray, turn: float = 0.0, drop: float = 0.0) -> None:
        """Bring the wrist to a place (3,) mm, the elbow towards ``pole`` (3,)."""
        bone = RIG.index(f"{side}_upper_arm")
        upper, lower = bend_to(wrist - self.at(f"{side}_upper_arm"), LENGTHS[bone], LENGTHS[bone + 1], pole)
        self.aim_arm(side, upper, lower, turn, drop)


def bend_to(offset: np.ndarray, upper: float, lower: float, pole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions of the two bones of a limb that ends at an offset from its start; as near as it can where too far.

    Args:
        offset: (3,) mm from the limb's start to its end.
        upper: length of the first bone, mm.
        lower: length of the second bone, mm.
        pole: (3,) the way the middle joint stands out.

    Returns:
        Two unit vectors (3,).
    """
    straight = unit(offset)
    distance = np.clip(np.linalg.norm(offset), abs(upper - lower) + 60, upper + lower - 1)
    cosine = (upper**2 + distance**2 - lower**2) / (2 * upper * distance)
    side = unit(perpendicular(pole, straight))
    first = cosine * straight + np.sqrt(max(0.0, 1 - cosine**2)) * side
    return first, unit(distance * straight - upper * first)
