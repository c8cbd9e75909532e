"""The noise of stochastic gradients: their distance from the gradient of all examples (lecture, slide 42)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, generator, positive_int
from ...datasets.batches import in_batches
from ...datasets.checks import HINT, Inputs, finite, inputs_and_targets
from ...errors import ArgumentError
from ...losses import Loss
from ...losses.classification import OfClasses
from ...modules import Module, Parameter
from ...modules.core.values import Value, as_values, each
from ...printing import aligned
from ...threads import OneThread
from ...training.second_order.examples import gradients_of_examples
from ..arguments import finite_cost
from .gradients import evaluated, trained

AT_ONCE = 16                                                        # examples whose gradients are in memory together


@dataclass(frozen=True)
class GradientNoise:
    """The noise of minibatch gradients; prints as a table.

    Attributes
    ----------
    sizes : tuple of int
        Sizes k of the minibatches.
    measured : tuple of float
        For each size, the root-mean-square distance between the gradient of a minibatch and that of all examples.
    sigma : float
        Standard deviation of the gradient of one example.
    length : float
        Norm of the gradient of all examples.
    examples, draws : int
        Number of all examples, and number of minibatches of each size.
    """

    sizes: tuple[int, ...]
    measured: tuple[float, ...]
    sigma: float
    length: float
    examples: int
    draws: int

    @property
    def predicted(self) -> tuple[float, ...]:
        """The law σ/√k at these sizes."""
        return tuple(self.sigma / math.sqrt(k) for k in self.sizes)

    def __str__(self) -> str:
        rows = [("k", "measured", "sigma/sqrt(k)", "ratio", "measured/length")]
        rows += [(str(k), f"{measured:.3g}", f"{predicted:.3g}", over(measured, predicted), over(measured, self.length))
                 for k, measured, predicted in zip(self.sizes, self.measured, self.predicted, strict=True)]
        return (f"gradient of {self.examples} examples: length {self.length:.3g}, sigma {self.sigma:.3g}; {self.draws} "
                f"minibatches of each size\n{aligned(rows, rows[0])}")


def gradient_noise(net: Module, loss: Loss, x: Inputs, y: ArrayLike, sizes: Sequence[int] | None = None, *,
                   draws: int = 100, rng: Seed = None) -> GradientNoise:
    r"""Return the distance between the gradients of minibatches and that of all examples, measured and predicted.

    Parameters
    ----------
    net, loss : Module and Loss
        Not changed: float64 copies run, in the mode that each module is in. The loss must be the mean over examples of
        equal weight.
    x, y : array_like
        All examples; x is a tuple of arrays for a module of several inputs.
    sizes : sequence of int, default None
        None: 1, 2, 4, ... up to the number of examples.
    draws : int, default 100
        Number of minibatches of each size; their examples are drawn with replacement.
    rng : None, int or numpy.random.Generator

    Returns
    -------
    GradientNoise

    Raises
    ------
    ArgumentError
        The law below does not hold: the loss is no mean, or has class weights; a module or the loss draws random numbers,
        which add noise of their own, as Dropout does in training mode; or the examples are not independent. Other errors
        are those of ``per_example_gradients``.

    Notes
    -----
    The k examples are drawn independently. The mean of their gradients :math:`G_i` therefore has the expectation
    :math:`G = \frac1N \sum_i G_i`, the gradient of all examples, and

    .. math:: \sqrt{E \| G_{batch} - G \|^2} = \sigma / \sqrt{k}, \quad \sigma^2 = \frac1N \sum_i \| G_i - G \|^2.

    Four times as many examples halve the noise. σ comes from ``per_example_gradients``. The measured distances do not use
    it: every minibatch is propagated.

    References
    ----------
    Bottou, Curtis & Nocedal 2018, "Optimization methods for large-scale machine learning", section 4.

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 10, rng=0))
    >>> print(gradient_noise(net, rp.CrossEntropy(), x[:200], y[:200], sizes=[1, 4, 16], rng=0))
    gradient of 200 examples: length 0.787, sigma 3.8; 100 minibatches of each size
     k  measured  sigma/sqrt(k)  ratio  measured/length
    ---------------------------------------------------
     1      3.77            3.8   0.99             4.80
     4      1.95            1.9   1.02             2.47
    16     0.918           0.95   0.97             1.17
    """
    refuse_unlawful(net, loss)
    draws, rng = positive_int("draws", draws), generator(rng)
    chosen = tuple(positive_int("sizes", k) for k in sizes) if isinstance(sizes, Iterable) else ()
    if sizes is not None and not chosen:
        raise ArgumentError(f"gradient_noise: sizes must hold at least one size, got {sizes!r}")
    net, loss = deepcopy(net).astype("float64"), deepcopy(loss)
    x, y = inputs_and_targets(as_values(x, net.dtype, "x", net, net.arity), y, arity=net.arity)
    finite("x", x), finite("y", y, HINT)
    before = generator_states(net, loss)
    propagate(net, loss, x, y)
    refuse_draws(before, generator_states(net, loss))
    held, count = trained("gradient_noise", net, loss), len(y)
    whole = {parameter: parameter.grad.copy() for _, mine in held for parameter in mine.values()}
    sigma, chosen = deviation(net, loss, x, y, whole), chosen or tuple(2**i for i in range(count.bit_length()))
    measured = tuple(distance(net, loss, x, y, whole, rng.integers(count, size=(draws, k))) for k in chosen)
    return GradientNoise(chosen, measured, sigma, math.sqrt(sum(map(square, whole.values()))), count, draws)


def refuse_unlawful(net: Module, loss: Loss) -> None:
    """Raise ArgumentError unless the gradient of a batch is the mean of those of its examples."""
    trained("gradient_noise", net, loss)
    if loss.reduction != "mean":
        raise ArgumentError("gradient_noise: loss must have reduction='mean', so that gradients do not grow with k, got "
                            f"{loss!r}")
    if isinstance(loss, OfClasses) and loss.weight is not None:
        raise ArgumentError("gradient_noise: loss must have no class weights, whose sum replaces k in the mean of a "
                            f"minibatch, got {loss!r}")


def propagate(net: Module, loss: Loss, x: Value, y: Array) -> None:
    finite_cost(loss.forward(net.forward(x), y))
    net.backward(loss.backward(), input_gradient=False)
    net.update()


Gradient = dict[Parameter, Array]


def distance(net: Module, loss: Loss, x: Value, y: Array, whole: Gradient, draws: Array) -> float:
    """Return the root-mean-square distance of minibatch gradients from that of all; each row of ``draws`` is a minibatch."""
    squares = 0.0
    for drawn in draws:
        propagate(net, loss, each(lambda a: a[drawn], x), y[drawn])  # noqa: B023
        squares += sum(square(parameter.grad - mean) for parameter, mean in whole.items())
    return math.sqrt(squares / len(draws))


def deviation(net: Module, loss: Loss, x: Value, y: Array, whole: Gradient) -> float:
    """Return the standard deviation of the gradients of single examples (a difference of squared norms would cancel)."""
    squares = 0.0
    for xb, yb in in_batches(x, y, AT_ONCE, shuffle=False):
        size = len(yb)
        for parameter, terms in evaluated("gradient_noise", net, loss, xb, yb, gradients_of_examples).items():
            squares += square(size * terms - whole[parameter])      # the term of an example in a mean over n is G_i / n
    return math.sqrt(squares / len(y))


def square(a: Array) -> float:
    with OneThread():
        return float(np.linalg.norm(a))**2


def generator_states(net: Module, loss: Loss) -> dict[str, str]:
    """Return the states of all generators, by the modules that own them."""
    states = {}
    for root in (net, loss):
        modules = dict(root.named_modules())
        for path, stream in root.named_generators():
            states[f"{modules[path]!r} at {path!r}" if path else repr(root)] = str(stream.bit_generator.state)
    return states


def refuse_draws(before: dict[str, str], after: dict[str, str]) -> None:
    drew = next((module for module, state in after.items() if state != before[module]), None)
    if drew is not None:
        raise ArgumentError(f"gradient_noise: no module may draw random numbers, which add noise of their own, but {drew} "
                            "does; Dropout draws in training mode only: call net.eval() first")


def over(a: float, b: float) -> str:
    return f"{a / b:.2f}" if b else "-"
