"""Stochastic gradient descent: how far the gradient of a few examples is from that of all (lecture, slide 42)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, generator, positive_int
from ..initializers.base import Array, Seed
from ..losses import Loss
from ..modules import Module
from ..modules.parameter import as_floating
from ..modules.tables import aligned
from .examples import evaluated, norms_of_examples


@dataclass(frozen=True)
class GradientNoise:
    """The noise of minibatch gradients; prints as a table.

    Attributes
    ----------
    sizes : tuple of int
        Sizes k of the minibatches.
    measured : tuple of float
        For each, the root-mean-square distance between the minibatch's gradient and that of all examples.
    sigma : float
        Deviation of the gradient of one example's cost from that of all.
    length : float
        Norm of the gradient of all examples.
    examples, draws : int
        How many there are of all, and how many minibatches of each size were drawn.
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


def gradient_noise(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, sizes: Sequence[int] | None = None, *,
                   draws: int = 100, rng: Seed = None) -> GradientNoise:
    r"""How far the gradient of a minibatch of k examples is from the gradient of all, measured and predicted.

    Parameters
    ----------
    net, loss : Module and Loss
        Left as they are: copies run, in the mode that each module is in. The loss takes the mean.
    x, y : array_like
        All examples.
    sizes : sequence of int, default None
        None: 1, 2, 4, ... up to the number of examples.
    draws : int, default 100
        Minibatches of each size, their examples drawn with replacement.
    rng : None, int or numpy.random.Generator

    Returns
    -------
    GradientNoise

    Raises
    ------
    ArgumentError
        The loss takes no mean; or the net couples the examples, as in ``per_example_gradients``.

    Notes
    -----
    The k examples are drawn independently, so that the mean of their gradients :math:`G_i` has the mean
    :math:`G = \frac1N \sum_i G_i`, the gradient of all, and

    .. math:: \sqrt{E \| G_{batch} - G \|^2} = \sigma / \sqrt{k}, \quad \sigma^2 = \frac1N \sum_i \| G_i - G \|^2.

    Four times as many examples halve the noise. σ comes from ``per_example_norms``; the measured distances know nothing
    of it: every minibatch is propagated. Dropout draws a mask for each, which adds to the measured noise, and class
    weights change a small minibatch's divisor: there the law holds but roughly.

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
    if loss.reduction != "mean":
        raise ArgumentError("gradient_noise: loss must have reduction='mean', for gradients that do not grow with k, got "
                            f"{loss!r}")
    draws, rng = positive_int("draws", draws), generator(rng)
    chosen = None if sizes is None else tuple(positive_int("sizes", k) for k in sizes)
    if chosen == ():
        raise ArgumentError(f"gradient_noise: sizes must hold at least one size, got {sizes!r}")
    net, loss = deepcopy(net), deepcopy(loss)
    x, y = as_floating(x, net.dtype, "x", net), np.asarray(y)
    with evaluated("gradient_noise", net, loss, x, y) as (held, count):
        norms = norms_of_examples(held, count).astype(np.float64)
    chosen = chosen or tuple(2**i for i in range(count.bit_length()))
    whole = gradient(net, loss, x, y)
    measured = []
    for k in chosen:
        strays = (gradient(net, loss, x[drawn], y[drawn]) - whole for drawn in rng.integers(count, size=(draws, k)))
        measured.append(math.sqrt(sum(float(stray @ stray) for stray in strays) / draws))
    variance = count * float(norms @ norms) - float(whole @ whole)  # what examples add to a mean over N is 1/N of their G_i
    return GradientNoise(chosen, tuple(measured), math.sqrt(max(variance, 0)), math.sqrt(whole @ whole), count, draws)


def gradient(net: Module, loss: Loss, x: Array, y: Array) -> Array:
    """Of the parameters that are to be trained, one after another, in float64."""
    loss.forward(net.forward(x), y)
    net.backward(loss.backward(), input_gradient=False)
    net.update()
    return np.concatenate([p.grad_T.reshape(-1) for p in net.parameters() if not p.frozen], dtype=np.float64)


def over(a: float, b: float) -> str:
    return f"{a / b:.2f}" if b else "-"
