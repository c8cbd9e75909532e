"""The report: numbers as JSON, the blocks of the page in Markdown, and figures."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from .losses import losses
from .parts import FIGURES, PARTS

LIBRARIES = ("numpy", "torch", "jax", "equinox", "optax", "tinygrad", "mlx", "scikit-learn")
BLOCK = re.compile(r"(<!-- (?P<name>[a-z -]+) -->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)


def machine() -> dict[str, Any]:
    """Return the date, the processor, the system and the versions of the libraries."""
    import numpy as np

    import retroprop
    versions = {"retroprop": retroprop.__version__}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")]
        cpu = models[0] if models else cpu
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"date": datetime.date.today().isoformat(), "cpu": cpu, "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version(), "blas": f"{blas['name']} {blas['version']}", "versions": versions}


def write(results: dict[str, Any], out: Path, page: Path | None = None, draw: Collection[str] = FIGURES) -> None:
    """Write ``benchmarks.json``, ``blocks.md`` and figures into a folder, and blocks and figures into a page.

    ``draw`` has the parts whose figures are drawn. Those of a page are in the folder ``images`` beside it.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n")
    made = blocks(results)
    (out / "blocks.md").write_text("\n\n".join("\n".join(lines) for lines in made.values()) + "\n", encoding="utf-8")
    if page is not None:
        page.write_text(filled(page.read_text(encoding="utf-8"), made), encoding="utf-8")
    for part in FIGURES:
        if part in draw and results.get(part):
            figure = PARTS[part].figure(results[part])
            figure.savefig(out / f"{part}.png", dpi=150, bbox_inches="tight")
            if page is not None:
                shutil.copy(out / f"{part}.png", page.parent / "images")


def blocks(results: dict[str, Any]) -> dict[str, list[str]]:
    """Return the lines of each block of the page, by name: what the machine is, where retroprop is slower, the tables."""
    found = {"machine": [sentence(results["machine"])], "losses": losses(results)}
    for name, part in PARTS.items():
        if results.get(name):
            found |= part.blocks(results[name])
    return found


def sentence(machine: dict[str, Any]) -> str:
    """Say when and where it was measured."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (f"Measured on {machine['date']} on {machine['cores']} cores of {machine['cpu']}, {machine['system']}, Python "
            f"{machine['python']}, {machine['blas']}, {versions}.")


def filled(page: str, blocks: dict[str, list[str]]) -> str:
    """Return the page with new lines between ``<!-- name -->`` and ``<!-- end -->``; blocks that were not made stay."""
    def new(found: re.Match[str]) -> str:
        lines = blocks.get(found["name"])
        return found[0] if lines is None else found[1] + "\n".join(lines) + found[3]

    return BLOCK.sub(new, page)
