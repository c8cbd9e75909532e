"""The Hessian of the cost in all parameters: products with it, and its largest eigenvalues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, as_floating, generator, positive_int
from ...errors import ArgumentError, NonFiniteError, ShapeError
from ...losses import Loss
from ...modules import Module
from ...threads import OneThread
from .batch_cost import BatchCost
from .differences import STEP

WHOLE = 300                                                         # numbers in the parameters, up to which H is computed
TOLERANCE = 1e-9                                                    # relative, for eigsh; products have about as many digits
MISSED = 1e-8                                                       # of the largest: what is above the k-th by more was missed


def hessian_vector_product(net: Module, loss: Loss, x: Any, y: ArrayLike, v: ArrayLike) -> Array:
    r"""Return H v, where H is the Hessian of a network's cost on a batch with respect to all parameters.

    Parameters
    ----------
    net, loss : Module and Loss
        Not changed: float64 copies run, in the mode that each module is in, with the same masks in every call. H
        includes frozen parameters.
    x, y : array_like
        A batch; x is a tuple of arrays for a module of several inputs.
    v : array_like of shape (n,)
        One number for each of the n numbers in the parameters, in the order of
        ``np.concatenate([p.data.ravel() for p in net.parameters()])``: a flat vector, as SciPy's solvers use it.

    Returns
    -------
    float64 array of shape (n,)

    Notes
    -----
    :math:`H v \approx (\nabla C(\theta + h v) - \nabla C(\theta - h v)) / 2h`: two exact gradients, from forward,
    backward and update. H itself, with its n² entries, is never computed. The step has length h ‖v‖ = ε^(1/3), relative to
    the numbers that v moves if they are above 1 in size; nine to ten digits of the largest entry are correct. If a kink, as
    of ReLU, lies between the two points, the product is wrong.

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
    curvature, v = Curvature(net, loss, x, y), as_floating(v, np.dtype("float64"), "v")
    if v.shape != curvature.theta.shape:
        raise ShapeError(f"v must have shape {curvature.theta.shape}, one number per number in the parameters, got {v.shape}")
    if not np.isfinite(v).all():
        raise NonFiniteError("v must be finite")
    return curvature.product(v)


def hessian_eigenvalues(net: Module, loss: Loss, x: Any, y: ArrayLike, k: int = 1, *, rng: Seed = 0) -> Array:
    r"""Return the k largest eigenvalues of the Hessian of a network's cost on a batch, the largest first.

    Parameters
    ----------
    net, loss, x, y
        As in ``hessian_vector_product``.
    k : int, default 1
        At most n, the number of numbers in the parameters.
    rng : None, int or numpy.random.Generator, default 0
        Source of the random vectors at which Lanczos' method starts.

    Returns
    -------
    float64 array of shape (k,)

    Notes
    -----
    Eigenvalues are ordered by value, not by magnitude: the largest curvature limits the learning rate. On a parabola with
    curvature :math:`\lambda`, gradient descent without momentum diverges for learning rates of :math:`2 / \lambda` and more.
    A multiple eigenvalue, as of identical units, is returned as often as its multiplicity. For few parameters (n at most 300,
    or at most 2 k) the whole Hessian is computed. Otherwise SciPy's ``eigsh`` uses products with it, and is called again
    until no eigenvalue was missed.

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
    curvature, rng = Curvature(net, loss, x, y), generator(rng)
    n, k = len(curvature.theta), positive_int("k", k)
    if k > n:
        raise ArgumentError(f"hessian_eigenvalues: k must be at most {n}, the number of numbers in the parameters, got {k}")
    with OneThread():
        if n <= max(WHOLE, 2 * k):
            return np.linalg.eigvalsh([curvature.product(e) for e in np.eye(n)])[::-1][:k]      # reads one triangle
        return leading(curvature.product, n, k, rng)


class Curvature(BatchCost):
    """The cost of a batch as a function of the flat vector of all parameters.

    Attributes
    ----------
    theta : float64 array of shape (n,)
        The parameters of the network.
    """

    def __init__(self, net: Module, loss: Loss, x: Any, y: ArrayLike) -> None:
        super().__init__(net, loss, x, y)
        if not self.parameters:
            raise ArgumentError(f"net must have parameters, got {net!r}")
        self.theta = np.concatenate([a.ravel() for a in self.parameters.values()])

    def gradient(self, theta: Array) -> Array:
        """Return dC/dtheta at ``theta``, as update computes it."""
        start = 0
        for a in self.parameters.values():
            a[...] = theta[start:start + a.size].reshape(a.shape)
            start += a.size
        self.backpropagate(input_gradient=False)
        gradient = np.concatenate([parameter.grad.ravel() for parameter in self.net.parameters()])
        if not np.isfinite(gradient).all():
            raise NonFiniteError("the gradient must be finite, got NaN or infinity; diagnose(net, x, y) finds where they begin")
        return gradient

    def product(self, v: Array) -> Array:
        """Return H v, from the gradients on both sides of theta."""
        with OneThread():
            length, change = float(np.linalg.norm(v)), float(np.linalg.norm(self.theta * v))
        if length == 0:
            return np.zeros_like(v)
        moved = change / length                                     # the size of the numbers that v moves
        step = STEP * max(1, moved) / length
        above, below = (self.gradient(self.theta + h * v) for h in (step, -step))
        return (above - below) / (2 * step)


def leading(product: Callable[[Array], Array], n: int, k: int, rng: np.random.Generator) -> Array:
    """Return the k largest eigenvalues of a symmetric matrix, from products with it, the largest first.

    Lanczos' method finds one eigenvector per eigenvalue; further ones of a multiple eigenvalue appear by round-off only, or
    not at all. Therefore eigenvalues that were found are lowered to the smallest of them (deflation), and the search is
    repeated until it finds no larger one. All eigenvalues are shifted up by ``lift`` meanwhile, since eigsh stops when the
    error is small relative to the eigenvalue, which may be 0.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh
    start, values, vectors = rng.standard_normal(n), np.empty(0), np.empty((n, 0))
    lift = float(np.linalg.norm(product(start)) / np.linalg.norm(start))
    if lift == 0:                                                   # H is 0, for which eigsh fails
        return np.zeros(k)

    def rest(v: Array) -> Array:
        return product(v) + lift * v - vectors @ ((values - values[-1:]) * (vectors.T @ v))

    while True:
        found, new = eigsh(LinearOperator((n, n), rest, dtype=np.float64), k, which="LA", v0=start, tol=TOLERANCE)
        if len(values) and found.max() - lift <= values[-1] + MISSED * lift:
            return values
        values, vectors = np.concatenate([values, found - lift]), np.hstack([vectors, new])
        largest = np.argsort(-values)[:k]
        values, vectors = values[largest], vectors[:, largest]
        lift, start = float(np.abs(values).max()), rng.standard_normal(n)
