#!/usr/bin/env bash
# NumPy 2.4.6: np.take(table, rows, axis=0) of a column-major table first copies the whole table; table[rows] does not.
# Good guess: np.take "does the same thing as fancy indexing ... however, it can be easier to use" (its documentation), is known as
#   the faster of the two, and touches only the rows that it takes: a look-up of one row costs a row.
# Seen: to take 1 row of a column-major (100000, 32) table of float64, np.take allocates 25.6 MB, as much as the table has, and
#   table[rows] 3.5 kB; of a row-major table both allocate next to nothing.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PY'
import sys
import tracemalloc

import numpy as np

rows = np.array([7])
tables = {order: np.ones((100_000, 32), order=order) for order in "CF"}


def allocated(look_up):
    tracemalloc.start()
    look_up()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


found = {(order, name): allocated(lambda: look_up(table)) for order, table in tables.items()
         for name, look_up in (("np.take", lambda t: np.take(t, rows, axis=0)), ("table[rows]", lambda t: t[rows]))}
for (order, name), peak in found.items():
    print(f"order {order}, {name}: {peak:,} bytes, of a table of {tables[order].nbytes:,}")
copied = found["F", "np.take"] >= tables["F"].nbytes
sys.exit(not (copied and max(found["F", "table[rows]"], found["C", "np.take"]) < 100_000))
PY
