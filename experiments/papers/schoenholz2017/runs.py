"""Runs of Schoenholz et al. 2017 and Pennington et al. 2017: signals, spectra, and the deepest network that learns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....inspection.derivatives.jacobians import jacobian
from ....modules import Linear, Sequential, Tanh
from ...lab.networks import dense, initialization
from ...lab.trained import trained
from .theory import length

START = 0.6                                                         # correlation of two examples, before the first layer


def random_net(init: str, weight_variance: float, bias_variance: float, depth: int, width: int, seed: int) -> Sequential:
    """``depth`` tanh layers of ``width`` units and a linear one, in float64; so many inputs and outputs."""
    return dense(width, width, initialization(init).initializer, depth=depth, width=width, gain=math.sqrt(weight_variance),
                 bias_std=math.sqrt(bias_variance), dtype="float64", seed=seed)


def scale_of_inputs(weight_variance: float, bias_variance: float) -> float:
    """The standard deviation of inputs from which the first layer has preactivations of variance q*."""
    return math.sqrt(max(length(weight_variance, bias_variance) - bias_variance, 0) / weight_variance)


def propagated(*, weight_variance: float, bias_variance: float, depth: int, width: int, seed: int) -> dict[str, Any]:
    """Two examples, and the gradient of a random cost, through a random network.

    Returns
    -------
    dict
        Lists with one entry per tanh layer: ``length``, the mean square of the preactivations; ``correlation`` of those of the
        two examples; ``gradient``, the mean square of the gradient by them.
    """
    net = random_net("LeCun", weight_variance, bias_variance, depth, width, seed)
    rng = np.random.default_rng([seed, 1])
    first, other, *g = rng.standard_normal((4, width))
    x = np.stack([first, START * first + math.sqrt(1 - START**2) * other]) * scale_of_inputs(weight_variance, bias_variance)
    s, gradients = [], []
    for module in net:
        x = module.forward(x)
        s += [x] if isinstance(module, Linear) else []
    back = np.stack(g)
    for module in reversed(list(net)):
        back = module.backward(back)
        gradients += [float(np.mean(back**2))] if isinstance(module, Tanh) else []
    return {"length": [float(np.mean(one**2)) for one in s[:-1]], "gradient": gradients[::-1],
            "correlation": [float(one[0] @ one[1] / np.linalg.norm(one[0]) / np.linalg.norm(one[1])) for one in s[:-1]]}


def spectra(*, init: str, weight_variance: float, bias_variance: float, depths: Sequence[int], width: int, seed: int
            ) -> dict[str, Any]:
    """Singular values, from the largest to the smallest, of the Jacobian of the outputs by one Gaussian input, by depth."""
    x = np.random.default_rng([seed, 1]).standard_normal((1, width)) * scale_of_inputs(weight_variance, bias_variance)
    return {"values": {str(depth): np.linalg.svd(
        jacobian(random_net(init, weight_variance, bias_variance, depth, width, seed), x).reshape(width, width),
        compute_uv=False).tolist() for depth in depths}}


def deepest(*, weight_variance: float, bias_variance: float, depths: Sequence[int], level: float, seed: int, **settings: Any
            ) -> dict[str, Any]:
    """Train deeper and deeper networks until one does not reach the error ``level``; ``settings`` are those of `trained`.

    Returns
    -------
    dict
        ``deepest``: the last depth before that, 0 if there is none; ``errors`` and ``steps``: at the end of each run;
        ``resampled`` as in `trained`.
    """
    errors, steps, learned = [], [], 0
    for depth in depths:
        found = trained(init="LeCun", gain=math.sqrt(weight_variance), bias_std=math.sqrt(bias_variance), depth=depth,
                        until=level, seed=seed, **settings)
        last = found["readings"][-1]
        errors.append(last["error"])
        steps.append(last["step"])
        if last["error"] > level:
            break
        learned = depth
    return {"deepest": learned, "errors": errors, "steps": steps, "resampled": found["resampled"]}
