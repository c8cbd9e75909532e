"""Parts of a network: up to a layer, and up to the class scores."""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import cast

from ...arguments import in_a_line
from ...errors import ArgumentError
from ...modules import Graph, Identity, LogSoftmax, Module, Sequential, Sigmoid, Softmax
from ...modules.containers.container import Container
from ...modules.containers.wiring import leading_to
from ...modules.core.tree import below

CLOSING = (Softmax, LogSoftmax, Sigmoid)                            # modules that turn scores into probabilities


def layers(net: Module, prefix: str = "") -> dict[str, Module]:
    """Return the modules with which ``truncated`` can end, by path (``"3"``, ``"block.1"``): containers and their modules."""
    by_path: dict[str, Module] = {}
    if isinstance(net, Container) and net.opened:
        for name, child in net.children().items():
            path = below(prefix, name)
            by_path |= {path: child} | layers(child, path)
    return by_path


def truncated(net: Module, layer: str) -> Container:
    """Return the part of a network up to a layer, as a network whose output is that of the layer.

    Parameters
    ----------
    net : Sequential or Graph
        Left as it is.
    layer : str
        Path of a module, as in ``named_modules()``: ``"3"``, ``"block.1"``; a container stands for its last layer.

    Returns
    -------
    Sequential or Graph
        A copy, in evaluation mode, of exactly the modules on which the layer depends, with the inputs on which it depends.
        Images may have any size that these modules accept.

    Raises
    ------
    ArgumentError
        There is no such layer; the message lists all layers.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Sequential(rp.Sequential(rp.Linear(4, 3, rng=0), rp.Tanh()), rp.Linear(3, 2, rng=1), rp.Softmax())
    >>> truncated(net, "0.1"), truncated(net, "1").output_shape((5, 4))
    (Sequential(Sequential(Linear(4, 3), Tanh())), (5, 2))
    """
    available = layers(net)
    if layer not in available:
        wanted = f"one of {', '.join(map(repr, available))}" if available else f"in a Sequential or a Graph, not in {net!r}"
        raise ArgumentError(f"layer must be {wanted}, got {layer!r}")
    with warnings.catch_warnings(action="ignore"):                  # equal weights: Sequential warned when net was made
        return up_to(cast(Container, deepcopy(net)), layer.split("."))[0].eval()


def scores(net: Module) -> Module:
    """Return the network that computes class scores: ``net`` without a final Softmax, LogSoftmax or Sigmoid.

    Parameters
    ----------
    net : Module with one output
        Left as it is.

    Returns
    -------
    Module
        A copy in evaluation mode, without the final module, also if that is inside a nested container. A network that ends
        with another module computes scores itself, and is copied as a whole.

    Examples
    --------
    >>> import retroprop as rp
    >>> scores(rp.Sequential(rp.Linear(4, 3, rng=0), rp.Softmax())), scores(rp.Linear(4, 3, rng=0))
    (Sequential(Linear(4, 3)), Linear(4, 3))
    """
    if not isinstance(net, Module):
        raise ArgumentError(f"net must be a Module, got {in_a_line(net)}")
    wiring = net.wiring()
    if len(wiring.outputs) > 1:
        raise ArgumentError(f"net must have one output, the class scores, got {len(wiring.outputs)}")
    last = next(node for node in wiring.nodes if node.path == wiring.outputs[0])
    if type(last.module) not in CLOSING:
        return deepcopy(net).eval()
    before = last.sources[0]
    return Identity().eval() if before in wiring.inputs else truncated(net, before)


def up_to(net: Container, path: list[str]) -> tuple[Container, list[int]]:
    """Return the part up to ``path``, made of the modules of ``net``, and the indices of the inputs that it reads."""
    name, *inner = path
    nodes, sources = dict(net.nodes), dict(net.sources)
    for node in nodes.values():
        node._owner = None                                          # they move into another container
    read = list(range(len(net.inputs)))
    if inner:
        whole = cast(Container, nodes[name])
        nodes[name], read = up_to(whole, inner)
        if len(sources[name]) == len(whole.inputs):
            sources[name] = tuple(sources[name][k] for k in read)
        elif len(read) < len(whole.inputs):
            raise ArgumentError("layer must depend on all arrays of the tuple that its container reads, got "
                                f"{'.'.join(path)!r}, which depends on some of them")
    if isinstance(net, Sequential):
        last = list(nodes).index(name)
        kept = dict(list(nodes.items())[:last + 1])
        part = Sequential(**kept) if net.named else Sequential(*kept.values())
        return part, read if last == 0 else list(range(len(net.inputs)))
    used = leading_to([name], sources)
    read_by = {node: (module, *sources[node]) for node, module in nodes.items() if node in used}
    inputs = [k for k, source in enumerate(net.inputs) if source in used]
    return Graph(read_by, inputs=[net.inputs[k] for k in inputs], outputs=name), inputs
