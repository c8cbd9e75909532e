"""Optimizers that scale the step of each parameter by its own past gradients. Rules and defaults are PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..arguments import Array, real
from ..errors import ArgumentError
from ..modules.core.parameter import Parameter
from .base import Optimizer
from .segments import Segment

Parameters = Iterable[Parameter] | Iterable[Mapping[str, Any]]


class Adam(Optimizer):
    r"""Adam: a step along the running mean of the gradient, divided by the root of the running mean of its square.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dicts
        See Optimizer.
    lr : float, at least 0, default 1e-3
    betas : pair of floats in [0, 1), default (0.9, 0.999)
        Share of the running mean of the gradient, and of its square, that each step keeps.
    eps : float, at least 0, default 1e-8
    weight_decay : float, at least 0, default 0
        λ: each step adds λ times the parameter to its gradient.
    decay_biases : bool, default True
        See SGD.

    Notes
    -----
    With :math:`g = \partial C/\partial p + \lambda p`, step t is

        m = β₁ m + (1 - β₁) g
        v = β₂ v + (1 - β₂) g²
        p = p - lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + eps)

    References
    ----------
    Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.
    """

    states = ("mean", "square")
    nonnegative_states = ("square",)
    buffers = 2
    decoupled = False

    def __init__(self, parameters: Parameters, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.0, decay_biases: bool = True) -> None:
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, decay_biases=decay_biases)

    def checked(self, name: str, value: Any) -> Any:
        if name != "betas":
            return real(name, value, 0)
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ArgumentError(f"betas must be a pair of numbers, got {value!r}")
        return tuple(real("betas", beta, 0, 1, below=True) for beta in value)

    def constants(self, group: Mapping[str, Any]) -> tuple[float | None, ...]:
        (first, second), decay = group["betas"], group["weight_decay"] or None
        if decay is not None and self.decoupled:
            decay = 1 - group["lr"] * decay
        return first, 1 - first, second, 1 - second, group["eps"], decay

    def rule(self, segment: Segment, data: Array, grad: Array, states: list[Array], buffers: list[Array]) -> None:
        keep_mean, take_mean, keep_square, take_square, eps, decay = segment.constants
        [mean, square], [buffer, decayed], group = states, buffers, segment.group
        kept = data
        if decay is not None and self.decoupled:
            kept = np.multiply(data, decay, decayed)
        elif decay is not None:
            grad = np.add(np.multiply(data, decay, decayed), grad, decayed)
        mean *= keep_mean
        mean += np.multiply(grad, take_mean, buffer)
        square *= keep_square
        np.multiply(grad, grad, buffer)
        buffer *= take_square
        square += buffer
        np.sqrt(square, buffer)
        buffer *= 1 / math.sqrt(1 - group["betas"][1] ** segment.steps)
        buffer += eps
        np.divide(mean, buffer, buffer)
        buffer *= group["lr"] / (1 - group["betas"][0] ** segment.steps)
        np.subtract(kept, buffer, data)


class AdamW(Adam):
    r"""Adam with decoupled weight decay: each step first sets p = (1 - lr λ) p, then makes Adam's step without decay.

    The parameters are those of Adam, but ``weight_decay`` has the default 1e-2.

    References
    ----------
    Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2.
    """

    decoupled = True

    def __init__(self, parameters: Parameters, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 1e-2, decay_biases: bool = True) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay, decay_biases)


class RMSprop(Optimizer):
    r"""RMSprop: a step along the gradient, divided by the root of the running mean of its square.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dicts
        See Optimizer.
    lr : float, at least 0, default 1e-2
    alpha : float in [0, 1), default 0.99
        Share of the running mean that each step keeps.
    eps : float, at least 0, default 1e-8
    weight_decay : float, at least 0, default 0
        λ: each step adds λ times the parameter to its gradient.
    momentum : float in [0, 1), default 0
    decay_biases : bool, default True
        See SGD.

    Notes
    -----
    With :math:`g = \partial C/\partial p + \lambda p`, a step is

        v = α v + (1 - α) g²
        u = momentum u + g / (√v + eps)
        p = p - lr u

    References
    ----------
    Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5.
    """

    states = ("square", "velocity")
    nonnegative_states = ("square",)
    buffers = 2

    def __init__(self, parameters: Parameters, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0.0, momentum: float = 0.0, decay_biases: bool = True) -> None:
        super().__init__(parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
                         decay_biases=decay_biases)

    def checked(self, name: str, value: Any) -> Any:
        if name in ("alpha", "momentum"):
            return real(name, value, 0, 1, below=True)
        return real(name, value, 0)

    def constants(self, group: Mapping[str, Any]) -> tuple[float | None, ...]:
        return (group["lr"], group["alpha"], 1 - group["alpha"], group["eps"], group["weight_decay"] or None,
                group["momentum"] or None)

    def rule(self, segment: Segment, data: Array, grad: Array, states: list[Array], buffers: list[Array]) -> None:
        lr, keep, take, eps, decay, momentum = segment.constants
        [square, velocity], [buffer, decayed] = states, buffers
        if decay is not None:
            grad = np.add(np.multiply(data, decay, decayed), grad, decayed)
        square *= keep
        np.multiply(grad, grad, buffer)
        buffer *= take
        square += buffer
        np.sqrt(square, buffer)
        buffer += eps
        np.divide(grad, buffer, buffer)
        if momentum is not None:
            velocity *= momentum
            velocity += buffer
            np.multiply(velocity, lr, buffer)
        else:
            buffer *= lr
        data -= buffer


class Adagrad(Optimizer):
    r"""Adagrad: a step along the gradient, divided by the root of the sum of all its past squares.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dicts
        See Optimizer.
    lr : float, at least 0, default 1e-2
    lr_decay : float, at least 0, default 0
        Step t uses the learning rate lr / (1 + (t - 1) lr_decay).
    weight_decay : float, at least 0, default 0
        λ: each step adds λ times the parameter to its gradient.
    eps : float, at least 0, default 1e-10
    decay_biases : bool, default True
        See SGD.

    Notes
    -----
    With :math:`g = \partial C/\partial p + \lambda p`, step t is

        v = v + g²
        p = p - lr / (1 + (t - 1) lr_decay) · g / (√v + eps)

    References
    ----------
    Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization".
    """

    states = ("square",)
    nonnegative_states = ("square",)
    buffers = 2

    def __init__(self, parameters: Parameters, lr: float = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0,
                 eps: float = 1e-10, decay_biases: bool = True) -> None:
        super().__init__(parameters, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps, decay_biases=decay_biases)

    def checked(self, name: str, value: Any) -> Any:
        return real(name, value, 0)

    def constants(self, group: Mapping[str, Any]) -> tuple[float | None, ...]:
        return group["eps"], group["weight_decay"] or None

    def rule(self, segment: Segment, data: Array, grad: Array, states: list[Array], buffers: list[Array]) -> None:
        eps, decay = segment.constants
        [square], [buffer, decayed], group = states, buffers, segment.group
        if decay is not None:
            grad = np.add(np.multiply(data, decay, decayed), grad, decayed)
        square += np.multiply(grad, grad, buffer)
        np.sqrt(square, buffer)
        buffer += eps
        np.divide(grad, buffer, buffer)
        buffer *= group["lr"] / (1 + (segment.steps - 1) * group["lr_decay"])
        data -= buffer
