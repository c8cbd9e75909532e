"""Build the documentation site: ``python -m docs``, then open ``site/index.html``.

Needs the extra ``docs``. Every ``python`` block of the pages is executed; a warning is an error. The notebooks are the stored
ones, with their outputs. Nothing is kept from an earlier build.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .builder.building import build, check
from .builder.sources import ROOT, prepare


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs", description="Build the documentation site.")
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="folder, which is replaced (default: site)")
    parser.add_argument("--papers", type=Path, metavar="FOLDER",
                        help="what `retroprop reproduce all` wrote, such as results/reproduce/small: numbers and figures")
    parser.add_argument("--pyodide", metavar="URL or FOLDER", help="the Pyodide of the page in the browser; "
                        "by default the one that the page loads from its public place")
    parser.add_argument("--lite", action="store_true", help="add JupyterLite, in which the notebooks run in the browser")
    options = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="retroprop-docs-") as folder:
        source = Path(folder) / "source"
        prepare(source, papers=options.papers, lite=options.lite)
        build(source, options.out, pyodide=options.pyodide, lite=options.lite)
    check(options.out)
    print(f"{options.out}: {len(list(options.out.rglob('*.html')))} pages in {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
