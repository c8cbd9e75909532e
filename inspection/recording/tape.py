"""The tape: every phase of a network, written down as it happens (lecture, slides 20-26 and 44-48)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from time import perf_counter
from types import MethodType, TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from ...arguments import Array, positive_int
from ...errors import ArgumentError, PhaseError
from ...modules.core.base import Module
from ...modules.core.phases import Phase
from ...printing import aligned
from .records import Record, added, inputs, named_arrays, stored, tensors, titles

RESULT = {"forward": "y", "backward": "gx", "update": ""}
PLANNING = ("prepare", "plan_updates")                              # run once for each shape, not in every step


class Place(NamedTuple):
    """Where a module stands in what a tape was given."""

    root: int
    path: str
    module: Module
    text: str                                                       # its repr
    guarded: bool                                                   # whether its point is fingerprinted: not of a container

    @property
    def where(self) -> str:
        return f"{self.text} at {self.path!r}" if self.path else self.text


class Fingerprint(NamedTuple):
    """A point as forward left it."""

    where: str                                                      # the module
    point: Any
    names: list[str]                                                # of its arrays
    checksums: list[int]


def tape(*modules: Module, limit: int = 8) -> Tape:
    r"""Record every phase of modules, of losses too, while a ``with`` block runs.

    Parameters
    ----------
    *modules : Module
        Networks, losses, single modules. Every module inside them is recorded, at any depth.
    limit : int >= 0, default 8
        Numbers of arrays up to this size are copied into the records.

    Returns
    -------
    Tape
        ``print`` it. It has the records, and ``retroprop.plots.timeline`` draws them.

    Raises
    ------
    ArgumentError
        On entry, where a module is on another tape.
    PhaseError
        On ``backward`` and ``update``, where an array of a point was written into since ``forward``: the gradient would be of
        another point. Names the module and the array; nothing has changed then.

    Notes
    -----
    What the modules compute is the same to the last bit. On entry they forget points that they had: ``forward`` comes first,
    inside. Once the block has been left nothing of it remains in the modules but their evaluation, and they run as fast as
    before. While it lasts, containers let no module write over its input, so that every point has memory of its own.

    Whatever runs the phases is recorded: ``fit``, ``predict`` (forwards in evaluation mode), a composite that calls
    the modules inside it. Records add up, so tape a few steps, not a whole training. Copies that are made inside are not on the
    tape. Modules that a container passes over, as those without parameters in ``update``, have no record. Where a
    Parameter is shared, a record of ``update`` has the gradient that this one module adds.

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


class Tape:
    """What ``tape`` returns: a context manager, and the records of what ran in it.

    Attributes
    ----------
    records : list of Record
        In the order in which the phases began, those of a container before those inside it. Entered again, the tape goes on.
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
        self._places: list[Place] = []                              # while it runs
        self._depth = 0
        self._origin = perf_counter()                               # of its clock; moved on while the tape works

    # ------------------------------------------------------------------ what it shows

    def __repr__(self) -> str:
        return f"<Tape with {len(self.records)} records>"

    def __str__(self) -> str:
        return self.table()

    def table(self, *, times: bool = True) -> str:
        """A row a phase, phases within a phase indented. Numbers are of what was returned, of ``update`` the gradients.

        Without ``times`` it is the same in every run. Modules of several nets are told apart by the net's place, as ``[1]``.
        """
        if not self.records:
            return "(nothing was recorded)"
        rows = [{head: cell for head, cell in record.row(self.label(record)).items() if times or head != "µs"}
                for record in self.records]
        return aligned([list(rows[0]), *(list(row.values()) for row in rows)], ("#", "bytes", "µs"))

    def label(self, record: Record) -> str:
        """What a table or a figure calls the record's module."""
        return f"[{record.root}] {record.label}" if record.root in self._numbered else record.label

    def as_dicts(self) -> list[dict[str, Any]]:
        """The records as plain dicts, which ``json.dumps`` takes."""
        return [record.as_dict() for record in self.records]

    # ------------------------------------------------------------------ on and off

    def __enter__(self) -> Self:
        places: dict[int, Place] = {}                               # of a module in several places, the first
        for root, given in enumerate(self.modules):
            for path, module in given.named_modules():
                guarded = any(leaf is module for _, leaf in module.leaves())
                places.setdefault(id(module), Place(root, path, module, repr(module), guarded))
        for place in places.values():
            refuse_occupied(place)
        self._places = list(places.values())
        for place in self._places:
            for module in (place.module, *place.module.owners()):
                module.clear_evaluation()
            self._stand_before(place)
            place.module.invalidate_plans()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for place in self._places:
            for name in place.module._taped:
                vars(place.module).pop(name, None)
            place.module._taped, place.module._fingerprint = (), None
            place.module.invalidate_plans()
        self._places = []

    def _stand_before(self, place: Place) -> None:
        """Put recorders before the phases of one module: before the doors for those who call it, inside for containers."""
        for phase in RESULT:
            door = getattr(type(place.module), phase)
            recorder = self._recorder(place, phase, door)
            recorder.__wrapped__ = self._recorder(place, phase, getattr(door, "__wrapped__", door))
            vars(place.module)[phase] = MethodType(recorder, place.module)
        for name in PLANNING:
            vars(place.module)[name] = self._untimed(getattr(place.module, name))
        place.module._taped = (*RESULT, *PLANNING)

    def _untimed(self, call: Phase) -> Phase:
        @wraps(call)
        def run(*args: Any) -> Any:
            with self._stopped():
                return call(*args)

        return run

    def _recorder(self, place: Place, phase: str, call: Phase) -> Any:
        @wraps(call)
        def recorder(module: Module, *args: Any, **options: Any) -> Any:
            if not (self._places and module._taped):                # after the tape was left; in a jvp that runs backwards
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
                with self._stopped():                               # the whole tree once, before anything changes
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
        """What came out, and what was left; of a point, the fingerprint too."""
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
        """What runs inside takes no time."""
        start, origin = perf_counter(), self._origin
        try:
            yield
        finally:
            self._origin = origin + perf_counter() - start          # that of a stop inside is in there


def refuse_occupied(place: Place) -> None:
    """ArgumentError for a module that is on another tape, or that carries a phase of its own."""
    if place.module._taped:
        raise ArgumentError(f"tape: {place.where} is on a tape already; leave that one first, or give all modules to one tape")
    own = next((name for name in (*RESULT, *PLANNING) if name in vars(place.module)), None)
    if own is not None:
        raise ArgumentError(f"tape: {place.where} must take {own} from its class, got one among its attributes; delete "
                            "that one first")


def checksums(arrays: Mapping[str, Array]) -> list[int]:
    return [zlib.crc32(np.ascontiguousarray(array).data) for array in arrays.values()]


def check_points(modules: list[tuple[str, Module]], phase: str) -> None:
    """PhaseError if a point is not as forward left it. One that was put in its place is its owner's affair."""
    for _, inner in modules:
        kept = inner._fingerprint
        if kept is None or inner.point is not kept.point:
            continue
        found = checksums(named_arrays("point", inner.point))
        changed = [name for name, old, new in zip(kept.names, kept.checksums, found, strict=False) if old != new]
        if changed:
            raise PhaseError(f"{kept.where}: {' and '.join(changed)}, which forward saved, must stay as it was until "
                             f"update, but was written into before {phase}; edit a copy of the array (a.copy()), or call "
                             "forward again")
