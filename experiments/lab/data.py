"""The data that experiments learn from, by names that a worker on another machine understands."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import datasets
from ...arguments import Array, bincount
from ...datasets.classes import Classes
from ...errors import ArgumentError
from .loop import Drawn, Generated, Stream, scaled

DIGITS = ("digits", "validated-digits")
GENERATED: dict[str, dict[str, Any]] = {"shapeset": {}, "easy-shapeset": dict(datasets.EASY_SHAPESET)}
TESTED = 500                                                        # of the 1797 digits
HELD_OUT = 2000                                                     # generated images that errors are measured on
CENTRED = 2000                                                      # generated images that are averaged
SHARE = 6                                                           # the last 1/6 of a training part validates


class Prepared(NamedTuple):
    """The batches of a stream, their images changed by a function."""

    stream: Stream
    change: Callable[[Array], Array]

    def batch(self, step: int) -> tuple[Array, Array]:
        x, y = self.stream.batch(step)
        return self.change(x), y


def black_and_white(x: Array) -> Array:
    return (x >= 0.5).astype(np.float32)


def relabelled(y: Array, share: float, classes: int, rng: np.random.Generator) -> Array:
    """A copy of labels, of which so large a share is wrong: any of the other classes."""
    given, changed = y.copy(), rng.permutation(len(y))[:round(share * len(y))]
    given[changed] = (given[changed] + rng.integers(1, classes, len(changed))) % classes
    return given


def spread(x: Array, count: int) -> Array:
    """Some of the examples, taken evenly from their whole order, which may be that of their classes."""
    return x[np.linspace(0, len(x) - 1, min(count, len(x))).astype(int)]


class Source(NamedTuple):
    """Data as rows: a training part (None where batches are generated), a validation part (or None) and a test part.

    Pixels of files stay bytes; ``scaled`` turns them into numbers. Labels are encoded as ``classes`` numbers from 0. With
    ``binary``, images are black and white; ``mean``, where given, is subtracted from all of them: see `centred`.
    ``resampled`` says what the test parts of two seeds share: 0 if each has test examples of its own; the number of test
    examples for each other one if each seed divides the same examples anew, as `estimate` takes it; None if all seeds have
    one test part.
    """

    name: str
    train: tuple[Array, Array] | None
    validation: tuple[Array, Array] | None
    test: tuple[Array, Array]
    features: int
    classes: int
    binary: bool = False
    resampled: float | None = 0.0
    mean: Array | None = None

    def prepared(self, x: Array) -> Array:
        """Images as numbers, in black and white or centred where this source is."""
        x = black_and_white(scaled(x)) if self.binary else scaled(x)
        return x if self.mean is None else x - self.mean

    def centred(self) -> Source:
        """The same, with the mean training image subtracted from all images."""
        return self._replace(mean=self.some(CENTRED if self.train is None else len(self.train[1])).mean(0, dtype=np.float64)
                             .astype(np.float32))

    def stream(self, batch_size: int, seed: int) -> Stream:
        """Batches for training, drawn from ``seed``."""
        drawn: Stream = (Generated(partial(shapes, self.name), batch_size, seed) if self.train is None else
                         Drawn(*self.train, batch_size, seed))
        return Prepared(drawn, self.prepared) if self.binary or self.mean is not None else drawn

    def some(self, count: int) -> Array:
        """Examples of the training part, for an initialization that looks at data."""
        return self.prepared(shapes(self.name, count, np.random.default_rng([2**32, 2]))[0] if self.train is None else
                             spread(self.train[0], count))

    def part(self, of: str = "test") -> tuple[Array, Array]:
        """Examples as numbers, and their classes; of ``"test"`` or ``"validation"``."""
        x, y = self.test if of == "test" or self.validation is None else self.validation
        return self.prepared(x), y

    @property
    def chance(self) -> float:
        """The test error of the best constant answer: what a run that diverged counts as."""
        counts = bincount(self.test[1], minlength=self.classes)
        return float(1 - counts.max() / counts.sum())

    def limited(self, examples: int) -> Source:
        """The same with the first ``examples`` of the training part alone."""
        return self if self.train is None else self._replace(train=(self.train[0][:examples], self.train[1][:examples]))


@lru_cache(maxsize=8)
def digest(name: str) -> str | None:
    """Return a hash of the files that a name stands for; None for data that the library itself brings.

    Put it into a trial's settings, so that runs on different files of the same name get different keys.
    """
    if name in DIGITS or name in GENERATED:
        return None
    from hashlib import sha256
    found = sha256()
    for path in datasets.idx.files(name):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


@lru_cache(maxsize=16)
def source(name: str, seed: int = 0) -> Source:
    """Return the data of a name, for a run of this seed.

    ``digits`` has 1297 examples for training and 500 for testing, another split for each seed; in ``validated-digits`` the
    last sixth of the former validates. ``shapeset`` and ``easy-shapeset`` are generated without end, and so are the images
    that a seed is tested on. Any other name is a folder in MNIST's format, with the same parts for all seeds: the last sixth
    of its training part validates (10,000 of MNIST's 60,000 examples); pixels stay in the files.
    """
    if name in DIGITS:
        train, test = datasets.split(*datasets.digits(), TESTED, rng=seed)
        training, validation = (train, None) if name == "digits" else validated(*train)
        return Source(name, training, validation, test, 64, 10, resampled=TESTED / len(train[1]))
    if name in GENERATED:
        parts = [shapes(name, HELD_OUT, np.random.default_rng([2**32, k, seed])) for k in range(2)]
        return Source(name, None, parts[0], parts[1], parts[0][0].shape[1], 3 if name.startswith("easy") else 9)
    if not Path(name).is_dir():
        raise ArgumentError(f"data must be {', '.join((*DIGITS, *GENERATED))}, or a folder in MNIST's format, got {name!r}")
    (x, y), (x_test, y_test) = datasets.idx.mnist_bytes(name)
    found = Classes.of(y, y_test, name=f"the labels in {name}")
    return Source(name, *validated(x, found.encode(y)), (x_test, found.encode(y_test)), x.shape[1], len(found.names),
                  resampled=None)


def validated(x: Array, y: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Split examples into a part for training and the last sixth, for validation."""
    kept = len(y) - len(y) // SHARE
    return (x[:kept], y[:kept]), (x[kept:], y[kept:])


def shapes(name: str, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Images as rows."""
    x, y = datasets.shapeset(count, **GENERATED[name], rng=rng)
    return x.reshape(count, -1), y
