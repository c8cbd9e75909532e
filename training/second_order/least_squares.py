"""least_squares: the Levenberg-Marquardt method, from the derivatives of every output of every example."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, one_of, positive_int, real
from ...conversion import column_names
from ...datasets.checks import Inputs
from ...errors import ArgumentError, NonFiniteError
from ...losses import MSE
from ...modules import Module
from ...modules.core.values import Value, shape_of
from ...names import suggestion
from ...threads import OneThread
from ..history import History
from ..inputs.sources import checked_pair
from ..metrics import check_reduces
from .examples import gradients_of_examples, holders
from .searches import LARGE, Note, Objective, searched

EPSILON = float(np.finfo(float).eps)                                # SciPy takes no smaller tolerance
METHODS = {"lm": "jac", "trf": 1.0}                                 # of scipy.optimize.least_squares, with their scales
TOLERANCES = ("ftol", "xtol", "gtol")


def least_squares(net: Module, x: Inputs, y: ArrayLike, method: str = "lm", *, max_iter: int = 200, tol: float = 1e-8,
                  progress: bool = True, **options: Any) -> History:
    r"""Minimize the mean squared error of all examples over the parameters by the Levenberg-Marquardt method.

    For a network of at most some hundred parameters this reaches costs that no other method of the library does: with 141
    parameters and 300 examples 9e-12, where Adam has 2e-4 after the same time.

    Parameters
    ----------
    net : Module
        Trained in place; frozen parameters stay as they are. It runs in its current mode, but BatchNorm in evaluation mode:
        its statistics are held. The network must not draw: Dropout in training mode is refused.
    x, y : arrays of equal length
        Examples and targets, all of which are propagated at once. The cost is that of ``MSE()``.
    method : {"lm", "trf"}, default "lm"
        Of ``scipy.optimize.least_squares``: "lm" is MINPACK's method, for at least as many numbers in y as parameters;
        "trf" is for any, and often slower.
    max_iter : int, default 200
        Largest number of iterations; each has one Jacobian, and one evaluation of the residuals or a few.
    tol : float, at least 2.2e-16, default 1e-8
        Stop when an iteration lowers the cost by less than this share, or changes the parameters by less, or the gradient is
        as small; SciPy's documentation has the details. For float32 networks smaller values have no effect.
    progress : bool, default True
        Whether to show a progress bar.
    **options
        ``ftol``, ``xtol``, ``gtol``: one of these tolerances, if it is not to be ``tol``.

    Returns
    -------
    History
        With an entry for the start and for each iteration, as from ``minimize``; ``evaluations`` are those of the residuals.

    Raises
    ------
    NonFiniteError
        The cost is not finite at the start, or a derivative is not. A step to a cost that is not finite is made smaller.
    KeyboardInterrupt
        As from ``fit``: with the attribute ``history``, outside of an interactive session.
    NotImplementedError
        A module with parameters of its own does not define ``example_gradients``.
    ArgumentError, DataError, ShapeError, DtypeError
        An argument is wrong; nothing has changed then.

    Notes
    -----
    With the residuals :math:`r`, one for each output of each example, and their Jacobian :math:`J`, a step solves
    :math:`(J^\top J + \lambda D) s = -J^\top r`: between Newton's step, without the second derivatives of r, and a short one
    along the gradient. J needs one backward for each output, since ``example_gradients`` keeps the examples apart. It has
    8 bytes for each number of y and each parameter, and SciPy copies it.

    At the end, also after Ctrl-C, the parameters are those with the lowest cost of all that were tried.

    References
    ----------
    Moré 1978, "The Levenberg-Marquardt algorithm: implementation and theory".

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> x = np.linspace(-1, 1, 40)[:, None]
    >>> net = rp.Sequential(rp.Linear(1, 5, rng=0), rp.Tanh(), rp.Linear(5, 1, rng=1)).astype("float64")
    >>> history = rp.least_squares(net, x, np.sin(3 * x), max_iter=100)
    >>> history["cost"][-1] < 1e-4
    True
    """
    scale = METHODS[one_of("method", method, METHODS)]
    max_iter, tol = positive_int("max_iter", max_iter), real("tol", tol, EPSILON)
    tolerances = dict.fromkeys(TOLERANCES, tol) | tolerances_of(options)
    check_reduces(net, MSE())
    examples, targets = checked_pair(net, MSE(), x, y)
    outputs = np.broadcast_to(np.zeros(()), net.output_shape(shape_of(examples)))
    residuals = Residuals(net, examples, MSE().convert(targets, outputs))       # (N,) as (N, 1), like the loss
    if method == "lm" and residuals.y.size < residuals.start.size:
        raise ArgumentError(f'least_squares: method="lm" needs at least as many numbers in y as net has parameters, got '
                            f'{residuals.y.size} and {residuals.start.size}; method="trf" takes any numbers of them')

    def solve(note: Note) -> str:
        from scipy.optimize import least_squares as of_scipy
        net.feature_names = column_names(x) or net.feature_names    # here, the start has been accepted

        def jacobian(vector: Array) -> Array:
            before = residuals.jacobians
            slopes = residuals.jacobian(vector)
            if residuals.jacobians == before:
                return slopes
            note(vector)
            if residuals.jacobians > max_iter:                      # the first is that of the start
                raise Enough
            return slopes

        try:
            result = of_scipy(residuals, residuals.start, jacobian, method=method, x_scale=scale, max_nfev=10**9, **tolerances)
        except Enough:
            return f"max_iter, {max_iter} iterations, has been reached"
        return str(result.message)

    return searched(residuals, solve, max_iter, progress)


def tolerances_of(options: dict[str, Any]) -> dict[str, float]:
    """Return the tolerances that are given as options; ArgumentError for other options, and for wrong values."""
    for name in options:
        if name not in TOLERANCES:
            raise ArgumentError(f"least_squares: options must be among {', '.join(TOLERANCES)}, got {name!r}"
                                f"{suggestion(name, TOLERANCES)}")
    return {name: real(name, value, EPSILON) for name, value in options.items()}


class Enough(Exception):
    """Ends SciPy's search: its method "lm" knows no largest number of iterations."""


