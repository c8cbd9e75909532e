"""The notebooks as pages: the stored ones, with their outputs, and with links to download them and to run them."""

import re

import nbformat

from .cards import card, contents, grid


def write(folder, target, lite):
    """Write the pages of the notebooks, and their index."""
    target.mkdir()
    cards, names = [], []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        title, question = heading(path, notebook)
        silent = [cell.id for cell in notebook.cells if "alt" not in cell.metadata.get("mystnb", {}).get("image", {})
                  and any("image/png" in output.get("data", {}) for output in cell.get("outputs", ()))]
        if silent:
            raise SystemExit(f"{path.name}: the metadata of {silent[0]} must have its figure's text, mystnb.image.alt")
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(links(path.name, lite)))
        nbformat.write(notebook, target / path.name)
        cards.append(card(title, path.stem, question))
        names.append(path.stem)
    index = f"{INDEX.format(how=HOW[lite])}\n{grid(cards, '1 1 2 2')}\n{contents(names)}"
    (target / "index.md").write_text(index, encoding="utf-8")


INDEX = """\
# Notebooks

Each notebook teaches one idea of the [lecture](../lecture.md), with questions, figures, and exercises that check your answers.
Read them here, or run them: {how}
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
