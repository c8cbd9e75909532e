"""The derivatives of every module and loss of the library against finite differences, for ``retroprop check``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...printing import aligned
from ..derivatives.gradient_rows import TOLERANCE, GradientRow
from .cases import LOSSES, MODULES, Case
from .differences import compared
from .sample import MODES, Sample


@dataclass(frozen=True)
class CaseCheck:
    """The comparisons of one module or loss.

    Attributes
    ----------
    name : str
    inputs, parameters : dict of tuple of GradientRow
        By mode, ``"training"`` and ``"evaluation"``: one row per array of x, and one per parameter.
    raised : str or None
        The error that ended the comparison, if there was one.
    """

    name: str
    inputs: dict[str, tuple[GradientRow, ...]]
    parameters: dict[str, tuple[GradientRow, ...]]
    raised: str | None = None

    def rows(self) -> Iterator[tuple[str, GradientRow]]:
        """All rows, each with its mode."""
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
        """Rows that do not agree. Inputs are away from the kinks of the module: a kink is a failure too."""
        return [(mode, row) for mode, row in self.rows() if not row.passed or row.kinks]

    def cells(self) -> tuple[str, ...]:
        return (self.name, str(self.numbers), worst(self.inputs), worst(self.parameters),
                "passed" if self.passed else "FAILED")


@dataclass(frozen=True)
class CasesCheck:
    """The result of ``check_cases``; prints as a table with one row per module, and a verdict."""

    rows: tuple[CaseCheck, ...]

    @property
    def passed(self) -> bool:
        return all(row.passed for row in self.rows)

    def __str__(self) -> str:
        header = ("module", "numbers", "dC/dx", "dC/dparameters", "verdict")
        lines = [aligned([header, *(row.cells() for row in self.rows)]), ""]
        lines += [f"FAILED: {row.name}: {row.raised}" for row in self.rows if row.raised]
        lines += [f"FAILED: {case.name} in {mode} mode: "
                  f"{row.kink('the module') if row.kinks else row.disagreement('the module')}"
                  for case in self.rows for mode, row in case.failures()]
        if self.passed:
            lines.append(f"passed: every error is within {TOLERANCE:g} of the largest gradient of its array, plus round-off, "
                         "in both modes")
        return "\n".join(lines)


def worst(by_mode: dict[str, tuple[GradientRow, ...]]) -> str:
    """Return the largest relative error, among arrays whose gradient exceeds round-off; empty if there is none."""
    errors = [row.relative for rows in by_mode.values() for row in rows if row.largest > row.rounding]
    return f"{np.max(errors):.1e}" if errors else ""                # NaN if one is


def check_cases(cases: Sequence[Case] = (*MODULES, *LOSSES)) -> CasesCheck:
    """Compare the gradients that ``backward`` and ``update`` of each module compute with central differences, in both modes.

    Parameters
    ----------
    cases : sequence of Case
        By default every module and loss of the library.

    Notes
    -----
    The comparison is in float64, with random gradients of the output, by the margins of ``check_gradients``.

    Examples
    --------
    >>> check = check_cases(MODULES[:2])
    >>> [(row.name, row.numbers) for row in check.rows], check.passed
    ([('Linear(3, 4)', 62), ('Identity()', 30)], True)
    """
    return CasesCheck(tuple(map(check_case, cases)))


def check_case(case: Case) -> CaseCheck:
    inputs, parameters = {}, {}
    for mode in MODES:
        try:
            sample = Sample(case.build(), case.x, case.target, mode == "training", 0)
            inputs[mode], parameters[mode] = map(tuple, compared(sample))
        except Exception as error:
            return CaseCheck(case.name, inputs, parameters, f"in {mode} mode, {type(error).__name__}: {error}")
    return CaseCheck(case.name, inputs, parameters)
