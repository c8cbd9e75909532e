"""Optional packages: what needs one says which extra brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ArgumentError


@contextmanager
def needs(extra: str, who: str) -> Iterator[None]:
    """Turn the ImportError of a package that is missing, or too old, into an ArgumentError that names its extra."""
    try:
        yield
    except ImportError as error:
        raise ArgumentError(f"{who} needs the extra {extra}: pip install 'retroprop[{extra}]' ({error})") from None
