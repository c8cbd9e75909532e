"""A landscape made of noise: clouds and three ridges of mountains, for a dream to begin from.

Nothing of it was photographed or drawn: it is this program's output, the same for everyone, and as free as the library.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...arguments import Array

SEED = 2
LIGHT = (2.0, -3.0)                                                 # of the sun: slopes that face it, down and to the left


class Ridge(NamedTuple):
    """A ridge: its height and ruggedness as shares of the image, the shade of its rock, and the haze before it."""

    height: float
    ruggedness: float
    shade: float
    haze: float
    snow: bool = False


RIDGES = (Ridge(0.52, 0.20, 0.50, 0.25, snow=True), Ridge(0.66, 0.16, 0.34, 0.15), Ridge(0.80, 0.10, 0.20, 0.0))


def landscape(height: int, width: int) -> Array:
    """A grey image, (height, width), float64 from 0, black, to 1, white."""
    rng = np.random.default_rng(SEED)
    down = np.arange(height)[:, None]
    clouds = noise(rng, height, width, octaves=6, start=3, fall=0.55)
    clouds = np.clip(3 * ((clouds - clouds.min()) / np.ptp(clouds) - 0.5), 0, 1)
    image = (0.45 + 0.35 * down / height) * (1 - clouds) + 0.98 * clouds
    for ridge in RIDGES:
        depth = down - height * (ridge.height - ridge.ruggedness * profile(rng, width))        # below the ridge's line
        rock = noise(rng, height, width, octaves=7, start=4, fall=0.6)
        slopes = np.gradient(rock)
        relief = 192 / height * sum(share * slope for share, slope in zip(LIGHT, slopes, strict=True))
        surface = np.clip(ridge.shade + 0.22 * relief + 0.29 * depth / height, 0, 1)
        if ridge.snow:
            surface = np.where(depth < 0.1 * height * (1 + 0.8 * rock), np.clip(0.85 + 0.25 * relief, 0, 1), surface)
        covered = np.clip(depth + 0.5, 0, 1)
        image = image * (1 - covered) + (ridge.haze + (1 - ridge.haze) * surface) * covered
    return np.asarray(np.clip(image, 0, 1))


def noise(rng: np.random.Generator, height: int, width: int, octaves: int, start: int, fall: float) -> Array:
    """Fractal noise: smooth noise of ``start`` hills across, and finer and finer noise, each ``fall`` times as high."""
    from scipy.ndimage import map_coordinates
    total = np.zeros((height, width))
    for octave in range(octaves):
        hills = start * 2**octave
        places = np.meshgrid(*(np.linspace(1, hills + 1, length) for length in (height, width)), indexing="ij")
        total += fall**octave * map_coordinates(rng.standard_normal((hills + 3, hills + 3)), places, order=3)
    return total


def profile(rng: np.random.Generator, width: int) -> Array:
    """The line of a ridge: sums of straight pieces between random heights, finer and finer."""
    places, line = np.linspace(0, 1, width), np.zeros(width)
    for octave in range(7):
        count = 3 * 2**octave
        line += 0.5**octave * np.interp(places, np.linspace(0, 1, count + 1), rng.uniform(-1, 1, count + 1))
    return line
