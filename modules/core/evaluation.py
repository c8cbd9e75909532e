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
_busy                    phases, preserved_evaluation  phases: another thread must not be running the module
_twins                   in_evaluation (rewinding.py)  predict, evaluate: each twin has an evaluation of its own
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
a tape begins or ends                         plans_invalid         _signature, _changes_seen: also update makes a new plan
a parameter moves, is replaced, freezes or    plan_updates,         the plan of update; workspaces' views of parameters
thaws (FlatParameters.changes counts these)   drop_stale_views
============================================  ====================  ====================================================

``predict`` and the inspection tools run inside ``preserved_evaluation``, which puts everything back. The checks in
``phases.py`` call these methods, so that the author of a module does not need them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from threading import get_ident
from types import FrameType
from typing import Any, ClassVar, Literal, Self, TypeVar

import numpy as np

from ...errors import PhaseError, ShapeError
from ...restoring import BLOCKS, Act, Attributes, Restored, alike, at_once, setting
from .attributes import watch_parameters
from .parameter import FlatParameters
from .tree import Tree
from .values import Shape, Signature, fitting, parts

ADMITTING = ("_signature", "_output", "gradient", "point")          # without them only forward runs, which prepares anew
RUNNING = tuple(str(Path(__file__).with_name(f"{name}.py")) for name in ("phases", "evaluation", "rewinding"))
CONSEQUENCES = ("_changes_seen", "_keeps_output")                   # of what was found out for the last shape
M = TypeVar("M", bound="Evaluated[Any]")                            # Module


