"""Optional packages: what needs one says which extra brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ArgumentError


class MissingExtra(ArgumentError, ImportError):
    """An optional package is not installed, or too old."""


@contextmanager
def needs(extra: str, who: str) -> Iterator[None]:
    """Turn an ImportError in the block into one that says which extra of this package brings what is missing."""
    try:
        yield
    except ImportError as error:
        raise MissingExtra(f"{who} needs the extra {extra}: pip install 'retroprop[{extra}]' ({error})") from None
