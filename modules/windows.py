"""The windows that convolutions and pooling move over images: their number, the pixels that they see, and the largest."""

from __future__ import annotations

import math
from operator import add
from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array, positive_int
from ..errors import ArgumentError, ShapeError

Pixels = int | tuple[int, int]                                      # for both axes, or for height and width
Index = tuple[slice, ...]                                           # into an array (batch, channels, height, width)


def as_pixels(name: str, value: Pixels, least: int = 1) -> Pixels:
    """Return ``value`` if it is an int, for both axes, or a pair for height and width; ArgumentError otherwise."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return positive_int(f"{name}[0]", value[0], least), positive_int(f"{name}[1]", value[1], least)
    if isinstance(value, (tuple, list)):
        raise ArgumentError(f"{name} must be an int or a pair (height, width), got {value!r}")
    return positive_int(name, value, least)


def pair(value: Pixels) -> tuple[int, int]:
    """Return the numbers for height and width."""
    return (value, value) if isinstance(value, int) else value


class Axis(NamedTuple):
    """The windows along one axis; sizes are in pixels."""

    kernel: int
    stride: int
    padding: int
    dilation: int = 1

    @property
    def span(self) -> int:
        """The number of pixels from the first of a window to the last, both included."""
        return self.dilation * (self.kernel - 1) + 1

    def count(self, size: int) -> int:
        """Return the number of windows along ``size`` pixels."""
        return (size + 2 * self.padding - self.span) // self.stride + 1

    def taps(self, size: int) -> list[tuple[slice, slice]]:
        """For each pixel of a window, return the windows in which it is one of the ``size`` pixels, and which of them it is."""
        taps = []
        for k in range(self.kernel):
            shift = k * self.dilation - self.padding                # place of this pixel of the first window
            first = max(0, -(shift // self.stride))
            last = min(self.count(size), (size - 1 - shift) // self.stride + 1)
            start = first * self.stride + shift
            if first < last:
                taps.append((slice(first, last), slice(start, start + (last - first - 1) * self.stride + 1, self.stride)))
        return taps

    def tile(self, size: int) -> bool:
        """Whether each of ``size`` pixels is in exactly one window, and each window is complete."""
        return self.stride == self.kernel and self.dilation == 1 and self.padding == 0 and size % self.kernel == 0


ONE = Axis(1, 1, 0)                                                 # a window is one pixel


class Tap(NamedTuple):
    """One pixel of all windows, such as the upper left one: the windows in which it is in the image, and its places there."""

    windows: Index
    pixels: Index


class Windows(NamedTuple):
    """The windows over the height and the width of images."""

    rows: Axis
    columns: Axis

    @classmethod
    def over(cls, kernel: Pixels, stride: Pixels, padding: Pixels = 0, dilation: Pixels = 1) -> Windows:
        """Return the windows with these sizes, each an int or a pair for height and width."""
        return cls(*map(Axis, pair(kernel), pair(stride), pair(padding), pair(dilation)))

    def output_size(self, shape: tuple[int, ...], of: Any, channels: int | str = "channels") -> tuple[int, int]:
        """Return the number of windows along height and width of images of this shape; ShapeError if none fits."""
        if len(shape) != 4 or (channels != "channels" and shape[1] != channels):
            raise ShapeError(f"{of!r}: x must have shape (batch, {channels}, height, width), got {shape}")
        counts = self.rows.count(shape[2]), self.columns.count(shape[3])
        if min(counts) < 1:
            least = tuple(max(axis.span - 2 * axis.padding, 1) for axis in self)
            raise ShapeError(f"{of!r}: x must be at least {least[0]} pixels high and {least[1]} wide, got {shape}")
        return counts

    def taps(self, shape: tuple[int, ...]) -> list[Tap]:
        """Return the taps, one per pixel of a window, row by row, for images of this shape."""
        every = slice(None)
        return [Tap((every, every, down[0], right[0]), (every, every, down[1], right[1]))
                for down in self.rows.taps(shape[2]) for right in self.columns.taps(shape[3])]

    def tile(self, shape: tuple[int, ...]) -> bool:
        """Whether each pixel of such images is in exactly one window, and each window is complete."""
        return self.rows.tile(shape[2]) and self.columns.tile(shape[3])


class Pass(NamedTuple):
    """The windows along one axis, and buffers for one number of each."""

    taps: list[Tap]
    tile: bool                                                      # whether each pixel is in just one window
    won: Array
    spare: tuple[Array, ...]                                        # two more such buffers, if windows overlap

    def part(self, index: tuple[slice, ...]) -> Pass:
        """Return the same for a part of the images or channels."""
        return self._replace(won=self.won[index], spare=tuple(buffer[index] for buffer in self.spare))

    def largest(self, x: Array, y: Array) -> Array:
        """Write the largest number of each window of x into y."""
        taps = self.taps
        if self.tile:
            first, second, *taps = taps
            np.maximum(x[first.pixels], x[second.pixels], out=y)
        else:
            y.fill(-np.inf)
        for windows, places in taps:
            np.maximum(y[windows], x[places], out=y[windows])
        return y

    def to_winners(self, x: Array, y: Array, g: Array, gx: Array) -> Array:
        """Write into gx the gradient g of the largest numbers y: it goes to the first number of a window that equals y."""
        if self.tile:
            *firsts, last = [tap.pixels for tap in self.taps]
            rest = g                                                # the gradients not yet given to a pixel
            for places in firsts:
                taken = gx[places]
                taken[...] = np.equal(x[places], y, self.won)       # twice as fast as a product of floats with booleans
                taken *= rest
                rest = np.subtract(rest, taken, gx[last])
            return gx
        left, shares = self.spare
        np.copyto(left, g)
        gx.fill(0)
        for windows, places in self.taps:
            share = shares[windows]
            share[...] = np.equal(x[places], y[windows], self.won[windows])
            share *= left[windows]
            gx[places] += share
            left[windows] -= share
        return gx

    def of_winners(self, x: Array, y: Array, t: Array) -> Array:
        """Return the numbers of t at the places where the largest numbers y are in x."""
        ty, lost = np.zeros_like(y), np.ones(y.shape, bool)
        for windows, places in self.taps:
            won = (x[places] == y[windows]) & lost[windows]
            ty[windows] += t[places] * won
            lost[windows] &= ~won
        return ty


class Part(NamedTuple):
    """Images or channels: their place, the passes along the two axes, and buffers for what is between them."""

    place: tuple[slice, ...]
    down: Pass                                                      # down the columns
    right: Pass
    between: Array
    gradient: Array

    def forward(self, x: Array, y: Array) -> None:
        """Write the largest number of each window of this part of x into that of y."""
        self.right.largest(self.down.largest(x[self.place], self.between), y[self.place])

    def backward(self, x: Array, y: Array, g: Array, gx: Array) -> None:
        """Write the gradient of this part of x into that of gx."""
        place, down, right, between, gradient = self
        x, y, g, gx = (array[place] for array in (x, y, g, gx))
        down.to_winners(x, between, right.to_winners(between, y, g, gradient), gx)


def part(seen: Array, start: tuple[int, ...], size: tuple[int, ...]) -> Array:
    """Return what the filter sees at the places of a tile."""
    places: Any = ..., *map(slice, start, map(add, start, size))
    return seen[places]


def numbers_of(start: tuple[int, ...], shape: tuple[int, ...], places: tuple[int, ...]) -> slice:
    """Return the place of a tile in each channel of the output, batch last."""
    first = int(np.ravel_multi_index(start, places))
    return slice(first, first + math.prod(shape))
