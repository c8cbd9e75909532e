"""The page on the conventions of libraries: ``python docs/conventions.py`` makes it from ``conventions.csv``.

A row of the table has a subject, the libraries that do the same, what they do, and how a model that is moved must be changed.
The rows of retroprop say what is done here; ``tests/interop/test_conventions.py`` holds them against the library.
"""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent
TABLE, PAGE = DOCS / "conventions.csv", DOCS / "conventions.md"
OURS = "retroprop"
VERSIONS = {
    "PyTorch": "2.13.0", "Keras": "3.15.1", "JAX": "0.10.2", "Flax": "0.12.8", "Haiku": "0.0.17", "Equinox": "0.13.8",
    "optax": "0.2.8", "scikit-learn": "1.9.1", "Paddle": "3.3.1", "MindSpore": "2.10.0", "MLX": "0.32.4", "tinygrad": "0.14.0",
    "nnabla": "1.39.0", "Chainer": "7.8.1", "MXNet": "1.9.1", "ONNX": "1.23.2", "OpenCV": "4.14", "darknet": "2018-09",
    "ConvNetJS": "0.3.0", "AMORE": "0.2-16", "FANN": "2.2.0",
}


class Row(NamedTuple):
    """What some libraries do, and how a model that comes from them must be changed."""

    subject: str
    libraries: str
    there: str
    move: str


def read() -> list[Row]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [Row(**row) for row in csv.DictReader(file)]


HEAD = """\
# Conventions of libraries, and how a model is moved

The same name does not mean the same numbers: a model that is moved here with its weights alone may predict, or learn,
something else. For each subject this page says what is done here, what is done elsewhere, and what must be changed. The facts
are measured from the running packages, in the [versions](#versions) below.

What does the work:

- `rp.load(net, path, names=...)` reads safetensors files, also of PyTorch, under names of
  their own, and in half precision;
- `rp.interop.from_torch(module)` builds the network that a live PyTorch module is;
- `rp.interop.from_keras(net, source)` gives a network the weights and the BatchNorm of a Keras model;
- `rp.interop.from_scikit_learn(mlp)` and `rp.interop.from_opencv(mlp)` build the networks of `MLPClassifier`, `MLPRegressor`
  and `ANN_MLP`.

`docs/conventions.csv` holds the rows, `docs/conventions.py` makes this page of them.
"""


def page(rows: list[Row]) -> str:
    """The page as Markdown."""
    text = HEAD
    for subject, group in groupby(rows, key=lambda row: row.subject):
        ours, *others = group
        text += f"\n## {subject}\n\nHere: {ours.there}.\n\n| library | there | a model that comes here |\n|---|---|---|\n"
        for row in others:
            cells = (row.libraries, row.there, row.move)
            text += f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
    text += "\n## Versions\n\n| library | version |\n|---|---|\n"
    return text + "".join(f"| {name} | {version} |\n" for name, version in VERSIONS.items())


if __name__ == "__main__":
    PAGE.write_text(page(read()), encoding="utf-8")
