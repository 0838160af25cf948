"""From a linear body model and a population to the arrays of a pack: all shapes in a few principal components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from train.synthesis.body import shape_parts
from train.synthesis.body_people import Population
from train.synthesis.body_skin import position_along
from train.synthesis.rig import RIG

_BONES_A_VERTEX = 4
_DENSITY = 0.985e-6  # kg a cubic millimetre: of the body in mid-breath


@dataclass(frozen=True)
class Source:
    """A linear body model: a body is ``rows`` weighted by (1, coefficients).

    Attributes:
        rows: (1 + S, V + 31, 3) float32 mm, y up, from the pelvis: vertices, then heads of the rig's bones, then
            body.POINTS; the first row is the model at rest.
        faces: (F, 3) int32 triangles.
        part: (F,) int8 index into body.PARTS.
        uv: (V, 2) float32.
        weld: (V,) int32 the first vertex at the same place.
        weights: (V, 21) float32 skinning to the rig's bones.
        coefficients: turns phenotypes, each (N,) in [0, 1], into shape coefficients (N, S) float32.
    """

    rows: np.ndarray
    faces: np.ndarray
    part: np.ndarray
    uv: np.ndarray
    weld: np.ndarray
    weights: np.ndarray
    coefficients: Callable[[dict[str, np.ndarray]], np.ndarray]


def bake(source: Source, population: Population, components: int) -> dict[str, np.ndarray]:
    """The arrays of a pack with all people of a population, their shapes in so many principal components."""
    mean, basis, coefficients = _principal(source.rows, _mixture(source, population), components)
    count = len(source.uv)
    vertices, heads, tails = shape_parts(mean, count)[:3]
    bone, weight = _strongest(source.weights)
    along = np.zeros(count, np.float32)
    for index in range(len(RIG)):
        own = bone[:, 0] == index
        along[own] = position_along(vertices[own], heads[index], tails[index])
    skin = source.faces[source.part == 0]
    mass = [_volume(vertices + np.tensordot(row, basis[:, :count], 1), skin) * _DENSITY for row in coefficients]
    return {
        "faces": source.faces,
        "part": source.part,
        "uv": source.uv.astype(np.float16),
        "weld": source.weld,
        "bone": bone,
        "weight": weight.astype(np.float16),
        "along": along.astype(np.float16),
        "mean": mean,
        "components": basis.astype(np.float16),
        "coefficients": coefficients.astype(np.float16),
        "sex": population.sex,
        "age_years": population.age_years.astype(np.float32),
        "stature_mm": population.stature_mm.astype(np.float32),
        "mass_kg": np.array(mass, np.float32),
    }


def _mixture(source: Source, population: Population) -> np.ndarray:
    """Weights (N, 1 + S) of the source's rows that give each person, of the stature drawn for them.

    The model's own height, which changes proportions too, goes as far as it can; what is left is a scale.
    """

    def coefficients(height: np.ndarray) -> np.ndarray:
        found = source.coefficients(population.phenotypes | {"height": height})
        return np.concatenate([np.ones((len(found), 1), np.float32), found], 1)

    none = np.zeros(len(population.sex))
    low, high = (_stature(source, coefficients(none + height)) for height in (0, 1))
    mixture = coefficients(np.clip((population.stature_mm - low) / (high - low), 0, 1))
    scale = population.stature_mm / _stature(source, mixture)
    print(f"scales beyond the model's own height: {np.percentile(scale, [0, 5, 50, 95, 100]).round(3)}")
    return (mixture * scale[:, None]).astype(np.float32)


def _stature(source: Source, mixture: np.ndarray) -> np.ndarray:
    """(N,) millimetres from sole to crown, legs straight, of bodies given as weights (N, 1 + S) of the rows."""
    skin = np.unique(source.faces[source.part == 0])
    level = source.rows[0, skin, 1]
    near = 40  # mm: whatever is lowest or highest in one body is among what is so near to it in the model at rest
    crown, soles = skin[level > level.max() - near], skin[level < level.min() + near]
    at_rest = (mixture @ source.rows[:, crown, 1]).max(1) - (mixture @ source.rows[:, soles, 1]).min(1)
    # At rest the legs stand apart; straight below the hips they are longer.
    leg = [len(source.uv) + RIG.index(f"left_{bone}") for bone in ("thigh", "shin", "foot")]
    bones = np.diff(np.tensordot(mixture, source.rows[:, leg], 1), axis=1)
    return at_rest + (np.linalg.norm(bones, axis=-1) + bones[..., 1]).sum(1)


def _principal(rows: np.ndarray, mixture: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (M, 3), components (C, M, 3) and coefficients (N, C) of unit variance, of bodies ``mixture @ rows``."""
    flat = rows.reshape(len(rows), -1)
    middle = mixture.mean(0)
    centered = mixture - middle
    # Of bodies in so few rows the small matrix of the rows' products has all the variance: no need to make them all.
    values, vectors = np.linalg.eigh((flat @ flat.T).astype(np.float64))
    root = vectors * np.sqrt(np.maximum(values, 0))
    scores, singular, _ = np.linalg.svd(centered @ root, full_matrices=False)
    scores = scores[:, :components] * np.sqrt(len(mixture))
    basis = (scores.T @ centered / len(mixture)).astype(np.float32) @ flat
    left = np.sqrt((singular[components:] ** 2).sum() / (len(mixture) * rows.shape[1]))
    print(f"root mean square of what {components} components leave out: {left:.2f} mm a vertex")
    return (middle @ flat).reshape(rows.shape[1:]), basis.reshape(-1, *rows.shape[1:]), scores


def _strongest(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strongest bones (V, 4) int16 of skinning (V, 21) and their weights (V, 4), of sum 1."""
    bone = np.argsort(-weights, 1, kind="stable")[:, :_BONES_A_VERTEX]
    weight = np.take_along_axis(weights, bone, 1)
    return bone.astype(np.int16), weight / weight.sum(1, keepdims=True)


def _volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume in cubic millimetres within a closed surface of vertices (V, 3) and triangles (F, 3)."""
    first, second, third = vertices[faces].transpose(1, 0, 2)
    return float((first * np.cross(second, third)).sum() / 6)
