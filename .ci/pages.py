"""Build the stored notebooks of a folder as HTML pages, and an index of them: ``python .ci/pages.py notebooks pages``.

Building and reading the pages needs no network: they contain the figures, and formulas are MathML, which browsers display
without scripts. A missing figure or title, or a formula that cannot be translated, is an error.
"""

import re
import sys
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from jinja2 import pass_context
from math_core import LatexError, LatexToMathML
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TEMPLATE = """
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}<style>
main { max-width: 76rem; margin: 0 auto; }
.jp-RenderedMarkdown { max-width: 58rem; }
.jp-InputArea-editor { overflow-x: auto; }
.jp-RenderedHTMLCommon img { max-width: 100%; height: auto; }
math { font-size: 1.12em; }
math[display="block"] { margin: 1em 0; }
</style>{%- endblock -%}
"""
ELSEWHERE = re.compile(r"""(?:<(?:script|img|iframe|link)\b[^>]*(?:src|href)=["']?|@import\s+["']?|url\(["']?)(?:https?:)?//""")


class Renderer(IPythonRenderer):
    """Renderer of the notebooks' Markdown, with formulas as MathML."""

    def inline_math(self, body):
        return formula(body, display=False)

    def block_math(self, body):
        return formula(body, display=True)

    def block_html(self, html):
        return re.sub(r"\$([^$]+)\$", lambda found: formula(found[1], display=False), super().block_html(html))

    def latex_environment(self, name, body):
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)


class Exporter(HTMLExporter):
    """Exporter of pages that load nothing."""

    def __init__(self):
        super().__init__(raw_template=TEMPLATE)

    @pass_context
    def markdown2html(self, context, source):
        return MarkdownWithMath(renderer=Renderer(escape=False)).render(source)


def formula(body, display):
    """Return a TeX formula as MathML."""
    try:
        return LatexToMathML(fancy_error=False).convert_with_local_state(body, displaystyle=display)
    except LatexError as error:
        raise SystemExit(f"a formula cannot be translated, {error}: {body}") from None


def heading(path, notebook):
    """Return the title and the question in the first cell."""
    text = notebook.cells[0].source
    title = re.match(r"# (.+)", text)
    question = re.search(r"^\*\*Question\.\*\*\s+(.+?)\s*(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if not title or not question:
        raise SystemExit(f"{path.name}: the first cell must have a title (# ...) and a question (**Question.** ...)")
    return title[1].strip(), question[1]


def page(name, title, cells, figures=()):
    """Return the cells as HTML; exit with an error unless all figures and formulas are in it and it loads nothing."""
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"title": title, "language_info": {"name": "python"}})
    soup = BeautifulSoup(Exporter().from_notebook_node(notebook)[0], "html.parser")
    images = soup.select('.jp-OutputArea-output img[src^="data:image/png"]')
    if len(images) != len(figures):
        raise SystemExit(f"{name}: must show its {len(figures)} figures, shows {len(images)}")
    for image, text in zip(images, figures, strict=True):
        image["alt"] = text
    for link in soup.select('a[href$=".ipynb"]'):
        link["href"] = link["href"].removesuffix(".ipynb") + ".html"
    html = str(soup)
    elsewhere = ELSEWHERE.search(html)
    if elsewhere:
        raise SystemExit(f"{name}: must load nothing from elsewhere, found {elsewhere[0]!r}")
    for part in soup.select("pre, code, style, script, math"):
        part.decompose()
    left = re.search(r"\$[^$]+\$", soup.get_text())
    if left:
        raise SystemExit(f"{name}: a formula was not translated: {left[0]!r}")
    return html


def descriptions(name, notebook):
    """Return the alternative text of each figure, which the metadata of its cell have in myst-nb's form."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                texts.append(cell.metadata.get("mystnb", {}).get("image", {}).get("alt"))
                if not texts[-1]:
                    raise SystemExit(f"{name}: the metadata of {cell.id} must have the figure's text, mystnb.image.alt")
    return texts


def build(source, target):
    """Write a page for each notebook, and an index."""
    target.mkdir(parents=True, exist_ok=True)
    index = ["# Notebooks of retroprop"]
    back = nbformat.v4.new_markdown_cell("[All notebooks](index.html)")
    for path in sorted(source.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        title, question = heading(path, notebook)
        texts = descriptions(path.name, notebook)
        html = page(path.name, title, [back, *notebook.cells], texts)
        (target / f"{path.stem}.html").write_text(html, encoding="utf-8")
        index.append(f"### [{title}]({path.stem}.html)\n\n{question}")
        print(f"{path.stem}.html: {len(texts)} figures, {html.count('<math')} formulas")
    html = page("index.html", "Notebooks of retroprop", [nbformat.v4.new_markdown_cell("\n\n".join(index))])
    (target / "index.html").write_text(html, encoding="utf-8")


build(Path(sys.argv[1]), Path(sys.argv[2]))
