"""The run that most of the papers need: a dense network, trained by plain SGD, whose errors are read at chosen steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...modules import Sequential
from ...optim import SGD
from ...training import accuracy
from .data import Source, source
from .loop import train
from .networks import FITTED, fit_start, network, start


def errors(*, data: str, activation: str, init: str, depth: int, width: int, lr: float, batch_size: int, steps: int,
           at: Sequence[int], seed: int, momentum: float = 0.0, batch_norm: bool = False, digest: str | None = None,
           kept: Path | None = None) -> dict[str, Any]:
    """Test error after each number of steps in ``at`` (and the validation error, where there is such a part).

    ``digest`` decides nothing here: it makes runs on other files of the same name other runs.
    """
    found, (label, initializer) = source(data), start(init)
    net = network(found.features, found.classes, initializer, activation=activation, depth=depth, width=width,
                  batch_norm=batch_norm, seed=seed)
    fit_start(label, net, found.some(FITTED))
    sgd = SGD(net.parameters(), lr=lr, momentum=momentum)
    trained = train(net, sgd, found.stream(batch_size, seed), steps, at=at, kept=kept,
                    read=lambda step: error_of(net, found))
    return {"readings": trained.readings, "diverged": trained.diverged}


def error_of(net: Sequential, found: Source) -> dict[str, float]:
    """Shares of the test, and of the validation examples, that are wrong."""
    parts = {"error": "test"} | ({} if found.validation is None else {"validation": "validation"})
    return {name: 1 - accuracy(net.predict(x, 1000), y) for name, (x, y) in
            ((name, found.part(part)) for name, part in parts.items())}


def error_at(step: int | None = None) -> Any:
    """A function that picks from a result the error after ``step`` steps, by default the last one; 1 if it diverged before."""
    def pick(result: dict[str, Any]) -> float:
        if result["diverged"] is not None and (step is None or step > result["diverged"]):
            return 1.0
        rows = result["readings"] if step is None else [row for row in result["readings"] if row["step"] == step]
        return float(rows[-1]["error"])
    return pick
