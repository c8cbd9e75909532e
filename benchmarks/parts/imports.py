"""The milliseconds that the import of a library adds to the start of Python."""

from __future__ import annotations

import statistics
import subprocess
import sys
from functools import partial

from ..peers import STEPS
from ..settings import Settings
from ..tables import Row, rounded, table
from ..turns import in_turns, timed

# Of each library: its package, and the code. retroprop loads its parts when they are used first.
CODE = {
    "NumPy": ("numpy", "import numpy"), "retroprop": ("retroprop", "from retroprop import Sequential, CrossEntropy, SGD, fit"),
    "scikit-learn": ("sklearn", "from sklearn.neural_network import MLPClassifier"), "JAX": ("jax", "import jax"),
    "Equinox": ("equinox", "import equinox, optax"), "PyTorch": ("torch", "import torch"),
    "tinygrad": ("tinygrad", "from tinygrad import Tensor"), "MLX": ("mlx", "import mlx.core")}


def measure(settings: Settings) -> list[Row]:
    chosen = {STEPS[peer].needs for peer in settings.peers}
    code = {name: code for name, (needs, code) in CODE.items() if needs in chosen and not python(code, check=False)}
    runs = {name: timed(partial(python, code.get(name, "pass"))) for name in ("", *code)}
    times = in_turns(runs, 1 if settings.quick else 7)
    rows = [{"import": name, "ms": statistics.median(a - b for a, b in zip(times[name], times[""], strict=True)) / 1000}
            for name in code]
    for row in rows:
        print(f"    import {row['import']}: {row['ms']:.0f} ms")
    return rows


def python(code: str, check: bool = True) -> int:
    """Run code in a new Python process and return its exit code."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=check).returncode


def blocks(rows: list[Row]) -> dict[str, list[str]]:
    return {"imports": table(["import", "milliseconds beyond bare Python"],
                             ([row["import"], rounded(row["ms"])] for row in rows))}
