"""Optimizer: groups of parameters with their options, and segments of memory that a rule updates in a few calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from inspect import signature
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from ..arguments import Array
from ..errors import ArgumentError, PhaseError, StateError
from ..modules.core.parameter import FlatParameters, Parameter
from ..modules.core.state import load_arrays
from ..restoring import at_once, calling, setting
from ..underflow import STATE
from .groups import Group, in_a_row
from .segments import Segment, spared

LATER = {"decay_biases"}                                            # a truth value, which states of earlier versions lack


class Optimizer:
    """Base class of the optimizers. A subclass names the states that it keeps, and its rule moves a flat vector by one step.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dicts
        ``net.parameters()``, or groups ``{"params": [...], "lr": 0.1}``, whose own options take precedence over ``options``.
    **options
        Hyper-parameters of every group that does not set its own.

    Attributes
    ----------
    groups : list of Group
        Dicts of the parameters and all options of each group. Options may be changed at any time.
    lr : float
        Learning rate of the first group; setting it sets that of all groups.
    """

    states: ClassVar[tuple[str, ...]] = ()                          # names of the arrays that belong to each parameter
    nonnegative_states: ClassVar[tuple[str, ...]] = ()              # names of those whose values are never below 0
    buffers: ClassVar[int] = 1                                      # number of work arrays that the rule is given

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
        self.seen_changes, self.constants_current = -1, False
        self.groups = [Group(self, options | dict(item)) for item in given]
        every = [parameter for group in self.groups for parameter in group["params"]]
        for parameter in every:
            if not isinstance(parameter, Parameter):
                raise ArgumentError(f'{type(self).__name__}: "params" must hold Parameters, got {parameter!r}')
        if len(set(every)) < len(every):
            raise ArgumentError(f"{type(self).__name__}: a Parameter is in the groups twice")
        self.replaced_before = {parameter: parameter.replaced_by for parameter in every}
        self.segments: list[Segment] = []
        self.stored: dict[Parameter, tuple[dict[str, Array], int]] = {}     # states and step counts of parameters in no segment
        FlatParameters.changes += 1                                 # parameters may have been tied: containers plan anew

    # ------------------------------------------------------------------ what a subclass writes

    def checked(self, name: str, value: Any) -> Any:
        """Return the value of one option in its normal form; raise ArgumentError for a wrong one."""
        raise NotImplementedError

    def check_together(self, options: Mapping[str, Any]) -> None:
        """Raise ArgumentError if the options of a group, each valid alone, do not go together."""

    def constants(self, group: Mapping[str, Any]) -> tuple[float | None, ...]:
        """Return the numbers that the rule takes from the group; None for a term that the rule leaves out."""
        raise NotImplementedError

    def rule(self, segment: Segment, data: Array, grad: Array, states: list[Array], buffers: list[Array]) -> None:
        """Move ``data`` (and ``states``) by one step, in place; ``grad`` is only read.

        All are pieces of the segment's vectors. Several threads may run the rule at once, each with a piece of its own.
        """
        raise NotImplementedError

    # ------------------------------------------------------------------ steps

    def step(self) -> None:
        """Move every parameter that is not frozen; PhaseError before any ``update`` has computed gradients."""
        if STATE.current is not STATE.calm and STATE.reports_underflow():
            with np.errstate(under="ignore"):
                Optimizer.step(self)
            return
        if self.seen_changes != FlatParameters.changes:
            self.find_segments()
        if not self.constants_current:
            self.compute_constants()
        for segment in self.segments:
            if segment.single is None or segment.large:
                segment.step(self.rule)
            else:                                                   # as Segment.step, without a call
                segment.steps += 1
                self.rule(segment, *segment.single)

    def refuse_replaced(self) -> None:
        """Raise ArgumentError if a Parameter that this optimizer does not move was assigned in the place of one of its own."""
        mine = set(self.parameters())
        for parameter in mine:
            new = parameter
            while new.replaced_by is not None:
                new = new.replaced_by
            if new not in mine and not new.frozen and parameter.replaced_by is not self.replaced_before.get(parameter):
                raise ArgumentError(f"{self!r}: {parameter!r} was replaced by another one after this optimizer was built, "
                                    "which would not move it: build the optimizer again, from net.parameters()")

    def compute_constants(self) -> None:
        """Compute every segment's constants, after its group's options or the segments have changed."""
        if self.segments and not any(parameter.flat.updated for parameter in self.parameters()):
            raise PhaseError(f"{self!r}: there are no gradients yet: call forward, backward and update first")
        for segment in self.segments:
            segment.compute_constants()
        self.constants_current = True

    def find_segments(self) -> None:
        """Divide the parameters into segments, after some were moved in memory, frozen or thawed; states are kept."""
        self.refuse_replaced()
        changes, segments = FlatParameters.changes, list[Segment]()
        self.store_states()
        for group in self.groups:
            vectors: dict[int, int] = {}
            for parameter in group["params"]:
                vectors.setdefault(id(parameter.flat), len(vectors))
            moving = sorted((parameter for parameter in group["params"] if not parameter.frozen),
                            key=lambda parameter: (vectors[id(parameter.flat)], parameter.offset))
            ends = [k for k, (a, b) in enumerate(pairwise(moving), 1)
                    if not self.contiguous(a, b) or spared(group, a) != spared(group, b)]
            for i, j in pairwise([0, *ends, len(moving)]):
                if i < j:
                    segments.append(self.segment(group, moving[i:j]))
        moved = {parameter for segment in segments for parameter in segment.parameters}     # their states are in the segments
        stored = {parameter: held for parameter, held in self.stored.items() if parameter not in moved}
        at_once(setting([(self, "segments", segments), (self, "stored", stored), (self, "seen_changes", changes),
                         (self, "constants_current", False)]))

    def contiguous(self, a: Parameter, b: Parameter) -> bool:
        """Return whether ``b`` can follow ``a`` in a segment: next to it in memory, after as many steps."""
        return a.flat is b.flat and a.offset + a.data.size == b.offset and self.steps_of(a) == self.steps_of(b)

    def steps_of(self, parameter: Parameter) -> int:
        return self.stored[parameter][1] if parameter in self.stored else 0

    def segment(self, group: Group, parameters: list[Parameter]) -> Segment:
        """Return a segment of these parameters, with their stored states or zeros."""
        states = {}
        for name in self.states:
            parts = [self.stored[p][0][name].T.reshape(-1) if p in self.stored
                     else np.zeros(p.data.size, p.dtype) for p in parameters]
            states[name] = np.concatenate(parts).astype(parameters[0].dtype, copy=False)
        return Segment(group, parameters, states, self.steps_of(parameters[0]), self.buffers)

    def store_states(self) -> None:
        """Write into ``stored`` each parameter's states, as views in its shape, and the number of its steps."""
        for segment in self.segments:
            end = 0
            for parameter in segment.parameters:
                begin, end = end, end + parameter.data.size
                self.stored[parameter] = ({name: vector[begin:end].reshape(parameter.shape[::-1]).T
                                           for name, vector in segment.states.items()}, segment.steps)

    # ------------------------------------------------------------------ hyper-parameters and state

    if TYPE_CHECKING:
        lr: float                                                   # of the first group; as every option, see __init_subclass__

    def __init_subclass__(cls) -> None:
        """Make each option an attribute: ``sgd.momentum`` is that of the first group, and setting it sets those of all."""
        super().__init_subclass__()
        for name in list(signature(cls).parameters)[1:]:
            setattr(cls, name, property(partial(Optimizer.option, name=name), partial(Optimizer.set_option, name=name)))

    def option(self, name: str) -> Any:
        return self.groups[0][name]

    def set_option(self, value: Any, name: str) -> None:
        for group in self.groups:
            self.checked_options({name: value}, group)   # all of them, before one has changed
        for group in self.groups:
            group[name] = value

    def checked_options(self, options: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``options`` in their normal form; raise ArgumentError if one is wrong or does not fit ``others``."""
        who = type(self).__name__
        for name in options:
            if name == "params":
                raise ArgumentError(f'{who}: "params" of a group cannot be replaced: make a new optimizer')
            if name not in self.options:
                raise ArgumentError(f"{who} has no option {name!r}; it has {', '.join(self.options)}")
        checked = {name: bool(value) if name in LATER else self.checked(name, value) for name, value in options.items()}
        self.check_together({**others, **checked})
        return checked

    def parameters(self) -> list[Parameter]:
        return [parameter for group in self.groups for parameter in group["params"]]

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {"0.velocity": array, "0.steps": array, ...}, "groups": [{"lr": ..., ...}, ...]}``; copies.

        Parameters are numbered in the order of the groups; a parameter without steps is not in the state.
        """
        self.find_segments()
        self.store_states()
        state: dict[str, Array] = {}
        for k, parameter in enumerate(self.parameters()):
            arrays, steps = self.stored.get(parameter, ({}, 0))
            if steps:
                state |= {f"{k}.{name}": np.array(array, order="C") for name, array in arrays.items()}
                state[f"{k}.steps"] = np.array(steps)
        groups = [{name: value for name, value in group.items() if name != "params"} for group in self.groups]
        return {"state": state, "groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy a state in. Raise StateError, or ArgumentError for a wrong option, and change nothing, if it does not fit.

        Values must be finite in the dtype of their parameter; steps, and sums or means of squares, must be at least 0.
        """
        if not isinstance(state, Mapping) or set(state) != {"state", "groups"}:
            raise StateError(f'{self!r}: state must be a dict of "state" and "groups", as of state_dict(), got '
                             f"{list(state) if isinstance(state, Mapping) else state!r}")
        groups, arrays = state["groups"], state["state"]
        if not isinstance(arrays, Mapping) or not isinstance(groups, Sequence):
            raise StateError(f'{self!r}: "state" must be a dict and "groups" a list, as of state_dict(), got '
                             f"{type(arrays).__name__} and {type(groups).__name__}")
        expected = [set(group) - {"params"} for group in self.groups]
        if (not all(isinstance(group, Mapping) for group in groups)
                or [{*group, *LATER & own} for group, own in zip(groups, expected, strict=False)] != expected
                or len(groups) != len(expected)):
            raise StateError(f"{self!r}: the state has groups {groups}, which do not fit")
        checked = [self.checked_options(group, {}) for group in groups]
        stored: dict[Parameter, tuple[dict[str, Array], Array]] = {}
        targets: dict[str, Array] = {}
        for k, parameter in enumerate(self.parameters()):
            if f"{k}.steps" in arrays:
                stored[parameter] = {name: np.empty_like(parameter.data) for name in self.states}, np.zeros((), np.int64)
                targets |= {f"{k}.{name}": array for name, array in stored[parameter][0].items()}
                targets[f"{k}.steps"] = stored[parameter][1]
        load_arrays(repr(self), targets, arrays,
                    nonnegative={name for name in targets if name.rpartition(".")[2] in ("steps", *self.nonnegative_states)})
        found = {parameter: (states, int(steps)) for parameter, (states, steps) in stored.items()}
        at_once(calling(dict.update, list(zip(self.groups, checked, strict=True))), setting([
            (self, "segments", []), (self, "stored", found), (self, "seen_changes", -1), (self, "constants_current", False)]))

    def __getstate__(self) -> dict[str, Any]:                       # a copy finds its own segments
        self.store_states()
        return vars(self) | {"groups": [dict(group) for group in self.groups], "segments": [], "seen_changes": -1}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.groups = [Group(self, group) for group in state["groups"]]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({in_a_row(self.groups, self.options)})"
