"""Where the batches of ``fit`` come from: arrays in memory, memory-mapped files, or a stream of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arguments import Array, in_a_line
from ...conversion import Named, check_columns
from ...datasets.batches import chosen_examples, chosen_of
from ...datasets.checks import HINT, Inputs, finite, inputs_and_targets, is_mapped, same_features
from ...errors import ArgumentError, DataError, ShapeError
from ...losses import Loss
from ...modules import Module
from ...modules.core.values import Value, as_values, several, shape_of
from ..metrics import as_inputs, check_targets, true_classes
from ..saving.run_state import has_state, put_state, state_of
from .weights import checked_weights, weights_of_classes

Stream = Iterable[Any] | Callable[[], Iterable[Any]]                # of batches: pairs (x, y), or triples (x, y, weight)
Data = tuple[Inputs, ArrayLike]
Weighted = tuple[Inputs, ArrayLike, ArrayLike]                      # and the weights of the examples
Checked = tuple[Value, NDArray[Any]]                                # examples and targets
Batch = tuple[Value, NDArray[Any], Array | None]                    # and the weights of the examples


class Repeated:
    """Base class: batches of epochs, each of which can be drawn again."""

    def start(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return the states from which the batches of the next epoch follow."""
        return {"rng": rng.bit_generator.state}

    def rewind(self, rng: np.random.Generator, start: Mapping[str, Any]) -> None:
        """Put back the states that ``start`` returned, to draw an epoch again."""
        rng.bit_generator.state = start["rng"]

    def restart(self) -> None:
        """Drop what was drawn ahead of the next epoch: other states have been put into the generator and the stream."""


class InMemory(Repeated):
    """Arrays that have been checked and converted.

    Attributes
    ----------
    data : pair of arrays
        Examples and targets.
    weight : array or None
        The weights of the examples.
    smallest : int
        Number of examples in the smallest batch.
    count : int or None
        Number of batches in an epoch; None: not known, of a stream.
    """

    count: int | None

    def __init__(self, data: Checked, weight: Array | None, batch_size: int) -> None:
        self.data, self.weight, self.batch_size = data, weight, batch_size
        self.smallest, self.count = smallest_batch(len(data[1]), batch_size), number_of_batches(len(data[1]), batch_size)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Return the batches of an epoch. Their order is drawn at the call."""
        (x, y), weight = self.data, self.weight
        chosen = chosen_examples(len(y), self.batch_size, rng, join_single=True)
        return ((chosen_of(x, i), chosen_of(y, i), None if weight is None else chosen_of(weight, i)) for i in chosen)


class AsTheyCome(Repeated):
    """Base class: batches that are checked and converted when they are drawn. Together they may be larger than memory.

    Attributes
    ----------
    data, weight, smallest, count
        Of the first batch, as those of InMemory.
    """

    count: int | None = None

    def __init__(self, net: Module, loss: Loss, first: Any, smallest: int | None = None) -> None:
        self.net = net
        x, y = separated(first, 1)[:2]
        self.data = checked_pair(net, loss, x, y, named(1))
        self.weight = self.checked(first, 1)[2]
        self.smallest = len(self.data[1]) if smallest is None else smallest

    def draw(self, rng: np.random.Generator) -> Iterator[Any]:
        """Return the batches of an epoch, unchecked."""
        raise NotImplementedError

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Return the batches of an epoch. What is drawn for their order is drawn at the call."""
        drawn = self.draw(rng)
        return (self.checked(batch, k) for k, batch in enumerate(drawn, 1))

    def checked(self, batch: Any, k: int) -> Batch:
        """Return batch k, with examples in the network's dtype; the loss checks the targets further."""
        (x, y, *weight), names, net = separated(batch, k), named(k), self.net
        x, y = inputs_and_targets(x, y, names, net.arity)
        x = as_values(finite(names[0], x), net.dtype, names[0], net, net.arity)
        same_features(names[0], x, self.data[0])
        found = checked_weights(f"weight of batch {k}", weight[0], len(y), part=True) if weight else None
        return x, finite(names[1], y), found


