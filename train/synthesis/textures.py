"""Procedural textures: one tileable volume of noise, and an array of flat sheets for things and buildings.

They are the same in every run: variety comes from the materials that use them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

SHEET_SIZE = 256
VOLUME_SIZE = 48
_SEED = 20170910


def _octave(generator: np.random.Generator, shape: tuple[int, ...], cells: int) -> np.ndarray:
    """Smooth tileable noise of about unit variance: white noise limited to low frequencies."""
    spectrum = np.fft.fftn(generator.standard_normal(shape))
    squared = sum(np.meshgrid(*[np.fft.fftfreq(n, 1 / n) ** 2 for n in shape], indexing="ij"))
    values = np.real(np.fft.ifftn(spectrum * np.exp(-squared / (2 * cells**2))))
    return (values - values.mean()) / values.std()


def _fractal(generator: np.random.Generator, shape: tuple[int, ...], cells: int, octaves: int) -> np.ndarray:
    """Octaves of halving size and strength, spread evenly over 0 to 1."""
    total = sum(_octave(generator, shape, cells * 2**k) * 0.55**k for k in range(octaves))
    return np.clip(0.5 + 0.2 * (total - total.mean()) / total.std(), 0, 1)


def noise_volume() -> np.ndarray:
    """(N, N, N, 4) uint8, tileable: fractal noise; ridges of folds; locks; slow blotches."""
    generator = np.random.default_rng(_SEED)
    shape = (VOLUME_SIZE,) * 3
    ridges = 1 - np.abs(_octave(generator, shape, 3)) / 2.2
    volume = np.stack([
        _fractal(generator, shape, 4, 3), np.clip(ridges, 0, 1),
        _fractal(generator, shape, 5, 1), _fractal(generator, shape, 1, 3),
    ], axis=-1)  # fmt: skip
    return np.rint(volume * 255).astype(np.uint8)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Column and row of every texel, 0 to 1."""
    row, column = np.mgrid[0:SHEET_SIZE, 0:SHEET_SIZE] / SHEET_SIZE
    return column, row


def _noise(generator: np.random.Generator, cells: int, octaves: int = 4) -> np.ndarray:
    return _fractal(generator, (SHEET_SIZE, SHEET_SIZE), cells, octaves)


def _sheet(
    value: np.ndarray, fraction: np.ndarray | float = 1.0, tone: tuple[float, float, float] = (1, 1, 1)
) -> np.ndarray:
    """Grey ``value`` tinted by ``tone``; ``fraction`` of the first colour goes to alpha."""
    colour = value[..., None] * np.array(tone)
    return np.concatenate([colour, np.broadcast_to(fraction, value.shape)[..., None]], axis=-1)


def _wood(generator: np.random.Generator) -> np.ndarray:
    x, y = _grid()
    warp = _noise(generator, 2, 2)
    grain = 0.5 + 0.5 * np.sin(2 * np.pi * (9 * x + 0.8 * warp + 0.2 * np.sin(2 * np.pi * y)))
    fibre = cv2.blur(generator.random((SHEET_SIZE, SHEET_SIZE)), (1, 31), borderType=cv2.BORDER_REFLECT)
    return _sheet(0.42 + 0.16 * grain + 0.5 * (fibre - 0.5))


def _planks(generator: np.random.Generator) -> np.ndarray:
    x, _ = _grid()
    boards = generator.uniform(0.4, 0.65, 6)
    value = boards[(x * 6).astype(int)] + _wood(generator)[..., 0] - 0.5
    gap = np.abs((x * 6) % 1 - 0.5) > 0.475
    return _sheet(np.where(gap, 0.16, value))


def _tiles(generator: np.random.Generator, columns: int, rows: int, shift: float, gap: float) -> np.ndarray:
    """Tiles or bricks: each of its own tone; the joints show the second colour."""
    x, y = _grid()
    row = (y * rows).astype(int)
    across = (x * columns + shift * row) % columns
    column = across.astype(int)
    tone = generator.uniform(0.42, 0.62, (rows, columns))[row, column]
    inside = (np.abs(across % 1 - 0.5) < 0.5 - gap) & (np.abs((y * rows) % 1 - 0.5) < 0.5 - gap * rows / columns)
    value = tone + 0.25 * (_noise(generator, 12) - 0.5)
    return _sheet(value, inside.astype(float))


def _speckle(generator: np.random.Generator, cells: int, strength: float, octaves: int = 4) -> np.ndarray:
    return _sheet(0.5 + strength * (_noise(generator, cells, octaves) - 0.5))


def _grass(generator: np.random.Generator) -> np.ndarray:
    blades = cv2.blur(generator.random((SHEET_SIZE, SHEET_SIZE)), (1, 7), borderType=cv2.BORDER_REFLECT)
    patches = _noise(generator, 3, 3)
    value = 0.5 + 0.9 * (blades - 0.5) + 0.3 * (patches - 0.5)
    sheet = _sheet(value)
    sheet[..., 0] *= 0.75 + 0.6 * patches
    return sheet


def _leaves(generator: np.random.Generator) -> np.ndarray:
    sheet = np.full((SHEET_SIZE, SHEET_SIZE), 0.12)
    for _ in range(900):
        center = tuple(int(value) for value in generator.integers(0, SHEET_SIZE, 2))
        axes = (int(generator.integers(5, 11)), int(generator.integers(2, 5)))
        cv2.ellipse(
            sheet, center, axes, float(generator.uniform(0, 360)), 0, 360, float(generator.uniform(0.2, 0.85)), -1
        )
    return _sheet(sheet)


