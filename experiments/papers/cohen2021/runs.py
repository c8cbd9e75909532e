"""The runs of Cohen et al. 2021: gradient descent, whose cost and sharpness are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....arguments import Array
from ....inspection.derivatives.hessians import hessian_eigenvalues
from ....losses import MSE
from ....optim import SGD
from ...lab.data import Source, relabelled, source
from ...lab.loop import Whole, train
from ...lab.networks import dense, initialization

WINDOW = 500                                                        # steps over which the cost must fall
SHOWN = 10                                                          # every so many costs are kept for the figure


def examples_of(data: Source, examples: int, wrong: float, seed: int) -> Whole:
    """Centred images of the training part, drawn by seed, and a row of 0 and 1 for each class; some classes are wrong."""
    assert data.train is not None
    rng = np.random.default_rng([seed, examples])
    chosen = rng.permutation(len(data.train[1]))[:examples]
    x, y = data.prepared(data.train[0][chosen]), relabelled(data.train[1][chosen], wrong, data.classes, rng)
    return Whole(x - x.mean(0), np.eye(data.classes, dtype=np.float32)[y])


def descended(*, data: str, examples: int, wrong: float, init: str, depth: int, width: int, lr: float, steps: int,
              at: Sequence[int], seed: int, digest: str | None = None, checkpoint: Path | None = None) -> dict[str, Any]:
    """Gradient descent of a tanh network on the mean squared error of ``examples``, the share ``wrong`` with a wrong class.

    Returns
    -------
    dict
        ``sharpness``: the largest eigenvalue of the Hessian after each number of steps in ``at``; ``rises``: the share of the
        steps at which the cost rose, in the first and in the last half of training; ``windows``: the cost every ``WINDOW``
        steps; ``costs``: every ``SHOWN``; ``diverged`` as in `train`.
    """
    found = source(data, seed)
    batch = examples_of(found, examples, wrong, seed)
    net = dense(found.features, found.classes, initialization(init).initializer, depth=depth, width=width, seed=seed)
    cost, measured = MSE(), set(at)

    def read(step: int) -> dict[str, Any]:
        row: dict[str, Any] = {"cost": float(cost.forward(net.predict(batch.x), batch.y))}
        if step in measured:
            row["sharpness"] = float(hessian_eigenvalues(net, cost, *batch)[0])
        return row

    ended = train(net, SGD(net.parameters(), lr=lr), batch, steps, at=range(steps + 1), read=read, loss=MSE(),
                  checkpoint=checkpoint)
    costs = np.array([row["cost"] for row in ended.readings])
    return {"diverged": ended.diverged, "sharpness": [row["sharpness"] for row in ended.readings if "sharpness" in row],
            "rises": rises(costs), "windows": costs[::WINDOW].tolist(), "costs": costs[::SHOWN].tolist()}


def rises(costs: Array) -> list[float]:
    """The shares of the steps of the first and of the last half at which the cost rises."""
    up = np.diff(costs) > 0
    return [float(part.mean()) for part in np.array_split(up, 2)]
