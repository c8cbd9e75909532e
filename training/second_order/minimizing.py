"""minimize: all examples in one batch, and a method of SciPy's that chooses its own steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, one_of, positive_int, real
from ...conversion import column_names
from ...datasets.checks import Inputs
from ...errors import ArgumentError
from ...losses import Loss
from ...modules import Module
from ...modules.core.values import Value
from ...names import suggestion
from ...threads import OneThread
from ..history import History
from ..inputs.labels import class_labels, coded
from ..inputs.sources import checked_pair
from ..metrics import check_reduces
from .searches import LARGE, Note, Objective, searched

OPTIONS = {                                                         # of these methods, with the least value of each
    "L-BFGS-B": {"maxcor": 1, "maxfun": 1, "maxls": 1, "ftol": 0.0, "gtol": 0.0},
    "BFGS": {"gtol": 0.0, "xrtol": 0.0, "c1": 0.0, "c2": 0.0, "norm": 1.0},
    "CG": {"gtol": 0.0, "c1": 0.0, "c2": 0.0, "norm": 1.0}}
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
    labels = class_labels(net, loss, (x, y), name="y")
    examples, targets = checked_pair(net, loss, x, coded(y, labels, "y"))
    cost, options = Cost(net, loss, examples, targets), {"maxiter": max_iter} | given

    def solve(note: Note) -> str:
        from scipy.optimize import minimize as of_scipy
        net.feature_names, net.class_labels = column_names(x) or net.feature_names, labels or net.class_labels  # start accepted
        result = of_scipy(cost, cost.start, jac=True, method=method, tol=tol, options=options, callback=note)
        return str(result.message)

    return searched(cost, solve, max_iter, progress)


def of_method(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a method of SciPy; ArgumentError for those that it does not have, and for wrong values."""
    known = OPTIONS[method]
    for name in options:
        if name not in known:
            raise ArgumentError(f"minimize: options of {method} must be among {', '.join(known)}, got {name!r}"
                                f"{suggestion(name, known)}")
    return {name: positive_int(name, value) if isinstance(known[name], int) else real(name, value, known[name])
            for name, value in options.items()}


class Cost(Objective):
    """Cost and gradient of a network."""

    who = "minimize"

    def __init__(self, net: Module, loss: Loss, x: Value, y: Array) -> None:
        super().__init__(net, x, y)
        self.loss = loss

    def __call__(self, vector: Array) -> tuple[float, Array]:
        """Return cost and gradient; where the cost is not finite, a large one and zeros.

        Of an infinite cost, SciPy 1.17's L-BFGS-B says that it has converged, at a point that is no minimum.
        """
        self.move(vector)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            cost = float(self.loss.forward(self.net.forward(self.x), self.y))
            if not math.isfinite(cost):
                return LARGE * (1 + abs(self.lowest)), np.zeros_like(vector)
            self.net.backward(self.loss.backward(), input_gradient=False)
            self.net.update()
        gradient = self.joined([parameter.grad for parameter in self.moving])
        with OneThread():
            length = float(np.linalg.norm(gradient))
        self.keep(cost, length)
        return cost, gradient
