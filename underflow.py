"""Underflow, which is no error here, whatever the user's ``np.seterr`` says: exp(-200) and a tiny gradient are rightly 0.

Overflow, invalid values and division by 0 are reported as the user wishes.

``np.errstate`` around each phase would cost a tenth of a small network's step. So a phase first compares NumPy's error state
with the last one that was found to ignore underflow, which costs less than a hundredth. NumPy keeps its state in a context
variable; reading that takes 30 ns, ``np.geterr`` takes a microsecond. To repeat a phase after a FloatingPointError would cost
nothing, but Dropout would draw a second mask, BatchNorm average a batch twice and Adam continue a step from its middle.
"""

from __future__ import annotations

from contextvars import ContextVar, copy_context
from typing import Any

import numpy as np


def state_of_numpy() -> ContextVar[Any] | None:
    """Return the context variable that ``np.seterr`` sets; None if this version of NumPy has none."""
    before, after = copy_context(), copy_context()
    after.run(np.seterr, under="raise")
    changed = [variable for variable in after if variable not in before or before[variable] is not after[variable]]
    return changed[0] if len(changed) == 1 else None


def never_the_same(self: object) -> object:
    return object()


class ErrorState:
    """``current``: NumPy's error state, in this thread; ``calm``: the last one that was found to ignore underflow."""

    __slots__ = ("calm",)

    current = property(getattr(state_of_numpy(), "get", never_the_same))

    def reports_underflow(self) -> bool:
        """Whether NumPy reports underflow in the current state. It is asked only if that is not the calm one."""
        if np.geterr()["under"] != "ignore":
            return True
        self.calm = self.current
        return False


STATE = ErrorState()
STATE.calm = None
unreported = np.errstate(under="ignore")                            # as a decorator of functions that are called rarely
