#!/bin/sh
# joblib 1.6.0 (loky backend), Linux.
# Behaviour: in a program without standard error (2>&-, some services, pythonw), sys.stderr is None, and
#   Parallel(n_jobs=2) raises AttributeError: 'NoneType' object has no attribute 'flush'.
# Good guess: it works, as concurrent.futures.ProcessPoolExecutor does there.
# Output seen: stdlib [1, 2] / joblib AttributeError 'NoneType' object has no attribute 'flush'
set -eu
python=$(python3 -c "import sys; print(sys.executable)")             # not a shim, which opens descriptor 2 again
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m pip install -q --disable-pip-version-check --target "$folder" joblib==1.6.0
cat > "$folder/program.py" <<'PY'
import sys
from concurrent.futures import ProcessPoolExecutor

from joblib import Parallel, delayed

if __name__ == "__main__":
    assert sys.stderr is None
    with ProcessPoolExecutor(2) as pool:
        print("stdlib", list(pool.map(abs, [-1, -2])))
    try:
        print("joblib", Parallel(n_jobs=2)(delayed(abs)(k) for k in (-1, -2)))
        sys.exit(1)
    except AttributeError as error:
        print("joblib AttributeError", error)
PY
PYTHONPATH="$folder" "$python" "$folder/program.py" 2>&- | tee "$folder/out"
grep -q "joblib AttributeError 'NoneType' object has no attribute 'flush'" "$folder/out"
