"""Modules that make images smaller or larger, channel by channel."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array
from ..errors import ArgumentError, ShapeError
from ..threads import Call, in_turn
from .core.arrays import empty, halves, side_by_side
from .core.base import Module
from .windows import ONE, Part, Pass, Pixels, Tap, Windows, as_pixels, pair


class Pooling(Module):
    """Base class: one number for each window of a channel."""

    layout = "kept"

    def __init__(self, kernel_size: Pixels, stride: Pixels | None = None, padding: Pixels = 0) -> None:
        self.kernel_size = as_pixels("kernel_size", kernel_size)
        self.stride = None if stride is None else as_pixels("stride", stride)
        self.padding = as_pixels("padding", padding, 0)
        if any(2 * pad > size for pad, size in zip(pair(self.padding), pair(self.kernel_size), strict=True)):
            raise ArgumentError(f"padding must be at most half of kernel_size, {self.kernel_size}, got {padding!r}")

    @property
    def windows(self) -> Windows:
        return Windows.over(self.kernel_size, self.stride or self.kernel_size, self.padding)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return *input_shape[:2], *self.windows.output_size(input_shape, self)


SMALL = 2**15                                                       # numbers from which small buffers pay


class Scratch(NamedTuple):
    """The passes along the two axes, and the parts in which they are made."""

    down: Pass
    right: Pass
    between: Array
    parts: list[Part]


class Pooled(NamedTuple):
    """The input, the largest number of each window of the first pass, and the output."""

    x: Array
    between: Array
    y: Array


class MaxPool2d(Pooling):
    r"""The largest number of each window: ``(batch, channels, height, width) -> (batch, channels, height', width')``.

    Parameters
    ----------
    kernel_size : int or (height, width)
        Size of a window in pixels.
    stride : int or pair, optional
        Distance in pixels between neighbouring windows; by default the size of a window.
    padding : int or pair, default 0
        Number of pixels by which windows extend beyond each side; these never count as the largest. At most half of
        kernel_size.

    Notes
    -----
    ``height' = (height + 2 padding - kernel_size) // stride + 1``, as in PyTorch: the last rows and
    columns are ignored if they fill no window. Backward gives the gradient of a window to its largest number; if several are
    equally large, to one of them.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.MaxPool2d(2).forward(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """

    saved = "both"

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Scratch:
        (rows, columns), (height, width) = self.windows, self.windows.output_size(shape, self)
        first, last = ((*shape[:2], height, across) for across in (shape[3], width))

        def along(windows: Windows, shape: tuple[int, ...], output: tuple[int, ...]) -> Pass:
            taps, tile = windows.taps(shape), windows.tile(shape) and windows != Windows(ONE, ONE)
            spare = () if tile else tuple(empty(output, dtype, self.batch_last) for _ in range(2))
            return Pass(taps, tile, empty(output, bool, self.batch_last), spare)

        down, right = along(Windows(rows, ONE), shape, first), along(Windows(ONE, columns), first, last)
        between, gradient = (empty(first, dtype, self.batch_last) for _ in range(2))
        return Scratch(down, right, between, [Part(at, down.part(at), right.part(at), between[at], gradient[at])
                                              for at in halves(shape, self.batch_last) or [()]])

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Images -> one number per window. Saves x, y, and the maxima of the first pass."""
        _, _, between, parts = self.scratch
        y = empty(self._output[0], x.dtype) if out is None else out
        self.point = Pooled(x, between, y)
        self.run([partial(part.forward, x, y) for part in parts])
        return y

    def run(self, calls: list[Call]) -> None:
        """Run calls for all parts."""
        side_by_side(calls) if self.point.x.size >= SMALL else in_turn(calls)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> that of x."""
        x, _, y = self.point
        gx = np.empty_like(x) if out is None else out
        self.run([partial(part.backward, x, y, g, gx) for part in self.scratch.parts])
        return gx

    def jvp(self, t: Array) -> Array:
        """Shape of x -> that of y."""
        (x, between, y), (down, right, *_) = self.point, self.scratch
        return right.of_winners(between, y, down.of_winners(x, between, t))


class AvgPool2d(Pooling):
    r"""The mean of each window: ``(batch, channels, height, width) -> (batch, channels, height', width')``.

    Parameters
    ----------
    kernel_size : int or (height, width)
        Size of a window in pixels.
    stride : int or pair, optional
        Distance in pixels between neighbouring windows; by default the size of a window.
    padding : int or pair, default 0
        Number of zeros on each side of the image, which count in the mean; at most half of kernel_size.

    Notes
    -----
    ``height' = (height + 2 padding - kernel_size) // stride + 1``, as in PyTorch. The gradient of each pixel of a window
    is that of the mean, divided by the number of pixels.
    """

    saved = "neither"

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[list[Tap], Array]:
        size = (*shape[:2], *self.windows.output_size(shape, self))
        return self.windows.taps(shape), empty(size, dtype, self.batch_last)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Images -> one number per window. Saves the shape of x."""
        self.point = x.shape
        return self.mean(x, empty(self._output[0], x.dtype) if out is None else out)

    def mean(self, x: Array, y: Array) -> Array:
        """Write the mean of each window of x into y."""
        taps, total = self.scratch                                  # y may be x
        total.fill(0)
        for windows, pixels in taps:
            total[windows] += x[pixels]
        return np.multiply(total, self.share, y)

    @property
    def share(self) -> float:
        """The weight of one pixel in the mean."""
        return 1 / math.prod(pair(self.kernel_size))

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> that of x."""
        taps, buffer = self.scratch
        gx = np.empty(self.point, g.dtype) if out is None else out
        gx.fill(0)
        share = np.multiply(g, self.share, buffer)
        for windows, pixels in taps:
            gx[pixels] += share[windows]
        return gx

    def jvp(self, t: Array) -> Array:
        """Shape of x -> that of y."""
        return self.mean(t, np.empty(self._output[0], t.dtype))


class GlobalAvgPool2d(Module):
    r"""The mean of each channel: ``(batch, channels, height, width) -> (batch, channels)``, for images of any size."""

    saved = "neither"
    layout = "kept"

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(input_shape) != 4:
            raise ShapeError(f"{self!r}: x must have shape (batch, channels, height, width), got {input_shape}")
        return input_shape[:2]

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Images -> one number per channel. Saves the shape of x."""
        self.point = x.shape
        return np.mean(x.mean(3), 2, out=out)                       # axis by axis: shorter sums have smaller rounding errors

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """(batch, channels) -> the shape of x."""
        gx = np.empty(self.point, g.dtype) if out is None else out
        gx[...] = (g / (gx.shape[2] * gx.shape[3]))[:, :, None, None]
        return gx

    def jvp(self, t: Array) -> Array:
        """Shape of x -> (batch, channels)."""
        return t.mean(3).mean(2)


class Upsample2d(Module):
    r"""Each pixel repeated: ``(batch, channels, height, width) -> (batch, channels, fh * height, fw * width)``.

    Parameters
    ----------
    scale_factor : int or (fh, fw), default 2

    Notes
    -----
    Nearest-neighbour upsampling, the default of PyTorch's Upsample. Backward adds up the gradients of the copies.
    """

    saved = "neither"
    layout = "kept"

    def __init__(self, scale_factor: Pixels = 2) -> None:
        self.scale_factor = as_pixels("scale_factor", scale_factor)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(input_shape) != 4:
            raise ShapeError(f"{self!r}: x must have shape (batch, channels, height, width), got {input_shape}")
        down, right = pair(self.scale_factor)
        return *input_shape[:2], input_shape[2] * down, input_shape[3] * right

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> list[Tap]:
        (down, right), (*_, height, width) = pair(self.scale_factor), shape
        return Windows.over(self.scale_factor, self.scale_factor).taps((*shape[:2], height * down, width * right))

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Images -> larger ones. Saves the shape of x."""
        self.point = x.shape
        return self.repeat(x, np.empty(self._output[0], x.dtype) if out is None else out)

    def repeat(self, x: Array, y: Array) -> Array:
        """Write each pixel of x into all its places in y."""
        for tap in self.scratch:
            y[tap.pixels] = x
        return y

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> that of x."""
        gx = np.empty(self.point, g.dtype) if out is None else out
        gx.fill(0)
        for tap in self.scratch:
            gx += g[tap.pixels]
        return gx

    def jvp(self, t: Array) -> Array:
        """Shape of x -> that of y."""
        return self.repeat(t, np.empty(self._output[0], t.dtype))
