"""The gradient of a batch, example by example: what each adds to it, and how much."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array
from ...datasets.checks import Inputs
from ...errors import ArgumentError, ShapeError
from ...losses import Loss
from ...modules import Module, Parameter
from ...modules.core.arrays import squared_norms
from ...modules.core.parameter import FlatParameters
from ...modules.core.rewinding import unchanged
from ..arguments import finite_cost, net_and_loss


def per_example_gradients(net: Module, loss: Loss, x: Inputs, y: ArrayLike) -> dict[str, Array]:
    r"""What each example adds to the gradient of a batch: exact, from one forward and one backward.

    Parameters
    ----------
    net, loss : Module and Loss
        Left as they are: modes, points, gradients, buffers and generators. The net runs in the mode that it is in;
        Dropout draws one mask for the batch.
    x, y : array_like
        A batch, examples along axis 0; x is a tuple of arrays for a module of several inputs.

    Returns
    -------
    dict of arrays of shape (N, \*parameter.shape), of the net's dtype
        By the names of ``net.named_parameters()``, frozen ones left out. The sum over axis 0 is what ``update`` gives,
        of the cost as the loss reduces it: with ``reduction="mean"`` an entry is 1/N of the gradient of its example's
        own cost (with class weights, w_i over their sum), with "sum" and "none" it is that gradient itself. For all
        parameters together N copies of the net: for their lengths alone, ``per_example_norms`` makes none of them.

    Raises
    ------
    ArgumentError
        A module couples the examples, as BatchNorm in training does through mean and variance of the batch: an example
        has no gradient of its own then. Or no parameter is to be trained.
    NotImplementedError
        A module with parameters of its own does not define ``example_gradients``.

    Notes
    -----
    The parameters' gradient is a sum over the examples, :math:`\partial C/\partial W = \sum_i g_i x_i^\top` for a Linear
    (lecture, slides 64-69), of rows that backward has computed already: it is enough not to add them up.

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
    with evaluated("per_example_gradients", net, loss, x, y) as (held, size):
        found = gradients_of_examples(held, size)
    return {name: found[parameter] for name, parameter in net.named_parameters() if parameter in found}


def per_example_norms(net: Module, loss: Loss, x: Inputs, y: ArrayLike) -> Array:
    r"""Euclidean norm of what each example adds to the gradient, over all parameters together.

    Parameters
    ----------
    net, loss, x, y
        As in ``per_example_gradients``, whose errors are raised here too.

    Returns
    -------
    array of shape (N,), of the net's dtype

    Notes
    -----
    The gradients themselves are not computed where a module knows a shorter way: an outer product is as long as its
    two factors, :math:`\|g_i x_i^\top\| = \|g_i\| \|x_i\|`. Those of a Parameter that several modules share must be
    added up first, and are computed. Squares are added up in float64: those of vanishing gradients would be 0 in float32.

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
    with evaluated("per_example_norms", net, loss, x, y) as (held, size):
        norms = norms_of_examples(held, size)
    return norms if net.dtype is None else norms.astype(net.dtype, copy=False)


Held = list[tuple[Module, dict[str, Parameter]]]                    # modules, and those of their own parameters that train


@contextmanager
def evaluated(who: str, net: Module, loss: Loss, x: Inputs, y: ArrayLike) -> Iterator[tuple[Held, int]]:
    """Points and gradients of the batch, for what runs inside; what holds parameters, and the number of examples."""
    held = trained(who, net, loss)
    with unchanged(net), unchanged(loss), respared(net), respared(loss):
        prediction = net.forward(x)
        finite_cost(loss.forward(prediction, y))
        net.backward(loss.backward(), input_gradient=False)
        yield held, len(prediction)


@contextmanager
def respared(root: Module) -> Iterator[None]:
    """Inside ``preserved_evaluation``, use the workspaces that the last such block left, if they fit.

    On a small network making them takes longer than a step. On a tape it makes its own: plans hold that tape's recorders.
    """
    modules = [module for _, module in root.named_modules()]
    state = modules, [module.training for module in modules], FlatParameters.changes
    spare, root._spare = root._spare, None                          # a block inside this one makes its own
    on_tape = any(module._taped for module in modules)
    if spare is not None and spare[0] == state and not on_tape:
        for module, values in zip(modules, spare[1], strict=True):
            for name, value in zip(module._workspace, values, strict=True):
                setattr(module, name, value)
    yield
    if not on_tape:
        root._spare = state, [[getattr(module, name) for name in module._workspace] for module in modules]


def trained(who: str, net: Module, loss: Loss) -> Held:
    """Of a net that is to be trained with this loss; ArgumentError where that has no gradients of single examples."""
    net_and_loss(net, loss)
    held = holders(who, net)
    holders(who, loss)
    if not held:
        raise ArgumentError(f"{who}: net must have a parameter that is not frozen, got {net!r}")
    return held


def holders(who: str, root: Module) -> Held:
    """All modules that have parameters to train; ArgumentError if one, with or without, couples the examples."""
    found = []
    for path, module in root.named_modules():
        if module.batch_dependent:
            place = f" at {path!r}" if path else ""
            raise ArgumentError(f"{who}: no example has a gradient of its own where {module!r}{place} makes its output depend "
                                "on the others; BatchNorm does so in training mode only: call net.eval() first")
        mine: dict[str, Parameter] = {}
        for name, parameter in module.own_parameters().items():
            if not parameter.frozen and parameter not in mine.values():     # under two names it counts once
                mine[name] = parameter
        if mine:
            found.append((module, mine))
    return found


def gradients_of_examples(held: Held, size: int) -> dict[Parameter, Array]:
    """After backward: the terms of each parameter; those of a shared one added up."""
    found: dict[Parameter, Array] = {}
    for module, mine in held:
        terms = module.example_gradients()
        for name, parameter in mine.items():
            term = fitting(module, "example_gradients", terms, name, (size, *parameter.shape))
            if parameter in found:
                found[parameter] = found[parameter] + term
            else:                                                   # a bias may hand over its g, which is written again
                found[parameter] = term.copy() if np.may_share_memory(term, module.gradient) else term
    return found


def norms_of_examples(held: Held, size: int) -> Array:
    """After backward: the norm of each example's gradient, in float64."""
    places = [parameter for _, mine in held for parameter in mine.values()]
    shared = {parameter for parameter in places if places.count(parameter) > 1}
    squares, tied = [], []
    for module, mine in held:
        alone = [name for name, parameter in mine.items() if parameter not in shared]
        found = module.example_squared_norms() if alone else {}
        squares += [fitting(module, "example_squared_norms", found, name, (size,)) for name in alone]
        if len(alone) < len(mine):
            tied.append((module, {name: parameter for name, parameter in mine.items() if parameter in shared}))
    squares += map(squared_norms, gradients_of_examples(tied, size).values())       # added up before they are squared
    return np.sqrt(sum(squares, np.zeros(size)))


def fitting(module: Module, method: str, returned: Any, name: str, shape: tuple[int, ...]) -> Array:
    """What a module returned for one of its parameters; ShapeError if it is not there or of another shape."""
    found = returned.get(name) if isinstance(returned, dict) else None
    if not isinstance(found, np.ndarray) or found.shape != shape:
        raise ShapeError(f"{module!r}: {method} must return a dict with an array of shape {shape} for {name!r}, got "
                         f"{'none' if found is None else f'one of shape {np.shape(found)}'}")
    return found
