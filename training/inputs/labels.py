"""Labels that are text or categories, which ``fit`` numbers as ``compare`` does, by `Classes`, and the network remembers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...conversion import is_category
from ...datasets.classes import Classes, as_labels, labels, listed
from ...errors import DataError, RetropropError
from ...losses import BCE, NLL, BCEWithLogits, CrossEntropy, Hinge, Loss
from ...modules import Module
from ...modules.core.values import each, several, shape_of

OF_CLASSES = (BCE, BCEWithLogits, CrossEntropy, Hinge, NLL)         # losses, whose targets may be classes


def are_labels(y: Any) -> bool:
    """Return whether y has text or categories of shape (N,)."""
    if is_category(y):
        return True
    if isinstance(y, (list, tuple)):
        return bool(y) and all(isinstance(label, (str, bytes)) for label in y)
    if len(getattr(y, "shape", ())) != 1:
        return False
    array = y if isinstance(y, np.ndarray) else np.asarray(y)
    if array.ndim != 1 or array.dtype.kind not in "OSUT":           # a sparse array becomes a single object
        return False
    return array.dtype.kind != "O" or any(isinstance(label, (str, bytes)) for label in array)


def class_labels(net: Module, loss: Loss, *data: Any, name: str) -> tuple[Any, ...] | None:
    """Return the labels of the classes, in order: those that the network knows, or else those that occur in all parts of data.

    None if the first part, on which the network is to be trained, has no labels, or if the loss is none of classes. DataError
    if there are more than the network has outputs for.
    """
    if not isinstance(loss, OF_CLASSES):
        return None
    if net.class_labels is not None:
        return net.class_labels
    given = [is_part(part) and are_labels(part[1]) for part in data]
    if not given[0]:
        return None
    found = Classes.of(*(part[1] for part, has in zip(data, given, strict=True) if has), name=name)
    most = classes_of(net, loss, data[0][0])
    if most is not None and len(found.names) > most:
        known = Classes(as_labels(sorted(set(labels(data[0][1], name))), name))
        if len(known.names) <= most:
            known.encode(data[1][1], "validation[1]")               # raises: a label of validation is none of training
        raise DataError(f"{name} must hold at most {most} classes for {loss!r} and the outputs of this network, got "
                        f"{len(found.names)}: {listed(found.names)}")
    return tuple(found.classes.tolist())


def classes_of(net: Module, loss: Loss, x: Any) -> int | None:
    """Return the number of classes that the outputs of a network can stand for; None if x, which is not checked, is wrong."""
    try:
        shape = net.output_shape(shape_of(each(np.asarray, x)))
    except (RetropropError, TypeError, ValueError):
        return None
    if several(shape) or len(shape) != 2:
        return None
    return shape[1] if isinstance(loss, (CrossEntropy, NLL)) else 2


def coded(y: Any, known: tuple[Any, ...] | None, name: str) -> Any:
    """Return labels as the numbers of their classes; y itself if it has none."""
    return y if known is None or not are_labels(y) else Classes(as_labels(known, name)).encode(y, name)


def as_codes(y: Any, known: tuple[Any, ...] | None) -> Any:
    """Return labels as the numbers of the known classes, or else of those that occur; y itself if it has none."""
    return coded(y, known or tuple(Classes.of(y).classes.tolist()), "y") if are_labels(y) else y


def is_part(data: Any) -> bool:
    """Return whether data are ``(x, y)``, or ``(x, y, weight)``."""
    return isinstance(data, (tuple, list)) and len(data) in (2, 3)


def with_codes(data: Any, known: tuple[Any, ...] | None, name: str) -> Any:
    """Return a part with coded labels; anything else as it is."""
    if known is None or not is_part(data):
        return data
    return (data[0], coded(data[1], known, f"{name}[1]"), *data[2:])
