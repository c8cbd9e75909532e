"""The notebooks as pages: the stored ones, with their outputs, and with links to download them and to run them."""

import re

import nbformat

CODE_TITLE = re.compile(r"""title=f?["']([^"']+)["']""")


def write(folder, target, lite):
    """Write the pages of the notebooks, and their index."""
    target.mkdir()
    rows, names = [], []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        title, question = heading(path, notebook)
        for cell in notebook.cells:
            if not described(cell):
                cell.metadata["mystnb"] = {"image": {"alt": alternative(cell)}}
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(links(path.name, lite)))
        nbformat.write(notebook, target / path.name)
        rows.append(f":::{{grid-item-card}} {title}\n:link: {path.stem}\n:link-type: doc\n{question}\n:::\n")
        names.append(path.stem)
    (target / "index.md").write_text(INDEX.format(cards="".join(rows), names="\n".join(names), how=HOW[lite]), encoding="utf-8")


INDEX = """\
# Notebooks

Each notebook teaches one idea of the [lecture](../lecture.md), with questions, figures, and exercises that check your answers.
Read them here, or run them: {how}

::::{{grid}} 1 1 2 2
:gutter: 3

{cards}::::

```{{toctree}}
:hidden:

{names}
```
"""
HOW = {False: "each page has its notebook to download.",
       True: "each page has its notebook to download, and a link that opens it in the browser, where nothing is installed."}


def links(name, lite):
    """The line below the title."""
    line = f'<a class="action" href="{name}" download>Download this notebook</a>'
    if lite:
        line += f' <a class="action" href="../lite/lab/index.html?path={name}">Open in the browser</a>'
    return line


def heading(path, notebook):
    """The title and the question in the first cell."""
    text = notebook.cells[0].source
    title = re.match(r"# (.+)", text)
    question = re.search(r"^\*\*Question\.\*\*\s+(.+?)\s*(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if not title or not question:
        raise SystemExit(f"{path.name}: the first cell must have a title (# ...) and a question (**Question.** ...)")
    return title[1].strip(), " ".join(question[1].split())


def described(cell):
    """Whether the figures of a cell have alternative texts, or there are none."""
    drawn = any("image/png" in output.get("data", {}) for output in cell.get("outputs", ()))
    return "image" in cell.metadata.get("mystnb", {}) or not drawn


def alternative(cell):
    """The titles in the code that draws a figure, or else the functions that draw it."""
    titles = CODE_TITLE.findall(cell.source) or re.findall(r"plots\.(\w+)\(", cell.source)
    return "; ".join(dict.fromkeys(titles)) or "Figure drawn by the code above"
