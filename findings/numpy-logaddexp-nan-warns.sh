#!/bin/sh
# NumPy 2.4.6: np.logaddexp and np.logaddexp2 warn "invalid value encountered" when an input is already NaN.
# Good guess: a NaN that comes in goes through quietly, as in add, maximum, hypot, arctan2, power, exp, log1p ...: the
# warning is for NaN that is newly made (inf - inf). Softplus as logaddexp(x, 0), the usual way to write it, therefore warns
# (and raises under np.errstate(invalid="raise") or pytest -W error) for each batch with a NaN, where x and log1p(exp(x)) do not.
# Output seen:
#   2.4.6
#   add [] maximum [] hypot [] arctan2 [] power [] fmod [] logaddexp ['invalid value encountered in logaddexp']
#   logaddexp2 ['invalid value encountered in logaddexp2']
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env" && "$folder/env/bin/pip" install -q numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PY'
import warnings
import numpy as np
print(np.__version__)
found = {}
for ufunc in (np.add, np.maximum, np.hypot, np.arctan2, np.power, np.fmod, np.logaddexp, np.logaddexp2):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = ufunc(np.array([np.nan, 1.0]), np.array([1.0, 2.0]))
    assert np.isnan(y[0])
    found[ufunc.__name__] = [str(one.message) for one in caught]
print(*(f"{name} {messages}" for name, messages in found.items()))
assert all(bool(messages) == name.startswith("logaddexp") for name, messages in found.items())
PY
