#!/bin/sh
# PyTorch 2.13.0: OneCycleLR raises ZeroDivisionError, from its constructor, if pct_start * total_steps == 1.
# Good guess: pct_start may be any share in [0, 1], as the documentation and the check of the argument say; with a first phase of one
#   step the cycle begins at max_lr. (The first phase is taken to be pct_start * total_steps - 1 = 0 steps long.)
# Seen: total_steps=10, pct_start=0.1: ZeroDivisionError; 0.05: begins just below max_lr; 0.2: begins at max_lr / 25.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy 2>/dev/null
cat > "$folder/cycle.py" <<'PY'
import torch
from torch.optim.lr_scheduler import OneCycleLR

seen = {}
for share in (0.05, 0.1, 0.2):
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    try:
        OneCycleLR(sgd, max_lr=1.0, total_steps=10, pct_start=share)
        seen[share] = round(sgd.param_groups[0]["lr"], 2)
    except ZeroDivisionError as error:
        seen[share] = type(error).__name__
print(seen)
raise SystemExit(0 if seen[0.1] == "ZeroDivisionError" and seen[0.05] > 0.9 and seen[0.2] == 0.04 else 1)
PY
"$folder/venv/bin/python" "$folder/cycle.py"
