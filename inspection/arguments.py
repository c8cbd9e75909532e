"""What every function that takes a network and its loss asks of them first."""

from __future__ import annotations

from ..errors import ArgumentError
from ..losses import Loss
from ..modules import Module


def net_and_loss(net: Module, loss: Loss) -> None:
    """ArgumentError unless these are a module and a loss."""
    for name, value, kind in (("net", net, Module), ("loss", loss, Loss)):
        if not isinstance(value, kind):
            raise ArgumentError(f"{name} must be a {kind.__name__}, got {value!r}")
