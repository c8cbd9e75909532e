"""The weights of examples in the cost, and those of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_floating, as_numbers, in_a_line, positive_int
from ...datasets.checks import examples, finite
from ...datasets.classes import Classes, listed
from ...errors import ArgumentError, DataError, DtypeError, ShapeError
from .labels import are_labels


def class_weights(y: ArrayLike, classes: int | None = None) -> Array:
    r"""Return the weights by which all classes count alike: :math:`N / (K N_k)` for a class of :math:`N_k` examples.

    Parameters
    ----------
    y : array of shape (N,) or (N, 1)
        The class of each example: an integer from 0; or, of shape (N,), text or categories, which are numbered in sorted order,
        as ``fit`` does.
    classes : int, default None
        Length of the result; None: up to the largest class.

    Returns
    -------
    float64 array of shape (classes,)
        scikit-learn's "balanced" weights, whose mean over the examples is 1. K is the number of classes that occur; the
        others have weight 0.

    Raises
    ------
    DtypeError, ShapeError, DataError, ArgumentError
        y does not hold integers, has another shape, is empty or holds something that is no class, or more classes.

    Examples
    --------
    >>> import retroprop as rp
    >>> rp.class_weights([0, 0, 0, 1])
    array([0.66666667, 2.        ])
    >>> loss = rp.CrossEntropy(weight=rp.class_weights([0, 0, 0, 1]))
    """
    found = Classes.of(y).encode(y) if are_labels(y) else as_numbers(examples("y", y), "y")
    if found.dtype.kind not in "iub":
        raise DtypeError(f"class_weights: y must hold integer classes, got {found.dtype}; whole floats want y.astype(int)")
    if found.shape not in ((len(found),), (len(found), 1)):
        raise ShapeError(f"class_weights: y must have shape (N,) or (N, 1), got {found.shape}")
    found, count = found.reshape(-1).astype(np.int64), 0 if classes is None else positive_int("classes", classes)
    if found.min() < 0 or (count and found.max() >= count):
        raise DataError(f"class_weights: y must hold classes from 0{f' to {count - 1}' if count else ''}, got "
                        f"{found.min()} to {found.max()}")
    present = np.unique(found, return_counts=True)
    weights = np.zeros(count or int(present[0][-1]) + 1)
    weights[present[0]] = len(found) / (len(present[0]) * present[1])
    return weights


def weights_of_classes(class_weight: object, classes: Array | None, sample_weight: Array | None,
                       labels: Sequence[Any] | None = None) -> Array | None:
    """Return the weights of the examples: those of their classes, times ``sample_weight``, as far as they are given.

    ``classes`` are those of the examples, from 0, or None if the targets are not classes; ``labels`` are what they stand for,
    by which a dict gives their weights. None: their numbers.
    """
    if class_weight is None:
        return sample_weight
    if classes is None:
        raise ArgumentError("class_weight must be None unless the loss is one of classes and y holds classes")
    found, n = classes.astype(np.int64), int(classes.max()) + 1
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ArgumentError(f'class_weight must be "balanced", or a number for each class, got {in_a_line(class_weight)}')
        weights = class_weights(found)
    elif isinstance(class_weight, Mapping):
        present, weights = np.unique(found), np.ones(n)
        weights[present] = weights_by_label(class_weight, [k if labels is None else labels[k] for k in present.tolist()])
    else:
        weights = finite("class_weight", as_floating(class_weight, np.dtype(float), "class_weight"))  # type: ignore[arg-type]
        if weights.ndim != 1 or len(weights) < n:
            raise ShapeError(f"class_weight must have a number for each of {n} classes, got shape {weights.shape}")
    every = weights[found] if sample_weight is None else weights[found] * sample_weight
    return checked_weights("class_weight, for the classes of y,", every, len(every))


def weights_by_label(class_weight: Mapping[Any, Any], present: Sequence[Any]) -> Array:
    """Return the weight of each label that is present; 1 for one that the dict does not have.

    ArgumentError if the dict has labels that are not present, unless it has all that are: those of a part of the data.
    """
    unknown = [label for label in class_weight if label not in present]
    if unknown and not all(label in class_weight for label in present):
        raise ArgumentError(f"class_weight must have weights of the classes {listed(list(map(str, present)))}, got some for "
                            f"{listed(list(map(repr, unknown)))}, which are none")
    weights = [class_weight.get(label, 1) for label in present]
    return np.asarray(finite("class_weight", as_floating(weights, np.dtype(float), "class_weight")))


def checked_weights(name: str, weight: ArrayLike | None, n: int, *, part: bool = False) -> Array | None:
    """Return the weights of n examples, float64 of shape (n,), or None; an error if they cannot weigh a mean.

    If they are those of a part of the examples, they may all be 0.
    """
    if weight is None:
        return None
    found = finite(name, as_floating(weight, np.dtype(float), name))
    if found.shape != (n,):
        raise ShapeError(f"{name} must have shape ({n},), a number for each example, got {found.shape}")
    if found.min() < 0 or not (part or found.any()):
        raise DataError(f"{name} must hold numbers of at least 0{'' if part else ', and one above 0'}, got {found.min():g} to "
                        f"{found.max():g}")
    return found
