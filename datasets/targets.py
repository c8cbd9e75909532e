"""What a network is to predict: classes, several labels, or numbers, found from the y of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import as_array, as_floating
from ..conversion import is_category
from ..errors import DataError, DtypeError, ShapeError
from .checks import examples, finite
from .classes import Classes, as_labels, labels

Kind = Literal["classes", "binary", "labels", "values"]
FEW = 20                                                            # different whole numbers that look like classes
OFTEN = 20                                                          # examples of each of more integers, if they do


@dataclass(frozen=True, eq=False)
class Targets:
    """What a network is to predict: found from all parts of y by `of`, then encoded for a loss by `encode`.

    Attributes
    ----------
    kind : {"classes", "binary", "labels", "values"}
        - ``"classes"``, three or more, and ``"binary"``, two: y holds one label for each example, numbers but no floats, truth
          values or text, of shape (N,) or (N, 1); or a matrix of 0 and 1 with a single 1 in each row (one-hot);
        - ``"labels"``: y is another matrix of 0 and 1, of shape (N, K), and says which of K labels an example has;
        - ``"values"``: y is floating, of shape (N,), (N, 1) or (N, K), and holds numbers: a regression.
    names : tuple of str
        The names of the classes, of the labels, or of the values.
    notes : tuple of str
        Sentences on what y may have been meant to be.

    Examples
    --------
    >>> found = Targets.of(["setosa", "virginica", "setosa"], ["versicolor"])
    >>> found.kind, found.names, found.outputs, found.encode(["virginica", "setosa"]).tolist()
    ('classes', ('setosa', 'versicolor', 'virginica'), 3, [2, 0])
    >>> Targets.of([-1, 1, 1]).kind, Targets.of([[0, 1], [1, 1]]).kind, Targets.of([2.5, 1.0]).kind
    ('binary', 'labels', 'values')
    """

    kind: Kind
    names: tuple[str, ...]
    classes: Classes | None = None
    one_hot: bool = False
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, *parts: ArrayLike, name: str = "y", names: Sequence[str] = ()) -> Targets:
        """Return the targets of all parts together: training, validation, test.

        Parameters
        ----------
        parts : array_like of shape (N,), (N, 1) or (N, K)
        name : str, default "y"
            That of y in error messages.
        names : sequence of str, default ()
            Names of the K columns, if they have any.

        Raises
        ------
        ShapeError, DtypeError, DataError
            y has another shape; holds numbers and text, or missing values; or all labels, numbers or rows are equal.
        """
        arrays = [flat(plain(part, name)) for part in parts]
        first = arrays[0]
        for array in arrays:
            if array.shape[1:] != first.shape[1:]:
                raise ShapeError(f"{name} must have the same shape in all parts, got {first.shape} and {array.shape}")
        if first.ndim == 2:
            width = first.shape[1]
            names = tuple(names) if len(names) == width else tuple(map(str, range(width)))
            varied(arrays, "rows", name)
            if all(np.isin(array, (0, 1)).all() for array in arrays):
                if all((array.sum(1) == 1).all() for array in arrays):
                    return cls("binary" if width == 2 else "classes", names, one_hot=True)
                return cls("labels", names)
        if all(array.dtype.kind == "f" for array in arrays):
            varied(arrays, "numbers", name)
            names = tuple(names) if first.ndim == 2 or len(names) == 1 else (name,)
            return cls("values", names, notes=whole(arrays, name))
        if first.ndim == 2:
            raise DataError(f"{name} must hold one label for each example, or a matrix of 0 and 1, or floats, got "
                            f"{first.dtype} of shape {first.shape}")
        found = Classes.of(*arrays, name=name)
        return cls("binary" if len(found.names) == 2 else "classes", found.names, found, notes=many(found, arrays, name))

    @property
    def outputs(self) -> int:
        """Units of the last layer of a network: one for each class, label or value; one for two classes."""
        return 1 if self.kind == "binary" else len(self.names)

    def encode(self, y: ArrayLike, name: str = "y") -> NDArray[Any]:
        """Return y as a loss takes it.

        Returns
        -------
        array
            ``"classes"``: int64 of shape (N,), for CrossEntropy. ``"binary"``: int64 of shape (N,), 0 or 1, for BCEWithLogits.
            ``"labels"``: float32 of shape (N, K), for BCEWithLogits. ``"values"``: floats of shape (N, K), for MSE, where K is
            1 for y of shape (N,).
        """
        array = plain(y, name)
        if self.classes is not None:
            return self.classes.encode(array, name)
        if self.kind == "values":
            floats = as_floating(array, None, name)
            array = floats.reshape(len(floats), -1)
        if array.ndim != 2 or array.shape[1] != len(self.names):
            raise ShapeError(f"{name} must have shape (N, {len(self.names)}), got {array.shape}")
        if self.kind == "values":
            return array
        if not np.isin(array, (0, 1)).all() or (self.one_hot and (array.sum(1) != 1).any()):
            raise DataError(f"{name} must be a matrix of 0 and 1{', with one 1 in each row' * self.one_hot}")
        return array.argmax(1).astype(np.int64) if self.one_hot else array.astype(np.float32)


def plain(y: Any, name: str = "y") -> NDArray[Any]:
    """Return y as an array of numbers, truth values or text, of shape (N,), or (N, K) with K > 1 or floats.

    Missing values and infinite ones are refused: ShapeError, DtypeError or DataError.
    """
    if type(y) is np.ndarray and y.dtype.kind in "biuf":
        array = examples(name, y)
    else:
        array = np.asarray(y, object) if not hasattr(y, "toarray") else y
        array = as_labels(labels(y, name), name) if np.ndim(array) == 1 else examples(name, y)
        if array.dtype.kind == "f" and is_category(y):
            array = array.astype(str)
    if array.ndim == 2 and array.dtype.kind == "O":
        array = np.array(array.tolist())
    if array.ndim == 2 and array.dtype.kind != "f" and array.shape[1] == 1:
        return plain(flat(array), name)
    if array.ndim not in (1, 2):
        raise ShapeError(f"{name} must have shape (N,) or (N, K), got {array.shape}")
    if array.dtype.kind == "f":
        return np.asarray(finite(name, array))
    if array.ndim == 2 and array.dtype.kind not in "biu":
        raise DtypeError(f"{name} of shape {array.shape} must hold numbers, got {array.dtype}")
    return as_array(array, name)


def flat(y: NDArray[Any]) -> NDArray[Any]:
    """Return y of shape (N, 1) as (N,), which means the same."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def varied(arrays: Sequence[NDArray[Any]], what: str, name: str) -> None:
    """Raise DataError if all numbers or rows are equal: there is nothing to predict."""
    first = arrays[0][0]
    if all((array == first).all() for array in arrays):
        raise DataError(f"{name} must hold at least two different {what}, got only {first.tolist()}")


def whole(arrays: Sequence[NDArray[Any]], name: str) -> tuple[str, ...]:
    """Return a note on floats that look like classes: few different numbers, all whole."""
    found = set()
    for array in arrays:
        if array.ndim > 1 or (array != np.trunc(array)).any():
            return ()
        found.update(np.unique(array).tolist())
    if len(found) > FEW:
        return ()
    return (f"The {len(found)} different numbers in {name} are whole but floating: they are predicted as numbers; as integers "
            "they would be classes.",)


def many(found: Classes, arrays: Sequence[NDArray[Any]], name: str) -> tuple[str, ...]:
    """Return a note on integers that look like numbers to predict: many different ones."""
    count, n = len(found.names), sum(map(len, arrays))
    if found.classes.dtype.kind not in "iu" or count <= max(FEW, n / OFTEN):
        return ()
    return (f"The {count} different integers in {name}, of {n} examples, are classes; as floats they would be predicted as "
            "numbers.",)
