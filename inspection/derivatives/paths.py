"""The gradient as a sum over the paths of a graph, and what backpropagation saves by using each edge once (slides 27-31)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Array, positive_int
from ...errors import ArgumentError, ShapeError
from ...modules import Module
from ...modules.containers.container import Container
from ...modules.core.diagram import Node, Wiring
from ...modules.core.phases import unchecked
from ...modules.core.values import Value, as_values, copied, each, parts, reads, several, shape_of

Path = list[tuple[Node[Module], int]]                               # from an output to an input: nodes, and indices of sources


class PathCounts(NamedTuple):
    """The number of paths from inputs to outputs, and of products with a local Jacobian that a gradient takes.

    Attributes
    ----------
    paths : int
    naive_products : int
        Of the sum over paths, each followed separately: the sum of their lengths.
    backward_products : int
        Of ``backward``, which uses each edge once: the number of edges.
    """

    paths: int
    naive_products: int
    backward_products: int

    def __str__(self) -> str:
        return (f"{self.paths:,} paths; products with a local Jacobian: {self.naive_products:,} path by path, "
                f"{self.backward_products:,} by backward")


class PathSum(NamedTuple):
    """The gradient of the inputs as a sum over paths.

    Attributes
    ----------
    gradient : array, or tuple of arrays
        Of the shapes of x.
    paths, products : int
        How many paths were followed, and how many products computed.
    """

    gradient: Value
    paths: int
    products: int


def count_paths(net: Module) -> PathCounts:
    r"""Count the paths through a network, and the products that its gradient takes path by path and by ``backward``.

    Parameters
    ----------
    net : Graph or Sequential
        Nodes are the modules inside, with nested containers opened. Each input of a module is an edge, also if two of them
        read the same node.

    Returns
    -------
    PathCounts

    Notes
    -----
    No path is followed to count them: :math:`p(v) = \sum_u p(u)` paths lead to a node v, over the nodes u that it reads
    and with p = 1 at an input, and :math:`\ell(v) = \sum_u (\ell(u) + p(u))` is the sum of their lengths. This is
    dynamic programming. So is backward itself, which keeps one partial product per node, where the sum over paths computes
    it again for each path (lecture, slides 28-31).

    Examples
    --------
    A chain of ten diamonds:

    >>> import retroprop as rp
    >>> nodes, before = {}, "x"
    >>> for k in range(10):
    ...     nodes |= {f"a{k}": (rp.Tanh(), before), f"b{k}": (rp.Sigmoid(), before), f"c{k}": (rp.Add(), f"a{k}", f"b{k}")}
    ...     before = f"c{k}"
    >>> print(rp.count_paths(rp.Graph(nodes, inputs="x", outputs=before)))
    1,024 paths; products with a local Jacobian: 20,480 path by path, 40 by backward
    """
    wiring = wired("count_paths", net)
    for path, module, sources in wiring.nodes:
        if not reads(module.arity, len(sources)):
            raise ArgumentError("count_paths: each array that a module reads must be an input or the only output of a node, "
                                f"got {module!r} at {path!r}, which reads a tuple")
    paths, lengths = dict.fromkeys(wiring.inputs, 1), dict.fromkeys(wiring.inputs, 0)
    for path, _, sources in wiring.nodes:
        paths[path] = sum(paths[source] for source in sources)
        lengths[path] = sum(lengths[source] + paths[source] for source in sources)
    return PathCounts(sum(paths[name] for name in wiring.outputs), sum(lengths[name] for name in wiring.outputs),
                      sum(len(node.sources) for node in wiring.nodes))


def path_sum(net: Module, x: Any, g: Any = None, *, limit: int = 100_000) -> PathSum:
    """Return the gradient of the inputs without dynamic programming, as a sum over all paths from outputs to inputs.

    Parameters
    ----------
    net : Graph or Sequential
        Left as it is: a copy runs forward once, in the mode that each module is in.
    x : array_like, or a tuple of them
    g : array_like, or a tuple of them, optional
        Gradient of the outputs; ones by default.
    limit : int, default 100,000
        ArgumentError for a network with more paths, whose number grows exponentially with depth.

    Returns
    -------
    PathSum
        The gradient equals that of ``backward`` up to round-off.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> square = rp.Graph({"y": (rp.Multiply(), "x", "x")}, inputs="x", outputs="y")
    >>> rp.path_sum(square, np.array([3.0]))
    PathSum(gradient=array([6.]), paths=2, products=2)
    """
    wired("path_sum", net)
    counts = count_paths(net)
    if counts.paths > positive_int("limit", limit):
        raise ArgumentError(f"path_sum: net must have at most limit = {limit:,} paths, got {counts.paths:,}")
    ran = deepcopy(net)
    x = as_values(x, ran.dtype, "x", ran, ran.arity)
    y = ran.forward(x)
    wiring = wired("path_sum", ran)
    for node in wiring.nodes:
        if several(node.module._output[0]):
            raise ArgumentError(f"path_sum: every module must have one output, got {node.module!r} at {node.path!r} with "
                                f"{len(node.module._output[0])}")
    given = dict(zip(wiring.outputs, parts(gradient_like(ran, y, g)), strict=True))
    total = dict(zip(wiring.inputs, parts(each(np.zeros_like, x)), strict=True))
    products = 0
    for path in walks(wiring):
        partial = given[path[0][0].path]
        for node, k in path:
            partial = local(node.module, partial, k)
            products += 1
        last, k = path[-1]
        total[last.sources[k]] += partial
    gradients = tuple(total.values())
    return PathSum(gradients if len(gradients) > 1 else gradients[0], counts.paths, products)


def wired(function: str, net: Module) -> Wiring[Module]:
    if not isinstance(net, Container):
        raise ArgumentError(f"{function}: net must be a Graph or a Sequential, got {net!r}")
    return net.wiring()


def gradient_like(net: Module, y: Value, g: Any) -> Value:
    """Return ``g`` as arrays like y; ones for None."""
    if g is None:
        return each(np.ones_like, y)
    dtype = parts(y)[0].dtype
    g = as_values(g, dtype, "g", net, len(y) if isinstance(y, tuple) else 1)
    if shape_of(g) != shape_of(y):
        raise ShapeError(f"{net!r}: g must have the shape of the output, {shape_of(y)}, got {shape_of(g)}")
    return g


def walks(wiring: Wiring[Module]) -> Iterator[Path]:
    """Yield every path from an output back to an input."""
    nodes = {node.path: node for node in wiring.nodes}
    open_: list[tuple[str, Path]] = [(name, []) for name in wiring.outputs]
    while open_:
        name, path = open_.pop()
        if name in wiring.inputs:
            yield path
            continue
        node = nodes[name]
        open_ += [(source, [*path, (node, k)]) for k, source in enumerate(node.sources)]


def local(module: Module, g: Array, k: int) -> Array:
    """Return the product of g with the local Jacobian for source k, by the unchecked backward of the module."""
    module.gradient = g
    return parts(copied(unchecked(module, "backward")(g)))[k]
