"""Saliency from gradients of a class score: one gradient, or the average of several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, as_numbers, generator, positive_int, real
from ...datasets.checks import finite
from ...errors import ShapeError
from ...modules import Module
from ...threads import OneThread
from ..arguments import ROWS
from .class_scores import ClassScores


def gradient(net: Module, x: ArrayLike, classes: ArrayLike | None = None) -> Array:
    r"""Return the gradient of class scores with respect to the input: :math:`\partial S_c / \partial x`.

    Parameters
    ----------
    net : Module
        With one input and an output of shape (examples, classes). Left as it is: a copy runs, in evaluation mode.
    x : array_like of shape (examples, ...)
        Images, or rows of numbers; any number of axes.
    classes : int or array_like of int of shape (examples,), optional
        Columns of the output, one for all examples or one per example; by default the predicted classes. The only score of a
        net with one column is that column, whatever it predicts.

    Returns
    -------
    array of the shape and dtype of x
        Signed; ``as_images`` turns it into the map of the paper, :math:`M_{ij} = \max_k |\partial S_c / \partial x_{kij}|`.

    Raises
    ------
    ArgumentError, ShapeError, DtypeError, DataError
        The net has several inputs, or an output of another shape; x is empty or not finite; a class has no column.

    Notes
    -----
    S is the score before a final Softmax, LogSoftmax or Sigmoid. A probability is not used, since it also rises when the
    scores of other classes fall, and since its gradient vanishes where it is near 1.

    References
    ----------
    Simonyan, Vedaldi & Zisserman 2013, "Deep inside convolutional networks", section 3 (lecture, slides 73-74).

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 10, rng=0), rp.Softmax())
    >>> maps = rp.saliency.gradient(net, x[:5], classes=3)
    >>> maps.shape, bool((maps == net[0].weight.data[3]).all())
    ((5, 64), True)
    """
    score = ClassScores(net, x, classes)
    return score.gradient(score.x)


def gradient_times_input(net: Module, x: ArrayLike, classes: ArrayLike | None = None) -> Array:
    r"""Return the contribution of each number to the score, to first order: :math:`x \odot \partial S_c / \partial x`.

    Parameters
    ----------
    net, x, classes
        As for ``gradient``.

    Returns
    -------
    array of the shape and dtype of x
        Signed. For a net of ReLUs and Linears without bias, the numbers sum to the score.

    References
    ----------
    Shrikumar, Greenside, Shcherbina & Kundaje 2016, "Not just a black box: learning important features through
    propagating activation differences".
    """
    score = ClassScores(net, x, classes)
    return score.gradient(score.x) * score.x


def smooth_grad(net: Module, x: ArrayLike, classes: ArrayLike | None = None, *, samples: int = 50, noise: float = 0.15,
                rng: Seed = None) -> Array:
    r"""Return the gradient averaged over noisy copies of the input, which varies less between pixels: SmoothGrad.

    Parameters
    ----------
    net, x, classes
        As for ``gradient``; the predicted class is that of x without noise.
    samples : int, default 50
        n, the number of noisy copies per example.
    noise : float >= 0, default 0.15
        σ, relative to the range of the example (its largest number minus its smallest).
    rng : None, int or numpy.random.Generator

    Returns
    -------
    array of the shape and dtype of x
        :math:`\frac1n \sum_i \partial S_c / \partial x`, taken at :math:`x + \sigma \epsilon_i` with standard normal
        :math:`\epsilon_i`.

    References
    ----------
    Smilkov, Thorat, Kim, Viégas & Wattenberg 2017, "SmoothGrad: removing noise by adding noise".
    """
    samples, noise, rng = positive_int("samples", samples), real("noise", noise, 0), generator(rng)
    score = ClassScores(net, x, classes)
    axes = tuple(range(1, score.x.ndim))
    sigma = noise * np.ptp(score.x, axis=axes, keepdims=True)

    def noisy(some: slice) -> Array:
        return score.x + sigma * rng.standard_normal((some.stop - some.start, *score.x.shape))

    return averaged(score, np.full(samples, 1 / samples), noisy)


def integrated_gradients(net: Module, x: ArrayLike, classes: ArrayLike | None = None, *, baseline: ArrayLike = 0,
                         steps: int = 50) -> Array:
    r"""Return the contributions of the numbers of the input to the rise of the score from a baseline to x.

    Parameters
    ----------
    net, x, classes
        As for ``gradient``; the predicted class is that of x.
    baseline : array_like, default 0
        An input without information, such as a black image: a number, an example, or one per example of x.
    steps : int, default 50
        Number of gradients on the straight line from the baseline to x, per example.

    Returns
    -------
    array of the shape and dtype of x
        Signed.

    Notes
    -----
    With the baseline b, :math:`A = (x - b) \odot \int_0^1 \frac{\partial S_c}{\partial x}(b + \alpha (x - b))\, d\alpha`, with
    the integral by Gauss-Legendre quadrature. Completeness: the attributions of an example sum to S(x) - S(b), up to the
    quadrature error, which ``completeness_error`` measures. For a small net of Tanh, 50 steps are exact up to round-off. The
    gradient of a net of ReLU jumps along the line: 50 steps have a mean error of about 0.1 % of the rise, and ten times the
    steps give one more digit.

    References
    ----------
    Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks", equations 1 and 3, proposition 1.
    """
    steps, score = positive_int("steps", steps), ClassScores(net, x, classes)
    start = score.like_x("baseline", baseline)
    difference = score.x - start
    nodes, weights = np.polynomial.legendre.leggauss(steps)         # on [-1, 1]
    alphas = (nodes + 1) / 2
    return difference * averaged(score, weights / 2, lambda some: start + np.multiply.outer(alphas[some], difference))


def completeness_error(net: Module, x: ArrayLike, maps: ArrayLike, classes: ArrayLike | None = None, *,
                       baseline: ArrayLike = 0) -> Array:
    """Return the sum of the attributions of each example minus the rise of its score, S(x) - S(baseline).

    Parameters
    ----------
    net, x, classes, baseline
        As for ``integrated_gradients``.
    maps : array_like of the shape of x
        Attributions by ``integrated_gradients`` or any other method.

    Returns
    -------
    array of shape (examples,)

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 20, rng=0), rp.Tanh(), rp.Linear(20, 10, rng=1))
    >>> maps = rp.saliency.integrated_gradients(net, x[:5])
    >>> bool(np.abs(rp.saliency.completeness_error(net, x[:5], maps)).max() < 1e-4)
    True
    """
    score, attributions = ClassScores(net, x, classes), finite("maps", as_numbers(maps, "maps"))
    if attributions.shape != score.x.shape:
        raise ShapeError(f"maps must have the shape of x, {score.x.shape}, got {attributions.shape}")
    rise = score.at(score.x) - score.at(score.like_x("baseline", baseline))
    return attributions.reshape(len(rise), -1).sum(1, dtype=np.float64) - rise


def averaged(score: ClassScores, weights: Array, points: Callable[[slice], Array]) -> Array:
    """Return the weighted sum of dS/dx over several points per example, computed in parts to bound memory.

    ``points`` takes a range of the weights, and returns a batch of the shape of x for each weight.
    """
    at_once, total = max(1, ROWS // len(score.x)), np.zeros(score.x.shape)
    for first in range(0, len(weights), at_once):
        some = slice(first, min(first + at_once, len(weights)))
        batches = points(some).astype(score.x.dtype, copy=False)
        gradients = score.gradient(batches.reshape(-1, *score.x.shape[1:]))
        with OneThread():
            total += np.tensordot(weights[some], gradients.reshape(batches.shape), 1)
    return total.astype(score.x.dtype)