class Evaluated(Tree[M]):
    """What a module holds between its phases, and the methods that clear it."""

    __slots__ = (
        "__dict__", "__weakref__", "_busy", "_changes_seen", "_fingerprint", "_input", "_keeps_output", "_output", "_owner",
        "_searched", "_signature", "_spare", "_taped", "_trains", "_twins", "_views_seen", "batch_last", "gradient", "point",
        "scratch", "training",
    )
    _workspace: ClassVar[tuple[str, ...]] = ("_signature", "_output", "_input", "_views_seen", "scratch")
    # Cleared in this order: first what admits a phase, so that an interrupt cannot leave it without the rest.
    _evaluation: ClassVar[tuple[str, ...]] = (*_workspace, "gradient", "point", "_fingerprint")

    saved: ClassVar[Literal["both", "input", "output", "neither"]] = "both"
    symmetric: ClassVar[bool] = False

    forward: Callable[..., Any]                                     # methods of Module, in base.py, which imports this file
    backward: Callable[..., Any]
    update: Callable[..., Any]
    jvp: Callable[..., Any]
    eval: Callable[..., Any]
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
    _busy: int                                                      # what runs the module now: see check_alone
    _searched: bool                                                 # whether refuse_hidden has run
    _spare: Any                                                     # workspaces that reused_workspaces (rewinding.py) keeps
    _twins: dict[Signature, Any]                                    # for small inputs: see rewinding.py

    def __new__(cls, *args: Any, **options: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__ = {}                                          # made here, it stays fast after vars(): 5 % of a step
        self._owner = self._spare = None
        self._twins = {}
        self.batch_last = self._busy = self._keeps_output = self._searched = False
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
        owners = [*self.owners()]
        at_once(setting(alike(owners, gradient=None) if gradient_only else cleared(owners)))

    def plans_invalid(self) -> Attributes:
        """Return what makes this module, the modules inside and the containers around it prepare again, for ``setting``."""
        return alike([*(module for _, module in self.named_modules()), *self.owners()], _signature=None, _changes_seen=-1)

    def prepare_for(self, shape: Shape, dtype: np.dtype[Any], batch_last: bool = False) -> Shape:
        """Prepare for inputs of this shape, dtype and layout; return the shape of the output.

        ShapeError for a shape that does not fit; then nothing has changed.
        """
        output = self.admit(fitting(shape, self))
        if any(not one for one in parts(shape)):
            raise ShapeError(f"{self!r}: x must have at least one axis, got shape {shape}")
        if not self._searched:                                      # the first time: not every __init__ is watched
            watch_parameters(self)
            self.refuse_hidden()
            self._searched = True
        self.clear_evaluation()                                     # before prepare, in which a container prepares its modules
        self.batch_last = batch_last
        scratch, seen, signature = self.prepare(shape, dtype), FlatParameters.changes, (shape, dtype)
        self.scratch, self._views_seen, self._input, self._keeps_output, self._output, self._signature = (
            scratch, seen, signature, self.keeps_output, (output, dtype), signature)
        return output

    @property
    def keeps_output(self) -> bool:
        """Whether a point may hold the array that the unchecked forward returns."""
        return self.saved in ("output", "both")

    def plan_updates(self) -> None:
        """Find out whether update has anything to do. Called after parameters have moved, frozen or thawed."""
        changes, parameters = FlatParameters.changes, self.parameters()
        self._trains = not parameters or not all(parameter.frozen for parameter in parameters)
        self._changes_seen = changes

    def drop_stale_views(self) -> None:
        """Remove views of parameters that have moved or been replaced from the workspaces, here and in the modules inside."""
        for _, module in self.named_modules():
            if module.scratch is not None:
                module.scratch = module.current_scratch()
        self._views_seen = FlatParameters.changes

    def current_scratch(self) -> Any:
        """Return the workspace without views of parameters that have moved or been replaced."""
        return self.scratch

    def preserved_evaluation(self) -> Restored:
        """Return a context manager that puts back modes, points, gradients and workspaces, whatever runs in the block.

        Enter it twice: ``with net.preserved_evaluation() as kept, kept: ...``; see Restored.
        """
        me, busy = get_ident(), self._busy
        if busy or self._owner is not None:
            self.check_alone()
        self._busy = me
        try:
            modules, owners = [module for _, module in self.named_modules()], list(self.owners())
            around = [(owner, "_busy", owner._busy) for owner in owners]
            kept = [as_now(module, ("training", "batch_last", *CONSEQUENCES, *module._evaluation)) for module in modules]
            mine = setting([(self, "_owner", self._owner), (self, "_busy", busy), *around])
            clear = [partial(map, setattr, repeat(module), ADMITTING, repeat(None)) for module in modules]
            take = setting([(self, "_owner", None), *alike(owners, _busy=me)])
            block = Restored([*kept, mine], [*clear, take], (self, *owners))
            if in_block(self, me):                                  # two that begin at once are in BLOCKS first, and look then
                raise in_use(self)
            return block
        except BaseException:
            self._busy = busy
            raise

    def check_alone(self) -> None:
        """Raise PhaseError if another thread runs a phase, or a block of ``preserved_evaluation``, here or in an owner.

        Phases call it if they find ``_busy`` set: to True by a phase, to the number of the thread by a block. The same thread
        may have set it, or a phase that was interrupted, so that the frames of the other threads must tell.
        """
        me = get_ident()
        modules: list[Evaluated[Any]] = [self, *self.owners()]
        for module in modules:
            if module._busy and module._busy != me and (in_block(module, me) or any(
                    occupies(frame, module) for thread, frame in sys._current_frames().items() if thread != me)):
                raise in_use(module)


def in_block(module: Evaluated[Any], me: int) -> bool:
    """Whether a block of another thread than ``me`` has the module for itself."""
    blocks = (reference() for reference in list(BLOCKS.values()))
    return any(block is not None and block.thread != me and not block.ended and any(held is module for held in block.of)
               for block in blocks)


def in_use(module: Evaluated[Any]) -> PhaseError:
    return PhaseError(f"{module!r}: another thread is running this module, and its point and gradient are those of one thread; "
                      "give each thread a copy (copy.deepcopy), or let them take turns with a lock")


def occupies(frame: FrameType | None, module: Evaluated[Any]) -> bool:
    """Whether a thread with this innermost frame is in a function of the files ``RUNNING`` that runs the module."""
    while frame is not None:
        if frame.f_code.co_filename in RUNNING and frame.f_locals.get("self") is module:
            return True
        frame = frame.f_back
    return False


def as_now(module: Evaluated[Any], names: tuple[str, ...]) -> Act:
    """Return the act that sets attributes, two or more, to their present values."""
    return partial(map, setattr, repeat(module), names, attrgetter(*names)(module))


def cleared(modules: Iterable[Evaluated[Any]]) -> Attributes:
    """Return the attributes that ``clear_evaluation`` clears in all these modules, as ``setting`` takes them."""
    return [(module, name, None) for module in modules for name in module._evaluation]


def preserved_modes(net: Evaluated[Any]) -> Restored:
    """Return a context manager that puts back the mode of every module of the tree. Enter it twice: see Restored."""
    return Restored([in_modes([(module, module.training) for _, module in net.named_modules()])])


def in_modes(modes: list[tuple[Evaluated[Any], bool]]) -> Act:
    """Return the act that puts single modules into training mode (True) or evaluation mode (False)."""
    def changed() -> Iterator[None]:                                # their containers make a new plan, as after train()
        moved = [module for module, mode in modes if module.training != mode]
        stale = {id(each): each for module in moved for each in (module, *module.owners())}.values()
        return setting([*alike(stale, _signature=None), *((module, "training", mode) for module, mode in modes)])()

    return changed
