"""The tape: a record of every phase that a network runs (lecture, slides 20-26 and 44-48)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from time import perf_counter
from types import MethodType
from typing import Any, NamedTuple, Self

import numpy as np

from ...arguments import Array, positive_int
from ...errors import ArgumentError, PhaseError
from ...modules.core.base import Module
from ...modules.core.evaluation import cleared
from ...modules.core.phases import Phase
from ...printing import aligned, html_table
from ...restoring import Act, alike, at_once, calling, setting
from .places import PLANNING, RESULT, Place, refuse_occupied
from .records import NUMBERS, Record, added, inputs, named_arrays, rows, stored, tensors, titles

NOTHING = "(nothing was recorded)"


class Fingerprint(NamedTuple):
    """Checksums of a point, taken right after forward."""

    where: str                                                      # the module
    point: Any
    names: list[str]                                                # of its arrays
    checksums: list[int]


def tape(*modules: Module, limit: int = 8) -> Tape:
    r"""Record every phase of modules and losses while a ``with`` block runs.

    Parameters
    ----------
    *modules : Module
        Networks, losses, single modules. Modules inside them are recorded at any depth.
    limit : int >= 0, default 8
        The records contain copies of arrays with at most so many numbers.

    Returns
    -------
    Tape
        Prints as a table. It has the records; ``retroprop.plots.timeline`` draws them.

    Raises
    ------
    ArgumentError
        On entry, if a module is on another tape.
    PhaseError
        In ``backward`` and ``update``, if an array of a point was written into after ``forward``: the gradient would be wrong.
        The error names the module and the array, and comes before anything changes.

    Notes
    -----
    Results are the same to the last bit. On entry the points of the modules are cleared: ``forward`` must run first inside
    the block. After the block the modules keep their last points and gradients, and run as fast as before. Inside the block no
    container lets a module overwrite its input, so that every point has memory of its own.

    Every call of a phase is recorded: yours, those of ``fit`` and ``predict`` (in evaluation mode), those of a composite.
    Records accumulate, so record a few steps, not a whole training. Copies of modules made inside the block are not recorded.
    A module that its container skips, as ``update`` skips modules without parameters, has no record. If a Parameter is shared,
    the record of ``update`` has the gradient that this module adds.

    Examples
    --------
    The worked example of the lecture (slides 44-48), with w = (1, 2), b = 1 and the example x = (1, -1), y = 1:

    >>> import numpy as np, retroprop as rp
    >>> net = rp.Sequential(rp.Linear(2, 1), rp.Sigmoid()).astype("float64")
    >>> net[0].weight.data, net[0].bias.data = [[1.0, 2.0]], [1.0]
    >>> loss, x, y = rp.BCE(), np.array([[1.0, -1.0]]), np.array([[1.0]])
    >>> with rp.tape(net, loss) as t:
    ...     cost = loss.forward(net.forward(x), y)
    ...     gx = net.backward(loss.backward())
    ...     net.update()
    >>> print(t.table(times=False))
     #  phase     module               in              out     stored                              bytes  numbers
    --------------------------------------------------------------------------------------------------------------------
     1  forward   Sequential(…)        (1, 2)          (1, 1)  x (1, 2)                                8  0.5
     2  forward     0 Linear(2, 1, …)  (1, 2)          (1, 1)  x (1, 2)                                8  0
     3  forward     1 Sigmoid()        (1, 1)          (1, 1)  y (1, 1)                                8  0.5
     4  forward   BCE()                (1, 1), (1, 1)  ()      prediction (1, 1), target (1, 1)        8  0.6931
     5  backward  BCE()                                (1, 1)  gradient ()                            16  -2
     6  backward  Sequential(…)        (1, 1)          (1, 2)  g (1, 1)                               16  -0.5 -1
     7  backward    1 Sigmoid()        (1, 1)          (1, 1)  g (1, 1)                                8  -0.5
     8  backward    0 Linear(2, 1, …)  (1, 1)          (1, 2)  g (1, 1)                               16  -0.5 -1
     9  update    Sequential(…)                                                                        0
    10  update      0 Linear(2, 1, …)                          weight.grad (1, 2), bias.grad (1,)     24  -0.5 0.5; -0.5
    """
    return Tape(modules, limit)


class Exit:
    """What ends the block of a tape. If Ctrl-C comes before its call begins, it ends the block when the traceback is gone."""

    _of_block = False                                               # until __init__ has run, which Ctrl-C may prevent

    def __init__(self, tape: Any) -> None:
        self._tape, self._of_block = tape, not tape._recording      # ``with`` looks for __exit__ before it calls __enter__

    def __call__(self, *error: object) -> None:
        new_plans = [plan for given in self._tape.modules for plan in given.plans_invalid()]
        at_once(*self._tape._removal, setting(new_plans))

    def __del__(self) -> None:
        if self._of_block and self._tape._recording:
            at_once(*self._tape._removal)


class Leaving:
    """The method ``__exit__``, as an object for each block."""

    def __get__(self, tape: Any, kind: type | None = None) -> Any:
        if tape is None:                                            # as contextlib.ExitStack asks: a function of the tape too
            return lambda tape, *error: Exit(tape)(*error)
        return Exit(tape)


class Tape:
    """A context manager that records phases, as ``tape`` returns it.

    Attributes
    ----------
    records : list of Record
        In the order in which the phases began: a container before the modules inside it. A tape that is entered again
        appends to them.
    """

    def __init__(self, modules: tuple[Module, ...], limit: int) -> None:
        wrong = next((module for module in modules if not isinstance(module, Module)), None)
        if not modules or wrong is not None:
            hint = "; unpack it: tape(*modules)" if isinstance(wrong, (list, tuple)) else ""
            raise ArgumentError("tape: modules must be at least one Module, got "
                                f"{'none' if wrong is None else repr(wrong)}{hint}")
        self.modules, self.limit = modules, positive_int("limit", limit, 0)
        nets = [root for root, module in enumerate(modules) if module.children()]
        self._numbered = nets if len(nets) > 1 else []
        self.records: list[Record] = []
        self._recording = False
        self._removal: list[Act] = []                               # the acts at the end of the block
        self._depth = 0
        self._origin = perf_counter()                               # of its clock; moved forward by the time of the tape's work

    # ------------------------------------------------------------------ tables

    def __repr__(self) -> str:
        return f"<Tape with {len(self.records)} records>"

    def __str__(self) -> str:
        return self.table()

    def table(self, *, times: bool = True) -> str:
        """Return a table with one row per phase, indented inside other phases.

        Its numbers are those of the result, or of the gradients in ``update``. With ``times=False`` every run gives the same
        table. If several roots are containers, labels begin with the index of the root, as ``[1]``.
        """
        return aligned(rows(self.records, self.label, times), NUMBERS) if self.records else NOTHING

    def _repr_html_(self) -> str:
        return html_table(rows(self.records, self.label), NUMBERS, below="" if self.records else NOTHING)

    def label(self, record: Record) -> str:
        """Return the name of the record's module for a table or a figure."""
        return f"[{record.root}] {record.label}" if record.root in self._numbered else record.label

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the records as plain dicts, which ``json.dumps`` accepts."""
        return [record.as_dict() for record in self.records]

    # ------------------------------------------------------------------ enter and exit

    def __enter__(self) -> Self:
        places: dict[int, Place] = {}                               # the first place of each module
        for root, given in enumerate(self.modules):
            for path, module in given.named_modules():
                guarded = any(leaf is module for _, leaf in module.leaves())
                places.setdefault(id(module), Place(root, path, module, repr(module), guarded))
        for place in places.values():
            refuse_occupied(place)
        modules = [place.module for place in places.values()]
        recorders = [recorder for place in places.values() for recorder in self._recorders(place)]
        fresh = cleared({module: None for given in modules for module in (given, *given.owners())})
        new_plans = [plan for given in modules for plan in given.plans_invalid()]
        self._depth = 0
        self._removal = [calling(dict.pop, [(vars(module), name, None) for module, name, _ in recorders]),
                         setting([*alike(modules, _taped=(), _fingerprint=None), (self, "_recording", False)])]
        installed = [*fresh, *recorders, *new_plans, *alike(modules, _taped=(*RESULT, *PLANNING)), (self, "_recording", True)]
        try:
            at_once(setting(installed))
            return self
        except BaseException:
            at_once(*self._removal)
            raise

    __exit__ = Leaving()

    def _recorders(self, place: Place) -> Iterator[tuple[Module, str, Any]]:
        """Yield recorders for the phases of one module: the checked phases for callers, the unchecked for containers."""
        for phase in RESULT:
            checked = getattr(type(place.module), phase)
            recorder = self._recorder(place, phase, checked)
            recorder.__wrapped__ = self._recorder(place, phase, getattr(checked, "__wrapped__", checked))
            yield place.module, phase, MethodType(recorder, place.module)
        for name in PLANNING:
            yield place.module, name, self._untimed(getattr(place.module, name))

    def _untimed(self, call: Phase) -> Phase:
        @wraps(call)
        def run(*args: Any) -> Any:
            with self._stopped():
                return call(*args)

        return run

    def _recorder(self, place: Place, phase: str, call: Phase) -> Any:
        @wraps(call)
        def recorder(module: Module, *args: Any, **options: Any) -> Any:
            if not (self._recording and module._taped):             # after the block, or inside a jvp that runs backwards
                return call(module, *args, **options)
            return self._run(place, phase, call, args, options)

        return recorder

    # ------------------------------------------------------------------ one phase

    def _run(self, place: Place, phase: str, call: Phase, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        start, k = self._now(), len(self.records)
        with self._stopped():
            given = inputs(place.module, phase, args, options)
            self.records.append(Record(k + 1, self._depth, place.root, place.path, place.text, phase, place.module.training,
                                       tensors(given, given.values(), self.limit), (), (), 0, start, 0.0, None))
        self._depth += 1
        try:
            if phase != "forward":
                with self._stopped():                               # check the whole tree once, before anything changes
                    check_points(place.module.named_modules() if self._depth == 1 else [("", place.module)], phase)
            result = call(place.module, *args, **options)
        except BaseException as error:
            self._amend(k, seconds=self._now() - start, raised=type(error).__name__)
            raise
        finally:
            self._depth -= 1
        seconds = self._now() - start
        with self._stopped():
            self._amend(k, seconds=seconds, **self._outcome(place, phase, given, result))
        return result

    def _outcome(self, place: Place, phase: str, given: Mapping[str, Array], result: Any) -> dict[str, Any]:
        """Return the fields that describe the result, and fingerprint the point after forward."""
        returned, left = named_arrays(RESULT[phase], result), stored(place.module, phase)
        names = titles(left, {**given, **returned})
        if phase == "forward" and place.guarded:
            place.module._fingerprint = Fingerprint(place.where, place.module.point, names, checksums(left))
        return {"outputs": tensors(returned, returned.values(), self.limit),
                "stored": tensors(names, left.values(), self.limit),
                "nbytes": added([*returned.values(), *left.values()], list(given.values()))}

    def _amend(self, k: int, **fields: Any) -> None:
        self.records[k] = replace(self.records[k], **fields)

    # ------------------------------------------------------------------ its clock

    def _now(self) -> float:
        return perf_counter() - self._origin

    @contextmanager
    def _stopped(self) -> Iterator[None]:
        """Stop the clock of the tape inside the block."""
        start, origin = perf_counter(), self._origin
        try:
            yield
        finally:
            self._origin = origin + perf_counter() - start          # includes the time of nested stops



def checksums(arrays: Mapping[str, Array]) -> list[int]:
    return [zlib.crc32(np.ascontiguousarray(array).data) for array in arrays.values()]


def check_points(modules: list[tuple[str, Module]], phase: str) -> None:
    """Raise PhaseError if an array of a point changed after forward. A point that was replaced as a whole is allowed."""
    for _, inner in modules:
        kept = inner._fingerprint
        if kept is None or inner.point is not kept.point:
            continue
        now = checksums(named_arrays("point", inner.point))
        changed = [name for name, old, new in zip(kept.names, kept.checksums, now, strict=False) if old != new]
        if changed:
            raise PhaseError(f"{kept.where}: {' and '.join(changed)}, which forward saved, must not change before update, but "
                             f"was written into before {phase}; change a copy of the array (a.copy()), or call forward again")
