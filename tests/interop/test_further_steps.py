"""Networks of Keras, PyTorch and scikit-learn give their own outputs here, also after 100 further steps of SGD.

``files/make.py`` wrote their weights and outputs. Weights alone would not do: the momentum of BatchNorm, its eps, the variance
that it averages and what the decay divides by must be right too.
"""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import retroprop as rp
from retroprop.interop import from_keras, from_scikit_learn

FILES = Path(__file__).parent / "files"
SPEC = importlib.util.spec_from_file_location("make_files", FILES / "make.py")
MAKE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MAKE)
IMAGES, CLASSES = (MAKE.X / 5).astype("float32"), MAKE.Y.astype(int)


def convolutional():
    return rp.Sequential(rp.Conv2d(2, 3, 3, rng=0), rp.BatchNorm(3), rp.ReLU(), rp.MaxPool2d(2), rp.Flatten(),
                         rp.Linear(12, 7, rng=1), rp.BatchNorm(7), rp.Tanh(), rp.Linear(7, 3, rng=2))


def train(net, loss, sgd, x, y):
    for xb, yb in MAKE.batches(x, y):
        loss.forward(net.forward(xb), yb)
        net.backward(loss.backward())
        net.update()
        sgd.step()


def assert_trains_as(net, expected, x, y, loss, sgd):
    for when in ("before", "after"):
        assert_allclose(net.predict(x), expected[when], atol=1e-5, rtol=0)
        if f"{when}, training" in expected:
            assert_allclose(net.forward(x[:MAKE.BATCH]), expected[f"{when}, training"], atol=1e-5, rtol=0)
        if when == "before":
            train(net, loss, sgd, x, y)
    assert np.abs(expected["after"] - expected["before"]).max() > 0.1   # the steps have moved it


def test_a_network_of_keras():
    """With BatchNormalization as it is by default."""
    pytest.importorskip("h5py", reason="needs the extra keras")
    net = from_keras(convolutional(), FILES / "keras.weights.h5")
    sgd = rp.SGD(net.parameters(), lr=0.05, momentum=0.9)
    assert_trains_as(net, np.load(FILES / "keras.npz"), IMAGES, CLASSES, rp.CrossEntropy(), sgd)


def test_a_network_of_pytorch():
    net = convolutional()
    rp.load(net, FILES / "torch.safetensors")
    sgd = rp.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
    assert_trains_as(net, np.load(FILES / "torch.npz"), IMAGES, CLASSES, rp.CrossEntropy(), sgd)


@pytest.mark.parametrize("name", ["classes", "values"])
def test_a_network_of_scikit_learn(name):
    """``alpha`` is divided by the batch and spares the biases; two outputs double the gradient of half the squared error."""
    file = np.load(FILES / "scikit_learn.npz")
    expected = {key.removeprefix(f"{name}."): file[key] for key in file if key.startswith(name)}
    weights, biases = ([expected[f"{what}{k}"] for k in range(3)] for what in ("weight", "bias"))
    mlp = SimpleNamespace(coefs_=weights, intercepts_=biases, activation="relu",
                          out_activation_="softmax" if name == "classes" else "identity")
    net, x = from_scikit_learn(mlp, logits=True), MAKE.X[:, 0].reshape(len(MAKE.X), -1) / 5
    sgd = rp.SGD(net.parameters(), 0.01, 0.9, nesterov=True, weight_decay=0.1 / MAKE.BATCH, decay_biases=False)
    if name == "classes":
        train(net, rp.CrossEntropy(), sgd, x, CLASSES)
        assert_allclose(rp.Softmax().forward(net.predict(x)), expected["after"], atol=1e-6, rtol=0)
    else:                                                           # MSE times half the number of outputs, which is 1
        assert_trains_as(net, expected, x, MAKE.values(x), rp.MSE(), sgd)
