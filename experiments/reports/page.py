"""A report as one self-contained HTML page, with text, tables and embedded figures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from ... import files
from ...arguments import Array

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, sans-serif; color: #1c1c28; background: #fff; max-width: 62rem; margin: 2.5rem auto;
       padding: 0 1.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin-bottom: .3rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; }
p, li { max-width: 46rem; }
figure { margin: 1.4rem 0; }
figure img { max-width: 100%; height: auto; }
figure.beside { display: grid; grid-template-columns: minmax(9rem, 1fr) 3.2fr; gap: 1.4rem; }
blockquote { margin: 0; padding: .1rem 0 .1rem .9rem; border-left: 3px solid #bbb; color: #444; font-size: .92rem;
             align-self: start; }
figcaption { color: #555; font-size: .92rem; max-width: 46rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .93rem; font-variant-numeric: tabular-nums; }
th { text-align: left; border-bottom: 2px solid #1c1c28; padding: .35rem .75rem .35rem 0; white-space: nowrap; }
td { border-bottom: 1px solid #ddd; padding: .35rem .75rem .35rem 0; white-space: nowrap; vertical-align: top; }
td:last-child, th:last-child { padding-right: 0; }
td:first-child { font-weight: 600; white-space: normal; }
.sentences td, .sentences th { white-space: normal; font-weight: normal; }
.sentences td:first-child { width: 36%; }
.sentences td:last-child { font-weight: 600; }
pre { background: #f4f4f7; padding: .8rem 1rem; overflow-x: auto; font-size: .88rem; }
"""


class Page:
    """A page that shows its parts in the order in which they are added; all text is escaped."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.parts = [f"<h1>{escape(title)}</h1>"]

    def heading(self, text: str) -> None:
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        self.parts.append(f"<p>{escape(text)}</p>")

    def points(self, items: Sequence[str]) -> None:
        self.parts.append("<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>")

    def code(self, text: str) -> None:
        self.parts.append(f"<pre>{escape(text)}</pre>")

    def table(self, rows: Sequence[Sequence[str]], sentences: bool = False) -> None:
        """Add a table; its first row is the header. With ``sentences``, long cells wrap, and the last column is a verdict."""
        head = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in rows[0])
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
        kind = " class='sentences'" if sentences else ""
        self.parts.append(f"<div class='wide'><table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")

    def figure(self, png: Path, caption: str, beside: str | None = None) -> None:
        """Add a figure with a caption; the text ``beside`` stands at its left, such as a description of the paper's figure."""
        data = base64.b64encode(png.read_bytes()).decode()
        start = "<figure>" if beside is None else f"<figure class='beside'><blockquote>{escape(beside)}</blockquote>"
        self.parts.append(f"{start}<div><img alt='{escape(caption, quote=True)}' src='data:image/png;base64,{data}'>"
                          f"<figcaption>{escape(caption)}</figcaption></div></figure>")

    def link(self, text: str, address: str) -> None:
        self.parts.append(f"<p><a href='{escape(address, quote=True)}'>{escape(text)}</a></p>")

    def write(self, path: Path) -> None:
        body = "\n".join(self.parts)
        files.write(path, f"<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
                          "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
                          f"<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n")


class Figures:
    """Saves figures as files in the folder of a page, and adds them to the page."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder

    def add(self, figure: Any, name: str, caption: str, beside: str | None = None) -> None:
        import matplotlib.pyplot as plt

        from ... import plots
        from ...plots.canvas import whole_figure
        png, _ = plots.save(figure, self.folder, name)
        plt.close(whole_figure(figure))
        self.page.figure(png, caption, beside)

    def image(self, image: Array, name: str, caption: str) -> None:
        from ... import plots
        self.page.figure(plots.write_image(image, self.folder / f"{name}.png"), caption)
