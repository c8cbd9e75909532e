"""The runs of He et al. 2015 that train nothing: signals and gradients through deep networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....modules import ReLU
from ...lab.networks import initialization, rectifiers
from ...lab.readings import rms

EXAMPLES = 300


def signals(*, init: str, sizes: Sequence[int], seed: int) -> dict[str, Any]:
    """rms of the output of each ReLU layer, and of the cost's gradient by it, for Gaussian inputs and a Gaussian gradient."""
    first, *inner, last = sizes
    net = rectifiers(first, last, initialization(init).initializer, sizes=inner, seed=seed, last=True)
    rng = np.random.default_rng([seed, 1])
    net.forward(rng.standard_normal((EXAMPLES, first), dtype=np.float32))
    net.backward(rng.standard_normal((EXAMPLES, last), dtype=np.float32))
    layers = [module for _, module in net.leaves() if isinstance(module, ReLU)]
    return {"signal": [rms(layer.point) for layer in layers], "gradient": [rms(layer.gradient) for layer in layers]}
