"""Shapeset: generated images of triangles, parallelograms and ellipses, to be classified by a deep network.

Shapes are closed polygons in the complex plane: the real part is x, the column of the image, the imaginary part y, the row.
Arrays of polygons have the vertices on axis 0 and the images on axis 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arguments import Seed, generator, positive_int, real
from ..errors import ArgumentError
from ..underflow import unreported

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
Points = NDArray[np.complex128]
Range = tuple[float, float]

SIDE = 32                                   # width and height of an image, in pixels
MARGIN = 1                                  # pixels along each border that no shape covers
DRAWS = 50                                  # attempts to place a second object, before it is left out
OVERLAP = 0.5                               # the most that is allowed, as a share of the first object's area
CHUNK = 512                                 # images made at a time: their arrays fit into the cache

KINDS = ("triangle", "parallelogram", "ellipse")
CORNERS = np.array([3, 4, 20])
AREAS = CORNERS / 8 * np.sin(2 * np.pi / CORNERS)                   # of regular polygons of radius 1/2
EDGES = CORNERS.max()                       # vertices of every polygon: one with fewer corners repeats them
POLYGONS = np.exp(2j * np.pi * (np.arange(EDGES + 1)[:, None] % CORNERS) / CORNERS) / 2

NONE = len(KINDS)                           # the kind of a missing second object
MEMBERS = ((0, NONE), (1, NONE), (2, NONE), (0, 1), (1, 2), (0, 2), (0, 0), (1, 1), (2, 2))
SHAPESET_CLASSES = tuple(" + ".join(KINDS[k] for k in pair if k != NONE) for pair in MEMBERS)
CLASS_OF = np.zeros((NONE + 1, NONE + 1), np.int64)
for number, pair in enumerate(MEMBERS):
    CLASS_OF[pair] = CLASS_OF[pair[::-1]] = number

EASY_SHAPESET: Mapping[str, Any] = MappingProxyType(
    {"objects": 1, "scales": (0.4, 0.8), "background": (0, 0.2), "foreground": (0.8, 1), "swap": False})


def shapeset(n: int = 10_000, *, objects: int = 2, scales: Range = (0.2, 0.8), background: Range = (0, 0.45),
             foreground: Range = (0.55, 1), swap: bool = True, rng: Seed = None) -> tuple[NDArray[np.float32], Integers]:
    """Return Shapeset-3x2: grey images of one or two shapes, each a triangle, a parallelogram or an ellipse.

    Parameters
    ----------
    n : int, default 10_000
        Number of images.
    objects : {1, 2}, default 2
        Largest number of objects in an image. With 2, one and two objects are equally likely; with 1 there are three classes.
    scales : pair of float, default (0.2, 0.8)
        Range of the lengths of a shape's two axes, as shares of the image's width.
    background, foreground : pair of float, default (0, 0.45) and (0.55, 1)
        Ranges of the greys, from 0, black, to 1, white. Each object has a grey of its own.
    swap : bool, default True
        Whether to exchange the two ranges in half of the images.
    rng : None, int or numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    x : float32 array of shape (n, 1, 32, 32)
        The images, from -1, black, to 1, white, in 256 steps. For a dense network: ``x.reshape(n, -1)``.
    y : int64 array of shape (n,)
        The shapes in the image, in any order. ``SHAPESET_CLASSES`` has the names of the classes 0 to 8: triangle,
        parallelogram, ellipse, then the pairs TP, PE, TE, TT, PP and EE.

    Notes
    -----
    A shape is a regular polygon of 3, 4 or 20 corners. It is rotated, stretched along the axes by two scales, rotated again
    by any angle, and placed at random, at least one pixel away from the border. (So a square becomes a parallelogram.) A
    second object is painted over the first. Its scales and place are drawn again while it is estimated to cover more than
    half the area of the first; after 50 attempts it is left out. The classes are therefore not equally frequent: a little
    more than 1/6 for each single shape, less than 1/9 for each pair of different shapes, less than 1/18 for each pair of
    equal ones.

    Each image uses a fixed number of random numbers. With the same seed and the same other arguments, the first k of n images
    are therefore those of ``n=k``, and a second call with the same Generator continues the sequence.

    ``EASY_SHAPESET`` holds the arguments of a set that small networks can learn: one large bright shape on a dark background.

    References
    ----------
    X. Glorot, Y. Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, section 2.1.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.shapeset(500, rng=0)
    >>> x.shape, rp.datasets.SHAPESET_CLASSES[y[0]]
    ((500, 1, 32, 32), 'triangle + ellipse')
    >>> x, y = rp.datasets.shapeset(500, **rp.datasets.EASY_SHAPESET, rng=0)
    >>> sorted(set(y.tolist()))
    [0, 1, 2]
    """
    n, objects = positive_int("n", n), positive_int("objects", objects)
    if objects > 2:
        raise ArgumentError(f"objects must be 1 or 2, got {objects}")
    scales = _range("scales", scales, 1 - 2 * MARGIN / SIDE)
    if scales[0] < 2 / SIDE:
        raise ArgumentError(f"scales must be at least 2/{SIDE}, two pixels, got {scales}")
    if not isinstance(swap, bool):
        raise ArgumentError(f"swap must be True or False, got {swap!r}")
    levels = _levels("background", background), _levels("foreground", foreground)
    rng = generator(rng)
    x, y = np.empty((n, 1, SIDE, SIDE), np.float32), np.empty(n, np.int64)
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        u = _uniform(rng, len(y[part]))
        first, second = _scene(u, objects, scales)
        y[part] = CLASS_OF[first.kind, second.kind]
        _paint(x[part, 0], (first, second), u, levels, swap)
    return x, y


class Uniform(NamedTuple):
    """The random numbers of a chunk of images, uniform in [0, 1), by their use."""

    number: Reals                           # (images,): the number of objects
    swap: Reals                             # (images,): whether the ranges of greys are exchanged
    ground: Reals                           # (images,): the grey of the background
    kinds: Reals                            # (2, images): the kind of the first and of the second object
    greys: Reals                            # (2, images): their greys
    turns: Reals                            # (2, 2, images): their rotations before and after the scaling
    first: Reals                            # (4, images): two scales, x and y of the first object
    second: Reals                           # (DRAWS, 4, images): the same of the second, for each attempt


class Shapes(NamedTuple):
    """One object of each image."""

    kind: Integers                          # (images,): NONE where there is no object
    outline: Points                         # (EDGES + 1, images)
    centre: Points                          # (images,)
    area: Reals                             # (images,)

    def of(self, images: Integers) -> Shapes:
        return Shapes(self.kind[images], self.outline[:, images], self.centre[images], self.area[images])


def _uniform(rng: np.random.Generator, n: int) -> Uniform:
    """Return the random numbers of n images. All are drawn, used or not, so that an image does not depend on ``n``."""
    u = rng.random((n, 15 + 4 * DRAWS)).T
    return Uniform(u[0], u[1], u[2], u[3:5], u[5:7], u[7:11].reshape(2, 2, n), u[11:15], u[15:].reshape(DRAWS, 4, n))


def _scene(u: Uniform, objects: int, scales: Range) -> tuple[Shapes, Shapes]:
    """Return the first and the second object of each image."""
    kinds = (len(KINDS) * u.kinds).astype(np.int64)
    first = _shapes(kinds[0], u.turns[0], u.first, scales)
    second = _shapes(kinds[1], u.turns[1], u.second[0], scales)
    second.kind[u.number < 1 / objects] = NONE
    again = np.flatnonzero(second.kind != NONE)
    for draw in range(1, DRAWS + 1):
        again = again[_overlap(first.of(again), second.of(again)) > OVERLAP]
        if draw == DRAWS or not len(again):
            break
        redrawn = _shapes(second.kind[again], u.turns[1][:, again], u.second[draw][:, again], scales)
        for a, b in zip(second, redrawn, strict=True):
            a[..., again] = b
    second.kind[again] = NONE
    return first, second


def _shapes(kind: Integers, turns: Reals, u: Reals, scales: Range) -> Shapes:
    """Return regular polygons after an affine map: a rotation, a scaling, a rotation, and a shift to a random place."""
    low, high = np.sort(SIDE * (scales[0] + (scales[1] - scales[0]) * u[:2]), axis=0)
    regular = POLYGONS[:, kind] * np.exp(2j * np.pi * turns[0] / CORNERS[kind])
    points = (high * regular.real + 1j * low * regular.imag) * np.exp(2j * np.pi * turns[1])
    centre = _place(points.real, u[2]) + 1j * _place(points.imag, u[3])
    return Shapes(kind, points + centre, centre, low * high * AREAS[kind])


def _place(a: Reals, u: Reals) -> Reals:
    """Return a random shift that keeps all coordinates ``a`` within the margins."""
    low, high = MARGIN - a.min(axis=0), SIDE - MARGIN - a.max(axis=0)
    shift: Reals = low + (high - low) * u
    return shift


@unreported
def _overlap(first: Shapes, second: Shapes) -> Reals:
    """Return an estimate of the share of the first object's area that the second object covers.

    Let d be the distance of the centres, and r the sum of the lengths by which both objects extend towards each other. The
    share of the second object that lies on the first is estimated as 1 - 2^(1 - r/d): 0 if they just touch, 1 if d = 0.
    """
    between = second.centre - first.centre
    distance = np.maximum(np.abs(between), np.finfo(float).tiny)
    towards = np.conj(between / distance)
    reach = ((first.outline - first.centre) * towards).real.max(axis=0)
    reach += ((second.centre - second.outline) * towards).real.max(axis=0)
    share: Reals = second.area / first.area * (1 - 2 ** (1 - reach / distance))
    return share


def _paint(x: NDArray[np.float32], scene: tuple[Shapes, Shapes], u: Uniform, levels: tuple[Range, Range], swap: bool) -> None:
    """Paint the background, then the objects, into ``x`` of shape (images, 32, 32)."""
    swapped = (u.swap < 0.5) & swap
    x[:] = _grey(u.ground, levels, swapped)[:, None, None]
    for shapes, v in zip(scene, u.greys, strict=True):
        present = np.flatnonzero(shapes.kind != NONE)
        grey, inside = _grey(v, levels, ~swapped)[present], _inside(shapes.outline[:, present])
        x[present] = np.where(inside, grey[:, None, None], x[present])


def _grey(u: Reals, levels: tuple[Range, Range], second: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a grey from -1 to 1, drawn from the first range of levels or, where ``second``, from the second."""
    low, high = np.array(levels)[second.astype(int)].T
    return ((low + np.floor((high - low + 1) * u)) / 255 * 2 - 1).astype(np.float32)


