#!/usr/bin/env bash
# scikit-learn 1.9.1, class_weight as a dict: what it takes for a data set, it may refuse for a part of it, and blames another class.
# Documented (compute_class_weight): "If a dictionary is given, keys are classes and values are corresponding class weights.", and for
# y with classes that are not in the dictionary the weight is 1. Good guess: each class has its weight, or 1; a key without
# examples has no effect.
# Seen: {"a": 0.5, "b": 2} gives [0.5, 2, 1] for classes a, b, c. On a part without a, such as a fold or a minibatch, it raises
# "The classes, ['c'], are not in class_weight", though c was not there before either; on a part without a and c it passes again.
# So cross_val_score of an estimator with such a dict fails on the folds that lack a class, for a reason that the error does not say.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install scikit-learn==1.9.1
"$work/venv/bin/python" - <<'P'
from sklearn.utils.class_weight import compute_sample_weight

given = {"a": 0.5, "b": 2}
print(compute_sample_weight(given, ["a", "b", "c"]), compute_sample_weight(given, ["b", "b"]))
assert compute_sample_weight(given, ["a", "b", "c"]).tolist() == [0.5, 2, 1]
assert compute_sample_weight(given, ["b", "b"]).tolist() == [2, 2]
try:
    compute_sample_weight(given, ["b", "c"])
except ValueError as error:
    print(error)
    assert str(error) == "The classes, ['c'], are not in class_weight", error
else:
    raise SystemExit("taken now")
P
