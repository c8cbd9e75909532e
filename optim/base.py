"""Optimizer: groups of parameters, and the segments of neighbours in memory that a rule updates in a few calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, ClassVar, Self, cast

import numpy as np

from ..arguments import Array
from ..errors import ArgumentError, PhaseError, StateError
from ..modules.core.parameter import FlatParameters, Parameter
from ..modules.core.state import load_arrays

PIECE = 2**18                                                       # numbers: pieces of a segment that stay in the cache


class Group(dict[str, Any]):
    """Parameters (``"params"``) with their hyper-parameters, as in PyTorch: ``group["lr"] = 0.1`` takes effect."""

    def __init__(self, optimizer: Optimizer, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.optimizer = optimizer
        for name, value in options.items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.optimizer.options and name != "params":
            raise ArgumentError(f"{type(self.optimizer).__name__} has no option {name!r}; it has "
                                f"{', '.join(self.optimizer.options)}")
        super().__setitem__(name, value if name == "params" else self.optimizer.checked(name, value))
        self.optimizer.ready = False

    def update(self, *others: Any, **options: Any) -> None:
        for name, value in dict(*others, **options).items():
            self[name] = value

    def __ior__(self, other: Any) -> Self:                          # type: ignore[override, misc]
        self.update(other)
        return self


class Segment:
    """Neighbours in memory with one group and one number of steps: one flat vector to the rule."""

    def __init__(self, group: Group, parameters: list[Parameter], states: Mapping[str, Array], steps: int,
                 buffers: int) -> None:
        self.group, self.parameters, self.states, self.steps = group, parameters, states, steps
        first, last = parameters[0], parameters[-1]
        span = slice(first.offset, last.offset + last.data.size)
        flats = (first.flat.data[span], first.flat.grad[span], *states.values())
        self.dtype = first.dtype
        buffer = [np.empty(min(len(flats[0]), PIECE), self.dtype) for _ in range(buffers)]
        self.pieces = []
        for i in range(0, len(flats[0]), PIECE):
            data, grad, *kept = (flat[i:i + PIECE] for flat in flats)
            self.pieces.append((data, grad, kept, [array[:len(data)] for array in buffer]))

    def renew(self) -> None:
        """The constants of the group, as 0-d arrays of the parameters' dtype (NumPy takes longer over floats)."""
        self.constants: list[Any] = [None if value is None else np.array(value, self.dtype)
                          for value in self.group.optimizer.constants(self.group)]


