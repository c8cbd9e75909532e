"""What the phases leave in a module, who reads it, and who takes it away.

A phase keeps what the next phase needs in attributes of the module. This table lists them:

====================================  ===========================  ====================================================
attribute                             written by                   read by
====================================  ===========================  ====================================================
point                                 forward                      backward, update, jvp, example_gradients
gradient                              backward (its argument g)    update, example_gradients; None: backward must run first
scratch, batch_last                   prepare_for                  all phases (of a container, scratch is the plan)
_signature                            prepare_for                  forward: an input of another shape or dtype is prepared for
_input, _output                       prepare_for                  backward, jvp check shapes; None: forward must run first
_trains, _changes_seen                plan_updates                 update (of a container, the list ``updates`` too)
_views_seen                           drop_stale_views             forward
_fingerprint                          a tape, after forward        the tape, before the later phases
====================================  ===========================  ====================================================

They become invalid at these events. Only the methods below take them away:

====================================  ===========================  ====================================================
event                                 method                       what it takes away
====================================  ===========================  ====================================================
a forward begins                      begin_forward                the gradient, also of all modules inside a container;
                                                                   and all that the containers around the module hold
a module in a container runs          invalidate_owners            the gradient of the containers around the module
  backward alone
a new shape or dtype of the input     prepare_for                  all, and makes a new workspace
a forward fails, the dtype changes,   clear_evaluation             all
  a tape begins, a loss's setting
  changes
a change of mode; a tape begins or    invalidate_plans             _signature and _changes_seen: plans are made again before
  ends                                                             the next forward and update; point and gradient stay valid
a parameter moves, freezes, thaws     plan_updates,                the old plan of update, and views of parameters in
  or is replaced                      drop_stale_views             workspaces (FlatParameters.changes counts these events)
====================================  ===========================  ====================================================

``preserved_evaluation`` puts everything back after a block of code: ``predict`` and the inspection tools run inside it. The
checks in ``phases.py`` call these methods, so that the author of a module does not have to know them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, Self, TypeVar

import numpy as np

from ...errors import ShapeError
from .parameter import FlatParameters
from .tree import Tree
from .values import Shape, Signature, fitting, parts

M = TypeVar("M", bound="Evaluated[Any]")                            # Module


class Evaluated(Tree[M]):
    """What a module holds between its phases, and the methods that take it away."""

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_changes_seen",
        "_fingerprint",
        "_input",
        "_output",
        "_owner",
        "_signature",
        "_spare",
        "_taped",
        "_trains",
        "_views_seen",
        "batch_last",
        "gradient",
        "point",
        "scratch",
    )
    _workspace: ClassVar[tuple[str, ...]] = ("scratch", "_signature", "_input", "_output", "_views_seen")
    _evaluation: ClassVar[tuple[str, ...]] = ("point", "gradient", "_fingerprint", *_workspace)

    saved: ClassVar[Literal["both", "input", "output", "neither"]] = "both"
    symmetric: ClassVar[bool] = False
    _optional: ClassVar[frozenset[str]] = frozenset()               # attributes that do not always hold a Parameter

    forward: Callable[..., Any]                                     # methods of Module, in base.py, which imports this file
    backward: Callable[..., Any]
    update: Callable[..., Any]
    jvp: Callable[..., Any]
    output_shape: Callable[[Shape], Shape]
    admit: Callable[[Shape], Shape]
    prepare: Callable[[Shape, np.dtype[Any]], Any]

    point: Any
    gradient: Any
    scratch: Any
    batch_last: bool
    training: bool
    _signature: Signature | None                                    # shape and dtype that forward is prepared for
    _input: Signature                                               # of the last forward; None: no forward has run
    _output: Signature
    _changes_seen: int                                              # FlatParameters.changes when updates were last planned
    _views_seen: int | None                                         # FlatParameters.changes when workspaces were last checked
    _trains: bool                                                   # whether update has anything to do
    _taped: tuple[str, ...]                                         # attributes by which a tape hides those of the class
    _fingerprint: Any                                               # of the point, on a tape
    _spare: tuple[Any, list[list[Any]]] | None                      # workspaces that per_example_gradients uses again

    def __new__(cls, *args: Any, **options: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__ = {}                                          # vars() does not make this one slower: 5 % of a small step
        self._owner = self._spare = None
        self.batch_last = False
        self._changes_seen, self._taped, self._trains, self.training = -1, (), True, True
        self.clear_evaluation()
        return self

    def clear_evaluation(self) -> None:
        """Take away the point, the gradient and the workspace: the next phase must be forward."""
        for name in self._evaluation:
            setattr(self, name, None)

    def begin_forward(self) -> None:
        """Take away the gradient of the last backward, and all that the containers around this module hold.

        The checked forward calls it. A container's plan runs its modules without checks, so a call means that the module
        runs alone.
        """
        self.gradient = None
        if self._owner is not None:
            self.invalidate_owners()

    def invalidate_owners(self, *, gradient_only: bool = False) -> None:
        """Take away the evaluation, or only the gradient, of each container around this module."""
        for owner in self.owners():
            if gradient_only:
                owner.gradient = None
            else:
                owner.clear_evaluation()

    def invalidate_plans(self) -> None:
        """Have this module, the modules inside and the containers around it prepare again before they run."""
        for module in (*(module for _, module in self.named_modules()), *self.owners()):
            module._signature, module._changes_seen = None, -1

    def prepare_for(self, shape: Shape, dtype: np.dtype[Any], batch_last: bool = False) -> Shape:
        """Prepare for inputs of this shape, dtype and layout; return the shape of the output.

        ShapeError for a shape that does not fit; then nothing has changed.
        """
        output = self.admit(fitting(shape, self))
        if any(not one for one in parts(shape)):
            raise ShapeError(f"{self!r}: x must have at least one axis, got shape {shape}")
        self.clear_evaluation()                                     # before prepare, in which a container prepares its modules
        self.batch_last = batch_last
        scratch = self.prepare(shape, dtype)
        self.scratch, self._signature, self._output = scratch, (shape, dtype), (output, dtype)
        self._input = self._signature
        return output

    def plan_updates(self) -> None:
        """Find out whether update has anything to do: parameters have moved, frozen or thawed."""
        parameters = self.parameters()
        self._trains = not parameters or not all(parameter.frozen for parameter in parameters)
        self._changes_seen = FlatParameters.changes

    def drop_stale_views(self) -> None:
        """Take views of parameters that have moved or been replaced out of the workspaces, here and in all modules inside."""
        for _, module in self.named_modules():
            if module.scratch is not None:
                module.scratch = module.current_scratch()
        self._views_seen = FlatParameters.changes

    def current_scratch(self) -> Any:
        """Return the workspace without views of parameters that have moved or been replaced."""
        return self.scratch

    @contextmanager
    def preserved_evaluation(self) -> Iterator[None]:
        """Put back modes, points, gradients and workspaces after the ``with`` block, whatever runs inside it."""
        states = []
        for _, module in self.named_modules():
            states.append((module, module.training, [(name, getattr(module, name)) for name in module._evaluation]))
            module.clear_evaluation()
        owner, self._owner = self._owner, None
        try:
            yield
        finally:
            self._owner = owner
            for module, training, evaluation in states:
                module.training = training
                for name, value in evaluation:
                    setattr(module, name, value)
