"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import generator, real
from ..initializers.base import Array, Seed
from .activations import copy
from .base import Module

STEPS = 65536                                                       # of the probability: masks come from 16 random bits


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
    :math:`y = x \odot m` with :math:`m_i \in \{0, 1/q\}` and :math:`P(m_i \neq 0) = q`, so that :math:`E[y] = x`; q is
    :math:`1 - p` to the nearest of 65536 steps. Forward remembers the mask, and backward multiplies with the same one.

    References
    ----------
    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.Dropout(0.5, rng=0).forward(np.ones((1, 6), "float32"))
    array([[0., 0., 2., 2., 2., 0.]], dtype=float32)
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
        kept = max(round((1 - self.p) * STEPS), 1)
        words = self.rng.bit_generator.random_raw(x.size // 4 + 1).view(np.uint16)
        self.point = mask = self.scratch
        np.less(words[:x.size].reshape(x.shape), kept, out=mask)
        mask *= STEPS / kept
        return np.multiply(x, mask, out)

    def backward(self, g: Array, out: Array | None = None) -> Array:
        """Shape of y -> the same shape."""
        return copy(g, out) if self.point is None else np.multiply(g, self.point, out)
