"""JupyterLite, beside the site: the notebooks run in the browser, where nothing is installed.

The kernel loads this library's own wheel when it starts, so the notebooks need no cell for that.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from retroprop.browser.wheels import KINDS, installed, library, wheel
from retroprop.browser.writing import found_pyodide
from retroprop.errors import ArgumentError

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PACKAGES = ("numpy", "scipy", "matplotlib")                         # of Pyodide, which the notebooks use
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
WORKER = "../../../.."                                              # from the kernel's script to the folder of JupyterLite


def write(folder, pyodide=None, notebooks=NOTEBOOKS):
    """Write JupyterLite with the notebooks into ``folder``; ``lab/index.html?path=NAME.ipynb`` opens one.

    ``pyodide`` is an address, or a folder, which is copied; by default, Pyodide comes from its public place.
    """
    (place, copied), wheels = found_pyodide(pyodide), library()
    address = "./static/pyodide" if copied else place
    options = {"packages": [*PACKAGES, *(f"{WORKER}/wheels/{name}" for name in wheels)]}
    kernel = {"pyodideUrl": f"{address.rstrip('/')}/pyodide.js", "disablePyPIFallback": True, "loadPyodideOptions": options}
    settings = {"appName": "retroprop", "exposeAppInBrowser": True, "litePluginSettings": {KERNEL: kernel}}
    with tempfile.TemporaryDirectory(prefix="retroprop-lite-") as work:
        config = {"jupyter-lite-schema-version": 0, "jupyter-config-data": settings}
        Path(work, "jupyter-lite.json").write_text(json.dumps(config))
        name, content = wheel("comm", installed("comm", KINDS))     # the kernel needs it, and would take it from PyPI
        Path(work, name).write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", work, "--output-dir", Path(folder).resolve(),
             "--contents", notebooks, "--apps", "lab", "--no-sourcemaps", "--piplite-wheels", Path(work, name)],
            cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode or not (folder / "api/contents/all.json").is_file():     # their list, which needs jupyter_server
        sys.exit(f"JupyterLite could not be built:\n{done.stdout}")
    (folder / "wheels").mkdir()
    for name, content in wheels.items():
        (folder / "wheels" / name).write_bytes(content)
    if copied:
        shutil.copytree(pyodide, folder / address)


def check_pyodide(pyodide):
    """ArgumentError if a folder has not all that the notebooks need of Pyodide."""
    if found_pyodide(pyodide)[1]:
        for name in ("pyodide.js", *(f"{package}-*.whl" for package in PACKAGES)):
            if not any(Path(pyodide).glob(name)):
                raise ArgumentError(f"pyodide must be a folder with what the notebooks need, got {str(pyodide)!r}, "
                                    f"which has no {name}")
