#!/bin/sh
# PyTorch 2.13.0: ChainedScheduler([StepLR, CosineAnnealingLR]) multiplies the factors of both until the cosine reaches 0. One
# step later the rate is that of the cosine alone: the decay of StepLR up to there is forgotten.
# Good guess: the schedulers are chained, so the rate is always lr × StepLR's factor × cosine's factor. (Each computes its rate
#   from the present one; from a rate of 0 the cosine has to begin anew, and begins from the optimizer's first rate.)
# Seen: lr 1, StepLR(2, gamma=0.1), T_max=4, rates after 0, 1, ... steps: 1, .8536, .05, .01464, 0, then .1464 (product: .00146).
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy 2>/dev/null
cat > "$folder/chain.py" <<'PY'
import math
import torch
from torch.optim.lr_scheduler import ChainedScheduler, CosineAnnealingLR, StepLR

sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
chain = ChainedScheduler([StepLR(sgd, 2, gamma=0.1), CosineAnnealingLR(sgd, T_max=4)])
rates = []
for _ in range(6):
    rates.append(sgd.param_groups[0]["lr"])
    sgd.step()
    chain.step()
product = [0.1 ** (k // 2) * (1 + math.cos(math.pi * k / 4)) / 2 for k in range(6)]
print("seen:   ", [round(rate, 5) for rate in rates])
print("product:", [round(rate, 5) for rate in product])
same = [abs(a - b) < 1e-9 for a, b in zip(rates, product)]
raise SystemExit(0 if same == [True] * 5 + [False] and abs(rates[5] - 0.14645) < 1e-4 else 1)
PY
"$folder/venv/bin/python" "$folder/chain.py"
