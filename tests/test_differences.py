"""Derivatives from values alone."""

import numpy as np
import pytest
from cases import numbers

import retroprop as rp


def test_finite_differences_of_a_network_are_what_update_gives():
    """BatchNorm and Dropout in training, a shared weight, float32: on a float64 copy, with one mask, nothing disturbed."""
    first, second = rp.Linear(3, 3, rng=0), rp.Linear(3, 3, rng=1)
    second.weight = first.weight
    net = rp.Sequential(first, rp.BatchNorm(3), rp.Tanh(), rp.Dropout(0.3, rng=2), second)
    loss, x, y = rp.CrossEntropy(), numbers(7, 3), [0, 2, 1, 1, 0, 2, 2]
    masks, statistics = net[3].rng.bit_generator.state, net[1].running_mean.copy()
    found = rp.finite_differences(net, loss, x, y)
    assert str(net[3].rng.bit_generator.state) == str(masks)
    np.testing.assert_array_equal(net[1].running_mean, statistics)

    net.astype("float64")
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    net.update()
    assert list(found) == [name for name, _ in net.named_parameters()]
    for name, parameter in net.named_parameters():
        np.testing.assert_allclose(found[name], parameter.grad, atol=1e-8, err_msg=name)


@pytest.mark.parametrize(("h", "error"), [(1e-2, 1e-4), (1e-4, 1e-8), (6e-6, 1e-10)])
def test_the_error_of_truncation_falls_with_the_square_of_the_step(h, error):
    a = np.array([0.3, -0.8])
    found = rp.numerical_gradient(lambda a: np.sin(a).sum(), a, step=h)
    assert np.abs(found - np.cos(a)).max() < error
    np.testing.assert_array_equal(a, [0.3, -0.8])


def test_the_array_is_put_back_where_the_cost_raises():
    a = np.array([1.0, 2.0])
    with pytest.raises(ZeroDivisionError):
        rp.numerical_gradient(lambda a: 1 / 0, a)
    np.testing.assert_array_equal(a, [1, 2])
