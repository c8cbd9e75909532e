"""minimize: all examples in one batch, and a method of SciPy's that chooses its own steps."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, one_of, positive_int, real
from ...conversion import column_names
from ...datasets.checks import Inputs
from ...errors import ArgumentError, NonFiniteError
from ...losses import Loss
from ...modules import Module, Parameter
from ...modules.core.evaluation import preserved_modes
from ...modules.core.rewinding import rewound
from ...modules.core.values import Value
from ...names import suggestion
from ...progress import progress_bar
from ...restoring import Restored, at_once, filling, setting
from ..history import History
from ..inputs.sources import checked_pair
from ..metrics import check_reduces
from ..session import interactive

OPTIONS = {                                                         # of these methods, with the least value of each
    "L-BFGS-B": {"maxcor": 1, "maxfun": 1, "maxls": 1, "ftol": 0.0, "gtol": 0.0},
    "BFGS": {"gtol": 0.0, "xrtol": 0.0, "c1": 0.0, "c2": 0.0, "norm": 1.0},
    "CG": {"gtol": 0.0, "c1": 0.0, "c2": 0.0, "norm": 1.0}}
LARGE = 1e3                                                         # how much a cost that is not finite is above the lowest
METHODS = ("L-BFGS-B", "BFGS", "CG")                                # of scipy.optimize.minimize


def minimize(net: Module, loss: Loss, x: Inputs, y: ArrayLike, method: str = "L-BFGS-B", *, max_iter: int = 200,
             tol: float = 1e-8, progress: bool = True, **options: Any) -> History:
    """Minimize the cost of all examples over the parameters, with a method of ``scipy.optimize.minimize``.

    For small networks and data this often needs a tenth of the time of SGD, and no learning rate.

    Parameters
    ----------
    net, loss : Module and Loss
        The network is trained in place; frozen parameters stay as they are. It runs in its current mode, but BatchNorm in
        evaluation mode: its statistics are held. The network must not draw: Dropout in training mode is refused.
    x, y : arrays of equal length
        Examples and targets, all of which are propagated at once.
    method : {"L-BFGS-B", "BFGS", "CG"}, default "L-BFGS-B"
        BFGS holds a matrix of all pairs of parameters.
    max_iter : int, default 200
        Largest number of iterations; each has one evaluation of cost and gradient or a few.
    tol : float, at least 0, default 1e-8
        When to stop; its meaning depends on the method: see SciPy's documentation. In float32, smaller values have no effect.
    progress : bool, default True
        Whether to show a progress bar.
    **options
        Others of SciPy's ``options`` for the method: ``maxcor``, ``maxfun``, ``maxls``, ``ftol`` and ``gtol`` of L-BFGS-B;
        ``gtol``, ``c1``, ``c2`` and ``norm`` of BFGS and CG, and ``xrtol`` of BFGS.

    Returns
    -------
    History
        With an entry for the start and for each iteration: ``epoch`` (its number, 0 for the start), the lowest ``cost`` so
        far, ``gradient_norm`` there, ``evaluations`` of cost and gradient so far, and ``seconds``. ``history.stopped`` is
        SciPy's message.

    Raises
    ------
    NonFiniteError
        The cost is not finite at the start. Later, the method takes a smaller step instead.
    KeyboardInterrupt
        As from ``fit``: with the attribute ``history``, outside of an interactive session.
    ArgumentError, DataError, ShapeError, DtypeError
        An argument is wrong; nothing has changed then.

    Notes
    -----
    At the end, also after Ctrl-C, the parameters are those with the lowest cost of all that were tried.

    References
    ----------
    Liu & Nocedal 1989, "On the limited memory BFGS method for large scale optimization".

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.digits()
    >>> net = rp.Sequential(rp.Linear(64, 30, rng=0), rp.Tanh(), rp.Linear(30, 10, rng=1))
    >>> history = rp.minimize(net, rp.CrossEntropy(), x, y, max_iter=60)
    >>> history["cost"][-1] < 0.01
    True
    """
    one_of("method", method, METHODS)
    max_iter, tol, given = positive_int("max_iter", max_iter), real("tol", tol, 0), of_method(method, options)
    check_reduces(net, loss)
    examples, targets = checked_pair(net, loss, x, y)
    moving = [parameter for parameter in net.parameters() if not parameter.frozen]
    if not moving:
        raise ArgumentError(f"minimize: net must have a parameter that is not frozen, got {net!r}")
    with preserved_modes(net) as kept, kept:
        for module in (module for _, module in net.named_modules() if module.buffers):
            module.training = False
        net.feature_names = column_names(x) or net.feature_names
        cost = Cost(net, loss, examples, targets, moving)
        with Restored([cost.put_back]) as best, best:
            cost.begin()
            return found(cost, method, {"maxiter": max_iter} | given, tol, progress)


def of_method(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a method of SciPy; ArgumentError for those that it does not have, and for wrong values."""
    known = OPTIONS[method]
    for name in options:
        if name not in known:
            raise ArgumentError(f"minimize: options of {method} must be among {', '.join(known)}, got {name!r}"
                                f"{suggestion(name, known)}")
    return {name: positive_int(name, value) if isinstance(known[name], int) else real(name, value, known[name])
            for name, value in options.items()}


