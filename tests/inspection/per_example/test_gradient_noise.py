"""The noise of minibatch gradients: the law, the measurement, and cases in which the law does not hold."""

import numpy as np
import pytest
from cases import numbers
from numpy.testing import assert_allclose
from steps import refuses

import retroprop as rp
from retroprop.errors import ArgumentError

X, Y = numbers(7, 3), np.array([0, 2, 1, 1, 0, 2, 2])


def layers():
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), rp.Linear(4, 3, rng=2)).astype("float64")


def gradient(net, loss, x, y):
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    net.update()
    return np.concatenate([parameter.grad.ravel() for parameter in net.parameters() if not parameter.frozen])


def test_sigma_is_the_deviation_of_the_examples_gradients():
    net = layers()
    noise = rp.gradient_noise(net, rp.CrossEntropy(), X, Y, sizes=[1, 4, 9], rng=0)
    own = np.array([gradient(net, rp.CrossEntropy(), X[i:i + 1], Y[i:i + 1]) for i in range(7)])
    assert_allclose(noise.sigma, np.sqrt(((own - own.mean(0))**2).sum(1).mean()), rtol=1e-12)
    assert_allclose(noise.length, np.linalg.norm(own.mean(0)), rtol=1e-12)
    assert_allclose(noise.predicted, noise.sigma / np.sqrt([1, 4, 9]), rtol=1e-12)
    assert (noise.sizes, noise.examples, noise.draws) == ((1, 4, 9), 7, 100)


@pytest.mark.parametrize("frozen", [False, True])
def test_the_measured_noise_is_that_of_the_minibatches_drawn(frozen):
    """In the parameters that are not frozen."""
    net = layers()
    net[0].weight.frozen = net[2].bias.frozen = frozen
    found = rp.gradient_noise(net, rp.CrossEntropy(), X, Y, sizes=[1, 3], draws=2, rng=5)
    rng, whole = np.random.default_rng(5), gradient(net, rp.CrossEntropy(), X, Y)
    assert_allclose(found.length, np.linalg.norm(whole), rtol=1e-12)
    for k, measured in zip((1, 3), found.measured, strict=True):
        drawn = [rng.integers(7, size=k) for _ in range(2)]
        strays = [gradient(net, rp.CrossEntropy(), X[i], Y[i]) - whole for i in drawn]
        assert_allclose(measured, np.sqrt(np.mean([stray @ stray for stray in strays])), rtol=1e-10)


def test_noise_falls_with_the_root_of_the_size():
    noise = rp.gradient_noise(layers(), rp.CrossEntropy(), X, Y, draws=1000, rng=0)
    assert noise.sizes == (1, 2, 4)
    assert_allclose(noise.measured, noise.predicted, rtol=0.05)


def test_more_examples_than_fit_in_one_part():
    x, y = numbers(40, 3), np.arange(40) % 3
    noise = rp.gradient_noise(layers(), rp.CrossEntropy(), x, y, sizes=[1], draws=1, rng=0)
    own = np.array([gradient(layers(), rp.CrossEntropy(), x[i:i + 1], y[i:i + 1]) for i in range(40)])
    assert_allclose(noise.sigma, np.sqrt(((own - own.mean(0))**2).sum(1).mean()), rtol=1e-12)


def test_equal_examples_have_no_noise():
    for net in (rp.Linear(3, 3, rng=0), layers()):
        noise = rp.gradient_noise(net, rp.CrossEntropy(), X[[0, 0, 0]], Y[[0, 0, 0]], draws=3, rng=0)
        assert noise.length > 0.1
        assert max(noise.sigma, *noise.measured) < 1e-14 * noise.length
    assert str(rp.inspection.GradientNoise((1,), (0.0,), 0.0, 0.0, 1, 3)).splitlines()[3].split() == ["1", "0", "0", "-", "-"]


