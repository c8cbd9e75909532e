"""Run Sphinx, put the parts beside it that are no pages of Sphinx, and look whether the site is whole."""

import re
import shutil
import sys
from importlib.metadata import distribution

from sphinx.application import Sphinx

from . import api, parts
from .settings import SETTINGS

# Something that a page would load from another place while it is shown. Links that a reader follows are none.
ELSEWHERE = re.compile(
    r"""(?:<(?:script|img|iframe)\b[^>]*\bsrc=|<link\b[^>]*\brel=["']?(?:stylesheet|preload|icon)["']?[^>]*\bhref=|"""
    r"""@import\s*|url\()["']?(?:https?:)?//[^"')\s]*""")
# MathJax of the npm package, drawing with curves; the whole of it in one file.
MATHJAX = distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline/static/mathjax/tex-svg-full.js")


def build(source, pyodide=None, lite=False):
    """Write the site of the prepared sources beside them; return its folder."""
    shutil.copy(str(MATHJAX), source / "static" / "tex-svg.js")
    work = source.parent                                            # myst-nb writes beside the folder of the pages, too
    out = work / "site"
    settings = SETTINGS | {"autosummary_filename_map": api.file_names(),
                           "html_search_scorer": str(source / "static" / "scorer.js")}          # sought where Sphinx is called
    app = Sphinx(source, None, out, work / "doctrees", "html", confoverrides=settings, status=None,
                 warning=sys.stderr, freshenv=True, warningiserror=True)
    app.build(force_all=True)
    if app.statuscode:
        sys.exit("python -m docs: the warnings above are errors")
    for unneeded in (".buildinfo", "objects.inv", "_static/webpack-macros.html"):
        (out / unneeded).unlink(missing_ok=True)
    (out / ".nojekyll").touch()                                     # GitHub Pages leaves out folders with _ otherwise
    make_accessible(out)
    parts.write(out, source, pyodide, lite)
    check(out)
    return out


def make_accessible(out):
    """Name the theme's buttons that open a part of the contents, let keys scroll wide tables, leave empty headers out."""
    for path in out.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        html = html.replace("<summary><span", '<summary aria-label="Pages of this part"><span')
        html = html.replace('<th class="head"><p></p></th>', "<td></td>")
        path.write_text(re.sub(r"<table(?=[ >])", '<table tabindex="0"', html), encoding="utf-8")


def check(out):
    """Exit with an error if a page loads something from elsewhere, or if a formula or a link cannot be shown."""
    wrong, pages = [], {path: path.read_text(encoding="utf-8") for path in sorted(out.rglob("*.html")) if own(path, out)}
    for path, html in pages.items():
        name = path.relative_to(out)
        wrong += [f"{name}: loads {found[0]}" for found in ELSEWHERE.finditer(html)]
        for target in re.findall(r"""<[^<>]*\s(?:href|src)=["'](?![a-z]+:)([^"'#?]+)""", html):
            if not (path.parent / target).exists():
                wrong.append(f"{name}: {target} is not there")
    if wrong:
        sys.exit("\n".join(dict.fromkeys(wrong)))


def own(path, out):
    """Whether a page is one of Sphinx's."""
    return path.relative_to(out).parts[0] not in ("lite", "play") and path.name != "slides.html"
