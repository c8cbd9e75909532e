"""Running a network for inspection without changing it."""

from __future__ import annotations

import numpy as np

from ...restoring import Restored, filling, setting
from .base import Module


def unchanged(*nets: Module) -> Restored:
    """Return a context manager that puts back networks: as ``preserved_evaluation`` does, and their buffers and generators.

    Enter it twice: ``with unchanged(net) as kept, kept: ...``; see Restored.
    """
    kept = rewound(*nets)
    for net in dict.fromkeys(nets):
        kept &= net.preserved_evaluation()
    return kept


def rewound(*nets: Module) -> Restored:
    """Return a context manager that puts back generators and buffers, so that the next draws are the same again.

    Enter it twice: see Restored.
    """
    streams = [generator.bit_generator for net in nets for _, generator in net.named_generators()]
    buffers = [(module, name, getattr(module, name)) for net in nets for _, module in net.named_modules()
               for name in module.buffers]
    return Restored([setting([(stream, "state", stream.state) for stream in streams]),
                     filling([(array, np.copy(array)) for _, _, array in buffers]),
                     setting(buffers)])                             # a forward may have assigned a new array
