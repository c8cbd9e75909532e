"""Conv2d: convolution of images."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from ..arguments import Array, Seed, generator, positive_int
from ..initializers import GlorotUniform, Zeros
from ..initializers.base import Initializer
from ..threads import Call, OneThread, in_turn
from .core.arrays import ALONE, DIVIDED, by_channel, copy, empty, matmul, side_by_side
from .core.attributes import parameter_attribute
from .core.base import Module
from .core.parameter import Parameter
from .windows import Pixels, Windows, as_pixels, numbers_of, pair, part

TILE = 384 * 1024                                                   # bytes of a tile's columns and its output together
LARGEST = 2 * 1000 * 1000                                           # bytes of its columns, if TILE allows fewer than LEAST
LEAST = 64                                                          # columns that a product needs to be fast
PARTIAL = 2**18                                                     # numbers of the tiles' gradients that wait to be added
COPY = 32                                                           # a number of a column takes as long as so many products


class Tile(NamedTuple):
    """A part of the output, so small that all arrays that it needs stay in the cache."""

    numbers: slice                                                  # its place in each channel of the output, batch last
    pixels: Array                                                   # a view of the pixels that the filter sees
    columns: Array                                                  # buffer for a copy of them
    product: Array                                                  # the same buffer as a matrix, with a row of ones below


class Share(NamedTuple):
    """Channels of the input's gradient, to which no other share adds."""

    channels: slice
    weight: Array                                                   # buffer for their part of it: (kw kh channels, out)
    tiles: list[tuple[slice, Array, list[tuple[Array, Array]]]]     # numbers, buffer for a product, what is added to what


class Scratch(NamedTuple):
    """Workspace, batch last: a frame is (channels, height, width, batch) and includes the padding."""

    frame: Array
    gradient: Array                                                 # the frame of the input's gradient
    matrix: Array                                                   # weight, bias in the last row: (kw kh channels + 1, out)
    sums: Array                                                     # the gradient of the matrix
    partials: Array                                                 # what each tile of a round adds to it
    tiles: list[Tile]
    workers: int                                                    # tiles k, k + workers, ... use the same buffer
    shares: list[Share]
    run: Callable[[list[Call]], None]                               # how the workers' calls run, and those of the shares


