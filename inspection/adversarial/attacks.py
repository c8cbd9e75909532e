"""The attacks: one step along the sign of the gradient, and many projected ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, generator, positive_int, real
from ...losses import Loss
from ...modules import Module
from ..arguments import ROWS
from .ball import Ball, Bounds
from .objective import Objective, Reached, attacked, evaluation


def fgsm(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, eps: float, *, bounds: Bounds | None = None,
         targeted: bool = False) -> Array:
    r"""Adversarial examples of the fast gradient sign method: :math:`x + \epsilon \, \mathrm{sign}(\partial C / \partial x)`.

    Parameters
    ----------
    net, loss : Module and Loss
        The network is attacked in evaluation mode, and left as it is, as is the loss, whose reduction does not matter.
    x, y : array_like of shape (N, ...) and targets
    eps : float, at least 0
        The largest change of each number.
    bounds : pair (low, high), default None
        What x is clipped to, such as (0, 1) for images: numbers, or arrays that broadcast with x, as one for each channel.
        x itself must be inside.
    targeted : bool, default False
        Whether y is what the network is to be made to predict: the sign is turned.

    Returns
    -------
    array of the shape of x, and of its dtype (float32 for integers)
        No number is further than ``eps`` from that of x. One whose derivative is 0 stays where it is.

    Raises
    ------
    NonFiniteError
        The cost, or its gradient, is NaN or infinite.
    ArgumentError, ShapeError, DataError
        x is outside the bounds; the network reads several arrays, or its modules couple the examples in evaluation mode.

    Notes
    -----
    Only ``backward`` runs, never ``update``: the gradient goes on to the input. Of a logistic regression it is
    :math:`(\sigma(s) - y) w`, so that the sign is that of w, turned for y = 1, in whatever example.

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
    x, y = attacked(net, loss, x, y)
    ball, objective = Ball(x, eps, np.inf, bounds), Objective(net, loss, y, targeted)

    def step(ball: Ball, objective: Objective) -> Array:
        objective.at(ball.x)
        return moved(ball, ball.x, ball.eps * uphill(ball, objective))

    with evaluation(net):
        return in_parts(ball, objective, step)


def pgd(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, eps: float, *, norm: float = np.inf, steps: int = 10,
        step_size: float | None = None, restarts: int = 0, bounds: Bounds | None = None, targeted: bool = False,
        rng: Seed = None) -> Array:
    r"""Adversarial examples of projected gradient ascent: many small steps, each back into the ball around x.

    Parameters
    ----------
    net, loss, x, y, bounds, targeted
        As in ``fgsm``, whose errors are raised here too.
    eps : float, at least 0
        Radius of the ball.
    norm : {numpy.inf, 2}, default numpy.inf
        In which it is a ball: the largest change of a number, or the Euclidean norm of the change of an example.
    steps : int, default 10
    step_size : float > 0, default None
        Length of a step, in that norm; None: 2.5 eps / steps, enough to cross the ball.
    restarts : int, at least 0, default 0
        The first run starts at x. So many more start at random points of the ball.
    rng : None, int or numpy.random.Generator
        Where those are drawn from.

    Returns
    -------
    array of the shape of x, and of its dtype (float32 for integers)
        Of each example the best point of all that were tried: one that is classified wrongly (``targeted``: as wanted)
        goes before one that is not, then the higher (lower) cost counts. Without classes, as with MSE, the cost alone.

    Notes
    -----
    A step goes from x' to

    .. math:: \Pi \, (x' + \alpha \, \mathrm{sign}(\partial C / \partial x')), \quad \text{or} \quad
              \Pi \, (x' + \alpha \, g / \|g\|_2), \; g = \partial C / \partial x',

    the direction of steepest ascent in the norm; Π is the projection on the ball, then on the bounds. x itself and the
    single step of length eps are among the points that are tried. An example that ``fgsm`` makes the network misclassify is
    therefore misclassified here too: the error is never lower. To keep the highest cost alone would not do, since among
    several classes a lower probability of the right one may still be the largest.

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
    >>> moved = pgd(net, rp.BCEWithLogits(), [[1.0, 0.0]], [[1.0]], 0.5, norm=2)
    >>> moved.round(3), bool(np.linalg.norm(moved - [1, 0]) <= 0.5)
    (array([[ 0.646, -0.354]]), True)
    """
    x, y = attacked(net, loss, x, y)
    ball, objective = Ball(x, eps, norm, bounds), Objective(net, loss, y, targeted)
    steps, restarts, rng = positive_int("steps", steps), positive_int("restarts", restarts, 0), generator(rng)
    size = 2.5 * ball.eps / steps if step_size is None else real("step_size", step_size, 0, above=True)

    def climb(ball: Ball, objective: Objective) -> Array:
        best = Best(ball.x)
        for start in (ball.x, *(ball.point(ball.draw(rng)) for _ in range(restarts))):
            for point in ascent(ball, objective, start, size, steps):
                best.meet(point, objective.at(point))
        return best.point

    with evaluation(net):
        return in_parts(ball, objective, climb)


def in_parts(ball: Ball, objective: Objective, attack: Callable[[Ball, Objective], Array]) -> Array:
    """What the attack makes of all examples, ``ROWS`` at a time: the net would need room for all at once."""
    parts = [slice(start, start + ROWS) for start in range(0, len(ball.x), ROWS)]
    return np.concatenate([attack(ball.part(part), objective.part(part)) for part in parts])


def uphill(ball: Ball, objective: Objective) -> Array:
    """The direction in which the objective rises, where it was evaluated last."""
    return ball.direction(objective.gradient())


def moved(ball: Ball, point: Array, step: Array) -> Array:
    """A point after a step, and back in the ball."""
    return ball.point(ball.project(ball.offset(point) + step))


def ascent(ball: Ball, objective: Objective, point: Array, size: float, steps: int) -> Iterator[Array]:
    """The points of one run from its start on, where the objective is to be evaluated; first also a step of length eps."""
    yield point
    direction = uphill(ball, objective)
    yield moved(ball, point, ball.eps * direction)
    for k in range(steps):
        point = moved(ball, point, size * (uphill(ball, objective) if k else direction))
        yield point


class Best:
    """The best point of each example, of those that were met."""

    def __init__(self, x: Array) -> None:
        self.point, self.reached = x.copy(), Reached(np.zeros(len(x), bool), np.full(len(x), -np.inf))

    def meet(self, point: Array, reached: Reached) -> None:
        """Keep it where it succeeds first, or succeeds no less and gains more."""
        (success, gain), (had, most) = reached, self.reached
        better = (success & ~had) | ((success == had) & (gain > most))
        self.point[better] = point[better]
        self.reached = Reached(success | had, np.where(better, gain, most))
