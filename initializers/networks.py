"""The layers of a network, as rules of initialization see them.

Initializers stand below the modules, which draw their weights from them. So a network is known here by what every module shows:
its parameters, the classes' names and the wiring.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ..arguments import Array, in_a_line
from ..errors import ArgumentError
from .architecture import ACTIVATIONS, Layer, Range, as_range

# Modules that an activation may follow as if they were not there. Other modules count as activations, known ones or not.
PASSED = {"Add", "AvgPool2d", "BatchNorm", "Concat", "Dropout", "Flatten", "GlobalAvgPool2d", "Identity", "LayerNorm",
          "MaxPool2d", "Multiply", "Reshape", "Upsample2d"}


class Weight(Protocol):
    """What is read of a Parameter."""

    data: Array

    @property
    def frozen(self) -> bool:
        ...


class Network(Protocol):
    """What is read of a Module: its parameters, the modules inside it, and how data pass through them."""

    def parameters(self) -> Sequence[Any]:
        ...

    def named_modules(self) -> Sequence[tuple[str, Any]]:
        ...

    def wiring(self) -> Any:
        ...


Found = tuple[tuple[Weight, Weight | None], Layer]


def weight_of(module: Any) -> Any | None:
    """Return the weight of a layer: of a Linear, a Conv2d, or another module whose weight has two axes or more; or None.

    A bias beside it has one number for each unit, or is missing. A table for integers is no layer: no sum is taken over it.
    """
    if getattr(module, "takes_integers", False):
        return None
    weight, bias = (getattr(module, name, None) for name in ("weight", "bias"))
    if weight is None or not isinstance(getattr(weight, "data", None), np.ndarray) or weight.data.ndim < 2:
        return None
    return weight if bias is None or bias.data.shape == weight.data.shape[:1] else None


def layers_of(net: Network, classifier: bool = True, inputs: Range = (-1.0, 1.0)) -> list[Found]:
    """Return weight, bias and description of each layer, in the order of forward; ArgumentError if there is none."""
    if not all(hasattr(net, name) for name in ("parameters", "named_modules", "wiring")):
        raise ArgumentError(f"start: net must be a Module, got {in_a_line(net)}")
    inputs, count = as_range(inputs), sum(parameter.data.size for parameter in net.parameters())
    paths = Paths(net.wiring())
    modules = {id(node.module): node.module for node in paths.nodes.values()}
    modules |= {id(module): module for _, module in net.named_modules()}    # also those inside modules that are no containers
    places = {id(module): path for path, module in net.named_modules()}
    weights = {key: weight for key, module in modules.items() if (weight := weight_of(module)) is not None}
    if not weights:
        raise ArgumentError(f"start: net must have a Linear, a Conv2d or another layer with weights, got {net!r}")
    found = {key: paths.activations(key) for key in weights}
    last = {key: paths.is_last(key) for key in weights}
    hidden = tuple(dict.fromkeys(name for key in weights if not last[key] for name in found[key]))
    layers: list[Found] = []
    for key, weight in weights.items():
        bias = getattr(modules[key], "bias", None)
        name = f"module {places[key] or 'net'}, {modules[key]!r},"
        layers.append(((weight, bias), Layer(weight.data.shape, len(layers), last[key], found[key], hidden, count,
                                             bias is not None, classifier, inputs, name)))
    return layers


class Paths:
    """Which modules read the outputs of which, for the leaves of a network."""

    def __init__(self, wiring: Any) -> None:
        self.nodes = {node.path: node for node in wiring.nodes}
        self.path = {id(node.module): node.path for node in wiring.nodes}
        self.readers: dict[str, list[str]] = {}
        for node in wiring.nodes:
            for source in node.sources:
                self.readers.setdefault(source, []).append(node.path)
        self.outputs = wiring.outputs

    def activations(self, module: int) -> tuple[str, ...]:
        """Return the names of the activations that the output of a module, given by its id, passes first."""
        if module not in self.path:
            return ("unknown",)
        return tuple(dict.fromkeys(self.passed(self.path[module])))

    def passed(self, path: str) -> Iterator[str]:
        if path in self.outputs:
            yield "identity"
        for reader in self.readers.get(path, ()):
            names = [kind.__name__ for kind in type(self.nodes[reader].module).__mro__]
            if weights_inside(self.nodes[reader].module):
                yield "identity"
            elif PASSED.isdisjoint(names):
                yield next((name.lower() for name in names if name.lower() in ACTIVATIONS), names[0])
            else:
                yield from self.passed(reader)

    def is_last(self, module: int) -> bool | None:
        """Return whether no layer reads what a module's output leads to; None if that is not known."""
        if module not in self.path:
            return None
        seen, open_ = set[str](), list(self.readers.get(self.path[module], ()))
        while open_:
            path = open_.pop()
            if weights_inside(self.nodes[path].module):
                return False
            if path not in seen:
                seen.add(path)
                open_ += self.readers.get(path, ())
        return True


def weights_inside(module: Any) -> bool:
    """Return whether a module is a layer, or has one inside."""
    return any(weight_of(inner) is not None for _, inner in module.named_modules())
