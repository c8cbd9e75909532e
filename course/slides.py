"""The slides: one HTML page that needs no network, with figures taken from the stored notebooks.

A slide names a figure by the title that stands in the code which draws it: ``![](figure "One factor per layer")``.
"""

from __future__ import annotations

import re
from base64 import b64decode
from html import escape
from pathlib import Path
from typing import NamedTuple

from ..errors import ArgumentError, FileFormatError
from ..interop.extras import needs
from .source import TEXTS, stored_cells

FIGURE = re.compile(r'^!\[(.*?)\]\(figure "(.+?)"\)$', re.MULTILINE)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)


class Figure(NamedTuple):
    """A stored figure: PNG as base64, the code that draws it, its alternative text, and its notebook."""

    png: str
    code: str
    alt: str
    notebook: str


def figures(folder: Path) -> list[Figure]:
    """Return all figures that are stored in the notebooks of a folder."""
    found, paths = [], sorted(folder.glob("*.ipynb"))
    if not paths:
        raise ArgumentError(f"notebooks must be a folder with notebooks (.ipynb), found none in {folder}")
    for path in paths:
        for cell in stored_cells(path):
            alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
            found += [Figure("".join(output["data"]["image/png"]).replace("\n", ""), cell["source"], alt, path.name)
                      for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
    return found


def titled(title: str, among: list[Figure]) -> Figure:
    """Return the figure whose code holds a title; FileFormatError unless there is exactly one."""
    found = [figure for figure in among if title in figure.code]
    if len(found) != 1:
        names = ", ".join(figure.notebook for figure in found) or "none"
        raise FileFormatError(f"a slide shows the figure with the title {title!r}: one stored figure of the notebooks must "
                              f"have it, found {names}")
    return found[0]


def slides(notebooks: Path) -> str:
    """Return the page of the slides, with the figures of a folder of notebooks.

    Raises
    ------
    ArgumentError
        The folder has no notebooks.
    FileFormatError
        A figure that a slide shows is not in them, or twice.
    """
    with needs("course", "the slides"):
        from markdown_it import MarkdownIt
        from math_core import LatexToMathML
    markdown, mathematics = MarkdownIt("commonmark", {"html": True}).enable("table"), LatexToMathML(fancy_error=False)
    among = figures(notebooks)

    def figure(match: re.Match[str]) -> str:
        shown = titled(match[2], among)
        width, height = size(shown.png)
        alt = escape(match[1] or shown.alt or match[2])
        return (f'<figure tabindex="0"><img alt="{alt}" width="{width}" height="{height}" '
                f'src="data:image/png;base64,{shown.png}"></figure>')

    def formula(match: re.Match[str]) -> str:
        """Return TeX as MathML, which browsers show without scripts."""
        return str(mathematics.convert_with_local_state(match[1] or match[2], displaystyle=match[1] is not None))

    text = (TEXTS / "slides.md").read_text(encoding="utf-8")
    written = [markdown.render(FIGURE.sub(figure, FORMULA.sub(formula, slide))) for slide in text.split("\n---\n")]
    count = len(written)
    sections = "\n".join(f'<section id="{k}" aria-label="Slide {k} of {count}">\n{slide}<footer>{k} / {count}</footer>'
                         "\n</section>" for k, slide in enumerate(written, 1))
    page = (TEXTS / "slides.html").read_text(encoding="utf-8")
    return page.replace("<!-- slides -->", sections)


def size(png: str) -> tuple[int, int]:
    """Return width and height of a PNG given as base64."""
    head = b64decode(png[:64])
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
