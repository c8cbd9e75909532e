"""Shapeset: generated images of triangles, parallelograms and ellipses, which a deep network must tell apart.

Shapes are closed polygons in the complex plane: x is the real part, a column of the image, and y the imaginary one, a row.
Arrays of them have the vertices on axis 0 and the images on axis 1.
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

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
Points = NDArray[np.complex128]
Range = tuple[float, float]

SIDE = 32                                   # of an image, in pixels
MARGIN = 1                                  # pixels that stay free along each border
DRAWS = 50                                  # of the scales and the place of a second object, before it is left out
OVERLAP = 0.5                               # most of it, as a share of the first object's area
CHUNK = 512                                 # images at a time: what is computed for them stays in the cache

KINDS = ("triangle", "parallelogram", "ellipse")
CORNERS = np.array([3, 4, 20])
AREAS = CORNERS / 8 * np.sin(2 * np.pi / CORNERS)                   # of the regular polygon of radius 1/2
EDGES = CORNERS.max()                       # of every polygon: one with fewer corners is walked round several times
POLYGONS = np.exp(2j * np.pi * (np.arange(EDGES + 1)[:, None] % CORNERS) / CORNERS) / 2

NONE = len(KINDS)                           # the kind of a second object that is not there
MEMBERS = ((0, NONE), (1, NONE), (2, NONE), (0, 1), (1, 2), (0, 2), (0, 0), (1, 1), (2, 2))
SHAPESET_CLASSES = tuple(" + ".join(KINDS[k] for k in pair if k != NONE) for pair in MEMBERS)
CLASS_OF = np.zeros((NONE + 1, NONE + 1), np.int64)
for number, pair in enumerate(MEMBERS):
    CLASS_OF[pair] = CLASS_OF[pair[::-1]] = number

EASY_SHAPESET: Mapping[str, Any] = MappingProxyType(
    {"objects": 1, "scales": (0.4, 0.8), "background": (0, 0.2), "foreground": (0.8, 1), "swap": False})


def shapeset(n: int = 10_000, *, objects: int = 2, scales: Range = (0.2, 0.8), background: Range = (0, 0.45),
             foreground: Range = (0.55, 1), swap: bool = True, rng: Seed = None) -> tuple[NDArray[np.float32], Integers]:
    """Shapeset-3x2: grey images of one or two shapes, each a triangle, a parallelogram or an ellipse.

    Parameters
    ----------
    n : int, default 10_000
        Number of images.
    objects : {1, 2}, default 2
        Most objects in an image. With 2, one and two are equally likely; with 1 there are three classes.
    scales : pair of float, default (0.2, 0.8)
        Range of the lengths of a shape's two axes, in sides of the image.
    background, foreground : pair of float, default (0, 0.45) and (0.55, 1)
        Ranges of the greys, from 0, black, to 1, white. Each object has a grey of its own.
    swap : bool, default True
        Whether the two ranges change places in half of the images.
    rng : None, int or numpy.random.Generator
        Where the images are drawn from.

    Returns
    -------
    x : float32 array of shape (n, 1, 32, 32)
        The images, from -1, black, to 1, white, in 256 steps. For a dense network: ``x.reshape(n, -1)``.
    y : int64 array of shape (n,)
        Which shapes there are, in any order. ``SHAPESET_CLASSES`` has the names of the classes 0 to 8: triangle,
        parallelogram, ellipse, then the pairs TP, PE, TE, TT, PP and EE.

    Notes
    -----
    A shape is a regular polygon of 3, 4 or 20 corners, which is turned, stretched along the axes by two scales, turned
    again by any angle, and put anywhere at least a pixel away from the border. (So a square becomes a parallelogram.) A
    second object is painted over the first. Its scales and place are redrawn while its estimated overlap exceeds half the
    area of the first; after 50 vain draws it is left out. Hence the classes are not equally frequent: a little more than
    1/6 for each single shape, less than 1/9 for each pair of two kinds, and less than 1/18 for each pair of equals.

    Images are a stream, of which each takes its fixed share of random numbers: with the same seed and the same other
    arguments, the first k of n images are those of ``n=k``, and a second call with the same Generator goes on.

    ``EASY_SHAPESET`` holds the arguments of a set that small networks learn: one large bright shape on a dark ground.

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
    """The random numbers of a chunk of images, uniform in [0, 1)."""

    number: Reals                           # (images,): how many objects
    swap: Reals                             # (images,): whether the ranges of greys change places
    ground: Reals                           # (images,): its grey
    kinds: Reals                            # (2, images), as the next two: of the first and the second object
    greys: Reals
    turns: Reals                            # (2, 2, images): before and after the scaling
    first: Reals                            # (4, images): two scales, x, y
    second: Reals                           # (DRAWS, 4, images): the same, for each draw


class Shapes(NamedTuple):
    """One object of each image."""

    kind: Integers                          # (images,): NONE where there is no object
    outline: Points                         # (EDGES + 1, images)
    centre: Points                          # (images,)
    area: Reals                             # (images,)

    def of(self, images: Integers) -> Shapes:
        return Shapes(self.kind[images], self.outline[:, images], self.centre[images], self.area[images])


