"""The report: measurements as JSON, as tables in Markdown, and as figures."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .measurements import GROWTH, Row
from .workers import OURS, PEERS

MARKS = {"retroprop": ("C0", "o"), "by-hand": ("C0", "|"), "floor": ("0.4", "|"), "torch": ("C3", "s"),
         "torch-fused": ("C3", "D"), "jax": ("C2", "^"), "jax-scan": ("C2", "v"), "sklearn": ("C1", "P")}


def machine() -> dict[str, Any]:
    """Return the date, the processor, the system and the versions of the libraries."""
    import numpy as np

    import retroprop
    versions = {"retroprop": retroprop.__version__}
    for name in ("numpy", "torch", "jax", "scikit-learn"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")]
        cpu = models[0] if models else cpu
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"date": datetime.date.today().isoformat(), "cpu": cpu, "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version(), "blas": f"{blas['name']} {blas['version']}", "versions": versions}


def write(results: dict[str, Any], out: Path) -> None:
    """Write ``benchmarks.json``, ``tables.md``, and the figures ``steps.png`` and ``growth.png``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n")
    (out / "tables.md").write_text("\n".join(tables(results)))
    for part, draw in (("steps", steps_figure), ("growth", growth_figure)):
        if results.get(part):
            figure = draw(results[part])
            figure.savefig(out / f"{part}.png", dpi=150, bbox_inches="tight")


def tables(results: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the Markdown tables."""
    rows = results.get("steps", [])
    for what, unit in (("median_us", "Microseconds a step"), ("memory_mb", "Megabytes beyond the examples")):
        peers = [peer for peer in PEERS if any(row["peer"] == peer and row[what] is not None for row in rows)]
        if peers:
            yield from table([unit, *(PEERS[peer].label for peer in peers)], (
                [f"{name}, {count} thread{'s' * (count > 1)}", *(rounded(row[what]) if row else "-" for row in cells)]
                for (name, count), cells in by_case(rows, ("workload", "threads"), peers).items()))
    if results.get("crossovers"):
        yield from table(["as this grows", "threads", "library", "faster than retroprop from"], (
            [row["grows"], str(row["threads"]), PEERS[row["peer"]].label, str(row["faster_from"] or "-")]
            for row in results["crossovers"]))
    if results.get("memory"):
        yield from table(["Megabytes beyond network and data", "training", "with validation", "examples of it"], (
            [row["workload"], *(rounded(row[what]) for what in ("training_mb", "validated_mb")), str(row["validation"])]
            for row in results["memory"]))
    if results.get("imports"):
        yield from table(["import", "milliseconds"], ([row["import"], rounded(row["ms"])] for row in results["imports"]))
    if results.get("experiment"):
        yield from table(["whole job", "seconds", "Glorot", "Standard"], (
            [name, rounded(row["seconds"]), *(f"{100 * row[init]:.1f} %" for init in ("Glorot", "Standard"))]
            for name, row in results["experiment"].items()))


def table(head: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def by_case(rows: list[Row], keys: tuple[str, ...], peers: list[str]) -> dict[tuple[Any, ...], list[Row | None]]:
    """Return the rows of each case, in the order of ``peers``; None where a peer has none."""
    cases = dict.fromkeys(tuple(row[key] for key in keys) for row in rows)
    by_peer = {(*(row[key] for key in keys), row["peer"]): row for row in rows}
    return {case: [by_peer.get((*case, peer)) for peer in peers] for case in cases}


def rounded(value: float) -> str:
    """Return three significant digits."""
    return f"{value:.3g}" if value < 1000 else f"{float(f'{value:.3g}'):.0f}"


def steps_figure(rows: list[Row]) -> Any:
    """Draw the time of a step relative to the fastest other library that returns after each step (or to retroprop's)."""
    import matplotlib.pyplot as plt
    threads = sorted({row["threads"] for row in rows})
    names = list(dict.fromkeys(row["workload"] for row in rows))
    figure, axes = plt.subplots(1, len(threads), figsize=(1 + 4.5 * len(threads), 1.5 + 0.55 * len(names)), sharex=True,
                                sharey=True, squeeze=False)
    for ax, count in zip(axes[0], threads, strict=True):
        for k, name in enumerate(names):
            times = {row["peer"]: row["median_us"] for row in rows if (row["workload"], row["threads"]) == (name, count)}
            others = [time for peer, time in times.items() if peer not in (*OURS, "jax-scan")] or [times["retroprop"]]
            ax.axhline(k, color="0.9", zorder=0)
            for peer, time in times.items():
                color, mark = MARKS[peer]
                ours = peer == "retroprop"
                ax.plot(time / min(others), k, mark, color=color, zorder=3 if ours else 2, label=PEERS[peer].label,
                        markersize={"|": 14}.get(mark, 9 if ours else 6), markeredgewidth=2 if mark == "|" else 0.5,
                        markeredgecolor=color if mark == "|" else "white")
        ax.axvline(1, color="0.6", linewidth=1, zorder=1)
        ax.set(xscale="log", yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5),
               title=f"{count} thread{'s' * (count > 1)}", xlabel="time of a step / that of the fastest other library")
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
    figure.tight_layout()
    label_once(figure, axes[0][-1])
    return figure


def growth_figure(rows: list[Row]) -> Any:
    """Draw the time of a step against width, depth and batch size, with a row of panels per number of threads."""
    import matplotlib.pyplot as plt
    threads = sorted({row["threads"] for row in rows})
    figure, axes = plt.subplots(len(threads), len(GROWTH), figsize=(11, 0.8 + 3 * len(threads)), sharey=True, squeeze=False)
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    for line, count in zip(axes, threads, strict=True):
        for ax, grows in zip(line, GROWTH, strict=True):
            sizes = sorted({row["size"] for row in rows if row["grows"] == grows})
            for peer in peers:
                points = [(row["size"], row["median_us"]) for row in rows
                          if (row["peer"], row["grows"], row["threads"]) == (peer, grows, count)]
                color, mark = MARKS[peer]
                ax.plot(*zip(*points, strict=True), color=color, marker=None if mark == "|" else mark, markersize=4,
                        linestyle=":" if mark == "|" else "-", linewidth=2 if peer == "retroprop" else 1,
                        label=PEERS[peer].label)
            ax.set(xscale="log", yscale="log")
            ax.set_xticks(sizes, map(str, sizes))
            ax.minorticks_off()
            ax.set(xlabel={"width": "units in each of 2 layers", "depth": "layers of 32 units",
                           "batch": "examples in a batch (2 layers of 64)"}[grows],
                   title=f"{count} thread{'s' * (count > 1)}" if grows == "depth" else "")
            ax.spines[["top", "right"]].set_visible(False)
        line[0].set_ylabel("µs a training step")
    label_once(figure, axes[0][-1])
    figure.tight_layout()
    return figure


def label_once(figure: Any, ax: Any) -> None:
    """Put one legend for the whole figure beside it."""
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))
    figure.legend(entries.values(), entries.keys(), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
