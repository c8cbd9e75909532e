"""Looking at a network without leaving a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from .base import Module


@contextmanager
def unchanged(net: Module) -> Iterator[None]:
    """Whatever runs inside leaves ``net`` as it was: as ``net.undisturbed()``, and its buffers and generators too."""
    with net.undisturbed(), rewound(net):
        yield


@contextmanager
def rewound(net: Module) -> Iterator[None]:
    """What is drawn inside is drawn again afterwards: generators and buffers are put back."""
    rewind = rewinder(net)
    try:
        yield
    finally:
        rewind()


def rewinder(*modules: Module) -> Callable[[], None]:
    """A function that puts the generators and buffers of these trees back to where they are now."""
    streams = [(g.bit_generator, g.bit_generator.state) for root in modules for _, g in root.named_generators()]
    buffers = [(module, name, getattr(module, name), np.copy(getattr(module, name)))
               for root in modules for _, module in root.named_modules() for name in module.buffers]

    def rewind() -> None:
        for stream, state in streams:
            stream.state = state
        for module, name, array, kept in buffers:
            array[...] = kept
            if getattr(module, name) is not array:                  # a forward may bind it anew
                setattr(module, name, array)

    return rewind