class Streamed(AsTheyCome):
    """The batches of a stream. Its first pass begins here, to check the first batch before training."""

    def __init__(self, net: Module, loss: Loss, stream: Any, epochs: int, rng: np.random.Generator) -> None:
        self.stream: Any = stream
        self.begun: Iterator[Any] | None = None
        self.before = self.start(rng)
        begun = iter(stream() if callable(stream) else stream)
        if begun is stream and epochs > 1:
            raise ArgumentError(f"data must give its batches anew for each of {epochs} epochs, got {in_a_line(stream)}, which "
                                "has one pass only; give a function that returns a new one")
        first = next(begun, None)
        if first is None:
            raise DataError(f"data must have at least one batch, got none from {in_a_line(stream)}")
        super().__init__(net, loss, first)
        self.begun = chain([first], begun)
        self.one_pass = begun is stream

    def start(self, rng: np.random.Generator) -> dict[str, Any]:
        if self.begun is not None:
            return self.before
        return super().start(rng) | ({"stream": state_of(self.stream)} if has_state(self.stream) else {})

    def rewind(self, rng: np.random.Generator, start: Mapping[str, Any]) -> None:
        super().rewind(rng, start)
        if has_state(self.stream):
            put_state(self.stream, start["stream"], "fit: data")
        self.restart()

    def restart(self) -> None:
        self.begun = self.begun if self.one_pass else None

    def draw(self, rng: np.random.Generator) -> Iterator[Any]:
        begun, self.begun = self.begun, None
        if begun is not None:
            return begun
        begun = iter(self.stream() if callable(self.stream) else self.stream)
        first = next(begun, None)
        if first is None:
            raise DataError("data must give its batches anew for each epoch, got none in a later one: an iterator has one pass "
                            "only; give a function that returns a new one")
        return chain([first], begun)


class InFiles(AsTheyCome):
    """Memory-mapped arrays, of which only the examples of a batch are read at a time."""

    def __init__(self, net: Module, loss: Loss, x: Any, y: Any, weight: Array | None, batch_size: int) -> None:
        self.arrays = x, y, *(() if weight is None else (weight,))
        self.batch_size, self.count = batch_size, number_of_batches(len(y), batch_size)
        some = slice(0, batch_size)
        super().__init__(net, loss, [chosen_of(a, some) for a in self.arrays], smallest_batch(len(y), batch_size))

    def draw(self, rng: np.random.Generator) -> Iterator[Any]:
        chosen = chosen_examples(len(self.arrays[1]), self.batch_size, rng, join_single=True)
        return ([chosen_of(a, i) for a in self.arrays] for i in chosen)


Source = InMemory | AsTheyCome


def as_source(net: Module, loss: Loss, data: Data | Stream, batch_size: int, epochs: int, sample_weight: ArrayLike | None,
              class_weight: object, rng: np.random.Generator, labels: Sequence[Any] | None = None) -> Source:
    """Return the source of the batches of ``fit``, after checking the data in memory, or the first batch of others."""
    if is_stream(data):
        for name, given in (("sample_weight", sample_weight), ("class_weight", class_weight)):
            if given is not None:
                raise ArgumentError(f"{name} must be None for a stream, whose batches (x, y, weight) hold the weights, got "
                                    f"{in_a_line(given)}")
        return Streamed(net, loss, data, epochs, rng)
    x, y = as_pair(data, "data", hints=True)
    names = "data[0]", "data[1]"
    if any(map(is_mapped, (*(x if isinstance(x, (tuple, list)) else (x,)), y))):
        x, y = inputs_and_targets(x, y, names, net.arity)
        if not is_mapped(y):
            check_targets(net, loss, x, finite(names[1], y, HINT))
        return InFiles(net, loss, x, y, weighted(loss, y, sample_weight, class_weight, labels), batch_size)
    x, y = checked_pair(net, loss, x, y, names)
    return InMemory((x, y), weighted(loss, y, sample_weight, class_weight, labels), batch_size)


def weighted(loss: Loss, y: NDArray[Any], sample_weight: ArrayLike | None, class_weight: object,
             labels: Sequence[Any] | None) -> Array | None:
    """Return the weights of the examples in the cost; None: they all have the weight 1."""
    of_examples = checked_weights("sample_weight", sample_weight, len(y))
    return weights_of_classes(class_weight, None if class_weight is None else true_classes(loss, y), of_examples, labels)


