"""Saliency maps: their definitions, what they find, and that randomized parameters change them."""

import re
from copy import deepcopy
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from cases import Affine, Residual, numbers
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr

import retroprop as rp
from retroprop import saliency
from retroprop.errors import ArgumentError, DataError, DtypeError, ShapeError

X = numbers(5, 6)
IMAGES = numbers(3, 2, 4, 5)
METHODS = {
    "gradient": saliency.gradient,
    "gradient_times_input": saliency.gradient_times_input,
    "smooth_grad": partial(saliency.smooth_grad, samples=7, rng=0),
    "integrated_gradients": partial(saliency.integrated_gradients, steps=7),
    "occlusion": partial(saliency.occlusion, window=2),
}
over_methods = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def refuses(error, text):
    return pytest.raises(error, match=f"^{re.escape(text)}")


def net(*end, inputs=6, dtype="float64", activation=rp.Tanh):
    layers = (rp.Linear(inputs, 8, rng=1), activation(), rp.Linear(8, 4, rng=2), *end)
    return rp.Sequential(rp.Flatten(), *layers).astype(dtype)


def score(made, x, c):
    """Return the score of class c[k] for example k, summed over the examples."""
    return made.predict(x)[np.arange(len(x)), c].sum()


# Definitions


@pytest.mark.parametrize("end", [(), (rp.Softmax(),), (rp.LogSoftmax(),), (rp.Sequential(rp.Softmax()),)], ids=repr)
@pytest.mark.parametrize("classes", [2, [0, 3, 1, 2, 3]])
def test_the_gradient_is_of_the_score_before_the_softmax(end, classes):
    x = X.copy()
    found = saliency.gradient(net(*deepcopy(end)), x, classes)
    assert_allclose(found, rp.numerical_gradient(lambda a: score(net(), a, classes), x), rtol=1e-6, atol=1e-8)


def test_the_predicted_classes_are_the_default():
    made = net(rp.Softmax())
    predicted = made.predict(X).argmax(1)
    assert len(set(predicted)) > 1
    for method in METHODS.values():
        assert_array_equal(method(made, X), method(made, X, predicted))


def test_the_only_column_of_a_binary_net_is_its_score():
    made = rp.Sequential(rp.Linear(6, 1, rng=0), rp.Sigmoid()).astype("float64")
    for classes in (None, 0):
        assert_array_equal(saliency.gradient(made, X, classes), np.repeat(made[0].weight.data, 5, 0))
    with refuses(ArgumentError, "classes must be columns of the output, from 0 to 0, got 1 to 1; the only score of a net with "
                                "one column is that column"):
        saliency.gradient(made, X, 1)


def test_gradient_times_input_is_the_product():
    assert_allclose(saliency.gradient_times_input(net(), X, 1), X * saliency.gradient(net(), X, 1), rtol=1e-14)


@pytest.mark.parametrize("samples", [1, 200])
def test_smooth_grad_is_the_mean_of_gradients_at_noisy_copies(samples):
    rng, made = np.random.default_rng(4), net()
    sigma = 0.2 * (X.max(1) - X.min(1))[:, None]
    maps = [saliency.gradient(made, X + sigma * rng.standard_normal(X.shape), 3) for _ in range(samples)]
    found = saliency.smooth_grad(made, X, 3, samples=samples, noise=0.2, rng=4)
    assert_allclose(found, np.mean(maps, 0), rtol=1e-12)
    assert_allclose(saliency.smooth_grad(made, X, 3, samples=samples, noise=0), saliency.gradient(made, X, 3), rtol=1e-12)


def test_integrated_gradients_of_an_affine_score_are_exact_in_one_step():
    layer = rp.Linear(6, 4, rng=0).astype("float64")
    found = saliency.integrated_gradients(layer, X, 2, baseline=0.5, steps=1)
    assert_allclose(found, (X - 0.5) * layer.weight.data[2], rtol=1e-12)


@pytest.mark.parametrize(("activation", "dtype", "tolerance"), [(rp.Tanh, "float64", 1e-9), (rp.Tanh, "float32", 1e-5),
                                                                (rp.ReLU, "float64", 0.02)])
