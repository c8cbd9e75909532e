#!/usr/bin/env bash
# safetensors 0.8.0, NumPy 2.4.6: saving an array in Fortran order, such as a transpose, with safetensors.numpy.
# Behaviour: save writes the array's memory as if it were in C order, under the array's shape: load returns other numbers, in silence.
# (0.7.0 returns the same numbers.)
# A good guess: the same numbers, as np.save gives them back; or an error, as safetensors.torch has for tensors that are not contiguous.
# Output: [[0, 1], [2, 3], [4, 5]] in the place of [[0, 3], [1, 4], [2, 5]]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install safetensors==0.8.0 numpy==2.4.6
cat > "$work/try.py" <<'P'
import sys
import numpy as np
from safetensors.numpy import load, save
x = np.arange(6).reshape(2, 3).T
found = load(save({"x": x}))["x"]
print(found.tolist(), "in the place of", x.tolist())
sys.exit(found.shape != x.shape or found.tolist() != [[0, 1], [2, 3], [4, 5]])
P
"$work/venv/bin/python" "$work/try.py"
