"""Data sets in arrays: by name, in files and folders, or the user's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import as_floating
from ..errors import ArgumentError, FileFormatError, ShapeError
from ..printing import in_one_line
from .checks import Names, finite, pair, same_features
from .classes import as_labels, labels
from .embedded import digits
from .idx import FILES, mnist, variants
from .images.files import image_folder, visible
from .npz import read_npz
from .shapes import EASY_SHAPESET, shapeset
from .splits import numbered
from .tables.frames import name_of
from .tables.named import roles, texts
from .targets import Targets, plain
from .toys import blobs, circles, moons, sine, spirals, xor

Array = NDArray[Any]
Data = tuple[Array, Array]

ZIP = b"PK\x03\x04"
OTHERS = frozenset((".xlsx", ".xls", ".ods", ".parquet", ".feather", ".json", ".arff", ".pkl", ".pickle", ".mat", ".h5"))

NAMED: dict[str, Callable[[], Data]] = {
    "digits": digits,
    **{toy.__name__: partial(toy, rng=0) for toy in (moons, circles, spirals, xor, blobs, sine)},
    "shapeset": partial(shapeset, rng=0),
    "easy-shapeset": partial(shapeset, **EASY_SHAPESET, rng=0),
}


@dataclass(frozen=True, eq=False)
class DataSet:
    """Examples, what is to be predicted of them, and what is known about both.

    Attributes
    ----------
    x : float32 or float64 array of shape (N, features, ...)
        Not scaled.
    y : array of shape (N,) or (N, K)
        Labels or numbers, as the user has them: `Targets` encodes them.
    test : (x, y) or None
        The test part, if the source has one.
    features : tuple of str
        The names of the columns of x; () if they have none.
    target : str
        The name of y.
    groups : array of shape (N,) or None
        What the examples come from, such as writers.
    notes : tuple of str
        Sentences on how the source was read.
    name : str
        The name of the source: "digits", "iris.csv", "arrays".
    outputs : tuple of str
        The names of the columns of y; () if they have none.
    """

    x: Array
    y: Array
    test: Data | None = None
    features: tuple[str, ...] = ()
    target: str = "y"
    groups: Array | None = None
    notes: tuple[str, ...] = ()
    name: str = "arrays"
    outputs: tuple[str, ...] = ()

    @property
    def targets(self) -> Targets:
        """What a network is to predict, found from y of both parts."""
        parts = (self.y,) if self.test is None else (self.y, self.test[1])
        return Targets.of(*parts, names=self.outputs or (self.target,))


def suffix(path: Path) -> str:
    """Return the end of a file's name that says what it holds, in lower case and without ``.gz``."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def of_arrays(source: Any, target: Any, group: Any, name: str) -> DataSet:
    """Return the data set in arrays: of a name, a file, a folder, a dict, or (x, y)."""
    if isinstance(source, (str, os.PathLike)) and str(source) not in NAMED and not Path(source).is_dir():
        found = of_npz(Path(source), target, group, name)
    elif isinstance(source, Mapping):
        found = of_named(name, list(source), source, target, group, "arrays")
    else:
        if target is not None:
            raise ArgumentError(f"target must be None for {name} without named columns or arrays, got {target!r}")
        if isinstance(source, (str, os.PathLike)):
            found = of_name(source)
            if source == "digits" and isinstance(group, str) and group == "form":
                found = replace(found, groups=digits(groups=True)[2])
        elif is_pair(source):
            x, y = clean(source[0], source[1], ("test: x", "test: y") if name == "test" else ("x", "y"))
            found = DataSet(x, y, target=name_of(source[1]))
        else:
            alone = " alone" if isinstance(source, np.ndarray) else ""
            raise ArgumentError(f"{name} must be a name, a path, arrays (x, y), a dict of arrays or a frame, got "
                                f"{type(source).__name__}{alone}")
    if group is None or found.groups is not None:
        return found
    if isinstance(group, (str, int)):
        kinds = "'form' of the digits, a column of a table, an array of an .npz file, or an array"
        raise ArgumentError(f"group must be {kinds}, got {group!r}")
    numbered("group", group, len(found.y))
    return replace(found, groups=as_labels(labels(group, "group"), "group"))


def of_name(source: str | os.PathLike[str]) -> DataSet:
    """Return the data set of a name or in a folder."""
    if str(source) in NAMED:
        return DataSet(*NAMED[str(source)](), name=str(source))
    path = Path(source)
    if any(found.is_file() for name in FILES for found in variants(path, name)) or not any(
            inner.is_dir() for inner in visible(path)):
        train, test = mnist(path)
        return DataSet(*train, test, name=path.resolve().name)
    pictures, tested, notes = image_folder(path)
    return DataSet(*pictures, tested, notes=notes, name=path.resolve().name)


