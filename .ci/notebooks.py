"""Execute the notebooks of a folder; fail on an error, on more than a minute of computing, on stored figures that are
missing, or on a solution that its own exercise does not accept.

    python .ci/notebooks.py notebooks [--store]         # --store first writes the new outputs into the files
    python .ci/notebooks.py notebooks 03 07 --store     # only those whose names begin so
"""

import copy
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SOLUTION = re.compile(r"<summary>Exercise (\d+)</summary>\s*```python\n(.*?)```", re.DOTALL)
MIME_OF_WIDGETS = "application/vnd.jupyter.widget-view+json"
CLOCK = "import os; print(sum(os.times()[:4]))"                      # of the kernel and its workers, whatever else runs


def figures(notebook):
    return sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ()))


def attempts(notebook):
    """Return the cells of the exercises, with the solutions at the notebook's end in place of the answers ``name = None``."""
    solutions = dict(SOLUTION.findall(notebook.cells[-1].source))
    cells = []
    for cell in notebook.cells:
        number = re.search(r'"Exercise (\d+): no answer yet"', cell.source) if cell.cell_type == "code" else None
        if number:
            source = re.sub(r"\A.+ = None.*\n", lambda _, code=solutions[number[1]]: code, cell.source)
            cells.append(nbformat.v4.new_code_cell(source, id=f"solution-{number[1]}"))
    return cells


def tidied(cell):
    """Return the cell as it is stored: widgets are left out, and what was printed is one output, however it arrived."""
    outputs = []
    for output in cell.get("outputs", ()):
        if MIME_OF_WIDGETS in output.get("data", {}):
            continue
        if output.output_type == "stream" and outputs and outputs[-1].get("name") == output.name:
            outputs[-1].text += output.text
        else:
            outputs.append(output)
    if cell.cell_type == "code":
        cell.outputs = outputs
    return cell


folder, *chosen = sys.argv[1:]
store = "--store" in chosen
chosen = tuple(name for name in chosen if name != "--store")
for path in sorted(path for path in Path(folder).glob("*.ipynb") if path.name.startswith(chosen or "")):
    notebook = nbformat.read(path, as_version=4)
    executed, tried, clock = copy.deepcopy(notebook), attempts(notebook), nbformat.v4.new_code_cell(CLOCK)
    executed.cells += [clock, *tried]
    NotebookClient(executed, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}},
                   record_timing=False).execute()
    seconds = float(clock.outputs[0].text)
    for cell in tried:
        verdict = "".join(output.get("text", "") for output in cell.outputs)
        if "right" not in verdict or "not yet" in verdict:
            sys.exit(f"{path.name}: {cell.id} is not accepted by its exercise: {verdict}")
    notebook.cells = list(map(tidied, executed.cells[:len(notebook.cells)]))
    if store:
        nbformat.write(notebook, path)
    drawn, stored = figures(notebook), figures(nbformat.read(path, as_version=4))
    print(f"{path.name}: {seconds:.0f} s, {drawn} figures, {len(tried)} solutions accepted", flush=True)
    if seconds > 60 or stored != drawn:
        sys.exit(f"{path.name}: must take under a minute (took {seconds:.0f} s) and be stored with its {drawn} figures "
                 f"(has {stored})")
