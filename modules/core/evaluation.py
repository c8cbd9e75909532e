"""What the phases leave in a module, who reads it, and who clears it.

A phase keeps what later phases need in attributes of the module:

=======================  ============================  =================================================================
attribute                written by                    read by
=======================  ============================  =================================================================
point                    forward                       backward, update, jvp, example_gradients
gradient                 backward (its argument g)     update, example_gradients; None: backward must run first
scratch, batch_last      prepare_for                   all phases; of a container, scratch is the plan
_signature               prepare_for                   forward, which prepares for an input of another shape or dtype
_input, _output          prepare_for                   backward, jvp, which check shapes; None: forward must run first
_keeps_output            prepare_for                   forward, which then returns a copy of the output
_views_seen              prepare_for                   forward, which calls drop_stale_views if parameters have changed
_changes_seen, _trains   plan_updates                  update; a container has a list ``updates`` too
_fingerprint             a tape, after forward         the tape, before the later phases
=======================  ============================  =================================================================

Events make them invalid. The methods of ``Evaluated``, in this file, clear them:

============================================  ====================  ====================================================
event                                         method                what it clears
============================================  ====================  ====================================================
a forward begins                              begin_forward         the gradient (in a container, of all modules inside),
                                                                    and everything in the containers around the module
a backward of an inner module runs alone      invalidate_owners     the gradients of the containers around the module
a backward fails                              (checked_backward)    the gradient
an input has a new shape or dtype             prepare_for           everything; then it makes a new workspace
a forward fails, the dtype or a setting of    clear_evaluation      everything
a loss changes, a tape begins
the mode changes                              (train)               _signature: the next forward makes a new plan; point
                                                                    and gradient stay valid
a tape begins or ends                         invalidate_plans      _signature, _changes_seen: also update makes a new plan
a parameter moves, is replaced, freezes or    plan_updates,         the plan of update; workspaces' views of parameters
thaws (FlatParameters.changes counts these)   drop_stale_views
============================================  ====================  ====================================================

``predict`` and the inspection tools run inside ``preserved_evaluation``, which puts everything back. The checks in
``phases.py`` call these methods, so that the author of a module does not need them.
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
    """What a module holds between its phases, and the methods that clear it."""

    __slots__ = (
        "__dict__", "__weakref__", "_changes_seen", "_fingerprint", "_input", "_keeps_output", "_output", "_owner",
        "_signature", "_spare", "_taped", "_trains", "_views_seen", "batch_last", "gradient", "point", "scratch",
    )
    _workspace: ClassVar[tuple[str, ...]] = ("scratch", "_signature", "_input", "_output", "_views_seen")
    _evaluation: ClassVar[tuple[str, ...]] = ("point", "gradient", "_fingerprint", *_workspace)

    saved: ClassVar[Literal["both", "input", "output", "neither"]] = "both"
    symmetric: ClassVar[bool] = False

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
    _keeps_output: bool                                             # keeps_output, when prepare_for ran
    _taped: tuple[str, ...]                                         # attributes by which a tape hides those of the class
    _fingerprint: Any                                               # of the point, on a tape
    _spare: tuple[Any, list[list[Any]]] | None                      # workspaces that per_example_gradients uses again

    def __new__(cls, *args: Any, **options: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__ = {}                                          # made here, it stays fast after vars(): 5 % of a step
        self._owner = self._spare = None
        self.batch_last = False
        self._changes_seen, self._taped, self._trains, self.training = -1, (), True, True
        self.clear_evaluation()
        return self

    def clear_evaluation(self) -> None:
        """Clear the point, the gradient and the workspace: the next phase must be forward."""
        for name in self._evaluation:
            setattr(self, name, None)

    def begin_forward(self) -> None:
        """Clear the gradient of the last backward, and everything that the containers around this module hold.

        The checked forward calls it. A container calls the unchecked forward, so this method runs only if the module is called
        alone.
        """
        self.gradient = None
        if self._owner is not None:
            self.invalidate_owners()

    def invalidate_owners(self, *, gradient_only: bool = False) -> None:
        """Clear the evaluation, or only the gradient, of each container around this module."""
        for owner in self.owners():
            if gradient_only:
                owner.gradient = None
            else:
                owner.clear_evaluation()

    def invalidate_plans(self) -> None:
        """Make this module, the modules inside and the containers around it prepare again before they run."""
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
        self._input, self._views_seen = self._signature, FlatParameters.changes
        self._keeps_output = self.keeps_output
        return output

    @property
    def keeps_output(self) -> bool:
        """Whether a point may hold the array that the unchecked forward returns."""
        return self.saved in ("output", "both")

    def plan_updates(self) -> None:
        """Find out whether update has anything to do. Called after parameters have moved, frozen or thawed."""
        parameters = self.parameters()
        self._trains = not parameters or not all(parameter.frozen for parameter in parameters)
        self._changes_seen = FlatParameters.changes

    def drop_stale_views(self) -> None:
        """Remove views of parameters that have moved or been replaced from the workspaces, here and in the modules inside."""
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
        changes, owner, self._owner = FlatParameters.changes, self._owner, None
        try:
            yield
        finally:
            self._owner = owner
            for module, training, evaluation in states:
                module.training = training
                if changes != FlatParameters.changes:               # parameters were moved or replaced in the block
                    module._changes_seen = -1
                for name, value in evaluation:
                    setattr(module, name, value)
