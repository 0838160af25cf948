"""What a real camera does to a picture after the light has come through it: for body and background alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

_NOISE_SEED = 2017


@dataclass(frozen=True)
class Lens:
    """Blur, colour and noise of a camera.

    Attributes:
        seed: of the noise.
        focus: mm, depth that is sharp.
        defocus: pixels, blur (standard deviation) of what is far behind; 0 for none.
        blur: pixels, blur of everything.
        shake: pixels, length and direction (2,) of motion blur.
        coarse: fraction of the resolution that is left, 1 all.
        sharpen: strength of the sharpening after that.
        noise: standard deviation in grey levels of 0 to 255.
        grain: pixels, size of the noise.
        balance: (3,) factors of red, green, blue.
        level: mean grey that the automatic exposure goes for, 0 to 1.
        contrast, saturation, gamma: 1 leaves them.
        vignette: darkening of the corners, 0 to 1.
    """

    seed: int
    focus: float
    defocus: float
    blur: float
    shake: tuple[float, float]
    coarse: float
    sharpen: float
    noise: float
    grain: float
    balance: tuple[float, float, float]
    level: float
    contrast: float
    saturation: float
    gamma: float
    vignette: float

    def develop(self, image: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """The photo of a rendered picture.

        Args:
            image: (H, W, 3) uint8 sRGB.
            depth: (H, W) float32 mm, infinite where nothing is.

        Returns:
            (H, W, 3) uint8.
        """
        picture = image.astype(np.float32) * np.float32(1 / 255)
        if self.defocus > 0.3:
            picture = _defocused(picture, depth, self.focus, self.defocus)
        if self.blur > 0.15:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur)
        if np.hypot(*self.shake) > 1:
            picture = _shaken(picture, self.shake)
        if self.coarse < 0.98:
            height, width = image.shape[:2]
            less = cv2.resize(picture, None, fx=self.coarse, fy=self.coarse, interpolation=cv2.INTER_AREA)
            picture = cv2.resize(less, (width, height), interpolation=cv2.INTER_CUBIC)
        if self.sharpen > 0.05:
            soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
            picture = cv2.addWeighted(picture, 1 + self.sharpen, soft, -self.sharpen, 0)
        return self._coloured(picture)

    def _coloured(self, picture: np.ndarray) -> np.ndarray:
        """Colour, corners, noise; (H, W, 3) float32 of 0 to 1 to uint8."""
        generator = np.random.default_rng(self.seed)
        height, width = picture.shape[:2]
        grey = np.array([0.299, 0.587, 0.114])
        mean = float(np.array(cv2.mean(picture)[:3]) @ grey)
        gain = np.clip((self.level / max(mean, 0.02)) ** 0.6, 0.7, 1.9)
        colours = self.saturation * np.eye(3) + (1 - self.saturation) * grey
        matrix = self.contrast * gain * np.diag(self.balance) @ colours
        picture = cv2.transform(picture, np.column_stack([matrix, np.full(3, 0.5 - 0.5 * self.contrast)]))
        if self.gamma != 1:
            picture = cv2.pow(np.maximum(picture, 0), self.gamma)
        if self.vignette > 0.02:
            x, y = np.linspace(-1, 1, width, dtype=np.float32) ** 2, np.linspace(-1, 1, height, dtype=np.float32) ** 2
            picture = picture * (1 - np.float32(self.vignette / 2) * (x + y[:, None]))[..., None]
        if self.noise > 0.3:
            sheet = _noise_sheet(2 * max(height, width))
            top, left = generator.integers(0, [sheet.shape[0] - height + 1, sheet.shape[1] - width + 1])
            noise = sheet[top : top + height, left : left + width]
            if self.grain > 0.3:
                noise = cv2.GaussianBlur(noise, (0, 0), self.grain) * np.float32(1.7 * self.grain)
            picture = cv2.scaleAdd(np.ascontiguousarray(noise), self.noise / 255, np.ascontiguousarray(picture))
        return cv2.convertScaleAbs(np.maximum(picture, 0), alpha=255)


@lru_cache(maxsize=2)
def _noise_sheet(side: int) -> np.ndarray:
    """(side, side, 3) float32 of unit noise, of which each picture takes a part."""
    return np.random.default_rng(_NOISE_SEED).standard_normal((side, side, 3), dtype=np.float32)


def _defocused(picture: np.ndarray, depth: np.ndarray, focus: float, max_sigma: float) -> np.ndarray:
    """What lies far behind the focus blurred, without a halo of what is in focus."""
    behind = 1 - focus * 1.25 / np.maximum(depth, focus)
    fraction = np.clip(behind * 1.5, 0, 1).astype(np.float32)
    far = (fraction > 0.02).astype(np.float32)
    weight = cv2.GaussianBlur(far, (0, 0), max_sigma) + np.float32(1e-4)
    soft = cv2.GaussianBlur(picture * far[..., None], (0, 0), max_sigma) / weight[..., None]
    fraction = cv2.GaussianBlur(fraction, (0, 0), 0.6) * far
    return picture + (soft - picture) * fraction[..., None]


def _shaken(picture: np.ndarray, shake: tuple[float, float]) -> np.ndarray:
    kernel = np.zeros((9, 9), np.float32)
    half = np.array(shake) / 2
    for step in np.linspace(-1, 1, 17):
        x, y = np.clip(np.rint(4 + half * step), 0, 8).astype(int)
        kernel[y, x] += 1
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def draw_lens(generator: np.random.Generator, focus: float) -> Lens:
    """A camera's habits: mostly good, sometimes soft, noisy, shaken or of few pixels."""
    angle, far = generator.uniform(0, np.pi), generator.uniform(2, 6)
    shaken = generator.random() < 0.06
    noisy = generator.random()
    warm = generator.normal(0, 0.05)
    return Lens(
        seed=int(generator.integers(2**31)),
        focus=focus,
        defocus=float(generator.uniform(0.5, 4.0)) if generator.random() < 0.4 else 0.0,
        blur=float(generator.uniform(0.3, 1.3)) if generator.random() < 0.45 else 0.0,
        shake=(float(far * np.cos(angle)), float(far * np.sin(angle))) if shaken else (0.0, 0.0),
        coarse=float(generator.uniform(0.35, 0.9)) if generator.random() < 0.25 else 1.0,
        sharpen=float(generator.uniform(0.2, 0.9)) if generator.random() < 0.35 else 0.0,
        noise=float(generator.gamma(1.5, 1.3)) if noisy < 0.9 else float(generator.uniform(4, 9)),
        grain=float(generator.uniform(0.4, 0.8)) if generator.random() < 0.6 else 0.0,
        balance=(float(1 + warm), 1.0, float(1 - warm)),
        level=float(np.clip(generator.normal(0.44, 0.07), 0.25, 0.62)),
        contrast=float(np.clip(generator.normal(1.0, 0.12), 0.7, 1.35)),
        saturation=0.0 if generator.random() < 0.03 else float(np.clip(generator.normal(1.0, 0.2), 0.4, 1.6)),
        gamma=float(np.clip(generator.lognormal(0, 0.12), 0.75, 1.35)),
        vignette=float(generator.uniform(0.05, 0.4)) if generator.random() < 0.3 else 0.0,
    )
