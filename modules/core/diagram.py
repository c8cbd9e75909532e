"""The computational graph of a network as data, and as text: a table, and sources for Graphviz and Mermaid."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from ...printing import aligned

WIDTH = 24                                                          # characters of a module's repr in a table or a figure
M = TypeVar("M")                                                    # Module; base.py imports this file


class Node(NamedTuple, Generic[M]):
    """A module, its path, and the paths of the nodes and inputs that it reads."""

    path: str
    module: M
    sources: tuple[str, ...]


class Wiring(NamedTuple, Generic[M]):
    """A network as a list of nodes without containers, each node after those that it reads."""

    inputs: tuple[str, ...]
    nodes: list[Node[M]]
    outputs: tuple[str, ...]


def table(wiring: Wiring[Any]) -> str:
    """Return a table with one row per input and node: its name, its module, and what it reads."""
    return aligned(rows(wiring), ())


def rows(wiring: Wiring[Any]) -> list[tuple[str, str, str]]:
    """Return the cells of this table, with its headings."""
    return [("node", "module", "reads"), *((name, "input", "") for name in wiring.inputs),
            *((path, repr(module) + ", output" * (path in wiring.outputs), ", ".join(sources))
              for path, module, sources in wiring.nodes)]


def graphviz(wiring: Wiring[Any]) -> str:
    """Return the graph in the DOT language of Graphviz."""
    lines = ["digraph {", "    rankdir=LR"]
    lines += [f"    {quoted(name)} [shape=plaintext]" for name in wiring.inputs]
    for path, module, sources in wiring.nodes:
        frame = ", peripheries=2" * (path in wiring.outputs)
        lines.append(f"    {quoted(path)} [shape=box, label={quoted(f'{path}: {module!r}')}{frame}]")
        lines += [f"    {quoted(source)} -> {quoted(path)}" for source in sources]
    return "\n".join([*lines, "}"])


def mermaid(wiring: Wiring[Any]) -> str:
    """Return the graph in Mermaid's language."""
    names = {name: f"n{k}" for k, name in enumerate([*wiring.inputs, *(node.path for node in wiring.nodes)])}
    lines = ["flowchart LR"]
    lines += [f"    {names[name]}([{escaped(name)}])" for name in wiring.inputs]
    for path, module, sources in wiring.nodes:
        left, right = ("[[", "]]") if path in wiring.outputs else ("[", "]")
        lines.append(f"    {names[path]}{left}{escaped(f'{path}: {module!r}')}{right}")
        lines += [f"    {names[source]} --> {names[path]}" for source in sources]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """Return the text as a string literal of Graphviz."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def escaped(text: str) -> str:
    """Return the text as a string literal of Mermaid, in which special characters are written as HTML entities."""
    return '"' + text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;") + '"'


def shortened(module: str) -> str:
    """Return a repr cut after an argument, or after the class name if the cut would be inside an inner module."""
    if len(module) <= WIDTH:
        return module
    kind, _, arguments = module.partition("(")
    kept = arguments[:WIDTH - len(kind)].rpartition(", ")[0]
    return f"{kind}({kept}, …)" if kept and "(" not in kept else f"{kind}(…)"
