#!/usr/bin/env bash
# OpenCV 5.0.0 (opencv-python-headless 5.0.0.93), cv2.dnn: the operator Tanh of an ONNX file.
# Behaviour: tanh(x) is NaN for x above about 44.19 in tensors of more than a few numbers (with 4 numbers it is right); for x below
# -44.19 it is -1 as it should be.
# A good guess: 1, as in OpenCV 4.14, onnxruntime and every mathematical library. A network from N(0, 1) reaches such inputs.
# Seen: [[-1. 1. nan nan]] for [-50, 44, 45, 50].
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install opencv-python-headless==5.0.0.93 onnx==1.23.2 numpy==2.4.6
cat > "$work/try.py" <<'P'
import sys
import cv2, numpy as np, onnx
from onnx import TensorProto, helper as h
value = lambda name: h.make_tensor_value_info(name, TensorProto.FLOAT, [1, 64])
graph = h.make_graph([h.make_node("Tanh", ["x"], ["y"])], "g", [value("x")], [value("y")])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), sys.argv[1])
net = cv2.dnn.readNetFromONNX(sys.argv[1])
x = np.repeat(np.array([-50, 44, 45, 50], np.float32), 16)[None]
net.setInput(x, "x")
y = net.forward()[:, ::16]
print(y)
sys.exit(not (np.isnan(y[0, 2:]).all() and (y[0, :2] == [-1, 1]).all()))
P
"$work/venv/bin/python" "$work/try.py" "$work/net.onnx"
