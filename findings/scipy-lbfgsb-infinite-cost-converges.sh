#!/bin/sh
# SciPy 1.17.1: minimize(method="L-BFGS-B") on a function that is +inf outside of its domain reports success at a point that is no
# minimum, if a trial of its line search leaves the domain: "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH".
# Good guess: +inf is larger than any value, so the line search shortens its step and goes on, as that of BFGS and of CG does; or
#   else it reports a failure.
# Seen: w - log(w), inf for w <= 0 (gradient 0 there), from w = 10: L-BFGS-B ends at 5.0 with success=True, where the gradient is
#   0.8; BFGS and CG end at 1.0, the minimum. With 1e3 in place of inf, L-BFGS-B too ends at 1.0.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q scipy==1.17.1 2>/dev/null
cat > "$folder/barrier.py" <<'PY'
import math
import warnings

import numpy as np
from scipy.optimize import minimize

warnings.simplefilter("ignore")


def barrier(outside):
    def function(v):
        w = float(v[0])
        return (w - math.log(w), np.array([1 - 1 / w])) if w > 0 else (outside, np.zeros(1))
    return function


seen = {}
for outside in (math.inf, 1e3):
    for method in ("L-BFGS-B", "BFGS", "CG"):
        result = minimize(barrier(outside), [10.0], jac=True, method=method, tol=1e-8)
        seen[outside, method] = round(float(result.x[0]), 3), bool(result.success)
        print(outside, method, *seen[outside, method], result.message)
wanted = {key: (1.0, True) for key in seen} | {(math.inf, "L-BFGS-B"): (5.0, True)}
raise SystemExit(seen != wanted)
PY
"$folder/venv/bin/python" "$folder/barrier.py"
