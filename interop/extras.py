"""Optional packages, which are imported when they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ..errors import ArgumentError


def imported(package: str, extra: str, who: str) -> ModuleType:
    """Return an optional package; ArgumentError that names the extra if it is not installed."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ArgumentError(f"{who} needs the extra {extra}: pip install 'retroprop[{extra}]' ({error})") from None
