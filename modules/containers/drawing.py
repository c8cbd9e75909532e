"""What notebooks show of a Graph: a drawing as SVG, in the colours of the page."""

from __future__ import annotations

from html import escape
from typing import Any

from ...printing import html_table
from ..core.diagram import Wiring, rows, shortened
from .layout import LINE, Box, bends, boxed, laid_out, share

INCH = 96                                                           # pixels
HEAD = "m-7-4l7 4-7 4"                                              # of an arrow that points to the right
MOST = 60                                                           # nodes of a drawing


def as_html(wiring: Wiring[Any]) -> str:
    """Return a drawing that says in words, to those who do not see it, what ``print`` says; a table if it would be large."""
    if len(wiring.nodes) > MOST:
        return html_table(rows(wiring), ())
    boxes = {name: boxed([(name, "")]) for name in wiring.inputs}
    boxes |= {path: boxed([(path, ""), (shortened(repr(module)), "")]) for path, module, _ in wiring.nodes}
    boxes, places, routes, (width, height) = laid_out(wiring, boxes)

    def point(across: float, up: float) -> str:
        return f"{INCH * across:.1f} {INCH * (height / 2 - up):.1f}"

    drawn = []
    for path, _, sources in wiring.nodes:
        for k in range(len(sources)):
            start, *curves = (point(*at) for at in bends(routes[path, k], places, boxes, share(k, len(sources))))
            drawn.append(f'<path d="M{start}C{" ".join(curves)}{HEAD}" stroke-opacity=".7"/>')
    for name, (across, up) in places.items():
        if lines := boxes[name].lines:
            look = ' stroke-opacity=".4"' if name in wiring.inputs else ' stroke-width="2.5"' if name in wiring.outputs else ""
            drawn.append(frame(point(across - boxes[name].width / 2, up + boxes[name].height / 2), boxes[name], look))
            top = up + LINE * (len(lines) - 1) / 2
            drawn += [text(point(across, top - LINE * k), line, k == 0) for k, (line, _) in enumerate(lines)]
    words = [f"{name}: {module}{reads and f' of {reads}'}" for name, module, reads in rows(wiring)[1:]]
    wide, high = INCH * width, INCH * height
    return (f'<div style="overflow-x: auto" tabindex="0"><svg width="{wide:.0f}" height="{high:.0f}" viewBox="0 0 {wide:.1f} '
            f'{high:.1f}" role="img" fill="none" stroke="currentColor"><title>{escape("; ".join(words))}</title>'
            f'{"".join(drawn)}</svg></div>')


def frame(corner: str, box: Box, look: str) -> str:
    x, y = corner.split()
    return f'<rect x="{x}" y="{y}" width="{INCH * box.width:.1f}" height="{INCH * box.height:.1f}" rx="8"{look}/>'


def text(at: str, line: str, bold: bool) -> str:
    x, y = at.split()
    weight = ' font-weight="bold"' if bold else ""
    return (f'<text x="{x}" y="{y}" dy=".35em" text-anchor="middle" font-size="12" font-family="sans-serif" '
            f'fill="currentColor" stroke="none"{weight}>{escape(line)}</text>')
