#!/usr/bin/env bash
# safetensors 0.8.0, NumPy 2.4.6: saving the same arrays with the same metadata several times.
# Behaviour: the entries of the metadata are written in a new order at each call, also within a process: no two files have the same
# bytes, so that checksums of files differ although arrays are sorted by name. With one entry all files are equal.
# A good guess: the same bytes, with the metadata in the order of the dict (or sorted, as the arrays are).
# Output: 1 entry: 1 content(s) of 20 saves; 8 entries: 20 content(s) of 20 saves
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install safetensors==0.8.0 numpy==2.4.6
cat > "$work/try.py" <<'P'
import sys
import numpy as np
from safetensors.numpy import save
def contents(entries):
    metadata = {str(k): "value" for k in range(entries)}
    return len({save({"x": np.ones(3)}, metadata) for _ in range(20)})
one, eight = contents(1), contents(8)
print(f"1 entry: {one} content(s) of 20 saves; 8 entries: {eight} content(s) of 20 saves")
sys.exit(one != 1 or eight == 1)
P
"$work/venv/bin/python" "$work/try.py"
