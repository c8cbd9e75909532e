"""Classifier and Regressor train as ``fit`` does, and work where scikit-learn's estimators do."""

import pickle
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra sklearn")
import joblib
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import retroprop as rp
from retroprop.errors import ArgumentError, DataError, NonFiniteError, ShapeError
from retroprop.interop import Classifier, Regressor
from retroprop.training.named import dense_network, initialization

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "scikit-learn.md"
X, Y = rp.datasets.blobs(60, rng=0)
LABELS = np.array(["low", "middle", "high"])[Y]
SMALL = {"hidden": (6, 5), "lr": 0.05, "max_iter": 4, "batch_size": 16, "random_state": 3}


def same(a, b):
    assert all(np.array_equal(a.net_.state_dict()[name], b.net_.state_dict()[name]) for name in a.net_.state_dict())


def test_training_is_that_of_fit_on_the_network_that_compare_draws():
    model = Classifier(**SMALL).fit(X, LABELS)
    net = initialization("Glorot").network(
        lambda init: dense_network(2, 3, (6, 5), init, dtype="float64", seed=3), None, 3)
    codes = rp.datasets.Targets.of(LABELS).encode(LABELS)
    history = rp.fit(net, rp.CrossEntropy(), rp.Adam(net.parameters(), lr=0.05), (X, codes), epochs=4, batch_size=16, rng=3)
    assert model.history_["cost"] == history["cost"]
    assert model.n_iter_ == 4
    np.testing.assert_array_equal(model.decision_function(X), net.predict(X))
    np.testing.assert_array_equal(model.classes_, ["high", "low", "middle"])
    np.testing.assert_array_equal(model.predict(X), model.classes_[net.predict(X).argmax(1)])
    np.testing.assert_allclose(model.predict_proba(X), rp.Softmax().forward(net.predict(X)))
    assert model.net_.dtype == np.float64
    assert rp.evaluate(model.net_, rp.CrossEntropy(), X, LABELS).accuracy == model.score(X, LABELS)
    assert Classifier(**SMALL, dtype="float32").fit(X, LABELS).predict_proba(X).dtype == np.float32


@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_three_calls_of_partial_fit_are_three_epochs_of_fit(kind):
    y, first = (LABELS, {"classes": np.unique(LABELS)}) if kind is Classifier else (X.sum(1), {})
    whole, parts = kind(**SMALL).set_params(max_iter=3).fit(X, y), kind(**SMALL)
    for k in range(3):
        parts.partial_fit(X, y, **(first if k == 0 else {}))
    same(whole, parts)
    assert parts.history_["cost"] == whole.history_["cost"]
    assert parts.history_["epoch"] == [1, 2, 3]


def test_a_warm_start_goes_on_and_a_cold_one_begins_anew():
    cold, warm = Regressor(**SMALL).fit(X, X[:, 0]), Regressor(**SMALL, warm_start=True).fit(X, X[:, 0])
    same(cold, warm)
    same(cold.fit(X, X[:, 0]), warm)
    warm.set_params(early_stopping=True).fit(X, X[:, 0])
    assert warm.n_iter_ == 8
    assert warm.history_["cost"][4] < warm.history_["cost"][0]
    assert np.isnan(warm.history_["validation_cost"]).tolist() == [True] * 4 + [False] * 4


def test_weights_of_classes_are_weights_of_their_examples():
    few = np.r_[:40, 55:60]
    counts = {label: np.sum(LABELS[few] == label) for label in np.unique(LABELS)}
    weights = np.array([len(few) / (3 * counts[label]) for label in LABELS[few]])
    balanced = Classifier(**SMALL, class_weight="balanced").fit(X[few], LABELS[few])
    same(balanced, Classifier(**SMALL).fit(X[few], LABELS[few], sample_weight=weights))
    times = np.arange(60) % 3 + (np.arange(60) == 0)
    repeated = Classifier(**SMALL, class_weight="balanced").set_params(batch_size=200)
    weighted = clone(repeated).fit(X, LABELS, sample_weight=times)
    repeated.fit(X.repeat(times, 0), LABELS.repeat(times))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X))
    named = Classifier(**SMALL, class_weight={"high": 0, "low": 2}).fit(X, LABELS)
    assert named.classes_.tolist() == ["high", "low", "middle"]
    assert "high" not in named.set_params(max_iter=60).fit(X, LABELS).predict(X)


