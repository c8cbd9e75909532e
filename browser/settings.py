"""What a visitor of the page chooses, and the text that stands for it in the address of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ..arguments import in_a_line, one_of, positive_int, real
from ..errors import ArgumentError
from ..training.named import ACTIVATIONS, initialization

DATA = ("moons", "circles", "spirals", "xor", "digits")
MOST = {"depth": 30, "width": 200, "batch_size": 300, "seed": 2**31 - 1, "steps": 10**9}
LEAST = {"seed": 0, "steps": 0, "depth": 0}


@dataclass(frozen=True)
class Settings:
    """Two networks that differ in their initialization alone, the data, and how they are trained.

    Attributes
    ----------
    data : {"moons", "circles", "spirals", "xor", "digits"}
    depth, width : int
        Number of hidden layers, at most 30, and of the units in each, at most 200.
    activation : str
        A name in ``retroprop.training.named.ACTIVATIONS``.
    a, b : str
        The initializations of the two networks, as ``retroprop.training.named.initialization`` reads them: ``Glorot``,
        ``N(0, 0.01²)``, ``PyTorch``.
    lr : float
        Learning rate, above 0 and at most 100.
    batch_size : int
        At most 300.
    seed : int
        Of the data, their order and the weights.
    steps : int
        How many steps were made.
    """

    data: str = "moons"
    depth: int = 4
    width: int = 16
    activation: str = "tanh"
    a: str = "Glorot"
    b: str = "N(0, 0.01²)"
    lr: float = 0.1
    batch_size: int = 100                                        # smaller ones make the cost jump once it is small
    seed: int = 0
    steps: int = 0

    def __post_init__(self) -> None:
        one_of("data", self.data, DATA)
        one_of("activation", self.activation, ACTIVATIONS)
        for name, most in MOST.items():
            if positive_int(name, getattr(self, name), LEAST.get(name, 1)) > most:
                raise ArgumentError(f"{name} must be at most {most}, got {in_a_line(getattr(self, name))}")
        object.__setattr__(self, "lr", real("lr", self.lr, 0, 100, above=True))
        for name in ("a", "b"):
            object.__setattr__(self, name, initialization(getattr(self, name), name).label)

    @classmethod
    def read(cls, text: str) -> Settings:
        """Return the settings that ``text`` wrote; what is left out has its default.

        Raises
        ------
        ArgumentError
            A name is unknown, or a value cannot be used.

        Examples
        --------
        >>> Settings.read("data=xor&b=PyTorch").b, Settings.read("").data
        ('PyTorch', 'moons')
        """
        return cls.of(dict(parse_qsl(text.lstrip("#"), keep_blank_values=True)))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Return the settings in a mapping, whose numbers may be texts, as a form and an address have them."""
        types = {field.name: type(field.default) for field in fields(cls)}
        return cls(**{one_of("a setting", name, types): number(name, value, types[name]) for name, value in given.items()})

    def text(self) -> str:
        """Return the settings that are not the defaults, as the part of an address after #.

        >>> Settings(data="xor", b="N(0, 1)").text(), Settings().text()
        ('data=xor&b=N(0,+1)', '')
        """
        default = Settings()
        changed = {field.name: getattr(self, field.name) for field in fields(self)
                   if getattr(self, field.name) != getattr(default, field.name)}
        return urlencode(changed, safe="(),²")


def number(name: str, value: Any, kind: type) -> Any:
    """Return a text as the number that it spells, where a number is wanted."""
    if not isinstance(value, str) or kind is str:
        return value
    try:
        return kind(value)
    except ValueError:
        wanted = "an integer" if kind is int else "a number"
        raise ArgumentError(f"{name} must be {wanted}, got {in_a_line(value)}") from None
