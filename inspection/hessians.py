"""Curvature of the cost: products with the Hessian in all parameters, and its leading eigenvalues."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, NonFiniteError, ShapeError, generator, positive_int
from ..initializers.base import Array, Seed
from ..losses import Loss
from ..modules import Module
from ..modules.parameter import as_floating
from .differences import STEP
from .layers import rewound

LANCZOS = 20                                                        # vectors that eigsh keeps, at least
TOLERANCE = 1e-9                                                    # relative; the products have hardly more digits


def hessian_vector_product(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, v: ArrayLike) -> Array:
    r"""H v, with H the second derivatives of a network's cost on a batch with respect to all its parameters.

    Parameters
    ----------
    net, loss : Module and Loss
        Left as they are: float64 copies run, in the mode that each module is in, always with the same masks. Frozen
        parameters count too.
    x, y : array_like
    v : array_like of shape (n,)
        A number for each of the n numbers in ``net.parameters()``, in their order, each array row by row, as
        ``np.concatenate([p.data.ravel() for p in net.parameters()])`` lists them: the flat vector that SciPy's solvers
        work on.

    Returns
    -------
    float64 array of shape (n,)

    Notes
    -----
    :math:`H v \approx (\nabla C(\theta + h v) - \nabla C(\theta - h v)) / 2h`: two gradients, each exact, from forward,
    backward and update. That H has n² entries does not matter. The step, h |v| = ε^(1/3), leaves nine
    to ten digits of the largest entry. Where a kink lies between the two points, as of ReLU, the product is off.

    References
    ----------
    Pearlmutter 1994, "Fast exact multiplication by the Hessian": its equation 1, in central form.

    Examples
    --------
    The Hessian of a mean of squares is constant, here 2 [x², x; x, 1]:

    >>> import retroprop as rp
    >>> net = rp.Sequential(rp.Linear(1, 1, rng=0))
    >>> hessian_vector_product(net, rp.MSE(), [[3.0]], [[1.0]], [1.0, 0.0]).round(6)
    array([18.,  6.])
    """
    return Curvature("hessian_vector_product", net, loss, x, y).product(v)


def hessian_eigenvalues(net: Module, loss: Loss, x: ArrayLike, y: ArrayLike, k: int = 1, *, rng: Seed = 0) -> Array:
    r"""The k largest eigenvalues of the Hessian of a network's cost on a batch, the largest first.

    Parameters
    ----------
    net, loss : Module and Loss
        As in ``hessian_vector_product``.
    x, y : array_like
    k : int, default 1
        At most the n numbers in the parameters.
    rng : None, int or numpy.random.Generator, default 0
        Where Lanczos' method starts.

    Returns
    -------
    float64 array of shape (k,)

    Notes
    -----
    The largest in the order of numbers, not of sizes: the largest curvature is what limits the step of gradient
    descent, which on a parabola diverges from a learning rate of :math:`2 / \lambda` on (without momentum). By SciPy's
    ``eigsh``, from products alone; a net of few parameters (n at most 20, or 2 k + 1) has its whole Hessian computed.

    References
    ----------
    LeCun, Simard & Pearlmutter 1993, "Automatic learning rate maximization by on-line estimation of the Hessian's
    eigenvectors".

    Examples
    --------
    >>> import retroprop as rp
    >>> x, y = rp.datasets.moons(100, noise=0.1, rng=0)
    >>> net = rp.Sequential(rp.Linear(2, 8, rng=1), rp.Tanh(), rp.Linear(8, 1, rng=2))
    >>> hessian_eigenvalues(net, rp.BCEWithLogits(), x, y, k=3).round(4)
    array([0.7965, 0.4384, 0.2714])
    """
    curvature = Curvature("hessian_eigenvalues", net, loss, x, y)
    n, k = len(curvature.theta), positive_int("k", k)
    if k > n:
        raise ArgumentError(f"hessian_eigenvalues: k must be at most {n}, the numbers in the parameters, got {k}")
    if n <= max(LANCZOS, 2 * k + 1):
        return np.linalg.eigvalsh(curvature.matrix())[::-1][:k]
    from scipy.sparse.linalg import LinearOperator, eigsh
    operator = LinearOperator((n, n), curvature.product, dtype=np.float64)
    start = generator(rng).standard_normal(n)
    if not curvature.product(start).any():                          # a cost without curvature, where eigsh cannot start
        return np.zeros(k)
    return np.sort(eigsh(operator, k, which="LA", v0=start, tol=TOLERANCE, return_eigenvectors=False))[::-1]


class Curvature:
    """The cost of a batch as a function of the flat vector of all parameters.

    Attributes
    ----------
    theta : float64 array of shape (n,)
        Where the network is.
    """

    def __init__(self, function: str, net: Module, loss: Loss, x: ArrayLike, y: ArrayLike) -> None:
        for name, value, kind in (("net", net, Module), ("loss", loss, Loss)):
            if not isinstance(value, kind):
                raise ArgumentError(f"{function}: {name} must be a {kind.__name__}, got {value!r}")
        if not net.parameters():
            raise ArgumentError(f"{function}: net must have parameters, got {net!r}")
        if loss.reduction == "none":
            raise ArgumentError(f"{function}: loss must reduce the costs to one number, got {loss!r}")
        self.function, self.batch = function, (x, y)
        self.net, self.loss = deepcopy(net).astype("float64"), deepcopy(loss)
        for parameter in self.net.parameters():
            parameter.frozen = False
        self.theta = self.flat("data")

    def flat(self, name: str) -> Array:
        """``data`` or ``grad`` of all parameters."""
        return np.concatenate([getattr(parameter, name).ravel() for parameter in self.net.parameters()])

    def gradient(self, theta: Array) -> Array:
        """dC/dtheta at ``theta``, as update computes it."""
        start = 0
        for parameter in self.net.parameters():
            end = start + parameter.data.size
            parameter.data = theta[start:end].reshape(parameter.shape)
            start = end
        x, y = self.batch
        with rewound(self.net):
            self.loss.forward(self.net.forward(x), y)
            self.net.backward(self.loss.backward(), input_gradient=False)
            self.net.update()
        gradient = self.flat("grad")
        if not np.isfinite(gradient).all():
            raise NonFiniteError(f"{self.function}: the gradient is not finite; diagnose(net, x, y) says where that begins")
        return gradient

    def product(self, v: ArrayLike) -> Array:
        """H v, from the gradients on both sides of theta."""
        v = as_floating(v, np.dtype("float64"), f"{self.function}: v")
        if v.shape != self.theta.shape:
            raise ShapeError(f"{self.function}: v must have shape {self.theta.shape}, a number for each in the parameters, "
                             f"got {v.shape}")
        if not np.isfinite(v).all():
            raise NonFiniteError(f"{self.function}: v must be finite")
        length = np.linalg.norm(v)
        if length == 0:
            return np.zeros_like(v)
        step = STEP / length
        above, below = (self.gradient(self.theta + h * v) for h in (step, -step))
        return (above - below) / (2 * step)

    def matrix(self) -> Array:
        """H, from n products; made symmetric, as it is but for round-off."""
        h = np.array([self.product(e) for e in np.eye(len(self.theta))])
        return (h + h.T) / 2