def test_early_stopping_keeps_the_best_epoch_of_a_validation_part():
    noise = np.random.default_rng(0).permutation(LABELS)            # which can only be learned by heart
    model = Classifier(hidden=(30,), lr=0.1, early_stopping=True, n_iter_no_change=3, validation_fraction=0.3, random_state=0)
    costs = model.fit(X, noise).history_["validation_cost"]
    assert len(costs) < 200
    assert "validation_cost did not improve for 3 epochs" in model.history_.stopped
    assert int(np.argmin(costs)) == len(costs) - 4
    best = clone(model).set_params(max_iter=len(costs) - 3, n_iter_no_change=99).fit(X, noise)
    same(model, best)
    weighted = clone(model).fit(X, noise, sample_weight=np.linspace(1, 2, 60)).history_["validation_cost"]
    assert weighted[0] != costs[0]
    assert Classifier(tol=10, n_iter_no_change=2).fit(X, Y).n_iter_ == 3        # the training cost falls by less than 10


def test_a_network_is_copied_and_a_builder_called_with_shapes():
    net = rp.Sequential(rp.Linear(2, 4, rng=0), rp.Tanh(), rp.Linear(4, 3, rng=1))
    before = net.state_dict()
    model = Classifier(net, lr=0.05, max_iter=3, random_state=0).fit(X, LABELS)
    assert all(np.array_equal(net.state_dict()[name], before[name]) for name in before)
    assert model.net_.feature_names is None
    images, seen = np.random.default_rng(0).random((20, 1, 4, 4)), []

    def build(n_features, n_outputs):
        seen.append((n_features, n_outputs))
        return rp.Sequential(rp.Conv2d(1, 2, 3, rng=0), rp.ReLU(), rp.Flatten(), rp.Linear(8, n_outputs, rng=1))

    model = Classifier(build, init="He", max_iter=2, random_state=1).fit(images, np.arange(20) % 2)
    assert seen == [((1, 4, 4), 1)]
    assert model.predict_proba(images).shape == (20, 2)
    assert Regressor(hidden=3, max_iter=1).fit(images, np.arange(20.0)).predict(images).shape == (20,)
    twins = [Classifier(build, init=init, lr=0, max_iter=1, random_state=1).fit(images, np.arange(20) % 3).net_[0].weight.data
             for init in ("He", rp.HeNormal(), "PyTorch", rp.initializers.of("PyTorch"), "LSUV", None)]
    np.testing.assert_array_equal(twins[0], twins[1])
    np.testing.assert_array_equal(twins[2], twins[3])
    assert len({tuple(twin.reshape(-1)) for twin in twins}) == 4


@pytest.mark.parametrize(("net", "loss", "proba"), [
    (rp.Sequential(rp.Linear(2, 1, rng=0)), None, True), (rp.Sequential(rp.Linear(2, 2, rng=0)), None, True),
    (rp.Sequential(rp.Linear(2, 2, rng=0), rp.LogSoftmax()), rp.NLL(), True),
    (rp.Sequential(rp.Linear(2, 1, rng=0), rp.Sigmoid()), rp.BCE(), True), (rp.Linear(2, 1, rng=0), rp.Hinge(), False)],
    ids=["one logit", "two logits", "NLL", "BCE", "Hinge"])
