"""What a run measures, and how long."""

from __future__ import annotations

from typing import NamedTuple


class Pace(NamedTuple):
    """Seconds of a turn, greatest number of rounds, and seconds after which no further round begins."""

    turn: float
    rounds: int
    seconds: float


CAREFUL, FAST = Pace(0.03, 15, 6), Pace(0.005, 3, 0.5)


class Settings(NamedTuple):
    """Names of workloads and of installed peers, numbers of BLAS threads, and whether only to see that all runs."""

    workloads: tuple[str, ...]
    peers: tuple[str, ...]
    threads: tuple[int, ...]
    quick: bool = False

    @property
    def pace(self) -> Pace:
        return FAST if self.quick else CAREFUL
