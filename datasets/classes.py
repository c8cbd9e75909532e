"""Labels as classes: the labels that occur, numbered in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DtypeError, ShapeError
from .checks import examples

KINDS = ((str, np.str_), (bytes, np.bytes_), (bool, int, float, np.bool_, np.integer, np.floating))
MISSING = ("NoneType", "NAType", "NaTType")                         # of Python, pandas and polars


@dataclass(frozen=True, eq=False)
class Classes:
    """The labels that occur in a data set; each is encoded as its index in their order, as scikit-learn's LabelEncoder does.

    Attributes
    ----------
    classes : array of shape (K,)
        The different labels, sorted: numbers or text. ``classes[indices]`` decodes.

    Examples
    --------
    >>> import numpy as np
    >>> train, test = np.array([255, 0, 255]), np.array([7, 0])
    >>> found = Classes.of(train, test)
    >>> found.names, found.encode(train).tolist(), found.encode(test).tolist()
    (('0', '7', '255'), [2, 0, 2], [1, 0])
    """

    classes: NDArray[Any]

    @classmethod
    def of(cls, *parts: ArrayLike, name: str = "y") -> Classes:
        """Return the classes that occur in all parts together: training, validation, test.

        Raises
        ------
        ShapeError, DtypeError, DataError
            The labels are no arrays of shape (N,), neither numbers nor text, missing (None, NaN, NA, masked), or all equal.
        """
        found = {label for part in parts for label in labels(part, name)}
        kinds_of(map(type, found), name)
        if len(found) < 2:
            raise DataError(f"{name} must hold at least two classes, got only {found.pop()!r}")
        return cls(as_labels(sorted(found), name))

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as text, for tables and figures."""
        return tuple(str(decoded(label)) for label in self.classes.tolist())

    def encode(self, y: ArrayLike, name: str = "y") -> NDArray[np.int64]:
        """Return the index of each label, of shape (N,); DataError for a label that is none of the classes."""
        index = {label: k for k, label in enumerate(self.classes.tolist())}
        try:
            return np.array([index[label] for label in labels(y, name)], np.int64)
        except KeyError as error:
            raise DataError(f"{name} must hold the classes {listed(self.names)}, got {error.args[0]!r}") from None


def labels(y: ArrayLike, name: str) -> list[Any]:
    """Return labels as Python's numbers or text."""
    # As objects, None and NaN stay what they are; in an array of text they would become the classes "None" and "nan".
    array = examples(name, y if isinstance(y, np.ndarray) or hasattr(y, "toarray") else np.asarray(y, object))
    if array.ndim != 1:
        raise ShapeError(f"{name} must hold one label for each example, of shape (N,), got shape {array.shape}")
    values: list[Any] = np.asarray(array).tolist()
    gone = np.array([type(value).__name__ in MISSING or value != value for value in values])
    if gone.any():
        raise DataError(f"{name} must hold a label for each example, got {gone.sum()} missing of {len(values)}, first at "
                        f"{gone.argmax()}")
    kinds_of(set(map(type, values)), name)
    return values


def kinds_of(types: Any, name: str) -> None:
    """Raise DtypeError unless all labels are numbers, or all are text."""
    found = set(types)
    if not any(all(issubclass(one, kind) for one in found) for kind in KINDS):
        raise DtypeError(f"{name} must hold labels that are all numbers or all text, got "
                         f"{', '.join(sorted(one.__name__ for one in found))}")


def as_labels(values: Sequence[Any], name: str) -> NDArray[Any]:
    """Return labels as an array that holds each as it is; DataError for integers that no type of NumPy holds."""
    array = np.array(values)
    if array.dtype.kind in "fO" and all(isinstance(value, (int, np.integer)) for value in values):
        raise DataError(f"{name} must hold integers that all fit int64 or all fit uint64, or text, got "
                        f"{min(values)} to {max(values)}")
    return array


def decoded(label: Any) -> Any:
    """Return bytes as text in UTF-8; anything else as it is."""
    return label.decode(errors="backslashreplace") if isinstance(label, bytes) else label


def listed(names: Sequence[str], most: int = 20) -> str:
    """Return names in a row; of many, the first.

    >>> listed(["1", "2", "3"]), listed(["a", "b", "c", "d"], most=3)
    ('1, 2, 3', 'a, b, c, ... (4 in all)')
    """
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])}, ... ({len(names)} in all)"
