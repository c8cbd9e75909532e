"""Convolution and pooling for the steps by hand, in the style of numpy_parts.

Images have the batch as their last axis, (channels, height, width, batch): a shift by a pixel then shifts all examples at
once, and copies are of long contiguous runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from numpy import add, equal, matmul, maximum, multiply, subtract
from numpy.lib.stride_tricks import sliding_window_view

from ..workloads import FILTER, Array, Layer
from .numpy_parts import Calls, OfInput, Part, empty, fill, relu

CACHE = 2**17                                                       # numbers in the columns and the output of a tile


Matrices = Callable[[int, int], list[Array]]


def images(shape: tuple[int, ...], layers: Sequence[Layer], batch: int,
             matrices: Matrices) -> tuple[OfInput, Calls, Calls, Array, Array]:
    """Return the layers before "flatten": a function that takes x, the calls of forward and of backward, the output rows, and
    their gradient.

    The rows are a view (batch, size) of an array (size, batch). Where pooling follows ReLU, the order is exchanged: the
    result is the same, and ReLU has a quarter of the numbers.
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
            if k < len(layers) - 1:                                 # the last one works in place
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
    """Return zero-padded images, and the view of the images in them."""
    border = FILTER // 2
    frame = np.zeros((channels, height + 2 * border, width + 2 * border, batch), "float32")
    return frame, frame[:, border:-border, border:-border]


def convolution(frame: Array, y: Array, g: Array, w: Array, gw: Array, g_frame: Array | None) -> Part:
    """Convolve in tiles of whole rows. The last rows of ``w`` and ``gw`` are the bias and its gradient.

    Without ``g_frame`` no input gradient is computed.
    """
    filters, height, width, batch = y.shape
    sources, targets = windows(frame), None if g_frame is None else windows(g_frame)
    count = math.ceil(height * width * batch * (len(w) + filters) / CACHE)
    rows = math.ceil(height / count)
    work, share = np.ones((len(w), rows * width * batch), "float32"), empty(*gw.shape)
    weight = empty(len(w) - 1, filters)
    forward, backward = Calls(), Calls()
    if g_frame is not None:
        backward += [partial(g_frame.fill, 0), fill(weight, w[:-1])]
    for start in range(0, height, rows):
        part = ..., slice(start, start + rows), slice(None), slice(None)
        pixels, (out, g_out) = sources[part], (a[:, start:start + rows].reshape(filters, -1) for a in (y, g))
        product = work[:, :out.shape[1]]
        columns = product[:-1].reshape(pixels.shape)
        forward += [fill(columns, pixels), partial(matmul, w.T, product, out)]
        if rows < height:                                           # with one tile they are still there
            backward.append(fill(columns, pixels))
        backward += ([partial(matmul, product, g_out.T, share), partial(add, gw, share, gw)] if start else
                     [partial(matmul, product, g_out.T, gw)])
        if targets is not None:
            backward.append(partial(matmul, weight, g_out, product[:-1]))
            backward += [partial(add, targets[:, i, j][part], columns[:, i, j], targets[:, i, j][part])
                         for i in range(FILTER) for j in range(FILTER)]
    return forward, backward


def windows(frame: Array) -> Array:
    """Return the pixels under each number of a filter: a writable view (channels, 3, 3, height, width, batch)."""
    view = sliding_window_view(frame, (FILTER, FILTER), (1, 2), writeable=True)
    return view.transpose(0, 4, 5, 1, 2, 3)


def pool(x: Array, y: Array, g: Array, gx: Array) -> Part:
    """Take the larger of two rows, then of two columns; if both are equal, the first gets the gradient."""
    channels, height, width, batch = x.shape
    between, g_between = empty(channels, height // 2, width, batch), empty(channels, height // 2, width, batch)
    down = larger(x[:, ::2], x[:, 1::2], between, g_between, gx[:, ::2], gx[:, 1::2])
    right = larger(between[:, :, ::2], between[:, :, 1::2], y, g, g_between[:, :, ::2],
                   g_between[:, :, 1::2])
    return down[0] + right[0], right[1] + down[1]


def larger(a: Array, b: Array, y: Array, g: Array, ga: Array, gb: Array) -> Part:
    """Write the larger of ``a`` and ``b`` into ``y``, and the gradient ``g`` into the one that was larger."""
    won, mask = np.empty(y.shape, bool), empty(*y.shape)
    return ([partial(maximum, a, b, out=y)],
            [partial(equal, a, y, won), fill(mask, won), partial(multiply, g, mask, ga), partial(subtract, g, ga, gb)])
