"""Loading a state into arrays: all of it or, after an error, nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, as_numbers
from ...errors import RetropropError, StateError
from ...restoring import at_once, filling

IGNORED = "num_batches_tracked"                                     # PyTorch's BatchNorm counts batches; ours does not


def load_arrays(who: str, targets: Mapping[str, Array], state: Mapping[str, ArrayLike], strict: bool = True, *,
                nonnegative: Collection[str] = (), nonfinite: Collection[str] = ()) -> None:
    """Copy the arrays of ``state`` into the ``targets`` of the same names, if all of them fit.

    Otherwise raise StateError, which lists the names that are missing or unexpected (both only if ``strict``), of a wrong
    shape, or not real numbers. So are values that cannot be: that are not finite in the target's dtype (except in the targets
    that ``nonfinite`` names), not integers for a target of integers, or below 0 in those that ``nonnegative`` names; and
    different values for one target that has several names. ``who`` begins the message.
    """
    if not isinstance(state, Mapping):
        raise StateError(f"{who}: state must be a dict of arrays by name, got {type(state).__name__}")
    found = {name: value for name, value in state.items() if str(name).rpartition(".")[2] != IGNORED}
    wrong = []
    if strict:
        wrong += [f"missing {name!r}" for name in targets if name not in found]
        wrong += [f"unexpected {name!r}" for name in found if name not in targets]
    arrays: dict[str, Array] = {}
    first: dict[int, str] = {}                                      # the first name of each target
    for name in (name for name in targets if name in found):
        try:
            arrays[name] = converted(repr(name), found[name], targets[name], name in nonnegative, name not in nonfinite)
        except RetropropError as error:
            wrong.append(str(error))
            continue
        same = first.setdefault(id(targets[name]), name)
        if same != name and not np.array_equal(arrays[same], arrays[name]):
            wrong.append(f"{same!r} and {name!r} are one array, but their values differ")
    if wrong:
        raise StateError(f"{who}: the state does not fit: {'; '.join(wrong)}")
    at_once(filling([(targets[name], array) for name, array in arrays.items()]))


def converted(name: str, value: ArrayLike, target: Array, nonnegative: bool, finite: bool) -> Array:
    """Return ``value`` in the dtype of ``target``; raise an error if its shape or a value does not fit."""
    given = as_numbers(value, name)
    if given.shape != target.shape:
        raise StateError(f"{name} must have shape {target.shape}, got {given.shape}")
    with np.errstate(all="ignore"):
        array = given.astype(target.dtype, copy=False)
    if target.dtype.kind != "f":
        demand(array == given, name, f"integers, as {target.dtype}", given)
    elif finite:
        demand(np.isfinite(array), name, f"finite in {target.dtype}", given)
    if nonnegative:
        demand(array >= 0, name, "at least 0", given)
    return array


def demand(good: Array, name: str, what: str, given: Array) -> None:
    """Raise StateError, which says how many values are wrong and which is the first, unless all are ``good``."""
    if not np.all(good):
        first = tuple(map(int, np.unravel_index(np.argmin(good), given.shape)))
        at = f", the first of {good.size - np.count_nonzero(good)} at {first}" if first else ""
        raise StateError(f"{name} must be {what}, got {given[first]}{at}")
