"""The wiring of a Graph: the checks of its constructor, and a topological order of the nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ...errors import ArgumentError
from ..core.base import Module
from ..core.values import reads

Sources = Mapping[str, Sequence[str]]                               # the names that each node reads


def as_names(argument: str, given: str | Sequence[str]) -> tuple[str, ...]:
    """Return one name or several as a tuple; ArgumentError unless they are distinct."""
    found = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, (tuple, list)) else ()
    if not found or not all(isinstance(name, str) for name in found) or len(set(found)) < len(found):
        raise ArgumentError(f"Graph: {argument} must be a name or several distinct ones, got {given!r}")
    for name in found:
        check_name(name)
    return found


def check_name(name: Any) -> None:
    """Raise ArgumentError unless this can name a node or an input: dots separate the names in a path."""
    if not isinstance(name, str) or not name or "." in name or not name.isprintable():
        raise ArgumentError(f"Graph: a name must be a printable string without a dot, got {name!r}")


def check_node(name: str, node: Any) -> None:
    """Raise ArgumentError unless ``node`` is a module followed by names."""
    check_name(name)
    if (not isinstance(node, (tuple, list)) or not node or not isinstance(node[0], Module)
            or not all(isinstance(source, str) for source in node[1:])):
        raise ArgumentError(f"Graph: node {name!r} must be (module, *sources), such as (Tanh(), 'x'), got {node!r}")


def check_wiring(nodes: Mapping[str, Sequence[Any]], inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Raise ArgumentError unless every source exists, every node reads as many as it needs, and all leads to an output."""
    sources: Sources = {name: node[1:] for name, node in nodes.items()}
    for name in inputs:
        if name in nodes:
            raise ArgumentError(f"Graph: {name!r} is an input and a node; give one of them another name")
    for name in outputs:
        if name not in nodes:
            raise ArgumentError(f"Graph: output {name!r} must be one of the nodes {listed(nodes)}")
    for name, read in sources.items():
        for source in read:
            if source not in nodes and source not in inputs:
                raise ArgumentError(f"Graph: node {name!r} reads {source!r}, which is neither an input ({listed(inputs)}) nor "
                                    f"a node ({listed(nodes)})")
        check_arity(name, nodes[name][0], read, nodes)
    used = leading_to(outputs, sources)
    for kind, names in (("input", inputs), ("node", nodes)):
        dangling = [name for name in names if name not in used]
        if dangling:
            raise ArgumentError(f"Graph: {kind} {listed(dangling)} leads to no output ({listed(outputs)})")


def check_arity(name: str, module: Module, read: Sequence[str], nodes: Mapping[str, Any]) -> None:
    """Raise ArgumentError unless the module takes so many sources, or one node that returns a tuple of arrays."""
    if hasattr(module, "costs"):
        raise ArgumentError(f"Graph: node {name!r}, {module!r}, is a loss, which cannot be part of a container: its forward is "
                            "called with what the graph returns")
    whole = len(read) == 1 and read[0] in nodes
    if not (reads(module.arity, len(read)) or (module.arity != 1 and whole)):
        count = "two or more sources" if module.arity is None else f"{module.arity} source{'s' * (module.arity > 1)}"
        raise ArgumentError(f"Graph: node {name!r}, {module!r}, must read {count}, got {listed(read) or 'none'}")


def leading_to(outputs: Sequence[str], sources: Sources) -> set[str]:
    """Return the nodes and inputs from which a path leads to an output, the outputs included."""
    found, open_ = set(outputs), list(outputs)
    while open_:
        for source in sources.get(open_.pop(), ()):
            if source not in found:
                found.add(source)
                open_.append(source)
    return found


def in_order(sources: Sources) -> list[str]:
    """Return the nodes, each after those that it reads; ArgumentError that names the nodes of a cycle."""
    try:
        order = list(TopologicalSorter(sources).static_order())
    except CycleError as error:
        cycle = " -> ".join(map(repr, error.args[1]))
        raise ArgumentError(f"Graph: data cannot pass in a cycle: {cycle}") from None
    return [name for name in order if name in sources]


def listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    """Return the names in quotes, with commas between them."""
    return ", ".join(map(repr, names))
