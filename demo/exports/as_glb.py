"""glTF (.glb): rigged bodies, which Blender, three.js, Windows' and Apple's viewers and game engines open.

Metres, y up, people who face the camera face +z, as glTF wants it. Each person is a skeleton of nodes named after the
joints (:mod:`demo.drawing.rig`) in a skin of their own, whose bind pose is a T-pose, with a body in the colours of the
sides; what the camera never saw has nodes, but no body. In every frame, nodes stand exactly where
the joints are, so bone lengths may differ a little from frame to frame. Whoever stands lowest stands on y = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pygltflib as gltf

from demo.drawing.body_mesh import attached, vertex_normals
from demo.drawing.overlays import joint_opacity
from demo.drawing.rig import TO_RIG, Rig
from demo.drawing.shades import shade, side_rgb
from demo.drawing.skin import Skin
from demo.drawing.stage import Camera
from fusion_model import Pose
from fusion_model.drawing import SIDE_COLOURS

_METRES_PER_MM = 0.001
_STEPS = 16  # corners round a limb
_TYPES = {1: gltf.SCALAR, 3: gltf.VEC3, 4: gltf.VEC4, 16: gltf.MAT4}
_COMPONENTS = {
    np.dtype(np.uint8): gltf.UNSIGNED_BYTE,
    np.dtype(np.uint16): gltf.UNSIGNED_SHORT,
    np.dtype(np.float32): gltf.FLOAT,
}


@dataclass(frozen=True)
class _Person:
    """What is written of one person: T frames, a skin, and (3,) mm, where the pelvis stands, axes of the rig."""

    name: str
    rig: Rig
    skin: Skin
    place: np.ndarray

    @classmethod
    def of(cls, name: str, poses: Sequence[Pose], place: np.ndarray) -> _Person:
        """One person in the poses of all frames."""
        rig = Rig.of(poses)
        opacity = attached(rig.skeleton, np.stack([joint_opacity(pose) for pose in poses]))
        drawn = (opacity > 0).any(0).astype(float)
        return cls(name, rig, Skin.of(rig, drawn, poses[0].height_mm, _STEPS), place)

    @property
    def lowest(self) -> np.ndarray:
        """(T,) mm, the lowest y."""
        return self.skin.lowest(self.rig) + self.place[1]


def encode(poses: Pose | Sequence[Pose], photo: np.ndarray) -> bytes:
    """Write the pose of a person, or of the people of one photo, each with a skeleton.

    Args:
        poses: one pose, or several, at least one.
        photo: (H, W, 3) uint8 RGB: people stand to each other as it shows them.

    Returns:
        The file.

    Raises:
        ValueError: if there is no pose, or a skeleton has no root, or a joint is not finite.
    """
    people = [poses] if isinstance(poses, Pose) else list(poses)
    if not people:
        raise ValueError("a GLB file needs at least one pose, got none")
    camera = Camera.usual(photo.shape[:2], people)
    places = np.stack([camera.place(pose) for pose in people])
    places = (places - places[0]) * TO_RIG
    numbers = range(1, len(people) + 1)
    named = [_Person.of(f"person {k}", [pose], at) for k, pose, at in zip(numbers, people, places, strict=True)]
    floor = min(float(person.lowest[0]) for person in named)
    writer = _Writer()
    for person in named:
        writer.add(person, np.array([-floor]))
    return writer.data()


def encode_motion(poses: Sequence[Pose], times: Sequence[float]) -> bytes:
    """Write one person's motion: keyframes with linear interpolation, in each of which the lowest foot is on the floor.

    Args:
        poses: T poses, at least one.
        times: T seconds, rising.

    Returns:
        The file.

    Raises:
        ValueError: as :func:`encode`, or if there is not one time for each pose, or they do not rise from 0 or later.
    """
    seconds = np.asarray(times, np.float32)
    if len(seconds) != len(poses) or (np.diff(seconds, prepend=-1.0) <= 0).any() or seconds[:1].min(initial=0) < 0:
        raise ValueError(f"each of {len(poses)} poses needs a time, rising from 0 s or later; got {list(times)}")
    person, writer = _Person.of("person 1", poses, np.zeros(3)), _Writer()
    writer.add(person, -person.lowest, seconds)
    return writer.data()


class _Writer:
    """A glTF document that grows person by person."""

    def __init__(self) -> None:
        self.blob = bytearray()
        self.document = gltf.GLTF2(asset=gltf.Asset(generator="fusion-pose"), scene=0, scenes=[gltf.Scene()])
        for side in SIDE_COLOURS:
            colour = [*(((np.array(side_rgb(side)) / 255) ** 2.2).tolist()), 1.0]  # linear, as glTF wants it
            surface = gltf.PbrMetallicRoughness(baseColorFactor=colour, metallicFactor=0.0, roughnessFactor=0.7)
            self.document.materials.append(gltf.Material(name=side, pbrMetallicRoughness=surface))

    def add(self, person: _Person, lift: np.ndarray, seconds: np.ndarray | None = None) -> None:
        """Add a person.

        Args:
            person: with T frames; the nodes have the first one's pose.
            lift: (T,) mm, by which the pelvis is lifted.
            seconds: (T,) float32, of keyframes; None writes no animation.
        """
        document, rig, start = self.document, person.rig, len(self.document.nodes) + 1
        steps = rig.local_points.copy()
        steps[:, 0, 1] += lift
        steps = np.float32(steps * _METRES_PER_MM)
        turns = quaternions(rig.local_turns)
        place = (person.place * _METRES_PER_MM).tolist()
        document.scenes[0].nodes.append(start - 1)
        document.nodes.append(gltf.Node(name=person.name, translation=place, children=[start]))
        for row, node in enumerate(rig.nodes):
            children = [start + k for k, one in enumerate(rig.nodes) if one.parent == row]
            at, turn = steps[0, row].tolist(), turns[0, row].tolist()
            document.nodes.append(gltf.Node(name=node.name, translation=at, rotation=turn, children=children))
        if len(person.skin.mesh.faces):
            self._add_body(person, start)
        if seconds is not None:
            self._animate(person, start, seconds, steps, turns)

    def data(self) -> bytes:
        """The file."""
        self.document.buffers = [gltf.Buffer(byteLength=len(self.blob))]
        self.document.set_binary_blob(bytes(self.blob))
        return b"".join(self.document.save_to_bytes())

    def _add_body(self, person: _Person, start: int) -> None:
        """Add the mesh, its skin and the node that shows it, which moves with the nodes from ``start`` on."""
        document, rig, skin = self.document, person.rig, person.skin
        rest, faces = skin.mesh.corners * np.float32(_METRES_PER_MM), skin.mesh.faces[:, ::-1]  # glTF's way round
        four = np.zeros((len(rest), 2))
        attributes = gltf.Attributes(
            POSITION=self._store(rest, gltf.ARRAY_BUFFER, bounds=True),
            NORMAL=self._store(vertex_normals(rest, faces), gltf.ARRAY_BUFFER),
            JOINTS_0=self._store(
                np.concatenate((np.where(skin.weights > 0, skin.nodes, 0), four), 1).astype(np.uint8), gltf.ARRAY_BUFFER
            ),
            WEIGHTS_0=self._store(np.concatenate((skin.weights, four), 1).astype(np.float32), gltf.ARRAY_BUFFER),
        )
        primitives = []
        for material, side in enumerate(SIDE_COLOURS):
            own = faces[skin.mesh.shades[faces[:, 0]] == shade(side)]
            if len(own):
                indices = self._store(own.ravel().astype(np.uint16), gltf.ELEMENT_ARRAY_BUFFER)
                primitives.append(gltf.Primitive(attributes=attributes, indices=indices, material=material))
        inverse = np.tile(np.eye(4, dtype=np.float32), (len(rig.nodes), 1, 1))
        inverse[:, 3, :3] = -rig.rest * _METRES_PER_MM  # column after column
        joints = list(range(start, start + len(rig.nodes)))
        matrices = self._store(inverse.reshape(-1, 16))
        document.skins.append(gltf.Skin(name=person.name, skeleton=start, joints=joints, inverseBindMatrices=matrices))
        document.meshes.append(gltf.Mesh(name=f"body of {person.name}", primitives=primitives))
        document.scenes[0].nodes.append(len(document.nodes))
        number = len(document.meshes) - 1
        document.nodes.append(gltf.Node(name=f"body of {person.name}", mesh=number, skin=len(document.skins) - 1))

    def _animate(self, person: _Person, start: int, seconds: np.ndarray, steps: np.ndarray, turns: np.ndarray) -> None:
        """Add keyframes for the nodes from ``start`` on: local places (T, K, 3) in m, and quaternions (T, K, 4)."""
        clock, animation = self._store(seconds, bounds=True), gltf.Animation(name=f"motion of {person.name}")
        for row, node in enumerate(person.rig.nodes):
            tracks = {"rotation": turns[:, row]}
            if row == 0 or node.bone >= 0:
                tracks["translation"] = steps[:, row]
            for path, values in tracks.items():
                target = gltf.AnimationChannelTarget(node=start + row, path=path)
                animation.channels.append(gltf.AnimationChannel(sampler=len(animation.samplers), target=target))
                animation.samplers.append(gltf.AnimationSampler(input=clock, output=self._store(values)))
        self.document.animations.append(animation)

    def _store(self, values: np.ndarray, target: int | None = None, *, bounds: bool = False) -> int:
        """Append an array (N,) or (N, C) to the file, whole numbers or float32; returns the number of its accessor."""
        table = np.ascontiguousarray(values).reshape(len(values), -1)
        raw, document = table.tobytes(), self.document
        view = gltf.BufferView(buffer=0, byteOffset=len(self.blob), byteLength=len(raw), target=target)
        self.blob += raw + bytes(-len(raw) % 4)
        document.bufferViews.append(view)
        document.accessors.append(
            gltf.Accessor(
                bufferView=len(document.bufferViews) - 1,
                componentType=_COMPONENTS[table.dtype],
                count=len(table),
                type=_TYPES[table.shape[1]],
                min=table.min(0).tolist() if bounds else None,
                max=table.max(0).tolist() if bounds else None,
            )
        )
        return len(document.accessors) - 1


def quaternions(turns: np.ndarray) -> np.ndarray:
    """Rotations (T, K, 3, 3) as unit quaternions (T, K, 4) x, y, z, w float32 that do not jump from frame to frame.

    A rotation's quaternion is the eigenvector of the largest eigenvalue of a symmetric matrix of its entries
    (Bar-Itzhack, "New method for extracting the quaternion from a rotation matrix", 2000), which is stable everywhere.
    """
    (a, b, c), (d, e, f), (g, h, i) = np.moveaxis(turns, (-2, -1), (0, 1))
    rows = [
        [a - e - i, b + d, c + g, h - f],
        [b + d, e - a - i, f + h, c - g],
        [c + g, f + h, i - a - e, d - b],
        [h - f, c - g, d - b, a + e + i],
    ]
    _, vectors = np.linalg.eigh(np.moveaxis(np.array(rows), (0, 1), (-2, -1)))
    found = vectors[..., -1]
    found[0] *= np.where(found[0, :, 3:] < 0, -1, 1)
    along = (found[1:] * found[:-1]).sum(-1, keepdims=True)
    found[1:] *= np.cumprod(np.where(along < 0, -1, 1), axis=0)
    return found.astype(np.float32)
