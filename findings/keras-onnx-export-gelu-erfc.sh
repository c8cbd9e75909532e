#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21.0, tf2onnx 1.17.0: Model.export(format="onnx") of a network with the activation "gelu".
# Behaviour: export returns normally, and writes a file with the operator Erfc, which ONNX does not have: onnx.checker refuses it, and
# no runtime loads it. Only a line of the log says "not supported".
# A good guess: the file uses Erf (1 - erf(x) is erfc(x)) or Gelu and runs, as with the activations "silu" or "elu"; or export raises.
# Seen: ['MatMul', 'Mul', 'Neg', 'Mul', 'Erfc', 'Mul'], then "No Op registered for Erfc".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install keras==3.15.1 tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnx==1.23.2
cat > "$work/try.py" <<'P'
import os, sys
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", KERAS_BACKEND="tensorflow")
import keras, numpy as np, onnx
net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="gelu")])
net(np.zeros((1, 4), "float32"))
net.export(sys.argv[1], format="onnx", verbose=False)
model = onnx.load(sys.argv[1])
print([node.op_type for node in model.graph.node])
try:
    onnx.checker.check_model(model)
    sys.exit(1)
except onnx.checker.ValidationError as error:
    print(str(error).splitlines()[0])
    sys.exit("Erfc" not in str(error))
P
"$work/venv/bin/python" "$work/try.py" "$work/net.onnx" 2>/dev/null
