"""Each kind of target has its loss, its outputs, its error and its constant prediction, in the units of y."""

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.data_set import data_set
from retroprop.experiments.compare.config import Config
from retroprop.experiments.compare.job import compare
from retroprop.experiments.compare.metric import Metric, constant_error, error_of, r_squared, sampling_error
from retroprop.experiments.compare.parts import Problem

SMALL = {"init": "Glorot", "depth": 1, "width": 20, "epochs": 8, "seeds": 2, "lr": 0.1, "progress": False}
RNG = np.random.default_rng(3)
X = RNG.normal(size=(150, 4))
LINEAR = X @ [3.0, -1, 2, 0]


def test_two_classes_have_one_output_and_learn_by_bce():
    found = compare((X, np.where(LINEAR > 0, "yes", "no")), **SMALL)
    assert (found.metric.kind, found.metric.name, found.metric.unit) == ("binary", "error", "%")
    assert (found.outputs, found.names) == (1, ("no", "yes"))
    assert found.summary()[0]["error"] < 0.15
    assert found["Glorot"][0].before[-1].activation.shape == (30, 1)


def test_several_labels_have_the_share_of_wrong_labels_as_error():
    y = np.stack([LINEAR > 0, X[:, 0] > 0, X[:, 1] < 1], 1).astype(int)
    found = compare((X, y), **SMALL)
    assert (found.metric.kind, found.outputs) == ("labels", 3)
    assert found.summary()[0]["error"] < 0.2
    assert error_of("labels", np.array([[1.0, -1, 2], [3, 4, 5]]), np.array([[1, 0, 0], [0, 1, 1]])) == pytest.approx(1 / 3)
    assert constant_error("labels", np.array([[1, 0], [1, 1], [0, 0]]), np.array([[1, 1], [0, 0]])) == 0.5


def test_the_rmse_of_values_is_in_the_units_of_y():
    """y · 1000 + 5000 is learned as well as y, and its errors are 1000 times as large; R² is the same."""
    y, k = LINEAR + 0.1 * RNG.normal(size=150), SMALL | {"standardize": True}
    plain, shifted = compare((X, y), **k), compare((X, y * 1000 + 5000), **k)
    a, b = plain.summary()[0], shifted.summary()[0]
    assert (plain.metric.name, plain.metric.unit) == ("RMSE", "")
    assert b["error"] == pytest.approx(1000 * a["error"], rel=1e-3)
    assert b["r2"] == pytest.approx(a["r2"], rel=1e-3)
    assert a["error"] < 1.5
    assert plain.metric.chance == pytest.approx(y.std(), rel=0.3)


def test_errors_of_values_far_from_0_keep_their_digits():
    """Of 1e9 + y the network learns y: so the error is that of y, though 1e9 and 1e9 + 1 are equal in float32."""
    y, k = 3 * LINEAR + RNG.normal(size=150), SMALL | {"standardize": True}
    near, far = compare((X, y), **k).summary()[0], compare((X, y + 1e9), **k).summary()[0]
    assert far["error"] == pytest.approx(near["error"], rel=1e-5)
    assert far["r2"] == pytest.approx(near["r2"], rel=1e-5)


def test_values_are_scaled_for_training_if_their_scale_asks_for_it():
    for y, scaled in ((LINEAR / LINEAR.std(), False), (LINEAR * 1000, True)):
        config = Config(seeds=1)
        problem = Problem.of(data_set((X, y)), config)
        parts = problem.parts(config, 0)
        assert problem.scaled_targets == (parts.scaler is not None) == scaled
        assert 0.5 < parts.train[1].std() < 2
        np.testing.assert_array_equal(np.sort(parts.test[1][:, 0]), np.sort(y[problem.division(config, 0).test]))


def test_of_several_scaled_values_the_error_is_in_their_standard_deviations():
    y = np.stack([LINEAR, 1000 * X[:, 1]], 1)
    found = compare((X, y), **SMALL)
    assert found.outputs == 2
    assert found.metric.chance == pytest.approx(1, abs=0.3)
    assert found.remarks[-1].endswith("its errors are in the standard deviations of its columns.")
    one = compare((X, y[:, 1]), **SMALL)
    assert one.remarks[-1].endswith("its errors are in the units of y.")
    assert found.summary()[0]["error"] < 0.6


def test_r2_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    y = RNG.normal(size=(30, 2)) * [1, 100]
    prediction = y + RNG.normal(size=(30, 2)) * [0.5, 20]
    assert r_squared(prediction, y, None) == pytest.approx(metrics.r2_score(y, prediction))


@pytest.mark.parametrize(("kind", "chance", "target", "goal"), [
    ("classes", 0.9, 0.1, "10 %"), ("binary", 0.5, 0.1, "10 %"), ("binary", 0.06, 0.03, "3 %"),
    ("labels", 0.15, 0.075, "7.5 %"), ("values", 10.0, 50**0.5, "an R² of 0.5")])
def test_learning_is_10_percent_or_half_of_the_error_of_a_constant(kind, chance, target, goal):
    """For values half of its squared error."""
    metric = Metric(kind, "" if kind == "values" else "%", chance)
    assert (metric.target, metric.goal) == (pytest.approx(target), goal)


@pytest.mark.parametrize("kind", ["binary", "labels", "values"])
def test_the_sampling_error_is_the_spread_over_test_parts(kind):
    rng = np.random.default_rng(5)
    prediction = rng.normal(size=(4000, 1 if kind != "labels" else 3)).astype(np.float32)
    y = prediction + rng.normal(size=prediction.shape)
    y = y if kind == "values" else (y > 0).astype(int) if kind == "labels" else (y[:, 0] > 0).astype(int)
    draws = [rng.choice(4000, 200, replace=False) for _ in range(500)]
    spread = np.std([error_of(kind, prediction[draw], y[draw]) for draw in draws])
    assert np.mean([sampling_error(kind, prediction[draw], y[draw]) for draw in draws]) == pytest.approx(spread, rel=0.15)


def test_predictions_that_are_not_finite_are_divergence_for_each_kind():
    for kind, y in (("classes", np.zeros(2, int)), ("binary", np.zeros(2, int)), ("labels", np.zeros((2, 3))),
                    ("values", np.zeros((2, 3)))):
        with pytest.raises(rp.NonFiniteError, match="training has diverged: prediction must be finite, got NaN or infinity"):
            error_of(kind, np.full((2, 1 if kind == "binary" else 3), np.nan), y)


@pytest.mark.parametrize(("name", "target", "kind", "most"), [
    ("iris", "target", "classes", 0.4), ("wine", "target", "classes", 0.2), ("breast_cancer", "target", "binary", 0.1),
    ("diabetes", "target", "values", 70)])
def test_scikit_learns_tables_need_a_file_and_a_target_and_nothing_else(name, target, kind, most, tmp_path):
    datasets = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("pandas")
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    frame.to_csv(tmp_path / f"{name}.csv", index=False)
    found = compare(tmp_path / f"{name}.csv", target=target, **SMALL | {"epochs": 5, "init": ["Glorot", "He"]})
    assert (found.metric.kind, found.features) == (kind, frame.shape[1] - 1)
    assert found.summary()[0]["error"] < min(most, 0.95 * found.metric.chance)
    assert found.remarks[0].startswith("Each column of x was scaled")
    assert found.command.startswith(f"retroprop compare --data {tmp_path / name}.csv --target {target} ")
