"""Run every notebook of a folder from top to bottom; any error fails, and so does one that takes over a minute."""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

for path in sorted(Path(sys.argv[1]).glob("*.ipynb")):
    notebook = nbformat.read(path, as_version=4)
    begin = time.perf_counter()
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": path.parent}}).execute()
    seconds = time.perf_counter() - begin
    figures = sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ()))
    stored = sum("image/png" in output.get("data", {}) for cell in nbformat.read(path, as_version=4).cells
                 for output in cell.get("outputs", ()))
    print(f"{path.name}: {seconds:.0f} s, {figures} figures")
    if seconds > 60 or stored != figures:
        sys.exit(f"{path.name}: must take under a minute (took {seconds:.0f} s) and be stored with its {figures} figures "
                 f"(has {stored})")
