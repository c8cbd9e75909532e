"""Activation maximization: the gradient ascent, its arguments, and its results."""

from __future__ import annotations

import numpy as np
import pytest
from cases import numbers
from image_nets import digits_net, small
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop import features
from retroprop.inspection.features.images import blurred, total_variation


def test_the_class_model_of_a_linear_score_is_the_weights_over_2_lambda():
    net = rp.Sequential(rp.Linear(4, 3, rng=0), rp.LogSoftmax())
    found = features.class_model(net, [2, 0], shape=(4,), l2=0.25)
    assert_allclose(found.images, net[0].weight.data[[2, 0]] / (2 * 0.25), rtol=1e-2)
    assert found.targets == ("class 2", "class 0")


def test_a_class_model_correlates_best_with_the_mean_image_of_its_class():
    x, y = rp.datasets.digits()
    net = rp.Sequential(rp.Linear(64, 50, rng=0), rp.Tanh(), rp.Linear(50, 10, rng=1), rp.Softmax())
    scores = features.scores(net)
    rp.fit(scores.train(), rp.CrossEntropy(), rp.SGD(scores.parameters(), lr=0.1), (x, y), epochs=8, rng=0, progress=False)
    means = np.stack([x[y == c].mean(0) for c in range(10)])
    found = features.class_model(scores, shape=(64,), l2=0.5, steps=200, lr=0.05)
    correlations = np.corrcoef(found.images, means - means.mean(0))[:10, 10:]
    assert (correlations.argmax(1) == np.arange(10)).sum() >= 9


def test_one_step_is_the_gradient_of_the_objective():
    """Against central differences, for the mean of a layer, a channel's map, one unit, and a score."""
    net, x = small().astype("float64"), numbers(2, 5, 6)
    maps = features.truncated(net, "0.2")
    wanted = {
        "mean": ({"layer": "0.2"}, lambda x: maps.forward(x[None]).mean()),
        "channel 1": ({"layer": "0.2", "channel": 1}, lambda x: maps.forward(x[None])[0, 1].mean()),
        "unit (2, 1, 0)": ({"layer": "0.2", "unit": (2, 1, 0)}, lambda x: maps.forward(x[None])[0, 2, 1, 0]),
        "channel 2": ({"channel": 2}, lambda x: features.scores(net).forward(x[None])[0, 2]),
    }
    for name, (options, value) in wanted.items():
        found = features.activation_maximization(net, **options, shape=x.shape, start=x, steps=1, lr=0.1)
        step = (found.images[0] - x) / 0.1
        assert_allclose(step, rp.numerical_gradient(value, x), rtol=1e-5, atol=1e-8, err_msg=name)
        assert found.targets == (name,)
        assert_allclose(found.objectives[:, 0], [value(x), value(found.images[0])])
        assert_allclose(found.activations, found.objectives[-1])


def test_the_penalties_enter_the_objective_and_the_step():
    net, x = small().astype("float64"), numbers(2, 5, 6)
    options = {"layer": "0.2", "channel": 1, "shape": x.shape, "start": x, "steps": 1, "lr": 0.1}
    plain = features.activation_maximization(net, **options)
    found = features.activation_maximization(net, **options, l2=0.3, total_variation=0.2)

    def penalty(x):
        return 0.3 * (x**2).sum() + 0.2 * total_variation(x[None])[0][0]

    assert_allclose(plain.objectives[0] - found.objectives[0], penalty(x))
    assert_allclose((plain.images - found.images)[0] / 0.1, rp.numerical_gradient(penalty, x), rtol=1e-5, atol=1e-7)


def test_several_targets_at_once_give_the_same_images_as_one_by_one():
    units = [(0, 0, 0), (2, 1, 2), (1, 2, 1)]
    options = {"layer": "0.2", "shape": (2, 5, 6), "start": numbers(2, 5, 6), "steps": 5, "l2": 0.1, "total_variation": 0.01,
                   "blur": 0.5, "blur_every": 2}
    together = features.activation_maximization(small(), unit=units, **options)
    assert together.images.shape == (3, 2, 5, 6)
    assert together.objectives.shape == (6, 3)
    for k, unit in enumerate(units):
        alone = features.activation_maximization(small(), unit=unit, **options)
        assert_allclose(alone.images[0], together.images[k], rtol=1e-4, atol=1e-6)
        assert alone.targets == together.targets[k:k + 1]