def of_npz(path: Path, target: Any, group: Any, name: str) -> DataSet:
    """Return the data set in an ``.npz`` file."""
    if suffix(path) in OTHERS and path.is_file():
        raise FileFormatError(f"{path} must be a CSV file, an .npz file or a folder, got {suffix(path)}; save it as CSV, or "
                              "read it with pandas and give the frame")
    if not path.is_file() and path.suffix != ".npz":
        raise ArgumentError(f"{name} must be one of {', '.join(NAMED)}, a folder in MNIST format, a folder of images with "
                            f"a folder for each class, a CSV file or an .npz file, got {str(path)!r}")
    chosen = group if isinstance(group, str) else None
    with path.open("rb") as file:
        start = file.read(len(ZIP))
        if start != ZIP:
            raise FileFormatError(f"{path} must be an .npz file, which starts with {ZIP!r}, got {start!r}")
        file.seek(0)
        try:
            arrays, names = read_npz(file, lambda names: roles(str(path), names, target, chosen).values())
        except FileFormatError:
            raise
        except Exception as error:          # zipfile, zlib and NumPy raise a dozen unrelated types for damaged archives
            what = in_one_line(error) or type(error).__name__
            raise FileFormatError(f"{path} must be an intact .npz file without objects, got: {what}") from error
    return of_named(str(path), names, arrays, target, chosen, path.name)


def of_named(source: str, names: Sequence[str], arrays: Mapping[str, Any], target: Any, group: Any, name: str) -> DataSet:
    """Return the data set in arrays with names."""
    role = roles(source, names, target, group if isinstance(group, str) else None)
    called = {key: f"{source}: {array}" for key, array in role.items()}
    x, y = clean(arrays[role["x"]], arrays[role["y"]], (called["x"], called["y"]))
    test = None
    if "x_test" in role:
        test = clean(arrays[role["x_test"]], arrays[role["y_test"]], (called["x_test"], called["y_test"]))
        same_features(called["x_test"], test[0], like=x)
        same_features(called["y_test"], test[1], like=y)
    features, classes = (texts(arrays[role[key]]) if key in role else () for key in ("features", "classes"))
    if classes and y.dtype.kind in "iu" and y.ndim == 1 and y.min() >= 0 and y.max() < len(classes):
        y = np.array(classes)[y]
        test = None if test is None else (test[0], np.array(classes)[test[1]])
    groups = None
    if "group" in role:
        groups = np.asarray(arrays[role["group"]])
        if len(groups) != len(y):
            raise ShapeError(f"{called['group']} must have as many examples as {role['x']}, {len(y)}, got {len(groups)}")
    unused = [other for other in names if other.lower().startswith(("x_val", "y_val", "val_"))]
    notes = (f"{', '.join(unused)} were not used.",) if unused else ()
    return DataSet(x, y, test, features if len(features) == x.shape[1] else (), role["y"], groups, notes, name)


def is_pair(source: Any) -> bool:
    """Return whether a source is (x, y)."""
    return isinstance(source, tuple) and len(source) == 2


def clean(x: ArrayLike, y: ArrayLike, names: Names = ("x", "y")) -> Data:
    """Return ``x`` and ``y`` as arrays of the dtypes that networks take, or that `Targets` encodes.

    Parameters
    ----------
    x : array of real numbers, of shape (examples, features, ...)
        float32 and float64 keep their dtype; integers and booleans become float32.
    y : array of shape (examples,) or (examples, K)
        Integers that fit become int64; floats are targets of a regression, converted like ``x``; text and booleans are labels.
    names : pair of str
        Names of ``x`` and ``y`` in error messages.

    Raises
    ------
    ShapeError, DtypeError, DataError
        Unequal lengths or a missing axis; x holds no real numbers; NaN, infinity or a missing label; or no examples.
    """
    x, _ = pair(x, y, names)
    y = plain(y, names[1])
    if x.ndim < 2:
        raise ShapeError(f"{names[0]} must have shape (examples, features, ...), got {x.shape}")
    x = as_floating(finite(names[0], x), None, names[0])
    if y.dtype.kind == "f":
        return x, as_floating(y, None, names[1])
    fits = y.dtype.kind == "i" or (y.dtype.kind == "u" and y.max() < 2**63)
    return x, y.astype(np.int64) if fits else y
