"""The attacks: FGSM, one step along the sign of the gradient, and PGD, many projected steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, generator, positive_int, real
from ...losses import Loss
from ...modules import Module
from ..arguments import ROWS
from .ball import Ball, Bounds
from .objective import Objective, Reached, checked_examples, in_evaluation


def fgsm(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, eps: float, *, bounds: Bounds | None = None,
         targeted: bool = False) -> Array:
    r"""Return examples of the fast gradient sign method: :math:`x + \epsilon\,\mathrm{sign}(\partial C/\partial x)`.

    Parameters
    ----------
    net, loss : Module and Loss
        Not changed. The network is attacked in evaluation mode; the reduction of the loss does not matter.
    x, y : array_like of shape (N, ...) and targets
    eps : float, at least 0
        The largest change of each number.
    bounds : pair (low, high), default None
        The range to which results are clipped, such as (0, 1) for images: numbers, or arrays that broadcast with x, such as
        one number per channel. x itself must be inside.
    targeted : bool, default False
        Whether y is the prediction that the attack aims at: the step then has the opposite sign.

    Returns
    -------
    array of the shape of x, and of its dtype (float32 for integers)
        No number differs from that of x by more than ``eps``. A number whose derivative is 0 does not change.

    Raises
    ------
    NonFiniteError
        The cost or its gradient is NaN or infinite.
    ArgumentError, ShapeError, DataError
        x is outside the bounds; the network has several inputs, or is batch-dependent in evaluation mode.

    Notes
    -----
    ``update`` never runs: ``backward`` gives the gradient of the input. For logistic regression it is
    :math:`(\sigma(s) - y) w`: the sign is that of w for y = 0 and the opposite for y = 1, whatever the example.

    References
    ----------
    Goodfellow, Shlens & Szegedy 2015, "Explaining and harnessing adversarial examples", section 4.

    Examples
    --------
    >>> import retroprop as rp
    >>> (x, y), (x_test, y_test) = rp.datasets.split(*rp.datasets.digits(), test=500, rng=0)
    >>> net, loss = rp.Sequential(rp.Linear(64, 10, rng=0)), rp.CrossEntropy()
    >>> history = rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.5), (x, y), epochs=30, rng=0)
    >>> rp.accuracy(net.predict(x_test), y_test) > 0.95
    True
    >>> rp.accuracy(net.predict(fgsm(net, loss, x_test, y_test, 0.25, bounds=(0, 1))), y_test) < 0.05
    True
    """
    x, y = checked_examples(net, loss, x, y)
    ball, objective = Ball(x, eps, np.inf, bounds), Objective(net, loss, y, targeted)

    def step(ball: Ball, objective: Objective) -> Array:
        objective.at(ball.x)
        return stepped(ball, ball.x, ball.eps * uphill(ball, objective))

    return in_evaluation(net, lambda: in_parts(ball, objective, step))


def pgd(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, eps: float, *, norm: float = np.inf, steps: int = 10,
        step_size: float | None = None, restarts: int = 0, bounds: Bounds | None = None, targeted: bool = False,
        rng: Seed = None) -> Array:
    r"""Return adversarial examples by projected gradient ascent: many small steps, each projected on the ball around x.

    Parameters
    ----------
    net, loss, x, y, bounds, targeted
        As in ``fgsm``, with the same errors.
    eps : float, at least 0
        Radius of the ball.
    norm : {numpy.inf, 2}, default numpy.inf
        The norm of the ball: the largest change of a number, or the Euclidean norm of the change of an example.
    steps : int, default 10
    step_size : float > 0, default None
        Length of a step in that norm; None: 2.5 eps / steps, enough to cross the ball.
    restarts : int, at least 0, default 0
        Number of further runs, which start at random points of the ball. The first run starts at x.
    rng : None, int or numpy.random.Generator
        Source of the random points.

    Returns
    -------
    array of the shape of x, and of its dtype (float32 for integers)
        The best point that was tried, for each example. A point that is misclassified (``targeted``: classified as y) is
        better than one that is not; then a higher (lower) cost is better. Without classes, as with MSE, only the cost counts.

    Notes
    -----
    A step goes from x' to

    .. math:: \Pi \, (x' + \alpha \, \mathrm{sign}(\partial C / \partial x')), \quad \text{or} \quad
              \Pi \, (x' + \alpha \, g / \|g\|_2), \; g = \partial C / \partial x',

    the direction of steepest ascent in the norm; Π is the projection on the ball, then on the bounds. The points that are
    tried include x itself and a single step of length eps. Therefore the error is never lower than that of ``fgsm``. The
    highest cost alone would not guarantee this: with several classes, a lower probability of the right class may still be
    the largest.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras & Vladu 2018, "Towards deep learning models resistant to adversarial attacks";
    Kurakin, Goodfellow & Bengio 2017, "Adversarial examples in the physical world".

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Linear(2, 1, weight_init=rp.Constant(1.0))
    >>> pgd(net, rp.BCEWithLogits(), [[1.0, 0.0]], [[1.0]], 0.5)
    array([[ 0.5, -0.5]])
    >>> adversarial = pgd(net, rp.BCEWithLogits(), [[1.0, 0.0]], [[1.0]], 0.5, norm=2)
    >>> adversarial.round(3), bool(np.linalg.norm(adversarial - [1, 0]) <= 0.5)
    (array([[ 0.646, -0.354]]), True)
    """
    x, y = checked_examples(net, loss, x, y)
    ball, objective = Ball(x, eps, norm, bounds), Objective(net, loss, y, targeted)
    steps, restarts, rng = positive_int("steps", steps), positive_int("restarts", restarts, 0), generator(rng)
    size = 2.5 * ball.eps / steps if step_size is None else real("step_size", step_size, 0, above=True)

    def climb(ball: Ball, objective: Objective) -> Array:
        best = Best(ball.x)
        for start in (ball.x, *(ball.point(ball.draw(rng)) for _ in range(restarts))):
            for point in ascent(ball, objective, start, size, steps):
                best.consider(point, objective.at(point))
        return best.point

    return in_evaluation(net, lambda: in_parts(ball, objective, climb))


def in_parts(ball: Ball, objective: Objective, attack: Callable[[Ball, Objective], Array]) -> Array:
    """Return the results of the attack for all examples, computed for ``ROWS`` examples at a time to bound memory."""
    parts = [slice(start, start + ROWS) for start in range(0, len(ball.x), ROWS)]
    return np.concatenate([attack(ball.part(part), objective.part(part)) for part in parts])


def uphill(ball: Ball, objective: Objective) -> Array:
    """Return the direction of steepest ascent, at the last point of evaluation."""
    return ball.direction(objective.gradient())


def stepped(ball: Ball, point: Array, step: Array) -> Array:
    """Return a point after a step and the projection on the ball."""
    return ball.point(ball.project(ball.offset(point) + step))


def ascent(ball: Ball, objective: Objective, point: Array, size: float, steps: int) -> Iterator[Array]:
    """Yield the points of one run, each to be evaluated before the next: the start, a step of length eps, the small steps."""
    yield point
    direction = uphill(ball, objective)
    yield stepped(ball, point, ball.eps * direction)
    for k in range(steps):
        point = stepped(ball, point, size * (uphill(ball, objective) if k else direction))
        yield point


class Best:
    """The best point of each example so far."""

    def __init__(self, x: Array) -> None:
        self.point, self.reached = x.copy(), Reached(np.zeros(len(x), bool), np.full(len(x), -np.inf))

    def consider(self, point: Array, reached: Reached) -> None:
        """Keep the points of those examples for which it is better: the first success, or a larger gain."""
        (success, gain), (had, most) = reached, self.reached
        better = (success & ~had) | ((success == had) & (gain > most))
        self.point[better] = point[better]
        self.reached = Reached(success | had, np.where(better, gain, most))
