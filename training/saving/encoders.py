"""Targets and Scalers as files hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arguments import Array
from ...datasets.classes import Classes, as_labels
from ...datasets.scaling import Scaler
from ...datasets.targets import Targets
from ...errors import ArgumentError


def stored(targets: Targets) -> dict[str, Any]:
    """Return Targets as JSON holds them."""
    classes = None if targets.classes is None else targets.classes.classes
    if classes is not None and classes.dtype.kind not in "biufU":
        raise ArgumentError(f"save_model: targets must have labels that are numbers or text, got {classes.dtype}")
    return {"kind": targets.kind, "names": list(targets.names), "one_hot": targets.one_hot,
            "classes": None if classes is None else classes.tolist()}


def targets_of(found: dict[str, Any]) -> Targets:
    """Return Targets that were stored; an error if they are none."""
    kind, names, known = found["kind"], words(found["names"]), found["classes"]
    if kind not in ("classes", "binary", "labels", "values") or type(found["one_hot"]) is not bool or not names:
        raise ValueError("the targets are of no kind that there is")
    if known is None:
        return Targets(kind, names, one_hot=found["one_hot"])
    array: Array = as_labels(known, "classes")
    if array.dtype.kind not in "biufU" or array.shape != (len(names),):
        raise ValueError("the classes are not the labels that have the names")
    return Targets(kind, names, Classes(array), found["one_hot"])


def words(names: Any) -> tuple[str, ...]:
    """Return names that were stored, of columns or classes, which may hold any characters; TypeError if they are none."""
    if not all(type(name) is str for name in names):
        raise TypeError("names must be texts")
    return tuple(names)


def scaler_of(found: dict[str, Any] | None) -> Scaler | None:
    """Return a Scaler that was stored; an error if it is none."""
    if found is None:
        return None
    mean, deviation = found["mean"], found["deviation"]
    if not all(isinstance(array, np.ndarray) and array.dtype == np.float64 and np.isfinite(array).all()
               for array in (mean, deviation)) or mean.shape != deviation.shape or not (deviation > 0).all():
        raise ValueError("the scaler is not a mean and a positive deviation of each feature")
    names = found["feature_names"]
    return Scaler(mean, deviation, None if names is None else words(names))
