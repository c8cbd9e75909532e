"""Dropout: in training, random numbers of each example are set to 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arguments import Array, Seed, generator, real
from ..errors import ShapeError
from .core.arrays import copy, laid_out
from .core.base import Module

WORDS = [np.dtype(word) for word in ("uint8", "uint16", "uint32")]  # types of the random integers, one per number
PIECE = 2048                                                        # how many 64-bit random words are drawn at a time


class Dropout(Module):
    r"""In training, set each number to 0 with probability p and divide the others by 1 - p; in evaluation, do nothing.

    Parameters
    ----------
    p : float in [0, 1), default 0.5
        The probability that a number is dropped, as in PyTorch; in the paper p is the probability that it is kept.
    channelwise : bool, default False
        Drop whole channels of ``(batch, channels, ...)``. Neighbouring pixels carry the same information, so that dropping
        single pixels has little effect (Tompson et al. 2015; PyTorch's Dropout2d).
    rng : None, int or numpy.random.Generator
        Seed of the module's own generator, ``self.rng``, from which each forward draws a mask.

    Notes
    -----
    :math:`y = x \odot m` with :math:`m_i = 1/(1 - p)` with probability :math:`1 - p`, else 0, so that :math:`E[y] = x`.
    Forward saves the mask m, and backward multiplies with it. The mask is drawn in the order of memory.

    References
    ----------
    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    Tompson et al. 2015, "Efficient object localization using convolutional networks", section 3.2.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.Dropout(0.5, rng=0).forward(np.ones((1, 6), "float32"))
    array([[0., 0., 0., 0., 2., 2.]], dtype=float32)
    """

    saved = "neither"
    layout = "kept"
    symmetric = True

    def __init__(self, p: float = 0.5, *, channelwise: bool = False, rng: Seed = None) -> None:
        self.p = real("p", p, 0, 1, below=True)
        self.channelwise = channelwise
        self.rng = np.random.Generator(np.random.SFC64(generator(rng).integers(2**63)))

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.channelwise and len(input_shape) < 3:
            raise ShapeError(f"{self!r}: x must have shape (batch, channels, ...) with at least three axes, got {input_shape}")
        return input_shape

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array]:
        if self.channelwise:
            shape = (*shape[:2], *(1,) * (len(shape) - 2))
        numbers = np.empty(math.prod(shape), dtype)
        return numbers, laid_out(numbers, shape, self.batch_last and not self.channelwise)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Saves the mask, None in evaluation mode."""
        if not self.training or self.p == 0:
            self.point = None
            return copy(x, out)
        for word in WORDS:                                        # the shortest type in which 1 - p is exact, else the longest
            kept = (1 - self.p) * 2 ** (8 * word.itemsize)
            if kept.is_integer():
                break
        flat, self.point = self.scratch
        size = PIECE * 8 // word.itemsize
        for start in range(0, flat.size, size):                     # raw words: 3 to 6 times as fast as random(out=mask)
            piece = flat[start:start + size]
            words = self.rng.bit_generator.random_raw(piece.size * word.itemsize // 8 + 1).view(word)
            np.less(words[:piece.size], round(kept), out=piece)
        flat *= 1 / (1 - self.p)
        return np.multiply(x, self.point, out)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        return copy(g, out) if self.point is None else np.multiply(g, self.point, out)