class Residuals(Objective):
    """Residuals of a network and their Jacobian, scaled so that half the sum of the squares is the mean squared error.

    Attributes
    ----------
    jacobians : int
        How many have been computed. The last one, and the last residuals, are not computed again for the same vector.
    """

    who = "least_squares"

    def __init__(self, net: Module, x: Value, y: Array) -> None:
        super().__init__(net, x, y)
        self.scale, self.jacobians = math.sqrt(2 / y.size), 0
        self.residuals: tuple[Array, Array] | None = None           # a vector, and the values there
        self.slopes: tuple[Array, Array] | None = None

    def begin(self) -> None:
        super().begin()
        self.held = holders(self.who, self.net)
        self.jacobian(self.start)

    def __call__(self, vector: Array) -> Array:
        """Return the residuals; where the cost is not finite, equal ones of a large cost."""
        if self.residuals is None or not np.array_equal(vector, self.residuals[0]):
            self.move(vector)
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                values = self.scale * np.subtract(self.net.forward(self.x), self.y, dtype=float).ravel()
                with OneThread():
                    cost = float(values @ values) / 2
            if math.isfinite(cost):
                self.keep(cost)
            else:
                values = np.full(values.size, self.scale * math.sqrt(LARGE * (1 + self.lowest)))
            self.residuals = vector.copy(), values
        return self.residuals[1]

    def jacobian(self, vector: Array) -> Array:
        """Return the derivatives of the residuals, (numbers of y, parameters that move)."""
        if self.slopes is None or not np.array_equal(vector, self.slopes[0]):
            residuals, size = self(vector), len(self.y)
            rows = np.empty((size, self.y.size // size, vector.size))
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                for output in range(rows.shape[1]):
                    g = np.zeros(self.y.shape, self.net.dtype)
                    g.reshape(size, -1)[:, output] = self.scale
                    self.net.backward(g, input_gradient=False)
                    terms = gradients_of_examples(self.held, size)
                    np.concatenate([terms[parameter].reshape(size, -1) for parameter in self.moving], 1, rows[:, output])
                slopes = rows.reshape(-1, vector.size)
                with OneThread():
                    gradient = residuals @ slopes
                    length = float(np.linalg.norm(gradient))
            if not np.isfinite(gradient).all():
                raise NonFiniteError("least_squares: the derivatives must be finite, got NaN or infinity; a smaller start or "
                                     "float64 may help")
            self.gradient_norm, self.slopes = length, (vector.copy(), slopes)
            self.jacobians += 1
        return self.slopes[1]
