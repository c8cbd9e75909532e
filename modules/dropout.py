"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import generator, real
from ..initializers.base import Array, Seed
from .arrays import copy
from .base import Module

PIECE = 8192                                                        # numbers that are drawn for at a time


class Dropout(Module):
    r"""In training, drop each number with probability p and divide the others by 1 - p; in evaluation, do nothing.

    Parameters
    ----------
    p : float in [0, 1), default 0.5
        Probability of being dropped, as in PyTorch; the p of the paper is the probability of being kept.
    rng : None, int or numpy.random.Generator
        Seeds the module's own stream, ``self.rng``, one mask a forward.

    Notes
    -----
    :math:`y = x \odot m` with :math:`m_i = 1/(1 - p)` with probability :math:`1 - p`, else 0, so that :math:`E[y] = x`.
    Forward remembers the mask m, and backward multiplies with the same one.

    References
    ----------
    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.Dropout(0.5, rng=0).forward(np.ones((1, 6), "float32"))
    array([[0., 2., 0., 0., 0., 2.]], dtype=float32)
    """

    remembers = "neither"

    def __init__(self, p: float = 0.5, *, rng: Seed = None) -> None:
        self.p = real("p", p, 0, 1, below=True)
        self.rng = np.random.Generator(np.random.SFC64(generator(rng).integers(2**63)))

    def prepare(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return np.empty(shape, dtype)

    def forward(self, x: Array, out: Array | None = None) -> Array:
        """Any shape -> the same shape. Remembers the mask, None in evaluation mode."""
        if not self.training:
            self.point = None
            return copy(x, out)
        self.point = mask = self.scratch
        kept, flat = round((1 - self.p) * 2**32), mask.reshape(-1)
        for start in range(0, flat.size, PIECE):                    # raw words: four times as fast as random(out=mask)
            piece = flat[start:start + PIECE]
            np.less(self.rng.bit_generator.random_raw(piece.size // 2 + 1).view(np.uint32)[:piece.size], kept, out=piece)
        mask *= 1 / (1 - self.p)
        return np.multiply(x, mask, out)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        return copy(g, out) if self.point is None else np.multiply(g, self.point, out)
