#!/usr/bin/env bash
# scikit-learn 1.9.1: MLPRegressor with K outputs steps along K times the gradient of the loss that it reports.
# Behaviour: loss_ is half the squared error, averaged over examples and outputs; the gradient that SGD, Adam and L-BFGS get is
# that of its sum over the outputs. With one output both agree.
# A good guess: the gradient is that of loss_, so that the same learning rate makes the same step for a column whether it stands
# alone or beside K - 1 others, up to the mean over outputs (1 / K each), and L-BFGS gets a function with its own gradient.
# Seen: the ratio of step / (learning rate x numerical derivative of loss_) is 1, 2 and 5 for 1, 2 and 5 outputs.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install scikit-learn==1.9.1 2>/dev/null
cat > "$work/try.py" <<'P'
import warnings

import numpy as np
from sklearn.neural_network import MLPRegressor

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 5))
seen = {}
for outputs in (1, 2, 5):
    target = y[:, :outputs].squeeze()
    mlp = MLPRegressor(hidden_layer_sizes=(), solver="sgd", learning_rate_init=0.1, momentum=0, alpha=0, random_state=0)
    mlp.partial_fit(x, target)
    start = mlp.coefs_[0].copy()

    def loss_and_step(weights):
        mlp.coefs_[0][...], mlp.intercepts_[0][...] = weights, 0
        mlp.partial_fit(x, target)                                  # one step; loss_ is that before it
        return mlp.loss_, weights - mlp.coefs_[0]

    step, change = loss_and_step(start)[1], np.zeros_like(start)
    change[0, 0] = 1e-5
    slope = (loss_and_step(start + change)[0] - loss_and_step(start - change)[0]) / 2e-5
    seen[outputs] = round(float(step[0, 0] / (0.1 * slope)), 3)
print(seen)
raise SystemExit(seen != {1: 1.0, 2: 2.0, 5: 5.0})
P
"$work/venv/bin/python" "$work/try.py"