class Conv2d(Module):
    r"""Convolution of images: ``(batch, in_channels, height, width) -> (batch, out_channels, height', width')``.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or (height, width)
        Size of a filter in pixels.
    stride : int or pair, default 1
        Distance in pixels between neighbouring places of the filter.
    padding : int or pair, default 0
        Number of zeros on each side of the image.
    dilation : int or pair, default 1
        Distance in pixels between neighbouring numbers of the filter.
    bias : bool, default True
    weight_init, bias_init : Initializer, default GlorotUniform() and Zeros()
        The fans include the filter's pixels: fan_in is ``in_channels * kh * kw``.
    dtype : {"float32", "float64"}, default "float32"
    rng : None, int or numpy.random.Generator
        Source of the initial weights. Give two layers two different ints.

    Attributes
    ----------
    weight, bias : Parameter of shape (out_channels, in_channels, kh, kw) and (out_channels,); bias may be None
        As in PyTorch.

    Notes
    -----
    With stride s, padding p, dilation d and filter size k, ``height' = (height + 2p - d (k - 1) - 1) // s + 1``, and

    .. math:: y_{nfij} = b_f + \sum_{cuv} w_{fcuv}\, x_{n, c, s i + d u - p, s j + d v - p}

    which is a correlation, as in all frameworks: the filter is not mirrored. Each pixel of y is the product of the weight, a
    matrix W with one row per filter, with a column of the numbers that the filter sees at that place: a Linear whose weight
    all places share. With the columns X and G = ∂C/∂Y, one column per place and example,

    - backward: :math:`W^\top G`, each number of which is then added to the pixel that it belongs to;
    - update: :math:`\partial C/\partial W = G X^\top`, summed over places and examples, and :math:`\partial C/\partial b`
      the sum of the columns of G.

    Internally, images lie batch last, (channels, height, width, batch), so that the columns are copied in long runs. They are
    made and used in tiles, which stay in the cache. Forward copies x into a frame of zeros: x may be overwritten.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> layer = rp.Conv2d(1, 16, 3, padding=1, rng=0)
    >>> layer.forward(np.ones((5, 1, 8, 8))).shape
    (5, 16, 8, 8)
    """

    saved = "neither"
    layout = "batch last"

    weight: Parameter = parameter_attribute()
    bias: Parameter | None = parameter_attribute()

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Pixels, stride: Pixels = 1,
                 padding: Pixels = 0, dilation: Pixels = 1, bias: bool = True, *, weight_init: Initializer = GlorotUniform(),  # noqa: B008 (frozen)
                 bias_init: Initializer = Zeros(), dtype: DTypeLike = "float32", rng: Seed = None) -> None:  # noqa: B008
        rng = generator(rng)
        self.in_channels = positive_int("in_channels", in_channels)
        self.out_channels = positive_int("out_channels", out_channels)
        self.kernel_size, self.stride = as_pixels("kernel_size", kernel_size), as_pixels("stride", stride)
        self.padding, self.dilation = as_pixels("padding", padding, 0), as_pixels("dilation", dilation)
        self.weight_init, self.bias_init = weight_init, bias_init
        shape = (self.out_channels, self.in_channels, *pair(self.kernel_size))
        self.weight = Parameter.drawn(weight_init, shape, rng, "weight", dtype)
        self.bias = Parameter.drawn(bias_init, (self.out_channels,), rng, "bias", dtype) if bias else None

    @property
    def windows(self) -> Windows:
        return Windows.over(self.kernel_size, self.stride, self.padding, self.dilation)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        height_width = self.windows.output_size(input_shape, self, self.in_channels)
        return input_shape[0], self.out_channels, *height_width

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Scratch:
        n, channels, height, width = shape
        down, right = pair(self.padding)
        frame, gradient = (empty((channels, height + 2 * down, width + 2 * right, n), dtype) for _ in range(2))
        frame.fill(0)
        matrix, sums = (empty((self.weight.data[0].size + 1, self.out_channels), dtype) for _ in range(2))
        places = self.seen(frame).shape[3:]
        size = tile_size(len(matrix), self.out_channels, places, frame.itemsize)
        starts = list(product(*map(range, (0, 0, 0), places, size)))
        work = len(matrix) * (self.out_channels + COPY) * math.prod(places)
        workers = min(len(starts), 1 if work < 5 * DIVIDED else 2 if work < 20 * DIVIDED else 4)
        buffers = empty((workers, len(matrix), math.prod(size)), dtype)
        buffers[:, -1] = 1
        partials = empty((min(len(starts), max(workers, PARTIAL // matrix.size // workers * workers)), *matrix.shape), dtype)
        tiles = self.tiled(frame, starts, size, buffers)
        small = workers == 1 and matrix.size * math.prod(size) < ALONE
        return Scratch(frame, gradient, matrix, sums, partials, tiles, workers, self.shared(gradient, starts, size, buffers),
                       in_turn if small else side_by_side)

    def tiled(self, frame: Array, starts: list[Any], size: tuple[int, ...], buffers: Array) -> list[Tile]:
        """Return the parts of the output, which use the buffers for their columns in turn."""
        seen, tiles = self.seen(frame), []
        for k, start in enumerate(starts):
            pixels = part(seen, start, size)
            numbers = numbers_of(start, pixels.shape[3:], seen.shape[3:])
            matrix = buffers[k % len(buffers), :, :numbers.stop - numbers.start]
            tiles.append(Tile(numbers, pixels, matrix[:-1].reshape(pixels.shape), matrix))
        return tiles

    def shared(self, gradient: Array, starts: list[Any], size: tuple[int, ...], buffers: Array) -> list[Share]:
        """Return the shares of the gradient of the input, each with a buffer of its own."""
        shares, step = [], math.ceil(self.in_channels / len(buffers))
        for buffer, first in zip(buffers, range(0, self.in_channels, step), strict=False):
            channels = slice(first, min(first + step, self.in_channels))
            seen, tiles = self.seen(gradient[channels]), []
            depth = math.prod(seen.shape[:3])
            for start in starts:
                targets = part(seen, start, size)
                numbers = numbers_of(start, targets.shape[3:], seen.shape[3:])
                matrix = buffer[:depth, :numbers.stop - numbers.start]
                columns = matrix.reshape(targets.shape)
                apart = 1 if targets.shape[3] == 1 else 2           # one row: each row of the filter adds to other pixels
                tiles.append((numbers, matrix, [(targets[at], columns[at]) for at in np.ndindex(*targets.shape[:apart])]))
            shares.append(Share(channels, empty((depth, self.out_channels), gradient.dtype), tiles))
        return shares

    def seen(self, frame: Array) -> Array:
        """Return what each number of the filter sees of a frame: a view (kw, kh, channels, height', width', batch)."""
        (rows, columns), (channels, height, width, n) = self.windows, frame.shape
        c, h, w, b = frame.strides
        places = (height - rows.span) // rows.stride + 1, (width - columns.span) // columns.stride + 1
        return as_strided(frame, (columns.kernel, rows.kernel, channels, *places, n),
                          (columns.dilation * w, rows.dilation * h, c, rows.stride * h, columns.stride * w, b))

    def inside(self, frame: Array) -> Array:
        """Return a view of a frame without the padding, (batch, channels, height, width)."""
        (down, right), (_, height, width, _) = pair(self.padding), frame.shape
        return frame[:, down:height - down, right:width - right].transpose(3, 0, 1, 2)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """(batch, in, height, width) -> (batch, out, height', width'). Saves x, in a frame of zeros."""
        frame, _, matrix, _, _, tiles, workers, _, run = self.scratch
        self.inside(frame)[...] = x
        self.point = frame.transpose(3, 0, 1, 2)
        matrix[:-1] = self.weight.T.reshape(-1, self.out_channels)
        matrix[-1] = 0 if self.bias is None else self.bias.data
        last = None if out is None else by_channel(out)
        y = np.empty((self.out_channels, tiles[-1].numbers.stop), x.dtype) if last is None else last
        run([partial(outputs, tiles[k::workers], matrix, y) for k in range(workers)])
        if out is not None and last is not None:
            return out
        _, *shape = self._output[0]
        return copy(y.reshape(*shape, len(x)).transpose(3, 0, 1, 2), out)

    def backward(self, g: Array, out: Array | None = None, *, input_gradient: bool = True) -> Array | None:
        """(batch, out, height', width') -> (batch, in, height, width)."""
        if not input_gradient:                                      # update needs nothing from here
            return None
        gx = np.empty(self._input[0], g.dtype) if out is None else out
        g = as_channels(g)
        self.scratch.run([partial(self.backward_share, share, g, gx) for share in self.scratch.shares])
        return gx

    def backward_share(self, share: Share, g: Array, gx: Array) -> None:
        """Write the gradient of some channels into gx."""
        channels, weight, tiles = share
        of_channels = self.weight.T[:, :, channels]                 # (kw, kh, channels, out)
        weight.reshape(of_channels.shape)[...] = of_channels
        gradient = self.scratch.gradient[channels]
        gradient.fill(0)
        for numbers, columns, adds in tiles:
            matmul(weight, g[:, numbers], out=columns)
            for target, column in adds:
                target += column
        gx[:, channels] = self.inside(gradient)

    def update(self) -> None:
        """Gradients of weight and bias, summed over places and examples."""
        _, _, _, sums, partials, tiles, workers, _, run = self.scratch
        g = as_channels(self.gradient)
        for start in range(0, len(tiles), len(partials)):           # a round, whose sums are added in one order
            terms = list(zip(tiles[start:start + len(partials)], partials, strict=False))
            run([partial(gradients, terms[k::workers], g) for k in range(workers)])
            if start:
                partials[0] += sums
            np.add.reduce(partials[:len(terms)], 0, out=sums)
        self.weight.grad_T_to_write().reshape(-1, self.out_channels)[...] = sums[:-1]
        if self.bias is not None:
            self.bias.grad_T_to_write()[...] = sums[-1]

    def jvp(self, t: Array) -> Array:
        """(batch, in, height, width) -> (batch, out, height', width')."""
        frame = np.zeros_like(self.scratch.frame)
        self.inside(frame)[...] = t
        with OneThread():
            return np.tensordot(self.seen(frame), self.weight.T, ((0, 1, 2), (0, 1, 2))).transpose(2, 3, 0, 1)

    def example_gradients(self) -> dict[str, Array]:
        """The terms of update, summed over the places."""
        g = self.gradient.reshape(*self.gradient.shape[:2], -1)
        columns = self.seen(self.scratch.frame).transpose(5, 2, 1, 0, 3, 4).reshape(len(g), -1, g.shape[2])
        weight = (g @ columns.mT).reshape(-1, *self.weight.shape)
        return {"weight": weight} if self.bias is None else {"weight": weight, "bias": g.sum(2)}


def outputs(tiles: list[Tile], matrix: Array, y: Array) -> None:
    """Write the output of some tiles into y."""
    for tile in tiles:
        np.copyto(tile.columns, tile.pixels)
        matmul(matrix.T, tile.product, out=y[:, tile.numbers])


def gradients(terms: list[tuple[Tile, Array]], g: Array) -> None:
    """Write the gradient of the matrix that each tile gives into the array beside it."""
    for tile, term in terms:
        np.copyto(tile.columns, tile.pixels)
        matmul(tile.product, g[:, tile.numbers].T, out=term)        # the transposed product takes 1.4 times as long


def tile_size(depth: int, out: int, places: tuple[int, ...], itemsize: int) -> tuple[int, int, int]:
    """Return the rows, columns and examples of a tile: it is cut along the rows first, then the columns, then the examples."""
    height, width, n = places
    most = max(TILE // itemsize // (depth + out), min(LEAST, LARGEST // itemsize // depth), 1)
    return even(height, most // (n * width)), even(width, most // n), even(n, most)


def even(size: int, most: int) -> int:
    """Return the size of a part if ``size`` is cut into the fewest equal parts of at most ``most``."""
    return math.ceil(size / math.ceil(size / max(most, 1)))


def as_channels(a: Array) -> Array:
    """Return images as one row per channel, batch last; a copy, unless they lie so in memory."""
    rows = by_channel(a)
    return np.ascontiguousarray(a.transpose(1, 2, 3, 0)).reshape(a.shape[1], -1) if rows is None else rows
