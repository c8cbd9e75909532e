"""Predictions of variances against what is measured in the library's layers, in drawn sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import CheckError
from ..initializers import Normal
from ..modules import Linear, ReLU, Sequential
from .modules import said

Test = Callable[[Any, int], None]


def a_sum(rng: np.random.Generator) -> tuple[dict[str, float], float]:
    """Measure the variance of the pre-activations of many units."""
    n_in, std, size = int(rng.integers(20, 90)), float(rng.uniform(0.05, 0.4)), float(rng.uniform(1.5, 3))
    x = size * rng.standard_normal((50, n_in))
    y = Linear(n_in, 2000, weight_init=Normal(std), rng=rng).forward(x)
    return {"n_in": n_in, "std": std, "mean_square": float(np.square(x).mean())}, float(y.var())


def a_gradient(rng: np.random.Generator) -> tuple[dict[str, float], float]:
    """Measure the variance of dC/dx, with many more inputs than outputs."""
    n_in, n_out, std, size = 2000, int(rng.integers(20, 90)), float(rng.uniform(0.05, 0.4)), float(rng.uniform(1.5, 3))
    layer, g = Linear(n_in, n_out, weight_init=Normal(std), rng=rng), size * rng.standard_normal((50, n_out))
    layer.forward(np.zeros((50, n_in)))
    gx = layer.backward(g)
    assert gx is not None
    return {"n_in": n_in, "n_out": n_out, "std": std, "mean_square": float(np.square(g).mean())}, float(gx.var())


def layers(rng: np.random.Generator) -> tuple[dict[str, float], float]:
    """Measure the mean square behind some linear layers, as the mean over four networks.

    A layer multiplies it by a number far from 1, so that a layer more or less is seen.
    """
    width, depth = int(rng.integers(100, 300)), int(rng.integers(3, 8))
    factor = rng.uniform(1.7, 2.5) ** rng.choice([-1, 1])
    std = float(np.sqrt(factor / width))
    measured = [np.square(Sequential(*(Linear(width, width, weight_init=Normal(std), rng=rng) for _ in range(depth)))
                          .forward(rng.standard_normal((50, width)))).mean() for _ in range(4)]
    return {"width": width, "std": std, "depth": depth}, float(np.mean(measured))


def called(function: Callable[..., Any]) -> str:
    """Return the name of a function, which partial functions have not."""
    return str(getattr(function, "__name__", "the function"))


def predicted(function: Callable[..., Any], arguments: dict[str, float]) -> float:
    """Return the number that a student's function predicts; CheckError if it is no positive number."""
    call = f"{called(function)}({', '.join(f'{key}={value:.4g}' for key, value in arguments.items())})"
    try:
        value = function(*arguments.values())
        number = float(value)
    except Exception as error:
        raise CheckError(f"{call}: expected a number, got {said(error)}") from error
    if not 0 < number < np.inf:
        raise CheckError(f"{call}: expected a positive number, got {number:g}")
    return number


def against(measure: Callable[[np.random.Generator], tuple[dict[str, float], float]], within: float) -> Test:
    """Return a test that a prediction is within a factor of ``1 + within`` of what is measured, in three drawn sizes."""

    def test(function: Any, seed: int) -> None:
        for k in range(3):
            arguments, measured = measure(np.random.default_rng((seed, k)))
            number = predicted(function, arguments)
            if not 1 / (1 + within) < number / measured < 1 + within:
                given = ", ".join(f"{key} = {value:.4g}" for key, value in arguments.items())
                raise CheckError(f"{called(function)}: for {given}, {number:.3g} was predicted, {measured:.3g} measured")

    return test


def rectified(function: Any, seed: int) -> None:
    """Four layers with a ReLU, with weights of the predicted size, keep the mean square to within a factor of 1.5.

    Widths are far apart, so that no constant fits two; narrow networks differ more, and the mean is over more of them.
    """
    for k, least in enumerate((100, 200, 400)):
        rng = np.random.default_rng((seed, k))
        width = int(rng.integers(least, least * 5 // 4))
        std = predicted(function, {"n_in": width})
        kept = float(np.mean([rectified_once(width, std, rng) for _ in range(3200 // width)]))
        if not 1 / 1.5 < kept < 1.5:
            raise CheckError(f"{called(function)}: with std = {std:.3g} for n_in = {width}, four layers with a ReLU multiply "
                             f"the mean square by {kept:.3g}; it should stay near 1")


def rectified_once(width: int, std: float, rng: np.random.Generator) -> float:
    """Measure the mean square behind four layers with a ReLU in one network, if that of the input is 1."""
    pairs = [module for _ in range(4) for module in (Linear(width, width, weight_init=Normal(std), rng=rng), ReLU())]
    with np.errstate(over="ignore"):
        return float(np.square(Sequential(*pairs).forward(rng.standard_normal((50, width)))).mean())
