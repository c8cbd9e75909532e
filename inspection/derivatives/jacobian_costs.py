"""What a Jacobian costs by backward, by forward mode and by finite differences."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...modules import Module
from ...modules.core.values import shape_of, size_of
from ...printing import aligned
from .gradient_costs import timed
from .jacobians import columns, difference_columns, given, rows

REPEATS = 3                                                         # of each timing; the shortest counts


class JacobianCost(NamedTuple):
    """What a Jacobian costs in one way.

    Attributes
    ----------
    way : str
        "backward", "forward mode" or "finite differences".
    sweeps : int
        Passes through the module, apart from the first forward.
    seconds : float
        The shortest of three runs.
    """

    way: str
    sweeps: int
    seconds: float


@dataclass(frozen=True)
class JacobianCosts:
    """What one Jacobian costs in each way; prints as a table.

    Attributes
    ----------
    inputs, outputs : int
        How many numbers x and y hold.
    costs : tuple of JacobianCost
    """

    inputs: int
    outputs: int
    costs: tuple[JacobianCost, ...]

    def __str__(self) -> str:
        rows = [("way", "sweeps", "ms")]
        rows += [(cost.way, f"{cost.sweeps:,}", f"{1000 * cost.seconds:.3f}") for cost in self.costs]
        numbers = f"{self.outputs:,} number{'s' * (self.outputs != 1)}"
        return f"Jacobian of {numbers} with respect to {self.inputs:,}\n{aligned(rows)}"


def jacobian_costs(module: Module, x: Any) -> JacobianCosts:
    """Count and time the sweeps that a Jacobian takes by backward, by forward mode and by finite differences.

    Backward takes one sweep per number of y, forward mode one per number of x, central differences two forwards per number
    of x. Backward is cheaper for few outputs, such as a cost; forward mode is cheaper for few inputs. ``jacobian`` itself
    takes fewer sweeps, in the same ratio, where it knows that one can hold many rows or columns: see there.

    Parameters
    ----------
    module : Module
        Left as it is: float64 copies run, so that all three ways use the same dtype.
    x : array_like, or a tuple of them for a module of several inputs

    Returns
    -------
    JacobianCosts

    Notes
    -----
    In a module without a ``jvp`` of its own, one sweep of forward mode takes one backward per number of its output.

    Examples
    --------
    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(8, 5, rng=0), rp.Tanh(), rp.Linear(5, 2, rng=1))
    >>> for way, sweeps, _ in rp.jacobian_costs(net, np.ones((1, 8))).costs:
    ...     print(way, sweeps)
    backward 2
    forward mode 8
    finite differences 16
    """
    x = given("jacobian_costs", module, x, np.dtype("float64"))
    ran = deepcopy(module).astype("float64")
    inputs, outputs = (size_of(shape_of(value)) for value in (x, ran.forward(x)))

    def forward_mode() -> int:
        ran.forward(x)
        return len(list(columns(ran, x)))

    ways: dict[str, Callable[[], int]] = {
        "backward": lambda: len(list(rows(ran, ran.forward(x)))),
        "forward mode": forward_mode,
        "finite differences": lambda: 2 * len(list(difference_columns(ran, x)))}
    return JacobianCosts(inputs, outputs, tuple(JacobianCost(way, *timed(run, REPEATS)) for way, run in ways.items()))
