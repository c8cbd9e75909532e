"""scikit-learn, for the networks that it offers: one activation throughout, no BatchNorm, no dropout."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier

from ..workloads import BATCHES, RATE, Array, Problem, Step, Workload

STEPS = 50                                                          # per call, so that the checks of partial_fit cost little


def model(workload: Workload, problem: Problem) -> MLPClassifier:
    """Return a network with the problem's parameters and zero velocities."""
    for layer in workload.layers:
        if layer not in ("tanh", "relu") and not isinstance(layer, int):
            raise NotImplementedError(f"scikit-learn has no {layer if isinstance(layer, str) else layer[0]}")
    sizes = [layer for layer in workload.layers if isinstance(layer, int)]
    net = MLPClassifier(sizes[:-1], activation=workload.layers[1], solver="sgd", alpha=0.0, batch_size=workload.batch,
                        learning_rate_init=RATE, momentum=workload.momentum, nesterovs_momentum=False, shuffle=False)
    net.partial_fit(problem.x[:workload.batch], problem.y[:workload.batch], classes=range(max(2, sizes[-1])))
    for own, value in zip(net.coefs_ + net.intercepts_, problem.parameters[::2] + problem.parameters[1::2], strict=True):
        own[...] = value
    for velocity in net._optimizer.velocities:
        velocity[...] = 0
    return net


def partial_fit(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    """Many steps per call of ``partial_fit``. ``noise`` has no effect, since there is no dropout."""
    net, batch = model(workload, problem), workload.batch
    rows = (BATCHES + STEPS) * batch                                # a call can begin with any batch
    x, y = np.resize(problem.x, (rows, *workload.shape)), np.resize(problem.y, rows)

    def run(row: int) -> float:
        part = slice(row, row + STEPS * batch)
        net.partial_fit(x[part], y[part])
        return net.loss_

    def gradients() -> list[Array]:
        """Return the gradients of a first step from zero velocities, after which v = -RATE g."""
        net = model(workload, problem)
        net.partial_fit(x[:batch], y[:batch])
        gradients = [velocity / -RATE for velocity in net._optimizer.velocities]
        half = len(gradients) // 2                                  # weights, then biases
        return [gradient for pair in zip(gradients[:half], gradients[half:], strict=True) for gradient in pair]

    return Step(run, gradients, STEPS)
