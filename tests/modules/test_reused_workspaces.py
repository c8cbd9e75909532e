"""The inspection tools use workspaces again, where they still fit and are small."""

from copy import deepcopy

import numpy as np
import pytest
from cases import numbers
from numpy.testing import assert_array_equal

import retroprop as rp

X, Y = numbers(3, 1, 8, 8), np.array([0, 1, 2])


def images():
    return rp.Sequential(rp.Conv2d(1, 2, 3, rng=1), rp.AvgPool2d(2), rp.GlobalAvgPool2d(), rp.Linear(2, 3, rng=2))


CHANGES = {
    "nothing": lambda net, loss: None,
    "kernel size": lambda net, loss: setattr(net[1], "kernel_size", 3),
    "padding": lambda net, loss: setattr(net[0], "padding", 1),
    "a mode": lambda net, loss: net[0].eval(),
    "a Parameter": lambda net, loss: setattr(net[3], "bias", rp.Parameter([1, 2, 3], "bias")),
    "reduction": lambda net, loss: setattr(loss, "reduction", "sum"),
    "weights": lambda net, loss: setattr(loss, "weight", [1, 2, 3]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_next_call_follows_each_change(change):
    net, loss = images(), rp.CrossEntropy()
    rp.per_example_norms(net, loss, X, Y)
    CHANGES[change](net, loss)
    expected = rp.per_example_norms(deepcopy(net), deepcopy(loss), X, Y)
    assert_array_equal(rp.per_example_norms(net, loss, X, Y), expected)


def test_large_workspaces_are_not_kept():
    net, loss = images(), rp.CrossEntropy()
    rp.per_example_norms(net, loss, X, Y)
    assert net._spare is not None
    rp.per_example_norms(net, loss, numbers(2000, 1, 8, 8), np.zeros(2000, int))
    assert net._spare is None
