"""A sample for the laws: copies of a module, with inputs and random gradients of its output."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, Seed, as_floating, generator
from ...datasets.checks import examples, finite
from ...errors import CheckError
from ...modules import Module
from ...modules.core.values import Shape, Value, as_values, copied, dtype_of, each, parts, product, several, shape_of
from .assertions import Results

Check = Callable[..., None]
MODES = ("training", "evaluation")
Samples = dict[str, "Sample"]                                       # by mode


def usable(x: Array) -> Array:
    """Return x, if the laws can compute with it in float32 too: if not, the module is not to blame."""
    as_floating(finite("x", examples("x", x)), np.dtype("float32"), "x")
    return x


class Sample:
    """One module in one mode, with the inputs and gradients on which the laws are tried.

    Attributes
    ----------
    module : Module
        A copy that never runs. Laws run copies of it (``new()``), which all draw the same random numbers.
    x, other : arrays
        Two inputs of one shape; the second has the examples in the opposite order.
    integers : tuple of bool
        For each array of x whether it holds integers, which cannot be moved by little.
    target : tuple of arrays
        The second argument of a loss; empty for all other modules.
    g, h : arrays
        Two random gradients of the output. A gradient of ones would hide errors: the Jacobian of a softmax maps it to zero.
    rng : numpy.random.Generator
        Source of all other random numbers of a law.
    """

    def __init__(self, module: Module, x: ArrayLike, target: ArrayLike | None, training: bool, seed: int) -> None:
        self.module = deepcopy(module).train(training)
        for parameter in self.module.parameters():
            parameter.frozen = False
        self._x: Value = copied(each(usable, as_values(x, module.dtype, "x", module, module.arity)))
        self.integers = self.module.holds_integers(self._x)
        self._target = () if target is None else (finite("target", examples("target", target)).copy(),)
        self._seed, self._gradients = seed, tuple[Value, ...]()
        self.reset()

    def reset(self) -> None:
        """Put back all arrays and random numbers, whatever the last law, or the module in it, did to them."""
        self.rng = np.random.default_rng(self._seed)
        self.x, self.target = copied(self._x), tuple(map(np.copy, self._target))
        self.other: Value = each(lambda a: a[::-1].copy(), self.x)
        if not self._gradients:
            shape = shape_of(self.forward(self.new(), copied(self.x)))
            self._gradients = self.random(shape), self.random(shape)
        self.g, self.h = map(copied, self._gradients)
        self.rng = np.random.default_rng((1, self._seed))

    def random(self, shape: Shape) -> Value:
        return each(lambda one: np.asarray(self.rng.standard_normal(one), dtype_of(self.x)), shape)

    def shaken(self, x: Value, eps: Any) -> Value:
        """Return x moved by a few times ``eps`` of each number, at random; integers stay."""
        def shake(a: Array, integers: bool) -> Array:
            return a if integers else a * (1 + eps * self.rng.integers(-2, 3, a.shape)).astype(a.dtype)

        return each(shake, x, self.integers if several(x) else self.integers[0])

    def twice(self) -> Sample:
        """Return a sample of the same module with each example twice."""
        return self.of_examples(np.tile(np.arange(len(parts(self.x)[0])), 2))

    def of_examples(self, chosen: Array) -> Sample:
        """Return a sample of the same module with these examples."""
        x, *targets = (each(lambda a: a[chosen], value) for value in (self.x, *self.target))
        return Sample(self.module, x, targets[0] if targets else None, self.module.training, self._seed)

    def as_images(self) -> Sample:
        """Return a sample of the same module with each number as a pixel of its own."""
        x = each(lambda a: a.reshape(len(a), -1, 1, 1), self.x)
        return Sample(self.module, x, None, self.module.training, self._seed)

    def of(self, module: Module) -> Sample:
        """Return a sample of another module with the same inputs."""
        return Sample(module, self._x, self._target[0] if self._target else None, self.module.training, self._seed)

    def new(self) -> Any:
        """Return a copy of the module that has not run."""
        return deepcopy(self.module)

    def follower(self, module: Any) -> Any:
        """Return a new copy with the parameters, buffers and generators of the module: it must do what the module does next.

        A copy of the module itself would not do: it has what the module has stored in other attributes.
        """
        new = self.new()
        if module.dtype is not None and module.dtype != new.dtype:
            new.astype(module.dtype)
        for (_, mine), (_, its) in zip(new.named_parameters(), module.named_parameters(), strict=True):
            mine.data[...] = its.data
        for (_, mine), (_, its) in zip(new.named_modules(), module.named_modules(), strict=True):
            for name in its.buffers:
                setattr(mine, name, getattr(its, name).copy())
        for (_, mine), (_, its) in zip(new.named_generators(), module.named_generators(), strict=True):
            mine.bit_generator.state = its.bit_generator.state
        return new

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
        return as_array(module.forward(x, *self.target))

    def jvp(self, module: Any, t: Value) -> Value:
        """Return J t as an array (or a tuple of arrays), of a loss too."""
        return as_array(module.jvp(t))

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
    def check(module: Module, x: ArrayLike, target: ArrayLike | None = None, *, rng: Seed = 0,
              samples: Samples | None = None) -> None:
        """Try the law; checks of one module with the same arguments can share ``samples``, a dict that the first one fills."""
        samples = {} if samples is None else samples
        for mode in MODES:
            try:
                if mode not in samples:
                    samples[mode] = Sample(module, x, target, mode == "training", seed(rng))
                else:
                    samples[mode].reset()
                state(samples[mode])
            except Exception as error:
                what = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
                sentence = state.__name__.replace("_", " ")
                raise CheckError(f"{title(module)}: {sentence}: in {mode} mode, {what}") from error

    return check


def seed(rng: Seed) -> int:
    """Return the seed itself, or one that is drawn."""
    return int(rng) if isinstance(rng, Integral) else int(generator(rng).integers(2**63))


def as_array(value: Any) -> Value:
    return np.asarray(value) if type(value) is float else value


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


def threes(module: Any) -> Any:
    """Set all parameter gradients to 3, and return the module."""
    for parameter in module.parameters():
        parameter.grad = np.full(parameter.shape, 3.0)
    return module


def size_of_product(a: Value, b: Value) -> float:
    """Return the sum of the sizes of its terms, to which round-off is proportional."""
    return product(each(np.abs, a), each(np.abs, b))


def coupled(module: Module) -> bool:
    """Whether examples depend on each other in the current mode."""
    return any(inner.batch_dependent for _, inner in module.named_modules())


def draws(s: Sample, module: Module) -> bool:
    """Whether a forward of the module draws random numbers."""
    def states() -> list[str]:
        return [repr(stream.bit_generator.state) for _, stream in module.named_generators()]

    before = states()
    if before:
        s.forward(module, s.x)
    return before != states()