def _uniform(rng: np.random.Generator, n: int) -> Uniform:
    """One row of numbers an image, whatever becomes of them: so that images do not depend on ``n``."""
    u = rng.random((n, 15 + 4 * DRAWS)).T
    return Uniform(u[0], u[1], u[2], u[3:5], u[5:7], u[7:11].reshape(2, 2, n), u[11:15], u[15:].reshape(DRAWS, 4, n))


def _scene(u: Uniform, objects: int, scales: Range) -> tuple[Shapes, Shapes]:
    """The first and the second object of each image."""
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
    """Affine images of regular polygons: turned within their symmetry, scaled, turned, and put inside the image."""
    low, high = np.sort(SIDE * (scales[0] + (scales[1] - scales[0]) * u[:2]), axis=0)
    regular = POLYGONS[:, kind] * np.exp(2j * np.pi * turns[0] / CORNERS[kind])
    points = (high * regular.real + 1j * low * regular.imag) * np.exp(2j * np.pi * turns[1])
    centre = _place(points.real, u[2]) + 1j * _place(points.imag, u[3])
    return Shapes(kind, points + centre, centre, low * high * AREAS[kind])


def _place(a: Reals, u: Reals) -> Reals:
    """A shift that keeps all of ``a`` within the margins."""
    low, high = MARGIN - a.min(axis=0), SIDE - MARGIN - a.max(axis=0)
    shift: Reals = low + (high - low) * u
    return shift


def _overlap(first: Shapes, second: Shapes) -> Reals:
    """Estimate of the area that the second object covers of the first, as a share of the first one's area.

    With the distance d of the centres and the reach r, how far both extend towards each other, the share of the
    second that lies on the first is taken as 1 - 2^(1 - r/d): none where they just touch, all for equal centres.
    """
    between = second.centre - first.centre
    distance = np.maximum(np.abs(between), np.finfo(float).tiny)
    towards = np.conj(between / distance)
    reach = ((first.outline - first.centre) * towards).real.max(axis=0)
    reach += ((second.centre - second.outline) * towards).real.max(axis=0)
    share: Reals = second.area / first.area * (1 - 2 ** (1 - reach / distance))
    return share


def _paint(x: NDArray[np.float32], scene: tuple[Shapes, Shapes], u: Uniform, levels: tuple[Range, Range], swap: bool) -> None:
    """Paint the ground, then the objects, into ``x`` of shape (images, 32, 32)."""
    swapped = (u.swap < 0.5) & swap
    x[:] = _grey(u.ground, levels, swapped)[:, None, None]
    for one, v in zip(scene, u.greys, strict=True):
        there = np.flatnonzero(one.kind != NONE)
        grey, inside = _grey(v, levels, ~swapped)[there], _inside(one.outline[:, there])
        x[there] = np.where(inside, grey[:, None, None], x[there])


def _grey(u: Reals, levels: tuple[Range, Range], second: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A level of the first range, or where ``second`` of the second one, as a number from -1 to 1."""
    low, high = np.array(levels)[second.astype(int)].T
    return ((low + np.floor((high - low + 1) * u)) / 255 * 2 - 1).astype(np.float32)


def _inside(outline: Points) -> NDArray[np.bool_]:
    """(EDGES + 1, images) -> (images, 32, 32): which pixels have their centre inside a convex outline.

    A row of pixels meets a convex polygon in one interval: from the last of the lines through its edges that go one
    way to the first of those that go the other way.
    """
    centres = np.arange(SIDE) + 0.5
    start, edge = outline[:-1, :, None], np.diff(outline, axis=0)[:, :, None]
    rise = np.where(edge.imag == 0, 1e-9, edge.imag)                # a level edge: a line that crosses the row far away
    crossing = start.real + edge.real / rise * (centres - start.imag)
    left = np.where(rise < 0, crossing, -np.inf).max(axis=0)[..., None]
    right = np.where(rise > 0, crossing, np.inf).min(axis=0)[..., None]
    return (left <= centres) & (centres <= right)


def _range(name: str, value: Range, most: float = 1) -> Range:
    """``value`` as two floats in [0, most], in order; raises ArgumentError otherwise."""
    try:
        low, high = value
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be a pair of numbers, got {value!r}") from None
    low, high = real(f"{name}[0]", low, 0, most), real(f"{name}[1]", high, 0, most)
    if low > high:
        raise ArgumentError(f"{name} must be in order, got {value!r}")
    return low, high


def _levels(name: str, value: Range) -> Range:
    """The first and the last of the levels 0 to 255 in a range of greys from 0 to 1."""
    low, high = _range(name, value)
    first, last = math.ceil(255 * low), math.floor(255 * high)
    if first > last:
        raise ArgumentError(f"{name} must hold a grey k/255, k an integer, got {value!r}")
    return first, last