class Optimizer:
    """What all optimizers share; a subclass says which states it keeps, and how one step moves a flat vector.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dicts
        ``net.parameters()``, or groups ``{"params": [...], "lr": 0.1}`` whose options stand before those given here.
    options
        Hyper-parameters of all groups that do not say otherwise.

    Attributes
    ----------
    groups : list of dicts
        The groups, with all their options; change them when you like.
    lr : float
        Learning rate of the first group; setting it sets that of all groups.
    """

    states: ClassVar[tuple[str, ...]] = ()                          # arrays kept beside each parameter
    buffers: ClassVar[int] = 1                                      # arrays to work in

    def __init__(self, parameters: Iterable[Parameter] | Iterable[Mapping[str, Any]], **options: Any) -> None:
        self.options = options
        try:
            given = list(cast(Iterable[Any], parameters))
        except TypeError:
            given = [parameters]
        if given and all(isinstance(item, Parameter) for item in given):
            given = [{"params": given}]
        if not given or not all(isinstance(item, Mapping) and "params" in item for item in given):
            raise ArgumentError(f"{type(self).__name__}: parameters must be Parameters, as of net.parameters(), or dicts with "
                                f'"params", and at least one, got {parameters!r}')
        for item in given:
            if not isinstance(item["params"], Iterable):
                raise ArgumentError(f'{type(self).__name__}: "params" must be a list of Parameters, '
                                    f'got {item["params"]!r}')
        self.seen, self.ready = -1, False
        self.groups = [Group(self, options | dict(item) | {"params": list(item["params"])}) for item in given]
        every = [parameter for group in self.groups for parameter in group["params"]]
        for parameter in every:
            if not isinstance(parameter, Parameter):
                raise ArgumentError(f'{type(self).__name__}: "params" must hold Parameters, got {parameter!r}')
        if len(set(every)) < len(every):
            raise ArgumentError(f"{type(self).__name__}: a Parameter stands in the groups twice")
        self.segments: list[Segment] = []
        self.kept: dict[Parameter, tuple[dict[str, Array], int]] = {}
        FlatParameters.changes += 1                                 # parameters may have been tied: containers look anew

    # ------------------------------------------------------------------ what a subclass writes

    def checked(self, name: str, value: Any) -> Any:
        """The value of a hyper-parameter, or ArgumentError."""
        raise NotImplementedError

    def constants(self, group: Group) -> tuple[float | None, ...]:
        """Numbers that the rule takes from the group; None for a term that it is to leave out."""
        raise NotImplementedError

    def rule(self, segment: Segment, data: Array, grad: Array, states: list[Array], buffers: list[Array]) -> None:
        """Move ``data`` (and ``states``) by one step, in place; ``grad`` is only read."""
        raise NotImplementedError

    # ------------------------------------------------------------------ steps

    def step(self) -> None:
        """Move every parameter that is not frozen; PhaseError before any ``update`` has computed gradients."""
        if self.seen != FlatParameters.changes:
            self.settle()
        if not self.ready:
            self.get_ready()
        for segment in self.segments:
            segment.steps += 1
            for data, grad, states, buffers in segment.pieces:
                self.rule(segment, data, grad, states, buffers)

    def get_ready(self) -> None:
        """The segments or the options of a group are new."""
        if not any(parameter.flat.updated for group in self.groups for parameter in group["params"]):
            raise PhaseError(f"{self!r}: there are no gradients yet: call forward, backward and update first")
        for segment in self.segments:
            segment.renew()
        self.ready = True

    def settle(self) -> None:
        """Parameters moved, froze or thawed: find the segments anew, with the states that are there."""
        self.put_away()
        self.segments = []
        for group in self.groups:
            homes: dict[int, int] = {}
            for parameter in group["params"]:
                homes.setdefault(id(parameter.flat), len(homes))
            moving = sorted((parameter for parameter in group["params"] if not parameter.frozen),
                            key=lambda parameter: (homes[id(parameter.flat)], parameter.offset))
            ends = [k for k, (a, b) in enumerate(pairwise(moving), 1) if not self.adjoin(a, b)]
            for i, j in pairwise([0, *ends, len(moving)]):
                if i < j:
                    self.segments.append(self.segment(group, moving[i:j]))
        for segment in self.segments:                               # the segments hold these states now
            for parameter in segment.parameters:
                self.kept.pop(parameter, None)
        self.seen, self.ready = FlatParameters.changes, False

    def adjoin(self, a: Parameter, b: Parameter) -> bool:
        return a.flat is b.flat and a.offset + a.data.size == b.offset and self.steps_of(a) == self.steps_of(b)

    def steps_of(self, parameter: Parameter) -> int:
        return self.kept[parameter][1] if parameter in self.kept else 0

    def segment(self, group: Group, parameters: list[Parameter]) -> Segment:
        states = {}
        for name in self.states:
            parts = [self.kept[p][0][name].T.reshape(-1) if p in self.kept
                     else np.zeros(p.data.size, p.dtype) for p in parameters]
            states[name] = np.concatenate(parts).astype(parameters[0].dtype, copy=False)
        return Segment(group, parameters, states, self.steps_of(parameters[0]), self.buffers)

    def put_away(self) -> None:
        """Into ``kept``: the states of each parameter, in its shape, and the number of its steps."""
        for segment in self.segments:
            end = 0
            for parameter in segment.parameters:
                begin, end = end, end + parameter.data.size
                self.kept[parameter] = ({name: flat[begin:end].reshape(parameter.shape[::-1]).T
                                         for name, flat in segment.states.items()}, segment.steps)

    # ------------------------------------------------------------------ hyper-parameters and state

    @property
    def lr(self) -> float:
        return float(self.groups[0]["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.groups:
            group["lr"] = value

    def parameters(self) -> list[Parameter]:
        return [parameter for group in self.groups for parameter in group["params"]]

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {"0.velocity": array, "0.steps": array, ...}, "groups": [{"lr": ..., ...}, ...]}``; copies.

        Parameters are numbered in the order of the groups; one that never moved is not in the state.
        """
        self.settle()
        self.put_away()
        state: dict[str, Array] = {}
        for k, parameter in enumerate(self.parameters()):
            arrays, steps = self.kept.get(parameter, ({}, 0))
            if steps:
                state |= {f"{k}.{name}": np.array(array, order="C") for name, array in arrays.items()}
                state[f"{k}.steps"] = np.array(steps)
        groups = [{name: value for name, value in group.items() if name != "params"} for group in self.groups]
        return {"state": state, "groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy a state in: everything is checked before anything changes. Raises StateError."""
        if not isinstance(state, Mapping) or set(state) != {"state", "groups"}:
            raise StateError(f'{self!r}: state must be a dict of "state" and "groups", as of state_dict(), got '
                             f"{list(state) if isinstance(state, Mapping) else state!r}")
        groups, arrays = state["groups"], state["state"]
        expected = [set(group) - {"params"} for group in self.groups]
        if not all(isinstance(group, Mapping) for group in groups) or [set(group) for group in groups] != expected:
            raise StateError(f"{self!r}: the state has groups {groups}, which do not fit")
        checked = [{name: self.checked(name, value) for name, value in group.items()} for group in groups]
        kept: dict[Parameter, tuple[dict[str, Array], Array]] = {}
        targets: dict[str, Array] = {}
        for k, parameter in enumerate(self.parameters()):
            if f"{k}.steps" in arrays:
                kept[parameter] = {name: np.empty_like(parameter.data) for name in self.states}, np.zeros((), np.int64)
                targets |= {f"{k}.{name}": array for name, array in kept[parameter][0].items()}
                targets[f"{k}.steps"] = kept[parameter][1]
        load_arrays(repr(self), targets, arrays)
        self.segments, self.kept = [], {parameter: (states, int(steps)) for parameter, (states, steps) in kept.items()}
        for group, options in zip(self.groups, checked, strict=True):
            for name, value in options.items():
                group[name] = value
        self.settle()

    def __getstate__(self) -> dict[str, Any]:                       # a copy finds its segments anew
        self.put_away()
        return vars(self) | {"groups": [dict(group) for group in self.groups], "segments": [], "seen": -1}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.groups = [Group(self, group) for group in state["groups"]]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.options.items())})"