def is_stream(data: Any) -> bool:
    """Whether ``data`` is an iterable of batches, or a function that returns one; tuples and lists are pairs of arrays."""
    if callable(data) and not isinstance(data, (Module, type)):
        return True
    return (isinstance(data, Iterable) and not isinstance(data, (tuple, list, str, bytes, Mapping))
            and not hasattr(data, "__array__"))


def smallest_batch(n: int, batch_size: int) -> int:
    """Return the number of examples in the smallest batch, if a single remaining one joins the batch before it."""
    rest = n % batch_size
    return rest if rest > 1 or rest == n else batch_size


def number_of_batches(n: int, batch_size: int) -> int:
    """Return the number of batches of n examples, if a single remaining one joins the batch before it."""
    return -(-n // batch_size) - (n % batch_size == 1 < n)


def named(k: int) -> tuple[str, str]:
    return f"x of batch {k}", f"y of batch {k}"


def separated(batch: Any, k: int) -> Any:
    """Return batch k of a stream; ArgumentError unless it is a pair or a triple."""
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
        raise ArgumentError(f"data must have batches (x, y) or (x, y, weight), got {kind(batch)} as batch {k}")
    return batch


def as_pair(data: Any, name: str, hints: bool = False) -> Any:
    """Return ``data``; ArgumentError unless it is a pair. With ``hints``, it says what to do with weights, and with batches."""
    batches = hints and are_batches(data)
    if isinstance(data, (tuple, list)) and len(data) == 2 and not batches:
        return data
    hint = ""
    if batches:
        hint = "; of a list of batches, give a function that returns it: lambda: batches"
    elif hints and isinstance(data, (tuple, list)) and len(data) == 3:
        hint = "; weights of the examples are sample_weight"
    raise ArgumentError(f"{name} must be a pair (x, y), got {kind(data)}{hint}")


def are_batches(data: Any) -> bool:
    """Whether data are a list of batches, pairs or triples of arrays; of two of them, whether they can be nothing else."""
    if not isinstance(data, (tuple, list)) or not data:
        return False
    shapes = [[getattr(part, "shape", ()) for part in one] for one in data if isinstance(one, (tuple, list))]
    if len(shapes) < len(data) or not all(len(one) in (2, 3) and one[0] for one in shapes):
        return False
    return len(data) != 2 or all(one[0] != one[1] for one in shapes)        # the rows of an array have equal shapes


def kind(value: Any) -> str:
    return f"a {type(value).__name__} of {len(value)}" if isinstance(value, (tuple, list)) else type(value).__name__


def checked_data(net: Module, loss: Loss, data: Any, name: str) -> Checked:
    """Return examples, in the network's dtype, and targets, after checking that the network and the loss take them."""
    x, y = as_pair(data, name)
    return checked_pair(net, loss, x, y, (f"{name}[0]", f"{name}[1]"))


def checked_validation(net: Module, loss: Loss, data: Any, like: Value) -> Batch:
    """Return ``checked_data`` and weights of the validation, whose examples must have the shape of those to train on."""
    triple = isinstance(data, (tuple, list)) and len(data) == 3
    x, y = checked_data(net, loss, data[:2] if triple else data, "validation")
    same_features("validation[0]", x, like)
    return x, y, checked_weights("validation[2]", data[2], len(y)) if triple else None


def checked_pair(net: Module, loss: Loss, x: Inputs, y: ArrayLike, names: tuple[str, str] = ("x", "y")) -> Checked:
    """Return examples and targets as ``checked_data`` does; ``names`` are those in error messages."""
    check_columns(x, net.feature_names, Named(names[0]))
    inputs, targets = inputs_and_targets(x, y, names=names, arity=net.arity)
    inputs = as_inputs(net, finite(names[0], inputs), names[0])
    targets = finite(names[1], targets, HINT)
    shape = net.output_shape(shape_of(inputs))
    if several(shape):
        raise ShapeError(f"fit: net must have one output, which the loss takes, got {len(shape)}: write the loop "
                         "yourself, with a loss for each output")
    check_targets(net, loss, inputs, targets)
    return inputs, targets
