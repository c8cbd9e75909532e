"""Derivatives from values alone, to hold the computed ones against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ...arguments import Array, one_of, real
from ...errors import ArgumentError, DtypeError, NonFiniteError
from ...losses import Loss
from ...modules import Module
from .batch_cost import BatchCost

Scheme = Literal["central", "forward", "backward"]
SIDES = {"central": (-1, 1), "forward": (0, 1), "backward": (-1, 0)}    # the two costs of each quotient, in steps


def best_step(scheme: Scheme, dtype: DTypeLike = "float64") -> float:
    """Where truncation and round-off balance: ε^(1/3) for central differences, 6e-6; √ε for the one-sided, 1.5e-8."""
    return float(np.finfo(dtype).eps) ** (1 / 3 if scheme == "central" else 1 / 2)


STEP = best_step("central")


def numerical_gradient(cost: Callable[[Array], float], a: Array, step: float = STEP, *,
                       entries: ArrayLike | None = None) -> Array:
    r"""Gradient of ``cost`` at ``a``, by central differences: two evaluations for each number of ``a``.

    Parameters
    ----------
    cost : callable
        ``cost(a)`` is a number. It is called with ``a`` itself, one entry moved: a cost that holds ``a`` already, as
        the weight of a network, may ignore its argument.
    a : float64 array
        Perturbed in place, entry by entry; as it was on return, also where ``cost`` raises.
    step : float > 0, default ε^(1/3), about 6e-6
        Relative to each entry above 1 in size, absolute below.
    entries : array_like of int, default None
        Flat (row by row) indices of the entries to differentiate with respect to: a sample of a large array. None: all.

    Returns
    -------
    array of the shape of ``a``, or one number for each of ``entries``
        NaN or infinite where the cost is.

    Notes
    -----
    :math:`(C(a + h) - C(a - h)) / 2h = C'(a) + C'''(a)\, h^2 / 6 + O(\epsilon\, C / h)`: the first error, of
    truncation, grows with the step h, the second, of round-off, with 1/h. Their sum is least near
    :math:`h = \epsilon^{1/3}`, where about ten digits of a float64 remain. Of a float32 four would: hence float64
    only. At a kink the result is the mean of the slopes on both sides.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.numerical_gradient(lambda a: (a**2).sum(), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    if not isinstance(a, np.ndarray) or a.dtype != np.float64:
        raise DtypeError(f"numerical_gradient: a must be a float64 array, got {getattr(a, 'dtype', type(a).__name__)}")
    if not a.flags.writeable:
        raise ArgumentError("numerical_gradient: a must be writeable to be perturbed in place, got a read-only array")
    step = real("step", step, 0, above=True)
    slopes = quotients(cost, a, np.arange(a.size) if entries is None else checked(entries, a.size), step)
    return slopes.reshape(a.shape) if entries is None else slopes


class FiniteDifferences(dict[str, Array]):
    """Gradients by the names of ``net.named_parameters()``.

    Attributes
    ----------
    propagations : int
        How many single examples were propagated forward for them, counted as it happened.
    """

    def __init__(self, gradients: Mapping[str, Array], propagations: int) -> None:
        super().__init__(gradients)
        self.propagations = propagations


def finite_differences(net: Module, loss: Loss, x: Any, y: ArrayLike, scheme: Scheme = "central") -> FiniteDifferences:
    r"""Gradient of a network's cost on a batch with respect to every parameter: what ``update`` must give.

    Parameters
    ----------
    net, loss : Module and Loss
        Left as they are: float64 copies are evaluated, in the mode that each module is in, always with the same masks.
        A loss that returns an array (``reduction="none"``) raises ArgumentError.
    x, y : array_like
        A batch; x is a tuple of arrays for a module of several inputs.
    scheme : {"central", "forward", "backward"}, default "central"
        The costs on both sides, or one of them and the cost at the point itself: half the work and half the digits.

    Returns
    -------
    FiniteDifferences
        A dict of float64 arrays, by the names of ``net.named_parameters()``. Its ``propagations`` are how many single
        examples went forward: for n numbers in the parameters and N examples, 2 n N (lecture, slide 41), or (n + 1) N
        with a one-sided scheme. Backpropagation needs N, and as many back.

    Raises
    ------
    NonFiniteError
        The cost is NaN or infinite where the network is, or a step beside it.

    Notes
    -----
    Forward: :math:`(C(\theta + h) - C(\theta)) / h = C'(\theta) + C''(\theta)\, h / 2 + O(\epsilon\, C / h)`, with the least
    error near :math:`h = \sqrt\epsilon`, where about eight digits remain; ``numerical_gradient`` has the central scheme's.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 1, weight_init=rp.Constant(0.5), rng=0))
    >>> found = rp.finite_differences(net, rp.MSE(), [[1.0, 2.0]], [[0.0]])
    >>> found["0.weight"].round(6), found.propagations
    (array([[3., 6.]]), 6)
    """
    one_of("scheme", scheme, SIDES)
    cost = BatchCost(net, loss, x, y)
    here = None if scheme == "central" or not cost.parameters else cost()
    step = best_step(scheme)
    gradients = {name: quotients(cost, a, np.arange(a.size), step, scheme, here).reshape(a.shape)
                 for name, a in cost.parameters.items()}
    for name, gradient in gradients.items():
        if not np.isfinite(gradient).all():
            raise NonFiniteError(f"the cost of this batch is not finite as {name} moves: it has no derivative")
    return FiniteDifferences(gradients, cost.propagations)


def quotients(cost: Callable[[Array], float], a: Array, entries: Array, step: float, scheme: Scheme = "central",
              here: float | None = None) -> Array:
    """Difference quotients of ``cost`` by some entries of ``a``; a one-sided scheme is given the cost ``here``, at ``a``."""
    left, right = SIDES[scheme]
    slopes = np.empty(len(entries))
    for i, k in enumerate(entries):
        h = width(a, k, step)
        low, high = (moved(cost, a, k, side * h) if side or here is None else here for side in (left, right))
        slopes[i] = (high - low) / ((right - left) * h)
    return slopes


def one_sided(cost: Callable[[Array], float], a: Array, entry: int, step: float = STEP) -> tuple[float, float]:
    """Slopes of ``cost`` to the left and to the right of one entry of ``a``: at a kink they differ."""
    h = width(a, entry, step)
    here = moved(cost, a, entry, 0)
    return (here - moved(cost, a, entry, -h)) / h, (moved(cost, a, entry, h) - here) / h


def moved(cost: Callable[[Array], float], a: Array, entry: int, h: float) -> float:
    """``cost`` with one entry of ``a`` moved by ``h``, and put back whatever happens."""
    kept = a.flat[entry]
    a.flat[entry] = kept + h
    try:
        value = cost(a)
    finally:
        a.flat[entry] = kept
    if np.ndim(value) or not isinstance(value, (Real, np.ndarray)):
        raise ArgumentError(f"cost must return one number, got {value!r}")
    return float(value)


def width(a: Array, entry: int, step: float) -> float:
    """The step for one entry, such that the sum of the two is exact."""
    value = a.flat[entry]
    return float(value + float(step * max(1, abs(value)))) - float(value)


def checked(entries: ArrayLike, size: int) -> Array:
    """Flat indices into an array of that size; ArgumentError for what is none."""
    k = np.asarray(entries)
    if k.ndim != 1 or (k.size and (k.dtype.kind not in "iu" or k.min() < -size or k.max() >= size)):
        raise ArgumentError(f"entries must be a sequence of integers, each an index into {size} numbers, got {entries!r}")
    return k.astype(np.intp)
