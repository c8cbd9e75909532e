"""Loading any data set, by its name or from files."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import ArgumentError, FileFormatError
from ..printing import in_one_line
from .checks import clean, same_features
from .embedded import digits
from .idx import mnist
from .npz import read_npz
from .shapes import EASY_SHAPESET, shapeset
from .toys import blobs, circles, moons, sine, spirals, xor

Data = tuple[NDArray[Any], NDArray[Any]]

ZIP = b"PK\x03\x04"
SHOWN = 12                                                          # names of a file in an error message

NAMED: dict[str, Callable[[], Data]] = {
    "digits": digits,
    **{toy.__name__: partial(toy, rng=0) for toy in (moons, circles, spirals, xor, blobs, sine)},
    "shapeset": partial(shapeset, rng=0),
    "easy-shapeset": partial(shapeset, **EASY_SHAPESET, rng=0),
}


def load(source: str | os.PathLike[str]) -> tuple[Data, Data | None]:
    """Return a data set, given its name or the path of the user's files.

    Parameters
    ----------
    source : str or path
        - a name: ``digits``; or a toy (``moons``, ``circles``, ...), ``shapeset`` or ``easy-shapeset`` (with
          ``EASY_SHAPESET``), generated with its defaults and ``rng=0``;
        - a folder in the format of MNIST (see `mnist`);
        - an ``.npz`` file with arrays ``x`` (examples, features, ...) and ``y`` (examples, ...), and optionally ``x_test``
          and ``y_test``. Integers in ``y`` are labels, from 0; floats are targets of a regression. ``x`` is not scaled.

    Returns
    -------
    (x, y), test
        ``test`` is ``(x_test, y_test)``, or None if the source has no test part (see `split`).

    Raises
    ------
    ArgumentError
        The source is neither a name nor an existing path; the message lists the names.
    FileFormatError
        The file is damaged, lacks an array, or holds an object array (pickles are never loaded).
    DataError
        The data hold NaN, infinity or a negative label, or no examples.

    Examples
    --------
    >>> import retroprop as rp
    >>> (x, y), test = rp.datasets.load("moons")
    >>> x.shape, test
    ((500, 2), None)
    """
    return loaded("source", source)


def loaded(name: str, source: str | os.PathLike[str]) -> tuple[Data, Data | None]:
    """Return a data set; ``name`` is that of the argument in error messages."""
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError(f"{name} must be a name or a path, got a {type(source).__name__}")
    if source in NAMED:
        return NAMED[str(source)](), None
    path = Path(source)
    if path.is_dir():
        return mnist(path)
    if path.is_file() or path.suffix == ".npz":
        return _npz(path)
    names = ", ".join(NAMED)
    raise ArgumentError(f"{name} must be one of {names}, a folder in MNIST format or an .npz file, got {str(source)!r}")


def _npz(path: Path) -> tuple[Data, Data | None]:
    arrays, names = _arrays(path)
    if not {"x", "y"} <= arrays.keys() or ("x_test" in arrays) != ("y_test" in arrays):
        got = in_one_line(", ".join([*names[:SHOWN], *["..."][:len(names) - SHOWN]])) or "none"
        raise FileFormatError(f"{path} must hold arrays x and y, and both or neither of x_test and y_test, got {got}")
    train = clean(arrays["x"], arrays["y"], (f"{path}: x", f"{path}: y"))
    if "x_test" not in arrays:
        return train, None
    test = clean(arrays["x_test"], arrays["y_test"], (f"{path}: x_test", f"{path}: y_test"))
    same_features(f"{path}: x_test", test[0], like=train[0])
    same_features(f"{path}: y_test", test[1], like=train[1])
    return train, test


def _arrays(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return the arrays of a data set, and the names of all arrays in the file."""
    with path.open("rb") as file:
        start = file.read(len(ZIP))
        if start != ZIP:
            raise FileFormatError(f"{path} must be an .npz file, which starts with {ZIP!r}, got {start!r}")
        file.seek(0)
        try:
            return read_npz(file, ("x", "y", "x_test", "y_test"))
        except Exception as error:          # zipfile, zlib and NumPy raise a dozen unrelated types for damaged archives
            what = in_one_line(error) or type(error).__name__
            raise FileFormatError(f"{path} must be an intact .npz file without objects, got: {what}") from error
