"""Execute the Python of the pages, and show below each block what it printed and drew.

The blocks of a page share their names, as the cells of a notebook do; each page runs in a folder of its own. A block that
fails stops the build. Where a ``text`` block follows, it is what the block must print.
"""

import contextlib
import io
import os
import re
import tempfile
import traceback
from pathlib import Path

from sphinx.errors import SphinxError

PARTS = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<text>.*?)^```\n)?", re.DOTALL | re.MULTILINE)
DPI = 110


class Failed(SphinxError):
    category = "A block of Python failed"


def execute(app, page, source):
    """Sphinx's event: replace the text of a page by the text with outputs."""
    path = Path(app.env.doc2path(page))
    if path.suffix == ".md" and "```python\n" in source[0]:
        source[0] = with_outputs(source[0], page, path.parent)


def with_outputs(text, page, folder):
    """Return the Markdown with the outputs of its Python blocks; figures become files in ``folder``."""
    names, parts, end = {"__name__": "__main__"}, [], 0
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        for number, found in enumerate(PARTS.finditer(text)):
            printed, figures = run(found["code"], names, f"{page}, block {number + 1}")
            if found["text"] is not None and found["text"] != printed:
                raise Failed(f"{page}, block {number + 1}: must print\n{found['text']}printed\n{printed}")
            shown = f"\n```{{code-block}} text\n:class: output\n\n{printed}```\n" if printed else ""
            for k, figure in enumerate(figures):
                name = f"{page.rsplit('/')[-1]}-{number + 1}{f'-{k + 1}' if k else ''}.png"
                figure.savefig(folder / name, dpi=DPI)
                shown += f"\n```{{image}} {name}\n:alt: {described(figure)}\n:class: drawn\n```\n"
            parts += [text[end:found.start()], f"```python\n{found['code']}```\n", shown]
            end = found.end()
        return thumbnails("".join([*parts, text[end:]]))


def thumbnails(text):
    """Put links to all figures of a page where it has ``<!-- thumbnails -->``."""
    links = "".join(f'<a href="#{name.replace("_", "-")}"><img src="_images/{png}" alt="" loading="lazy">{name}</a>'
                    for name, png in re.findall(r"^### (\w+)\n(?:(?!^#).*\n)*?```\{image\} (\S+)", text, re.MULTILINE))
    return text.replace("<!-- thumbnails -->", f'<nav class="thumbnails" aria-label="All figures">{links}</nav>')


def run(code, names, where):
    """Execute a block; return what it printed, and the figures that it left open."""
    from matplotlib import pyplot
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            exec(compile("\n" + code, where, "exec"), names)
    except Exception:
        raise Failed(f"{where}\n{code}\n{traceback.format_exc()}") from None
    figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    for figure in figures:
        pyplot.close(figure)
    return printed.getvalue(), figures


def described(figure):
    """The alternative text of a figure: its titles, or else the names of its axes."""
    titles = [figure.get_suptitle(), *(ax.get_title() for ax in figure.axes)]
    labels = [f"{ax.get_ylabel()} by {ax.get_xlabel()}" for ax in figure.axes if ax.get_ylabel() and ax.get_xlabel()]
    found = [one for one in titles if one] or labels or ["figure"]
    return " ".join("; ".join(dict.fromkeys(found)).split())


def setup(app):
    os.environ.setdefault("MPLBACKEND", "Agg")
    app.connect("source-read", execute)
    return {"parallel_read_safe": False}
