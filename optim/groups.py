"""Groups of parameters with their options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, Self

from ..errors import ArgumentError


class Group(dict[str, Any]):
    """Parameters (``"params"``) with their options, as in PyTorch: ``group["lr"] = 0.1`` takes effect at the next step.

    An option set later must satisfy what the constructor demands: ``group[name] = value`` and ``group.update`` raise
    ArgumentError, and change nothing, for a wrong value or for options that do not go together. ``update`` sets several
    options at once. The parameters of a group cannot be replaced.

    Attributes
    ----------
    initial_lr : float or None
        The learning rate that the group had before its first schedule.
    """

    initial_lr: float | None = None

    def __init__(self, optimizer: Any, options: Mapping[str, Any]) -> None:
        super().__init__(params=tuple(options["params"]))
        self.optimizer = optimizer
        self.update({name: value for name, value in options.items() if name != "params"})

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def update(self, *others: Any, **options: Any) -> None:
        checked = self.optimizer.checked_options(dict(*others, **options), self)
        self.optimizer.constants_current = False                    # first, so that no interrupt can hide the change
        if not checked.keys().isdisjoint(("decay_biases", "weight_decay")):
            self.optimizer.seen_changes = -1                        # they may divide the segments
        super().update(checked)

    def refuse_removal(self, *_: Any) -> NoReturn:
        """Raise ArgumentError: a group keeps all its options."""
        raise ArgumentError(f"{type(self.optimizer).__name__}: the options of a group cannot be removed, only set")

    __delitem__ = pop = popitem = clear = refuse_removal

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def __ior__(self, other: Any) -> Self:                          # type: ignore[override, misc]
        self.update(other)
        return self

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:     # a copy is a plain dict: it belongs to no optimizer
        return dict, (dict(self),)


def in_a_row(groups: Sequence[Mapping[str, Any]], names: Iterable[str]) -> str:
    """Return the present options as text: one value if it is that of all groups, else a list with that of each."""
    values = {name: [group[name] for group in groups] for name in names}
    return ", ".join(f"{name}={(each[0] if each.count(each[0]) == len(each) else each)!r}" for name, each in values.items())
