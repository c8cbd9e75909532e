"""What is said of a cost that is not finite: which module's output was the first that was not."""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from ..modules import Module
from ..modules.core.values import Value, parts
from .callbacks import Run


def divergence_message(run: Run) -> str:
    """Name the module whose output is not finite, found by running a copy of the network module by module."""
    message = f"fit: the cost of epoch {run.epoch}, batch {run.batch} is {run.cost}"
    net = deepcopy(run.net)
    outputs: list[Value] = []

    def record(module: Module, x: Value) -> Value:
        outputs.append(module.forward(x))
        return outputs[-1]

    net.flow(run.x, record)
    for (path, module), output in zip(net.leaves(), outputs, strict=True):
        if not all(np.isfinite(array).all() for array in parts(output)):
            place = f"module {path}, {module!r}" if path else repr(module)
            return (f"{message}; the first output that is not finite is that of {place}. A smaller learning rate, another "
                    "initialization (Glorot, He) or clip_grad_norm may help")
    return (f"{message}, but the output of every module is finite: check the loss, {run.loss!r}, and the targets; "
            "a smaller learning rate may help")