@pytest.mark.parametrize("baseline", [0, numbers(1, 6, seed=3)[0], numbers(5, 6, seed=4)], ids=["number", "example", "batch"])
def test_integrated_gradients_are_complete(activation, dtype, tolerance, baseline):
    """They sum to the rise of the score, up to round-off for smooth nets, up to the quadrature error for others."""
    made = net(rp.Softmax(), activation=activation, dtype=dtype)
    maps = saliency.integrated_gradients(made, X, 1, baseline=baseline)
    rise = [score(net(activation=activation, dtype=dtype), a[None], 1) for a in X] - np.array(
        [score(net(activation=activation, dtype=dtype), a[None], 1) for a in np.broadcast_to(baseline, X.shape)])
    assert_allclose(maps.sum(1), rise, atol=tolerance)
    assert_allclose(saliency.completeness_error(made, X, maps, 1, baseline=baseline), maps.sum(1) - rise, atol=1e-5)
    assert np.abs(rise).max() > 0.3


def test_gradient_times_input_is_not_complete():
    maps = saliency.gradient_times_input(net(), X, 1)
    assert np.abs(saliency.completeness_error(net(), X, maps, 1)).max() > 0.1


@pytest.mark.parametrize(("window", "stride", "starts"), [
    (2, 1, ([0, 1, 2], [0, 1, 2, 3])), ((3, 2), (3, 2), ([0, 1], [0, 2, 3])), ((4, 5), 1, ([0], [0])),
    ((1, 3), (1, 3), ([0, 1, 2, 3], [0, 2]))])
@pytest.mark.parametrize("value", [0, 0.7, numbers(2, 4, 5, seed=1)], ids=["0", "0.7", "example"])
def test_occlusion_is_the_mean_fall_over_the_windows_that_cover_a_pixel(window, stride, starts, value):
    made, (height, width) = net(inputs=40), window if isinstance(window, tuple) else (window, window)
    total, times = np.zeros((3, 4, 5)), np.zeros((4, 5))
    for i in starts[0]:
        for j in starts[1]:
            where = np.zeros((4, 5), bool)
            where[i:i + height, j:j + width] = True
            fall = [score(made, a[None], 2) - score(made, np.where(where, value, a)[None], 2) for a in IMAGES]
            total += np.multiply.outer(fall, where)
            times += where
    expected = np.repeat((total / times)[:, None], 2, 1)
    assert_allclose(saliency.occlusion(made, IMAGES, 2, window=window, stride=stride, value=value), expected, atol=1e-12)


def test_occlusion_of_rows_of_numbers_covers_neighbours():
    row = saliency.occlusion(net(), X, 1, window=3, stride=2)
    assert_allclose(row, saliency.occlusion(net(), X[:, None, None], 1, window=(1, 3), stride=(1, 2))[:, 0, 0], atol=1e-13)


# Shapes, dtypes, side effects


@over_methods
@pytest.mark.parametrize("shape", [(7, 40), (7, 5, 8), (7, 2, 4, 5)], ids=str)
def test_a_map_has_the_shape_and_dtype_of_the_input_whatever_its_axes(method, shape):
    x, made = numbers(7, 40), net(inputs=40)
    found = method(made, x.reshape(shape))
    assert found.shape == shape
    if method is not METHODS["occlusion"]:                          # its windows would cover other neighbours
        assert_allclose(found.reshape(x.shape), method(made, x), rtol=1e-12)
    for dtype in ("float32", "float64"):
        assert method(made, x.reshape(shape).astype(dtype)).dtype == dtype
    assert method(made, np.ones(shape, int)).dtype == np.float32


@over_methods
def test_the_map_of_an_example_does_not_depend_on_the_others(method):
    """Also if they are propagated in parts, and in any memory order."""
    if method is METHODS["smooth_grad"]:
        method = partial(saliency.smooth_grad, samples=3, noise=0)
    x = numbers(1100, 2, 3, 2)
    made = net(inputs=12)
    turned = np.asfortranarray(x)
    assert_allclose(method(made, turned), np.concatenate([method(made, x[:37]), method(made, x[37:])]), atol=1e-12)


@over_methods
def test_the_net_is_left_as_it_was(method):
    made = rp.Sequential(rp.Linear(6, 5, rng=0), rp.BatchNorm(5), rp.Dropout(0.5, rng=1), rp.Linear(5, 3, rng=2), rp.Softmax())
    y = made.forward(X)
    made.backward(np.ones_like(y))
    before, points = made.state_dict(), [(module, module.point, module.gradient) for _, module in made.named_modules()]
    state = str(made[2].rng.bit_generator.state)
    maps = method(made, X)
    saliency.randomization(made, X, method=method, rng=0)
    assert made.training
    assert str(made[2].rng.bit_generator.state) == state
    assert all(module.point is point and module.gradient is g for module, point, g in points)
    assert_array_equal(method(made.eval(), X), maps)
    for name, array in made.state_dict().items():
        assert_array_equal(array, before[name])


