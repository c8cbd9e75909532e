"""How often a Checkpoint saves: a number and its unit."""

from __future__ import annotations

from ...arguments import in_a_line, positive_int, real
from ...errors import ArgumentError

SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}


def interval(every: int | str) -> tuple[float, str]:
    """Return a number and its unit: "epoch", "step", "second", "minute" or "hour"."""
    units = ("epoch", "step", *SECONDS)
    number, _, unit = every.strip().partition(" ") if isinstance(every, str) else (every, "", "epoch")
    unit = unit.strip().removesuffix("s")
    try:
        if unit not in units:
            raise ValueError
        count = float(number) if unit in SECONDS else int(number) if isinstance(number, str) else number
    except ValueError:
        raise ArgumentError("every must be a number of epochs, or a text such as '500 steps', '30 seconds' or '10 minutes', "
                            f"got {in_a_line(every)}") from None
    return (real("every", count, 0) if unit in SECONDS else positive_int("every", count)), unit
