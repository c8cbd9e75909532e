"""from_scikit_learn and from_opencv: the multilayer perceptrons of other libraries predict the same here."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import retroprop as rp
from retroprop.interop import from_opencv, from_scikit_learn, from_torch

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (40, 3))
CLASSES, TWO = np.arange(40) % 3, np.array(["no", "yes"])[np.arange(40) % 2]
VALUES = np.c_[X.sum(1), 5 * X[:, 0]]


@pytest.fixture(scope="module")
def perceptrons():
    return pytest.importorskip("sklearn.neural_network", reason="needs the extra sklearn")


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_of_scikit_learn_are_equal(perceptrons, activation, dtype):
    options, x = {"hidden_layer_sizes": (5, 4), "activation": activation, "max_iter": 3, "random_state": 0}, X.astype(dtype)
    atol = 1e-6 if dtype == "float32" else 1e-12
    several = perceptrons.MLPClassifier(**options).fit(x, CLASSES)
    net = from_scikit_learn(several)
    assert net.dtype == dtype
    assert_allclose(net.predict(x), several.predict_proba(x), atol=atol)
    two = perceptrons.MLPClassifier(**options).fit(x, TWO)
    assert_allclose(from_scikit_learn(two).predict(x), two.predict_proba(x)[:, 1:], atol=atol)
    logits = from_scikit_learn(two, logits=True)
    assert_allclose(rp.Sigmoid().forward(logits.predict(x)), two.predict_proba(x)[:, 1:], atol=atol)
    values = perceptrons.MLPRegressor(**options).fit(x, VALUES.astype(dtype))
    assert_allclose(from_scikit_learn(values).predict(x), values.predict(x), atol=10 * atol)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_the_coefficients_are_copies_and_a_network_without_hidden_layers_is_one(perceptrons):
    single = perceptrons.MLPRegressor(hidden_layer_sizes=(), max_iter=2, random_state=0).fit(X, VALUES[:, 0])
    net = from_scikit_learn(single)
    assert repr(net) == "Sequential(Linear(3, 1, dtype='float64'))"
    before = single.predict(X)
    net[0].weight.data[...] = 0
    assert_allclose(single.predict(X), before, rtol=0)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_what_is_no_fitted_perceptron_is_refused(perceptrons):
    from sklearn.pipeline import make_pipeline
    for given, text in [(perceptrons.MLPClassifier(), "got MLPClassifier(); it is not fitted"), (3, "got 3"),
                        (make_pipeline(perceptrons.MLPClassifier()), "; give the last step, pipeline[-1]")]:
        with pytest.raises(rp.ArgumentError) as caught:
            from_scikit_learn(given)
        assert str(caught.value).startswith("from_scikit_learn: mlp must be a fitted MLPClassifier or MLPRegressor, got ")
        assert text in str(caught.value)
    fitted = perceptrons.MLPRegressor(max_iter=1, random_state=0).fit(X, VALUES)
    fitted.out_activation_ = "exp"
    with pytest.raises(rp.ArgumentError, match="out_activation_ must be one of 'identity', 'logistic', 'softmax', got 'exp'"):
        from_scikit_learn(fitted)


@pytest.fixture(scope="module")
def cv2():
    found = pytest.importorskip("cv2", reason="needs the extra opencv")
    if not hasattr(found, "ml"):
        pytest.skip("OpenCV 5 has no ANN_MLP")
    return found


def trained(cv2, activation, first=0.0, second=0.0, flags=0, iterations=20):
    mlp = cv2.ml.ANN_MLP_create()
    mlp.setLayerSizes(np.array([3, 4, 5, 2]))
    mlp.setActivationFunction(getattr(cv2.ml, f"ANN_MLP_{activation}"), first, second)
    mlp.setTrainMethod(cv2.ml.ANN_MLP_BACKPROP, 0.001, 0.1)
    mlp.setTermCriteria((cv2.TERM_CRITERIA_MAX_ITER, iterations, 0))
    mlp.train(cv2.ml.TrainData_create(X.astype("float32"), cv2.ml.ROW_SAMPLE, VALUES.astype("float32")), flags)
    return mlp


@pytest.mark.parametrize("flags", [0, 2, 4, 6])                     # which of inputs and outputs are not scaled
@pytest.mark.parametrize("options", [(0, 0), (0.3, 2.0)])
def test_predictions_of_opencv_are_equal(cv2, options, flags):
    activations = ["SIGMOID_SYM", *(("RELU", "LEAKYRELU", "IDENTITY") if flags & cv2.ml.ANN_MLP_NO_OUTPUT_SCALE else ())]
    for activation in activations:
        mlp = trained(cv2, activation, *options, flags)
        net = from_opencv(mlp)
        assert_allclose(net.predict(X), mlp.predict(X.astype("float32"))[1], rtol=1e-5, atol=1e-5)
        assert [parameter.frozen for parameter in net.parameters()] == [False] * 6 + [True] * 2


def test_the_symmetric_sigmoid_of_opencv_is_not_the_one_of_its_manual(cv2):
    """It is 1.7159 tanh(x / 3), where the manual's α = 2/3 is read as tanh(2 x / 3)."""
    mlp = trained(cv2, "SIGMOID_SYM", flags=6)
    hidden, weights = X, [mlp.getWeights(k) for k in (1, 2, 3)]
    for weight in weights:
        hidden = 1.7159 * np.tanh((hidden @ weight[:-1] + weight[-1]) / 3)
    scale = mlp.getWeights(4)[0]
    assert_allclose(mlp.predict(X.astype("float32"))[1], hidden * scale[::2] + scale[1::2], atol=1e-5)


def test_what_opencv_cannot_predict_or_ours_has_not_is_refused(cv2):
    for given in (3, cv2.ml.ANN_MLP_create()):
        with pytest.raises(rp.ArgumentError, match=r"from_opencv: mlp must be a trained cv2\.ml\.ANN_MLP, got "):
            from_opencv(given)
    with pytest.raises(rp.ArgumentError, match=r"the activation must be one of 'IDENTITY', .*, got 'GAUSSIAN'"):
        from_opencv(trained(cv2, "GAUSSIAN"))
    with pytest.raises(rp.DataError, match="train it with the flag NO_OUTPUT_SCALE"):
        from_opencv(trained(cv2, "RELU"))


@pytest.mark.parametrize(("function", "package", "extra"), [(from_opencv, "cv2", "opencv"), (from_torch, "torch", "torch")])
def test_without_the_package_the_error_names_the_extra(monkeypatch, function, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(rp.ArgumentError, match=rf"needs the extra {extra}: pip install 'retroprop\[{extra}\]'"):
        function(None)
