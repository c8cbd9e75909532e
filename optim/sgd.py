"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..arguments import Array, real
from ..errors import ArgumentError
from ..modules.core.parameter import Parameter
from .base import Optimizer
from .segments import Segment


class SGD(Optimizer):
    r"""Stochastic gradient descent, with momentum.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dicts
        See Optimizer.
    lr : float, at least 0
        Learning rate; may be left out if each group has its own.
    momentum : float in [0, 1), default 0
    nesterov : bool, default False
        Whether to use Nesterov's momentum, which needs a momentum above 0.
    weight_decay : float, at least 0, default 0
        λ: each step adds λ times the parameter to its gradient.
    decay_biases : bool, default True
        Whether weight decay also acts on parameters of fewer than two axes: biases, and the weights of BatchNorm and LayerNorm.
        Without it, often the better choice, they are left out.

    Notes
    -----
    With :math:`g = \partial C/\partial p + \lambda p`, a step is

        v = momentum v + g
        p = p - lr v                        (nesterov: p - lr (g + momentum v))

    as in PyTorch. In the papers of Polyak and of Sutskever et al. the learning rate is inside the velocity,
    ``v = momentum v - lr g``. Both give the same steps while lr is constant; a change of lr takes effect at once here,
    and only gradually there.
    """

    states = ("velocity",)
    buffers = 2

    def __init__(self, parameters: Iterable[Parameter] | Iterable[Mapping[str, Any]], lr: float | None = None,
                 momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0, decay_biases: bool = True) -> None:
        super().__init__(parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay,
                         decay_biases=decay_biases)

    def checked(self, name: str, value: Any) -> Any:
        if name == "nesterov":
            return bool(value)
        if name == "momentum":
            return real(name, value, 0, 1, below=True)
        return real(name, value, 0)

    def check_together(self, options: Mapping[str, Any]) -> None:
        if options["nesterov"] and not options["momentum"]:
            raise ArgumentError("SGD: nesterov needs a momentum above 0")

    def constants(self, group: Mapping[str, Any]) -> tuple[float | None, ...]:
        momentum = group["momentum"] or None
        return group["lr"], momentum, momentum if group["nesterov"] else None, group["weight_decay"] or None

    def rule(self, segment: Segment, data: Array, grad: Array, states: list[Array], buffers: list[Array]) -> None:
        lr, momentum, ahead, decay = segment.constants
        [velocity], [buffer, decayed] = states, buffers
        if decay is not None:
            grad = np.add(np.multiply(data, decay, decayed), grad, decayed)
        if momentum is not None:
            velocity *= momentum
            velocity += grad
            grad = velocity if ahead is None else np.add(np.multiply(velocity, ahead, buffer), grad, buffer)
        np.multiply(grad, lr, buffer)
        data -= buffer
