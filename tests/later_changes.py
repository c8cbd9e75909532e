"""The changes of mutants that show only in a second step, another dtype, another batch or another layout."""

from weakref import WeakKeyDictionary

import numpy as np


def count_calls():
    """Make the output depend on how often forward has run, which nothing puts back."""
    calls = WeakKeyDictionary()

    def change(self, x, y, out):
        calls[self] = calls.get(self, 0) + 1
        factor = 1 + 1 / calls[self]
        return np.multiply(y, factor, y) if isinstance(y, np.ndarray) else y * factor
    return change


def remember_by_identity():
    """Make forward read the numbers that x had when it was first given."""
    seen = WeakKeyDictionary()

    def spoil(unchecked, kind):
        def spoilt(self, x, out=None):
            past = seen.get(self)
            if past is None or past[0] is not x:
                seen[self] = past = x, x.copy()
            return unchecked(self, past[1].copy(), out)
        return spoilt
    return spoil


def keep_first_parameters():
    """Make forward use the parameters of the first forward."""
    kept = WeakKeyDictionary()

    def spoil(unchecked, kind):
        def spoilt(self, x, out=None):
            parameters = self.parameters()
            now = [parameter.data.copy() for parameter in parameters]
            first = kept.setdefault(self, now)
            try:
                for parameter, numbers in zip(parameters, first, strict=True):
                    parameter.data = numbers
                return unchecked(self, x, out)
            finally:
                for parameter, numbers in zip(parameters, now, strict=True):
                    parameter.data = numbers
        return spoilt
    return spoil


def double_if_frozen(self, g, gx, out):
    gx *= 1 + any(parameter.frozen for parameter in self.parameters())
    return gx


def clip_at_three(self, given, result, out):
    return np.clip(result, -3, 3, out=result) if isinstance(result, np.ndarray) else min(max(result, -3), 3)


def double_in_float32(self, given, result, out):
    result *= 1 + (result.dtype == np.float32)
    return result


def scale_by_size(self, g, gx, out):
    gx *= len(gx) / 5
    return gx


def flatten_out(unchecked, kind):
    """Write through ``out.reshape(-1)``, which is a copy if the batch is the last axis in memory."""
    def spoilt(self, x, out=None):
        y = unchecked(self, x)
        if out is None:
            return y
        out.reshape(-1)[...] = y.reshape(-1)
        return out
    return spoilt
