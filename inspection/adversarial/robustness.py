"""The error of a network as a function of the size of an attack."""

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
from ...training.metrics import hits, threshold_of, true_classes
from ..arguments import ROWS
from .attacks import fgsm
from .ball import Ball, Bounds
from .objective import checked_examples

Attack = Callable[..., Any]                                         # takes the arguments of fgsm


@dataclass(frozen=True)
class Robustness:
    """Errors of a network under attacks of several sizes; prints as a table.

    Attributes
    ----------
    eps : tuple of float
        Sizes of the attack.
    error, confidence : tuples of float
        For each size, the share of examples that the network misclassifies under the attack, and the mean probability that
        it gives to the wrong predictions (NaN if there are none, or if the loss has no probabilities, as Hinge).
    random_error : tuple of float
        For each size, the share of misclassified examples after a random change of the same size.
    norm : float
        The norm of the sizes: numpy.inf or 2.
    clean_error : float
        The share of examples that are misclassified without any change.
    examples : int
        Number of examples.
    attack : str
        Name of the attack, with its options.
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
        return (f"{self.attack} of {self.examples} examples, error without attack {self.clean_error:.3f}\n"
                f"{aligned(rows, rows[0])}")


def robustness(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, eps: Sequence[float] = (0.05, 0.1, 0.15, 0.25), *,
               attack: Attack = fgsm, norm: float = np.inf, bounds: Bounds | None = None, rng: Seed = None) -> Robustness:
    """Return the error of a classifier under attacks of several sizes, and under random changes of the same sizes.

    Parameters
    ----------
    net, loss, x, y, bounds
        As in ``fgsm``; the loss must be one for classes (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL), and y must hold
        classes, of shape (N,).
    eps : sequence of float, default (0.05, 0.1, 0.15, 0.25)
        Sizes of the attack.
    attack : function, default fgsm
        Called as ``attack(net, loss, x, y, eps, bounds=bounds)``. For other options: ``functools.partial(pgd, steps=40)``.
    norm : {numpy.inf, 2}, default numpy.inf
        The norm in which the attack measures eps, for random changes of the same size. For ``partial(pgd, norm=2)`` it is 2.
    rng : None, int or numpy.random.Generator
        Source of the random signs.

    Returns
    -------
    Robustness
        ``rp.plots.robustness`` draws it.

    Notes
    -----
    Random signs are the control: they also change each number by eps (with n numbers and the Euclidean norm, by eps/√n). They
    raise the error little, since in many dimensions almost every direction is nearly orthogonal to the gradient.

    Examples
    --------
    >>> import retroprop as rp
    >>> net = rp.Linear(2, 1, weight_init=rp.Constant(1.0), bias=False)
    >>> x, y = [[3.0, -1.0], [1.0, 2.0], [-1.0, 0.5], [-3.0, -1.0]], [1, 1, 0, 0]
    >>> print(robustness(net, rp.BCEWithLogits(), x, y, eps=[0.5, 1.25], rng=0))
    fgsm of 4 examples, error without attack 0.000
     eps  error  confidence  random signs
    -------------------------------------
     0.5  0.250        0.62         0.000
    1.25  0.500        0.75         0.250
    """
    x, y = checked_examples(net, loss, x, y)
    classes = true_classes(loss, y)
    if classes is None:
        raise ArgumentError("robustness: loss must be one for classes (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL), and y "
                            f"must hold classes, shape ({len(y)},), got {loss!r} and y of shape {y.shape}")
    sizes = tuple(real("eps", one, 0) for one in eps) if isinstance(eps, Iterable) and not isinstance(eps, str) else ()
    if not sizes:
        raise ArgumentError(f"robustness: eps must hold at least one number, got {eps!r}")
    if not callable(attack):
        raise ArgumentError(f"attack must be a function, such as adversarial.fgsm, got {attack!r}")
    own = attack.keywords.get("norm", norm) if isinstance(attack, partial) else norm
    if own != norm:
        raise ArgumentError(f"robustness: norm must be that of the attack, {own!r}, got {norm!r}")
    rng, results = generator(rng), []
    clean = judged(net, loss, x, classes)[0]
    for size in sizes:
        signs = 2.0 * rng.integers(2, size=x.shape) - 1
        adversarial = checked_shape(attack(net, loss, x, y, size, bounds=bounds), x)
        ball = Ball(x, size, norm, bounds)
        noisy = ball.point(ball.project(size * ball.direction(signs)))
        results.append((*judged(net, loss, adversarial, classes), judged(net, loss, noisy, classes)[0]))
    error, confidence, noise = (tuple(column) for column in zip(*results, strict=True))
    return Robustness(sizes, error, confidence, noise, float(norm), clean, len(y), title(attack))


def judged(net: Module, loss: Loss, x: Array, classes: Array) -> tuple[float, float]:
    """Return the error, and the mean confidence in wrong predictions; DataError if a prediction is not finite."""
    prediction = net.predict(x, ROWS)
    wrong = ~hits(prediction, classes, threshold_of(loss))
    sure = confidences(loss, prediction)[wrong]
    return float(wrong.mean()), float(sure.mean()) if sure.size else float("nan")


def confidences(loss: Loss, prediction: Array) -> Array:
    """Return the probability of the predicted class, per example; NaN if the loss has no probabilities."""
    out = prediction.astype(float)
    if isinstance(loss, Hinge):
        return np.full(len(out), np.nan)
    if isinstance(loss, OfClasses):
        return 1 / np.exp(out - out.max(1, keepdims=True)).sum(1)
    p = out.reshape(-1) if isinstance(loss, BCE) else np.exp(-np.logaddexp(0, -out.reshape(-1)))
    return np.maximum(p, 1 - p)


def checked_shape(adversarial: Any, x: Array) -> Array:
    if np.shape(adversarial) != x.shape:
        raise ShapeError(f"attack must return an array of the shape of x, {x.shape}, got {np.shape(adversarial)}")
    return np.asarray(adversarial)


def title(attack: Attack) -> str:
    """Return the name of an attack, with the options of a partial."""
    if isinstance(attack, partial):
        options = ", ".join([*map(repr, attack.args), *(f"{name}={value!r}" for name, value in attack.keywords.items())])
        return f"{title(attack.func)}({options})"
    return str(getattr(attack, "__name__", repr(attack)))
