"""The cost of a network on a batch as a function of its numbers: what can be perturbed and differentiated."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..datasets.checks import examples, finite
from ..errors import ArgumentError, NonFiniteError, ShapeError
from ..initializers.base import Array
from ..losses import Loss
from ..modules import Module
from ..modules.parameter import as_numbers
from ..modules.values import as_values


class BatchCost:
    """A function without arguments of its own: perturb one of its ``variables`` in place, and call it.

    Parameters
    ----------
    net, loss : Module and Loss
        Left as they are: copies are evaluated, in the mode that each module is in, always with the same masks.
    x, y : array_like
        A batch. A module of several inputs takes a tuple of arrays.
    dtype : {"float64", "float32"}, default "float64"
        In which the copy computes.

    Attributes
    ----------
    net, loss, x : the copies
    output : array
        What the network returned last.
    examples : int
        In the batch.
    inputs : dict of arrays
        x by name: ``"x"``, or ``"x[0]"``, ``"x[1]"``, ... of a tuple.
    parameters : dict of arrays
        By the names of ``net.named_parameters()``.
    propagations : int
        How many single examples have been propagated forward up to now.
    """

    def __init__(self, net: Module, loss: Loss, x: Any, y: ArrayLike, dtype: DTypeLike = "float64") -> None:
        for name, value, kind in (("net", net, Module), ("loss", loss, Loss)):
            if not isinstance(value, kind):
                raise ArgumentError(f"{name} must be a {kind.__name__}, got {value!r}")
        self.net, self.loss, self.y = deepcopy(net).astype(dtype), deepcopy(loss), y
        for parameter in self.net.parameters():
            parameter.frozen = False                                # what does not train has a gradient all the same
        self.parameters = {name: parameter.data for name, parameter in self.net.named_parameters()}
        several = net.arity != 1
        self.inputs = named_inputs(as_values(x, None, "x", net, net.arity) if several else x, several, dtype)
        arrays = tuple(self.inputs.values())
        self.x = arrays if several else arrays[0]
        self.examples, self.propagations = len(arrays[0]), 0
        if any(len(a) != self.examples for a in arrays):
            raise ShapeError(f"x must hold arrays of equally many examples, got {', '.join(str(len(a)) for a in arrays)}")
        streams = [generator.bit_generator for _, generator in self.net.named_generators()]
        self._streams = [(stream, stream.state) for stream in streams]
        self._buffers = [(module, name, getattr(module, name).copy())
                         for _, module in self.net.named_modules() for name in module.buffers]

    def __call__(self, _: object = None) -> float:
        """The cost where the variables are now. Masks and running statistics are afterwards as before, for the next call."""
        self.propagations += self.examples
        try:
            self.output = self.net.forward(self.x)
        finally:
            for stream, state in self._streams:
                stream.state = state
            for module, name, kept in self._buffers:
                getattr(module, name)[...] = kept
        cost = self.loss.forward(self.output, self.y)
        if isinstance(cost, np.ndarray) and cost.ndim:
            raise ArgumentError(f"loss must return one number, got {self.loss!r}, which returns an array of shape {cost.shape}")
        return float(cost)

    def backpropagate(self) -> tuple[float, Any]:
        """One ``forward``, ``backward`` and ``update``: the cost and dC/dx."""
        cost = self()
        gx = self.net.backward(self.loss.backward())
        self.net.update()
        return cost, gx

    def point(self) -> Point:
        """The cost and its gradients where the variables are now."""
        for parameter in self.net.parameters():
            parameter.grad = np.zeros(parameter.shape)              # one that update forgets must not show
        cost, gx = self.backpropagate()
        if not math.isfinite(cost):
            raise NonFiniteError(f"the cost of this batch is {cost}: it has no derivative")
        arrays = gx if isinstance(gx, tuple) else (gx,)
        return Point(cost, abs(cost) + float(np.abs(self.output * self.net.gradient).sum()),
                     {name: parameter.grad.copy() for name, parameter in self.net.named_parameters()},
                     dict(zip(self.inputs, arrays, strict=True)))


class Point(NamedTuple):
    """What backpropagation gives at one point."""

    cost: float
    scale: float                                                    # of the terms that add up to the cost: they round
    parameters: dict[str, Array]
    inputs: dict[str, Array]


def named_inputs(x: Any, several: bool, dtype: DTypeLike) -> dict[str, Array]:
    """Copies of the arrays of x, by the names that tables give them."""
    arrays = {f"x[{k}]": a for k, a in enumerate(x)} if several else {"x": x}
    return {name: np.array(finite(name, examples(name, as_numbers(a, name))), dtype) for name, a in arrays.items()}