def test_two_classes_whatever_the_outputs_and_the_loss(net, loss, proba):
    y = np.where(X[:, 0] > X[:, 0].mean(), "yes", "no")
    model = Classifier(net, loss=loss, lr=0.1, max_iter=100, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9
    np.testing.assert_array_equal(model.predict(X), np.where(model.decision_function(X) > 0, "yes", "no"))
    assert hasattr(model, "predict_proba") is hasattr(model, "predict_log_proba") is proba
    if proba:
        np.testing.assert_allclose(model.predict_proba(X).sum(1), 1)
        np.testing.assert_array_equal(model.predict(X), np.where(model.predict_proba(X)[:, 1] > 0.5, "yes", "no"))


def test_several_labels_and_several_numbers():
    y = np.stack([X[:, 0] > 0, X[:, 1] > 0, X.sum(1) > 0], 1).astype(int)
    model = Classifier(hidden=(20,), lr=0.05, max_iter=100, random_state=0).fit(X, y)
    assert model.predict(X).shape == model.predict_proba(X).shape == y.shape
    assert (model.predict(X) == y).mean() > 0.9
    model = Regressor(hidden=(20,), lr=0.02, max_iter=200, random_state=0).fit(X, X @ np.ones((2, 3)))
    assert model.predict(X).shape == (60, 3)
    assert model.score(X, X @ np.ones((2, 3))) > 0.9


def test_pipelines_searches_calibration_and_pickle():
    model = make_pipeline(StandardScaler(), Classifier(**SMALL))
    grid = {"classifier__lr": [0.001, 0.05], "classifier__init": ["Glorot", "N(0, 0.01²)"]}
    with joblib.parallel_backend("threading"):
        found = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X, LABELS)
    assert found.best_params_["classifier__lr"] == 0.05
    same(found.best_estimator_[-1], clone(found.best_estimator_).fit(X, LABELS)[-1])
    assert cross_val_score(model, X, LABELS, cv=3).shape == (3,)
    assert CalibratedClassifierCV(model, cv=2).fit(X, LABELS).predict_proba(X).shape == (60, 3)
    again = pickle.loads(pickle.dumps(found.best_estimator_))
    np.testing.assert_array_equal(again.predict_proba(X), found.best_estimator_.predict_proba(X))
    again[-1].partial_fit(X, LABELS)
    found.best_estimator_[-1].partial_fit(X, LABELS)
    same(again[-1], found.best_estimator_[-1])


@pytest.mark.long
def test_a_search_in_processes_finds_what_one_in_threads_finds():
    grid = {"lr": [0.001, 0.05], "init": ["Glorot", "PyTorch"]}
    apart, here = (GridSearchCV(Classifier(**SMALL), grid, cv=2, n_jobs=jobs).fit(X, LABELS) for jobs in (2, 1))
    np.testing.assert_array_equal(apart.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_and_categories(library):
    kind = pytest.importorskip(library)
    x = kind.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    y = kind.Series(LABELS, dtype="category") if library == "pandas" else kind.Series(LABELS, dtype=kind.Categorical)
    model = Classifier(**SMALL).fit(x, y)
    np.testing.assert_array_equal(model.predict(x), Classifier(**SMALL).fit(X, LABELS).predict(X))
    if hasattr(model, "feature_names_in_"):                         # old versions do not know polars' names
        assert tuple(model.feature_names_in_) == model.net_.feature_names == ("a", "b")
        with pytest.raises(ValueError, match="feature names"):
            model.predict(x[["b", "a"]])


@pytest.mark.parametrize(("change", "y", "error", "text"), [
    ({"hidden": (4, 0)}, Y, ArgumentError, "each size in hidden must be an integer of at least 1, got 0"),
    ({"hidden": None}, Y, ArgumentError, "each size in hidden must be an integer of at least 1, got None"),
    ({"activation": "logistic"}, Y, ArgumentError, "activation must be one of 'tanh'"),
    ({"init": "xavier"}, Y, ArgumentError, "did you mean 'Glorot'?"),
    ({"optimizer": "lbfgs"}, Y, ArgumentError, "optimizer must be one of 'sgd', 'adam'"),
    ({"lr": -1}, Y, ArgumentError, "lr must be a number in [0, inf), got -1"),
    ({"weight_decay": -1}, Y, ArgumentError, "weight_decay must be a number in [0, inf), got -1"),
    ({"class_weight": {7: 2}}, Y, ArgumentError, "must have weights of the classes 0, 1, 2, got some for 7, which are none"),
    ({"class_weight": "even"}, Y, ArgumentError, "class_weight must be one of 'balanced', got 'even'"),
    ({"class_weight": "balanced"}, np.stack([Y, Y], 1) % 2, ArgumentError, "class_weight must be None for several labels"),
    ({"max_iter": 0}, Y, ArgumentError, "max_iter must be an integer of at least 1, got 0"),
    ({"batch_size": "all"}, Y, ArgumentError, "batch_size must be an integer of at least 1, got 'all'"),
    ({"tol": -1}, Y, ArgumentError, "tol must be a number in [0, inf), got -1"),
    ({"early_stopping": True, "validation_fraction": 0.001}, Y, ArgumentError,
     "validation_fraction must leave at least one example in each part, got 0.001 of 60 examples"),
    ({"random_state": -1}, Y, ArgumentError, "random_state must be an integer of at least 0, got -1"),
    ({"dtype": "int8"}, Y, rp.DtypeError, "dtype must be float32 or float64, got 'int8'"),
    ({"net": "dense"}, Y, ArgumentError,
     "net must be a network, or a function of (n_features, n_outputs) that returns one, got 'dense'"),
    ({"net": rp.Linear(2, 2, rng=0)}, Y, ShapeError,
     "net must have 3 outputs, for 3 classes, got the output shape (60, 2) for x of shape (60, 2)"),
    ({"loss": rp.MSE()}, Y, ShapeError, "target must have the shape of the prediction"),
    ({"lr": 1e308, "optimizer": "sgd"}, Y,
     NonFiniteError, "fit: the cost of epoch"),
    ({}, np.zeros(60), DataError, "y must hold at least two classes, got only 0.0"),
    ({}, X, ValueError, "Unknown label type"),
    ({}, np.stack([Y, Y], 1), DataError, "y must be a matrix of 0 and 1"),
], ids=lambda value: str(value)[:40] if isinstance(value, (dict, str)) else "")
def test_wrong_parameters_are_told_and_what_was_fitted_stays(change, y, error, text):
    model = Classifier(**SMALL).fit(X, LABELS)
    expected, params = model.predict_proba(X), model.get_params()
    with pytest.raises(error) as caught:
        model.set_params(**change).fit(X.astype(object) if not change else X, y)
    assert text in str(caught.value)
    np.testing.assert_array_equal(model.set_params(**params).predict_proba(X), expected)


def test_partial_fit_needs_all_classes_first():
    with pytest.raises(ArgumentError, match="classes must be given in the first call"):
        Classifier().partial_fit(X, Y)
    with pytest.raises(ArgumentError, match="class_weight must be a dict or None, got 'balanced'"):
        Classifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])
    model = Classifier(**SMALL).partial_fit(X[:1], Y[:1], classes=[0, 1, 2])
    with pytest.raises(DataError, match="y must hold the classes 0, 1, 2, got 7"):
        model.partial_fit(X, np.full(60, 7))
    with pytest.raises(NotFittedError):
        Classifier(loss=rp.Hinge()).decision_function(X)


