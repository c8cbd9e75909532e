"""Gradients of single examples, and their norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array
from ...datasets.checks import HINT, Inputs, finite, inputs_and_targets
from ...errors import ArgumentError
from ...losses import Loss
from ...modules import Module
from ...modules.core.arrays import squared_norms
from ...modules.core.rewinding import reused_workspaces, unchanged
from ...training.second_order.examples import Held, fitting, gradients_of_examples, holders
from ..arguments import finite_cost, net_and_loss


def per_example_gradients(net: Module, loss: Loss, x: Inputs, y: ArrayLike) -> dict[str, Array]:
    r"""Return the term of each example in the gradient of a batch: exact, from one forward and one backward.

    Parameters
    ----------
    net, loss : Module and Loss
        Not changed: modes, points, gradients, buffers and generators are restored. The net runs in its current mode;
        Dropout draws one mask for the batch.
    x, y : array_like
        A batch, with examples along axis 0; x is a tuple of arrays for a module of several inputs.

    Returns
    -------
    dict of arrays of shape (N, \*parameter.shape), of the net's dtype
        By the names of ``net.named_parameters()``, without frozen parameters. The sum over axis 0 is the gradient that
        ``update`` computes, for the cost as the loss reduces it. With ``reduction="mean"`` an entry is 1/N of the gradient
        of its example's own cost (with class weights, w_i over their sum); with "sum" and "none" it is that gradient. In
        all, the arrays are as large as N copies of the net; ``per_example_norms`` needs no such arrays for the norms.

    Raises
    ------
    ArgumentError
        The output of one example depends on the others, as BatchNorm in training mode makes it depend on the mean and
        variance of the batch: then single examples have no gradient of their own. Or all parameters are frozen.
    NotImplementedError
        A module with parameters of its own does not define ``example_gradients``.

    Notes
    -----
    The gradient of the parameters is a sum over examples, :math:`\partial C/\partial W = \sum_i g_i^\top x_i` for a Linear
    (lecture, slides 64-69). Backward computes the factors of every term; the terms are returned without adding them up.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net, loss = rp.Sequential(rp.Linear(2, 1, weight_init=rp.Constant(0.5))), rp.MSE()
    >>> x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0], [3.0]])
    >>> per_example_gradients(net, loss, x, y)["0.weight"]
    array([[[1.5, 3. ]],
    <BLANKLINE>
           [[1.5, 2. ]]], dtype=float32)
    >>> cost = loss.forward(net.forward(x), y)
    >>> gx = net.backward(loss.backward())
    >>> net.update()
    >>> net[0].weight.grad
    array([[3., 5.]], dtype=float32)
    """
    terms = evaluated("per_example_gradients", net, loss, x, y, gradients_of_examples)
    return {name: terms[parameter] for name, parameter in net.named_parameters() if parameter in terms}


def per_example_norms(net: Module, loss: Loss, x: Inputs, y: ArrayLike) -> Array:
    r"""Return the Euclidean norm of each example's term in the gradient of a batch, over all parameters together.

    Parameters
    ----------
    net, loss, x, y
        As in ``per_example_gradients``, with the same errors.

    Returns
    -------
    array of shape (N,), of the net's dtype

    Notes
    -----
    The terms themselves are not computed if a module has a formula for their norms: for an outer product,
    :math:`\|g_i^\top x_i\| = \|g_i\| \|x_i\|`. For a Parameter that several modules share, the terms must be added up
    first, and are computed. Squares are summed in float64, since those of vanishing gradients would be 0 in float32.

    References
    ----------
    Goodfellow 2015, "Efficient per-example gradient computations".

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 1, bias=False, weight_init=rp.Constant(1.0)))
    >>> per_example_norms(net, rp.MSE("sum"), [[3.0, 4.0], [1.0, 0.0]], [[6.5], [1.0]])
    array([5., 0.], dtype=float32)
    """
    norms = evaluated("per_example_norms", net, loss, x, y, norms_of_examples)
    return norms if net.dtype is None else norms.astype(net.dtype, copy=False)


T = TypeVar("T")


def evaluated(who: str, net: Module, loss: Loss, x: Inputs, y: ArrayLike, read: Callable[[Held, int], T]) -> T:
    """Return what ``read`` returns after forward and backward, from the modules with parameters and the number of examples."""
    held = trained(who, net, loss)
    x, y = inputs_and_targets(x, y, arity=net.arity)
    x, y = finite("x", x), finite("y", y, HINT)
    with unchanged(net, loss) as kept, kept, reused_workspaces(net), reused_workspaces(loss):
        prediction = net.forward(x)
        finite_cost(loss.forward(prediction, y))
        net.backward(loss.backward(), input_gradient=False)
        return read(held, len(prediction))


def trained(who: str, net: Module, loss: Loss) -> Held:
    """Return the modules with parameters; ArgumentError if there are none, or no gradients of single examples."""
    net_and_loss(net, loss)
    held = holders(who, net)
    holders(who, loss)
    if not held:
        raise ArgumentError(f"{who}: net must have at least one parameter that is not frozen, got {net!r}")
    return held


def norms_of_examples(held: Held, size: int) -> Array:
    """Return, after backward, the norm of each example's term, in float64."""
    places = [parameter for _, mine in held for parameter in mine.values()]
    shared = {parameter for parameter in places if places.count(parameter) > 1}
    squares, tied = [], []
    for module, mine in held:
        alone = [name for name, parameter in mine.items() if parameter not in shared]
        norms = module.example_squared_norms() if alone else {}
        squares += [fitting(module, "example_squared_norms", norms, name, (size,)) for name in alone]
        if len(alone) < len(mine):
            tied.append((module, {name: parameter for name, parameter in mine.items() if parameter in shared}))
    squares += map(squared_norms, gradients_of_examples(tied, size).values())       # the sum before the square
    return np.sqrt(sum(squares, np.zeros(size)))
