"""Light of a scene: one key light that throws shadows, a fill light, sky and ground light, haze, exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """The light of a scene; colours are linear RGB of any strength.

    Attributes:
        key_direction: (3,) unit vector towards the key light (sun, lamp or window).
        key_colour: its light.
        key_spread: tangent of the key light's radius as seen from the ground: 0.005 the sun, 0.2 a window.
        fill_direction: (3,) unit vector towards the light without shadow.
        fill_colour: its light.
        sky_colour: light from above.
        ground_colour: light from below.
        haze: colour and density per mm.
        exposure: factor before the tone curve.
        zenith: sky overhead.
        horizon: sky at the horizon.
        clouds: colour and cover, 0 none to 1 overcast.
    """

    key_direction: np.ndarray
    key_colour: Colour
    key_spread: float
    fill_direction: np.ndarray
    fill_colour: Colour
    sky_colour: Colour
    ground_colour: Colour
    haze: tuple[float, float, float, float]
    exposure: float
    zenith: Colour
    horizon: Colour
    clouds: tuple[float, float, float, float]


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """(3,) unit vector; azimuth 0 along +z, a quarter turn along +x."""
    return np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])


def _warmth(kelvin_like: float) -> np.ndarray:
    """White of a warm (-1) to cold (1) light."""
    return np.array([1 - 0.22 * kelvin_like, 1 - 0.03 * abs(kelvin_like), 1 + 0.28 * kelvin_like])


def _as_colour(values: np.ndarray) -> Colour:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def outdoor_light(generator: np.random.Generator) -> Light:
    """Sun and sky: from clear noon to low sun, thin cloud and overcast."""
    overcast = float(np.clip(generator.beta(0.6, 0.8), 0.03, 0.97))
    height = np.radians(generator.uniform(12, 75))
    low = float(np.clip(1 - height / np.radians(35), 0, 1))
    sun = _warmth(-0.2 - 0.9 * low) * generator.uniform(2.4, 3.6) * (1 - overcast) ** 1.2
    clear = np.array([0.28, 0.48, 0.95]) * generator.uniform(0.8, 1.15)
    grey = np.array([0.85, 0.9, 0.97]) * generator.uniform(0.65, 1.1)
    zenith = clear * (1 - overcast) + grey * overcast
    horizon = np.array([0.85, 0.93, 1.05]) * (1 - 0.25 * overcast) * _warmth(-0.8 * low * (1 - overcast))
    sky = (0.55 * zenith + 0.45 * horizon) * generator.uniform(0.75, 1.1)
    ground = (0.25 * sky + 0.07 * sun) * np.array([1.0, 0.97, 0.88])
    sunlit = float(sun.mean() * np.sin(height) + sky.mean())
    cloud = np.full(3, generator.uniform(0.8, 1.1))
    return Light(
        direction(generator.uniform(0, 2 * np.pi), height),
        _as_colour(sun),
        float(0.006 + 0.25 * overcast**2),
        direction(generator.uniform(0, 2 * np.pi), 0.3),
        _as_colour(0.08 * sky),
        _as_colour(sky),
        _as_colour(ground),
        (*_as_colour(horizon * 0.9), float(10 ** (-6.6 + 1.7 * generator.beta(1, 4)))),
        float(generator.lognormal(0, 0.22)) * 2.0 / (0.6 + sunlit),
        _as_colour(zenith),
        _as_colour(horizon),
        (*_as_colour(cloud), float(np.clip(overcast + generator.normal(0, 0.15), 0, 1))),
    )


def indoor_light(generator: np.random.Generator) -> Light:
    """A window from the side, a lamp from above, or a flash beside the camera's place, with light from the walls."""
    kind = generator.choice(["window", "ceiling", "spots"], p=[0.4, 0.45, 0.15])
    height = {"window": (8, 35), "ceiling": (50, 88), "spots": (30, 65)}[kind]
    warmth = float(np.clip(generator.normal(0.25 if kind == "window" else -0.35, 0.35), -1, 1))
    key = _warmth(warmth) * generator.uniform(0.7, 1.9)
    around = _warmth(float(np.clip(warmth * 0.4 + generator.normal(-0.15, 0.2), -1, 1))) * generator.uniform(0.45, 0.95)
    spread = {"window": (0.12, 0.3), "ceiling": (0.1, 0.3), "spots": (0.02, 0.06)}[kind]
    level = float(key.mean() * 0.6 + around.mean())
    return Light(
        direction(generator.uniform(0, 2 * np.pi), np.radians(generator.uniform(*height))),
        _as_colour(key),
        float(generator.uniform(*spread)),
        direction(generator.uniform(0, 2 * np.pi), np.radians(generator.uniform(0, 50))),
        _as_colour(_warmth(generator.uniform(-0.6, 0.5)) * generator.uniform(0.05, 0.45)),
        _as_colour(around),
        _as_colour(around * np.array([0.62, 0.55, 0.48]) * generator.uniform(0.5, 1.0)),
        (0.5, 0.5, 0.5, 1e-9),
        float(generator.lognormal(0, 0.22)) * 1.9 / (0.5 + level),
        (0.5, 0.7, 1.0),
        (0.9, 0.95, 1.0),
        (1.0, 1.0, 1.0, 0.5),
    )


def shadow_matrix(light: Light, center: np.ndarray, radius: float) -> np.ndarray:
    """(4, 4) world to the clip space of the key light's view of a ball of ``radius`` mm round ``center``."""
    ahead = -light.key_direction
    helper = np.array([0.0, 0.0, 1.0]) if abs(ahead[1]) > 0.9 else np.array([0.0, 1.0, 0.0])
    right = np.cross(ahead, helper)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(right, ahead), ahead]) / radius
    matrix[2, :3] /= 2.5  # things beyond the ball throw shadows into it
    matrix[:3, 3] = -matrix[:3, :3] @ center
    return matrix