def test_a_random_state_is_a_seed_or_where_one_is_drawn_from():
    for kind in (np.random.RandomState, np.random.default_rng):
        first, second = kind(0), kind(0)
        models = [Regressor(**SMALL).set_params(random_state=state).fit(X, X[:, 0]) for state in (first, second, first)]
        same(models[0], models[1])
        assert models[2].history_["cost"] != models[0].history_["cost"]
    assert Regressor(max_iter=1).fit(X, X[:, 0]).history_["cost"] != Regressor(max_iter=1).fit(X, X[:, 0]).history_["cost"]


def test_any_optimizer_and_decay_of_weights_alone():
    model = Regressor(hidden=(4,), optimizer=partial(rp.SGD, momentum=0.5, nesterov=True), weight_decay=0.1, max_iter=2)
    groups = model.fit(X, X[:, 0]).optimizer_.groups
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert [{parameter.data.ndim for parameter in group["params"]} for group in groups] == [{2}, {1}]
    assert groups[0]["nesterov"]
    assert Regressor(optimizer="adamw", max_iter=1).fit(X, X[:, 0]).optimizer_.weight_decay == 0.01
    assert Regressor(optimizer="sgd", momentum=0.3, max_iter=1).fit(X, X[:, 0]).optimizer_.momentum == 0.3


@pytest.mark.skipif(not DOCS.exists(), reason="the documentation is not beside these tests")
def test_the_page_runs_and_prints_what_it_says(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, blocks = {}, re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", DOCS.read_text("utf-8"), re.DOTALL)
    for code, printed in blocks:
        exec(compile(code, str(DOCS), "exec"), names)
        assert capsys.readouterr().out == printed
    assert len(blocks) >= 4
