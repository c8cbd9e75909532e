"""Build the documentation site: ``python -m docs``, then open ``site/index.html``.

Needs the extra ``docs``. Every ``python`` block of the pages is executed; a warning is an error. The notebooks are the stored
ones, with their outputs. The site replaces an earlier one as a whole, once it is complete; no other folder is replaced.
"""

import argparse
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from .builder.place import check_place, replace

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs", description="Build the documentation site.")
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="folder, new or with an earlier site (default: site)")
    parser.add_argument("--papers", type=Path, metavar="FOLDER",
                        help="what `retroprop reproduce all` wrote, such as results/reproduce/small: numbers and figures")
    parser.add_argument("--pyodide", metavar="URL or FOLDER", help="the Pyodide of the page in the browser; "
                        "by default the one that the page loads from its public place")
    parser.add_argument("--lite", action="store_true", help="add JupyterLite, in which the notebooks run in the browser")
    options = parser.parse_args()
    check_place(options.out)
    try:
        from .builder.building import build
        from .builder.sources import prepare
        if options.lite:
            for name in ("jupyterlite_core", "jupyterlite_pyodide_kernel", "jupyter_server", "comm"):
                import_module(name)
    except ModuleNotFoundError as error:
        extras = "docs,lite" if options.lite else "docs"
        sys.exit(f'python -m docs needs {(error.name or "").partition(".")[0]}: pip install ".[{extras}]"')
    from retroprop.browser.writing import found_pyodide
    from retroprop.errors import ArgumentError

    from . import lite
    try:
        found_pyodide(options.pyodide)
        if options.lite:
            lite.check_pyodide(options.pyodide)
    except ArgumentError as error:
        sys.exit(f"--{error}")
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="retroprop-docs-") as folder:
        source = Path(folder) / "source"
        prepare(source, papers=options.papers, lite=options.lite)
        replace(options.out, build(source, pyodide=options.pyodide, lite=options.lite))
    print(f"{options.out}: {len(list(options.out.rglob('*.html')))} pages in {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
