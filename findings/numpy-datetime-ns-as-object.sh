#!/bin/sh
# NumPy 2.4.6, datetime64 as objects: the kind of object depends on the unit.
# Good guess: np.asarray(dates, object) gives datetime objects (or np.datetime64), as it does for [s], [ms] and [us].
# Seen: for [ns], the unit of pandas before version 3, it gives plain int: 1767225600000000000. A reader of tables that looks at the
# type of each value takes a column of dates for one of numbers, and trains on nanoseconds.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import numpy as np

found = {unit: type(np.asarray(np.array(["2026-01-01"], f"M8[{unit}]"), object)[0]).__name__ for unit in ("s", "ms", "us", "ns")}
print(np.__version__, found)
assert found == {"s": "datetime", "ms": "datetime", "us": "datetime", "ns": "int"}
P
