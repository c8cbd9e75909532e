"""Function: a scalar function and its derivatives as a module (lecture, slides 5-10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arguments import Array, as_numbers
from ..errors import ArgumentError, ShapeError
from .core.base import Module
from .core.values import Shape, Value, parts, same_shapes

Scalar = Callable[..., Any]


class Function(Module):
    r"""A scalar function of one or more variables, applied element by element: :math:`y = f(x_1, x_2, \dots)`.

    Parameters
    ----------
    f : callable
        Takes as many arrays of one shape as there are derivatives; returns an array of that shape, or a number.
    *df : callable
        The partial derivatives of ``f``, one for each variable; each takes the same arguments as ``f``. With one variable x is
        an array, with more a tuple of arrays.

    Notes
    -----
    ``rp.check_module`` tests whether ``df`` is the derivative of ``f``.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> sine = rp.Function(np.sin, np.cos)
    >>> sine.forward(np.array([0.0, np.pi / 2])).round(3), sine.backward(np.array([1.0, 1.0])).round(3)
    (array([0., 1.]), array([1., 0.]))
    >>> power = rp.Function(lambda x, y: x**y, lambda x, y: y * x**(y - 1), lambda x, y: x**y * np.log(x))
    >>> power.forward((np.array([2.0]), np.array([3.0]))), power.backward(np.array([1.0]))
    (array([8.]), (array([12.]), array([5.54517744])))
    """

    saved = "input"
    layout = "kept"

    def __init__(self, f: Scalar, *df: Scalar) -> None:
        if not df:
            raise ArgumentError("Function: give the derivative of f after f, one for each variable: Function(np.sin, np.cos)")
        for name, function in (("f", f), *((f"df[{k}]", derivative) for k, derivative in enumerate(df))):
            if not callable(function) or isinstance(function, Module):
                raise ArgumentError(f"Function: {name} must be callable, got {function!r}")
        self.f, self.df = f, df
        self.arity = len(df)

    def output_shape(self, input_shape: Shape) -> Shape:
        return same_shapes(input_shape, self)

    def forward(self, x: Value, out: Array | None = None) -> Array:
        """Any shape, for each variable -> the same shape. Saves x."""
        self.point = x
        return self.applied(self.f, "f", out)

    def backward(self, g: Array, out: Value | None = None) -> Value:
        """Shape of y -> the same shape, for each variable."""
        gradients = []
        for k, (derivative, given) in enumerate(zip(self.df, parts(out) if out is not None else [None] * len(self.df),
                                                    strict=True)):
            gx = self.applied(derivative, f"df[{k}]", given)
            gx *= g
            gradients.append(gx)
        return gradients[0] if self.arity == 1 else tuple(gradients)

    def jvp(self, t: Value) -> Array:
        """Tangents of the variables -> the tangent of y."""
        tangents = parts(t)
        y = np.zeros_like(tangents[0])
        for k, (derivative, tangent) in enumerate(zip(self.df, tangents, strict=True)):
            y += self.applied(derivative, f"df[{k}]", None) * tangent
        return y

    def applied(self, function: Scalar, name: str, out: Array | None) -> Array:
        """Return the values of a function at the point, in ``out`` or a new array."""
        x = parts(self.point)
        try:
            result = function(*x)
        except TypeError as error:
            error.add_note(f"{self!r}: {name} is called with {len(x)} array{'s' * (len(x) > 1)}, one for each derivative given")
            raise
        values = as_numbers(result, name, self)
        if values.shape not in (x[0].shape, ()):
            raise ShapeError(f"{self!r}: {name} must return an array of shape {x[0].shape} or a number, got shape "
                             f"{values.shape}")
        y = np.empty(x[0].shape, x[0].dtype) if out is None else out
        y[...] = values
        return y

    def __repr__(self) -> str:
        return f"Function({', '.join(getattr(function, '__name__', repr(function)) for function in (self.f, *self.df))})"
