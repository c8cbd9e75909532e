"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..arguments import real
from ..errors import ArgumentError
from ..modules.core.parameter import Parameter
from ..modules.core.values import product
from ..underflow import unreported


@unreported
def clip_grad_norm(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Scale all gradients in place by one factor, so that their joint Euclidean norm is at most ``max_norm``.

    Frozen parameters are left out. Returns the norm before scaling; if it is infinite or NaN, nothing is scaled.

    References
    ----------
    Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
    """
    max_norm = real("max_norm", max_norm, 0, above=True)
    every = list(parameters) if isinstance(parameters, Iterable) else [parameters]
    for parameter in every:
        if not isinstance(parameter, Parameter):
            raise ArgumentError("parameters must be Parameters, as of net.parameters(), "
                                f"got {type(parameter).__name__}")
    gradients = [parameter.grad for parameter in every if not parameter.frozen]
    norm = math.sqrt(sum(product(g, g) for g in (grad.astype(np.float64) for grad in gradients)))
    scale = max_norm / (norm + 1e-6)                                # as PyTorch does
    if scale < 1 and norm < math.inf:
        for grad in gradients:
            grad *= scale
    return norm
