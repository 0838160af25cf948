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
_MIN_SIDE = 40  # pixels of a stored person's longer side
_MIN_JOINTS = 10  # known, to turn a person
_STRANGERS = 0.15  # trust in that no person is there, in a photo beside its labelled person
_MIN_SEEN = 0.45  # fraction of a box within the picture and not covered
_CLOSE = 0.3  # fraction of pictures of one person that show head and chest, and perhaps more, as portraits do
_CLOSE_SEEN = 0.1  # the same as _MIN_SEEN for them
_CLOSE_SIDE = (1.1, 2.6)  # sides of the picture that the whole person would take
_MIN_WHOLE = 0.15  # side of the person over that of the picture in which its whole photo lies
_MAX_PEOPLE = 5  # in a picture
_TRIES = 8  # to place each
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
        backgrounds: (H, W, 3) uint8 photos that show no person; without any, what is beside the people of the photos.
    """

    def __init__(self, people: People, size: int, backgrounds: list[np.ndarray] | None = None) -> None:
        self.box, self.extent, self.joints = (
            one.numpy().astype(float) for one in (people.box, people.extent, people.joints)
        )
        self.length, self.known = (self.box[:, 2:] - self.box[:, :2]).max(1), people.weight.numpy() > 0
        self.rows = np.flatnonzero((self.length >= _MIN_SIDE) & (self.known.sum(1) >= MIN_JOINTS))
        if not len(self.rows):
            raise ValueError("none of the photos shows a person large enough to find: expected boxes round people")
        self.source, self.names = people.source[torch.from_numpy(self.rows)], people.names
        # Large sets count more, but do not drown the small ones: by the roots of their counts.
        chance = torch.bincount(self.source)[self.source].double().rsqrt().numpy()
        self.chance = chance / chance.sum()
        self.photos = people.photos.permute(0, 2, 3, 1).contiguous().numpy()
        self.size = size
        self.backgrounds = backgrounds or [
            self.photos[row, part[1] : part[3], part[0] : part[2]]
            for row in self.rows[:: max(1, len(self.rows) // _MAX_BACKGROUNDS)]
            if (part := beside_person(self.extent[row], self.box[row], _MIN_SIDE))
        ]

    def make(self, generator: np.random.Generator, whole_photos: float) -> Composite:
        """One picture: with that chance a whole photo, else people pasted together."""
        draw = self._whole_photo if generator.random() < whole_photos else self._pasted
        image, placed, trust = draw(generator)
        boxes = np.array([np.clip(one.box, -0.5, self.size - 0.5) for one in placed], np.float32).reshape(-1, 4)
        if generator.random() < 0.35:
            self._bars(image, boxes, generator)
        axes = np.array([one.axis for one in placed], np.float32).reshape(-1, 2)
        return Composite(image, boxes, axes, trust[4::8, 4::8].copy())

    def _pasted(self, generator: np.random.Generator) -> tuple[np.ndarray, list[_Placed], np.ndarray]:
        """People on a background, among rectangles of others: picture, people and (S, S) trust."""
        size, image = self.size, self._background(generator)
        for _ in range(int(generator.integers(0, 4))):
            self._paste_empty(image, generator)
        count = int(generator.integers(1, _MAX_PEOPLE + 1)) if generator.random() < 0.9 else 0
        largest = 0.95 if count < 2 else 0.75 if count < 4 else 0.6
        placed: list[_Placed] = []
        covers: list[np.ndarray] = []
        for _ in range(count * _TRIES):
            row = generator.choice(self.rows, p=self.chance)
            close = self._close(row, generator) if count == 1 else None
            side = 0.1 * (largest / 0.1) ** generator.random() * size
            one = close or self._place(row, side, generator.uniform(0, size, 2), generator)
            opacity = self._cut_out(row, one, generator)
            inside = areas(np.clip(one.box, -0.5, size - 0.5)) / areas(one.box)
            over = [*covers, opacity > 0.5]
            if inside >= (_CLOSE_SEEN if close else _MIN_SEEN) and all(
                _uncovered(other.box, over[number + 1 :]) >= _MIN_SEEN for number, other in enumerate(placed)
            ):
                mixed = image + opacity[..., None] * (self._moved(row, one).astype(np.float32) - image)
                image = mixed.clip(0, 255).astype(np.uint8)
                placed, covers = [*placed, one], over
            if len(placed) == count:
                break
        return image, placed, np.ones((size, size), np.float32)

    def _whole_photo(self, generator: np.random.Generator) -> tuple[np.ndarray, list[_Placed], np.ndarray]:
        """One photo as it is, somewhere in the picture; its surroundings may show people without a label."""
        size, row = self.size, generator.choice(self.rows, p=self.chance)
        fraction = _MIN_WHOLE * (0.98 / _MIN_WHOLE) ** generator.random()
        middle = size * (0.5 + (1 - fraction) * generator.uniform(-0.5, 0.5, 2))
        one = self._close(row, generator) or self._place(row, fraction * size, middle, generator)
        image = self._background(generator) if generator.random() < 0.4 else np.zeros((size, size, 3), np.uint8)
        inside = _rectangle(self.extent[row], one.matrix, size)
        image[inside] = self._moved(row, one)[inside]
        trust = np.where(inside, _STRANGERS, 1.0).astype(np.float32)
        pad = 0.04 * (one.box[2:] - one.box[:2]).max()
        x0, y0, x1, y1 = np.clip(np.round(one.box + pad * np.array([-1, -1, 1, 1])), 0, size).astype(int)
        trust[y0:y1, x0:x1] = 1
        return image, [one], trust

    def _moved(self, row: int, one: _Placed) -> np.ndarray:
        """(S, S, 3): the photo of a person where the person is placed."""
        return cv2.warpAffine(self.photos[row], one.matrix, (self.size, self.size), flags=cv2.INTER_LINEAR)

    def _place(self, row: int, side: float, middle: np.ndarray, generator: np.random.Generator) -> _Placed:
        """A person with a box of that longer side and middle, sometimes turned and mirrored."""
        joints, known, box, scale = self.joints[row], self.known[row], self.box[row], side / self.length[row]
        chance, angle = generator.random(), 0.0
        if known.sum() >= _MIN_JOINTS and chance < 0.5:
            angle = generator.uniform(0, 360) if chance < 0.18 else generator.normal(0, 12)
        cosine, sine = scale * np.cos(np.deg2rad(angle)), scale * np.sin(np.deg2rad(angle))
        turn = np.array([[cosine, -sine], [sine, cosine]])
        if generator.random() < 0.5:
            turn[0] *= -1
        matrix = np.column_stack((turn, middle - turn @ (box[:2] + box[2:]) / 2))
        moved = joints @ turn.T + matrix[:, 2]
        corners = box.reshape(2, 2) @ turn.T + matrix[:, 2]
        tight = np.concatenate((corners.min(0), corners.max(0)))
        if angle:
            inside = known & (joints >= box[:2] - 1).all(1) & (joints <= box[2:] + 1).all(1)
            inside = inside if inside.sum() >= 4 else known
            pad = np.minimum(np.abs(joints[inside].min(0) - box[:2]), np.abs(box[2:] - joints[inside].max(0))).mean()
            tight = np.concatenate((moved[inside].min(0) - scale * pad, moved[inside].max(0) + scale * pad))
        along = moved[_THORAX] - moved[_PELVIS]
        length = np.linalg.norm(along)
        clear = known[_THORAX] and known[_PELVIS] and length > 0.05 * side
        return _Placed(matrix, tight, np.array([-along[1], along[0]]) / length if clear else np.zeros(2), moved)

    def _close(self, row: int, generator: np.random.Generator) -> _Placed | None:
        """Sometimes a person so near that the frame shows head and chest, and perhaps more; only people upright."""
        if generator.random() > _CLOSE or not (self.known[row, _HEAD] and self.known[row, _THORAX]):
            return None
        size = self.size
        one = self._place(row, size * generator.uniform(*_CLOSE_SIDE), np.zeros(2), generator)
        head, thorax = one.joints[_HEAD], one.joints[_THORAX]
        shift = size * np.array([generator.uniform(0.3, 0.7), generator.uniform(0.02, 0.35)]) - [thorax[0], head[1]]
        if thorax[1] - head[1] < 2 * abs(thorax[0] - head[0]) or thorax[1] + shift[1] > size:
            return None
        matrix = np.column_stack((one.matrix[:, :2], one.matrix[:, 2] + shift))
        return _Placed(matrix, one.box + np.tile(shift, 2), one.axis, one.joints + shift)

    def _cut_out(self, row: int, one: _Placed, generator: np.random.Generator) -> np.ndarray:
        """Opacity (S, S) float32 of the body's shape, a soft rectangle or a rectangle."""
        side, kind, known = (one.box[2:] - one.box[:2]).max(), generator.random(), self.known[row]
        if kind < 0.35 and known.sum() >= 14:
            mask = np.zeros((self.size, self.size), np.float32)
            points = np.clip(one.joints, -4 * self.size, 5 * self.size).round().astype(int)
            width = max(2, int(side * generator.uniform(0.1, 0.2)))
            for bone in MPII_16.bones:
                if known[list(bone)].all():
                    cv2.line(mask, *points[list(bone)].tolist(), 1, width)
            if known[_TORSO].all():
                cv2.fillConvexPoly(mask, cv2.convexHull(points[_TORSO]), 1)
                cv2.polylines(mask, [points[_TORSO]], True, 1, width)
            blur = max(1, int(0.03 * side)) | 1
            mask = cv2.GaussianBlur(mask, (blur, blur), 0)
        else:
            margin = generator.uniform(0.02, 0.3 if kind < 0.7 else 0.12) * self.length[row]
            box = self.box[row] + margin * np.array([-1, -1, 1, 1])
            mask = _rectangle(box, one.matrix, self.size).astype(np.float32)
            if kind < 0.7:
                blur = max(3, int(0.08 * side)) | 1
                mask = cv2.blur(mask, (blur, blur))
        return mask * _rectangle(self.extent[row], one.matrix, self.size)

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

    def _bars(self, image: np.ndarray, boxes: np.ndarray, generator: np.random.Generator) -> None:
        """Black bars as of a photo that is not square, in place; people whom they would cut stay free of them."""
        axis = int(generator.integers(2))
        low, high = (int(self.size * generator.uniform(0, 0.25)) for _ in range(2))
        low = min(low, int(boxes[:, axis].min(initial=low)))
        high = min(high, int(self.size - 1 - boxes[:, axis + 2].max(initial=0)))
        image = image if axis else image.swapaxes(0, 1)
        image[: max(low, 0)] = 0
        image[self.size - max(high, 0) :] = 0


def _rectangle(box: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """(S, S) bool: inside a moved rectangle."""
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ matrix[:, :2].T + matrix[:, 2]
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, np.clip(corners, -8 * size, 9 * size).round().astype(np.int32), 1)
    return mask > 0


def _uncovered(box: np.ndarray, covers: list[np.ndarray]) -> float:
    """Fraction of a box's pixels in the picture that none of the masks (S, S) covers."""
    x0, y0, x1, y1 = np.clip(np.round(box), 0, len(covers[0])).astype(int)
    part = np.any([cover[y0:y1, x0:x1] for cover in covers], 0)
    return 1 - float(part.mean()) if part.size else 0.0
