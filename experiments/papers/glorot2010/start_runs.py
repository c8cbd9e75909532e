"""What Glorot & Bengio measure before any training: layers, signals through depth and width, and a cost surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....arguments import Array
from ....inspection.diagnosis.layers import LayerStatistics, hidden_activations, layer_statistics, preactivations
from ....losses import MSE, CrossEntropy, Loss
from ....modules import Identity, Linear, Module, ReLU, Sequential, Softmax, Tanh
from ...lab.data import source
from ...lab.networks import ACTIVATIONS, network, start

IMAGES = 300                                                        # the paper's fixed set of examples
KINDS: dict[str, type[Module]] = {"linear": Identity, "tanh": Tanh, "relu": ReLU}
EXAMPLES = 100                                                      # Gaussian ones, that pass the networks of ``signals``


def layers(*, data: str, activation: str, init: str, width: int, depth: int, examples: int, seed: int,
           digest: str | None = None) -> dict[str, Any]:
    """Numbers of each hidden layer at the start, on the images.

    Lists, an entry a layer: ``weight`` (n_in Var W), ``ratio`` (n_in over the mean of n_in and n_out), ``activation`` (std of
    z), ``magnitude`` (mean \\|z\\|), ``gradient`` (Var dC/ds), ``weight_gradient`` (std of dC/dW); and ``singular``, the mean
    singular value of the Jacobians dz/dz of layer 2 and those above it, over ``examples`` images.
    """
    net, read = looked_at(data, activation, init, width, depth, seed)
    s, z = preactivations(read), hidden_activations(read)
    weights = [parameter for name, parameter in net.named_parameters() if name.endswith("weight")][:depth]
    fans = [weight.shape[::-1] for weight in weights]
    singular = [singular_values(weight.data, flat(layer), activation, examples)
                for weight, layer in zip(weights[1:], s[1:], strict=True)]
    return {"weight": [n_in * float(weight.data.var(dtype=float)) for weight, (n_in, _) in zip(weights, fans, strict=True)],
            "ratio": [2 * n_in / (n_in + n_out) for n_in, n_out in fans],
            "activation": [layer.std for layer in z],
            "magnitude": [float(np.abs(flat(layer)).mean(dtype=float)) for layer in z],
            "gradient": [float(layer.gradient_std or 0.0) ** 2 for layer in s],
            "weight_gradient": [float(weight.grad.std(dtype=float)) for weight in weights],
            "singular": float(np.mean(singular))}


def histograms(*, data: str, activation: str, init: str, width: int, depth: int, bins: int, seed: int,
               digest: str | None = None) -> dict[str, Any]:
    """Shares of z, dC/ds and dC/dW of each hidden layer in equal bins from -``bound`` to ``bound``.

    Gradients are in units of the last hidden layer's standard deviation, and what lies beyond the bound counts to its bin.
    """
    net, read = looked_at(data, activation, init, width, depth, seed)
    weights = [parameter for name, parameter in net.named_parameters() if name.endswith("weight")][:depth]
    found = {"activation": [flat(layer) for layer in hidden_activations(read)],
             "gradient": [np.asarray(layer.gradient) for layer in preactivations(read)],
             "weight_gradient": [weight.grad for weight in weights]}
    units = {name: 1.0 if name == "activation" else float(arrays[-1].std(dtype=float)) for name, arrays in found.items()}
    bounds = {"activation": 1.0, "gradient": 3.0, "weight_gradient": 3.0}
    return {name: {"bound": bounds[name], "unit": units[name],
                   "shares": [shares(a / units[name], bounds[name], bins) for a in arrays],
                   "std": [float(a.std(dtype=float)) for a in arrays]} for name, arrays in found.items()}


def looked_at(data: str, activation: str, init: str, width: int, depth: int, seed: int
              ) -> tuple[Sequential, list[LayerStatistics]]:
    """A network at its start, its layers on the images, and the gradients of its weights."""
    found, loss = source(data), CrossEntropy()
    x, y = (a[:IMAGES] for a in found.part())
    net = network(found.features, found.classes, start(init)[1], activation=activation, depth=depth, width=width, seed=seed)
    read = layer_statistics(net, x, loss, y)
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    net.update()
    return net, read


def flat(layer: LayerStatistics) -> Array:
    return np.asarray(layer.activation)


def shares(a: Array, bound: float, bins: int) -> list[float]:
    counts = np.histogram(a.clip(-bound, bound), bins, (-bound, bound))[0]
    return [float(count) / a.size for count in counts]


def singular_values(weight: Array, s: Array, activation: str, examples: int) -> float:
    """Mean singular value of diag(f'(s)) W over the first examples."""
    f = ACTIVATIONS[activation]()
    slopes = f.backward(np.ones_like(f.forward(s[:examples])))
    return float(np.mean([np.linalg.svd(slope[:, None] * weight, compute_uv=False) for slope in slopes]))


def signals(*, init: str, width: int, depth: int, seed: int) -> dict[str, Any]:
    """Gaussian examples forward, a Gaussian gradient back, through equal layers: linear, tanh and ReLU, of the same weights.

    For each kind, lists with an entry a layer: ``forward``, the mean square of s; ``backward``, of dC/ds, both relative to what
    went in; ``update``, of dC/dW. And ``gain``, n Var W as the initializer promises it.
    """
    rng, initializer = np.random.default_rng(seed), start(init)[1]
    linears = [Linear(width, width, bias=False, weight_init=initializer, dtype="float64", rng=rng) for _ in range(depth)]
    x, g = rng.standard_normal((2, EXAMPLES, width))
    variance = float(initializer.variance((width, width)))          # type: ignore[attr-defined]
    return {"gain": width * variance} | {kind: passed(linears, f, x, g) for kind, f in KINDS.items()}


def passed(linears: Sequence[Linear], kind: type[Module], x: Array, g: Array) -> dict[str, list[float]]:
    """The examples forward and the gradient back, with what is left of both at each layer."""
    functions = [kind() for _ in linears[1:]]
    sent, forward, backward, update = x, [], [], []
    for k, linear in enumerate(linears):
        s = linear.forward(sent if k == 0 else functions[k - 1].forward(sent))
        forward.append(mean_square(s) / mean_square(x))
        sent = s
    for k in reversed(range(len(linears))):
        backward.append(mean_square(g))
        back: Any = linears[k].backward(g)
        linears[k].update()
        update.append(mean_square(linears[k].weight.grad))
        g = functions[k - 1].backward(back) if k else back
    return {"forward": forward, "backward": [value / backward[0] for value in backward[::-1]], "update": update[::-1]}


def mean_square(a: Array) -> float:
    return float(np.square(a, dtype=float).mean())


def surface(*, reach: float, points: int, seed: int) -> dict[str, Any]:
    """Both costs over one weight of the first and one of the second layer of a small network on random data.

    Both weights go from -``reach`` to ``reach``, all others stay. ``costs`` has a table for each, a row a value of the first
    weight; ``plateau`` is the share of the table at which the gradient with respect to the two weights is shorter than a
    twentieth of its largest length.
    """
    rng = np.random.default_rng(seed)
    net = Sequential(Linear(2, 2, dtype="float64", rng=rng), Tanh(), Linear(2, 2, dtype="float64", rng=rng))
    weights = [parameter for name, parameter in net.named_parameters() if name.endswith("weight")]
    x, y = rng.standard_normal((20, 2)), rng.integers(2, size=20)
    values = np.linspace(-reach, reach, points)
    ends: dict[str, tuple[Module, Loss, Array]] = {"cross-entropy": (Identity(), CrossEntropy(), y),
                                                   "quadratic": (Softmax(), MSE(), np.eye(2)[y])}
    found: dict[str, Any] = {"costs": {}, "plateau": {}}
    for name, (end, loss, target) in ends.items():
        table, slopes = np.empty((points, points)), np.empty((points, points))
        for i, j in np.ndindex(points, points):
            weights[0].data[0, 0], weights[1].data[0, 0] = values[i], values[j]
            table[i, j] = loss.forward(end.forward(net.forward(x)), target)
            net.backward(end.backward(loss.backward()))
            net.update()
            slopes[i, j] = np.hypot(weights[0].grad[0, 0], weights[1].grad[0, 0])
        found["costs"][name] = table.tolist()
        found["plateau"][name] = float((slopes < 0.05 * slopes.max()).mean())
    return found
