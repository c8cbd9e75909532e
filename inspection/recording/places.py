"""The modules on a tape."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import ArgumentError
from ...modules.core.base import Module

RESULT = {"forward": "y", "backward": "gx", "update": ""}
PLANNING = ("prepare", "plan_updates")                              # run once per shape: their time is not part of a step


class Place(NamedTuple):
    """A module on a tape, and its place in the modules given to the tape."""

    root: int
    path: str
    module: Module
    text: str                                                       # its repr
    guarded: bool                                                   # whether its point is fingerprinted; not for containers

    @property
    def where(self) -> str:
        return f"{self.text} at {self.path!r}" if self.path else self.text


def refuse_occupied(place: Place) -> None:
    """Raise ArgumentError for a module that is on another tape, or that has a phase among its attributes."""
    if place.module._taped:
        raise ArgumentError(f"tape: {place.where} is on a tape already; leave that block first, or give all modules to one")
    own = next((name for name in (*RESULT, *PLANNING) if name in vars(place.module)), None)
    if own is not None:
        raise ArgumentError(f"tape: {place.where} must take {own} from its class, got an attribute of that name; delete the "
                            "attribute first")
