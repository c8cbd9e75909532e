"""What reads what, as text: a table, and sources for Graphviz and Mermaid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...printing import aligned

if TYPE_CHECKING:
    from .base import Module


class Node(NamedTuple):
    """A module and the paths of what it reads."""

    path: str
    module: Module
    sources: tuple[str, ...]


class Wiring(NamedTuple):
    """A network as nodes that are no containers, in an order in which data can pass."""

    inputs: tuple[str, ...]
    nodes: list[Node]
    outputs: tuple[str, ...]


def table(wiring: Wiring) -> str:
    """A row for each input and node: its name, its module, what it reads."""
    rows = [("node", "module", "reads")]
    rows += [(name, "input", "") for name in wiring.inputs]
    rows += [(path, repr(module) + ", output" * (path in wiring.outputs), ", ".join(sources))
             for path, module, sources in wiring.nodes]
    return aligned(rows, ())


def graphviz(wiring: Wiring) -> str:
    lines = ["digraph {", "    rankdir=LR"]
    lines += [f"    {quoted(name)} [shape=plaintext]" for name in wiring.inputs]
    for path, module, sources in wiring.nodes:
        frame = ", peripheries=2" * (path in wiring.outputs)
        lines.append(f"    {quoted(path)} [shape=box, label={quoted(f'{path}: {module!r}')}{frame}]")
        lines += [f"    {quoted(source)} -> {quoted(path)}" for source in sources]
    return "\n".join([*lines, "}"])


def mermaid(wiring: Wiring) -> str:
    names = {name: f"n{k}" for k, name in enumerate([*wiring.inputs, *(node.path for node in wiring.nodes)])}
    lines = ["flowchart LR"]
    lines += [f"    {names[name]}([{escaped(name)}])" for name in wiring.inputs]
    for path, module, sources in wiring.nodes:
        left, right = ("[[", "]]") if path in wiring.outputs else ("[", "]")
        lines.append(f"    {names[path]}{left}{escaped(f'{path}: {module!r}')}{right}")
        lines += [f"    {names[source]} --> {names[path]}" for source in sources]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """A string of Graphviz's language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def escaped(text: str) -> str:
    """A string of Mermaid's language, which writes characters as HTML does."""
    return '"' + text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;") + '"'
