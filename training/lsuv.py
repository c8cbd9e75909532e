"""Layer-sequential unit variance: a start that fits the data."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array, Seed, generator, positive_int, real
from ..datasets.checks import Inputs, examples, finite
from ..errors import ArgumentError, DataError, ShapeError
from ..initializers import Orthogonal
from ..modules import Module
from ..modules.core.parameter import Parameter
from ..modules.core.rewinding import unchanged
from ..modules.core.values import Value, as_values, parts
from ..printing import aligned


class Rescaled(NamedTuple):
    """What `lsuv` did to a layer: how often it divided the weight, and the variance of the output before and after."""

    path: str
    module: str
    tries: int
    before: float
    after: float


class Rescalings(list[Rescaled]):
    """The records of `lsuv`, one for each layer in the order in which data pass; printed as a table."""

    def __str__(self) -> str:
        rows = [("layer", "module", "tries", "variance before", "after")]
        rows += [(path or "net", module, f"{tries}", f"{before:#.3g}", f"{after:#.3g}")
                 for path, module, tries, before, after in self]
        return aligned(rows, rows[0][2:])


def lsuv(net: Module, x: Inputs, *, tol: float = 0.1, max_tries: int = 10, orthogonal: bool = True, rng: Seed = None
         ) -> Rescalings:
    """Start every layer orthonormal, then scale it, from the first to the last, until its output has variance 1 on ``x``.

    Parameters
    ----------
    net : Module
        Changed in place: the weights of its Linear and Conv2d layers (any module whose ``weight`` has two axes or more).
        Biases are left as they are, and so are frozen weights. A weight that two layers share is scaled for the first.
    x : array_like of shape (batch, ...), or a tuple of them for a network of several inputs
        Examples as training will see them, in random order: the first of a sorted file are not like the rest. Some hundred
        do; at least two.
    tol : float > 0, default 0.1
        How far the variance may be from 1.
    max_tries : int, default 10
        Divisions of one weight, at most. Where biases are zero one is enough, for the output is proportional to the weight.
        Where the biases alone have a variance of more than 1 no number is: ``after`` shows it.
    orthogonal : bool, default True
        Whether to draw the weights anew, orthonormal; with False those that are there are scaled.
    rng : None, int or numpy.random.Generator
        Where they are drawn from.

    Returns
    -------
    Rescalings
        A list of a ``Rescaled`` (path, module, tries, before, after) for each layer, in the order in which data pass;
        ``print`` shows a table.

    Warns
    -----
    UserWarning
        A layer is not within ``tol`` after ``max_tries``.

    Raises
    ------
    DataError, ShapeError
        x is empty, not finite, or one example; or the output of a layer is constant or not finite. All weights are then
        what they were.
    ArgumentError
        There is no weight to scale.

    Notes
    -----
    The variance is that of all numbers in the output, over examples and units (and pixels). The network runs as it would in
    ``fit``, in training mode; modes, points, running statistics and generators are afterwards what they were. Only the
    weights change.

    References
    ----------
    Mishkin & Matas 2016, "All you need is a good init", algorithm 1.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 100), rp.ReLU(), rp.Linear(100, 10))
    >>> print(lsuv(net, x[:256], rng=0))
    layer  module           tries  variance before  after
    -----------------------------------------------------
    0      Linear(64, 100)      1            0.153   1.00
    2      Linear(100, 10)      1            0.663   1.00
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"lsuv: net must be a Module, got {net!r}")
    tol, max_tries = real("tol", tol, 0, above=True), positive_int("max_tries", max_tries)
    rng = generator(rng)
    values = as_values(x, net.dtype, "x", net, net.arity)
    for array in parts(values):
        if len(finite("x", examples("x", array))) < 2:
            raise ShapeError("lsuv: x must hold at least two examples, of which a variance can be taken, got 1")
    paths = {id(module): path for path, module in net.leaves()}
    kept: dict[Parameter, Array] = {}
    found = Rescalings()

    def step(module: Module, read: Value) -> Value:
        weight = weight_of(module)
        if weight is None or weight in kept:
            return module.forward(read)
        kept[weight] = weight.data.copy()
        if orthogonal:
            weight.data[...] = Orthogonal()(weight.shape, rng, weight.dtype)
        layer, output = scaled(paths[id(module)], module, weight, read, tol, max_tries)
        found.append(layer)
        return output

    try:
        with np.errstate(over="ignore", invalid="ignore"), unchanged(net):
            if not net.training:                                    # as in ``fit``: parts that are frozen in eval mode stay so
                net.train()
            net.flow(values, step)
    except BaseException:
        for weight, data in kept.items():
            weight.data[...] = data
        raise
    for layer in found:
        if abs(layer.after - 1) >= tol:
            warnings.warn(f"lsuv: the output of module {layer.path or 'net'}, {layer.module}, has variance {layer.after:.3g} "
                          f"after {layer.tries} tries: its biases, or what is constant in x, prevail", stacklevel=2)
    if not found:
        raise ArgumentError(f"lsuv: net must have a weight that is not frozen, got {net!r}")
    return found


def scaled(path: str, module: Module, weight: Parameter, read: Value, tol: float, max_tries: int) -> tuple[Rescaled, Any]:
    """Divide the weight by the deviation of the output until its variance is 1; also returns that output."""
    output = module.forward(read)
    before = after = variance(output, path, module)
    tries = 0
    while abs(after - 1) >= tol and tries < max_tries:
        weight.data[...] /= math.sqrt(after)
        output = module.forward(read)
        after, tries = variance(output, path, module), tries + 1
    return Rescaled(path, repr(module), tries, before, after), output


def variance(output: Array, path: str, module: Module) -> float:
    found = float(output.var(dtype=np.float64))
    if not found > 0 or not math.isfinite(found):
        raise DataError(f"lsuv: the output of module {path or 'net'}, {module!r}, must have a variance on x, got {found:g}")
    return found


def weight_of(module: Module) -> Parameter | None:
    """The weight that is scaled, if the module has one."""
    weight = getattr(module, "weight", None)
    return weight if isinstance(weight, Parameter) and weight.data.ndim >= 2 and not weight.frozen else None
