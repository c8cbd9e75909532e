"""What is known of the outputs of a network before there are examples: how many they are, and where they part two classes."""

from __future__ import annotations

from collections.abc import Sequence

from ...datasets.classes import listed
from ...datasets.scaling import Scaler
from ...datasets.targets import Targets
from ...errors import DataError, RetropropError, ShapeError
from ...modules import Dropout, Flatten, Identity, Linear, LogSoftmax, Module, Reshape, Sequential, Sigmoid, Softmax

ENDS = (LogSoftmax, Sigmoid, Softmax)                               # which may follow the Linear that has the outputs


def widths(targets: Targets) -> tuple[int, ...]:
    """Return the numbers of outputs that may stand for the targets: two classes have one output or two."""
    return (1, 2) if targets.kind == "binary" else (len(targets.names),)


def check_outputs(net: Module, targets: Targets, scalers: Sequence[Scaler | None]) -> None:
    """Raise ShapeError unless the outputs are as many as the targets; DataError for class labels in another order."""
    found, known = number_of_outputs(net, scalers), net.class_labels or ()
    if found is not None and found not in widths(targets):
        raise ShapeError(f"save_model: targets must be as many as the outputs of net, {found}, got {len(targets.names)}: "
                         f"{listed(targets.names)}")
    if len(targets.names) < len(known):
        raise ShapeError(f"save_model: targets must be as many as net.class_labels, {len(known)}, got {len(targets.names)}: "
                         f"{listed(targets.names)}")
    given = () if targets.classes is None else tuple(targets.classes.classes.tolist())
    if given != known and set(given) == set(known):
        raise DataError(f"save_model: targets must be in the order of net.class_labels, {listed(list(map(str, known)))}, got "
                        f"{listed(targets.names)}")


def number_of_outputs(net: Module, scalers: Sequence[Scaler | None]) -> int | None:
    """Return K of outputs (examples, K); None unless the shape of the examples is known, or the net ends with a Linear."""
    arity = 1 if net.arity is None else net.arity
    shapes = [(1, *scaler.mean.shape) for scaler in scalers if scaler is not None]
    if len(shapes) < arity == 1 and net.feature_names is not None:
        shapes = [(1, len(net.feature_names))]
    last = net
    while isinstance(last, Sequential):
        last = next((module for module in reversed(list(last)) if not isinstance(module, ENDS)), Identity())
    if len(shapes) < arity and isinstance(last, Linear):
        return last.weight.shape[0]
    try:
        shape = net.output_shape(shapes[0] if arity == 1 else tuple(shapes))
    except (RetropropError, LookupError):
        return None
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None


def ends_at(net: Module) -> float:
    """Return where the outputs part two classes, by the module that computes them: 0.5 for a Sigmoid, else 0."""
    wiring = net.wiring()
    nodes, name = {node.path: node for node in wiring.nodes}, wiring.outputs[0]
    while name in nodes and isinstance(nodes[name].module, (Identity, Flatten, Reshape, Dropout)):
        name = nodes[name].sources[0]
    return 0.5 if name in nodes and isinstance(nodes[name].module, Sigmoid) else 0.0
