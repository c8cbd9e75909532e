"""The libraries themselves, where they are installed: their defaults and ours have the same distribution.

Not installed by the tests' extra: ``pip install torch scikit-learn jax flax dm-haiku equinox paddlepaddle
opencv-python-headless`` brings what is tested here.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from retroprop.initializers import Layer, chain, of

INPUTS, OUTPUTS = 150, 300


def torch_layer(kernel=()):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(10, OUTPUTS, kernel) if kernel else torch.nn.Linear(INPUTS, OUTPUTS)
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def scikit_learn_layer(activation):
    module = pytest.importorskip("sklearn.neural_network")
    net = module.MLPClassifier((OUTPUTS,), activation=activation, random_state=0)
    net.activation, net._random_state = activation, np.random.RandomState(0)
    weight, bias = net._init_coef(INPUTS, OUTPUTS, np.float64)
    return weight.T, bias


def flax_layer():
    linen, jax = pytest.importorskip("flax.linen"), pytest.importorskip("jax")
    values = linen.Dense(OUTPUTS).init(jax.random.key(0), np.zeros((1, INPUTS), "float32"))["params"]
    return np.asarray(values["kernel"]).T, np.asarray(values["bias"])


def haiku_layer():
    haiku, jax = pytest.importorskip("haiku"), pytest.importorskip("jax")
    values = haiku.transform(lambda x: haiku.Linear(OUTPUTS)(x)).init(jax.random.key(0), np.zeros((1, INPUTS), "float32"))
    return np.asarray(values["linear"]["w"]).T, np.asarray(values["linear"]["b"])


def stax_layer():
    stax, jax = pytest.importorskip("jax.example_libraries.stax"), pytest.importorskip("jax")
    _, (weight, bias) = stax.Dense(OUTPUTS)[0](jax.random.key(0), (1, INPUTS))
    return np.asarray(weight).T, np.asarray(bias)


def equinox_layer():
    nn, jax = pytest.importorskip("equinox.nn"), pytest.importorskip("jax")
    layer = nn.Linear(INPUTS, OUTPUTS, key=jax.random.key(0))
    return np.asarray(layer.weight), np.asarray(layer.bias)


def paddle_layer(kernel=()):
    nn = pytest.importorskip("paddle.nn")
    layer = nn.Conv2D(10, OUTPUTS, kernel) if kernel else nn.Linear(INPUTS, OUTPUTS)
    weight = layer.weight.numpy()
    return (weight if kernel else weight.T), layer.bias.numpy()


DRAWS = {
    "PyTorch": torch_layer, "Flax": flax_layer, "Haiku": haiku_layer, "stax": stax_layer, "Equinox": equinox_layer,
    "PaddlePaddle": paddle_layer}


def assert_alike(ours, theirs):
    """The same shape, and distributions that the test of Kolmogorov and Smirnov cannot tell apart; constants are equal."""
    from scipy.stats import ks_2samp
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        if np.ptp(other) == 0:
            assert_array_equal(mine, other)
        else:
            assert ks_2samp(mine.ravel(), other.ravel()).pvalue > 1e-3


@pytest.mark.parametrize("name", DRAWS)
def test_dense_layers(name):
    theirs = DRAWS[name]()
    assert_alike(of(name).draw(chain(INPUTS, OUTPUTS, 5), rng=0)[0], theirs)


@pytest.mark.parametrize(("name", "draw"), [("PyTorch", torch_layer), ("PaddlePaddle", paddle_layer)])
def test_convolutions(name, draw):
    theirs = draw((5, 3))
    assert_alike(of(name).draw([Layer((OUTPUTS, 10, 5, 3))], rng=0)[0], theirs)


@pytest.mark.parametrize(("activation", "ours"), [("tanh", "tanh"), ("relu", "relu"), ("logistic", "sigmoid")])
def test_scikit_learn(activation, ours):
    theirs = scikit_learn_layer(activation)
    assert_alike(of("scikit-learn").draw(chain(INPUTS, OUTPUTS, 5, activation=ours), rng=0)[0], theirs)


def test_another_distribution_is_told_apart():
    mine, other = (of(name).draw(chain(INPUTS, OUTPUTS, 5), rng=rng)[0] for name, rng in (("Flax", 0), ("Haiku", 1)))
    with pytest.raises(AssertionError):
        assert_alike(mine, other)


def test_opencv_to_the_bit():
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "ml"):
        pytest.skip("this release keeps ml in its extra modules")
    sizes = (64, 100, 100, 10)
    net = cv2.ml.ANN_MLP_create()
    net.setLayerSizes(np.array(sizes))
    net.setActivationFunction(cv2.ml.ANN_MLP_SIGMOID_SYM, 1, 1)
    net.setTrainMethod(cv2.ml.ANN_MLP_BACKPROP, 0.1, 0)
    net.setBackpropWeightScale(0)                                   # a step of size 0, before which the weights are made
    net.setBackpropMomentumScale(0)
    net.setTermCriteria((cv2.TERM_CRITERIA_COUNT, 1, 0))
    rng = np.random.default_rng(0)
    x, y = (rng.random((9, size), np.float32) for size in (64, 10))
    net.train(cv2.ml.TrainData_create(x, cv2.ml.ROW_SAMPLE, y),
              cv2.ml.ANN_MLP_NO_INPUT_SCALE + cv2.ml.ANN_MLP_NO_OUTPUT_SCALE)
    for k, (weight, bias) in enumerate(of("OpenCV").draw(chain(*sizes))):
        theirs = net.getWeights(k + 1)
        assert_array_equal(weight.T, theirs[:-1])
        assert_array_equal(bias, theirs[-1])
