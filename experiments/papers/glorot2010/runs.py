"""The runs of Glorot & Bengio 2010 that train nothing: layers, signals through depth and width, and a cost surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....arguments import Array
from ....inspection.diagnosis.layers import LayerStatistics, hidden_activations, layer_statistics, preactivations
from ....losses import MSE, CrossEntropy, Loss
from ....modules import Identity, Linear, Module, Parameter, ReLU, Sequential, Softmax, Tanh
from ...lab.data import source
from ...lab.networks import ACTIVATIONS, dense, initialization

IMAGES = 300                                                        # of the paper's fixed set, on which layers are read
KINDS: dict[str, type[Module]] = {"linear": Identity, "tanh": Tanh, "relu": ReLU}
EXAMPLES = 100                                                      # Gaussian inputs of the networks of ``signals``


def layers(*, data: str, activation: str, init: str, width: int, depth: int, seed: int, examples: int = 1,
           digest: str | None = None) -> dict[str, Any]:
    """Numbers of each hidden layer of an untrained network, on images.

    Lists with one entry per layer: ``weight`` (n_in Var W), ``ratio`` (n_in over the mean of n_in and n_out), ``activation``
    (std of z), ``magnitude`` (mean \\|z\\|), ``gradient`` (Var dC/ds), ``weight_gradient`` (std of dC/dW). ``singular`` is the
    mean singular value of the Jacobians dz/dz of layer 2 and those above it, over ``examples`` images; ``singular_linear``
    that of layer 2's weight, which is the Jacobian where f' is 1.
    """
    s, z, weights = untrained(data, activation, init, width, depth, seed)
    fans = [weight.shape[::-1] for weight in weights]
    singular = [singular_values(weight.data, flat(layer), activation, examples)
                for weight, layer in zip(weights[1:], s[1:], strict=True)]
    return {"weight": [n_in * float(weight.data.var(dtype=float)) for weight, (n_in, _) in zip(weights, fans, strict=True)],
            "ratio": [2 * n_in / (n_in + n_out) for n_in, n_out in fans],
            "activation": [layer.std for layer in z],
            "magnitude": [float(np.abs(flat(layer)).mean(dtype=float)) for layer in z],
            "gradient": [float(layer.gradient_std or 0.0) ** 2 for layer in s],
            "weight_gradient": [float(weight.grad.std(dtype=float)) for weight in weights],
            "singular": float(np.mean(singular)),
            "singular_linear": float(np.linalg.svd(weights[1].data, compute_uv=False).mean())}


def histograms(*, data: str, activation: str, init: str, width: int, depth: int, bins: int, seed: int) -> dict[str, Any]:
    """Shares of z, dC/ds and dC/dW of each hidden layer in equal bins from -``bound`` to ``bound``.

    Gradients are in units of the last hidden layer's standard deviation. The outermost bins also count what lies beyond them.
    """
    s, z, weights = untrained(data, activation, init, width, depth, seed)
    found: dict[str, Any] = {}
    for name, arrays in (("activation", [flat(layer) for layer in z]),
                         ("gradient", [np.asarray(layer.gradient) for layer in s]),
                         ("weight_gradient", [weight.grad for weight in weights])):
        unit, bound = (1.0, 1.0) if name == "activation" else (float(arrays[-1].std(dtype=float)), 3.0)
        found[name] = {"bound": bound, "unit": unit, "shares": [shares(a / unit, bound, bins) for a in arrays],
                       "std": [float(a.std(dtype=float)) for a in arrays]}
    return found


def untrained(data: str, activation: str, init: str, width: int, depth: int, seed: int
              ) -> tuple[list[LayerStatistics], list[LayerStatistics], list[Parameter]]:
    """Sums and activations of the hidden layers of an untrained network on images, and their weights with gradients."""
    found, loss = source(data, seed), CrossEntropy()
    x, y = (a[:IMAGES] for a in found.part())
    net = dense(found.features, found.classes, initialization(init).initializer, activation=activation, depth=depth,
                width=width, seed=seed)
    records = layer_statistics(net, x, loss, y)
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    net.update()
    weights = [parameter for parameter in net.parameters() if parameter.data.ndim > 1]
    return preactivations(records), hidden_activations(records), weights[:depth]


def flat(layer: LayerStatistics) -> Array:
    return np.asarray(layer.activation)


def shares(a: Array, bound: float, bins: int) -> list[float]:
    counts = np.histogram(a.clip(-bound, bound), bins, (-bound, bound))[0]
    return [float(count) / a.size for count in counts]


def singular_values(weight: Array, s: Array, activation: str, examples: int) -> float:
    """Mean singular value of diag(f'(s)) W over the first examples."""
    f = ACTIVATIONS[activation]()
    derivatives = f.backward(np.ones_like(f.forward(s[:examples])))
    return float(np.mean([np.linalg.svd(derivative[:, None] * weight, compute_uv=False) for derivative in derivatives]))


def signals(*, init: str, width: int, depth: int, seed: int) -> dict[str, Any]:
    """Gaussian examples go forward, and a Gaussian gradient back, through linear, tanh and ReLU layers of the same weights.

    For each kind of layer, lists with an entry a layer: the mean squares of s, ``forward``, of dC/ds, ``backward``, both
    relative to those of what went in, and of dC/dW, ``update``. And ``gain``, the n Var W that the initializer promises.
    """
    rng, initializer = np.random.default_rng(seed), initialization(init).initializer
    linears = [Linear(width, width, bias=False, weight_init=initializer, dtype="float64", rng=rng) for _ in range(depth)]
    x, g = rng.standard_normal((2, EXAMPLES, width))
    variance = float(initializer.variance((width, width)))          # type: ignore[attr-defined]
    return {"gain": width * variance} | {kind: passed(linears, f, x, g) for kind, f in KINDS.items()}


def passed(linears: Sequence[Linear], kind: type[Module], x: Array, g: Array) -> dict[str, list[float]]:
    """Send the examples forward and the gradient back through the layers, and measure both at each."""
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
    """Two costs of a small network on random data, over one weight of its first and one of its second layer.

    Both weights go from -``reach`` to ``reach``; all others stay. ``costs`` has a table for each cost, with a row for each
    value of the first weight; ``plateau`` is the share of a table at which the gradient with respect to the two weights is
    shorter than a twentieth of its largest length.
    """
    rng = np.random.default_rng(seed)
    first, second = (Linear(2, 2, dtype="float64", rng=rng) for _ in range(2))
    net = Sequential(first, Tanh(), second)
    x, y = rng.standard_normal((20, 2)), rng.integers(2, size=20)
    values = np.linspace(-reach, reach, points)
    ends: dict[str, tuple[Module, Loss, Array]] = {"cross-entropy": (Identity(), CrossEntropy(), y),
                                                   "quadratic": (Softmax(), MSE(), np.eye(2)[y])}
    found: dict[str, Any] = {"costs": {}, "plateau": {}}
    for name, (end, loss, target) in ends.items():
        table, lengths = np.empty((points, points)), np.empty((points, points))
        for i, j in np.ndindex(points, points):
            first.weight.data[0, 0], second.weight.data[0, 0] = values[i], values[j]
            table[i, j] = loss.forward(end.forward(net.forward(x)), target)
            net.backward(end.backward(loss.backward()))
            net.update()
            lengths[i, j] = np.hypot(first.weight.grad[0, 0], second.weight.grad[0, 0])
        found["costs"][name] = table.tolist()
        found["plateau"][name] = float((lengths < 0.05 * lengths.max()).mean())
    return found