def test_total_variation_and_its_gradient_are_those_of_each_image():
    x = numbers(3, 2, 4, 5)
    values, gradient = total_variation(x)
    for k in range(3):
        assert_allclose(total_variation(x[k:k + 1])[0], values[k:k + 1])
    assert_allclose(gradient, rp.numerical_gradient(lambda x: total_variation(x)[0].sum(), x), rtol=1e-6, atol=1e-8)
    edge = np.zeros((1, 4, 6))
    edge[:, :, 3:] = 2
    assert_allclose(total_variation(edge)[0], 4 * 2, rtol=0.01)     # its length times its height
    assert_array_equal(total_variation(np.ones((1, 4, 5)))[0], 0)


def test_regularization_smooths():
    def roughness(**options):
        found = features.activation_maximization(digits_net(), "0.2", channel=[0, 3], shape=(1, 16, 16), rng=0, lr=1,
                                                 start=0.5 + 0.1 * numbers(1, 16, 16), bounds=(0, 1), steps=40, **options)
        return total_variation(found.images)[0].sum()

    plain = roughness()
    assert roughness(total_variation=0.005) < 0.8 * plain
    assert roughness(blur=1.0, blur_every=4) < 0.8 * plain


def test_blur_is_applied_every_few_steps():
    x = numbers(1, 5, 6).astype("float32")
    for steps, times in ((2, 0), (3, 1), (5, 1), (6, 2)):
        found = features.activation_maximization(rp.Tanh(), shape=x.shape, start=x, lr=1e-9, steps=steps, blur=0.7,
                                                 blur_every=3)
        expected = x
        for _ in range(times):
            expected = blurred(expected, 0.7)
        assert_allclose(found.images[0], expected, atol=1e-6)


def test_the_norm_and_the_bounds_hold():
    options = {"layer": "0.2", "channel": [0, 1, 2], "shape": (2, 5, 6), "steps": 7, "lr": 1}
    found = features.activation_maximization(small(), **options, norm=3, rng=0)
    assert_allclose(np.linalg.norm(found.images.reshape(3, -1), axis=1), 3, rtol=1e-6)
    assert (found.objectives[-1] > found.objectives[0]).all()
    found = features.activation_maximization(small(), **options, bounds=(-0.25, 0.5), blur=1, blur_every=7)
    assert found.images.min() >= -0.25
    assert found.images.max() <= 0.5


def test_jitter_shifts_the_image_and_shifts_it_back():
    """The network sees a shifted image; if it treats all places alike, the result is the same as without jitter."""
    net = rp.Sequential(rp.Tanh(), rp.Tanh())
    options = {"layer": "1", "shape": (1, 5, 6), "start": numbers(1, 5, 6), "steps": 3, "lr": 2}
    plain, jittered = (features.activation_maximization(net, **options, jitter=jitter, rng=0) for jitter in (0, 2))
    assert_allclose(jittered.images, plain.images, rtol=1e-6)
    corner = dict(options, unit=(0, 0, 0))
    plain, jittered = (features.activation_maximization(net, **corner, jitter=jitter, rng=0).images for jitter in (0, 2))
    assert np.count_nonzero(plain[0, 0] != options["start"].astype("float32")[0]) == 1
    assert np.count_nonzero(jittered[0, 0] != options["start"].astype("float32")[0]) > 1


def test_the_network_stays_as_it_was_and_the_same_seed_gives_the_same_bits():
    net = small()
    x = numbers(4, 2, 5, 6)
    y = net.forward(x)
    generator = str(net[2].rng.bit_generator.state)
    state = net.state_dict()
    options = {"shape": (2, 5, 6), "jitter": 1, "steps": 3, "norm": 1.0}
    first, second = (features.class_model(net, l2=0, **options, rng=5).images for _ in range(2))
    assert_array_equal(first, second)
    features.dream(net, np.full((2, 5, 6), 0.5), "0.2", rng=0)
    assert net.training
    assert str(net[2].rng.bit_generator.state) == generator
    for name, array in net.state_dict().items():
        assert_array_equal(array, state[name])
    net.backward(np.ones_like(y))                                   # its point still exists


def test_images_have_the_type_of_the_network():
    for dtype in ("float32", "float64"):
        found = features.class_model(small().astype(dtype), 0, shape=(2, 5, 6), steps=1)
        assert found.images.dtype == found.objectives.dtype == dtype


def test_it_prints_a_table():
    lines = str(features.class_model(small(), [1, 2], shape=(2, 5, 6), steps=2)).splitlines()
    assert lines[0].split("  ")[0] == "target"
    assert [line[:7] for line in lines[2:]] == ["class 1", "class 2"]


