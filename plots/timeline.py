"""The phases of a tape along time (lecture, slides 20-26)."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from ..errors import ArgumentError
from ..inspection import Record, Tape
from .canvas import COLORS, PANEL, axes, legend

PHASES = dict(zip(("forward", "backward", "update"), COLORS, strict=False))
AROUND = 0.3                                                        # opacity of a phase with other phases inside


def timeline(tape: Tape, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the phases on a tape as bars along time, with one row per module.

    Parameters
    ----------
    tape : Tape
    title : str, optional
    ax : Axes, optional
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        The first module is at the bottom and the loss at the top: forward rises, backward falls. Phases with other phases
        inside, as those of a container, are pale.
    """
    if not isinstance(tape, Tape) or not tape.records:
        raise ArgumentError(f"timeline: tape must be a Tape with at least one record, got {tape!r}")
    records = tape.records
    rows: dict[tuple[int, str], Record] = {}
    for record in records:
        rows.setdefault((record.root, record.path), record)
    heights = {key: k for k, key in enumerate(rows)}
    begin, end = records[0].start, max(record.start + record.seconds for record in records)
    unit, scale = next((pair for pair in (("s", 1), ("ms", 1e3)) if pair[1] * (end - begin) >= 1), ("µs", 1e6))
    ax = axes(ax, title, (PANEL[0], 0.3 * len(rows) + 1.2))
    depths = [record.depth for record in records]
    for record, after in zip(records, [*depths[1:], 0], strict=True):
        color = PHASES[record.phase]
        ax.barh(heights[record.root, record.path], scale * record.seconds, 0.7, scale * (record.start - begin), color=color,
                edgecolor=color, lw=0.8, alpha=AROUND if after > record.depth else 1)    # the edge makes short ones visible
    ax.set_yticks(range(len(rows)), [tape.label(record) for record in rows.values()])
    ax.set(xlabel=f"time ({unit})", ylim=(-0.6, len(rows) - 0.4))
    ax.margins(x=0.01)
    ax.spines[["top", "right"]].set_visible(False)
    shown = {record.phase for record in records}
    legend(ax, handles=[Patch(color=color, label=phase) for phase, color in PHASES.items() if phase in shown])
    return ax
