"""Counts of what one training step does, the same on every machine: calls and bytes."""

import sys
import tracemalloc

import numpy as np
import pytest

import retroprop as rp

# The benchmarks' workloads: shape of an example, layers, batch.
WORKLOADS = {
    "W1": ((2,), [16, rp.Tanh, 16, rp.Tanh, 1], 32),
    "W2": ((64,), [64, rp.ReLU, 32, rp.ReLU, 10], 32),
    "W3": ((784,), [128, rp.ReLU, 10], 64),
    "W4": ((784,), [*[1000, rp.Tanh] * 4, 10], 10),
    "W5": ((784,), [*[512, rp.BatchNorm, rp.ReLU, rp.Dropout] * 2, 10], 128),
    "W6": ((1, 28, 28), [(rp.Conv2d, 16), rp.ReLU, rp.MaxPool2d, (rp.Conv2d, 32), rp.ReLU, rp.MaxPool2d, rp.Flatten, 10], 32),
    "W6s": ((1, 8, 8), [(rp.Conv2d, 16), rp.ReLU, (rp.Conv2d, 32), rp.ReLU, rp.MaxPool2d, rp.Flatten, 10], 32)}
SETTINGS = {rp.Dropout: {"rng": 0}, rp.MaxPool2d: {"kernel_size": 2}}


def training(name):
    """Return a function that makes one training step; three steps have been made."""
    inputs, layers, batch = WORKLOADS[name]
    modules, shape = [], (batch, *inputs)
    for layer in layers:
        if isinstance(layer, int):
            modules.append(rp.Linear(shape[1], layer, rng=len(modules)))
        elif isinstance(layer, tuple):
            modules.append(layer[0](shape[1], layer[1], 3, padding=1, rng=len(modules)))
        else:
            modules.append(layer(shape[1]) if layer is rp.BatchNorm else layer(**SETTINGS.get(layer, {})))
        shape = modules[-1].output_shape(shape)
    size = shape[1]
    net, rng = rp.Sequential(*modules), np.random.default_rng(0)
    loss = rp.BCEWithLogits() if size == 1 else rp.CrossEntropy()
    sgd = rp.SGD(net.parameters(), lr=1e-3, momentum=0.9)
    x = rng.standard_normal((batch, *inputs), dtype="float32")
    y = rng.integers(2, size=(batch, 1)).astype("float32") if size == 1 else rng.integers(size, size=batch)

    def step():
        loss.forward(net.forward(x), y)
        net.backward(loss.backward(), input_gradient=False)
        net.update()
        sgd.step()

    for _ in range(3):
        step()
    return step


def function_calls(step):
    """Return the number of calls of Python functions, and of C functions and methods (among them those of arrays)."""
    counts = {"call": 0, "c_call": 0}

    def count(frame, event, argument):
        if event in counts:
            counts[event] += 1

    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(None)
    return counts["call"], counts["c_call"] - 1                     # the last is setprofile itself


class Counted(np.ndarray):
    """An array whose ufuncs are counted: ``np.add(a, b)`` as well as ``a += b``."""

    ufuncs = 0

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        Counted.ufuncs += 1
        plain = [array.view(np.ndarray) if isinstance(array, Counted) else array for array in (*inputs, *(out or ()))]
        result = getattr(ufunc, method)(*plain[:len(inputs)], out=tuple(plain[len(inputs):]) or None, **options)
        return out[0] if out else np.asarray(result).view(Counted)


class CountingNumPy:
    """NumPy, except that the arrays it makes are of class Counted."""

    def __getattr__(self, name):
        found = getattr(np, name)
        if name in ("array", "empty", "ones", "zeros"):
            return lambda *arguments, **options: found(*arguments, **options).view(Counted)
        return found


def ufunc_calls(name):
    """Return the number of ufuncs of one step, called or written as operators."""
    with pytest.MonkeyPatch.context() as patch:
        for path, module in list(sys.modules.items()):
            if path.startswith("retroprop.") and getattr(module, "np", None) is np:
                patch.setattr(module, "np", CountingNumPy())
            if path.startswith("retroprop.") and getattr(module, "ndarray", None) is np.ndarray:
                patch.setattr(module, "ndarray", Counted)
        patch.setattr("retroprop.modules.core.arrays._zeros", {np.dtype(kind): np.zeros(0, kind) for kind in "fd"})
        step = training(name)
        Counted.ufuncs = 0
        step()
    return Counted.ufuncs


def peak_of_a_step(step):
    """Return the bytes that a step allocates at its peak, beyond those allocated before."""
    tracemalloc.start()
    try:
        step()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def held_by_training(name):
    """Return the bytes that a network, its loss, its optimizer and one batch of examples hold during training."""
    tracemalloc.start()
    try:
        step = training(name)
        step()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
