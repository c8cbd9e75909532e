"""The time of a Graph, and of a Sequential that was on a tape, relative to that of a plain Sequential.

The same chain of modules is trained in three forms: as a Sequential, as a Graph, and as a Sequential that a tape has once
recorded. The form is all that differs, so they run by turns in one process.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import retroprop as rp

from ..alone import in_a_process
from ..contest import summary
from ..settings import Settings
from ..tables import Row, multiple, table
from ..turns import in_turns, timed

STEPS = 200                                                         # of a turn
CHAINS = {"2-16-16-1, batch 32": ((2, 16, 16, 1), 32), "64-64-32-10, batch 32": ((64, 64, 32, 10), 32)}


def measure(settings: Settings) -> list[Row]:
    rows = in_a_process("graphs", settings.quick)
    for row in rows:
        print(f"    {row['chain']}: {row['form']}{', with the input gradient' * row['input_gradient']} takes "
              f"{multiple(row['ratio'])} times as long as a Sequential")
    return rows


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    forms = {("Graph", False): "time of a chain as a `Graph`, relative to a `Sequential`",
             ("Graph", True): "the same, with the gradient of the input",
             ("after a tape", False): "time of a network that was on a tape, relative to one that never was"}
    ratios = {(row["chain"], row["form"], row["input_gradient"]): row["ratio"] for row in rows}
    return {"graphs": table(["", *CHAINS], ([text, *(multiple(ratios.get((chain, *form))) for chain in CHAINS)]
                                            for form, text in forms.items()))}


# ------------------------------------------------------------------ in the process


def alone(quick: bool) -> list[Row]:
    return [row for name in CHAINS for row in compared(name, 3 if quick else 100)]


def layers(sizes: tuple[int, ...]) -> list[rp.Module]:
    """Return Linear layers with tanh between them; each call gives the same weights."""
    modules: list[rp.Module] = []
    for k in range(len(sizes) - 1):
        modules += [rp.Linear(sizes[k], sizes[k + 1], rng=k), rp.Tanh()]
    return modules[:-1]


def chain(modules: list[rp.Module]) -> rp.Graph:
    """Return a graph with the modules as a chain of nodes."""
    return rp.Graph({f"n{k}": (module, f"n{k - 1}" if k else "x") for k, module in enumerate(modules)}, inputs="x",
                    outputs=f"n{len(modules) - 1}")


def training(net: rp.Module, x: np.ndarray, y: np.ndarray, input_gradient: bool) -> Callable[[], None]:
    """Return a function that makes ``STEPS`` training steps."""
    loss, sgd = rp.BCEWithLogits(), rp.SGD(net.parameters(), lr=1e-3, momentum=0.9)

    def run() -> None:
        for _ in range(STEPS):
            loss.forward(net.forward(x), y)
            net.backward(loss.backward(), input_gradient=input_gradient)
            net.update()
            sgd.step()

    return run


def compared(name: str, rounds: int) -> list[Row]:
    """Return the ratios of one chain to the Sequential."""
    (sizes, batch), rng, rows = CHAINS[name], np.random.default_rng(0), []
    x, y = rng.standard_normal((batch, sizes[0]), "float32"), rng.integers(2, size=(batch, sizes[-1])).astype("float32")
    taped = rp.Sequential(*layers(sizes))
    with rp.tape(taped):
        taped.backward(np.ones_like(taped.forward(x)))
    for input_gradient in (False, True):
        nets = {"Sequential": rp.Sequential(*layers(sizes)), "Graph": chain(layers(sizes)), "after a tape": taped}
        times = in_turns({form: timed(training(net, x, y, input_gradient)) for form, net in nets.items()}, rounds)
        rows += [{"chain": name, "form": form, "input_gradient": input_gradient, **summary(times, form, "Sequential")}
                 for form in ("Graph", "after a tape")]
    return rows
