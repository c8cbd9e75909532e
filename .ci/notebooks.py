"""Execute the notebooks of a folder; fail on an error, on more than a minute, or on stored figures that are missing.

    python .ci/notebooks.py notebooks [--store]         # --store first writes the new outputs into the files
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def figures(notebook):
    return sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ()))


for path in sorted(Path(sys.argv[1]).glob("*.ipynb")):
    notebook = nbformat.read(path, as_version=4)
    begin = time.perf_counter()
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": path.parent}},
                   record_timing=False).execute()
    seconds = time.perf_counter() - begin
    if sys.argv[2:] == ["--store"]:
        nbformat.write(notebook, path)
    drawn, stored = figures(notebook), figures(nbformat.read(path, as_version=4))
    print(f"{path.name}: {seconds:.0f} s, {drawn} figures")
    if seconds > 60 or stored != drawn:
        sys.exit(f"{path.name}: must take under a minute (took {seconds:.0f} s) and be stored with its {drawn} figures "
                 f"(has {stored})")
