#!/usr/bin/env bash
# tract 0.23.9 and onnx 1.23.2's ReferenceEvaluator: the operator LogSoftmax at logits that are far apart.
# Behaviour: both compute the logarithm of the softmax. tract gives -87.3 for -88 (it flushes subnormal numbers) and -inf from -104 on;
# the ReferenceEvaluator, ONNX's own definition of the operators, -99.002 for -99 and -inf from -104 on.
# A good guess: -88 and -110 to all digits, as from onnxruntime, PyTorch and SciPy: the operator exists to avoid this underflow.
# Seen: tract [-87.30685, -inf], ReferenceEvaluator [-99.00227, -inf].
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install tract==0.23.9 onnx==1.23.2 numpy==2.4.6
cat > "$work/try.py" <<'P'
import sys
import numpy as np, onnx, tract
from onnx import TensorProto, helper as h
from onnx.reference import ReferenceEvaluator
value = lambda name: h.make_tensor_value_info(name, TensorProto.FLOAT, [3, 2])
graph = h.make_graph([h.make_node("LogSoftmax", ["x"], ["y"], axis=-1)], "g", [value("x")], [value("y")])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), sys.argv[1])
x = np.array([[88, 0], [99, 0], [110, 0]], np.float32)
a = tract.onnx().load(sys.argv[1]).into_model().into_runnable().run([x])[0].to_numpy()[:, 1]
with np.errstate(all="ignore"):
    b = ReferenceEvaluator(sys.argv[1]).run(None, {"x": x})[0][:, 1]
print("tract", a, "ReferenceEvaluator", b, "right", -x[:, 0])
sys.exit(not (abs(a[0] + 88) > 0.5 and abs(b[1] + 99) > 1e-3 and np.isinf(a[2]) and np.isinf(b[2])))
P
"$work/venv/bin/python" "$work/try.py" "$work/net.onnx"
