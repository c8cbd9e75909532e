"""The library itself, through its public interface, as a user's loop would write it."""

from __future__ import annotations

import retroprop as rp

from .workloads import DROP, MOMENTUM, RATE, Problem, Step, Workload


def network(workload: Workload, problem: Problem, noise: bool = True) -> rp.Sequential:
    """The workload's network with the problem's parameters; without noise, dropout lets everything pass."""
    modules: list[rp.Module] = []
    size, parameters = workload.inputs, iter(problem.parameters)
    for layer in workload.layers:
        if isinstance(layer, int):
            modules.append(rp.Linear(size, layer))
            modules[-1].weight.data, modules[-1].bias.data = next(parameters).T, next(parameters)
            size = layer
        elif layer == "batchnorm":
            modules.append(rp.BatchNorm(size))
            modules[-1].weight.data, modules[-1].bias.data = next(parameters), next(parameters)
        elif layer == "dropout":
            modules.append(rp.Dropout(DROP if noise else 0.0, rng=len(modules)))
        else:
            modules.append({"tanh": rp.Tanh, "relu": rp.ReLU}[layer]())
    return rp.Sequential(*modules)


def retroprop(workload: Workload, problem: Problem, noise: bool = True) -> Step:
    net = network(workload, problem, noise)
    loss = rp.BCEWithLogits() if workload.binary else rp.CrossEntropy()
    sgd = rp.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)
    x, batch = problem.x, workload.batch
    y = problem.y.astype("float32")[:, None] if workload.binary else problem.y

    def run(row: int) -> float:
        cost = loss.forward(net.forward(x[row:row + batch]), y[row:row + batch])
        net.backward(loss.backward(), input_gradient=False)
        net.update()
        sgd.step()
        return cost

    return Step(run, lambda: [parameter.grad.T for parameter in net.parameters()])
