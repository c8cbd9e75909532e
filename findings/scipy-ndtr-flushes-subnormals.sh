#!/bin/sh
# scipy 1.17.1 (numpy 2.4.6): scipy.special.ndtr(x) is 0.0 for x below about -37.7, though the value is a float64 number
# (subnormal): ndtr(-37.75) = 3.76e-312, ndtr(-38) = 2.89e-316, the smallest is near -38.45. scipy.stats.norm.cdf is the same.
# Good guess: the tail ends where float64 does, as exp(log_ndtr(x)), erfc of the C library and scipy's own erfcx * exp do.
# Output seen: ndtr -37.75 0.0  exp(log_ndtr) 3.761e-312  math.erfc 3.761e-312
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" scipy==1.17.1 numpy==2.4.6
PYTHONPATH="$folder" python3 - <<'PY'
import math, sys
import numpy as np
from scipy.special import log_ndtr, ndtr
from scipy.stats import norm
x = -37.75
value = float(np.exp(log_ndtr(x)))
print("ndtr", x, float(ndtr(x)), " norm.cdf", float(norm.cdf(x)), " exp(log_ndtr)", f"{value:.3e}", " math.erfc",
      f"{math.erfc(-x / math.sqrt(2)) / 2:.3e}")
sys.exit(not (ndtr(x) == 0 and norm.cdf(x) == 0 and 3.7e-312 < value < 3.8e-312))
PY
