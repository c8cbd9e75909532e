#!/usr/bin/env bash
# skl2onnx 1.20.0, scikit-learn 1.9.1: an MLPRegressor with several outputs, exported with to_onnx.
# Behaviour: the file ends with a Reshape to (-1, 1): for n examples and 2 outputs it gives one column of 2 n numbers, without an error
# or a warning.
# A good guess: an array (n, 2), as predict returns, or a refusal.
# Seen: (3, 2) from predict, (6, 1) from onnxruntime.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install skl2onnx==1.20.0 scikit-learn==1.9.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat > "$work/try.py" <<'P'
import sys, warnings
import numpy as np, onnxruntime
from skl2onnx import to_onnx
from sklearn.neural_network import MLPRegressor
rng = np.random.default_rng(0)
x, y = rng.standard_normal((50, 4)).astype("float32"), rng.standard_normal((50, 2))
with warnings.catch_warnings(action="ignore"):
    net = MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0).fit(x, y)
model = to_onnx(net, x[:1])
declared = [size.dim_value for size in model.graph.output[0].type.tensor_type.shape.dim]
found, = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"X": x[:3]})
print("predict", net.predict(x[:3]).shape, "declared", declared, "file", found.shape)
sys.exit(not (net.predict(x[:3]).shape == (3, 2) and found.shape == (6, 1)))
P
"$work/venv/bin/python" "$work/try.py"
