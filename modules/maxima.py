"""The largest number of each window of images, in one pass down the columns and one along the rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arguments import Array
from .core.windows import Tap


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
