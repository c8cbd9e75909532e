"""What the steps by hand are made of.

Every buffer is made once, so a layer is the same calls in each step: lists of ``partial``, with their arrays bound.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy import add, divide, exp, greater, log, logaddexp, maximum, multiply, reciprocal, sqrt, subtract, unpackbits
from numpy.typing import NDArray

from .workloads import BATCH_NORM_MOMENTUM, DROP, EPS, MOMENTUM, RATE, Array

Calls = list[Callable[[], object]]
Part = tuple[Calls, Calls]                                          # forward, backward
OfInput = Callable[[Array], object]

SMALL = 8192                                                        # numbers of an input that gets a column of ones
FEW, LARGE = 32, 65536                                              # rows of a batch, numbers of a weight
PIECE = 2**18                                                       # parameters that stay in the cache for their update


def scalar(value: float) -> Array:
    """Of no dimension: cheaper to a ufunc than Python's numbers, which it converts each time."""
    return np.array(value, "float32")


def empty(*shape: int) -> Array:
    return np.empty(shape, "float32")


def fill(target: Array, source: NDArray[Any]) -> Callable[[], object]:
    """``target[...] = source``"""
    return partial(target.__setitem__, ..., source)


def linear(w: Array, gw: Array, y: Array, g: Array) -> tuple[OfInput, OfInput]:
    """From x to y, and from x and g to the gradients. Last rows of ``w`` and ``gw``: the bias and its gradient."""
    rows, size = len(y), len(w) - 1
    if rows * size <= SMALL:                                        # x with a column of ones: nothing to do for the bias
        inputs = np.ones((rows, size + 1), "float32")
        room, dot, turned_dot = inputs[:, :-1], inputs.dot, inputs.T.dot

        def forward(x: Array) -> None:
            room[...] = x
            dot(w, y)

        def backward(x: Array) -> None:
            turned_dot(g, gw)
    else:
        (weight, bias), (g_weight, g_bias), add_rows = (w[:-1], w[-1]), (gw[:-1], gw[-1]), np.ones(rows, "float32").dot

        def forward(x: Array) -> None:
            x.dot(weight, y)
            add(y, bias, y)

        def backward(x: Array) -> None:
            x.T.dot(g, g_weight)
            add_rows(g, g_bias)
    return forward, backward


def input_gradient(weight: Array, g: Array, gx: Array) -> Calls:
    """The product first."""
    if gx.flags.f_contiguous:
        return [partial(weight.dot, g.T, gx.T)]
    if len(g) > FEW or weight.size < LARGE:
        return [partial(g.dot, weight.T, gx)]
    turned = empty(*gx.T.shape)                                     # BLAS is faster on the weight's side here
    return [partial(weight.dot, g.T, turned), fill(gx, turned.T)]


def tanh(x: Array, g: Array) -> Part:
    """In place."""
    t = empty(*x.shape)
    return [partial(np.tanh, x, x)], [partial(multiply, x, x, t), partial(multiply, t, g, t), partial(subtract, g, t, g)]


def relu(x: Array, y: Array, g: Array, gx: Array) -> Part:
    """In place, if y is x and gx is g."""
    zeros, zero, passed, mask = np.zeros_like(x), scalar(0), np.empty(x.shape, bool), empty(*x.shape)
    return ([partial(maximum, x, zeros, out=y)],
            [partial(greater, y, zero, passed), fill(mask, passed), partial(multiply, g, mask, gx)])


