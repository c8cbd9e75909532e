"""One batch by hand: the phases of a training step one at a time, with the numbers that each computes and saves."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from ..arguments import Array, real
from ..inspection.derivatives.perturbation import perturb
from ..inspection.recording.records import Record
from ..inspection.recording.tape import Tape
from ..losses import CrossEntropy
from ..modules import Sequential
from ..optim import SGD

PHASES = ("forward", "backward", "update", "step")
NUMBERS = 1024                                                      # of an array, at most: the page draws them as cells
AROUND = np.linspace(-1, 1, 41)                                     # changes of a weight that the page draws the cost at


class ByHand:
    """A copy of a network with a batch, whose phases run one by one.

    Parameters
    ----------
    net : Sequential
        Is not changed.
    x, y : arrays
        The batch.
    lr : float
        Of SGD, which makes the step.
    """

    def __init__(self, net: Sequential, x: Array, y: Array, lr: float) -> None:
        self.net, self.loss, self.x, self.y = deepcopy(net), CrossEntropy(), x, y
        self.optimizer = SGD(self.net.parameters(), lr=lr)
        self.phases = self.run()

    def describe(self) -> dict[str, Any]:
        """Return the number of examples, the modules in their order, and the parameters with their shapes."""
        return {"count": len(self.x), "lr": self.optimizer.lr,
                "modules": [*({"path": path, "module": repr(module)} for path, module in self.net.leaves()),
                            {"path": "loss", "module": repr(self.loss)}],
                "parameters": {name: list(parameter.data.shape) for name, parameter in self.net.named_parameters()}}

    def phase(self) -> dict[str, Any]:
        """Run the next phase, and return its name, the records of the tape, and the cost of the batch."""
        return next(self.phases)

    def run(self) -> Iterator[dict[str, Any]]:
        """Yield after each phase; ``step`` is followed by the ``forward`` of the same batch. The tape stays on in between."""
        tape = Tape((self.net, self.loss), NUMBERS)
        while True:
            del tape.records[:]
            with tape, np.errstate(over="ignore", invalid="ignore", under="ignore"):
                cost = float(self.loss.forward(self.net.forward(self.x), self.y))
                yield self.told("forward", tape, cost)
                self.net.backward(self.loss.backward())
                yield self.told("backward", tape, cost)
                self.net.update()
                yield self.told("update", tape, cost)
            before = {name: parameter.data.copy() for name, parameter in self.net.named_parameters()}
            self.optimizer.step()
            yield {"phase": "step", "cost": cost, "records": [],
                   "changes": [change(name, before[name], parameter.data)
                               for name, parameter in self.net.named_parameters()]}

    def told(self, phase: str, tape: Tape, cost: float) -> dict[str, Any]:
        """Return the records of a phase of the innermost modules and of the loss."""
        inner = {path for path, _ in self.net.leaves()}
        records = [record for record in tape.records if record.phase == phase and (record.root == 1 or record.path in inner)]
        return {"phase": phase, "cost": cost, "records": [as_told(record) for record in records]}

    def nudge(self, name: str, index: tuple[int, ...], delta: float) -> dict[str, Any]:
        """Change one number of a parameter, and change it back.

        Returns
        -------
        dict
            ``value``, ``cost`` and ``gradient`` before the change; ``predicted``, gradient times ``delta``, and ``came``, the
            change of the cost; and ``costs`` at ``deltas`` around the value, for a drawing.
        """
        largest = max(1.0, abs(real("delta", delta)))
        found = perturb(self.net, self.loss, self.x, self.y, name, index, [delta, *(largest * AROUND)])
        return {"name": found.entry, "value": found.value, "cost": found.cost, "gradient": found.gradient,
                "delta": float(delta), "predicted": found.gradient * float(delta), "came": float(found.costs[0]) - found.cost,
                "deltas": found.deltas[1:].tolist(), "costs": found.costs[1:].tolist()}


def as_told(record: Record) -> dict[str, Any]:
    told = record.as_dict()
    return {"path": "loss" if record.root == 1 else record.path,
            "outputs": told["outputs"], "stored": told["stored"]}


def change(name: str, before: Array, after: Array) -> dict[str, Any]:
    """Return what the step of the optimizer did to a parameter."""
    return {"name": name, "shape": list(before.shape),
            "change": (after - before).tolist() if before.size <= NUMBERS else None}
