"""Copying a state into arrays: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..errors import StateError
from ..initializers.base import Array

IGNORED = "num_batches_tracked"                                     # PyTorch's BatchNorm counts; ours does not need it


def load_arrays(who: str, targets: Mapping[str, Array], state: Mapping[str, ArrayLike], strict: bool = True) -> None:
    """Write ``state`` into the ``targets`` of the same names, after all of it was found to fit.

    Raises StateError that lists all names that are missing, unexpected (both only if ``strict``), misshapen or not
    real numbers.
    """
    found = {name: np.asarray(value) for name, value in state.items() if name.rpartition(".")[2] != IGNORED}
    wrong = []
    if strict:
        wrong += [f"missing {name!r}" for name in targets if name not in found]
        wrong += [f"unexpected {name!r}" for name in found if name not in targets]
    for name in found.keys() & targets.keys():
        if found[name].shape != targets[name].shape:
            wrong.append(f"{name!r} must have shape {targets[name].shape}, got {found[name].shape}")
        elif found[name].dtype.kind not in "fiub":
            wrong.append(f"{name!r} must be real numbers, got {found[name].dtype}")
    if wrong:
        raise StateError(f"{who}: the state does not fit: {'; '.join(wrong)}")
    for name in found.keys() & targets.keys():
        targets[name][...] = found[name]
