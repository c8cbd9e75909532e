"""The order of numbers in the rows of Keras, where images have their channels last: which arrays meet such rows."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..arguments import Array
from ..errors import ArgumentError, StateError
from ..modules import Add, BatchNorm, Concat, Conv2d, Flatten, Function, GlobalAvgPool2d, Linear, Module, Multiply, Reshape
from ..training.saving.renaming import joined

PLAIN = 1                                                           # rows that are no images, or those of one channel
IMAGES, ROWS, INPUT, OTHER = "images", "rows", "input", "other"
INSTEAD = "take a model whose images have their channels first"


class Tensor(NamedTuple):
    """What passes between modules: ``images`` with their channels, ``rows`` with their order, ``other`` arrays, in plain order.

    ``input``: that of the network, images or rows; the channels of images, if they are known.
    """

    kind: str
    channels: int | None = None
    order: int = -1


class Rows:
    """Follows a network and finds in which order Keras has the numbers of each row.

    Rows of an order c were flattened from images of c channels, or become such images; (pixels, channels) in Keras are
    (channels, pixels) here. Modules hand the order of their input on, but a Linear: it has one at its input and one at its
    output.

    Parameters
    ----------
    last : bool
        Whether images of the Keras model have their channels last.
    flat_last : bool
        Whether its Flatten gives rows with the channels last.

    Attributes
    ----------
    arrays : list of (name, axis, order)
        The arrays of the network whose axis is that of rows.
    norms : dict of kind by path
        What each BatchNorm normalizes.
    """

    def __init__(self, net: Module, given: Tensor, last: bool, flat_last: bool) -> None:
        self.last, self.flat_last = last, flat_last
        self.parents: list[int] = []
        self.channels: dict[int, int] = {}                          # by the orders that are known
        self.arrays: list[tuple[str, int, int]] = []
        self.norms: dict[str, str] = {}
        wiring, known = net.wiring(), {}
        for name in wiring.inputs:
            known[name] = given._replace(order=self.order(PLAIN)) if given.kind == ROWS else given
        for path, module, sources in wiring.nodes:
            self.at = f"{path}, {module!r}" if path else repr(module)
            known[path] = self.after(path, module, [known[name] for name in sources])
        for name in wiring.outputs:
            if known[name].kind == ROWS:
                self.at = "the output"
                self.settle(known[name], PLAIN)

    def moved(self, state: dict[str, Array]) -> dict[str, Array]:
        """Return the arrays of a state that stand in another order here."""
        found: dict[str, Array] = {}
        for name, axis, order in self.arrays:
            channels = self.channels.get(self.root(order), PLAIN)
            if channels != PLAIN:
                found[name] = reordered(found.get(name, state[name]), axis, channels)
        return found

    # ------------------------------------------------------------------ orders: numbers that may turn out to be the same

    def order(self, channels: int | None = None) -> int:
        """Return a new order, of rows of images with that many channels if they are given."""
        self.parents.append(new := len(self.parents))
        if channels is not None:
            self.channels[new] = channels
        return new

    def root(self, order: int) -> int:
        while self.parents[order] != order:
            order = self.parents[order]
        return order

    def join(self, a: int, b: int) -> int:
        """Make two orders the same one."""
        a, b = self.root(a), self.root(b)
        found = {self.channels[each] for each in (a, b) if each in self.channels}
        if len(found) > 1:
            low, high = sorted(found)
            raise StateError(f"from_keras: {self.at}, meets rows in two orders: numbers of images with {high} channels, and "
                             f"{'others' if low == PLAIN else f'those of images with {low}'}; {INSTEAD}")
        self.parents[b] = a
        if found:
            self.channels[a] = found.pop()
        return a

    def settle(self, x: Tensor, channels: int) -> int:
        """Give rows the order of images with so many channels; what is no row of a module has the plain order."""
        return self.join(x.order if x.kind == ROWS else self.order(PLAIN), self.order(channels if self.last else PLAIN))

    # ------------------------------------------------------------------ modules

    def after(self, path: str, module: Module, read: list[Tensor]) -> Tensor:
        """Return what a module makes of what it reads, and note its arrays."""
        x = read[0]
        if isinstance(module, Conv2d):
            return Tensor(IMAGES, module.out_channels)
        if isinstance(module, GlobalAvgPool2d):
            return Tensor(ROWS, order=self.order(PLAIN))
        if isinstance(module, (Flatten, Reshape)):
            return self.reshaped(x, None if isinstance(module, Flatten) else module.shape)
        if isinstance(module, BatchNorm):
            return self.normalized(path, module, x)
        if isinstance(module, Linear):
            return self.linear(path, x, module.bias is not None)
        if isinstance(module, (Add, Multiply, Concat)):
            return self.together(module, read)
        if isinstance(module, Function) or module.children() or len(read) > 1:
            for each in read:                                       # whatever it computes
                if each.kind == ROWS:
                    self.settle(each, PLAIN)
            return Tensor(IMAGES if any(each.kind in (IMAGES, INPUT) for each in read) else OTHER)
        return x

    def linear(self, path: str, x: Tensor, with_bias: bool) -> Tensor:
        if x.kind == IMAGES and x.channels is not None and self.last:
            raise StateError(f"from_keras: {self.at}, computes along the width of images, where Keras has the channels; "
                             "flatten them before")
        if x.kind in (IMAGES, OTHER):
            return x
        new = self.order()
        order = x.order if x.kind == ROWS else self.order(PLAIN)
        self.arrays += [(joined(path, "weight"), 1, order), (joined(path, "weight"), 0, new)]
        self.arrays += [(joined(path, "bias"), 0, new)] if with_bias else []
        return Tensor(ROWS, order=new)

    def normalized(self, path: str, module: BatchNorm, x: Tensor) -> Tensor:
        self.norms[path] = x.kind
        if x.kind == ROWS:
            self.arrays += [(joined(path, name), 0, x.order) for name in ("weight", "bias", *module.buffers)]
        return x._replace(channels=module.weight.data.size) if x.kind == INPUT else x

    def reshaped(self, x: Tensor, shape: tuple[int, ...] | None) -> Tensor:
        """Flatten, which ``shape`` None stands for, and Reshape."""
        if shape is None or len(shape) == 1:
            return self.flattened(x)
        if len(shape) != 3:
            self.demand_plain(x)
            return Tensor(OTHER)
        channels = shape[0] if shape[0] > 0 else None
        if self.last and channels is None:
            raise StateError(f"from_keras: {self.at}, must tell the channels of its images, the first size")
        if x.kind == IMAGES:
            if x.channels != channels:
                self.demand_plain(x)
                self.settle(Tensor(OTHER), channels or PLAIN)
        else:
            self.settle(x, channels or PLAIN)
        return Tensor(IMAGES, channels)

    def flattened(self, x: Tensor) -> Tensor:
        if x.kind == ROWS:
            return x
        if x.kind == INPUT and x.channels is None and self.flat_last:
            raise ArgumentError("from_keras: channels must be given, those of the images that net flattens (1 for rows), since "
                                "the source does not tell them")
        if self.flat_last and (not self.last if x.kind == OTHER else x.channels is None):
            raise StateError(f"from_keras: {self.at}, flattens arrays whose channels are not known; {INSTEAD}")
        known = x.kind != OTHER and self.flat_last
        return Tensor(ROWS, order=self.order(x.channels if known else PLAIN))

    def demand_plain(self, x: Tensor) -> None:
        """Refuse to mix the pixels of images that have several channels."""
        if x.kind == IMAGES and x.channels != 1 and self.last:
            raise StateError(f"from_keras: {self.at}, mixes the pixels and channels of images, whose order differs; {INSTEAD}")
        if x.kind == ROWS:
            self.settle(x, PLAIN)

    def together(self, module: Module, read: list[Tensor]) -> Tensor:
        """Sums, products and joined arrays."""
        x = next((each for each in read if each.kind not in (INPUT, OTHER)), read[0])
        if x.kind == ROWS:
            orders = [each.order if each.kind == ROWS else self.order(PLAIN) for each in read]
            orders += [self.order(PLAIN)] if isinstance(module, Concat) else []
            return x._replace(order=[self.join(orders[0], each) for each in orders][-1])
        if x.kind == IMAGES and isinstance(module, Concat) and module.axis in (1, -3):
            counts = [each.channels for each in read]
            return Tensor(IMAGES, None if None in counts else sum(filter(None, counts)))
        return x._replace(channels=None) if isinstance(module, Concat) and x.kind == INPUT else x


def reordered(array: Array, axis: int, channels: int) -> Array:
    """Return an array with an axis that holds (pixels, channels) as (channels, pixels)."""
    size = array.shape[axis]
    if size % channels:
        raise StateError(f"from_keras: what meets flattened images must have a multiple of {channels} numbers, their channels, "
                         f"got {size}")
    parts = array.reshape(*array.shape[:axis], -1, channels, *array.shape[axis + 1:])
    return parts.swapaxes(axis, axis + 1).reshape(array.shape)


def input_of(shape: Any, channels: int | None, last: bool) -> Tensor:
    """Return what the network's input is: of the shape that the source tells, None where it does not, and of those channels."""
    if not isinstance(shape, (tuple, list)) or len(shape) < 2 or isinstance(shape[0], (tuple, list)):
        return Tensor(INPUT, channels)
    if len(shape) == 4:
        told = shape[-1] if last else shape[1]
        if None not in (told, channels) and told != channels:
            raise ArgumentError(f"from_keras: channels must be {told}, as the source tells, got {channels}")
        return Tensor(IMAGES, told if channels is None else channels)
    return Tensor(ROWS) if len(shape) == 2 else Tensor(OTHER)
