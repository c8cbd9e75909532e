#!/bin/sh
# NumPy 2.4.6: np.float32(inf) > 1e300 is False (and all of array > 1e300 for float32), with "overflow encountered in cast":
# the Python float is rounded to float32, so it becomes inf before the comparison. For integers NumPy 2 compares exactly:
# np.uint8(255) < 300 is True, although 300 does not fit either.
# Good guess: a comparison with a Python number is exact for floats as it is for integers, so that "a > 1e300" finds infinity.
# Output seen:
#   2.4.6
#   False ['overflow encountered in cast'] [False False] True True
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env" && "$folder/env/bin/pip" install -q numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PY'
import warnings
import numpy as np
print(np.__version__)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    scalar = np.float32(np.inf) > 1e300
messages = [str(one.message) for one in caught]
with np.errstate(over="ignore"):
    array = np.array([np.inf, 1], "float32") > 1e300
exact = np.uint8(255) < 300
wide = np.float64(np.inf) > 1e300
print(scalar, messages, array, exact, wide)
assert not scalar and messages == ["overflow encountered in cast"] and not array.any() and exact and wide
PY
