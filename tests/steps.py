"""Helpers: steps of a container and of its modules one by one, a small network, and the exact text of errors."""

import re

import pytest
from cases import numbers
from numpy.testing import assert_array_equal

import retroprop as rp

SMALL_X, SMALL_G = numbers(5, 3).astype("float32"), numbers(5, 2, seed=1).astype("float32")


def by_hand(parts, x, g):
    """Return output, input gradient and parameter gradients of modules whose checked phases are called one by one."""
    for module in parts:
        x = module.forward(x)
    for module in reversed(parts):
        g = module.backward(g)
    for module in parts:
        module.update()
    return [x, g, *(parameter.grad.copy() for module in parts for parameter in module.parameters())]


def step(net, x, g, **options):
    """Return the same of a container."""
    y = net.forward(x)
    gx = net.backward(g, **options)
    net.update()
    return [y, gx, *(parameter.grad.copy() for parameter in net.parameters())]


def assert_same(got, expected):
    for a, b in zip(got, expected, strict=True):
        assert_array_equal(a, b)


def small_net():
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.ReLU(), rp.Linear(4, 2, rng=2))


def refuses(error, text):
    """``pytest.raises`` for an error of this type and exactly this text, notes included."""
    return pytest.raises(error, match=f"^{re.escape(text)}$")