@pytest.mark.parametrize(("options", "message"), [
    ({"layer": "9"}, "layer must be one of '0', '0.0', '0.1', '0.2', '1'"),
    ({"layer": "0.2", "channel": 3}, "channel must be less than 3, since the output has shape (3, 3, 3), got 3"),
    ({"channel": -1}, "channel must be an integer of at least 0, got -1"),
    ({"channel": []}, "channel must hold at least one index, got []"),
    ({"layer": "0.2", "unit": (0, 1)}, "unit must be an index of 3 integers"),
    ({"layer": "0.2", "unit": []}, "unit must be an index of 3 integers"),
    ({"layer": "0.2", "unit": (0, 3, 0)}, "unit must be an index into an output of shape (3, 3, 3), got (0, 3, 0)"),
    ({"channel": 0, "unit": (0,)}, "channel and unit must not both be given"),
    ({"norm": 1, "bounds": (0, 1)}, "norm and bounds must not both be given"),
    ({"norm": 1, "start": np.zeros((2, 5, 6))}, "start must hold no image of zeros"),
    ({"start": np.zeros((5, 6))}, "start must have shape (2, 5, 6) or (1, 2, 5, 6), got (5, 6)"),
    ({"bounds": (1, 0)}, "bounds[1] must be a number in (1, inf)"),
    ({"bounds": 1}, "bounds must be (low, high), got 1"),
    ({"steps": 0}, "steps must be an integer of at least 1"),
    ({"shape": (2, 5)}, "x must have shape (batch, 2, height, width), got (1, 2, 5)"),
])
def test_bad_arguments_are_named(options, message):
    with pytest.raises((rp.ArgumentError, rp.ShapeError)) as caught:
        features.activation_maximization(small(), **{"shape": (2, 5, 6), **options})
    assert message in str(caught.value)


def test_bad_networks_are_refused():
    row = rp.Sequential(rp.Linear(4, 3, rng=0))
    with pytest.raises(rp.ArgumentError, match=r"for total_variation and blur, got \(4,\); put Reshape or Flatten before"):
        features.class_model(row, shape=(4,), total_variation=1, blur=1)
    with pytest.raises(rp.ArgumentError, match="one score for each class"):
        features.class_model(rp.Tanh(), shape=(1, 5, 6))
    with pytest.raises(rp.NonFiniteError, match="must stay finite, got NaN or infinity after step"):
        features.class_model(row, shape=(4,), l2=1e6)
    two = rp.Graph({"s": (rp.Add(), "a", "b"), "t": (rp.Tanh(), "a")}, inputs=["a", "b"], outputs=["s", "t"])
    with pytest.raises(rp.ArgumentError, match="layer must depend on one input, got 2"):
        features.activation_maximization(two, "s", shape=(4,))
    assert features.activation_maximization(two, "t", shape=(4,)).images.shape == (1, 4)
    with pytest.raises(rp.ArgumentError, match="net must be a Module, got None"):
        features.activation_maximization(None, shape=(4,))


def test_blur_keeps_the_mean_and_the_channels_apart():
    x = numbers(2, 3, 6, 7)
    x[:, 1] = 0
    assert_allclose(blurred(np.full((1, 6, 7), 0.5), 1.0), 0.5)
    assert_array_equal(blurred(x, 1.0)[:, 1], 0)
    assert total_variation(blurred(x, 1.0))[0].sum() < 0.5 * total_variation(x)[0].sum()


def test_zero_gradients_at_the_start_give_a_warning():
    """ReLUs without biases, for an image of zeros."""
    net = rp.Sequential(rp.Linear(6, 5, rng=0), rp.ReLU(), rp.Linear(5, 2, rng=1))
    with pytest.warns(UserWarning, match="no pixel of the start image changes channel 0, channel 1"):
        found = features.class_model(net, shape=(6,))
    assert not found.images.any()
    assert features.class_model(net, shape=(6,), start=0.01 * np.random.default_rng(0).standard_normal((2, 6))).images.any()


@pytest.mark.parametrize("name", ["layer", "channel", "unit"])
def test_a_class_model_takes_no_layer_channel_or_unit(name):
    with pytest.raises(rp.ArgumentError, match=f"class_model: {name} must not be given; activation_maximization takes"):
        features.class_model(rp.Linear(6, 2, rng=0), shape=(6,), **{name: 0})
