"""Findings on a data set, before any network is trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ...arguments import Array, bincount
from ...datasets.classes import listed
from ...datasets.data_set import DataSet
from ...threads import OneThread
from ...underflow import unreported
from .labels import Finding

REPEATED = 0.02                                                     # share of the examples that occur more than once
UNEVEN_CLASSES = 0.8                                                # share of the largest class
FEW = 5                                                             # examples of a class
LINEAR = 1e-9                                                       # 1 - the correlation of a column with y


@unreported
def data_findings(data: DataSet) -> list[Finding]:
    """Return what makes errors on a data set misleading: y given away by x, repeated examples, uneven classes, empty columns.

    Every finding is exact: it counts all examples. Their scale is a matter of `diagnose`, which sees what a network gets.
    """
    y = data.targets.encode(data.y)
    classes = data.targets.kind in ("classes", "binary")
    return [*given_away(data, y, classes), *repeated(data), *(uneven(y, data.targets.names) if classes else ()),
            *constant(data)]


def given_away(data: DataSet, y: Array, classes: bool) -> Iterator[Finding]:
    """Yield a finding on columns of x that are functions of y: of classes any one-to-one function, of values a linear one."""
    x = data.x.reshape(len(data.x), -1)
    if classes:
        first = x[np.unique(y, return_index=True)[1]]               # an example of each class
        functions = (x == first[y]).all(0)
        same = [k for k in np.flatnonzero(functions).tolist() if len(np.unique(first[:, k])) == len(first) < len(x)]
    elif data.targets.kind == "values":
        centred, values = x - x.mean(0, dtype=np.float64), y - y.mean(0, dtype=np.float64)
        norms = np.linalg.norm(centred, axis=0)[:, None] * np.linalg.norm(values, axis=0)
        with OneThread():
            found = np.abs(centred.T @ values) >= (1 - LINEAR) * norms
        same = np.flatnonzero((found & (norms > 0)).any(1)).tolist() if len(x) > 2 else []
    else:
        same = []
    if same:
        verb, which = ("gives", "it") if len(same) == 1 else ("give", "each")
        how = "each class has a value of its own there" if classes else f"{data.target} is a linear function of {which}"
        yield Finding(f"{columns(data, same)} {verb} {data.target} away: {how}.", "x",
                      "leave out what is known only with the answer", "")


def repeated(data: DataSet) -> Iterator[Finding]:
    """Yield a finding on equal examples in both parts, or among those that will be divided."""
    rows = hashes(data.x)
    if data.test is not None:
        seen = set(rows)
        count, total = sum(row in seen for row in hashes(data.test[0])), len(data.test[0])
        what = f"{count} of the {total} test examples are training examples too: the test error is too small."
    else:
        count, total = sum(n for n in Counter(rows).values() if n > 1), len(rows)
        what = (f"{count} of the {total} examples occur more than once, and may be in both the training and the test "
                "part: the test error is too small.")
    if count >= max(REPEATED * total, 2):
        yield Finding(what, "x", "keep one of equal examples, or keep them in one part by a group", "")


def hashes(x: Array) -> list[int]:
    return [hash(row.tobytes()) for row in x]


def uneven(y: Array, names: Sequence[str]) -> Iterator[Finding]:
    """Yield findings on a class with most of the training examples, on classes with hardly any, and on those with none."""
    counts = bincount(y, minlength=len(names))
    largest, share = names[int(counts.argmax())], counts.max() / len(y)
    if share >= UNEVEN_CLASSES:
        yield Finding(f"{100 * share:.0f} % of the examples are of class {largest}: a network that always answers it errs on "
                      f"{100 * (1 - share):.0f} %.", "y", "compare errors with this one", "")
    absent = [name for name, count in zip(names, counts, strict=True) if not count]     # they come from the test part
    if absent:
        which = f"class {absent[0]}" if len(absent) == 1 else f"{len(absent)} of {len(names)} classes ({listed(absent)})"
        yield Finding(f"{which} of the test part {'has' if len(absent) == 1 else 'have'} no training example: a network cannot "
                      "learn to answer it.", "y", "divide the data anew, or gather examples", "")
    rare = [name for name, count in zip(names, counts, strict=True) if 0 < count < FEW]
    if rare:
        verb = "have" if len(rare) > 1 else "has"
        yield Finding(f"{len(rare)} of {len(names)} classes {verb} fewer than {FEW} examples ({listed(rare)}): a part may have "
                      "none of them.", "y", "gather more examples, join classes, or divide by classes (stratify)", "")


def constant(data: DataSet) -> Iterator[Finding]:
    """Yield a finding on columns, with names, that hold one value only."""
    if data.features:
        same = np.flatnonzero((data.x == data.x[:1]).all(0)).tolist()
        if same:
            verb = "are" if len(same) > 1 else "is"
            yield Finding(f"{columns(data, same)} {verb} constant, and of no use.", "x", "leave such columns out", "")


def columns(data: DataSet, chosen: Sequence[int]) -> str:
    """Return "column a" or "2 of 4 columns (a, b)"."""
    names = [data.features[k] if data.features else str(k) for k in chosen]
    if len(names) == 1:
        return f"column {names[0]}"
    return f"{len(names)} of {data.x[0].size} columns ({listed(names, 6)})"
