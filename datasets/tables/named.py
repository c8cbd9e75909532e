"""Arrays with names, as in an ``.npz`` file or a dict: which of them are the examples, the targets, and the test part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import FileFormatError
from ...names import suggestion
from ...printing import in_one_line

# Examples and targets, in lower case, with their test part: of this library and Keras, scikit-learn, MedMNIST, numpy.savez.
PAIRS = (
    ("x", "y", "x_test", "y_test"), ("x_train", "y_train", "x_test", "y_test"),
    ("data", "target", "data_test", "target_test"), ("data", "labels", "data_test", "labels_test"),
    ("train_images", "train_labels", "test_images", "test_labels"), ("images", "labels", "images_test", "labels_test"),
    ("train_data", "train_labels", "test_data", "test_labels"), ("features", "labels", "features_test", "labels_test"),
    ("inputs", "targets", "inputs_test", "targets_test"), ("features", "target", "features_test", "target_test"),
    ("arr_0", "arr_1", "arr_2", "arr_3"))
SHOWN = 12                                                          # names of a file in an error message


def roles(source: str, names: Sequence[str], target: str | None = None, group: str | None = None) -> dict[str, str]:
    """Return the names of the arrays by what they are: ``x``, ``y``, and if they are there ``x_test``, ``y_test``, ``group``,
    ``features`` and ``classes``, the names of both.

    Raises
    ------
    FileFormatError
        No pair of names is known, or one part of it is missing; the message lists the names.
    """
    known = {name.lower(): name for name in reversed(names)} | {name: name for name in names}
    got = in_one_line(", ".join([*names[:SHOWN], *["..."][:len(names) - SHOWN]])) or "none"
    for role, name in (("target", target), ("group", group)):
        if name is not None and name not in names:
            raise FileFormatError(f"{source} must hold the array that {role} names, one of {got}, got {name!r}"
                                  f"{suggestion(name, names)}")
    for pair in PAIRS:
        x, y, *test = pair
        y = y if target is None or y == target.lower() else target
        if x not in known or y not in known or known[x] == known[y]:
            continue
        found = {"x": known[x], "y": known[y]}
        there = [name for name in test if name in known]
        if len(there) == 1:
            raise FileFormatError(f"{source} must hold both or neither of {test[0]} and {test[1]}, got {got}")
        if there and (target is None or y == pair[1]):
            found |= {"x_test": known[test[0]], "y_test": known[test[1]]}
        for role, name in (("features", "feature_names"), ("classes", "target_names")):
            if name in known and (role == "features" or target in (None, found["y"])):
                found[role] = known[name]
        return found | ({} if group is None else {"group": group})
    raise FileFormatError(f"{source} must hold arrays x and y, x_train and y_train, data and target, or images and labels, "
                          f"got {got}")


def texts(a: Any) -> tuple[str, ...]:
    """Return names that an array or a list holds; () if it holds something else."""
    listing = a.tolist() if hasattr(a, "tolist") else a
    named = isinstance(listing, (list, tuple)) and all(isinstance(name, str) for name in listing)
    return tuple(map(str, listing)) if named else ()
