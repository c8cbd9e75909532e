"""A sample for a law: copies of a module, with inputs and random gradients of its output."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cached_property, wraps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, as_floating, generator
from ...datasets.checks import examples, finite
from ...errors import CheckError
from ...modules import Module
from ...modules.core.values import Shape, Value, as_values, copied, dtype_of, each, shape_of
from .assertions import Results

Check = Callable[..., None]


def usable(x: Array) -> Array:
    """Return x, if the laws can compute with it in float32 too: if not, the module is not to blame."""
    as_floating(finite("x", examples("x", x)), np.dtype("float32"), "x")
    return x


class Sample:
    """One module in one mode, with the inputs and gradients on which a law is tried.

    Attributes
    ----------
    module : Module
        A copy that never runs. Laws run copies of it (``new()``), which all draw the same random numbers.
    x, other : arrays
        Two inputs of one shape; the second has the examples in the opposite order.
    target : tuple of arrays
        The second argument of a loss; empty for all other modules.
    g, h : arrays
        Two random gradients of the output. A gradient of ones would hide errors: the Jacobian of a softmax maps it to zero.
    """

    def __init__(self, module: Module, x: ArrayLike, target: ArrayLike | None, training: bool, rng: Seed) -> None:
        self.rng = generator(rng)
        self.module = deepcopy(module).train(training)
        for parameter in self.module.parameters():
            parameter.frozen = False
        self.x: Value = copied(each(usable, as_values(x, module.dtype, "x", module, module.arity)))
        self.other: Value = each(lambda a: a[::-1].copy(), self.x)
        self.target = () if target is None else (finite("target", examples("target", target)).copy(),)

    @cached_property
    def g(self) -> Value:
        return self.random(shape_of(self.forward(self.new(), copied(self.x))))

    @cached_property
    def h(self) -> Value:
        return self.random(shape_of(self.g))

    def random(self, shape: Shape) -> Value:
        return each(lambda one: np.asarray(self.rng.standard_normal(one), dtype_of(self.x)), shape)

    def twice(self) -> Sample:
        """Return a sample of the same module with each example twice."""
        x, *targets = (each(lambda a: np.concatenate([a, a]), value) for value in (self.x, *self.target))
        return Sample(self.module, x, targets[0] if targets else None, self.module.training, self.rng)

    def new(self) -> Any:
        """Return a copy of the module that has not run."""
        return deepcopy(self.module)

    def double(self) -> Any:
        """Return a float64 copy with jittered parameters and buffers: a 1 would hide a missing factor."""
        return self.jitter(self.new().astype("float64"))

    def jitter(self, module: Any) -> Any:
        """Change all parameters and buffers by up to a tenth of their size, and return the module."""
        arrays = [parameter.data for parameter in module.parameters()] + [array for _, array in module.named_buffers()]
        for array in arrays:
            array[...] = array * self.rng.uniform(0.9, 1.1, array.shape)
        return module

    def forward(self, module: Any, x: Value) -> Value:
        """Return the output as an array (or a tuple of arrays); the cost of a loss too."""
        y = module.forward(x, *self.target)
        return np.asarray(y) if type(y) is float else y

    def run(self, module: Any, x: Value | None = None, g: Value | None = None) -> Results:
        """Run all three phases, by default at ``x`` and ``g`` of the sample; return copies of their results."""
        y = copied(self.forward(module, self.x if x is None else x))
        return {"y": y} | self.go_back(module, self.g if g is None else g)

    def go_back(self, module: Any, g: Value) -> Results:
        """Run backward and update; return copies of their results."""
        gx = copied(module.backward(g))
        module.update()
        return {"dC/dx": gx} | gradients(module)


def law(state: Callable[[Sample], None]) -> Check:
    """Turn a law into a check that can be called on any module; it is tried in both modes."""

    @wraps(state)
    def check(module: Module, x: ArrayLike, target: ArrayLike | None = None, *, rng: Seed = 0) -> None:
        for mode in ("training", "evaluation"):
            try:
                state(Sample(module, x, target, mode == "training", rng))
            except Exception as error:
                what = str(error) if type(error) is AssertionError else f"{type(error).__name__}: {error}"
                sentence = state.__name__.replace("_", " ")
                raise CheckError(f"{title(module)}: {sentence}: in {mode} mode, {what}") from error

    return check


def float64(value: Value) -> Value:
    return each(lambda a: a.astype(float), value)


def title(module: Module) -> str:
    """Return the repr, or the name of the class if its repr raises."""
    try:
        return repr(module)
    except Exception:
        return type(module).__name__


def gradients(module: Any) -> dict[str, Array]:
    """Return copies of the parameter gradients, by ``dC/d`` and the name."""
    return {f"dC/d{name}": parameter.grad.copy() for name, parameter in module.named_parameters()}