def test_as_images_takes_the_largest_magnitude_of_the_channels():
    found = saliency.as_images(IMAGES)
    assert_array_equal(found, np.maximum(abs(IMAGES[:, 0]), abs(IMAGES[:, 1])))
    for maps in (X, IMAGES[:, 0]):
        assert_array_equal(saliency.as_images(maps), abs(maps))


def test_share_is_the_part_of_the_magnitude_in_a_region():
    region = np.arange(20).reshape(4, 5) % 3 == 0
    found = saliency.share(IMAGES, region)
    images = saliency.as_images(IMAGES)
    assert_allclose(found, [image[region].sum() / image.sum() for image in images])
    assert_allclose(saliency.share(IMAGES, np.stack([region, ~region, region]))[1], 1 - found[1])
    assert np.isnan(saliency.share(np.zeros((1, 3)), np.ones(3, bool)))


# Whether maps find what matters


def planted(seed, steps=2000):
    """Return Gaussian images whose label is the sign of the mean of one patch, and a net before and after training on them."""
    rng, patch = np.random.default_rng(seed), np.zeros((8, 8), bool)
    patch[2:5, 3:6] = True

    def drawn(count):
        x = rng.standard_normal((count, 1, 8, 8)).astype("float32")
        return x, (x[:, 0, patch].mean(1) > 0).astype(int)

    made = rp.Sequential(rp.Flatten(), rp.Linear(64, 50, rng=rng), rp.ReLU(), rp.Linear(50, 2, rng=rng))
    start, loss, sgd = deepcopy(made), rp.CrossEntropy(), rp.SGD(made.parameters(), lr=0.1)
    for _ in range(steps):
        x, y = drawn(32)
        loss.forward(made.forward(x), y)
        made.backward(loss.backward(), input_gradient=False)
        made.update()
        sgd.step()
    return start, made, patch, *drawn(500)


@pytest.mark.parametrize("seed", range(3))
def test_planted_saliency_is_found(seed):
    start, made, patch, x, y = planted(seed)
    assert rp.accuracy(made.predict(x), y) > 0.94
    for method in (saliency.gradient, partial(saliency.smooth_grad, samples=10, rng=0), partial(saliency.occlusion, window=1),
                   partial(saliency.integrated_gradients, steps=10), saliency.gradient_times_input):
        maps = method(made, x)
        assert saliency.share(maps, patch).mean() >= 0.5
        assert saliency.share(method(start, x), patch).mean() <= 0.2
        most = np.argsort(saliency.as_images(maps).mean(0).ravel())[-9:]
        assert patch.ravel()[most].mean() >= 0.95
    most = np.argsort(saliency.as_images(saliency.gradient(made, x)).reshape(500, -1), 1)[:, -9:]
    assert patch.ravel()[most].mean() >= 0.95                       # for each example


@pytest.fixture(scope="module")
def digits():
    """Return a net trained on the digits, and test examples."""
    x, y = rp.datasets.digits()
    x = x.reshape(-1, 1, 8, 8)
    made = rp.Sequential(rp.Flatten(), rp.Linear(64, 100, rng=0), rp.ReLU(), rp.Linear(100, 10, rng=1), rp.LogSoftmax())
    sgd = rp.SGD(made.parameters(), lr=0.1, momentum=0.9)
    rp.fit(made, rp.NLL(), sgd, (x[500:], y[500:]), epochs=15, batch_size=32, rng=0, progress=False)
    return made, x[:500]


def test_saliency_of_digits_is_on_the_foreground(digits):
    made, x = digits
    foreground = x[:, 0] > 0
    for method in (saliency.gradient, partial(saliency.smooth_grad, samples=10, rng=0), partial(saliency.occlusion, window=2)):
        assert saliency.share(method(made, x), foreground).mean() >= 1.2 * foreground.mean()


# The sanity check


