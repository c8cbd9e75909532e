"""Time and memory of a training step as width, depth, batch and size of an example grow by factors of 2."""

from __future__ import annotations

import statistics
from contextlib import nullcontext
from math import log
from typing import Any

from ..contest import compete, team, with_threads
from ..peers import OURS, STEPS
from ..settings import Pace, Settings
from ..tables import Row, columns, rounded, table, threads
from ..workloads import mlp
from .steps import MARKS, label_once

GROWTH = {                                                          # 64 inputs, ReLU, 10 classes
    "width": lambda n: mlp(f"2 layers of {n}", 64, n, 2, 10, "relu", 32),
    "depth": lambda n: mlp(f"{n} layers of 32", 64, 32, n, 10, "relu", 32),
    "batch": lambda n: mlp(f"batches of {n}", 64, 64, 2, 10, "relu", n),
    "inputs": lambda n: mlp(f"{n} inputs", n, 64, 2, 10, "relu", 32)}
SIZES = {"width": (8, 16, 32, 64, 128, 256, 512, 1024), "depth": (1, 2, 4, 8, 16, 32),
         "batch": (8, 16, 32, 64, 128, 256, 512, 1024), "inputs": (16, 32, 64, 128, 256, 512, 1024, 2048)}
NAMES = {"width": "units in each of 2 layers", "depth": "layers of 32 units", "batch": "examples in a batch (2 layers of 64)",
         "inputs": "inputs of 2 layers of 64"}
PEERS = ("retroprop", "by-hand", "torch-fused", "jax")
PACE = Pace(0.03, 6, 3)


def measure(settings: Settings) -> list[Row]:
    """Time a step at each size. With the first number of threads each size has new processes, which tell its memory."""
    rows = []
    peers = [peer for peer in PEERS if peer in ("by-hand", *settings.peers)]
    pace = settings.pace if settings.quick else PACE
    for k, count in enumerate(settings.threads):
        members = with_threads(peers, count)
        with team(members) as workers:
            for grows, make in GROWTH.items():
                for size in SIZES[grows][:2] if settings.quick else SIZES[grows]:
                    with nullcontext(workers) if k or settings.quick else team(members) as here:
                        found = compete(make(size), here, dict.fromkeys(peers, "retroprop"), pace)
                    rows += [{"grows": grows, "size": size, "threads": count, **row} for row in found]
                    print(f"    {grows} {size}, {threads(count)}: "
                          + ", ".join(f"{STEPS[row['peer']].label} {row['us']['median']:.0f} us" for row in found), flush=True)
    return rows


def exponent(points: list[tuple[int, float]]) -> float:
    """Return the slope of log y over log x by least squares, over the upper half of the points."""
    upper = sorted(points)[len(points) // 2 if len(points) > 3 else 0:]
    return statistics.linear_regression(*zip(*((log(x), log(y)) for x, y in upper), strict=True)).slope


def series(rows: list[Row], grows: str, peer: str, count: int) -> list[Row]:
    return [row for row in rows if (row["grows"], row["peer"], row["threads"]) == (grows, peer, count)]


def slope(rows: list[Row], values: list[float | None]) -> str:
    """Return the exponent of the values of these rows, "-" where it is unknown."""
    points = [(row["size"], value) for row, value in zip(rows, values, strict=True) if value]
    return f"{exponent(points):.2f}" if len(points) > 1 else "-"


def faster_from(rows: list[Row]) -> int | None:
    """Return the size from which on a peer is faster than retroprop, in the same rounds; None if not at the largest."""
    found = None
    for row in sorted(rows, key=lambda row: -row["size"]):
        if row["ratio"]["median"] >= 1:
            break
        found = row["size"]
    return found


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    counts, peers = sorted({row["threads"] for row in rows}), columns(rows, STEPS)
    labels = [STEPS[peer].label for peer in peers]
    others = [peer for peer in peers if peer not in OURS]
    return {
        "growth of time": table(["time of a step grows with this power of", "threads", *labels], (
            [NAMES[grows], str(count), *(slope(found, [row["us"]["median"] for row in found])
                                         for found in (series(rows, grows, peer, count) for peer in peers))]
            for grows in GROWTH for count in counts)),
        "growth of memory": table(["memory grows with this power of", *(f"{label} (MB at the largest)" for label in labels)], (
            [NAMES[grows], *(memory(series(rows, grows, peer, counts[0])) for peer in peers)] for grows in GROWTH)),
        "crossovers": table(["as this grows", "library", *(f"faster from, {threads(count)}" for count in counts)], (
            [NAMES[grows], STEPS[peer].label,
             *(str(faster_from(series(rows, grows, peer, count)) or "-") for count in counts)]
            for grows in GROWTH for peer in others)),
        "figure of growth": [f"![{finding(rows)}](images/growth.png)"]}


def memory(rows: list[Row]) -> str:
    known = [row["memory_mb"] for row in rows]
    return f"{slope(rows, known)} ({rounded(known[-1])})" if known and known[-1] else "-"


def finding(rows: list[Row]) -> str:
    """Say from which sizes on other libraries are faster."""
    said = [f"{STEPS[peer].label} from {size} {NAMES[grows]} on, {threads(count)}"
            for grows in GROWTH for count in sorted({row["threads"] for row in rows}) for peer in columns(rows, STEPS)
            if peer not in OURS and (size := faster_from(series(rows, grows, peer, count)))]
    return f"Faster than retroprop: {'; '.join(said)}" if said else "At all sizes no other library is faster than retroprop"


def figure(rows: list[Row]) -> Any:
    """Draw the time of a step against the four sizes, with a row of panels per number of threads."""
    import matplotlib.pyplot as plt
    counts = sorted({row["threads"] for row in rows})
    drawn, axes = plt.subplots(len(counts), len(GROWTH), figsize=(13, 0.8 + 3 * len(counts)), sharey=True, squeeze=False)
    for line, count in zip(axes, counts, strict=True):
        for ax, grows in zip(line, GROWTH, strict=True):
            for peer in columns(rows, STEPS):
                color, mark = MARKS[peer]
                found = series(rows, grows, peer, count)
                ax.plot([row["size"] for row in found], [row["us"]["median"] for row in found], color=color,
                        marker=None if mark == "|" else mark, markersize=4, linestyle=":" if mark == "|" else "-",
                        linewidth=2 if peer == "retroprop" else 1, label=STEPS[peer].label)
            sizes = sorted({row["size"] for row in rows if row["grows"] == grows})
            ax.set(xscale="log", yscale="log")
            ax.set_xticks(sizes, map(str, sizes), rotation=45)
            ax.minorticks_off()
            ax.set(xlabel=NAMES[grows], title=threads(count) if grows == "width" else "")
            ax.spines[["top", "right"]].set_visible(False)
        line[0].set_ylabel("µs a training step")
    label_once(drawn, axes[0][-1])
    drawn.tight_layout()
    return drawn
