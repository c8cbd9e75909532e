#!/usr/bin/env bash
# opencv-python-headless 4.14.0.94: cv2.ml.ANN_MLP with default parameters.
# 1. Its default sigmoid, setActivationFunction(ANN_MLP_SIGMOID_SYM, 0, 0).
#    A good guess: the manual's "y = 1.7159 * tanh(2/3 * x)". Behaviour: 1.7159 * tanh(x / 3).
# 2. RELU (also LEAKYRELU, IDENTITY), trained with default flags.
#    A good guess: finite predictions, as with SIGMOID_SYM, or an error. Behaviour: train returns True, isTrained() is True, and all
#    predictions are NaN or infinite, since the scale of the outputs comes from the bounds of the activation, which has none; with
#    the flag ANN_MLP_NO_OUTPUT_SCALE they are finite.
# Seen: 1. an error of 5e-8 for x / 3 and 1.0 for 2 x / 3; 2. 40 of 40 predictions not finite, 0 with the flag.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install opencv-python-headless==4.14.0.94 2>/dev/null
cat > "$work/try.py" <<'P'
import cv2
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(20, 3)).astype("float32")
y = np.c_[x.sum(1), 5 * x[:, 0]].astype("float32")


def trained(activation, flags):
    mlp = cv2.ml.ANN_MLP_create()
    mlp.setLayerSizes(np.array([3, 4, 2]))
    mlp.setActivationFunction(activation, 0, 0)
    mlp.setTrainMethod(cv2.ml.ANN_MLP_BACKPROP, 0.001, 0.1)
    mlp.setTermCriteria((cv2.TERM_CRITERIA_MAX_ITER, 20, 0))
    assert mlp.train(cv2.ml.TrainData_create(x, cv2.ml.ROW_SAMPLE, y), flags) and mlp.isTrained()
    return mlp


mlp = trained(cv2.ml.ANN_MLP_SIGMOID_SYM, cv2.ml.ANN_MLP_NO_INPUT_SCALE | cv2.ml.ANN_MLP_NO_OUTPUT_SCALE)
errors = {}
for name, factor in (("x / 3", 1 / 3), ("2 x / 3", 2 / 3)):
    hidden = x * mlp.getWeights(0)[0, ::2] + mlp.getWeights(0)[0, 1::2]
    for weights in (mlp.getWeights(1), mlp.getWeights(2)):
        hidden = 1.7159 * np.tanh(factor * (hidden @ weights[:-1] + weights[-1]))
    scale = mlp.getWeights(3)[0]
    errors[name] = float(np.abs(hidden * scale[::2] + scale[1::2] - mlp.predict(x)[1]).max())
lost = [int((~np.isfinite(trained(cv2.ml.ANN_MLP_RELU, flags).predict(x)[1])).sum())
        for flags in (0, cv2.ml.ANN_MLP_NO_OUTPUT_SCALE)]
print("1.7159 tanh of", errors, "- predictions that are not finite:", lost)
raise SystemExit(not (errors["x / 3"] < 1e-5 < 0.1 < errors["2 x / 3"] and lost == [40, 0]))
P
"$work/venv/bin/python" "$work/try.py"
