"""Minibatches of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from numpy.typing import ArrayLike, NDArray

from ..arguments import Seed, generator, positive_int
from ..errors import ArgumentError
from .checks import Inputs, inputs_and_targets

Data = tuple[Any, NDArray[Any]]
Chosen = slice | NDArray[Any]                                       # places of examples


def batches(x: Inputs, y: ArrayLike, *, batch_size: int, rng: Seed = None, shuffle: bool = True,
            drop_last: bool = False, join_single: bool = False) -> Iterator[Data]:
    """Return an iterator that passes once through all examples, ``batch_size`` at a time.

    Parameters
    ----------
    x, y : arrays of equal length
        Examples are on axis 0. For a network of several inputs x is a tuple of arrays, each as long as y.
    batch_size : int
        Examples in a batch; the last batch may be smaller.
    rng : None, int or numpy.random.Generator
        Source of the random order of the examples, which is drawn at the call.
    shuffle : bool, default True
        With False the examples stay in order, and the batches are views of ``x`` and ``y``.
    drop_last : bool, default False
        Whether to leave out a last batch that is smaller than the others; ArgumentError if no batch would be left.
    join_single : bool, default False
        Whether to add a single remaining example to the batch before it (in training, BatchNorm needs two).

    Yields
    ------
    xb, yb : arrays of shape (batch, ...)
        ``xb`` is a tuple of arrays if ``x`` is one.

    Examples
    --------
    >>> import numpy as np
    >>> import retroprop as rp
    >>> x, y = np.zeros((7, 2)), np.arange(7)
    >>> [yb.tolist() for xb, yb in rp.datasets.batches(x, y, batch_size=3, shuffle=False)]
    [[0, 1, 2], [3, 4, 5], [6]]
    >>> [yb.tolist() for xb, yb in rp.datasets.batches(x, y, batch_size=3, shuffle=False, join_single=True)]
    [[0, 1, 2], [3, 4, 5, 6]]
    """
    return in_batches(*inputs_and_targets(x, y), batch_size, rng, shuffle, drop_last, join_single)


def in_batches(x: Any, y: NDArray[Any], batch_size: int, rng: Seed = None, shuffle: bool = True, drop_last: bool = False,
               join_single: bool = False) -> Iterator[Data]:
    """Return ``batches`` of arrays that have been checked; ``x`` is an array, or a tuple of them for several inputs."""
    chosen = chosen_examples(len(y), batch_size, rng, shuffle, drop_last, join_single)
    return ((chosen_of(x, i), chosen_of(y, i)) for i in chosen)


def chosen_examples(n: int, batch_size: int, rng: Seed = None, shuffle: bool = True, drop_last: bool = False,
                    join_single: bool = False) -> Iterator[Chosen]:
    """Return an iterator of the places of the examples of each batch. The order is drawn at the call."""
    size = positive_int("batch_size", batch_size)
    if drop_last and n < size:
        raise ArgumentError(f"batch_size must be at most {n}, the number of examples, with drop_last=True, got {size}")
    remainder = n % size
    bounds = [*range(0, n, size), n]
    if drop_last and remainder:
        del bounds[-1]
    elif join_single and remainder == 1 and n > 1:
        del bounds[-2]
    if not shuffle:
        return (slice(i, j) for i, j in pairwise(bounds))
    order = generator(rng).permutation(n)
    return (order[i:j] for i, j in pairwise(bounds))


def chosen_of(a: Any, places: Chosen) -> Any:
    """Return the chosen examples of an array, or of each array of a tuple: of a slice, views."""
    if isinstance(a, tuple):
        return tuple(chosen_of(array, places) for array in a)
    return a[places] if isinstance(places, slice) else a.take(places, axis=0)   # 3 times faster than a[places]
