"""Derivatives from values alone, to hold the computed ones against."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, DtypeError, real
from ..initializers.base import Array
from ..losses import Loss
from ..modules import Module
from .layers import unchanged

STEP = float(np.finfo(np.float64).eps ** (1 / 3))                   # where truncation and round-off balance: 6e-6


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
    flat = np.arange(a.size) if entries is None else np.asarray(entries)
    slopes = np.empty(flat.shape)
    for i, k in enumerate(flat):
        h = width(a, k, step)
        slopes[i] = (moved(cost, a, k, h) - moved(cost, a, k, -h)) / (2 * h)
    return slopes.reshape(a.shape) if entries is None else slopes


def finite_differences(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike) -> dict[str, Array]:
    """Gradient of a network's cost on a batch with respect to every parameter: what ``update`` must give.

    Parameters
    ----------
    net, loss : Module and Loss
        Left as they are: float64 copies are evaluated, in the mode that each module is in, always with the same masks.
    x, y : array_like
        A batch: for n numbers in the parameters and N examples, 2 n N propagations (lecture, slide 41).

    Returns
    -------
    dict of float64 arrays, by the names of ``net.named_parameters()``

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 1, weight_init=rp.Constant(0.5), rng=0))
    >>> finite_differences(net, rp.MSE(), [[1.0, 2.0]], [[0.0]])["0.weight"].round(6)
    array([[3., 6.]])
    """
    net, loss = deepcopy(net).astype("float64"), deepcopy(loss)

    def cost(_: Array) -> float:
        with unchanged(net):
            return float(loss.forward(net.forward(x), y))

    return {name: numerical_gradient(cost, parameter.data) for name, parameter in net.named_parameters()}


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
        return float(cost(a))
    finally:
        a.flat[entry] = kept


def width(a: Array, entry: int, step: float) -> float:
    """The step for one entry, such that the sum of the two is exact."""
    value = float(a.flat[entry])
    return (value + step * max(1, abs(value))) - value
