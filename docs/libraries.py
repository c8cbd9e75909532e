"""The page and the figure on the starts of libraries: ``python docs/libraries.py``; with ``--train``, train anew first.

``libraries.csv`` holds, for each library and seed, test errors after 1 and 20 epochs, and the first epoch with at most 10 %.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median_low
from typing import NamedTuple

import retroprop as rp

DOCS = Path(__file__).parent
TABLE, PAGE, FIGURE = DOCS / "libraries.csv", DOCS / "libraries.md", DOCS / "images" / "libraries.png"
EPOCHS, SEEDS, GOAL = 20, 5, 0.1


class Run(NamedTuple):
    """The training of the lecture's network from the start of a library, with one seed."""

    library: str
    seed: int
    first: float                                                    # test error after 1 epoch
    last: float                                                     # after 20
    epoch: int | None                                               # the first with at most 10 %


class Learned(NamedTuple):
    """A library: the means of its test errors, and the median of the epochs that it needs; None if half do not learn."""

    library: str
    first: float
    last: float
    epoch: int | None


def trained(libraries: str | Sequence[str] = "libraries", epochs: int = EPOCHS, seeds: int = SEEDS, **options: object
            ) -> list[Run]:
    """Compare the starts of libraries on the digits, and note what is needed of each run."""
    found = rp.compare("digits", libraries, epochs=epochs, seeds=seeds, **options)
    return [Run(one.init, one.seed, one.errors[0], one.errors[-1],
                next((k for k, error in enumerate(one.errors, 1) if error <= GOAL), None)) for one in found.runs]


def read() -> list[Run]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [Run(row["library"], int(row["seed"]), float(row["first"]), float(row["last"]),
                    int(row["epoch"]) if row["epoch"] else None) for row in csv.DictReader(file)]


def write(runs: list[Run]) -> None:
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(Run._fields)
        rows.writerows((library, seed, f"{first:.3f}", f"{last:.3f}", epoch) for library, seed, first, last, epoch in runs)


def by_library(runs: list[Run]) -> list[Learned]:
    """One row for each library, the quickest first, then the one with the smallest error at the end."""
    found = []
    for library in dict.fromkeys(one.library for one in runs):
        mine = [one for one in runs if one.library == library]
        epoch = median_low([one.epoch or EPOCHS + 1 for one in mine])
        found.append(Learned(library, mean(one.first for one in mine), mean(one.last for one in mine),
                             epoch if epoch <= EPOCHS else None))
    return sorted(found, key=lambda one: (one.epoch or EPOCHS + 1, one.last, one.library.lower()))


def groups(rows: list[Learned]) -> dict[str, list[Learned]]:
    """The libraries by when they learn, in the columns of the figure."""
    found: dict[str, list[Learned]] = {"1 epoch": [], "2 or 3 epochs": [], "4 to 20 epochs": [], "not in 20 epochs": []}
    for row in rows:
        name = ("not in 20 epochs" if row.epoch is None else "1 epoch" if row.epoch == 1 else
                "2 or 3 epochs" if row.epoch <= 3 else "4 to 20 epochs")
        found[name].append(row)
    return found


def finding(rows: list[Learned]) -> str:
    """The headline."""
    at_once, late = (sum(test(row.epoch) for row in rows) for test in (lambda e: e == 1, lambda e: e is not None and e > 1))
    return (f"Of {len(rows)} libraries’ default starts, {at_once} learn in one epoch, {late} more within twenty, and "
            f"{len(rows) - at_once - late} do not")


COLORS = {"1 epoch": "#0072B2", "2 or 3 epochs": "#1B7F5C", "4 to 20 epochs": "#8A5A00", "not in 20 epochs": "#B3261E"}
CAPTION = f"""Numbers: test error in % after {EPOCHS} epochs. To learn: at most {100 * GOAL:g} %; median of {SEEDS} seeds.
Digits (64 inputs, 10 classes), five hidden layers of 100 tanh units, SGD, learning rate 0.03, batches of 10."""
LINE, TOP, LONG = 0.42, 1.95, 16                                    # inches; inches; letters of a name that fits


