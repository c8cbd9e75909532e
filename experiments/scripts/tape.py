"""``retroprop tape``: one step of a network, recorded phase by phase."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ArgumentError
from ...inspection import Tape, tape
from ...losses import BCE, Loss
from ...modules import Linear, Module, Sequential, Sigmoid
from ...modules.core.values import each
from ...printing import show
from ..reports.text import as_json as json_text
from .options import Shape, add_out, add_shape, script_command, with_input
from .script import Script, blaming

if TYPE_CHECKING:
    from ..options import Commands

EXAMPLE = "s = W x + b, p = σ(s), and the binary cross-entropy of p and y: two examples (lecture, slides 44-48)"


def add_command(commands: Commands) -> None:
    command = script_command(
        commands, "tape", "print every phase of one step",
        "Run one step (forward, loss if there is one, backward, update) and print each phase: shapes, saved arrays, the "
        "numbers of small arrays, bytes and time. Without FILE, run the worked example of the lecture.",
        "mynet.py --shape 5,3 --out timeline.png")
    add_shape(command)
    command.add_argument("--json", action="store_true", dest="as_json", help="print the records as JSON")
    add_out(command, "also draw the phases along time")
    command.set_defaults(run=run)


def run(*, file: str | None, shapes: list[Shape], as_json: bool, out: str | None) -> int:
    taped = record(with_input(file, shapes) or example())
    if out is not None:
        draw(taped, out)
        print(f"The image is in {out}", file=sys.stderr)
    if file is None and not as_json:
        show(f"{EXAMPLE}\n")
    show(json_text(taped.as_dicts()) if as_json else taped)
    return 0


def example() -> Script:
    """The worked example of the lecture, with round numbers where possible."""
    net = Sequential(Linear(2, 1, dtype="float64"), Sigmoid())
    net.load_state_dict({"0.weight": np.array([[1.0, -1.0]]), "0.bias": np.array([-1.0])})
    return Script("the example", net, np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0], [0.0]]), BCE())


def record(script: Script) -> Tape:
    """Record forward, the loss if there is one, backward and update; without a loss the gradient of the output is 1."""
    net, loss = script.net, script.loss
    if isinstance(net, Loss):
        raise ArgumentError(f"{script.path}: net must be a network, got the loss {net!r}; call it loss")
    if loss is not None and script.y is None:
        raise ArgumentError(f"{script.path} defines a loss and must define y, its targets")
    with blaming(script.path):
        step(*deepcopy((net, loss)), script)                        # not recorded: a first step also warms up NumPy
        with tape(*([net] if loss is None else [net, loss])) as taped:
            step(net, loss, script)
    return taped


def step(net: Module, loss: Loss | None, script: Script) -> None:
    y = net.forward(script.x)
    if loss is None:
        g = each(np.ones_like, y)
    else:
        loss.forward(y, script.y)
        g = loss.backward()
    net.backward(g)
    net.update()


def draw(taped: Tape, path: str) -> None:
    """Write an image of the step along time."""
    from ... import plots
    from ...plots.canvas import write

    write(plots.timeline(taped), Path(path))