@pytest.mark.parametrize("method", [saliency.gradient, partial(saliency.smooth_grad, samples=10, rng=0)])
def test_maps_change_with_the_parameters(digits, method):
    made, x = digits
    top, whole = saliency.randomization(made, x, method=method, rng=3).correlations.mean(1)
    assert top <= 0.6
    assert abs(whole) <= 0.2


def test_maps_multiplied_by_the_input_still_resemble_it(digits):
    made, x = digits
    assert saliency.randomization(made, x, method=saliency.gradient_times_input, rng=3).correlations.mean(1)[-1] > 0.6


def test_layers_are_randomized_from_the_output_on_with_their_own_initializers():
    made = rp.Sequential(rp.Linear(6, 5, weight_init=rp.Orthogonal(), bias_init=rp.Constant(0.5), rng=0), rp.BatchNorm(5),
                         rp.Sequential(rp.Tanh(), Residual(rp.Linear(5, 5, rng=1))), Affine(5))
    for parameter in made.parameters():
        parameter.data = numbers(*parameter.shape, seed=parameter.data.size)
    made[1].running_mean += 1
    nets = []

    def method(net, x, classes):
        nets.append(deepcopy(net))
        return saliency.gradient(net, x, classes)

    found = saliency.randomization(made, X, method=method, rng=0)
    assert [path for path, _ in found.layers] == ["3", "2.1.inner", "1", "0"]
    changed = [{name for name, a in after.state_dict().items() if not np.array_equal(a, before.state_dict()[name])}
               for before, after in pairwise(nets)]
    assert changed == [{"3.scale"}, {"2.1.inner.weight", "2.1.inner.bias"}, {"1.weight", "1.bias", "1.running_mean"},
                       {"0.weight", "0.bias"}]
    last = nets[-1]
    assert_allclose(last[0].weight.data @ last[0].weight.data.T, np.eye(5), atol=1e-6)
    assert set(last[0].bias.data) == {0.5}
    assert set(last[1].weight.data) == {1}
    assert sorted(last[3].scale.data) == sorted(made[3].scale.data)


def test_a_shared_parameter_is_randomized_once():
    first, second = rp.Linear(6, 6, bias=False, rng=0), rp.Linear(6, 6, bias=False, rng=1)
    second.weight = first.weight
    found = saliency.randomization(rp.Sequential(first, rp.Tanh(), second), X, rng=0)
    assert [path for path, _ in found.layers] == ["2"]


def test_randomization_compares_the_ranks_of_magnitudes():
    made = net(inputs=40)
    found = saliency.randomization(made, IMAGES, rng=0)
    assert found.maps.shape == (3, 3, 4, 5)
    assert_array_equal(found.maps[0], saliency.as_images(saliency.gradient(made, IMAGES)))
    assert_array_equal(found.classes, made.predict(IMAGES).argmax(1))
    for stage in range(2):
        for i in range(3):
            expected = spearmanr(found.maps[0, i].ravel(), found.maps[stage + 1, i].ravel()).statistic
            assert_allclose(found.correlations[stage, i], expected, rtol=1e-12)
    again = saliency.randomization(made, IMAGES, rng=0)
    assert_array_equal(again.maps, found.maps)
    assert str(found).splitlines()[0] == "3 examples"
    assert str(found).splitlines()[3].split()[:2] == ["3", "Linear(8,"]


def test_every_stage_explains_the_same_classes_in_evaluation_mode():
    asked, made = [], net(rp.Softmax())

    def method(net, x, classes):
        asked.append((net.training, classes.tolist(), net.predict(x).argmax(1).tolist()))
        return x

    saliency.randomization(made, X, method=method, rng=0)
    predicted = made.predict(X).argmax(1).tolist()
    assert [(training, classes) for training, classes, _ in asked] == [(False, predicted)] * 3
    assert asked[-1][2] != predicted


def test_a_method_that_uses_only_the_input_has_correlations_of_1():
    found = saliency.randomization(net(), X, method=lambda net, x, classes: x, rng=0)
    assert_allclose(found.correlations, 1)
    assert_array_equal(saliency.randomization(net(), X, method=lambda net, x, classes: 0 * x, rng=0).correlations, 0)


# What is refused


