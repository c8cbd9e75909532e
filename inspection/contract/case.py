"""What a law is tried on: copies of a module, an input, random gradients; and how two results are compared."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cached_property, wraps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, generator
from ...errors import CheckError, RetropropError
from ...modules import Module
from ...modules.core.values import Shape, Value, as_values, copied, dtype_of, each, several, shape_of

Check = Callable[..., None]
Results = dict[str, Value]


class Subject:
    """One module in one mode, and all that a law needs to try it.

    Attributes
    ----------
    module : Module
        A copy, never run: laws run copies of it (``new()``), which draw the same random numbers.
    x, other : arrays
        Two inputs of one shape, the second with the examples in the opposite order.
    target : tuple of arrays
        What a loss is given besides; empty for all other modules.
    g, h : arrays
        Two random gradients of the output. A gradient of ones would hide errors: a softmax's Jacobian maps it to zero.
    """

    def __init__(self, module: Module, x: ArrayLike, target: ArrayLike | None, training: bool, rng: Seed) -> None:
        self.rng = generator(rng)
        self.module = deepcopy(module).train(training)
        for parameter in self.module.parameters():
            parameter.frozen = False
        self.x: Value = copied(as_values(x, module.dtype, "x", module, module.arity))
        self.other: Value = each(lambda a: a[::-1].copy(), self.x)
        self.target = () if target is None else (np.array(target),)

    @cached_property
    def g(self) -> Value:
        return self.random(shape_of(self.forward(self.new(), copied(self.x))))

    @cached_property
    def h(self) -> Value:
        return self.random(shape_of(self.g))

    def random(self, shape: Shape) -> Value:
        return each(lambda one: np.asarray(self.rng.standard_normal(one), dtype_of(self.x)), shape)

    def twice(self) -> Subject:
        """The same with each example twice."""
        x, *targets = (each(lambda a: np.concatenate([a, a]), value) for value in (self.x, *self.target))
        return Subject(self.module, x, targets[0] if targets else None, self.module.training, self.rng)

    def new(self) -> Any:
        """A copy that has not run."""
        return deepcopy(self.module)

    def double(self) -> Any:
        """A float64 copy, its parameters and buffers moved by up to a tenth: no 1 hides a forgotten factor."""
        return self.jitter(self.new().astype("float64"))

    def jitter(self, module: Any) -> Any:
        """Move all parameters and buffers by up to a tenth of their size. Returns the module."""
        arrays = [parameter.data for parameter in module.parameters()] + [array for _, array in module.named_buffers()]
        for array in arrays:
            array[...] = array * self.rng.uniform(0.9, 1.1, array.shape)
        return module

    def forward(self, module: Any, x: Value) -> Value:
        """The output as an array (or a tuple of arrays), also that of a loss."""
        y = module.forward(x, *self.target)
        return np.asarray(y) if type(y) is float else y

    def run(self, module: Any, x: Value | None = None, g: Value | None = None) -> Results:
        """All three phases, at ``x`` and ``g`` of the subject if none are given; copies of what they compute."""
        y = copied(self.forward(module, self.x if x is None else x))
        return {"y": y} | self.retrace(module, self.g if g is None else g)

    def retrace(self, module: Any, g: Value) -> Results:
        """The later two phases; copies of what they compute."""
        gx = copied(module.backward(g))
        module.update()
        return {"dC/dx": gx} | gradients(module)


def law(state: Callable[[Subject], None]) -> Check:
    """A check that anyone can call on a module, from a law that says what holds; it is tried in both modes."""

    @wraps(state)
    def check(module: Module, x: ArrayLike, target: ArrayLike | None = None, *, rng: Seed = 0) -> None:
        for mode in ("training", "evaluation"):
            try:
                state(Subject(module, x, target, mode == "training", rng))
            except Exception as error:
                what = str(error) if type(error) is AssertionError else f"{type(error).__name__}: {error}"
                sentence = state.__name__.replace("_", " ")
                raise CheckError(f"{title(module)}: {sentence}: in {mode} mode, {what}") from error

    return check


def named(name: str, value: Value) -> dict[str, Array]:
    """The array by its name, or the arrays of a tuple by ``name 0``, ``name 1``, ..."""
    return {f"{name} {k}": array for k, array in enumerate(value)} if several(value) else {name: value}


def float64(value: Value) -> Value:
    return each(lambda a: a.astype(float), value)


def title(module: Module) -> str:
    """``repr``, or the class's name if that is broken too."""
    try:
        return repr(module)
    except Exception:
        return type(module).__name__


def gradients(module: Any) -> Results:
    """Copies of the parameter gradients."""
    return {f"dC/d{name}": parameter.grad.copy() for name, parameter in module.named_parameters()}


def require(truth: object, message: str) -> None:
    """Raises AssertionError: unlike ``assert``, also under ``python -O``."""
    if not truth:
        raise AssertionError(message)


def refuses(kind: type[RetropropError], when: str, call: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Demand that the call raises an error of this kind."""
    try:
        call(*args, **options)
    except kind:
        return
    except Exception as error:
        raise AssertionError(f"expected {kind.__name__} for {when}, got {type(error).__name__}: {error}") from error
    raise AssertionError(f"expected {kind.__name__} for {when}, got no error")


def same(when: str, got: Results, expected: Results) -> None:
    """Demand equal numbers, bit for bit."""
    compare(when, got, expected, 0)


def close(when: str, got: Results, expected: Results) -> None:
    """Demand numbers that are equal but for round-off, in the size of the largest."""
    compare(when, got, expected, 100)


def compare(when: str, got: Results, expected: Results, units: int) -> None:
    got, expected = ({name: array for key, value in results.items() for name, array in named(key, value).items()}
                     for results in (got, expected))
    require(got.keys() == expected.keys(), f"{when}: expected {', '.join(expected)}, got {', '.join(got)}")
    for name, right in expected.items():
        found = got[name]
        require(found.shape == right.shape, f"{when}: expected {name} of shape {right.shape}, got {found.shape}")
        margin = units and units * np.finfo(right.dtype).eps * np.abs(right).max(initial=0)
        wrong = ~(np.abs(found - right) <= margin)                  # true for NaN
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            entry = f"{name}{list(at)}" if at else name
            raise AssertionError(f"{when}: expected {entry} = {right[at]:.9g}, got {found[at]:.9g}")
