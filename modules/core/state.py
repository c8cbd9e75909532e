"""Loading a state into arrays: all of it or, after an error, nothing."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from ...arguments import Array, as_numbers
from ...errors import RetropropError, StateError
from ...restoring import at_once, filling

IGNORED = "num_batches_tracked"                                     # PyTorch's BatchNorm counts batches; ours does not


def load_arrays(who: str, targets: Mapping[str, Array], state: Mapping[str, ArrayLike], strict: bool = True) -> None:
    """Copy the arrays of ``state`` into the ``targets`` of the same names, if all of them fit.

    Otherwise raise StateError, which lists the names that are missing or unexpected (both only if ``strict``), of a wrong
    shape, or not real numbers. ``who`` begins its message.
    """
    if not isinstance(state, Mapping):
        raise StateError(f"{who}: state must be a dict of arrays by name, got {type(state).__name__}")
    found = {name: value for name, value in state.items() if name.rpartition(".")[2] != IGNORED}
    wrong = []
    if strict:
        wrong += [f"missing {name!r}" for name in targets if name not in found]
        wrong += [f"unexpected {name!r}" for name in found if name not in targets]
    arrays = {}
    for name in (name for name in targets if name in found):
        try:
            arrays[name] = as_numbers(found[name], repr(name))
        except RetropropError as error:
            wrong.append(str(error))
            continue
        if arrays[name].shape != targets[name].shape:
            wrong.append(f"{name!r} must have shape {targets[name].shape}, got {arrays[name].shape}")
    if wrong:
        raise StateError(f"{who}: the state does not fit: {'; '.join(wrong)}")
    at_once(filling([(targets[name], array) for name, array in arrays.items()]))
