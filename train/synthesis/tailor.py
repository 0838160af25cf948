"""Clothes cut from the shells of the body: where a garment covers, and how far it stands off.

Everything is measured on the person at rest (arms half down), in millimetres: heights on trunk and legs, and the
length along each arm from the shoulder. *Cover* is the distance inside a garment's edge, negative outside; edges are
cut per fragment by the shader, so hems are smooth however coarse the shell is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from train.synthesis.body import PARTS, BodyPack, Person
from train.synthesis.body_skin import dense_weights
from train.synthesis.rig import RIG
from train.synthesis.surface import Surface, face_normals, unit_rows

FAR = 1000.0  # mm: well inside any edge
_ARM = [RIG.index(f"{side}_{bone}") for side in ("left", "right") for bone in ("upper_arm", "forearm", "hand")]
_LEG = [RIG.index(f"{side}_{bone}") for side in ("left", "right") for bone in ("thigh", "shin", "foot", "toes")]
_BENDS = [
    RIG.index(f"{side}_{bone}") for side in ("left", "right") for bone in ("forearm", "shin", "thigh", "upper_arm")
]
_HEAD = [RIG.index("neck"), RIG.index("head")]
_SPANNING_STEPS = 5
UNDER_MM = 18.0  # mm that a layer goes on beneath the one that hides it


@dataclass(frozen=True)
class Cut:
    """How a garment is cut.

    Attributes:
        shell: ``"tights"`` for all that follows the limbs, ``"skirt"``.
        top: height of the upper edge where it goes round trunk or leg; :data:`FAR` for none.
        bottom: height of the lower edge; -:data:`FAR` for none.
        sleeve: length of the sleeves from the shoulder; negative: the garment has no arms at all.
        neckline: ``"none"``, ``"crew"``, ``"v"``, ``"scoop"``, ``"collar"`` or ``"straps"``.
        opening: half the gap down the front; negative for none.
        offset: mm off the shell.
        loose: further mm off at the hems.
    """

    shell: str
    top: float
    bottom: float
    sleeve: float = -1.0
    neckline: str = "none"
    opening: float = -1.0
    offset: float = 3.0
    loose: float = 0.0


class Tailor:
    """What all people of a pack share: masks and faces of the parts.

    Args:
        pack: the bodies.
    """

    def __init__(self, pack: BodyPack) -> None:
        self.pack = pack
        fraction = dense_weights(pack.bone, pack.weight, len(RIG))
        self.arm, self.leg, self.head = (fraction[:, bones].sum(1) for bones in (_ARM, _LEG, _HEAD))
        self.left = pack.mean[: len(pack.uv), 0] > 0
        self.vertices = {name: np.flatnonzero(pack.vertex_part == index) for index, name in enumerate(PARTS)}
        self.faces = {}
        for index, name in enumerate(PARTS):
            local = np.zeros(len(pack.uv), np.int32)
            local[self.vertices[name]] = np.arange(len(self.vertices[name]))
            self.faces[name] = local[pack.faces[pack.part == index]]
        first = {name: np.searchsorted(rows, pack.weld[rows]) for name, rows in self.vertices.items()}
        self.weld = {name: np.minimum(rows, len(self.vertices[name]) - 1) for name, rows in first.items()}

        skin = self.vertices["skin"]
        self.coarse_skin = _coarse(self.faces["skin"], pack.mean[skin], self.head[skin])
        self._incidence = {name: _incidence(self.faces[name], self.weld[name]) for name in PARTS}
        self.smoothing = {name: _smoothing(self.faces[name], self.weld[name]) for name in ("tights", "skirt")}

    def normals(self, part: str, vertices: np.ndarray) -> np.ndarray:
        """Normals (N, 3) of a part's vertices (N, 3), smooth across seams of the texture."""
        faces, gather = self._incidence[part]
        return unit_rows(gather @ face_normals(vertices, faces))


