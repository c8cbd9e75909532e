"""The error of finite differences as a function of the step: truncation and round-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ...arguments import Array, Seed, as_floating, floating_dtype, generator
from ...errors import ArgumentError
from ...losses import Loss
from ...modules import Module
from ...printing import aligned
from .batch_cost import BatchCost
from .differences import best_step, moved, width

SAMPLE = 100                                                        # numbers in the parameters; a random sample of more
COUNT = 48                                                          # steps from ε to 1


@dataclass(frozen=True, eq=False)
class StepSizeErrors:
    """Errors of finite differences for each step, against backpropagation; prints as a table.

    Attributes
    ----------
    steps : array
        Ascending; relative to numbers above 1 in size.
    central, one_sided : arrays
        For each step, the largest error of the scheme divided by the largest derivative.
    dtype : str
        The dtype in which the cost was computed.
    propagations : int
        How many single examples were propagated forward.
    """

    steps: Array
    central: Array
    one_sided: Array
    dtype: str
    propagations: int

    @property
    def best_central(self) -> float:
        """The best central step by theory: ε^(1/3)."""
        return best_step("central", self.dtype)

    @property
    def best_one_sided(self) -> float:
        """The best one-sided step by theory: √ε."""
        return best_step("forward", self.dtype)

    def nearest(self, step: float) -> int | None:
        """Return the index of the nearest step; None if ``step`` is outside their range."""
        inside = self.steps[0] <= step <= self.steps[-1]
        return int(np.abs(np.log(self.steps / step)).argmin()) if inside else None

    def __str__(self) -> str:
        near = {self.nearest(self.best_one_sided): "best one-sided step", self.nearest(self.best_central): "best central step"}
        rows = [(f"{step:.1e}", f"{c:.1e}", f"{o:.1e}", near.get(k, ""))
                for k, (step, c, o) in enumerate(zip(self.steps, self.central, self.one_sided, strict=True))]
        return aligned([("step", "central", "one-sided", "by theory"), *rows])


def step_size_errors(net: Module, loss: Loss, x: Any, y: ArrayLike, steps: ArrayLike | None = None, *,
                     dtype: DTypeLike = "float64", rng: Seed = 0) -> StepSizeErrors:
    r"""Return the errors of central and forward differences against ``update``, for many steps.

    Parameters
    ----------
    net, loss, x, y
        As for ``finite_differences``.
    steps : array_like of floats, optional
        Each at least ε of the dtype, since a smaller step changes nothing; by default 48 steps from ε to 1.
    dtype : {"float64", "float32"}, default "float64"
        The dtype in which costs are computed; the gradient by backpropagation is always float64.
    rng : None, int or numpy.random.Generator, default 0
        Draws 100 numbers of the parameters, if there are more.

    Returns
    -------
    StepSizeErrors

    Notes
    -----
    With the step h, the truncation error is :math:`C'' h / 2` for one-sided and :math:`C''' h^2 / 6` for central
    differences: lines of slope 1 and 2 in a log-log plot (``rp.plots.step_sizes``). The round-off error is
    :math:`\epsilon\, C / h`: a line of slope -1. If the cost and its derivatives are of similar size, the sum is least at
    :math:`h = \sqrt\epsilon` and at :math:`h = \epsilon^{1/3}`.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 4, rng=0), rp.Tanh(), rp.Linear(4, 1, rng=1))
    >>> print(rp.step_size_errors(net, rp.MSE(), np.eye(2), np.ones((2, 1)), [1e-1, 1e-2, 1e-3]))
    step     central  one-sided  by theory
    --------------------------------------
    1.0e-03  9.0e-08    4.7e-04
    1.0e-02  9.0e-06    4.7e-03
    1.0e-01  9.0e-04    4.8e-02
    """
    dtype = floating_dtype(dtype)
    cost = BatchCost(net, loss, x, y, dtype)
    point = BatchCost(cost.net, cost.loss, cost.x, y).point()
    h = checked(steps, dtype)
    entries = [(a, k, gradient.flat[k]) for a, gradient in zip(cost.parameters.values(), point.parameters.values(), strict=True)
               for k in range(a.size)]
    if not entries:
        raise ArgumentError(f"step_size_errors: net must have parameters, got {net!r}")
    if len(entries) > SAMPLE:
        entries = [entries[k] for k in generator(rng).choice(len(entries), SAMPLE, replace=False)]
    largest, here = max(abs(derivative) for _, _, derivative in entries), cost()
    if not largest:
        raise ArgumentError(f"step_size_errors: net must have a gradient that is not 0 everywhere, got {net!r}")
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):              # a step of 1 may overflow
        errors = np.array([[quotient_errors(cost, a, k, step, here, exact) for a, k, exact in entries] for step in h])
    central, one_sided = np.abs(errors).max(1).T / largest
    return StepSizeErrors(h, central, one_sided, dtype.name, cost.propagations)


def quotient_errors(cost: BatchCost, a: Array, entry: int, step: float, here: float, exact: float) -> tuple[float, float]:
    """Return the errors of the central and the forward difference, which share one cost."""
    h = width(a, entry, step)
    low, high = moved(cost, a, entry, -h), moved(cost, a, entry, h)
    return (high - low) / (2 * h) - exact, (high - here) / h - exact


def checked(steps: ArrayLike | None, dtype: np.dtype[Any]) -> Array:
    """Return the steps, ascending; ArgumentError for invalid ones."""
    least = float(np.finfo(dtype).eps)
    h = np.geomspace(least, 1, COUNT) if steps is None else np.sort(as_floating(steps, np.dtype(float), "steps").reshape(-1))
    if h.size == 0 or not (least <= h[0] and np.isfinite(h[-1])):   # NaN fails too: it is sorted to the end
        raise ArgumentError(f"steps must be finite and at least {least:.3g}, the least that changes a {dtype} 1, got {steps!r}")
    return h
