"""Segments of memory that an optimizer's rule moves in a few calls, and the pieces into which long ones are cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..arguments import Array
from ..modules.core.arrays import gradient_blocks
from ..modules.core.parameter import Parameter
from ..threads import OneThread, together
from .groups import Group

PIECE = 2**16                                                       # numbers of each vector that fit into the cache together
SEVERAL = 2**18                                                     # numbers of a segment from which threads share the pieces

Rule = Callable[["Segment", Array, Array, list[Array], list[Array]], None]


class Piece(NamedTuple):
    """A part of a segment; of a large weight, whose gradient may be factors, the rows of its transpose that it holds."""

    data: Array
    grad: Array
    states: list[Array]
    weight: Parameter | None
    rows: slice


class Segment:
    """Parameters of one group that lie side by side in memory and have made equally many steps.

    The optimizer's rule is given one flat vector for all of them, in pieces of about ``PIECE`` numbers. They are all decayed,
    or all spared. The gradient of a large weight may come as factors: then each piece of it is computed just before it is used,
    and never leaves the cache.
    """

    def __init__(self, group: Group, parameters: list[Parameter], states: Mapping[str, Array], steps: int,
                 buffers: int) -> None:
        self.group, self.parameters, self.states, self.steps, self.number = group, parameters, states, steps, buffers
        first, last = parameters[0], parameters[-1]
        span = slice(first.offset, last.offset + last.data.size)
        self.vectors = (first.flat.data[span], first.flat.grad[span], *states.values())
        self.dtype, self.size = first.dtype, len(self.vectors[0])
        self.large = [parameter for parameter in parameters if gradient_blocks(parameter.shape)]
        self.longest = 0                                            # numbers of a piece
        self.spare = list[list[Array]]()                            # buffers that no thread has: for gradients, and the rule's
        self.whole = self.cut([], PIECE if self.size >= SEVERAL else self.size)
        self.divided: list[Piece] = []                              # made when there are factors
        self.single: tuple[Array, Array, list[Array], list[Array]] | None = None
        if len(self.whole) == 1:
            self.single = *self.whole[0][:3], [np.empty(self.size, self.dtype) for _ in range(buffers)]

    def cut(self, weights: Sequence[Parameter], length: int) -> list[Piece]:
        """Return the pieces; those of these weights are the blocks of their gradients, the others have at most ``length``."""
        ends, origin = list[tuple[int, Parameter | None, slice]](), self.parameters[0].offset
        start = 0
        for weight in weights:
            begin, row = weight.offset - origin, len(weight.data)
            ends += [(end, None, slice(0)) for end in stops(start, begin, length)]
            ends += [(begin + min(rows.stop * row, weight.data.size), weight, rows) for rows in gradient_blocks(weight.shape)]
            start = begin + weight.data.size
        ends += [(end, None, slice(0)) for end in stops(start, self.size, length)]
        pieces, start = list[Piece](), 0
        for end, owner, rows in ends:
            data, grad, *states = (vector[start:end] for vector in self.vectors)
            pieces.append(Piece(data, grad, states, owner, rows))
            start = end
        self.longest = max(self.longest, *(len(piece.data) for piece in pieces))
        self.spare.clear()                                          # they may be too short now
        return pieces

    def compute_constants(self) -> None:
        """Take the group's constants as 0-d arrays of the parameters' dtype: NumPy is slower with Python floats."""
        group: Mapping[str, Any] = self.group
        if spared(group, self.parameters[0]):
            group = {**group, "weight_decay": 0.0}
        self.constants: list[Any] = [None if value is None else np.array(value, self.dtype)
                                     for value in self.group.optimizer.constants(group)]

    def step(self, rule: Rule) -> None:
        """Move all parameters by one step of the rule; if there is a lot to move, in parts on several threads."""
        self.steps += 1
        pieces = self.whole
        if any(weight.factors is not None for weight in self.large):
            pieces = self.divided = self.divided or self.cut(self.large, PIECE)
        elif self.single is not None:
            rule(self, *self.single)
            return
        with OneThread() as threads:
            together([partial(self.move, rule, piece) for piece in pieces], threads if self.size >= SEVERAL else 1)

    def move(self, rule: Rule, piece: Piece) -> None:
        """Move a piece, with buffers that no other thread has meanwhile."""
        data, grad, states, weight, rows = piece
        try:
            buffers = self.spare.pop()
        except IndexError:
            buffers = [np.empty(self.longest, self.dtype) for _ in range(1 + self.number)]
        gradient, *mine = [buffer[:len(data)] for buffer in buffers]
        if weight is not None and weight.factors is not None:
            grad = weight.factors.rows(rows, gradient)
        rule(self, data, grad, states, mine)
        self.spare.append(buffers)


def stops(start: int, end: int, length: int) -> list[int]:
    """Return where the pieces of ``start`` to ``end`` end, if each has at most ``length``."""
    return [*range(start + length, end, length), end] if start < end else []


def spared(group: Mapping[str, Any], parameter: Parameter) -> bool:
    """Whether the weight decay of the group leaves out this parameter: a bias, or a weight of BatchNorm or LayerNorm."""
    return parameter.data.ndim < 2 and not group.get("decay_biases", True) and group["weight_decay"] > 0
