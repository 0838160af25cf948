"""Training pictures made of scenes: whole photos moved, scaled, turned and put beside each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from tqdm import tqdm

from fusion_model.boxes import areas
from train.data.readers.registry import data_set
from train.data.scenes import Scenes
from train.detector_stage.composites import Composite

_STORED = 1.25  # longer side of a photo in memory over that of a picture
_MIN_SEEN = 0.35  # fraction of a box within the picture, below which it is neither to be found nor wrong to find
_MIN_SIDE = 10  # pixels of a box's longer side, likewise
_MOSAIC = 0.3  # fraction of pictures of four photos
_AS_IT_IS = 0.15  # fraction of photos that are scaled as when people are detected
_NOBODY = 0.3  # fraction of photos without anybody
_TURNED = 0.06  # fraction of photos turned by a right angle or two
_UPRIGHT = 1.4  # height over width of a box from which the body is taken to stand


class SceneSampler:
    """Draws pictures from scenes.

    Args:
        scenes: packs of whole photos, of which those to train on are drawn.
        size: pixels of a picture's side, a multiple of 64.
    """

    def __init__(self, scenes: Scenes, size: int) -> None:
        self.size, scenes = size, scenes.take(~scenes.validation)
        scale = np.minimum(1, _STORED * size / scenes.size.max(1, initial=1))

        def load(row: int) -> np.ndarray:
            photo = scenes.photo(row)
            shape = [max(1, round(length * scale[row])) for length in photo.shape[1::-1]]
            return cv2.resize(photo, shape, interpolation=cv2.INTER_AREA) if scale[row] < 1 else photo

        rows = range(len(scenes))
        with ThreadPoolExecutor() as pool:
            self._photos = list(tqdm(pool.map(load, rows), total=len(rows), desc="scenes", unit="photo"))
        factors = [np.tile(self._photos[row].shape[1::-1] / scenes.size[row], 2) for row in rows]
        self._boxes = [(boxes + 0.5) * factor - 0.5 for boxes, factor in zip(scenes.boxes, factors, strict=True)]
        self._unsure = scenes.unsure
        self._standing = [data_set(name).upright for name in scenes.source.tolist()]
        somebody = np.array([len(boxes) > 0 for boxes in self._boxes], bool)
        self._kinds = [np.flatnonzero(somebody), np.flatnonzero(~somebody)]

    @property
    def nobody(self) -> list[np.ndarray]:
        """The photos that show nobody."""
        return [self._photos[number] for number in self._kinds[1]]

    def __len__(self) -> int:
        """Number of photos."""
        return len(self._photos)

    def make(self, generator: np.random.Generator) -> Composite:
        """One picture."""
        size, x, y = self.size, self.size, self.size
        if generator.random() < _MOSAIC:
            x, y = (int(size * generator.uniform(0.3, 0.7)) // 8 * 8 for _ in range(2))
        image, trust = np.zeros((size, size, 3), np.uint8), np.ones((size // 8, size // 8), np.float32)
        boxes, axes = [], []
        for x0, y0, x1, y1 in ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)):
            if x0 < x1 and y0 < y1:
                part = self._picture(np.array([x0, y0, x1, y1]), generator)
                image[y0:y1, x0:x1] = part.image[y0:y1, x0:x1]
                trust[y0 // 8 : y1 // 8, x0 // 8 : x1 // 8] = part.trust[y0 // 8 : y1 // 8, x0 // 8 : x1 // 8]
                boxes.append(part.boxes)
                axes.append(part.axes)
        return Composite(image, np.concatenate(boxes), np.concatenate(axes), trust)

    def _picture(self, frame: np.ndarray, generator: np.random.Generator) -> Composite:
        """One photo in a part of the picture, (4,) x0, y0, x1, y1; what is beyond that part is not to be used."""
        size = self.size
        kind = self._kinds[int(generator.random() < _NOBODY)]
        number = int(generator.choice(kind if len(kind) else len(self)))
        photo, boxes = self._photos[number], self._boxes[number]
        matrix, angle = self._move(photo.shape, boxes, frame, generator)
        moved = _move_boxes(boxes, matrix)
        clipped = np.clip(moved, np.tile(frame[:2], 2) - 0.5, np.tile(frame[2:], 2) - 0.5)
        shape, shown = moved[:, 2:] - moved[:, :2], clipped[:, 2:] - clipped[:, :2]
        seen = (areas(clipped) >= _MIN_SEEN * areas(moved)) & (shown.max(1, initial=0) >= _MIN_SIDE)
        fair = seen & ~self._unsure[number]
        trust = np.ones((size // 8, size // 8), np.float32)
        for x0, y0, x1, y1 in np.round(clipped[~fair] / 8).astype(int):
            trust[y0 : y1 + 1, x0 : x1 + 1] = 0
        along, across = (1, 0) if angle % 180 == 0 else (0, 1)
        known = (shape[:, along] > _UPRIGHT * shape[:, across])[fair, None] & self._standing[number]
        axis = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
        image = cv2.warpAffine(photo, matrix, (size, size), flags=cv2.INTER_LINEAR)
        return Composite(image, clipped[fair].astype(np.float32), (known * axis).astype(np.float32), trust)

    def _move(
        self, shape: tuple[int, ...], boxes: np.ndarray, frame: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, float]:
        """(2, 3) photo to picture, and the right angle in it, degrees."""
        length, room = np.array(shape[1::-1]), frame[2:] - frame[:2]
        angle = float(90 * generator.integers(1, 4)) if generator.random() < _TURNED else 0.0
        scale = room.max() / length.max()
        if (room < self.size).any():
            scale *= generator.uniform(0.8, 1.3)
        if generator.random() >= _AS_IT_IS:
            scale *= 2 ** generator.uniform(-0.9, 0.6)
        stretch = np.exp(generator.normal(0, 0.07, 2))
        tilt = generator.normal(0, 5) if generator.random() < 0.3 else 0.0
        cosine, sine = np.cos(np.deg2rad(angle + tilt)), np.sin(np.deg2rad(angle + tilt))
        turn = scale * np.array([[cosine, -sine], [sine, cosine]]) * stretch
        if generator.random() < 0.5:
            turn[:, 0] *= -1
        hull = np.abs(turn) @ length
        slack = room - hull  # where the photo is larger than the frame, negative: it is cut
        middle = (frame[:2] + frame[2:] - 1) / 2 + slack * generator.uniform(-0.5, 0.5, 2)
        if len(boxes) and (slack < 0).any():  # cut so that somebody stays in
            person = generator.choice(boxes).reshape(2, 2).mean(0) - (length - 1) / 2
            wanted = frame[:2] + room * generator.uniform(0.2, 0.8, 2) - turn @ person
            middle = np.where(slack < 0, np.clip(wanted, middle - 0.5 * hull, middle + 0.5 * hull), middle)
        return np.column_stack((turn, middle - turn @ ((length - 1) / 2))), angle


def _move_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(K, 4) boxes round the ellipses in boxes, moved."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    reach = np.sqrt(((boxes[:, 2:] - boxes[:, :2]) / 2) ** 2 @ (matrix[:, :2] ** 2).T)
    return np.concatenate((centers - reach, centers + reach), 1)
