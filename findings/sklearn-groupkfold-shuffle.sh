#!/bin/sh
# scikit-learn 1.9.1, GroupKFold(shuffle=True): folds are balanced by the number of GROUPS, not of samples.
# Documented (first paragraph of the class): "The folds are approximately balanced in the sense that the number of samples is
# approximately the same in each test fold when `shuffle` is True." Good guess: shuffling only breaks ties.
# Seen: 4 groups of 100 samples and 16 of 1, 4 folds: [104, 104, 104, 104] without shuffling, [104, 104, 5, 203] with it
# (random_state=0). So a shuffled fold may have 40 times the samples of another one.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install scikit-learn==1.9.1
"$work/venv/bin/python" - <<'P'
import numpy as np
from sklearn.model_selection import GroupKFold

groups = np.repeat(np.arange(20), [100] * 4 + [1] * 16)
sizes = {shuffle: [len(test) for _, test in GroupKFold(4, shuffle=shuffle, random_state=0 if shuffle else None).split(
    groups, groups=groups)] for shuffle in (False, True)}
print(sizes)
assert sizes == {False: [104, 104, 104, 104], True: [104, 104, 5, 203]}
P
