"""The laws of precision: results keep their dtype, and float32 gives the numbers of float64 up to round-off."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...modules.core.rewinding import rewound
from ...modules.core.values import Value, copied, each, parts, shape_of
from .assertions import Results, named, require
from .sample import Sample, float64, law

SHAKES = 4                                                          # how often round-off is drawn again
DIGITS = 1e-4                                                       # of the largest number: what float32 must get right
SINGLE = np.dtype("float32")


@law
def float32_and_float64_stay(s: Sample) -> None:
    """Results have the dtype of the parameters; without parameters, that of x."""
    for dtype in (SINGLE, np.dtype("float64")):
        module = s.new().astype(dtype)
        for _ in range(2):                                          # a first forward may replace a buffer
            x, g = (each(lambda a: a.astype(dtype), value) for value in (s.x, s.g))  # noqa: B023
            has_type(module.forward(x, *s.target), dtype, f"forward of {dtype}")
            has_type(module.backward(g), dtype, f"backward of {dtype}")
            has_type(module.jvp(x), dtype, f"jvp of {dtype}")
            module.update()
        for name, array in module.state_dict().items():
            require(array.dtype == dtype, f"{name} of {dtype} became {array.dtype}")
    y = s.new().forward(each(lambda a: np.rint(a).astype(int), s.x), *s.target)
    has_type(y, s.module.dtype or SINGLE, "forward of integers")


def has_type(value: Value, dtype: np.dtype[Any], what: str) -> None:
    """Demand arrays of this dtype, or a float: the cost of a loss."""
    for array in parts(value):
        if type(array) is not float:
            got = getattr(array, "dtype", type(array).__name__)
            require(got == dtype, f"{what}: expected an array of {dtype}, got {got}")


@law
def float32_computes_what_float64_does(s: Sample) -> None:
    """y, J t and all gradients in float32, the default, against those in float64, to which finite differences are compared.

    x and g change by a few units in the last place, several times: a difference that is round-off changes with them, and one
    that stays is a mistake.
    """
    single, double = s.new().astype(SINGLE), s.new().astype(SINGLE).astype("float64")
    x, g, t = (each(lambda a: a.astype(SINGLE), value) for value in (s.x, s.g, s.random(shape_of(s.x))))
    runs = []
    for module in (single, double):
        draw_alike(module)
    rewinds = [rewound(module) for module in (single, double)]
    for _ in range(SHAKES):
        x = s.shaken(x, np.finfo(SINGLE).eps)
        g = each(lambda a: a * (1 + np.finfo(SINGLE).eps * s.rng.integers(-2, 3, a.shape)).astype(SINGLE), g)
        runs.append([results(s, module, *map(change, (x, g, t)))
                     for module, change in ((single, copied), (double, float64))])
        for rewind in rewinds:
            rewind.restore()
    given = np.sqrt(sum(float((np.abs(a).astype(float)**2).sum()) for a in (*parts(g), *parts(t))))
    floor = 4 * np.finfo(SINGLE).eps * (given + max(np.abs(a).max() for a in parts(x)))
    for name, right in runs[0][1].items():
        differences = np.stack([low[name] - high[name] for low, high in runs])
        stays = differences.mean(0)
        margin = DIGITS * np.abs(right).max() + 10 * np.abs(differences - stays).max() + floor
        wrong = ~(np.abs(stays) <= margin)                          # true for NaN
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise AssertionError(f"{name}{list(at) if at else ''}: float64 gives {right[at]:.9g}, float32 "
                                 f"{runs[0][0][name][at]:.9g}; round-off explains {margin:.2g}")


def results(s: Sample, module: Any, x: Value, g: Value, t: Value) -> Results:
    """Run all phases; return the arrays by name."""
    y = copied(s.forward(module, x))
    found = {"y": y, "J t": s.jvp(module, t), "dC/dx": module.backward(g)}
    module.update()
    found |= {f"dC/d{name}": parameter.grad for name, parameter in module.named_parameters()}
    return {name: a.astype(float) for key, value in found.items() for name, a in named(key, value).items()}


class DrawsDoubles(np.random.Generator):
    """A generator that draws the same numbers in float32 as in float64, rounded."""

    def random(self, size: Any = None, dtype: Any = float, out: Any = None) -> Any:
        return rounded(super().random, size, dtype, out)

    def standard_normal(self, size: Any = None, dtype: Any = float, out: Any = None) -> Any:
        return rounded(super().standard_normal, size, dtype, out)

    def standard_exponential(self, size: Any = None, dtype: Any = float, method: Any = "zig", out: Any = None) -> Any:
        return rounded(super().standard_exponential, size, dtype, out)


def rounded(draw: Any, size: Any, dtype: Any, out: Any) -> Any:
    if out is None:
        return draw() if size is None else draw(size).astype(dtype, copy=False)
    np.copyto(out, draw(out.shape))
    return out


def draw_alike(module: Any) -> None:
    """Let all generators in the module draw the same numbers in both dtypes."""
    for _, inner in module.named_modules():
        for name, value in list(vars(inner).items()):
            if isinstance(value, np.random.Generator):
                setattr(inner, name, DrawsDoubles(value.bit_generator))