def _inside(outline: Points) -> NDArray[np.bool_]:
    """Return which pixels have their centre inside a convex outline: (EDGES + 1, images) -> (images, 32, 32).

    A row of pixels intersects a convex polygon in one interval. Its left end is the rightmost crossing with a line through an
    edge of negative rise, its right end the leftmost crossing with a line through an edge of positive rise.
    """
    centres = np.arange(SIDE) + 0.5
    start, edge = outline[:-1, :, None], np.diff(outline, axis=0)[:, :, None]
    rise = np.where(edge.imag == 0, 1e-9, edge.imag)                # a horizontal edge: let it cross the row far away
    crossing = start.real + edge.real / rise * (centres - start.imag)
    left = np.where(rise < 0, crossing, -np.inf).max(axis=0)[..., None]
    right = np.where(rise > 0, crossing, np.inf).min(axis=0)[..., None]
    return (left <= centres) & (centres <= right)


def _range(name: str, value: Range, most: float = 1) -> Range:
    """Return ``value`` as two floats in [0, most], in order; raise ArgumentError otherwise."""
    try:
        low, high = value
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be a pair of numbers, got {value!r}") from None
    low, high = real(f"{name}[0]", low, 0, most), real(f"{name}[1]", high, 0, most)
    if low > high:
        raise ArgumentError(f"{name} must be in order, got {value!r}")
    return low, high


def _levels(name: str, value: Range) -> Range:
    """Return the first and the last of the levels 0 to 255 in a range of greys from 0 to 1."""
    low, high = _range(name, value)
    first, last = math.ceil(255 * low), math.floor(255 * high)
    if first > last:
        raise ArgumentError(f"{name} must contain a grey k/255 with k an integer, got {value!r}")
    return first, last
