"""What the papers' experiments learn from, by names that a worker on another machine understands."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import datasets
from ...arguments import Array
from ...errors import ArgumentError
from .loop import Drawn, Generated, Stream, scaled
from .networks import spread

GENERATED: dict[str, dict[str, Any]] = {"shapeset": {}, "easy-shapeset": dict(datasets.EASY_SHAPESET)}
HELD_OUT = 2000                                                     # generated images that errors are measured on
SHARE = 6                                                           # of files, the last 1/6 of the training part validates


class Source(NamedTuple):
    """Data, flat: a training part, or none where batches are generated, and examples for validation and for testing.

    Where there is no part for validation, it is None. Pixels of files stay bytes: ``scaled`` makes numbers of them.
    """

    name: str
    train: tuple[Array, Array] | None
    validation: tuple[Array, Array] | None
    test: tuple[Array, Array]
    features: int
    classes: int

    def stream(self, batch_size: int, seed: int) -> Stream:
        """Batches for training, drawn from ``seed``."""
        if self.train is None:
            return Generated(partial(shapes, self.name), batch_size, seed)
        return Drawn(*self.train, batch_size, seed)

    def some(self, count: int) -> Array:
        """Examples of the training part, for a start that looks at them."""
        if self.train is None:
            return shapes(self.name, count, np.random.default_rng([2**32, 2]))[0]
        return scaled(spread(self.train[0], count))

    def part(self, of: str = "test") -> tuple[Array, Array]:
        """Examples as numbers, and their classes; of ``"test"`` or ``"validation"``."""
        x, y = self.test if of == "test" or self.validation is None else self.validation
        return scaled(x), y


@lru_cache(maxsize=8)
def digest(name: str) -> str | None:
    """A hash of the files that a name stands for; None for what the library itself brings. It belongs into a trial's
    settings, so that runs on other data under the same name are other runs."""
    if name == "digits" or name in GENERATED:
        return None
    from hashlib import sha256
    found = sha256()
    for path in datasets.idx.files(name):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


@lru_cache(maxsize=4)
def source(name: str) -> Source:
    """``digits`` (1297 for training, 500 for testing), ``shapeset`` or ``easy-shapeset``, generated without end, or a folder.

    A folder is in MNIST's format; of its training part the last sixth validates (10,000 of MNIST's 60,000 examples). Its
    pixels stay in the files.
    """
    if name == "digits":
        train, test = datasets.split(*datasets.digits(), 500, rng=0)
        return Source(name, train, None, test, 64, 10)
    if name in GENERATED:
        parts = [shapes(name, HELD_OUT, np.random.default_rng([2**32, k])) for k in range(2)]
        return Source(name, None, parts[0], parts[1], parts[0][0].shape[1], 3 if name.startswith("easy") else 9)
    if not Path(name).is_dir():
        raise ArgumentError(f"data must be digits, {', '.join(GENERATED)}, or a folder in MNIST's format, got {name!r}")
    (x, y), test = datasets.idx.mnist_bytes(name)
    kept = len(y) - len(y) // SHARE
    return Source(name, (x[:kept], y[:kept]), (x[kept:], y[kept:]), test, x.shape[1], int(y.max()) + 1)


def shapes(name: str, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Images as rows."""
    x, y = datasets.shapeset(count, **GENERATED[name], rng=rng)
    return x.reshape(count, -1), y
