"""The time of a training step beside that of other libraries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..contest import prepared, show, summary, team, timed_by_turns
from ..peers import OURS, STEPS
from ..settings import Settings
from ..tables import Row, by_case, columns, microseconds, relative, rounded, table, threads
from ..workloads import WORKLOADS

MARKS = {"retroprop": ("C0", "o"), "by-hand": ("C0", "|"), "floor": ("0.4", "|"), "torch": ("C3", "s"),
         "torch-fused": ("C3", "D"), "jax": ("C2", "^"), "jax-scan": ("C2", "v"), "equinox": ("C2", "P"),
         "tinygrad": ("C4", "X"), "mlx": ("C5", "*"), "sklearn": ("C1", "p")}
KEYS = ("workload", "threads")


def measure(settings: Settings) -> list[Row]:
    """Time each workload by turns, with a process per library and number of threads, or one for libraries that use all.

    NumPy by hand says which gradients are right.
    """
    rows = []
    peers = dict.fromkeys(("by-hand", *settings.peers))
    for name in settings.workloads:
        print(f"{WORKLOADS[name]}", flush=True)
        with team({named(peer, count): (peer, count) for peer in peers for count in settings.threads}) as workers:
            found = prepared(WORKLOADS[name], workers)
            times = timed_by_turns(workers, found, settings.pace)
        for count in settings.threads:
            timed = [{"workload": name, "threads": count, "peer": peer, **found[key],
                      **summary(times, key, named("retroprop", count))}
                     for peer in peers if (key := named(peer, count)) in found]
            print(f"  {threads(count)}")
            show(timed)
            rows += timed
    return rows


def named(peer: str, count: int) -> str:
    """Return the name of the process of a peer for a number of threads."""
    return f"{peer}, {threads(count)}" if STEPS[peer].obeys else peer


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    """Return the tables of times, of multiples of retroprop's time, of memory, and the figure."""
    cases, peers = by_case(rows, KEYS), columns(rows, STEPS)
    labels = {case: f"{case[0]}, {threads(case[1])}" for case in cases}
    others = [peer for peer in peers if peer != "retroprop"]
    first = {case: found for case, found in cases.items() if case[1] == min(case[1] for case in cases)}
    return {
        "steps": table(["Microseconds a step", *(STEPS[peer].label for peer in peers)], (
            [labels[case], *(microseconds(found.get(peer)) for peer in peers)] for case, found in cases.items())),
        "multiples": table(["", *(STEPS[peer].label for peer in others)], (
            [labels[case], *(relative(found.get(peer)) for peer in others)]
            for case, found in cases.items())),
        "memory of steps": table(["Megabytes beyond the examples", *(STEPS[peer].label for peer in peers)], (
            [labels[case], *(megabytes(found.get(peer)) for peer in peers)] for case, found in first.items())),
        "figure of steps": [f"![{finding(rows)}](images/steps.png)"]}


def megabytes(row: Row | None) -> str:
    return "-" if row is None or row["memory_mb"] is None else rounded(row["memory_mb"])


def returning(peers: Iterable[str]) -> list[str]:
    """Return the other libraries' peers that return after each step."""
    return [peer for peer in peers if peer not in (*OURS, "jax-scan")]


def finding(rows: list[Row]) -> str:
    """Say where retroprop is the fastest library that returns after each step, and where not."""
    first, later = [], []
    for (name, count), found in by_case(rows, KEYS).items():
        others = {peer: found[peer]["ratio"]["median"] for peer in returning(found)}
        if others:
            best = min(others, key=others.__getitem__)
            place = f"{name} on {threads(count)}"
            if others[best] >= 1:
                first.append(place)
            else:
                later.append(f"{place} ({STEPS[best].label} takes {others[best]:.2f} of its time)")
    said = [f"{what} at {', '.join(places)}" for what, places in (
        ("Of the libraries that return after each step, retroprop is the fastest", first), ("another is faster", later))
        if places]
    return "; ".join(said) or "The time of a step of retroprop, without other libraries"


def figure(rows: list[Row]) -> Any:
    """Draw the time of a step relative to the fastest other library that returns after each step (or to retroprop's)."""
    import matplotlib.pyplot as plt
    counts = sorted({row["threads"] for row in rows})
    names = list(dict.fromkeys(row["workload"] for row in rows))
    drawn, axes = plt.subplots(1, len(counts), figsize=(1 + 4.5 * len(counts), 1.5 + 0.5 * len(names)), sharex=True,
                               sharey=True, squeeze=False)
    cases = by_case(rows, KEYS)
    for ax, count in zip(axes[0], counts, strict=True):
        for k, name in enumerate(names):
            times = {peer: row["us"]["median"] for peer, row in cases.get((name, count), {}).items()}
            least = min((times[peer] for peer in returning(times)), default=times.get("retroprop"))
            ax.axhline(k, color="0.9", zorder=0)
            for peer, time in times.items():
                color, mark = MARKS[peer]
                ours = peer == "retroprop"
                ax.plot(time / least, k, mark, color=color, zorder=3 if ours else 2, label=STEPS[peer].label,
                        markersize={"|": 14, "*": 9}.get(mark, 9 if ours else 6), markeredgewidth=2 if mark == "|" else 0.5,
                        markeredgecolor=color if mark == "|" else "white")
        ax.axvline(1, color="0.6", linewidth=1, zorder=1)
        ax.set(xscale="log", yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5),
               title=threads(count), xlabel="time of a step / that of the fastest other library")
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
    drawn.tight_layout()
    label_once(drawn, axes[0][-1])
    return drawn


def label_once(figure: Any, ax: Any) -> None:
    """Put one legend for the whole figure beside it."""
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))
    figure.legend(entries.values(), entries.keys(), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
