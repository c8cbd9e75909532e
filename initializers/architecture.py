"""Layer: what the start of a library depends on, for one layer of a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..arguments import one_of, real, sizes
from ..errors import ArgumentError
from .base import fans

ACTIVATIONS = ("tanh", "sigmoid", "softsign", "hardtanh", "relu", "leakyrelu", "elu", "gelu", "silu", "softplus", "softmax",
               "logsoftmax", "identity")
Range = tuple[float, float]


@dataclass(frozen=True)
class Layer:
    """One layer of a network, with what rules of initialization need to know about the whole network.

    Attributes
    ----------
    shape : tuple of int
        Shape of the weight: ``(out, in)``, or ``(out, in, height, width)`` of a convolution.
    index : int
        Number of the layer in the order of forward, from 0.
    last : bool or None
        Whether no other layer follows; None if that is not known.
    found, hidden : tuple of str
        The activations, of ``ACTIVATIONS``, that this layer's output passes first, and those of all layers but the last. A
        rule that needs one takes ``activation`` or ``hidden_activation``, which raise ArgumentError unless there is one.
    parameters : int
        How many numbers all parameters of the network have.
    bias : bool
        Whether the layer has a bias.
    classifier : bool
        Whether the network's outputs stand for classes.
    inputs : (float, float)
        The range of the network's inputs.
    name : str
        What error messages call the layer.
    """

    shape: tuple[int, ...]
    index: int = 0
    last: bool | None = False
    found: tuple[str, ...] = ("tanh",)
    hidden: tuple[str, ...] = ("tanh",)
    parameters: int = 0
    bias: bool = True
    classifier: bool = True
    inputs: Range = (-1.0, 1.0)
    name: str = ""

    @property
    def fan_in(self) -> int:
        return fans(self.shape)[0]

    @property
    def fan_out(self) -> int:
        return fans(self.shape)[1]

    @property
    def kernel(self) -> tuple[int, ...]:
        """The pixels of a convolution's filter; () for a dense layer."""
        return self.shape[2:]

    @property
    def is_last(self) -> bool:
        """``last``; ArgumentError if it is not known."""
        if self.last is None:
            raise ArgumentError(f"start: {self.named()} must be in a Sequential or Graph, which show the layers that follow it")
        return self.last

    @property
    def activation(self) -> str:
        """The activation that the layer's output passes."""
        return self.only(f"the activation after {self.named()}", self.found)

    @property
    def hidden_activation(self) -> str:
        """The activation of all hidden layers; that of a network without hidden layers is "identity"."""
        return self.only("the activation of the hidden layers", self.hidden or ("identity",))

    @staticmethod
    def only(what: str, names: Sequence[str]) -> str:
        if len(names) != 1 or names[0] not in ACTIVATIONS:
            raise ArgumentError(f"start: {what} must be one that the rule can know, got {' and '.join(names) or 'none'}")
        return names[0]

    def named(self) -> str:
        return self.name or f"layer {self.index}"


def chain(*units: int, activation: str = "tanh", classifier: bool = True, inputs: Range = (-1.0, 1.0)) -> list[Layer]:
    """Return the layers of a dense network: ``chain(64, 100, 10)`` has 64 inputs, 100 hidden units and 10 outputs.

    >>> [(layer.fan_in, layer.fan_out, layer.last, layer.activation) for layer in chain(64, 100, 10, activation="relu")]
    [(64, 100, False, 'relu'), (100, 10, True, 'identity')]
    """
    units = sizes(units)
    if len(units) < 2:
        raise ArgumentError(f"units must be two numbers or more, of inputs and of outputs, got {len(units)}")
    one_of("activation", activation, ACTIVATIONS)
    count = len(units) - 2
    return [Layer((outputs, inner), k, k == count, ("identity",) if k == count else (activation,), (activation,) * (count > 0),
                  sum(i * o + o for i, o in pairwise(units)), classifier=classifier, inputs=as_range(inputs))
            for k, (inner, outputs) in enumerate(pairwise(units))]


def as_range(inputs: Range) -> Range:
    """Return ``inputs`` as two floats; ArgumentError unless the first is smaller."""
    if not isinstance(inputs, (tuple, list)) or len(inputs) != 2:
        raise ArgumentError(f"inputs must be the smallest and the largest number of x, such as (0, 1), got {inputs!r}")
    low, high = (real(f"inputs[{k}]", end) for k, end in enumerate(inputs))
    if not low < high or not math.isfinite(high - low):
        raise ArgumentError(f"inputs must be the smallest and the largest number of x, such as (0, 1), got {inputs!r}")
    return low, high
