"""Finite differences: derivatives from values of a function alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ...arguments import Array, as_array, as_numbers, one_of, real
from ...errors import ArgumentError, DtypeError, NonFiniteError
from ...losses import Loss
from ...modules import Module
from .batch_cost import BatchCost

Scheme = Literal["central", "forward", "backward"]
SIDES = {"central": (-1, 1), "forward": (0, 1), "backward": (-1, 0)}    # where the two costs are taken, in steps


def best_step(scheme: Scheme, dtype: DTypeLike = "float64") -> float:
    """Return the step with the least error: ε^(1/3) for central differences, 6e-6; √ε for one-sided ones, 1.5e-8."""
    return float(np.finfo(dtype).eps) ** (1 / 3 if scheme == "central" else 1 / 2)


STEP = best_step("central")


def numerical_gradient(cost: Callable[[Array], float], a: Array, step: float = STEP, *,
                       entries: ArrayLike | None = None) -> Array:
    r"""Return the gradient of ``cost`` at ``a`` by central differences: two evaluations per number of ``a``.

    Parameters
    ----------
    cost : callable
        ``cost(a)`` is a number. Its argument is ``a`` itself with one entry moved. A cost that depends on ``a`` already,
        as on the weight of a network, may ignore its argument.
    a : float64 array
        Perturbed in place, entry by entry, and restored on return, also if ``cost`` raises.
    step : float > 0, default ε^(1/3), about 6e-6
        Relative to entries above 1 in size, absolute for others.
    entries : array_like of int, default None
        Flat indices (row by row) of the entries with respect to which to differentiate, such as a sample of a large array.
        None: all.

    Returns
    -------
    array of the shape of ``a``, or one number for each of ``entries``
        NaN or infinite where the cost is NaN or infinite.

    Notes
    -----
    :math:`(C(a + h) - C(a - h)) / 2h = C'(a) + C'''(a)\, h^2 / 6 + O(\epsilon\, C / h)`: the truncation error
    grows with the step h, the round-off error with 1/h. Their sum is least near :math:`h = \epsilon^{1/3}`, where about ten
    digits of a float64 are correct. With float32 only four would be, so that only float64 is accepted. At a kink the result
    is the mean of the derivatives on both sides.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.numerical_gradient(lambda a: (a**2).sum(), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    if not isinstance(a, np.ndarray) or a.dtype != np.float64:
        raise DtypeError(f"numerical_gradient: a must be a float64 array, got "
                         f"{a.dtype if isinstance(a, np.ndarray) else type(a).__name__}")
    if not a.flags.writeable:
        raise ArgumentError("numerical_gradient: a must be writeable to be perturbed in place, got a read-only array")
    a = as_array(a, "numerical_gradient: a")                        # the same memory as a plain array
    step = real("step", step, 0, above=True)
    gradient = quotients(cost, a, np.arange(a.size) if entries is None else checked(entries, a.size), step)
    return gradient.reshape(a.shape) if entries is None else gradient


class FiniteDifferences(dict[str, Array]):
    """Gradients by the names of ``net.named_parameters()``.

    Attributes
    ----------
    propagations : int
        How many single examples were propagated forward to compute them.
    """

    def __init__(self, gradients: Mapping[str, Array], propagations: int) -> None:
        super().__init__(gradients)
        self.propagations = propagations


def finite_differences(net: Module, loss: Loss, x: Any, y: ArrayLike, scheme: Scheme = "central") -> FiniteDifferences:
    r"""Return the gradient of a network's cost on a batch, with respect to every parameter: what ``update`` must compute.

    Parameters
    ----------
    net, loss : Module and Loss
        Not changed: float64 copies run, in the mode that each module is in, with the same masks in every call.
        A loss that returns an array (``reduction="none"``) raises ArgumentError.
    x, y : array_like
        A batch; x is a tuple of arrays for a module of several inputs.
    scheme : {"central", "forward", "backward"}, default "central"
        Which two costs are subtracted: those on both sides, or one of them and the cost at the parameters. A one-sided
        scheme takes half the work and gives half the digits.

    Returns
    -------
    FiniteDifferences
        A dict of float64 arrays, by the names of ``net.named_parameters()``. Its ``propagations`` count the single
        examples that were propagated forward: for n numbers in the parameters and N examples, 2 n N (lecture, slide 41),
        or (n + 1) N with a one-sided scheme. Backpropagation takes N forward and N backward.

    Raises
    ------
    NonFiniteError
        The cost is NaN or infinite at the parameters, or one step away from them.

    Notes
    -----
    Forward differences: :math:`(C(\theta + h) - C(\theta)) / h = C'(\theta) + C''(\theta)\, h / 2 + O(\epsilon\, C / h)`.
    The error is least near :math:`h = \sqrt\epsilon`, where about eight digits are correct. For central differences see
    ``numerical_gradient``.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 1, weight_init=rp.Constant(0.5), rng=0))
    >>> gradients = rp.finite_differences(net, rp.MSE(), [[1.0, 2.0]], [[0.0]])
    >>> gradients["0.weight"].round(6), gradients.propagations
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
            raise NonFiniteError(f"the cost of this batch must be finite for a derivative, but is not when {name} changes")
    return FiniteDifferences(gradients, cost.propagations)


def quotients(cost: Callable[[Array], float], a: Array, entries: Array, step: float, scheme: Scheme = "central",
              here: float | None = None) -> Array:
    """Return the difference quotients of ``cost`` for some entries of ``a``; ``here`` is the cost at ``a``, if it is known."""
    left, right = SIDES[scheme]
    derivatives = np.empty(len(entries))
    for i, k in enumerate(entries):
        h = width(a, k, step)
        low, high = (moved(cost, a, k, side * h) if side or here is None else here for side in (left, right))
        derivatives[i] = (high - low) / ((right - left) * h)
    return derivatives


def one_sided(cost: Callable[[Array], float], a: Array, entry: int, step: float = STEP) -> tuple[float, float]:
    """Return the backward and the forward difference for one entry of ``a``; at a kink they differ."""
    h = width(a, entry, step)
    here = moved(cost, a, entry, 0)
    return (here - moved(cost, a, entry, -h)) / h, (moved(cost, a, entry, h) - here) / h


def moved(cost: Callable[[Array], float], a: Array, entry: int, h: float) -> float:
    """Return ``cost`` with one entry of ``a`` moved by ``h``, and restore the entry, also if ``cost`` raises."""
    kept = a.flat[entry]
    try:
        a.flat[entry] = kept + h
        value = cost(a)
        a.flat[entry] = kept
    except BaseException:
        a.flat[entry] = kept
        raise
    if np.ndim(value) or not isinstance(value, (Real, np.ndarray)):
        raise ArgumentError(f"cost must return one number, got {value!r}")
    return float(value)


def width(a: Array, entry: int, step: float) -> float:
    """Return the step for one entry, rounded so that entry + step is exact."""
    value = a.flat[entry]
    return float(value + float(step * max(1, abs(value)))) - float(value)


def checked(entries: ArrayLike, size: int) -> Array:
    """Return flat indices into an array of this size; ArgumentError for anything else."""
    k = as_numbers(entries, "entries")
    if k.ndim != 1 or (k.size and (k.dtype.kind not in "iu" or k.min() < -size or k.max() >= size)):
        raise ArgumentError(f"entries must be a sequence of integers, each an index into {size} numbers, got {entries!r}")
    return k.astype(np.intp)
