#!/bin/sh
# mlx 0.32.4 with mlx-cpu 0.32.4, the package for Linux: float32 matrix products run in the reference implementation of BLAS.
# Good guess: an array library for machine learning comes with a fast BLAS, as NumPy's, PyTorch's and JAX's packages for Linux do;
#   on one thread a product of two 512x512 matrices takes about as long as NumPy's.
# Seen: the wheel holds libblas 3.10.0 of netlib, one thread, without vector kernels; the product takes 37 times as long as with
#   NumPy 2.4.6 on one thread (3 GFLOP/s; 88 ms instead of 2.4). Checked here: at least 6 times as long.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mlx==0.32.4 mlx-cpu==0.32.4 numpy==2.4.6 2>/dev/null
cat > "$folder/script.py" <<'PY'
import time
from importlib.metadata import files

import mlx.core as mx
import numpy as np

libraries = [file.name for file in files("mlx-cpu") if "blas" in file.name and ".so" in file.name]
a = np.random.default_rng(0).standard_normal((512, 512), dtype="float32")
m = mx.array(a)


def shortest(product):
    times = []
    for _ in range(10):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return min(times)


ratio = shortest(lambda: mx.eval(m @ m)) / shortest(lambda: a @ a)
print("libraries named blas:", *libraries)
print(f"time of a product, relative to NumPy's on one thread: {ratio:.0f}")
assert len(libraries) == 1 and libraries[0].startswith("libblas-") and libraries[0].endswith(".so.3.10.0")
assert ratio > 6
PY
OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/script.py"