def found(cost: Cost, method: str, options: dict[str, Any], tol: float, progress: bool) -> History:
    """Let SciPy minimize the cost, and return the history."""
    from scipy.optimize import minimize as of_scipy
    history, start = History(), time.perf_counter()
    with progress_bar(options["maxiter"], "iteration", progress) as shown:
        def note(_: Array) -> None:
            nonlocal start
            now = time.perf_counter()
            history.append({
                "epoch": float(len(history.get("epoch", ()))), "cost": cost.lowest, "gradient_norm": cost.gradient_norm,
                "evaluations": float(cost.evaluations), "seconds": now - start})
            start = now
            shown.update(len(history["epoch"]) > 1)
            shown.set_postfix_str(f"cost {cost.lowest:.4g}", refresh=False)
        note(cost.start)
        try:
            result = of_scipy(cost, cost.start, jac=True, method=method, tol=tol, options=options, callback=note)
            history.stopped = str(result.message)
        except KeyboardInterrupt as error:
            history.stopped, history.interrupted = "interrupted", True
            if not interactive():
                history.attached(error)
                raise
    return history


class Cost:
    """Cost and gradient as a function of one float64 vector, which holds the parameters that move.

    Attributes
    ----------
    start : float64 array
        The vector of the parameters as they were.
    lowest, gradient_norm : float
        The lowest cost so far, and the norm of the gradient there.
    best : list of arrays
        The parameters there.
    evaluations : int
    """

    def __init__(self, net: Module, loss: Loss, x: Value, y: Array, moving: list[Parameter]) -> None:
        self.net, self.loss, self.x, self.y, self.moving = net, loss, x, y, moving
        self.start = self.joined([parameter.data for parameter in moving])
        self.best = [parameter.data.copy() for parameter in moving]
        self.lowest, self.gradient_norm, self.evaluations = math.inf, math.nan, 0

    def begin(self) -> None:
        """Evaluate the start; raise an error if the network draws, or the cost is not finite."""
        with rewound(self.net) as drawn, drawn:
            before = states(self.net)
            self(self.start)
            draws = states(self.net) != before
        if draws:
            raise ArgumentError("minimize: net must not draw random numbers, as Dropout does in training mode: call net.eval()")
        if math.isinf(self.lowest):
            raise NonFiniteError("minimize: the cost at the start must be finite, got NaN or infinity")

    def __call__(self, vector: Array) -> tuple[float, Array]:
        """Return cost and gradient; where the cost is not finite, a large one and zeros.

        Of an infinite cost, SciPy 1.17's L-BFGS-B says that it has converged, at a point that is no minimum.
        """
        at_once(filling(zip((parameter.data for parameter in self.moving), self.parts(vector), strict=True)))
        self.evaluations += 1
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            cost = float(self.loss.forward(self.net.forward(self.x), self.y))
            if not math.isfinite(cost):
                return LARGE * (1 + abs(self.lowest)), np.zeros_like(vector)
            self.net.backward(self.loss.backward(), input_gradient=False)
            self.net.update()
        gradient = self.joined([parameter.grad for parameter in self.moving])
        if cost < self.lowest:
            best = [parameter.data.copy() for parameter in self.moving]
            norm = float(np.linalg.norm(gradient))
            at_once(setting([(self, "best", best), (self, "lowest", cost), (self, "gradient_norm", norm)]))
        return cost, gradient

    def put_back(self) -> Iterator[Any]:
        """Write the parameters with the lowest cost into the network: an act of ``restoring``."""
        return filling(zip((parameter.data for parameter in self.moving), self.best, strict=True))()

    def joined(self, arrays: list[Array]) -> Array:
        return np.concatenate([array.ravel() for array in arrays]).astype(float)

    def parts(self, vector: Array) -> list[Array]:
        ends = np.cumsum([parameter.data.size for parameter in self.moving])[:-1]
        return [part.reshape(parameter.shape) for part, parameter in zip(np.split(vector, ends), self.moving, strict=True)]


def states(net: Module) -> list[str]:
    return [repr(rng.bit_generator.state) for _, rng in net.named_generators()]