def draw(rows: list[Learned]) -> None:
    """Write the figure: each library as a line of its column, large enough to be read on a phone."""
    from matplotlib.figure import Figure
    columns = groups(rows)
    height = TOP + LINE * max(map(len, columns.values())) + 0.85
    figure = Figure(figsize=(13, height), dpi=100, facecolor="white")

    def write(x: float, inches: float, text: str, size: float, **options: object) -> None:
        figure.text(x, 1 - inches / height, text, size=size, va="center", **options)

    write(0.02, 0.55, finding(rows).replace(", ", ",\n", 1), 25, weight="bold", linespacing=1.15)
    for k, (name, members) in enumerate(columns.items()):
        left, right = 0.02 + 0.245 * k, 0.245 * (k + 1) - 0.005
        write(left, 1.45, name, 23, weight="bold", color=COLORS[name])
        for row, one in enumerate(sorted(members, key=lambda one: one.last)):
            write(left, TOP + LINE * row, one.library, 19.5 if len(one.library) <= LONG else 15.5, color="#111111")
            write(right, TOP + LINE * row, percent(one.last), 19.5, ha="right", color=COLORS[name])
    write(0.02, height - 0.5, CAPTION, 16.5, color="#444444", linespacing=1.4)
    figure.savefig(FIGURE)


def percent(share: float) -> str:
    return f"{100 * share:.1f}" if share < 0.1 else f"{100 * share:.0f}"


HEAD = """\
# How libraries start, and which of them learn

{finding}.
They are the starts that the libraries give dense layers by default, in the lecture's network. To learn is to have a test error
of at most {goal:g} %; the median of {seeds} seeds decides. {between} libraries learn in one epoch with some seeds, and in two
or three with others. `docs/libraries.py` makes this page and the figure; the command that gives the same numbers is

```sh
retroprop compare --init libraries --seeds {seeds}
```

![{finding}](images/libraries.png)

Everything else is equal: digits of 8 × 8 pixels in [0, 1], five hidden layers of 100 tanh units and a softmax layer, SGD with
learning rate 0.03, batches of 10, {epochs} epochs, {seeds} seeds, each with a split of its own. A library's own optimizer,
scaling of inputs and activation are left out, so this is no ranking of libraries. At another learning rate other starts learn
(`--lr auto`).

i is fan_in and o fan_out of a layer, N the number of all parameters. U(±a) is uniform, N(0, v) normal with variance v; a normal
distribution that is cut at ±2σ keeps 0.77 of its variance, "corrected" all of it. The rules are those of the versions, or those
in the source; `retroprop initializers` prints them, and `rp.initializers.of("PyTorch")(net, rng=7)` applies one to a network.

| library | version | weight | bias | error after 1 epoch | after {epochs} | epochs to {goal:g} %, by seed |
|---|---|---|---|---|---|---|
"""


def page(runs: list[Run]) -> str:
    """The page as Markdown."""
    rows = by_library(runs)
    needed = {row.library: {one.epoch for one in runs if one.library == row.library} for row in rows}
    between = sum(1 in epochs and len(epochs) > 1 for epochs in needed.values())
    text = HEAD.format(finding=finding(rows), goal=100 * GOAL, seeds=SEEDS, epochs=EPOCHS, between=between)
    for row in rows:
        start = rp.initializers.of(row.library)
        epochs = ", ".join(str(one.epoch or "–") for one in runs if one.library == row.library)
        cells = [row.library, start.version, start.weight, "the same" if start.bias == start.weight else start.bias,
                 f"{percent(row.first)} %", f"{percent(row.last)} %", epochs]
        text += f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
    return text


if __name__ == "__main__":
    if "--train" in sys.argv[1:]:
        write(trained())
    found = read()
    PAGE.write_text(page(found), encoding="utf-8")
    draw(by_library(found))
    print(finding(by_library(found)))
