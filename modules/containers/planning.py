"""What a plan consists of: phases bound to their modules, and the buffers that they may share."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...arguments import Array
from ..core.base import Module
from ..core.phases import Phase, takes, unchecked, without_checks
from ..core.tangents import gradient_kept
from ..core.values import Shape, several, size_of


def planned(module: Module, phase: str) -> Phase:
    """Return the phase that a plan runs: the unchecked one, or on a tape the one that records it."""
    return without_checks(vars(module)[phase], module) if module._taped else unchecked(module, phase)


def planned_jvp(module: Module) -> Phase:
    """Return the unchecked jvp; a tape does not record it. Where it is backward of a module without update, run that alone."""
    kind = type(module)
    if kind.jvp is Module.jvp and kind.update is Module.update and module.symmetric and not module.children():
        return partial(gradient_kept, module, unchecked(module, "backward"))
    return unchecked(module, "jvp")


def without_input_gradient(module: Module) -> Phase:
    """Return the module's planned backward for when nobody needs its input gradient."""
    phase = planned(module, "backward")
    return partial(phase, input_gradient=False) if takes(phase, "input_gradient") else phase


def in_place(before: Module, after: Module, shape: Shape, output: Shape) -> bool:
    """Whether ``after`` may write its output, of shape ``output``, over its input, of shape ``shape``, which ``before`` wrote.

    On a tape it may not: the tape reads both.
    """
    return (before.saved in ("input", "neither") and after.saved in ("output", "neither")
            and not before._taped and not after._taped and not several(shape) and not several(output)
            and size_of(shape) == size_of(output))


def as_shape(buffer: Array, shape: tuple[int, ...]) -> Array | None:
    """Return a view of the buffer with that shape, or None if its memory layout allows no such view.

    A buffer that has the shape is returned itself: NumPy is faster if input and output are the same object.
    """
    if buffer.shape == shape:
        return buffer
    view = buffer.reshape(shape)
    return view if np.may_share_memory(view, buffer) else None
