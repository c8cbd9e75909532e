"""``retroprop graph``: the nodes of a network and their inputs, as text or as an image."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...inspection.derivatives.paths import wired
from ...modules import Add, Function, Graph, Multiply
from ...modules.core.diagram import Wiring, graphviz, mermaid, table
from ...modules.core.values import Value, each
from ...printing import show
from .options import add_out, script_command
from .script import Script, blaming, read

if TYPE_CHECKING:
    from ..options import Commands

FORMATS: dict[str, Callable[[Wiring[Any]], str]] = {"text": table, "graphviz": graphviz, "mermaid": mermaid}


def add_command(commands: Commands) -> None:
    command = script_command(
        commands, "graph", "print or draw a network as a graph",
        "Print the nodes of a Graph or Sequential, and the inputs of each. Without FILE, print those of a small example.",
        "mynet.py --out mynet.svg")
    command.add_argument("--format", default="text", choices=FORMATS,
                         help="a table (text), or the source of a drawing (default: text)")
    add_out(command, "also draw the network, with values and gradients if FILE defines x")
    command.set_defaults(run=run)


def run(*, file: str | None, format: str, out: str | None) -> int:
    script = example() if file is None else read(file)
    text = FORMATS[format](wired("graph", script.net))
    if out is not None:
        draw(script, out)
        print(f"The image is in {out}", file=sys.stderr)
    show(text)
    return 0


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
    """Write an image of the network, with values and gradients at x if the script defines x."""
    from ... import plots
    from ...plots.canvas import write

    with blaming(script.path):
        g = None if script.x is None else output_gradient(script)
        write(plots.graph(script.net, script.x, g), Path(path))


def output_gradient(script: Script) -> Value:
    """The gradient of the loss with respect to the output, or ones without a loss; computed on copies."""
    y = deepcopy(script.net).forward(script.x)
    if script.loss is None or script.y is None:
        return each(np.ones_like, y)
    loss = deepcopy(script.loss)
    loss.forward(y, script.y)
    return loss.backward()
