"""The cost of a network on a batch, as a function that can be perturbed and differentiated."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ...arguments import Array, as_floating
from ...datasets.checks import HINT, equally_many, examples, finite
from ...errors import ArgumentError, ShapeError
from ...losses import Loss
from ...modules import Module
from ...modules.core.rewinding import rewound
from ...modules.core.values import as_values, each, parts, shape_of
from ..arguments import finite_cost, net_and_loss

ROUND_OFF = 8 * float(np.finfo(np.float64).eps)                     # of the terms of a cost: four times the largest observed


class BatchCost:
    """The cost as a function without arguments: change one of its arrays in place, then call it.

    Parameters
    ----------
    net, loss : Module and Loss
        Not changed: copies run, in the mode that each module is in, with the same masks in every call.
    x, y : array_like
        A batch. A module of several inputs takes a tuple of arrays.
    dtype : {"float64", "float32"}, default "float64"
        The dtype of the copies.

    Attributes
    ----------
    net, loss, x
        The copies.
    output : array
        The last output of the network.
    examples : int
        Size of the batch.
    inputs : dict of arrays
        x by name: ``"x"``, or ``"x[0]"``, ``"x[1]"``, ... for a tuple; without arrays of integers, which cannot be moved.
    integers : dict of bool
        For each array of x whether it holds integers.
    parameters : dict of arrays
        By the names of ``net.named_parameters()``.
    propagations : int
        How many single examples were propagated forward so far.
    """

    def __init__(self, net: Module, loss: Loss, x: Any, y: ArrayLike, dtype: DTypeLike = "float64") -> None:
        net_and_loss(net, loss)
        self.net, self.loss = deepcopy(net).astype(dtype), deepcopy(loss)
        for parameter in self.net.parameters():
            parameter.frozen = False                                # frozen parameters have gradients too
        self.parameters = {name: parameter.data for name, parameter in self.net.named_parameters()}
        self._rewound = rewound(self.net, self.loss)
        several = net.arity != 1
        self.inputs = named_inputs(as_values(x, None, "x", net, net.arity) if several else x, several, dtype)
        arrays = tuple(self.inputs.values())
        self.x = arrays if several else arrays[0]
        self.examples, self.propagations = len(arrays[0]), 0
        if any(len(a) != self.examples for a in arrays):
            raise ShapeError(f"x must hold arrays with equal numbers of examples, got {', '.join(str(len(a)) for a in arrays)}")
        check_axis_of_examples(self.net, shape_of(self.x))
        self.y = finite("y", examples("y", y), HINT)
        equally_many(arrays[0], self.y, (next(iter(self.inputs)), "y"))
        self.integers = dict(zip(self.inputs, self.net.holds_integers(self.x), strict=True))
        self.inputs = {name: a for name, a in self.inputs.items() if not self.integers[name]}

    def __call__(self, _: object = None) -> float:
        """Return the cost for the current arrays, then restore masks and running statistics for the next call."""
        self.propagations += self.examples
        with self._rewound, self._rewound:
            self.output = self.net.forward(self.x)
            cost = self.loss.forward(self.output, self.y)
        if isinstance(cost, np.ndarray) and cost.ndim:
            raise ArgumentError(f"loss must return one number, got {self.loss!r}, which returns an array of shape {cost.shape}")
        return float(cost)

    def backpropagate(self, input_gradient: bool = True) -> tuple[float, Any]:
        """Run ``forward``, ``backward`` and ``update``; return the cost and dC/dx. NonFiniteError if the cost is not finite."""
        cost = self()
        finite_cost(cost)
        gx = self.net.backward(self.loss.backward(), input_gradient=input_gradient)
        self.net.update()
        return cost, gx

    def point(self) -> Point:
        """Return the cost and its gradients for the current arrays; ArgumentError if the cost does not repeat."""
        for parameter in self.net.parameters():
            parameter.grad = np.zeros(parameter.shape)              # a stale gradient must not hide that update forgets one
        before = self()
        cost, gx = self.backpropagate()
        round_off = ROUND_OFF * (abs(cost) + float(np.abs(self.output * self.net.gradient).sum()))
        if not abs(cost - before) <= round_off:
            raise ArgumentError(f"net and loss must give the same cost each time they run, got {before} and {cost}; a module "
                                "that draws random numbers must keep its numpy.random.Generator as an attribute")
        parameters = {name: parameter.grad.copy() for name, parameter in self.net.named_parameters()}
        inputs = {name: a for name, a in zip(self.integers, parts(gx), strict=True) if name in self.inputs}
        return Point(cost, round_off, parameters, inputs, flows(self.net))


class Point(NamedTuple):
    """The cost at one point, and its gradients by backpropagation."""

    cost: float
    round_off: float                                                # the largest round-off error of the cost
    parameters: dict[str, Array]
    inputs: dict[str, Array]
    flows: dict[str, float]                                         # size of the terms of each parameter's gradient


def named_inputs(x: Any, several: bool, dtype: DTypeLike) -> dict[str, Array]:
    """Return copies of the arrays of x, by their names in tables."""
    arrays = {f"x[{k}]": a for k, a in enumerate(x)} if several else {"x": x}
    return {name: np.array(as_floating(finite(name, examples(name, a)), np.dtype(dtype), name)) for name, a in arrays.items()}


def check_axis_of_examples(net: Module, shape: Any) -> None:
    """Raise ShapeError if axis 0 is not the batch: if the network does not accept a batch of twice the size."""
    net.output_shape(shape)
    try:
        net.output_shape(each(lambda one: (2 * one[0], *one[1:]), shape))
    except ShapeError:
        raise ShapeError(f"x must have a batch axis before the axes that {net!r} reads, got shape {shape}") from None


def flows(net: Module) -> dict[str, float]:
    """Return, after backward, how much gradient reaches each parameter: the sum of |g| over the outputs of its modules."""
    total = dict.fromkeys(net.parameters(), 0.0)
    for _, module in net.named_modules():
        if module.gradient is not None:
            for parameter in module.own_parameters().values():
                total[parameter] += sum(float(np.abs(g).sum()) for g in parts(module.gradient))
    return {name: total[parameter] for name, parameter in net.named_parameters()}
