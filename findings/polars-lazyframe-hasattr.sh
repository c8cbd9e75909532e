#!/usr/bin/env bash
# polars 2.1.0. hasattr(lazy_frame, "columns") is not free of effects: the property resolves the schema and issues a
# PerformanceWarning; under `python -W error` hasattr itself raises. Code that recognizes frames by their attributes
# (duck typing, as for the dataframe interchange) meets it for every LazyFrame. "dtypes" does the same.
# Good guess: hasattr returns True or False, without a warning, as it does for DataFrame.
# Output seen: PerformanceWarning for columns, dtypes, schema and width; none for a DataFrame
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
pip install -q --target "$work" polars==2.1.0
PYTHONPATH=$work python - <<'PY'
import warnings, polars as pl
seen = {}
for frame in (pl.DataFrame({"a": [1]}), pl.LazyFrame({"a": [1]})):
    for name in ("columns", "dtypes", "schema", "width"):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            hasattr(frame, name)
        seen[type(frame).__name__, name] = [one.category.__name__ for one in found]
print(seen)
assert all(found == ["PerformanceWarning"] * (frame == "LazyFrame") for (frame, _), found in seen.items())
PY
