"""Right modules that hold something unusual: no law may refuse them."""

import functools
import io
import logging
import threading
import weakref
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import pytest
from cases import Wave
from mutants import SEEDS, accepted, accepting

import retroprop as rp

T = TypeVar("T")
RIGHT, right = accepting()


def in_a_function():
    @dataclass
    class Scale(rp.Module):
        factor: float

        def forward(self, x):
            self.point = ()
            return x * self.factor

        def backward(self, g):
            return g * self.factor

    return Scale


right("a dataclass in a function", arguments=(2.0,))(in_a_function())


@right("a dataclass with a Parameter, compared by its fields", arguments=(0.5,))
@dataclass(eq=True)
class Shifted(rp.Module):
    factor: float
    shift: rp.Parameter = field(default_factory=lambda: rp.Parameter(np.ones(3), "shift"))

    def forward(self, x):
        self.point = ()
        return self.factor * x + self.shift.data

    def backward(self, g):
        return self.factor * g

    def update(self):
        self.shift.grad = self.gradient.sum(0)


class Same(rp.Module):
    """y = 2 x; those below hold something unusual."""

    def forward(self, x):
        self.point = ()
        return 2 * x

    def backward(self, g):
        return 2 * g


@right("a lock")
class WithALock(Same):
    def __init__(self):
        self.lock = threading.Lock()

    def forward(self, x):
        with self.lock:
            return super().forward(x)


@right("an event, a condition and a thread's own data")
class WithAnEvent(Same):
    def __init__(self):
        self.event, self.condition, self.local = threading.Event(), threading.Condition(), threading.local()


@right("a lock in a module inside")
class WithALockInside(rp.Module):
    def __init__(self):
        self.inner, self.list = WithALock(), [threading.RLock()]

    def forward(self, x):
        self.point = ()
        return self.inner.forward(x)

    def backward(self, g):
        return self.inner.backward(g)


@right("an open file, a logger, a module, a generator")
class WithHandles(Same):
    def __init__(self):
        self.file, self.log, self.numpy, self.steps = io.StringIO(), logging.getLogger(), np, (k for k in range(3))


@right("a counter and a log that change no number")
class Counting(Same):
    def __init__(self):
        self.calls, self.norms = 0, []

    def forward(self, x):
        self.calls += 1
        self.norms.append(float(np.linalg.norm(x)))
        return super().forward(x)


@right("references to itself, weak and strong")
class Cyclic(Same):
    def __init__(self):
        self.weak, self.call = weakref.ref(self), self.forward


@right("equality of its own, no hash")
class Unhashable(Same):
    __hash__ = None

    def __eq__(self, other):
        return type(self) is type(other)


@right("a generic class", arguments=(3,))
class Typed(Same, Generic[T]):
    def __init__(self, value: T):
        self.value = value


@right("a partial, a ufunc and a lambda")
class WithFunctions(Same):
    def __init__(self):
        self.double, self.add, self.twice = functools.partial(np.multiply, 2), np.add, lambda x: 2 * x

    def forward(self, x):
        self.point = ()
        return self.add(self.double(x), self.twice(x)) / 2


@right("constants of each shape, kept")
class Positions(rp.Module):
    def __init__(self):
        self.known = {}

    def forward(self, x):
        self.point = ()
        key = x.shape[1:], x.dtype
        if key not in self.known:
            self.known[key] = np.linspace(0, 1, x[0].size, dtype=x.dtype).reshape(x.shape[1:])
        return x + self.known[key]

    def backward(self, g):
        return g.copy()


@right("a list of its parameters, which are attributes too")
class Listed(Wave):
    def __init__(self):
        super().__init__()
        self.all = [self.scale, self.shift]


@right("a Parameter of one number")
class OneNumber(rp.Module):
    def __init__(self):
        self.log = rp.Parameter(0.5, "log")

    def forward(self, x):
        self.point = x
        return x * np.exp(self.log.data)

    def backward(self, g):
        return g * np.exp(self.log.data)

    def update(self):
        self.log.grad = np.vdot(self.gradient, self.point) * np.exp(self.log.data)


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize(("build", "x"), RIGHT)
def test_no_law_refuses_it(build, x, seeds):
    accepted(build, x, seeds=seeds)


def test_a_copy_shares_only_what_cannot_be_copied():
    module = WithALockInside()
    copy = deepcopy(module)
    assert copy.inner is not module.inner
    assert copy.inner.lock is module.inner.lock


def test_an_error_of_an_attribute_that_can_be_copied_is_raised():
    class Broken:
        def __deepcopy__(self, memo):
            raise TypeError("no such luck")

    module = Same()
    module.broken = Broken()
    with pytest.raises(TypeError, match="no such luck"):
        deepcopy(module)