def _coarse(faces: np.ndarray, places: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Fewer faces (F', 3) of vertices (N, 3) for who is far away: what is in one cell is one; in the head less is."""
    cell = np.where(head > 0.5, np.where(places[:, 2] > places[head > 0.9, 2].mean(), 6.0, 9.0), 11.0)
    key = np.concatenate([np.floor(places / cell[:, None]), cell[:, None]], axis=1)
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    merged = first[inverse.ravel()][faces].astype(np.int32)
    keep = (merged != np.roll(merged, 1, 1)).all(1)
    return merged[keep]


def _incidence(faces: np.ndarray, weld: np.ndarray) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Faces (F, 3), and what sums a value of each face up at each vertex (N, F)."""
    count = len(weld)
    flat, face = weld[faces].ravel(), np.repeat(np.arange(len(faces)), 3)
    own = sparse.coo_matrix((np.ones(len(flat), np.float32), (flat, face)), (count, len(faces))).tocsr()
    return faces, own[weld]


def _smoothing(faces: np.ndarray, weld: np.ndarray) -> sparse.csr_matrix:
    """(N, N) what takes a value at each vertex to the mean over its neighbours and itself, a few steps on."""
    count = len(weld)
    welded = weld[faces]
    edges = np.concatenate([welded[:, [0, 1]], welded[:, [1, 2]], welded[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    near = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count)).tocsr()
    near = near + sparse.identity(count)
    near = sparse.diags(1 / np.asarray(near.sum(1)).ravel()) @ near
    gather = sparse.coo_matrix((np.ones(count), (np.arange(count), weld)), (count, count)).tocsr()
    return (gather @ near @ near).astype(np.float32).tocsr()


_TAILORS: dict[int, Tailor] = {}


def tailor_of(pack: BodyPack) -> Tailor:
    """The tailor of a pack, made once."""
    if id(pack) not in _TAILORS:
        _TAILORS[id(pack)] = Tailor(pack)  # it holds the pack, so that no other can get its id
    return _TAILORS[id(pack)]


@dataclass(frozen=True)
class Measures:
    """Lengths and heights of a person at rest.

    Attributes:
        rest: (V, 3) mm.
        arm_length: (V,) along the arm from the shoulder, negative on the trunk.
        scale: stature as a fraction of 1.7 m.
        levels: heights in mm: ankle, knee, crotch, waist, chest, neck.
        upper_arm, whole_arm: mm from the shoulder to elbow and to wrist.
        joints: (J, 3) where cloth folds: elbows, knees, hips, shoulders.
    """

    rest: np.ndarray
    arm_length: np.ndarray
    scale: float
    levels: dict[str, float]
    upper_arm: float
    whole_arm: float
    joints: np.ndarray


def measure(tailor: Tailor, person: Person) -> Measures:
    """Measures of a person."""
    heads, rest = person.heads, person.rest
    height = {name: float(heads[RIG.index(name), 1]) for name in ("spine", "chest", "left_shin", "left_foot")}
    lengths = np.full(len(rest), -FAR, np.float32)
    for side, own in (("left", tailor.left), ("right", ~tailor.left)):
        rows = np.flatnonzero(own & (tailor.arm > 0.02))
        shoulder, elbow, wrist = (heads[RIG.index(f"{side}_{bone}")] for bone in ("upper_arm", "forearm", "hand"))
        upper, lower = np.linalg.norm(elbow - shoulder), np.linalg.norm(wrist - elbow)
        first = (rest[rows] - shoulder) @ ((elbow - shoulder) / upper)
        second = (rest[rows] - elbow) @ ((wrist - elbow) / lower)
        lengths[rows] = np.where(first + second > upper, upper + np.maximum(second, first - upper), first)
    scale = person.stature_mm / 1700.0
    levels = {
        "ankle": height["left_foot"],
        "knee": height["left_shin"],
        "crotch": -80.0 * scale,
        "waist": 0.75 * height["spine"] + 0.25 * height["chest"],
        "chest": height["chest"],
        "neck": float(person.thorax[1]),
    }
    return Measures(rest, lengths, scale, levels, float(upper), float(upper + lower), heads[_BENDS])


def cover_of(cut: Cut, tailor: Tailor, person: Person, size: Measures, rows: np.ndarray) -> np.ndarray:
    """Cover (N,) in mm of the body's vertices ``rows`` (N,) by a garment."""
    x, y, z = size.rest[rows].T
    on_arm = tailor.arm[rows] > 0.35
    cover = np.minimum(cut.top - y, y - cut.bottom)
    if cut.sleeve < 0:
        cover = np.where(on_arm, -FAR, cover)
    else:
        armhole = (0.5 - tailor.arm[rows]) * 160 * size.scale
        sleeve = armhole if cut.sleeve == 0 else cut.sleeve - size.arm_length[rows]
        cover = np.where(on_arm, sleeve, np.minimum(cover, sleeve if cut.sleeve == 0 else FAR))
    if cut.neckline != "none":
        cover = np.minimum(cover, _neck(cut.neckline, person, size.scale, x, y, z))
    if cut.opening >= 0:
        trunk = ~on_arm & (z > person.heads[RIG.index("chest"), 2] - 10)
        widening = 0.10 * np.abs(y - size.levels["chest"])
        cover = np.where(trunk, np.minimum(cover, np.abs(x) - cut.opening - widening), cover)
    return cover.astype(np.float32)


def _neck(kind: str, person: Person, scale: float, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Distance below a neckline."""
    base, middle = person.thorax[1], person.thorax[2]
    front = np.clip((z - middle) / (60 * scale), 0, 1)
    if kind == "collar":
        return base + 52 * scale - 30 * scale * front - y
    lower = {"crew": 26.0, "v": 26.0, "scoop": 60.0, "straps": 62.0}[kind] * scale * front
    if kind == "v":
        lower = lower + np.maximum(0, 105 * scale - 1.7 * np.abs(x)) * front
    lift = 24.0 if kind != "straps" else 5.0
    edge = base + lift * scale - lower - y
    if kind == "straps":
        edge = np.maximum(edge, 18 * scale - np.abs(np.abs(x) - 85 * scale))
    return edge


class Figure:
    """A posed body, and what several of its clothes need to know of it, worked out once.

    Args:
        tailor: of the body's pack.
        person: who.
        posed: (V, 3) float32 vertices in the world, mm.
    """

    def __init__(self, tailor: Tailor, person: Person, posed: np.ndarray) -> None:
        self.tailor, self.person, self.posed = tailor, person, posed
        self.size = measure(tailor, person)
        self._normals: dict[str, np.ndarray] = {}
        self._shells: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def rows(self, part: str) -> np.ndarray:
        """(N,) which of the body's vertices are the part's."""
        return self.tailor.vertices[part]

    def normals(self, part: str) -> np.ndarray:
        """(N, 3) normals of a part's vertices."""
        if part not in self._normals:
            self._normals[part] = self.tailor.normals(part, self.posed[self.rows(part)])
        return self._normals[part]

    def shell(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """How far (N,) in mm a shell spans the body's hollows when slack, and how much (N,) cloth folds there."""
        if part not in self._shells:
            position = smooth = self.posed[self.rows(part)]
            for _ in range(_SPANNING_STEPS):
                smooth = self.tailor.smoothing[part] @ smooth
            out = np.maximum(0, np.einsum("ij,ij->i", smooth - position, self.normals(part)))
            rest, nearest = self.size.rest[self.rows(part)], np.float32(np.inf)
            for joint in self.size.joints:
                off = rest - joint
                nearest = np.minimum(nearest, np.einsum("ij,ij->i", off, off))
            self._shells[part] = out, 0.35 + 0.65 * np.exp(-nearest / (110 * self.size.scale) ** 2)
        return self._shells[part]

    def covers(self, cut: Cut) -> np.ndarray:
        """(V,) cover of all vertices by a garment."""
        return cover_of(cut, self.tailor, self.person, self.size, np.arange(len(self.posed)))


def garment(cut: Cut, figure: Figure, cover: np.ndarray, material: int) -> Surface:
    """A garment on a posed body.

    Args:
        cut: how it is cut.
        figure: the body.
        cover: (V,) of the body's vertices by what of the garment is not under another.
        material: its index.
    """
    tailor, size, rows = figure.tailor, figure.size, figure.rows(cut.shell)
    own = cover[rows]
    faces = tailor.faces[cut.shell]
    faces = faces[(own[faces] > 0).any(1)]
    span, folds = figure.shell(cut.shell)
    stand = (cut.offset + cut.loose * _looseness(cut, tailor, size, rows, own)) * size.scale
    stand = stand + span * min(1.0, (cut.offset + cut.loose) / 14.0)
    position = figure.posed[rows] + figure.normals(cut.shell) * stand[:, None].astype(np.float32)
    tint = np.ones((len(rows), 4), np.float32)
    tint[:, 3] = folds
    normal = tailor.normals(cut.shell, position)
    return Surface("cloth", position, normal, faces, size.rest[rows], material, tint, own)


def _looseness(cut: Cut, tailor: Tailor, size: Measures, rows: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """How much (N,) of the slack shows, 0 to 1: towards the hems, little between the legs and under the arms."""
    y = size.rest[rows, 1]
    if cut.shell == "skirt":
        return np.clip((size.levels["waist"] - y) / (500 * size.scale), 0, 1)
    arm, leg = tailor.arm[rows] > 0.35, tailor.leg[rows] > 0.5
    along = np.clip(size.arm_length[rows] / (260 * size.scale), 0, 1)
    trunk = np.clip((size.levels["chest"] + 60 - y) / (260 * size.scale), 0.15, 1)
    down = np.clip((size.levels["crotch"] - y) / (300 * size.scale), 0.25, 1)
    out = np.where(arm, 0.3 + 0.5 * along, np.where(leg, down, trunk))
    return out * np.clip(0.6 + cover / 150.0, 0.6, 1)
