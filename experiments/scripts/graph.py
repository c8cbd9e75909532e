"""``retroprop graph``: what reads what in a network, as text or as an image."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from ...inspection.derivatives.paths import wired
from ...modules import Add, Function, Graph, Multiply
from ...modules.core.diagram import Wiring, graphviz, mermaid, table
from ...modules.core.values import Value, each
from .script import Script, blaming

FORMATS: dict[str, Callable[[Wiring[Any]], str]] = {"text": table, "graphviz": graphviz, "mermaid": mermaid}


def example() -> Script:
    """z = (sin x1 + x1 x2) x2: fan-out at x1 and x2, fan-in at the sum and the product (slides 10-31)."""
    net = Graph({
        "y1": (Function(np.sin, np.cos), "x1"),
        "y2": (Multiply(), "x1", "x2"),
        "y3": (Add(), "y1", "y2"),
        "z": (Multiply(), "y3", "x2"),
    }, inputs=("x1", "x2"), outputs="z")
    return Script("the example", net, (np.array([[2.0]]), np.array([[3.0]])))


def draw(script: Script, path: str) -> None:
    """Write an image of the network; with the values and gradients at x, if there is one."""
    from ... import plots
    from ...plots.canvas import write

    with blaming(script.path):
        g = None if script.x is None else output_gradient(script)
        write(plots.graph(script.net, script.x, g), Path(path))


def output_gradient(script: Script) -> Value:
    """Of the loss at the output, or ones; copies run."""
    y = deepcopy(script.net).forward(script.x)
    if script.loss is None or script.y is None:
        return each(np.ones_like, y)
    loss = deepcopy(script.loss)
    loss.forward(y, script.y)
    return loss.backward()


def describe(script: Script, form: str) -> str:
    """The network as text, or as a source for Graphviz or Mermaid."""
    return FORMATS[form](wired("graph", script.net))
