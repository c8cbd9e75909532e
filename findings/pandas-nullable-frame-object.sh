#!/usr/bin/env bash
# pandas 3.1.1, numpy 2.4.6. A frame with a nullable column that has NO missing value, beside a plain or another nullable dtype,
# becomes an array of objects: np.asarray(frame).dtype is object, though np.asarray of each column alone is int64 or float64.
# Good guess: float64, the common dtype of the columns, as for the same frame with plain dtypes.
# Output seen: alone: int64 float64; frame: object; plain: float64; two nullable dtypes: object, to_numpy: object.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
pip install -q --target "$work" pandas==3.1.1 numpy==2.4.6
PYTHONPATH=$work python - <<'PY'
import numpy as np, pandas as pd
frame = pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": [0.5, 1.5]})
print("alone:", np.asarray(frame["a"]).dtype, np.asarray(frame["b"]).dtype)
print("frame:", np.asarray(frame).dtype)
print("plain:", np.asarray(frame.astype({"a": "int64"})).dtype)
both = pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": pd.array([0.5, 1.5], "Float64")})
print("two nullable dtypes:", np.asarray(both).dtype, "to_numpy:", both.to_numpy().dtype)
assert np.asarray(both).dtype == both.to_numpy().dtype == object == np.asarray(frame).dtype and np.asarray(frame["a"]).dtype == np.int64
PY