def test_nearly_equal_examples_have_little_noise():
    """So little that float32, or a difference of squares, could not resolve it."""
    x = X[:1] + 1e-9 * numbers(50, 3, seed=1)
    noise = rp.gradient_noise(rp.Linear(3, 3, rng=0), rp.CrossEntropy(), x, np.zeros(50, int), draws=500, rng=0)
    assert 0 < noise.sigma < 1e-7 * noise.length
    assert_allclose(noise.measured, noise.predicted, rtol=0.1)


def test_a_net_of_several_inputs():
    net = rp.Graph({"a": (rp.Linear(3, 2, rng=0), "p"), "b": (rp.Linear(3, 2, rng=1), "q"), "sum": (rp.Add(), "a", "b")},
                   inputs=("p", "q"), outputs="sum")
    joined = rp.Sequential(rp.Linear(6, 2, rng=0)).astype("float64")
    joined[0].weight.data = np.concatenate([net["a"].weight.data, net["b"].weight.data], 1)
    net["b"].bias.frozen = True                                     # joined has one
    noise, same = (rp.gradient_noise(each, rp.MSE(), x, X[:, :2], draws=5, rng=0)
                   for each, x in ((net, (X.tolist(), 2 * X)), (joined, np.concatenate([X, 2 * X], 1))))
    assert_allclose((noise.sigma, noise.length, *noise.measured), (same.sigma, same.length, *same.measured), rtol=1e-6)


# Cases in which the law does not hold


def masked():
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.Sequential(rp.Dropout(0.1, rng=2)), rp.Linear(4, 3, rng=3))


class Noisy(rp.MSE):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def costs(self, prediction, target):
        return super().costs(prediction, target + self.rng.random())


@pytest.mark.parametrize(("net", "loss", "what"), [
    (masked(), rp.MSE(), "Dropout(p=0.1) at '1.0'"), (layers(), Noisy(), "Noisy()")])
def test_modules_that_draw_random_numbers_are_refused(net, loss, what):
    with refuses(ArgumentError, "gradient_noise: no module may draw random numbers, which add noise of their own, but "
                                f"{what} does; Dropout draws in training mode only: call net.eval() first"):
        rp.gradient_noise(net, loss, X, X)
    assert rp.gradient_noise(masked().eval(), rp.MSE(), X, X, draws=1).sigma > 0


@pytest.mark.parametrize(("options", "loss", "text"), [
    ({}, rp.MSE("sum"), "gradient_noise: loss must have reduction='mean', so that gradients do not grow with k, got "
                        "MSE(reduction='sum')"),
    ({}, rp.CrossEntropy([1, 50, 1]), "gradient_noise: loss must have no class weights, whose sum replaces k in the mean "
                                      "of a minibatch, got CrossEntropy(weight=[1.0, 50.0, 1.0])"),
    ({"draws": 0}, rp.MSE(), "draws must be an integer of at least 1, got 0"),
    ({"sizes": [2, 0]}, rp.MSE(), "sizes must be an integer of at least 1, got 0"),
    ({"sizes": []}, rp.MSE(), "gradient_noise: sizes must hold at least one size, got []"),
    ({"sizes": 8}, rp.MSE(), "gradient_noise: sizes must hold at least one size, got 8"),
    ({"rng": -1}, rp.MSE(), "rng must be None, an integer of at least 0 or a numpy.random.Generator, got -1")])
def test_gradient_noise_refuses(options, loss, text):
    with refuses(ArgumentError, text):
        rp.gradient_noise(rp.Linear(3, 3, rng=0), loss, X, X, **options)


def test_as_many_examples_as_inputs_of_the_net():
    net = rp.Graph({"s": (rp.Add(), "a", "b"), "y": (rp.Linear(3, 3, rng=1), "s")}, inputs=("a", "b"), outputs="y")
    noise = rp.gradient_noise(net, rp.CrossEntropy(), (X[:2], X[2:4]), Y[:2], sizes=[1, 2], rng=0)
    assert noise.examples == 2
    assert_allclose(noise.measured, noise.predicted, rtol=0.3)
