"""Drawing the figures of a page in the workers that made its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ... import files
from ..sweeps.workers import Workers


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn by a worker: ``function(*arguments, **options)`` returns the Figure, or Axes on it.

    The function stands in a module and imports matplotlib inside: the process that asks for a figure does not load it.
    ``name`` is that of the files, without their ending. With ``frame`` the files hold the figure and so many inches around it,
    whatever it draws: to measure all texts first takes a quarter of the time.
    """

    name: str
    function: Callable[..., Any]
    arguments: Sequence[Any] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    frame: float | None = None


def draw(drawings: Sequence[Drawing], folder: Path, workers: Workers) -> dict[str, tuple[Path, Path]]:
    """Draw figures, and write each as PNG and as SVG into the folder; return both paths by name, in the order of ``drawings``.

    Equal figures give equal bytes, in this process and in any worker: matplotlib's own defaults hold, whatever the user has
    set.
    """
    paths = {drawing.name: (folder / f"{drawing.name}.png", folder / f"{drawing.name}.svg") for drawing in drawings}
    found = dict(workers.local().run(rendered, [(drawing,) for drawing in drawings]))  # all, then files: a full disk stops none
    for k, drawing in enumerate(drawings):
        for path, content in zip(paths[drawing.name], found[k], strict=True):
            files.write(path, content)
    return paths


def rendered(drawing: Drawing) -> tuple[bytes, bytes]:
    """The bytes of the PNG and of the SVG."""
    from matplotlib import style

    from ...plots.canvas import close, render, whole_figure
    with style.context("default"):
        figure = whole_figure(drawing.function(*drawing.arguments, **drawing.options))
        try:
            png, svg = render(figure, (".png", ".svg"), frame=drawing.frame)
        finally:
            close(figure)
    return png, svg


def load() -> None:
    """Import what the numbers and the figures of a report need."""
    from matplotlib import style  # noqa: F401
    from matplotlib.backends import backend_agg, backend_svg  # noqa: F401
    from scipy import special  # noqa: F401

    from ...plots import canvas  # noqa: F401
