"""How much a network errs as the attack grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, generator, real
from ...errors import ArgumentError, ShapeError
from ...losses import BCE, Hinge, Loss
from ...losses.classification import OfClasses
from ...modules import Module
from ...printing import aligned
from ...training.metrics import hits, of_classes, threshold_of
from ..arguments import ROWS
from .attacks import fgsm
from .ball import Ball, Bounds
from .objective import attacked

Attack = Callable[..., Any]                                         # of fgsm's arguments


@dataclass(frozen=True)
class Robustness:
    """Errors of a network by the size of the change; prints as a table.

    Attributes
    ----------
    eps : tuple of float
        Sizes.
    error, confidence : tuples of float
        For each, the share of the examples that the attack makes the network misclassify, and the mean probability that it
        gives to the wrong classes (NaN if there are none, or no probabilities, as with Hinge).
    random_error : tuple of float
        The share where each number is moved as far, up or down at random.
    norm : float
        In which the sizes are measured: numpy.inf or 2.
    clean_error : float
        The share of the examples as they are.
    examples : int
        How many there are.
    attack : str
    """

    eps: tuple[float, ...]
    error: tuple[float, ...]
    confidence: tuple[float, ...]
    random_error: tuple[float, ...]
    norm: float
    clean_error: float
    examples: int
    attack: str

    def __str__(self) -> str:
        rows = [("eps", "error", "confidence", "random signs")]
        rows += [(f"{eps:g}", f"{error:.3f}", "-" if np.isnan(sure) else f"{sure:.2f}", f"{noise:.3f}")
                 for eps, error, sure, noise in zip(self.eps, self.error, self.confidence, self.random_error, strict=True)]
        return f"{self.attack} of {self.examples} examples, error {self.clean_error:.3f} as they are\n{aligned(rows, rows[0])}"


def robustness(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, eps: Sequence[float] = (0.05, 0.1, 0.15, 0.25), *,
               attack: Attack = fgsm, norm: float = np.inf, bounds: Bounds | None = None, rng: Seed = None) -> Robustness:
    """The error of a classifier under attacks of several sizes, beside random changes that are as large.

    Parameters
    ----------
    net, loss, x, y, bounds
        As in ``fgsm``; the loss is one of classes (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL), y holds classes, (N,).
    eps : sequence of float, default (0.05, 0.1, 0.15, 0.25)
    attack : function, default fgsm
        Called as ``attack(net, loss, x, y, eps, bounds=bounds)``. With other options: ``functools.partial(pgd, steps=40)``.
    norm : {numpy.inf, 2}, default numpy.inf
        In which the attack measures eps: the random changes are as large. For ``partial(pgd, norm=2)`` it is 2.
    rng : None, int or numpy.random.Generator
        Where the random signs are drawn from.

    Returns
    -------
    Robustness
        Drawn by ``rp.plots.robustness``.

    Notes
    -----
    Random signs are the control: they move each number by eps too (by eps over the root of how many there are, if the norm is
    Euclidean), and do little, since in many dimensions nearly every direction is at right angles to the gradient.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Linear(2, 1, weight_init=rp.Constant(1.0), bias=False)
    >>> x, y = [[3.0, -1.0], [1.0, 2.0], [-1.0, 0.5], [-3.0, -1.0]], [1, 1, 0, 0]
    >>> print(robustness(net, rp.BCEWithLogits(), x, y, eps=[0.5, 1.25], rng=0))
    fgsm of 4 examples, error 0.000 as they are
     eps  error  confidence  random signs
    -------------------------------------
     0.5  0.250        0.62         0.000
    1.25  0.500        0.75         0.250
    """
    x, y = attacked(net, loss, x, y)
    if not of_classes(loss, y):
        raise ArgumentError("robustness: loss must be one of classes (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL), and y "
                            f"must hold classes, shape ({len(y)},), got {loss!r} and y of shape {y.shape}")
    sizes = tuple(real("eps", one, 0) for one in eps) if isinstance(eps, Iterable) and not isinstance(eps, str) else ()
    if not sizes:
        raise ArgumentError(f"robustness: eps must hold at least one number, got {eps!r}")
    if not callable(attack):
        raise ArgumentError(f"attack must be a function, such as adversarial.fgsm, got {attack!r}")
    own = attack.keywords.get("norm", norm) if isinstance(attack, partial) else norm
    if own != norm:
        raise ArgumentError(f"robustness: norm must be that of the attack, {own!r}, got {norm!r}")
    rng, found = generator(rng), []
    clean = judged(net, loss, x, y)[0]
    for size in sizes:
        signs = 2.0 * rng.integers(2, size=x.shape) - 1
        moved = checked_shape(attack(net, loss, x, y, size, bounds=bounds), x)
        ball = Ball(x, size, norm, bounds)
        noisy = ball.point(ball.project(size * ball.direction(signs)))
        found.append((*judged(net, loss, moved, y), judged(net, loss, noisy, y)[0]))
    error, confidence, noise = (tuple(column) for column in zip(*found, strict=True))
    return Robustness(sizes, error, confidence, noise, float(norm), clean, len(y), title(attack))


def judged(net: Module, loss: Loss, x: Array, y: Array) -> tuple[float, float]:
    """The error, and the mean confidence in what is wrong."""
    prediction = net.predict(x, ROWS)
    wrong = ~hits(prediction, y, threshold_of(loss))
    sure = confidences(loss, prediction)[wrong]
    return float(wrong.mean()), float(sure.mean()) if sure.size else float("nan")


def confidences(loss: Loss, prediction: Array) -> Array:
    """The probability of the class that is predicted, example by example; NaN where the loss knows none."""
    out = prediction.astype(float)
    if isinstance(loss, Hinge):
        return np.full(len(out), np.nan)
    if isinstance(loss, OfClasses):
        return 1 / np.exp(out - out.max(1, keepdims=True)).sum(1)
    p = out.reshape(-1) if isinstance(loss, BCE) else np.exp(-np.logaddexp(0, -out.reshape(-1)))
    return np.maximum(p, 1 - p)


def checked_shape(moved: Any, x: Array) -> Array:
    if np.shape(moved) != x.shape:
        raise ShapeError(f"attack must return an array of the shape of x, {x.shape}, got {np.shape(moved)}")
    return np.asarray(moved)


def title(attack: Attack) -> str:
    """Its name, with the options of a partial."""
    if isinstance(attack, partial):
        options = ", ".join([*map(repr, attack.args), *(f"{name}={value!r}" for name, value in attack.keywords.items())])
        return f"{title(attack.func)}({options})"
    return str(getattr(attack, "__name__", repr(attack)))