def ones(net, x, classes):
    return np.ones((2, 2))


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda: saliency.gradient(3, X), ArgumentError, "net must be a Module, got 3"),
    (lambda: saliency.gradient(rp.Sequential(rp.Add(), rp.Linear(6, 2, rng=0)), X), ArgumentError,
     "net must have one input, got Sequential(Add(), Linear(6, 2)), which has several"),
    (lambda: saliency.gradient(rp.Linear(5, 2, rng=0), IMAGES), ShapeError,
     "net must have an output of shape (examples, classes), got (3, 2, 4, 2)"),
    (lambda: saliency.gradient(rp.Reshape(2), X[0]), ShapeError,
     "x must have shape (examples, ...) with at least two axes, got (6,)"),
    (lambda: saliency.gradient(net(), X * np.nan), DataError, "x must be finite, got 30 NaN or infinite of 30 values"),
    (lambda: saliency.gradient(net(), X[:0]), DataError, "x must not be empty, got shape (0, 6)"),
    (lambda: saliency.gradient(net(), X, [0, 1]), ArgumentError,
     "classes must be None, an integer or one for each of 5 examples, got int64 of shape (2,)"),
    (lambda: saliency.gradient(net(), X, 1.5), ArgumentError,
     "classes must be None, an integer or one for each of 5 examples, got float64 of shape ()"),
    (lambda: saliency.gradient(net(), X, [0, 1, 4, 0, -1]), ArgumentError,
     "classes must be columns of the output, from 0 to 3, got -1 to 4"),
    (lambda: saliency.smooth_grad(net(), X, samples=0), ArgumentError, "samples must be an integer of at least 1, got 0"),
    (lambda: saliency.smooth_grad(net(), X, noise=-1), ArgumentError, "noise must be a number in [0, inf), got -1"),
    (lambda: saliency.smooth_grad(net(), X, rng="a"), ArgumentError, "rng must be None, an integer of at least 0 or"),
    (lambda: saliency.integrated_gradients(net(), X, steps=0), ArgumentError, "steps must be an integer of at least 1, got 0"),
    (lambda: saliency.integrated_gradients(net(), X, baseline=np.ones(5)), ShapeError,
     "baseline must be a number, or broadcast to the shape of x, (5, 6), got shape (5,)"),
    (lambda: saliency.integrated_gradients(net(), X, baseline=np.inf), DataError, "baseline must be finite"),
    (lambda: saliency.completeness_error(net(), X, X[:2]), ShapeError, "maps must have the shape of x, (5, 6), got (2, 6)"),
    (lambda: saliency.occlusion(net(), X, window=7), ArgumentError,
     "window must fit into (6,) and stride into the window, got 7 and 1"),
    (lambda: saliency.occlusion(net(), X, window=2, stride=3), ArgumentError,
     "window must fit into (6,) and stride into the window, got 2 and 3"),
    (lambda: saliency.occlusion(net(), X, window=(2, 2)), ArgumentError, "window must be an integer, got (2, 2)"),
    (lambda: saliency.occlusion(net(inputs=40), IMAGES, window=(1, 2, 3)), ArgumentError,
     "window must be an integer, or a pair of them, got (1, 2, 3)"),
    (lambda: saliency.occlusion(net(), X, window=0), ArgumentError, "window must be an integer of at least 1, got 0"),
    (lambda: saliency.share(X, np.ones(6)), DtypeError, "region must be an array of bool, got float64"),
    (lambda: saliency.share(X, np.ones(5, bool)), ShapeError,
     "region must have the shape of the images, (5, 6), or of one of them, got (5,)"),
    (lambda: saliency.randomization(rp.Tanh(), X), ArgumentError,
     "net must have at least one module with parameters, got Tanh()"),
    (lambda: saliency.randomization(net(), X, method=ones), ShapeError,
     "method must return maps of the shape of x, (5, 6), got (2, 2)")])
def test_bad_arguments_are_refused(call, error, text):
    with refuses(error, text):
        call()


def test_randomization_draws_other_numbers_than_a_layer_with_the_same_seed():
    net = rp.Linear(64, 10, rng=0)
    found = rp.saliency.randomization(net, rp.datasets.digits()[0][:20], rng=0)
    assert found.correlations.mean() < 0.3


def test_a_batch_dependent_net_is_refused():
    class Centred(rp.Module):
        batch_dependent = True

        def forward(self, x):
            self.point = None
            return x - x.mean(0)

        def backward(self, g):
            return g - g.mean(0)

    with pytest.raises(rp.ArgumentError, match="net must compute each example independently"):
        rp.saliency.gradient(rp.Sequential(rp.Linear(4, 3, rng=0), Centred()), np.ones((5, 4)))
