"""The Jacobian of a module, and products with it, by backward and by forward mode."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from ...arguments import Array, one_of
from ...errors import ArgumentError, ShapeError
from ...losses import Loss
from ...modules import Module
from ...modules.core.parameter import Parameter
from ...modules.core.rewinding import rewound, unchanged
from ...modules.core.values import Shape, Value, as_values, basis_vectors, dtype_of, each, parts, shape_of, size_of
from .differences import STEP, width
from .shared_sweeps import independent, of_examples


def jvp(module: Module, x: Any, t: Any) -> tuple[Array, Array]:
    """Return the output y at x, and J t, the derivative of y along the tangent t: one forward, one sweep of forward mode.

    Parameters
    ----------
    module : Module
        Runs in its current mode, and is left as it was.
    x, t : array_like of equal shape
        Tuples of arrays for a module of several inputs.

    Returns
    -------
    y, J t : arrays of the shape of y
        Tuples of arrays for a module of several outputs.

    Examples
    --------
    >>> import retroprop as rp
    >>> y, derivative = rp.jvp(rp.Tanh(), [[0.0, 1.0]], [[1.0, 1.0]])
    >>> derivative.round(3)
    array([[1.  , 0.42]])
    """
    check_no_loss("jvp", module)
    with unchanged(module) as kept, kept:
        return module.forward(x), module.jvp(t)


def vjp(module: Module, x: Any, g: Any) -> tuple[Array, Array]:
    """Return the output y at x, and J^T g, the gradient of x for a gradient g of y: one forward, one backward.

    Parameters
    ----------
    module : Module
        Runs in its current mode, and is left as it was.
    x : array_like
        A tuple of arrays for a module of several inputs.
    g : array_like of the shape of y
        A tuple of arrays for a module of several outputs.

    Returns
    -------
    y, J^T g : arrays of the shapes of y and of x

    Examples
    --------
    >>> import retroprop as rp
    >>> y, gradient = rp.vjp(rp.Linear(2, 1, weight_init=rp.Constant(3)), [[0.0, 1.0]], [[2.0]])
    >>> gradient
    array([[6., 6.]], dtype=float32)
    """
    check_no_loss("vjp", module)
    with unchanged(module) as kept, kept:
        return module.forward(x), module.backward(g)


def jacobian(module: Module, x: Any, mode: str | None = None, wrt: str | None = None) -> Array:
    """Return all derivatives of the output with respect to the input, or to one parameter, in the module's dtype.

    Parameters
    ----------
    module : Module
        Left as it is: a copy runs forward once, in the mode that each module is in; all sweeps use the masks of that forward.
    x : array_like
        A tuple of arrays for a module of several inputs.
    mode : {"backward", "forward"}, optional
        By rows, with backward, or by columns, with ``jvp``. By default the mode with fewer of them; always backward if a
        module has no ``jvp`` of its own.
    wrt : str, optional
        Name of a parameter, as in ``named_parameters`` (``"0.weight"``): differentiate with respect to this parameter
        instead of x, by backward and update.

    Returns
    -------
    array of shape ``y.shape + x.shape``, or ``y.shape + parameter.shape``
        For several inputs a tuple with one array per input; for several outputs a tuple with one of these per output.

    Notes
    -----
    Entry ``[i, j]`` is :math:`\\partial y_i / \\partial x_j`, with i and j indices into y and x. Independent
    examples of a batch have blocks of zeros between them. The derivative with respect to a matrix has the axes of y and those
    of the matrix, which a Jacobian matrix cannot express (lecture, slides 64-69). An output that is NaN is not refused: its
    derivatives are those that ``backward`` or ``jvp`` returns.

    One sweep gives one row or column. Where the examples are known to be independent, it gives one for each example, and runs
    on as many copies of x at once as ``predict`` takes examples, for as many rows or columns; where masks are drawn
    (``Dropout``) on x alone. They are known to be so in modules of the library, except those that are ``batch_dependent`` and
    ``Function``, whose functions are yours. A class of your own with a forward and a backward must say so itself, by
    ``batch_dependent = False``: then its outputs depend neither on other examples nor on how many there are, nor on their
    order. If x has one axis, this may be that of the features, and a sweep gives one row or column.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> rp.jacobian(rp.Softmax(), np.zeros((1, 2)))[0, :, 0]
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    >>> layer = rp.Linear(3, 2, rng=0)
    >>> rp.jacobian(layer, [[1, 2, 3]], wrt="weight")[0, 1]
    array([[0., 0., 0.],
           [1., 2., 3.]], dtype=float32)
    """
    x, ran = given("jacobian", module, x), deepcopy(module)
    outputs, inputs = ran.output_shape(shape_of(x)), shape_of(x)
    if mode is not None:
        one_of("mode", mode, ("backward", "forward"))
    if wrt is not None:
        if mode == "forward":
            raise ArgumentError("jacobian: mode must be 'backward' with wrt, got 'forward'; tangents are of x")
        parameters = dict(ran.named_parameters())
        parameter = parameters[one_of("wrt", wrt, parameters)]
        return blocks(np.stack(list(parameter_rows(ran, ran.forward(x), parameter))), outputs, parameter.shape)
    if mode is None:
        fewer = size_of(inputs) < size_of(outputs)
        mode = "forward" if fewer and has_forward_mode(ran) else "backward"
    if independent(ran, inputs, outputs):
        return of_examples(ran, x, outputs, mode)
    y = ran.forward(x)
    return blocks(np.stack(list(rows(ran, y))) if mode == "backward" else np.stack(list(columns(ran, x)), 1), outputs, inputs)


def numerical_jacobian(module: Module, x: Any) -> Array:
    """Return the Jacobian by central differences: what ``jacobian`` must compute.

    Parameters
    ----------
    module : Module
        Left as it is: a float64 copy runs, in the mode that each module is in, with the same masks in every call.
    x : array_like, or a tuple of them for a module of several inputs
        Each number takes two forwards. At a kink the result is the mean of the derivatives on both sides.

    Returns
    -------
    float64 array of shape ``y.shape + x.shape``, or tuples of such arrays, as in ``jacobian``
        The error is about 1e-10 of the largest entries.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.numerical_jacobian(rp.Tanh(), [[1.0]]).round(6)
    array([[[[0.419974]]]])
    """
    x = given("numerical_jacobian", module, x, np.dtype("float64"))
    ran = deepcopy(module).astype("float64")
    return blocks(np.stack(list(difference_columns(ran, x)), 1), module.output_shape(shape_of(x)), shape_of(x))


# ------------------------------------------------------------------ one sweep after another


def rows(module: Module, y: Value) -> Iterator[Array]:
    """Yield dy_i/dx for each number of y, flat, by backward."""
    for g in basis_vectors(shape_of(y), dtype_of(y)):
        yield flat(module.backward(g))


def parameter_rows(module: Module, y: Value, parameter: Parameter) -> Iterator[Array]:
    """Yield dy_i/dparameter for each number of y, flat, by backward and update."""
    parameter.frozen = False
    for g in basis_vectors(shape_of(y), dtype_of(y)):
        module.backward(g, input_gradient=False)
        module.update()
        yield flat(parameter.grad)


def columns(module: Module, x: Value) -> Iterator[Array]:
    """Yield dy/dx_j for each number of x, flat, by forward mode."""
    for t in basis_vectors(shape_of(x), dtype_of(x)):
        yield flat(module.jvp(t))


def difference_columns(module: Module, x: Value) -> Iterator[Array]:
    """Yield dy/dx_j for each number of x, flat, by central differences, with the same masks in every call."""
    def at(x: Value) -> Array:
        with rewound(module) as kept, kept:
            return flat(module.forward(x))

    steps = [width(array, j, STEP) for array in parts(x) for j in range(array.size)]
    for h, e in zip(steps, basis_vectors(shape_of(x), dtype_of(x)), strict=True):
        left, right = (each(lambda array, basis: array + h * basis, x, e) for h in (-h, h))  # noqa: B023
        yield (at(right) - at(left)) / (2 * h)


def flat(value: Value) -> Array:
    """Return all numbers in one new array of one axis."""
    return np.concatenate([array.ravel() for array in parts(value)])


def blocks(matrix: Array, outputs: Shape, inputs: Shape) -> Value:
    """Cut the matrix of all outputs by all inputs into one array per output and input."""
    def cut(matrix: Array, shape: Shape, axis: int) -> Iterator[Array]:
        ends = np.cumsum([size_of(one) for one in parts(shape)])
        return iter(np.split(matrix, ends[:-1], axis))

    bands = cut(matrix, outputs, 0)

    def band(output: tuple[int, ...]) -> Value:
        pieces = cut(next(bands), inputs, 1)
        return each(lambda one: next(pieces).reshape(output + one), inputs)

    return each(band, outputs)


def has_forward_mode(module: Module) -> bool:
    """Return whether every module of the tree has a ``jvp`` of its own."""
    return all(type(leaf).jvp is not Module.jvp or leaf.symmetric for _, leaf in module.leaves())


def given(function: str, module: Module, x: Any, dtype: np.dtype[Any] | None = None) -> Value:
    """Return x as the module takes it, by default in its own dtype; an error if there is no Jacobian."""
    check_no_loss(function, module)
    x = as_values(x, module.dtype if dtype is None else dtype, "x", module, module.arity)
    if not all(map(np.size, parts(x))):
        raise ShapeError(f"{function}: x must hold at least one number, got shape {shape_of(x)}")
    return x


def check_no_loss(function: str, module: Module) -> None:
    if not isinstance(module, Module) or isinstance(module, Loss):
        raise ArgumentError(f"{function}: module must be a Module and no loss, got {module!r}; the Jacobian of a loss is the "
                            "result of its backward")
