"""A body that moves with a rig: the mesh of the T-pose, and which nodes each of its corners follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.drawing.body_mesh import TRUNK_PLACES, Mesh, body_parts
from demo.drawing.rig import Rig
from fusion_model.drawing import bone_side
from fusion_model.skeletons import Skeleton


@dataclass(frozen=True)
class Skin:
    """A mesh whose V corners follow up to two nodes each.

    Attributes:
        mesh: in the T-pose, mm, axes of the rig; empty if no joint is drawn.
        nodes: (V, 2) numbers of nodes.
        weights: (V, 2) float32 that sum to 1.
        parts: (V,) numbers of the parts of the body.
        part_joints: the joints that each part belongs to.
        part_sides: the side of each part.
    """

    mesh: Mesh
    nodes: np.ndarray
    weights: np.ndarray
    parts: np.ndarray
    part_joints: tuple[tuple[int, ...], ...]
    part_sides: tuple[str, ...]

    @classmethod
    def of(cls, rig: Rig, opacity: np.ndarray, height_mm: float, steps: int) -> Skin:
        """The body of :func:`demo.drawing.body_mesh.body_mesh`: limbs follow one node, the trunk bends.

        Args:
            rig: of the person.
            opacity: (J,) in [0, 1]; 0 leaves out a joint and what is attached to it.
            height_mm: of the person: the thickness grows with it.
            steps: corners round a limb.
        """
        rest = rig.rest[[rig.node_of(joint) for joint in range(len(rig.skeleton))]]
        parts = body_parts(rig.skeleton, rest, opacity, height_mm, steps)
        meshes = [Mesh(np.empty((0, 3)), np.empty((0, 3), int), np.empty(0)), *(mesh for _, mesh in parts)]
        nodes, weights, places = [np.empty((0, 2), int)], [np.empty((0, 2))], iter(TRUNK_PLACES)
        for joints, mesh in parts:
            if len(joints) < 3:
                node = rig.node_of(*joints) if len(joints) == 1 else rig.node_along(joints)
                nodes.append(np.full((len(mesh.corners), 2), node))
                weights.append(np.tile((1.0, 0.0), (len(mesh.corners), 1)))
            else:
                along = np.array([rig.node_of(rig.skeleton.index(name)) for name in ("thorax", "spine", "pelvis")])
                place = np.clip(np.repeat(next(places), 2 * steps), 0, 2)
                first = np.minimum(place.astype(int), 1)
                nodes.append(along[np.stack((first, first + 1), axis=1)])
                weights.append(np.stack((1 - (place - first), place - first), axis=1))
        numbers = np.repeat(np.arange(len(parts)), [len(mesh.corners) for _, mesh in parts])
        every = np.concatenate(weights).astype(np.float32)
        owners = tuple(joints for joints, _ in parts)
        sides = tuple(_side(rig.skeleton, joints) for joints in owners)
        return cls(Mesh.joined(meshes), np.concatenate(nodes), every, numbers, owners, sides)

    def posed(self, rig: Rig, frame: int) -> np.ndarray:
        """(V, 3) mm, the corners in a frame of a rig: linear blend skinning."""
        steps = self.mesh.corners[:, None] - rig.rest[self.nodes]
        moved = np.einsum("vnij,vnj->vni", rig.turns[frame, self.nodes], steps) + rig.points[frame, self.nodes]
        return np.einsum("vn,vni->vi", self.weights, moved)

    def lowest(self, rig: Rig) -> np.ndarray:
        """(T,) mm, the lowest y of the body in each frame, or of the nodes if no joint is drawn."""
        if not len(self.mesh.corners):
            return rig.points[:, :, 1].min(1)
        return np.array([self.posed(rig, frame)[:, 1].min() for frame in range(len(rig.points))])


def _side(skeleton: Skeleton, joints: tuple[int, ...]) -> str:
    """Side of the part of a body that belongs to those joints."""
    if len(joints) == 1:
        return skeleton.side(*joints)
    return bone_side(skeleton, joints) if len(joints) == 2 else "middle"
