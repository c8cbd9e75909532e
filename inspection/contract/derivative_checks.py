"""Every module and loss of the library against finite differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from ...modules.core.values import each, parts, product
from ...printing import aligned
from ..derivatives.batch_cost import flows
from ..derivatives.gradient_rows import ROUNDING, TOLERANCE, GradientRow, compare
from .case import Subject, float64, gradients, named
from .cases import LOSSES, MODULES, Case

MODES = ("training", "evaluation")


@dataclass(frozen=True)
class ExhibitRow:
    """One module or loss of a check.

    Attributes
    ----------
    name : str
    inputs, parameters : dict of tuple of GradientRow
        By mode, ``"training"`` and ``"evaluation"``: a row for each array of x, and for each parameter.
    raised : str or None
        The error that ended the comparison.
    """

    name: str
    inputs: dict[str, tuple[GradientRow, ...]]
    parameters: dict[str, tuple[GradientRow, ...]]
    raised: str | None = None

    def rows(self) -> Iterator[tuple[str, GradientRow]]:
        """All of them, each with its mode."""
        for of in (self.inputs, self.parameters):
            yield from ((mode, row) for mode, rows in of.items() for row in rows)

    @property
    def numbers(self) -> int:
        """How many derivatives were compared."""
        return sum(row.size for _, row in self.rows())

    @property
    def passed(self) -> bool:
        return self.raised is None and not self.failures()

    def failures(self) -> list[tuple[str, GradientRow]]:
        """Rows that do not agree. Inputs are away from the kinks that a module has: another one is a failure too."""
        return [(mode, row) for mode, row in self.rows() if not row.passed or row.kinks]

    def cells(self) -> tuple[str, ...]:
        return (self.name, str(self.numbers), worst(self.inputs), worst(self.parameters),
                "passed" if self.passed else "FAILED")


@dataclass(frozen=True)
class GalleryCheck:
    """What ``check_gallery`` found; prints as a table, a row a module, and a verdict."""

    rows: tuple[ExhibitRow, ...]

    @property
    def passed(self) -> bool:
        return all(row.passed for row in self.rows)

    def __str__(self) -> str:
        header = ("module", "numbers", "dC/dx", "dC/dparameters", "verdict")
        lines = [aligned([header, *(row.cells() for row in self.rows)]), ""]
        failures = [(row.name, *failure) for row in self.rows for failure in row.failures()]
        lines += [f"FAILED: {row.name}: {row.raised}" for row in self.rows if row.raised]
        lines += [f"FAILED: {name} in {mode} mode: {failed(row)}" for name, mode, row in failures]
        if self.passed:
            lines.append(f"passed: all errors are within {TOLERANCE:g} of the largest gradient of their array, in both modes")
        return "\n".join(lines)


def worst(found: dict[str, tuple[GradientRow, ...]]) -> str:
    """The largest relative error of arrays whose gradient is more than round-off, if there is one."""
    errors = [row.relative for rows in found.values() for row in rows if row.largest > row.rounding]
    return f"{np.max(errors):.1e}" if errors else ""                # NaN if one is


def failed(row: GradientRow) -> str:
    if row.kinks:
        kink = row.kinks[0]
        return (f"{row.name}{kink.where}: the slope is {kink.left:.4g} to the left, {kink.right:.4g} to the right, the "
                f"module gives {kink.computed:.4g}")
    return f"{row.name}{row.where}: finite differences give {row.numerical:.9g}, the module {row.computed:.9g}"


def check_gallery(cases: Sequence[Case] = (*MODULES, *LOSSES)) -> GalleryCheck:
    """Compare what ``backward`` and ``update`` of each module give with central differences, in both modes.

    Parameters
    ----------
    cases : sequence of Case
        By default every module and loss of the library.

    Notes
    -----
    In float64, with random gradients of the output, by the margins of ``check_gradients``.

    Examples
    --------
    >>> from retroprop.inspection import gallery
    >>> from retroprop.inspection.gallery_check import check_gallery
    >>> check = check_gallery(gallery.MODULES[:2])
    >>> [(row.name, row.numbers) for row in check.rows], check.passed
    ([('Linear(3, 4)', 62), ('Identity()', 30)], True)
    """
    return GalleryCheck(tuple(check_exhibit(one) for one in cases))


def check_exhibit(one: Case) -> ExhibitRow:
    inputs, parameters = {}, {}
    for mode in MODES:
        try:
            inputs[mode], parameters[mode] = compared(Subject(one.build(), one.x, one.target, mode == "training", 0))
        except Exception as error:
            return ExhibitRow(one.name, inputs, parameters, f"in {mode} mode, {type(error).__name__}: {error}")
    return ExhibitRow(one.name, inputs, parameters)


def compared(s: Subject) -> tuple[tuple[GradientRow, ...], tuple[GradientRow, ...]]:
    """A row for each array of x, and a row for each parameter."""
    module, x, g = s.double(), float64(s.x), float64(s.g)
    ran = deepcopy(module)
    rounding = ROUNDING * product(each(np.abs, g), each(np.abs, s.forward(ran, x)))
    gx = ran.backward(g)
    ran.update()

    def cost(_: object) -> float:
        return product(g, s.forward(deepcopy(module), x))

    back = zip(named("dC/dx", gx).items(), parts(x), strict=True)
    slopes = zip(gradients(ran).items(), module.named_parameters(), flows(ran).values(), strict=True)
    return (tuple(compare(name, a.size, None, cost, a, found, rounding) for (name, found), a in back),
            tuple(compare(name, found.size, None, cost, parameter.data, found, rounding, flow)
                  for (name, found), (_, parameter), flow in slopes))
