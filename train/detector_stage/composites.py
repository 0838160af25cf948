"""Composites: pictures of several people with complete boxes, put together from photos of one person each.

Two kinds: people pasted on backgrounds that show no person, and whole photos whose surroundings may show people without
a label. Cut-outs are rectangles, soft rectangles or body-shaped, and rectangles without a person lie among them, so
that an edge does not give a person away.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from fusion_model.boxes import areas
from fusion_model.skeletons import MPII_16
from train.data.cutting import MIN_JOINTS, beside_person
from train.data.people import People

_THORAX, _PELVIS, _HEAD = (MPII_16.index(name) for name in ("thorax", "pelvis", "head_top"))
_TORSO = [MPII_16.index(name) for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
_BONES = MPII_16.bones
_MIN_SIDE = 40  # pixels of a stored person's longer side
_MIN_JOINTS = 10  # known, to turn a person or cut out the shape
_STRANGERS = 0.15  # trust in that no person is there, in a photo beside its labelled person
_MIN_SEEN = 0.45  # fraction of a box within the picture and not covered
_CLOSE = 0.3  # fraction of pictures of one person that show head and chest, and perhaps more, as portraits do
_CLOSE_SEEN = 0.1  # the same as _MIN_SEEN for them
_CLOSE_SIDE = (1.1, 2.6)  # sides of the picture that the whole person would take
_MIN_WHOLE = 0.15  # side of the person over that of the picture in which its whole photo lies
_MAX_PEOPLE = 5  # in a picture
_TRIES = 8
_MAX_BACKGROUNDS = 2000


@dataclass
class Composite:
    """One picture.

    Attributes:
        image: (S, S, 3) uint8.
        boxes: (K, 4) float32 tight round each person as far as the frame shows it, pixels.
        axes: (K, 2) float32 cosine and sine of the body axis' angle, zeros where unknown.
        trust: (S / 8, S / 8) float32, how far to believe that no person is there but those of the boxes.
    """

    image: np.ndarray
    boxes: np.ndarray
    axes: np.ndarray
    trust: np.ndarray


@dataclass(frozen=True)
class _Placed:
    """A person moved into the picture."""

    matrix: np.ndarray
    box: np.ndarray
    axis: np.ndarray
    joints: np.ndarray


class CompositeMaker:
    """Draws composites.

    Args:
        people: decoded photos; those that are too small or hardly labelled are left out.
        size: pixels of a picture's side, a multiple of 64.
        backgrounds: (H, W, 3) uint8 photos that show no person; None for what is beside the people of the photos.
    """

    def __init__(self, people: People, size: int, backgrounds: list[np.ndarray] | None = None) -> None:
        side = (people.box[:, 2:] - people.box[:, :2]).amax(1)
        usable = (side >= _MIN_SIDE) & ((people.weight > 0).sum(1) >= MIN_JOINTS)
        self.rows = np.flatnonzero(usable.numpy())
        self.source, self.names = people.source[torch.from_numpy(self.rows)], people.names
        if not len(self.rows):
            raise ValueError("none of the photos shows a person large enough to find: expected boxes round people")
        self.photos = people.photos.permute(0, 2, 3, 1).contiguous().numpy()
        self.box, self.extent = people.box.numpy().astype(float), people.extent.numpy().astype(float)
        self.joints, self.known = people.joints.numpy().astype(float), people.weight.numpy() > 0
        self.size = size
        counts = np.bincount(self.source.numpy(), minlength=len(people.names))
        # Large sets count more, but do not drown the small ones: by the roots of their counts.
        chance = (np.sqrt(counts) / np.maximum(counts, 1))[self.source.numpy()]
        self.chance = np.cumsum(chance / chance.sum())
        self.backgrounds = self._beside_people() if backgrounds is None else backgrounds

    def _beside_people(self) -> list[np.ndarray]:
        """Parts of the photos beside their person."""
        found = []
        for row in np.flatnonzero(self.known.sum(1) >= MIN_JOINTS):
            region = beside_person(self.extent[row], self.box[row], _MIN_SIDE)
            if region is not None:
                x0, y0, x1, y1 = region
                found.append(self.photos[row, y0:y1, x0:x1])
        return found[:: max(1, len(found) // _MAX_BACKGROUNDS)]

    def make(self, generator: np.random.Generator, whole_photos: float = 0.2) -> Composite:
        """One picture.

        Args:
            generator: of everything in it.
            whole_photos: fraction of whole photos; the rest is pasted together.
        """
        composite = (self._whole_photo if generator.random() < whole_photos else self._pasted)(generator)
        if generator.random() < 0.35:
            self._bars(composite, generator)
        return composite

    def _person(self, generator: np.random.Generator) -> int:
        """Row of a random person."""
        return int(self.rows[min(np.searchsorted(self.chance, generator.random()), len(self.rows) - 1)])

    def _pasted(self, generator: np.random.Generator) -> Composite:
        """People on a background, among rectangles of others."""
        size = self.size
        image = self._background(generator)
        for _ in range(int(generator.integers(0, 4))):
            self._paste_empty(image, generator)
        count = int(generator.integers(1, _MAX_PEOPLE + 1)) if generator.random() < 0.9 else 0
        largest = 0.95 if count < 2 else 0.75 if count < 4 else 0.6
        placed: list[_Placed] = []
        seen: list[np.ndarray] = []
        for _ in range(count):
            row = self._person(generator)
            for _ in range(_TRIES):
                close = self._close(row, generator) if count == 1 else None
                side = 0.1 * (largest / 0.1) ** generator.random() * size
                one = close or self._place(row, side, generator.uniform(0, size, 2), generator)
                shape, cover = self._shape(row, one, generator)
                clipped = np.clip(one.box, -0.5, size - 0.5)
                if areas(clipped) < (_CLOSE_SEEN if close else _MIN_SEEN) * areas(one.box):
                    continue
                if all(
                    _uncovered(mask, other.box, cover) >= _MIN_SEEN for other, mask in zip(placed, seen, strict=True)
                ):
                    patch = cv2.warpAffine(self.photos[row], one.matrix, (size, size), flags=cv2.INTER_LINEAR)
                    image = _blend(image, patch, shape)
                    seen = [mask & ~cover for mask in seen]
                    placed.append(one)
                    seen.append(np.ones((size, size), bool))
                    break
        return self._composite(image, placed, np.ones((size // 8, size // 8), np.float32))

    def _whole_photo(self, generator: np.random.Generator) -> Composite:
        """One photo as it is, somewhere in the picture; its surroundings may show people without a label."""
        size, row = self.size, self._person(generator)
        fraction = _MIN_WHOLE * (0.98 / _MIN_WHOLE) ** generator.random()
        middle = size * (0.5 + (1 - fraction) * generator.uniform(-0.5, 0.5, 2))
        one = self._close(row, generator) or self._place(row, fraction * size, middle, generator)
        image = self._background(generator) if generator.random() < 0.4 else np.zeros((size, size, 3), np.uint8)
        patch = cv2.warpAffine(self.photos[row], one.matrix, (size, size), flags=cv2.INTER_LINEAR)
        inside = _rectangle(self.extent[row], one.matrix, size)
        image[inside] = patch[inside]
        trust = np.where(inside, _STRANGERS, 1.0).astype(np.float32)
        pad = 0.04 * (one.box[2:] - one.box[:2]).max()
        x0, y0, x1, y1 = np.clip(np.round(one.box + pad * np.array([-1, -1, 1, 1])), 0, size).astype(int)
        trust[y0:y1, x0:x1] = 1
        return self._composite(image, [one], trust[4::8, 4::8].copy())

    def _composite(self, image: np.ndarray, placed: list[_Placed], trust: np.ndarray) -> Composite:
        """Put a picture and its people together."""
        boxes = np.array([np.clip(one.box, -0.5, self.size - 0.5) for one in placed], np.float32).reshape(-1, 4)
        return Composite(image, boxes, np.array([one.axis for one in placed], np.float32).reshape(-1, 2), trust)

    def _place(self, row: int, side: float, middle: np.ndarray, generator: np.random.Generator) -> _Placed:
        """A person with a box of that longer side and middle, sometimes turned and mirrored."""
        joints, known, box = self.joints[row], self.known[row], self.box[row]
        chance, angle = generator.random(), 0.0
        if known.sum() >= _MIN_JOINTS and chance < 0.5:
            angle = generator.uniform(0, 360) if chance < 0.18 else generator.normal(0, 12)
        mirror = generator.random() < 0.5
        center = (box[:2] + box[2:]) / 2
        matrix = _matrix(side / (box[2:] - box[:2]).max(), angle, mirror, center, middle)
        moved = joints @ matrix[:, :2].T + matrix[:, 2]
        corners = box.reshape(2, 2) @ matrix[:, :2].T + matrix[:, 2]
        tight = np.concatenate((corners.min(0), corners.max(0)))
        if angle:
            inside = known & (joints >= box[:2] - 1).all(1) & (joints <= box[2:] + 1).all(1)
            inside = inside if inside.sum() >= 4 else known
            pad = np.minimum(np.abs(joints[inside].min(0) - box[:2]), np.abs(box[2:] - joints[inside].max(0))).mean()
            pad *= side / (box[2:] - box[:2]).max()
            tight = np.concatenate((moved[inside].min(0) - pad, moved[inside].max(0) + pad))
        along = moved[_THORAX] - moved[_PELVIS]
        length = np.linalg.norm(along)
        clear = known[_THORAX] and known[_PELVIS] and length > 0.05 * side
        axis = np.array([-along[1], along[0]]) / length if clear else np.zeros(2)
        return _Placed(matrix, tight, axis, moved)

    def _close(self, row: int, generator: np.random.Generator) -> _Placed | None:
        """Sometimes a person so near that the frame shows head and chest, and perhaps more; only people upright."""
        if generator.random() > _CLOSE or not (self.known[row, _HEAD] and self.known[row, _THORAX]):
            return None
        size = self.size
        one = self._place(row, size * generator.uniform(*_CLOSE_SIDE), np.zeros(2), generator)
        head, thorax = one.joints[_HEAD], one.joints[_THORAX]
        if thorax[1] - head[1] < 2 * abs(thorax[0] - head[0]):
            return None
        wanted = size * np.array([generator.uniform(0.3, 0.7), generator.uniform(0.02, 0.35)])
        shift = wanted - [thorax[0], head[1]]
        if thorax[1] + shift[1] > size:
            return None
        matrix = np.column_stack((one.matrix[:, :2], one.matrix[:, 2] + shift))
        return _Placed(matrix, one.box + np.tile(shift, 2), one.axis, one.joints + shift)

    def _shape(self, row: int, one: _Placed, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Opacity (S, S) float32 of a cut-out and where it covers what is behind, (S, S) bool."""
        size, side = self.size, (one.box[2:] - one.box[:2]).max()
        frame = _rectangle(self.extent[row], one.matrix, size)
        kind = generator.random()
        if kind < 0.35 and self.known[row].sum() >= 14:
            mask = self._body(row, one, side * generator.uniform(0.1, 0.2))
            blur = max(1, int(0.03 * side)) | 1
            mask = cv2.GaussianBlur(mask.astype(np.float32), (blur, blur), 0)
        else:
            margin = (
                generator.uniform(0.02, 0.3 if kind < 0.7 else 0.12) * (self.box[row][2:] - self.box[row][:2]).max()
            )
            box = self.box[row] + margin * np.array([-1, -1, 1, 1])
            mask = _rectangle(box, one.matrix, size).astype(np.float32)
            if kind < 0.7:
                blur = max(3, int(0.08 * side)) | 1
                mask = cv2.blur(mask, (blur, blur))
        mask = mask * frame
        return mask, mask > 0.5

    def _body(self, row: int, one: _Placed, thick: float) -> np.ndarray:
        """(S, S) uint8: the body's shape, roughly."""
        mask, known = np.zeros((self.size, self.size), np.uint8), self.known[row]
        points = np.clip(one.joints, -4 * self.size, 5 * self.size).round().astype(int)
        width = max(2, int(thick))
        for parent, child in _BONES:
            if known[child] and known[parent]:
                cv2.line(mask, points[child].tolist(), points[parent].tolist(), 1, width)
        if known[_TORSO].all():
            cv2.fillConvexPoly(mask, cv2.convexHull(points[_TORSO]), 1)
            cv2.polylines(mask, [points[_TORSO]], True, 1, width)
        return mask

    def _background(self, generator: np.random.Generator) -> np.ndarray:
        """(S, S, 3): a crop of a photo that shows no person, or a field of colours."""
        size = self.size
        if not self.backgrounds or generator.random() < 0.15:
            few = int(generator.integers(1, 9))
            field = generator.integers(0, 256, (few, few, 3)).astype(np.uint8)
            return cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC)
        photo = self.backgrounds[int(generator.integers(len(self.backgrounds)))]
        side = max(1, int(min(photo.shape[:2]) * generator.uniform(0.4, 1)))
        x, y = (int(generator.integers(0, length - side + 1)) for length in photo.shape[1::-1])
        part = cv2.resize(photo[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(part[:, ::-1] if generator.random() < 0.5 else part)

    def _paste_empty(self, image: np.ndarray, generator: np.random.Generator) -> None:
        """Put a rectangle that shows no person somewhere, in place."""
        part = self._background(generator)
        width, height = (int(self.size * generator.uniform(0.06, 0.5)) for _ in range(2))
        x, y = int(generator.integers(0, self.size - width)), int(generator.integers(0, self.size - height))
        image[y : y + height, x : x + width] = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)

    def _bars(self, composite: Composite, generator: np.random.Generator) -> None:
        """Black bars as of a photo that is not square, in place; people whom they would cut stay free of them."""
        axis = int(generator.integers(2))
        low, high = (int(self.size * generator.uniform(0, 0.25)) for _ in range(2))
        if len(composite.boxes):
            low = min(low, int(composite.boxes[:, axis].min()))
            high = min(high, int(self.size - 1 - composite.boxes[:, axis + 2].max()))
        image = composite.image if axis else composite.image.swapaxes(0, 1)
        image[: max(low, 0)] = 0
        image[self.size - max(high, 0) :] = 0


def _matrix(scale: float, angle: float, mirror: bool, center: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """(2, 3): scales and turns about ``center``, mirrors, and moves that point to ``middle``."""
    cosine, sine = np.cos(np.deg2rad(angle)) * scale, np.sin(np.deg2rad(angle)) * scale
    turn = np.array([[cosine, -sine], [sine, cosine]])
    if mirror:
        turn[0] *= -1
    return np.column_stack((turn, np.asarray(middle) - turn @ np.asarray(center)))


def _rectangle(box: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """(S, S) bool: inside a moved rectangle."""
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ matrix[:, :2].T + matrix[:, 2]
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, np.clip(corners, -8 * size, 9 * size).round().astype(np.int32), 1)
    return mask > 0


def _blend(image: np.ndarray, patch: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """A cut-out over a picture."""
    mixed = image + opacity[..., None] * (patch.astype(np.float32) - image)
    return mixed.clip(0, 255).astype(np.uint8)


def _uncovered(mask: np.ndarray, box: np.ndarray, cover: np.ndarray) -> float:
    """Fraction of a box's pixels that ``mask`` shows and ``cover`` leaves."""
    x0, y0, x1, y1 = np.clip(np.round(box), 0, mask.shape[0]).astype(int)
    part = mask[y0:y1, x0:x1] & ~cover[y0:y1, x0:x1]
    return float(part.mean()) if part.size else 0.0
