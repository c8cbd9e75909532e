"""Estimators with each of the losses: where classes are parted, what the dense network ends in, what a file holds."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra sklearn")

import retroprop as rp
from retroprop.errors import ArgumentError, DataError
from retroprop.interop import Classifier, Regressor

X = np.random.default_rng(0).standard_normal((60, 4))
TWO, THREE = np.where(X[:, 0] > 0, "yes", "no"), np.array(["a", "b", "c"])[np.arange(60) % 3]
SEVERAL = (X[:, :3] > 0).astype(int)
SMALL = {"hidden": (4,), "lr": 0.05, "max_iter": 5, "random_state": 0}


@pytest.mark.parametrize(("loss", "threshold"), [
    (rp.MSE(), 0.5), (rp.Huber(), 0.5), (rp.L1(), 0.5), (rp.BCE(), 0.5), (rp.BCEWithLogits(), 0), (rp.Hinge(), 0)], ids=str)
@pytest.mark.parametrize("y", [TWO, SEVERAL], ids=["two classes", "several labels"])
def test_the_loss_parts_classes_in_the_estimator_and_in_its_file(tmp_path, y, loss, threshold):
    model = Classifier(**SMALL, loss=loss).fit(X, y)
    above = model.net_.predict(X) > threshold
    np.testing.assert_array_equal(model.predict(X), above.astype(int) if y is SEVERAL else np.where(above[:, 0], "yes", "no"))
    np.testing.assert_array_equal(model.decision_function(X) > 0, above if y is SEVERAL else above[:, 0])
    model.save(tmp_path / "model")
    back = rp.load_model(tmp_path / "model").predict(X)
    np.testing.assert_array_equal(back, model.predict(X))
    assert back.dtype.kind == model.predict(X).dtype.kind


def test_the_file_of_a_regressor_has_its_numbers(tmp_path):
    model, scaler = Regressor(**SMALL), rp.datasets.Scaler.of(3 + 2 * X)
    model.fit(scaler.scaled(3 + 2 * X), X[:, 0]).save(tmp_path / "model", preprocessing=scaler)
    np.testing.assert_array_equal(rp.load_model(tmp_path / "model").predict(3 + 2 * X)[:, 0],
                                  model.predict(scaler.scaled(3 + 2 * X)))


@pytest.mark.parametrize(("loss", "y", "end"), [
    (rp.NLL(), THREE, "LogSoftmax"), (rp.NLL(), TWO, "LogSoftmax"), (rp.BCE(), TWO, "Sigmoid"), (rp.BCE(), SEVERAL, "Sigmoid"),
    (rp.CrossEntropy(), TWO, "Linear"), (rp.BCEWithLogits(), TWO, "Linear")], ids=str)
@pytest.mark.parametrize("init", [None, "PyTorch", "LSUV"])
def test_the_dense_network_ends_in_what_the_loss_wants(loss, y, end, init):
    model = Classifier(**SMALL, loss=loss, init=init).fit(X, y)
    p = model.predict_proba(X)
    assert type(model.net_[-1]).__name__ == end
    assert ((p >= 0) & (p <= 1)).all()
    if y is not SEVERAL:
        np.testing.assert_allclose(p.sum(1), 1)
    logits = {"LogSoftmax": rp.CrossEntropy(), "Sigmoid": rp.BCEWithLogits()}.get(end)
    if logits is not None:                                          # the same training
        np.testing.assert_allclose(Classifier(**SMALL, loss=logits, init=init).fit(X, y).predict_proba(X), p, rtol=1e-6)


def test_later_classes_must_be_the_first_ones():
    model = Classifier(**SMALL).partial_fit(X, TWO, classes=["yes", "no"]).partial_fit(X, TWO, classes=["no", "yes"])
    with pytest.raises(ArgumentError, match=r"^partial_fit: classes must be those of the first call, no, yes, got maybe, no"):
        model.partial_fit(X, TWO, classes=["no", "yes", "maybe"])
    assert model.partial_fit(X, TWO).n_iter_ == 3


def test_early_stopping_names_the_class_that_it_cannot_divide():
    with pytest.raises(DataError, match=r"^y must hold at least two examples of each class with early_stopping=True, which "
                                        r"takes validation_fraction=0.1 of each for validation, got one of 'lone'$"):
        Classifier(early_stopping=True).fit(X, ["lone"] + ["x", "y"] * 29 + ["x"])
