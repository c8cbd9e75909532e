"""Divisions of a data set into parts: at random, by classes in equal shares, and with groups kept together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import Seed, bincount, generator, positive_int, real
from ..errors import ArgumentError, DataError, ShapeError
from ..modules.core.values import each
from .checks import Inputs, examples, inputs_and_targets
from .classes import as_labels, labels

Data = tuple[Any, NDArray[Any]]
Indices = NDArray[np.int64]

TRIALS = 5                          # orders of groups, of which the most even is taken; many would find the same one always


def split(x: Inputs, y: ArrayLike, test: float = 0.2, rng: Seed = None, *, groups: ArrayLike | None = None,
          stratify: bool = False) -> tuple[Data, Data]:
    """Return a random division of a data set into a training part and a test part.

    Parameters
    ----------
    x, y : arrays of equal length
        Examples are on axis 0. For a network of several inputs x is a tuple of arrays.
    test : float in (0, 1) or int, default 0.2
        Fraction (float) or number (int) of the examples in the test part. With ``groups`` the part is as near to it as the
        groups, taken in random order, allow.
    rng : None, int or numpy.random.Generator
        Source of the random permutation of the examples, whose last ones are the test part.
    groups : array_like of shape (examples,), optional
        What the examples come from, such as writers or patients, as numbers or text. All examples of a group are in the same
        part, so that the test part shows what a network does on groups that it has not seen.
    stratify : bool, default False
        Whether each class of ``y`` has the same share of both parts: of a class of n examples, the test part holds
        n times its fraction, rounded up or down; with ``groups``, as nearly as they allow.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)

    Raises
    ------
    ArgumentError
        A part would be empty.
    DataError
        There is only one group; or ``stratify`` is True and y has no classes, or a class of one example.

    Examples
    --------
    >>> import retroprop as rp
    >>> (x, y), (x_test, y_test) = rp.datasets.split(*rp.datasets.digits(), test=500, rng=0)
    >>> x.shape, x_test.shape
    ((1297, 64), (500, 64))
    >>> x, y, forms = rp.datasets.digits(groups=True)
    >>> train, test = rp.datasets.split(forms, y, test=500, rng=0, groups=forms)
    >>> sorted(set(test[0].tolist())), set(train[0].tolist()) & set(test[0].tolist())
    ([0, 2, 3, 5], set())
    """
    x, y = inputs_and_targets(x, y)
    n = len(y)
    if isinstance(test, int | np.integer):
        n_test = positive_int("test", test)
    else:
        n_test = round(n * real("test", test, 0, 1, above=True, below=True))
    if not 0 < n_test < n:
        raise ArgumentError(f"test must leave at least one example in each part, got {test!r}: {n_test} of {n} examples")
    rng = generator(rng)
    if groups is None:
        order = rng.permutation(n)
        if stratify:
            chosen = evenly(in_classes(order, classes_of(y)), n_test)
            order = order[np.argsort(chosen[order], kind="stable")]
        train, held_out = np.split(order, [n - n_test])
    else:
        train, held_out = two_parts(numbered("groups", groups, n), n_test, rng, classes_of(y) if stratify else None)
    return (each(lambda a: a[train], x), y[train]), (each(lambda a: a[held_out], x), y[held_out])


def folds(y: int | ArrayLike, k: int = 5, *, rng: Seed = None, groups: ArrayLike | None = None,
          stratify: bool = False) -> list[tuple[Indices, Indices]]:
    """Return K divisions of a data set, in which each example is in the test part once: K-fold cross-validation.

    Parameters
    ----------
    y : int or array_like of shape (examples, ...)
        The number of examples, or their labels.
    k : int, default 5
        Number of folds, at least 2.
    rng : None, int or numpy.random.Generator
        Source of the random order of the examples, or of the groups.
    groups : array_like of shape (examples,), optional
        All examples of a group are in the same fold; the sizes of two folds differ by no more than the largest group.
    stratify : bool, default False
        Whether each class has equal shares of all folds, up to one example; with ``groups``, as nearly as they allow.

    Returns
    -------
    list of (train, test)
        For each fold, the indices of the other examples and of its own, both in increasing order: int64 arrays. Without
        ``groups`` the sizes of two folds differ by at most one example.

    Raises
    ------
    ArgumentError
        There are more folds than examples, or than groups.
    DataError
        ``stratify`` is True and y has no classes, or a class of one example.

    Examples
    --------
    >>> import retroprop as rp
    >>> for train, test in rp.datasets.folds([0, 0, 0, 1, 1, 1], 3, rng=0, stratify=True):
    ...     print(train, test)
    [0 1 4 5] [2 3]
    [1 2 3 4] [0 5]
    [0 2 3 5] [1 4]
    """
    k = positive_int("k", k, 2)
    if isinstance(y, int | np.integer):
        n, codes = positive_int("y", y), None
        if stratify:
            raise DataError(f"y must hold the class of each example with stratify=True, got their number, {n}")
    else:
        n, codes = len(examples("y", y)), classes_of(y) if stratify else None
    rng = generator(rng)
    if groups is None:
        if k > n:
            raise ArgumentError(f"k must be at most {n}, the number of examples, got {k}")
        order = rng.permutation(n)
        fold = np.empty(n, np.int64)
        fold[order if codes is None else in_classes(order, codes)] = np.arange(n) % k
    else:
        members = numbered("groups", groups, n)
        if k > members.max() + 1:
            raise ArgumentError(f"k must be at most {members.max() + 1}, the number of groups, got {k}")
        fold = dealt(members, np.full(k, 1 / k), rng, codes)[members]
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def in_classes(order: Indices, codes: Indices) -> Indices:
    """Return the examples class by class, those of a class in the given order."""
    return order[np.argsort(codes[order], kind="stable")]


def evenly(order: Indices, n_test: int) -> NDArray[np.bool_]:
    """Return for each example whether it is one of ``n_test`` that are taken evenly from an order, so that of any run of
    examples their share is taken, up to one."""
    steps = np.arange(len(order) + 1) * n_test // len(order)
    chosen = np.empty(len(order), bool)
    chosen[order] = steps[1:] > steps[:-1]
    return chosen


def two_parts(members: Indices, n_test: int, rng: np.random.Generator, codes: Indices | None) -> tuple[Indices, Indices]:
    """Return the examples of both parts, of which the second has about ``n_test``, with every group in one part."""
    count, n = members.max() + 1, len(members)
    if codes is None:
        order = rng.permutation(count)
        sizes = np.cumsum(bincount(members)[order])[:-1]            # of the first groups, which are never all
        held_out = np.isin(members, order[:np.abs(sizes - n_test).argmin() + 1])
    else:
        part = dealt(members, np.array([1 - n_test / n, n_test / n]), rng, codes)
        held_out = part[members] == 1
    order = rng.permutation(n)
    return order[~held_out[order]], order[held_out[order]]


def dealt(members: Indices, shares: NDArray[np.float64], rng: np.random.Generator, codes: Indices | None) -> Indices:
    """Return for each group its part, so that the parts have about these shares of all examples, or of each class.

    Several times all groups are dealt, in a random order each: each group goes where the squared differences from the shares,
    as parts of these, grow the least. The most even outcome is taken. No part stays empty.
    """
    groups, classes = members.max() + 1, 1 if codes is None else codes.max() + 1
    counts = np.zeros((groups, classes))
    np.add.at(counts, (members, np.zeros_like(members) if codes is None else codes), 1)
    counts /= counts.sum(0)
    orders = np.stack([rng.permutation(groups) for _ in range(1 if codes is None else TRIALS)])
    trials = np.arange(len(orders))
    held, part = np.zeros((len(orders), len(shares), classes)), np.empty(orders.shape, np.int64)
    for place, group in enumerate(orders.T):
        gain = counts[group][:, None]
        growth = ((held + gain - shares[:, None])**2 - (held - shares[:, None])**2).sum(2) / shares
        empty = ~held.any(2)
        growth[(empty.sum(1) >= groups - place)[:, None] & ~empty] = np.inf     # as many groups as parts without one
        chosen = growth.argmin(1)
        part[trials, group] = chosen
        held[trials, chosen] += gain[:, 0]
    best = ((held - shares[:, None])**2 / shares[:, None]).sum((1, 2)).argmin()
    found: Indices = part[best]
    return found


def numbered(name: str, values: ArrayLike, n: int) -> Indices:
    """Return the numbers, from 0, of the groups that the examples belong to."""
    found = labels(values, name)
    if len(found) != n:
        raise ShapeError(f"{name} must have one entry for each of the {n} examples, got {len(found)}")
    number = {value: k for k, value in enumerate(sorted(set(found)))}
    if len(number) < 2:
        raise DataError(f"{name} must hold at least two groups, got only {found[0]!r}")
    return np.array([number[value] for value in found], np.int64)


def classes_of(y: ArrayLike) -> Indices:
    """Return the numbers of the classes, to stratify by; DataError if there are none."""
    array = examples("y", y)
    if array.dtype.kind not in "biuUSO" or array.ndim != 1:
        raise DataError("y must hold the class of each example with stratify=True, got "
                        f"{array.dtype} of shape {array.shape}")
    if array.dtype.kind == "O":
        array = as_labels(labels(array, "y"), "y")
    codes = np.unique(array, return_inverse=True)[1].astype(np.int64)
    alone = np.flatnonzero(bincount(codes) == 1)
    if alone.size:
        first = array[np.flatnonzero(codes == alone[0])[0]]
        raise DataError(f"y must hold at least two examples of each class with stratify=True, got one of {first.item()!r}")
    return codes
