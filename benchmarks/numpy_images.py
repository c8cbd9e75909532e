"""Convolution and pooling, as in numpy_parts.

Images lie batch last, (channels, height, width, batch): a shift by a pixel is then a shift of all examples at once, and
what is copied are long runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from numpy import add, equal, matmul, maximum, multiply, subtract
from numpy.lib.stride_tricks import sliding_window_view

from .numpy_parts import Calls, OfInput, Part, empty, fill, relu
from .workloads import FILTER, Array, Layer

CACHE = 2**17                                                       # numbers of the columns of a tile and of its output


Matrices = Callable[[int, int], list[Array]]


def images(shape: tuple[int, ...], layers: Sequence[Layer], batch: int,
             matrices: Matrices) -> tuple[OfInput, Calls, Calls, Array, Array]:
    """The layers before "flatten": what takes x, forward, backward, and the rows that come out, with their gradient.

    The rows are a view (batch, size) of (size, batch). What is pooled is rectified afterwards: the result is the same, from
    a quarter of the numbers.
    """
    layers = list(layers)
    for k, pair in enumerate(pairwise(layers)):
        if pair == ("relu", "pool"):
            layers[k:k + 2] = reversed(pair)
    (frame, y), (g_frame, g), forward, backward = framed(*shape, batch), (None, None), Calls(), Calls()
    entrance = y.transpose(3, 0, 1, 2)
    for k, layer in enumerate(layers):
        x, gx, (channels, height, width, _) = y, g, y.shape
        if layer == "relu":
            if k < len(layers) - 1:                                 # else in place
                (frame, y), (g_frame, g) = framed(*x.shape), framed(*x.shape)
            calls = relu(x, y, g, gx)
        elif layer == "pool":
            y, g = (empty(channels, height // 2, width // 2, batch) for _ in range(2))
            calls = pool(x, y, g, gx)
        else:
            y, g = (empty(layer[1], height, width, batch) for _ in range(2))
            calls = convolution(frame, y, g, *matrices(channels * FILTER**2 + 1, layer[1]), g_frame)
        forward += calls[0]
        backward[:0] = calls[1]
    return partial(entrance.__setitem__, ...), forward, backward, y.reshape(-1, batch).T, g.reshape(-1, batch).T


def framed(channels: int, height: int, width: int, batch: int) -> tuple[Array, Array]:
    """Images with zeros around them, and the view inside."""
    border = FILTER // 2
    frame = np.zeros((channels, height + 2 * border, width + 2 * border, batch), "float32")
    return frame, frame[:, border:-border, border:-border]


def convolution(frame: Array, y: Array, g: Array, w: Array, gw: Array, g_frame: Array | None) -> Part:
    """Tiles of whole rows. Last rows of ``w`` and ``gw``: the bias and its gradient. No ``g_frame``: no input gradient."""
    filters, height, width, batch = y.shape
    seen, targets = windows(frame), None if g_frame is None else windows(g_frame)
    count = math.ceil(height * width * batch * (len(w) + filters) / CACHE)
    rows = math.ceil(height / count)
    room, share = np.ones((len(w), rows * width * batch), "float32"), empty(*gw.shape)
    weight = empty(len(w) - 1, filters)
    forward, backward = Calls(), Calls()
    if g_frame is not None:
        backward += [partial(g_frame.fill, 0), fill(weight, w[:-1])]
    for start in range(0, height, rows):
        part = ..., slice(start, start + rows), slice(None), slice(None)
        pixels, (out, slopes) = seen[part], (a[:, start:start + rows].reshape(filters, -1) for a in (y, g))
        product = room[:, :out.shape[1]]
        columns = product[:-1].reshape(pixels.shape)
        forward += [fill(columns, pixels), partial(matmul, w.T, product, out)]
        if rows < height:                                           # else they are still there
            backward.append(fill(columns, pixels))
        backward += ([partial(matmul, product, slopes.T, share), partial(add, gw, share, gw)] if start else
                     [partial(matmul, product, slopes.T, gw)])
        if targets is not None:
            backward.append(partial(matmul, weight, slopes, product[:-1]))
            backward += [partial(add, targets[:, i, j][part], columns[:, i, j], targets[:, i, j][part])
                         for i in range(FILTER) for j in range(FILTER)]
    return forward, backward


def windows(frame: Array) -> Array:
    """What each number of a filter sees: a view (channels, 3, 3, height, width, batch) that may be written."""
    seen = sliding_window_view(frame, (FILTER, FILTER), (1, 2), writeable=True)
    return seen.transpose(0, 4, 5, 1, 2, 3)


def pool(x: Array, y: Array, g: Array, gx: Array) -> Part:
    """The larger of two rows, then of two columns; of two equal ones the first has the gradient."""
    channels, height, width, batch = x.shape
    between, slopes = empty(channels, height // 2, width, batch), empty(channels, height // 2, width, batch)
    down = larger(x[:, ::2], x[:, 1::2], between, slopes, gx[:, ::2], gx[:, 1::2])
    right = larger(between[:, :, ::2], between[:, :, 1::2], y, g, slopes[:, :, ::2], slopes[:, :, 1::2])
    return down[0] + right[0], right[1] + down[1]


def larger(a: Array, b: Array, y: Array, g: Array, ga: Array, gb: Array) -> Part:
    won, mask = np.empty(y.shape, bool), empty(*y.shape)
    return ([partial(maximum, a, b, out=y)],
            [partial(equal, a, y, won), fill(mask, won), partial(multiply, g, mask, ga), partial(subtract, g, ga, gb)])
