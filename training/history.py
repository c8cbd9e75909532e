"""The history of a training run: numbers, one entry per epoch."""

from __future__ import annotations


class History(dict[str, list[float]]):
    """Columns of numbers with one entry per epoch: ``history["cost"][-1]`` is the cost of the last epoch.

    ``fit`` writes the columns ``epoch`` (from 1), ``cost`` (the mean over the epoch's examples, each measured just before the
    step on its batch) and ``seconds``; with validation data also ``validation_cost`` and, where the targets are classes or
    one-hot rows, ``validation_accuracy``.

    Attributes
    ----------
    stopped : str or None
        Why training ended before its last epoch; None if it did not.
    """

    stopped: str | None = None

    def append(self, row: dict[str, float]) -> None:
        """Add one epoch's entries to the columns."""
        for name, value in row.items():
            self.setdefault(name, []).append(value)

    @property
    def last(self) -> dict[str, float]:
        """The entries of the last epoch."""
        return {name: column[-1] for name, column in self.items()}

    def __str__(self) -> str:
        if not self:
            return "no epoch"
        shown = ", ".join(f"{name} {value:.4g}" for name, value in self.last.items() if name not in ("epoch", "seconds"))
        stopped = f"; stopped: {self.stopped}" if self.stopped else ""
        return f"epoch {self['epoch'][-1]:.0f}: {shown}{stopped}"
