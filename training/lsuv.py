"""LSUV (layer-sequential unit variance): an initialization that is scaled on data."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array, Seed, generator, in_a_line, positive_int, real
from ..datasets.checks import Inputs, examples, finite
from ..errors import ArgumentError, DataError, ShapeError
from ..initializers import Orthogonal, networks
from ..modules import Module
from ..modules.core.parameter import Parameter
from ..modules.core.rewinding import unchanged
from ..modules.core.values import Value, as_values, parts
from ..printing import aligned
from ..restoring import at_once, filling


class ScaledLayer(NamedTuple):
    """Record of a layer that `lsuv` scaled: how often it divided the weight, and the output's variance before and after."""

    path: str
    module: str
    tries: int
    before: float
    after: float


class ScaledLayers(list[ScaledLayer]):
    """The records of `lsuv`, one per layer in the order of forward; printed as a table."""

    def __str__(self) -> str:
        rows = [("layer", "module", "tries", "variance before", "after")]
        rows += [(path or "net", module, f"{tries}", f"{before:#.3g}", f"{after:#.3g}")
                 for path, module, tries, before, after in self]
        return aligned(rows, rows[0][2:])


def lsuv(net: Module, x: Inputs, *, tol: float = 0.1, max_tries: int = 10, orthogonal: bool = True, rng: Seed = None
         ) -> ScaledLayers:
    """Give every layer orthonormal weights and scale them, layer by layer, until its output has variance 1 on ``x``.

    Parameters
    ----------
    net : Module
        The weights of its Linear and Conv2d layers (of any module whose ``weight`` has two axes or more) are changed in
        place. Biases and frozen weights are not changed. A weight that two layers share is scaled for the first of them.
    x : array_like of shape (batch, ...), or a tuple of them for a network of several inputs
        A random sample of the training examples, since the first examples of a sorted file are not like the rest. A few
        hundred suffice; at least two are needed.
    tol : float > 0, default 0.1
        Largest difference between the variance and 1.
    max_tries : int, default 10
        The most divisions of one weight. With zero biases one is enough, because the output is proportional to the weight.
        If the biases alone have a variance above 1, no number is enough; ``after`` then shows the variance reached.
    orthogonal : bool, default True
        Whether to draw new, orthonormal weights; with False the present weights are scaled.
    rng : None, int or numpy.random.Generator
        Source of the orthonormal weights.

    Returns
    -------
    ScaledLayers
        A list with a ``ScaledLayer`` (path, module, tries, before, after) per layer, in the order of forward; ``print``
        shows a table.

    Warns
    -----
    UserWarning
        The variance of a layer is not within ``tol`` of 1 after ``max_tries`` divisions.

    Raises
    ------
    DataError, ShapeError
        x is empty, not finite, or a single example; or the output of a layer is constant or not finite. All weights are
        restored then.
    ArgumentError
        The network has no weight to scale.

    Notes
    -----
    The variance is taken over all numbers of the output: examples, units and pixels. The network runs in training mode, as in
    ``fit``; its modes, points, running statistics and generators are restored afterwards, so that only weights change.

    References
    ----------
    Mishkin & Matas 2016, "All you need is a good init", algorithm 1.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 100), rp.ReLU(), rp.Linear(100, 10))
    >>> print(rp.lsuv(net, x[:256], rng=0))
    layer  module           tries  variance before  after
    -----------------------------------------------------
    0      Linear(64, 100)      1            0.153   1.00
    2      Linear(100, 10)      1            0.663   1.00
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"lsuv: net must be a Module, got {in_a_line(net)}")
    tol, max_tries = real("tol", tol, 0, above=True), positive_int("max_tries", max_tries)
    rng = generator(rng)
    values = as_values(x, net.dtype, "x", net, net.arity)
    for array in parts(values):
        if len(finite("x", examples("x", array))) < 2:
            raise ShapeError("lsuv: x must hold at least two examples, got 1")
    paths = {id(module): path for path, module in net.leaves()}
    old: dict[Parameter, Array] = {}
    records = ScaledLayers()

    def scale(module: Module, x: Value) -> Value:
        weight = weight_of(module)
        if weight is None or weight in old:
            return module.forward(x)
        old[weight] = weight.data.copy()
        if orthogonal:
            weight.data[...] = Orthogonal()(weight.shape, rng, weight.dtype)
        record, output = scaled(paths[id(module)], module, weight, x, tol, max_tries)
        records.append(record)
        return output

    try:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"), unchanged(net) as kept, kept:
            if not net.training:                                    # as in ``fit``: modules put into eval mode stay in it
                net.train()
            net.flow(values, scale)
    except BaseException:
        at_once(filling([(weight.data, data) for weight, data in old.items()]))
        raise
    for layer in records:
        if abs(layer.after - 1) >= tol:
            warnings.warn(f"lsuv: the output of module {layer.path or 'net'}, {layer.module}, has variance {layer.after:.3g} "
                          f"after {layer.tries} tries: its biases, or constant features of x, dominate", stacklevel=2)
    if not records:
        raise ArgumentError(f"lsuv: net must have a weight that is not frozen, got {net!r}")
    return records


def scaled(path: str, module: Module, weight: Parameter, x: Value, tol: float, max_tries: int) -> tuple[ScaledLayer, Any]:
    """Divide the weight by the output's standard deviation until its variance is 1; return the record and the output."""
    output = module.forward(x)
    before = after = variance(output, path, module)
    tries = 0
    while abs(after - 1) >= tol and tries < max_tries:
        weight.data[...] /= math.sqrt(after)
        output = module.forward(x)
        after, tries = variance(output, path, module), tries + 1
    return ScaledLayer(path, repr(module), tries, before, after), output


def variance(output: Array, path: str, module: Module) -> float:
    """Return the variance of an output; raise DataError if it is zero or not finite."""
    value = float(output.var(dtype=np.float64))
    if not value > 0 or not math.isfinite(value):
        raise DataError(f"lsuv: the output of module {path or 'net'}, {module!r}, must have a variance on x, got {value:g}")
    return value


def weight_of(module: Module) -> Parameter | None:
    """Return the weight of a module that `lsuv` scales; None if it has none."""
    weight = networks.weight_of(module)
    return None if weight is None or weight.frozen else weight