def _windows(generator: np.random.Generator) -> np.ndarray:
    """A facade of four by four windows."""
    x, y = _grid()
    column, row = (x * 4).astype(int), (y * 4).astype(int)
    u, v = (x * 4) % 1, (y * 4) % 1
    pane = (np.abs(u - 0.5) < 0.26) & (np.abs(v - 0.5) < 0.34)
    bar = (np.abs(u - 0.5) < 0.015) | (np.abs(v - 0.38) < 0.012)
    frame = (np.abs(u - 0.5) < 0.3) & (np.abs(v - 0.5) < 0.38)
    glass = generator.uniform(0.1, 0.45, (4, 4))[row, column] + 0.3 * (1 - v)
    wall = 0.5 + 0.2 * (_noise(generator, 8) - 0.5)
    value = np.where(pane & ~bar, glass, np.where(frame, 0.75, wall))
    return _sheet(value, np.where(frame, 0.0, 1.0))


def _books(generator: np.random.Generator) -> np.ndarray:
    """Shelves of books, or of anything that stands in rows of many colours."""
    sheet = np.full((SHEET_SIZE, SHEET_SIZE, 4), 0.08)
    sheet[..., 3] = 1
    for shelf in range(5):
        low, x = shelf * 51, 0
        while x < SHEET_SIZE:
            width, height = int(generator.integers(3, 11)), int(generator.integers(26, 44))
            sheet[low + 47 - height : low + 47, x : x + width - 1, :3] = generator.uniform(0.08, 0.75, 3)
            x += width
        sheet[low + 47 : low + 51, :, :3] = 0.6
    return sheet


def _picture(generator: np.random.Generator) -> np.ndarray:
    """A framed picture or a poster: blots of colour."""
    blots = np.stack([_noise(generator, 3, 3) for _ in range(3)], axis=-1)
    x, y = _grid()
    frame = (np.abs(x - 0.5) > 0.46) | (np.abs(y - 0.5) > 0.46)
    colour = np.where(frame[..., None], 0.1, np.clip(2.2 * (blots - 0.5) + 0.45, 0, 1))
    return np.concatenate([colour, np.ones((SHEET_SIZE, SHEET_SIZE, 1))], axis=-1)


def _weave(generator: np.random.Generator) -> np.ndarray:
    x, y = _grid()
    threads = 0.5 + 0.2 * np.sign(np.sin(2 * np.pi * 32 * x) * np.sin(2 * np.pi * 32 * y))
    return _sheet(threads + 0.2 * (_noise(generator, 6) - 0.5))


def _rug(generator: np.random.Generator) -> np.ndarray:
    """A symmetric ornament."""
    quarter = _noise(generator, 6, 2)[: SHEET_SIZE // 2, : SHEET_SIZE // 2]
    half = np.concatenate([quarter, quarter[:, ::-1]], axis=1)
    whole = np.concatenate([half, half[::-1]])
    return _sheet(0.55 + 0.2 * (_noise(generator, 20) - 0.5), (whole > 0.5).astype(float))


def _courts(_: np.random.Generator) -> np.ndarray:
    """A painted floor: lines in the second colour."""
    x, y = _grid()
    line = (np.abs(x - 0.3) < 0.012) | (np.abs(y - 0.6) < 0.012) | (np.abs(np.hypot(x - 0.3, y - 0.6) - 0.22) < 0.012)
    return _sheet(np.full_like(x, 0.55), 1.0 - line)


_SHEETS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "wood": _wood,
    "planks": _planks,
    "tiles": lambda generator: _tiles(generator, 4, 4, 0.0, 0.02),
    "bricks": lambda generator: _tiles(generator, 4, 12, 0.5, 0.03),
    "paving": lambda generator: _tiles(generator, 3, 6, 0.5, 0.02),
    "plaster": lambda generator: _speckle(generator, 4, 0.22),
    "carpet": lambda generator: _speckle(generator, 60, 0.6, 2),
    "asphalt": lambda generator: _speckle(generator, 40, 0.55, 2),
    "earth": lambda generator: _speckle(generator, 6, 0.9, 5),
    "concrete": lambda generator: _speckle(generator, 3, 0.45, 5),
    "grass": _grass,
    "leaves": _leaves,
    "windows": _windows,
    "books": _books,
    "picture_a": _picture,
    "picture_b": _picture,
    "weave": _weave,
    "rug": _rug,
    "court": _courts,
}
SHEETS = tuple(_SHEETS)


def layer(name: str) -> int:
    """Layer of a sheet in the texture array; ValueError if there is none of that name."""
    if name not in _SHEETS:
        raise ValueError(f"there is no texture {name!r}; there are {', '.join(SHEETS)}")
    return SHEETS.index(name)


def sheets() -> np.ndarray:
    """(L, N, N, 4) uint8, one layer for each of :data:`SHEETS`: factor of the colour, fraction of the first colour."""
    generator = np.random.default_rng(_SEED)
    layers = [np.clip(make(generator), 0, 1) for make in _SHEETS.values()]
    return np.rint(np.stack(layers) * 255).astype(np.uint8)
