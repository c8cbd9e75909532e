"""Running a network for inspection without changing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from .base import Module


@contextmanager
def unchanged(net: Module) -> Iterator[None]:
    """Put back ``net`` after the ``with`` block: what ``net.preserved_evaluation()`` does, and its buffers and generators."""
    with net.preserved_evaluation(), rewound(net):
        yield


@contextmanager
def rewound(net: Module) -> Iterator[None]:
    """Put back generators and buffers after the ``with`` block, so that the next draws are the same again."""
    rewind = rewinder(net)
    try:
        yield
    finally:
        rewind()


def rewinder(*modules: Module) -> Callable[[], None]:
    """Return a function that puts back the generators and buffers of these networks to their present state."""
    streams = [(g.bit_generator, g.bit_generator.state) for root in modules for _, g in root.named_generators()]
    buffers = [(module, name, getattr(module, name), np.copy(getattr(module, name)))
               for root in modules for _, module in root.named_modules() for name in module.buffers]

    def rewind() -> None:
        for stream, state in streams:
            stream.state = state
        for module, name, array, numbers in buffers:
            array[...] = numbers
            if getattr(module, name) is not array:                  # a forward may have assigned a new array
                setattr(module, name, array)

    return rewind
