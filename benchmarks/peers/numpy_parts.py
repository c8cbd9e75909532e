"""The layers, losses and SGD of the steps by hand.

Every buffer is allocated once, so a layer makes the same calls in each step: a list of ``partial`` with its arrays bound.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy import add, divide, exp, greater, log, logaddexp, maximum, multiply, reciprocal, sqrt, subtract, unpackbits
from numpy.typing import NDArray

from ..workloads import BATCH_NORM_MOMENTUM, DROP, EPS, RATE, Array

Calls = list[Callable[[], object]]
Part = tuple[Calls, Calls]                                          # forward, backward
OfInput = Callable[[Array], object]

SMALL = 8192                                                        # the largest input, in numbers, that gets a column of ones
FEW, LARGE = 32, 65536                                              # rows of a batch; numbers of a weight
PIECE = 2**18                                                       # parameters whose update fits into the cache


def scalar(value: float) -> Array:
    """Return a 0-d array: a ufunc would convert a Python number in each call."""
    return np.array(value, "float32")


def empty(*shape: int) -> Array:
    return np.empty(shape, "float32")


def fill(target: Array, source: NDArray[Any]) -> Callable[[], object]:
    """Return the call ``target[...] = source``."""
    return partial(target.__setitem__, ..., source)


def linear(w: Array, gw: Array, y: Array, g: Array) -> tuple[OfInput, OfInput]:
    """Return forward and the gradients of the parameters. The last rows of ``w`` and ``gw`` are the bias and its gradient."""
    rows, size = len(y), len(w) - 1
    if rows * size <= SMALL:                                        # a column of ones in x takes care of the bias
        inputs = np.ones((rows, size + 1), "float32")
        features, dot, transposed_dot = inputs[:, :-1], inputs.dot, inputs.T.dot

        def forward(x: Array) -> None:
            features[...] = x
            dot(w, y)

        def backward(x: Array) -> None:
            transposed_dot(g, gw)
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
    """Return the calls that compute the gradient of a Linear's input; the matrix product is the first."""
    if gx.flags.f_contiguous:
        return [partial(weight.dot, g.T, gx.T)]
    if len(g) > FEW or weight.size < LARGE:
        return [partial(g.dot, weight.T, gx)]
    transposed = empty(*gx.T.shape)                                 # BLAS is faster with the weight on the left here
    return [partial(weight.dot, g.T, transposed), fill(gx, transposed.T)]


def tanh(x: Array, g: Array) -> Part:
    """Compute tanh in place."""
    t = empty(*x.shape)
    return [partial(np.tanh, x, x)], [partial(multiply, x, x, t), partial(multiply, t, g, t), partial(subtract, g, t, g)]


def relu(x: Array, y: Array, g: Array, gx: Array) -> Part:
    """Compute ReLU, in place if y is x and gx is g."""
    zeros, zero, passed, mask = np.zeros_like(x), scalar(0), np.empty(x.shape, bool), empty(*x.shape)
    return ([partial(maximum, x, zeros, out=y)],
            [partial(greater, y, zero, passed), fill(mask, passed), partial(multiply, g, mask, gx)])


def dropout(x: Array, y: Array, g: Array, draw: Callable[[int], NDArray[np.uint64]]) -> Part:
    """Drop each number by one random bit, which suffices for p = 0.5 only."""
    assert DROP == 0.5
    mask, words = empty(*x.shape), -(-x.size // 64)

    def forward() -> None:
        bits = unpackbits(draw(words).view("uint8"), count=x.size).reshape(x.shape)
        add(bits, bits, bits)                                       # the numbers that stay are doubled
        mask[...] = bits
        multiply(x, mask, y)

    return [forward], [partial(multiply, g, mask, g)]


def batchnorm(x: Array, y: Array, g: Array, w: Array, gw: Array) -> Part:
    """Normalize; ``w`` is scale and shift. x is centred in place, so it must come from a Linear, which does not need it."""
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
    """Return the cost, with the gradient in ``g``, as a function of the targets."""
    n, logits, derivatives = len(x), x.reshape(-1), g.reshape(-1)
    soft, total, zero, share = empty(n), np.ones(n, "float32").dot, scalar(0), scalar(1 / n)

    def cost(y: Array) -> float:
        """Return the mean of s - xy, where s = log(1 + exp(x)); the gradient is (exp(x - s) - y)/n."""
        logaddexp(logits, zero, soft)
        subtract(logits, soft, derivatives)
        exp(derivatives, derivatives)
        subtract(derivatives, y, derivatives)
        multiply(derivatives, share, derivatives)
        return float(total(soft) - logits.dot(y)) / n

    return cost


def cross_entropy(x: Array, g: Array) -> Callable[[NDArray[Any]], float]:
    """Return the cost, with the gradient in ``g``, as a function of the classes; x is shifted in place."""
    (n, k), logits, derivatives = x.shape, x.reshape(-1), g.reshape(-1)
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
        add(y, starts, places)                                      # positions of the classes in the flat arrays
        mean = float(total(logs) - total(logits[places])) / n
        multiply(sums, count, sums)
        columns[...] = sums[:, None]
        divide(g, columns, g)
        derivatives[places] -= share
        return mean

    return cost


def descent(p: Array, g: Array, momentum: float) -> Calls:
    """Return the calls of v = momentum v + g, p = p - RATE v, in pieces; plain SGD takes g for v."""
    rate, work, calls = scalar(RATE), empty(min(PIECE, len(p))), Calls()
    v, factor = np.zeros_like(p) if momentum else g, scalar(momentum)
    for start in range(0, len(p), PIECE):
        pp, gg, vv = (flat[start:start + PIECE] for flat in (p, g, v))
        t = work[:len(pp)]
        if momentum:
            calls += [partial(multiply, vv, factor, vv), partial(add, vv, gg, vv)]
        calls += [partial(multiply, vv, rate, t), partial(subtract, pp, t, pp)]
    return calls