def dropout(x: Array, y: Array, g: Array, draw: Callable[[int], NDArray[np.uint64]]) -> Part:
    """One random bit decides for each number, which will do for a half only."""
    assert DROP == 0.5
    mask, words = empty(*x.shape), -(-x.size // 64)

    def forward() -> None:
        bits = unpackbits(draw(words).view("uint8"), count=x.size).reshape(x.shape)
        add(bits, bits, bits)                                       # what is kept is doubled
        mask[...] = bits
        multiply(x, mask, y)

    return [forward], [partial(multiply, g, mask, g)]


def batchnorm(x: Array, y: Array, g: Array, w: Array, gw: Array) -> Part:
    """``w``: scale and shift. x must come from a Linear, which does not need it again: it is left centred, not divided."""
    rows, size = x.shape
    (scale, shift), (g_scale, g_shift) = w, gw
    mean_of, sum_of = np.full(rows, 1 / rows, "float32").dot, np.ones(rows, "float32").dot
    share, t = scalar(1 / rows), empty(rows, size)
    variance, inverse, slope, a = empty(4, size)
    now, change, running = empty(2, size), empty(2, size), np.repeat([[0], [1]], size, 1).astype("float32")
    return [
        partial(mean_of, x, now[0]), partial(subtract, x, now[0], x), partial(multiply, x, x, t), partial(mean_of, t, variance),
        partial(multiply, variance, scalar(rows / (rows - 1)), now[1]), partial(subtract, now, running, change),
        partial(multiply, change, scalar(BATCH_NORM_MOMENTUM), change), partial(add, running, change, running),
        partial(add, variance, scalar(EPS), inverse), partial(sqrt, inverse, inverse), partial(reciprocal, inverse, inverse),
        partial(multiply, inverse, scale, slope), partial(multiply, x, slope, y), partial(add, y, shift, y),
    ], [
        partial(multiply, x, g, t), partial(sum_of, t, g_scale), partial(multiply, g_scale, inverse, g_scale),
        partial(sum_of, g, g_shift), partial(multiply, g_scale, inverse, a), partial(multiply, a, share, a),
        partial(multiply, x, a, t), partial(subtract, g, t, g), partial(multiply, g_shift, share, a),
        partial(subtract, g, a, g), partial(multiply, g, slope, g)]


def binary_cross_entropy(x: Array, g: Array) -> Callable[[NDArray[Any]], float]:
    n, logits, slopes = len(x), x.reshape(-1), g.reshape(-1)
    soft, total, zero, share = empty(n), np.ones(n, "float32").dot, scalar(0), scalar(1 / n)

    def cost(y: Array) -> float:
        """Mean of s - xy, s = log(1 + exp(x)); the gradient is (exp(x - s) - y)/n."""
        logaddexp(logits, zero, soft)
        subtract(logits, soft, slopes)
        exp(slopes, slopes)
        subtract(slopes, y, slopes)
        multiply(slopes, share, slopes)
        return float(total(soft) - logits.dot(y)) / n

    return cost


def cross_entropy(x: Array, g: Array) -> Callable[[NDArray[Any]], float]:
    """x is shifted in place."""
    (n, k), logits, slopes = x.shape, x.reshape(-1), g.reshape(-1)
    starts, places, columns, share = np.arange(n) * k, np.empty(n, np.intp), empty(n, k), scalar(1 / n)
    sums, logs, of_row, total, count = empty(n), empty(n), np.ones(k, "float32"), np.ones(n, "float32").dot, scalar(n)

    def cost(y: NDArray[np.int64]) -> float:
        x.argmax(1, places)
        add(places, starts, places)
        columns[...] = logits[places][:, None]
        subtract(x, columns, x)
        exp(x, g)
        g.dot(of_row, sums)
        log(sums, logs)
        add(y, starts, places)                                      # of the classes, in the flat arrays
        mean = float(total(logs) - total(logits[places])) / n
        multiply(sums, count, sums)
        columns[...] = sums[:, None]
        divide(g, columns, g)
        slopes[places] -= share
        return mean

    return cost


def descent(p: Array, g: Array, v: Array) -> Calls:
    """v = MOMENTUM v + g, p = p - RATE v."""
    momentum, rate, room, calls = scalar(MOMENTUM), scalar(RATE), empty(min(PIECE, len(p))), Calls()
    for start in range(0, len(p), PIECE):
        pp, gg, vv = (flat[start:start + PIECE] for flat in (p, g, v))
        t = room[:len(pp)]
        calls += [partial(multiply, vv, momentum, vv), partial(add, vv, gg, vv), partial(multiply, vv, rate, t),
                  partial(subtract, pp, t, pp)]
    return calls
