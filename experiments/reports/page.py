"""A report as one self-contained HTML page, with text, tables and embedded figures."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ... import files
from ...arguments import Array
from .style import STYLE

PHONE = 335                                                         # pixels of CSS of a figure on a small phone
TERM = re.compile(r"\S*\([^()]{1,24}\)|[\d.]+ %")                      # such as N(0, 1) or 5 %, which a line must not divide


class Page:
    """A page that shows its parts in the order in which they are added; all text is escaped.

    Remarks stand above the title: what a reader must know before any result. On a narrow screen the rows of a table become
    cards, the panels of a figure stand below one another, and a single wide image keeps legible text, scrolls, and
    says that it does.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.parts = ["<h1>" + TERM.sub(r"<span>\g<0></span>", escape(title)) + "</h1>"]
        self.remarks: list[str] = []
        self.notes: list[str] = []

    def remark(self, text: str) -> None:
        """Add a warning above the title."""
        self.remarks.append(text)

    def note(self, text: str) -> None:
        """Add a sentence above the title, below the warnings, that is none."""
        self.notes.append(text)

    def heading(self, text: str) -> None:
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        self.parts.append(f"<p>{escape(text)}</p>")

    def points(self, items: Sequence[str]) -> None:
        self.parts.append(listed(map(escape, items)))

    def code(self, text: str) -> None:
        self.parts.append(f"<pre>{escape(text)}</pre>")

    def table(self, rows: Sequence[Sequence[str]], sentences: bool = False) -> None:
        """Add a table; its first row is the header, and the first cell of each other row names the row.

        With ``sentences``, long cells wrap, and the second column is a verdict.
        """
        head = "".join(f"<th scope='col' role='columnheader'>{escape(cell)}</th>" for cell in rows[0])
        body = "".join(f"<tr role='row'>{row_cells(rows[0], row)}</tr>" for row in rows[1:])
        kind = " class='sentences'" if sentences else ""
        self.parts.append(f"<div class='wide'><table role='table'{kind}>"
                          f"<thead role='rowgroup'><tr role='row'>{head}</tr></thead><tbody role='rowgroup'>{body}</tbody>"
                          "</table></div>")

    def figure(self, images: Path | Mapping[Path, str], caption: str, beside: str | None = None, *,
               finding: str | None = None, alt: str | None = None) -> None:
        """Add a figure with a caption, and links to those of its files that were also written as SVG.

        Parameters
        ----------
        images : path of a PNG, or mapping of such to what each shows
            Panels stand side by side where there is room. What a panel shows is its alternative text; that of a single image
            is the finding, or else the caption.
        caption : str
            How to read the figure.
        beside : str, optional
            A text at the left, such as a description of the paper's figure.
        finding : str, optional
            What the figure shows, a sentence before the caption.
        alt : str, optional
            The alternative text of a single image, if it is not the finding: the title of the page may say that already.
        """
        panels = {images: alt or finding or caption} if isinstance(images, Path) else images
        drawn = "".join(image(png, says) for png, says in panels.items())
        lead = f"<strong>{escape(finding)}</strong> " if finding else ""
        files = [png.with_suffix(".svg").name for png in panels if png.with_suffix(".svg").exists()]
        links = f" <span class='files'>{', '.join(anchor(name, name) for name in files)}</span>" if files else ""
        kind = "panels" if not isinstance(images, Path) else "image wider" if legible_width(images) > PHONE else "image"
        start = "<figure>" if beside is None else f"<figure class='beside'><blockquote>{escape(beside)}</blockquote>"
        self.parts.append(f"{start}<div><div class='{kind}'>{drawn}</div>"
                          f"<figcaption>{lead}{escape(caption)}{links}</figcaption></div></figure>")

    def link(self, text: str, address: str) -> None:
        self.parts.append(f"<p>{anchor(text, address)}</p>")

    def links(self, texts: Mapping[str, str]) -> None:
        """Add a list of links, from address to text."""
        self.parts.append(listed(anchor(text, address) for address, text in texts.items()))

    def write(self, path: Path) -> None:
        above = [f"<aside class='{kind}'>{''.join(f'<p>{escape(text)}</p>' for text in texts)}</aside>"
                 for kind, texts in (("remarks", self.remarks), ("notes", self.notes)) if texts]
        body = "\n".join(above + self.parts)
        files.write(path, f"<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
                          "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
                          "<meta name='color-scheme' content='light dark'>\n"
                          f"<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n")


def row_cells(header: Sequence[str], row: Sequence[str]) -> str:
    """A row of a table: the name of the row, then cells that know their column, whose name a card repeats."""
    name, *cells = row
    return f"<th scope='row' role='rowheader'>{escape(name)}</th>" + "".join(
        f"<td role='cell' data-label='{escape(label, quote=True)}'>{escape(cell)}</td>"
        for label, cell in zip(header[1:], cells, strict=True))


def image(png: Path, says: str) -> str:
    """An embedded PNG with its size, so that nothing moves while the page loads."""
    content = png.read_bytes()
    width, height = (int.from_bytes(content[at:at + 4], "big") for at in (16, 20))
    return (f"<img alt='{escape(says, quote=True)}' width='{width}' height='{height}' "
            f"style='--legible: {legible_width(png)}px' src='data:image/png;base64,{base64.b64encode(content).decode()}'>")


def legible_width(png: Path) -> int:
    """The width below which the text of an image is too small to read, in the pixels of CSS."""
    return int.from_bytes(png.read_bytes()[16:20], "big") // 2


def anchor(text: str, address: str) -> str:
    return f"<a href='{escape(address, quote=True)}'>{escape(text)}</a>"


def listed(items: Any) -> str:
    """A list of HTML."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


class Figures:
    """Saves figures as files in the folder of a page, and adds them to the page."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.names: list[str] = []                                  # of the files, in their order

    def add(self, figure: Any, name: str, caption: str, beside: str | None = None, *, finding: str | None = None,
            alt: str | None = None) -> None:
        from ... import plots
        from ...plots.canvas import close, whole_figure
        png, svg = plots.save(figure, self.folder, name)
        self.names += [png.name, svg.name]
        close(whole_figure(figure))
        self.page.figure(png, caption, beside, finding=finding, alt=alt)

    def image(self, image: Array, name: str, caption: str, *, alt: str | None = None) -> None:
        from ... import plots
        self.names.append(f"{name}.png")
        self.page.figure(plots.write_image(image, self.folder / f"{name}.png"), caption, alt=alt)
