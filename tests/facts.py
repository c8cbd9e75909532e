"""Measured properties of a module, which tell why some mutants of it are equivalent to the original."""

from copy import deepcopy

import numpy as np

import retroprop as rp
from retroprop.inspection.contract.sample import Sample
from retroprop.modules.containers.container import Container


class Facts:
    """Properties of the module of a case, in both modes, measured on the original."""

    def __init__(self, case):
        self.module = case.build()
        self.loss, self.cost = case.target is not None, getattr(self.module, "reduction", "none") != "none"
        both = [Sample(self.module, case.x, case.target, training, 0) for training in (True, False)]
        here, there = ([s.run(s.new(), x) for s, x in zip(both, xs, strict=True)]
                       for xs in ([s.x for s in both], [s.other for s in both]))
        jacobians = [jacobian(s.forward, s.new(), s.x) for s in both]
        self.square = both[0].x.shape == both[0].g.shape
        self.symmetric = all(j.shape[0] == j.shape[1] and np.allclose(j, j.T, atol=1e-6) for j in jacobians)
        self.diagonal = all(j.shape[0] == j.shape[1] and np.allclose(j, np.diag(np.diag(j)), atol=1e-6) for j in jacobians)
        self.moded = not np.allclose(*jacobians, atol=1e-6)
        self.pointed = any(not same_numbers(r[name], e[name]) for r, e in zip(here, there, strict=True)
                           for name in r if name != "y")
        self.copies_x = any(same_numbers(r["y"], s.x) for r, s in zip(here, both, strict=True))
        self.copies_g = any(same_numbers(r["dC/dx"], s.g) for r, s in zip(here, both, strict=True))
        prepared = self.module.prepare(case.x.shape, np.dtype("float32"))
        self.prepared, self.obeys = prepared is not None, str(prepared) == str(both[0].g.shape)
        self.in_place = self.square and not self.loss and self.module.saved in ("output", "neither")
        self.even = any(type(part) is type(self.module) for part in self.module.children().values())
        self.column = case.x.shape[1:] == (1,)
        self.parameters, self.buffers = bool(self.module.parameters()), bool(self.module.buffers)
        self.state, self.parts = bool(self.module.state_dict()), bool(self.module.children())
        own_forward = isinstance(self.module, rp.Residual)          # a mutant of it has one, and then its output is copied
        self.holds, self.keeps_output = holds(both[0]), not self.loss and (self.module.keeps_output or own_forward)
        self.batch_last = not self.loss and self.module.output_batch_last(True) and (
            both[0].g.ndim == 4 if case.x.ndim == 4 else self.module.layout != "rows" and takes_images(both[0]))


def jacobian(forward, module, x):
    """Return dy/dx in float64, one row per number of y, by central differences."""
    module, steps = module.astype("float64"), 1e-5 * np.eye(x.size).reshape(x.size, *x.shape)
    columns = [forward(deepcopy(module), x + step) - forward(deepcopy(module), x - step) for step in steps]
    return np.reshape(columns, (x.size, -1)).T / 2e-5


def holds(s):
    """Return whether backward or update reads memory of x or y through a point.

    The point of a container is only informative, as is that of a Linear which has copied its few inputs.
    """
    module = s.new()
    y = s.forward(module, s.x)
    if hasattr(type(module).forward, "__wrapped__"):                # the checked forward returns a copy
        y = type(module).forward.__wrapped__(module, s.x, None)
    points = [inner.point for _, leaf in module.leaves() for _, inner in leaf.named_modules()
              if not isinstance(inner, Container) and (not isinstance(inner, rp.Linear) or inner.scratch.joined is None)]
    arrays = [a for point in points for a in (point if isinstance(point, tuple) else (point,)) if isinstance(a, np.ndarray)]
    return any(np.may_share_memory(a, b) for a in arrays for b in (s.x, y))


def takes_images(s):
    try:
        return s.as_images() is not None
    except rp.errors.RetropropError:
        return False


def same_numbers(a, b):
    return np.array_equal(np.ravel(a), np.ravel(b))
