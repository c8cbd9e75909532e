#!/usr/bin/env bash
# OpenCV 4.14 (opencv-python-headless 4.14.0.*), cv2.dnn: AveragePool of an ONNX file with count_include_pad=1.
# Behaviour: the attribute is ignored; a window at the border is divided by the number of its pixels inside the image.
# A good guess: the mean with the zeros of the padding, as the attribute says (PyTorch's default, so its exports have it), and as
# OpenCV 5 and onnxruntime compute it; or an error.
# Seen: 1.0 in the corner of an image of ones with windows of 3 x 3 and padding 1, instead of 4/9.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install "opencv-python-headless==4.14.*" onnx==1.23.2 numpy==2.4.6
cat > "$work/try.py" <<'P'
import sys
import cv2, numpy as np, onnx
from onnx import TensorProto, helper as h
value = lambda name: h.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 4, 4])
node = h.make_node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
graph = h.make_graph([node], "g", [value("x")], [value("y")])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), sys.argv[1])
net = cv2.dnn.readNetFromONNX(sys.argv[1])
net.setInput(np.ones((1, 1, 4, 4), np.float32), "x")
corner = float(net.forward()[0, 0, 0, 0])
print(cv2.__version__, corner, "instead of", 4 / 9)
sys.exit(corner != 1)
P
"$work/venv/bin/python" "$work/try.py" "$work/net.onnx"
