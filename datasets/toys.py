"""Toy data: generated points in the plane, and a noisy curve, small enough to plot what a network learns.

Examples are in random order, and the sizes of the classes differ by at most one example.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments import Seed, generator, positive_int, real

Points = NDArray[np.float32]
Labels = NDArray[np.int64]


def moons(n: int = 500, *, noise: float = 0.1, rng: Seed = None) -> tuple[Points, Labels]:
    """Return two interleaved half circles of radius 1: class 0 opens downwards, class 1 upwards.

    Before noise is added, the examples of a class are at equal angles, as in scikit-learn's ``make_moons``.

    Parameters
    ----------
    n : int, default 500
        Number of examples.
    noise : float, default 0.1
        Standard deviation of the Gaussian noise on both coordinates.
    rng : None, int or numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    x : float32 array of shape (n, 2)
    y : int64 array of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> import retroprop as rp
    >>> x, y = rp.datasets.moons(501, noise=0.1, rng=0)
    >>> x.shape, np.bincount(y).tolist()
    ((501, 2), [251, 250])
    """
    noise, rng, order = _prepared(n, 2, noise, rng)
    y = order % 2
    angle = np.pi * _positions(order)
    u = np.where(y, 1 - np.cos(angle), np.cos(angle))
    v = np.where(y, 0.5 - np.sin(angle), np.sin(angle))
    return _points(u, v, noise, rng), y


def circles(n: int = 500, *, noise: float = 0.05, rng: Seed = None) -> tuple[Points, Labels]:
    """Return two concentric circles: class 0 of radius 1, class 1 of radius 1/2. Arguments are those of `moons`.

    Examples
    --------
    >>> import numpy as np
    >>> import retroprop as rp
    >>> x, y = rp.datasets.circles(4, noise=0, rng=0)
    >>> np.allclose(np.hypot(x[:, 0], x[:, 1]), np.where(y, 0.5, 1))
    True
    """
    noise, rng, order = _prepared(n, 2, noise, rng)
    y = order % 2
    radius, angle = 1 - y / 2, 2 * np.pi * _positions(order)
    return _points(radius * np.cos(angle), radius * np.sin(angle), noise, rng), y


def spirals(n: int = 500, *, classes: int = 2, turns: float = 1.5, noise: float = 0.02,
            rng: Seed = None) -> tuple[Points, Labels]:
    """Return interleaved spirals around the origin, one per class. ``n``, ``noise`` and ``rng`` are those of `moons`.

    Parameters
    ----------
    classes : int, default 2
        Number of spirals; at least 2.
    turns : float, default 1.5
        Turns of a spiral per unit of radius; the radius grows from 0.1 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> import retroprop as rp
    >>> x, y = rp.datasets.spirals(100, classes=3, rng=0)
    >>> np.bincount(y).tolist()
    [34, 33, 33]
    """
    turns = real("turns", turns, 0, above=True)
    noise, rng, order = _prepared(n, classes, noise, rng)
    y = order % classes
    radius = rng.uniform(0.1, 1, n)
    angle = 2 * np.pi * (turns * radius + y / classes)
    return _points(radius * np.cos(angle), radius * np.sin(angle), noise, rng), y


def xor(n: int = 500, *, noise: float = 0.1, rng: Seed = None) -> tuple[Points, Labels]:
    """Return clouds around the corners of the unit square; the class is the exclusive or of the corner's coordinates.

    The sizes of the four clouds differ by at most one example. Arguments are those of `moons`.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.xor(4, noise=0, rng=0)
    >>> sorted(zip(x.astype(int).tolist(), y.tolist()))
    [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
    """
    noise, rng, order = _prepared(n, 4, noise, rng)
    a, b = order % 2, order // 2 % 2
    return _points(a, b, noise, rng), a ^ b


def blobs(n: int = 500, classes: int = 3, *, noise: float = 0.2, rng: Seed = None) -> tuple[Points, Labels]:
    """Return round Gaussian clouds, one per class, at equal angles on the unit circle. Arguments as of `moons`, and:

    Parameters
    ----------
    classes : int, default 3
        Number of clouds; at least 2.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.blobs(6, classes=3, rng=0)
    >>> sorted(y.tolist())
    [0, 0, 1, 1, 2, 2]
    """
    noise, rng, order = _prepared(n, classes, noise, rng)
    y = order % classes
    angle = 2 * np.pi * y / classes
    return _points(np.cos(angle), np.sin(angle), noise, rng), y


def sine(n: int = 500, *, noise: float = 0.1, rng: Seed = None) -> tuple[Points, Points]:
    """Return one period of a noisy sine, for regression: x uniform in [-pi, pi), y = sin(x) + noise.

    ``n``, ``noise`` (added to y only) and ``rng`` are those of `moons`.

    Returns
    -------
    x, y : float32 arrays of shape (n, 1)

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.sine(20, rng=0)
    >>> x.shape, y.shape
    ((20, 1), (20, 1))
    """
    n, noise = positive_int("n", n), real("noise", noise, 0)
    rng = generator(rng)
    x = rng.uniform(-np.pi, np.pi, (n, 1))
    y = np.sin(x) + noise * rng.standard_normal((n, 1))
    return x.astype(np.float32), y.astype(np.float32)


def _prepared(n: int, classes: int, noise: float, rng: Seed) -> tuple[float, np.random.Generator, Labels]:
    """Return the checked noise, the generator, and a random order whose remainders modulo ``classes`` are balanced labels."""
    n, classes, noise = positive_int("n", n), positive_int("classes", classes, 2), real("noise", noise, 0)
    rng = generator(rng)
    return noise, rng, rng.permutation(n).astype(np.int64)


def _positions(order: Labels) -> NDArray[np.float64]:
    """Return each example's position in its class, equally spaced from 0 to 1, for two classes by parity of ``order``."""
    rank, size = order // 2, (len(order) + 1 - order % 2) // 2
    return rank / np.maximum(size - 1, 1)


def _points(u: NDArray[np.generic], v: NDArray[np.generic], noise: float, rng: np.random.Generator) -> Points:
    """Return the points (u, v) with noise added, shape (n, 2)."""
    exact = np.stack([u, v], axis=1)
    return (exact + noise * rng.standard_normal(exact.shape)).astype(np.float32)
