"""Paths through a graph: their number, the products that a sum over them takes, and that the sum is the gradient."""

import re
from copy import deepcopy
from math import comb

import numpy as np
import pytest
from cases import MODULES, numbers
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal
from random_graphs import graphs

import retroprop as rp
from retroprop.errors import ArgumentError, ShapeError
from retroprop.modules.containers.container import Container
from retroprop.modules.core.values import each, parts, shape_of

TUPLES = ("Sequential with a module of two outputs", "Sequential of two inputs", "Graph in which tuples pass")
CONTAINERS = [case for case in MODULES if isinstance(case.build(), Container) and case.name not in TUPLES]


def ladder(depth, width=2):
    """Return a chain of ``depth`` rungs: ``width`` nodes read the node before, and one node adds them up."""
    nodes, before = {}, "x"
    for k in range(depth):
        names = [f"{k}-{i}" for i in range(width)]
        nodes |= {name: (rp.Function(np.sin, np.cos), before) for name in names}
        nodes[f"{k}"] = (rp.Add(), *names)
        before = f"{k}"
    return rp.Graph(nodes, inputs="x", outputs=before)


def layered(layers, width):
    """Return a graph of layers, in which every node reads all nodes of the layer before."""
    nodes, before = {}, ["x0", "x1"]
    for k in range(layers):
        names = [f"{k}-{i}" for i in range(width)]
        nodes |= {name: (rp.Multiply(), *before) for name in names}
        before = names
    nodes["y"] = (rp.Add(), *before)
    return rp.Graph(nodes, inputs=("x0", "x1"), outputs="y")


def random_gradient(y):
    rng = np.random.default_rng(3)
    return each(lambda shape: rng.normal(size=shape), shape_of(y))


@pytest.mark.parametrize(("depth", "width"), [(1, 2), (3, 2), (2, 5), (4, 3)])
def test_a_ladder_has_width_to_the_depth_paths(depth, width):
    """Each path has two edges per rung; backward uses all edges of each rung once."""
    assert rp.count_paths(ladder(depth, width)) == (width**depth, 2 * depth * width**depth, 2 * depth * width)


def test_fully_connected_layers():
    counts = rp.count_paths(layered(3, 4))
    assert counts == (2 * 4**3, 4 * 2 * 4**3, 2 * 4 + 4 * 4 + 4 * 4 + 4)


def test_counts_are_exact_beyond_the_range_of_floats():
    assert rp.count_paths(ladder(200)).paths == 2**200


def test_skipping_edges_make_paths_of_every_length():
    """Node k reads all nodes before it: a path is a subset of them."""
    names = ["x", *(f"n{k}" for k in range(6))]
    net = rp.Graph({name: (rp.Add(), *names[:k], "x") for k, name in enumerate(names) if k}, inputs="x", outputs="n5")
    walked = rp.path_sum(net, np.ones(1))
    doubled = sum(comb(5, k) * 2 * (k + 1) for k in range(6))       # every node that reads x reads it twice
    assert (walked.paths, walked.products) == (2 * 2**5, doubled)
    assert rp.count_paths(net)[:2] == (walked.paths, walked.products)


@pytest.mark.parametrize("case", CONTAINERS, ids=str)
def test_the_sum_over_paths_equals_backward(case):
    """To 1e-12, in float64, for every container among the cases, in training mode."""
    net = case.build().astype("float64")
    copy = case.build().astype("float64")
    g = random_gradient(copy.forward(case.x))
    state = str([generator.bit_generator.state for _, generator in net.named_generators()])
    found = rp.path_sum(net, case.x, g)
    for one, right in zip(parts(found.gradient), parts(copy.backward(g)), strict=True):
        assert_allclose(one, right, rtol=0, atol=1e-12 * np.abs(right).max())
    assert net.point is None
    assert str([generator.bit_generator.state for _, generator in net.named_generators()]) == state
    assert (found.paths, found.products) == rp.count_paths(net)[:2]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(graphs())
def test_the_sum_over_paths_equals_backward_on_random_graphs(net):
    x = each(lambda shape: np.random.default_rng(0).normal(size=shape),
             ((3, 2),) * len(net.inputs) if len(net.inputs) > 1 else (3, 2))
    twin = deepcopy(net)
    g = random_gradient(net.forward(x))
    found, right = rp.path_sum(twin, x, g), net.backward(g)
    largest = max(np.abs(array).max() for array in parts(right))
    for one, expected in zip(parts(found.gradient), parts(right), strict=True):
        assert_allclose(one, expected, rtol=0, atol=1e-12 * largest)
    assert (found.paths, found.products) == rp.count_paths(net)[:2]


@pytest.mark.parametrize("case", [case for case in MODULES if case.name in TUPLES], ids=str)
def test_graphs_whose_modules_read_tuples_are_refused(case):
    """The path does not tell from which output of a module an edge begins."""
    with pytest.raises(ArgumentError, match=r"each array that a module reads|every module must have one output"):
        rp.path_sum(case.build(), case.x)


def test_backward_computes_as_many_products_as_counted():
    """One per source of each node whose backward the tape recorded."""
    net = layered(3, 3)
    sources = {node.path: len(node.sources) for node in net.wiring().nodes}
    with rp.tape(net) as t:
        net.forward((np.ones(2), np.ones(2)))
        net.backward(np.ones(2))
    taken = sum(sources[record.path] for record in t.records if record.phase == "backward" and record.path)
    assert taken == rp.count_paths(net).backward_products == 2 * 3 + 2 * 3 * 3 + 3


def test_a_chain_has_one_path():
    net = rp.Sequential(rp.Tanh(), rp.Sequential(rp.Sigmoid(), rp.Tanh()))
    assert rp.count_paths(net) == (1, 3, 3)
    x = numbers(5, 3)
    net.forward(x)
    assert_array_equal(rp.path_sum(net, x).gradient, net.backward(np.ones((5, 3))))


def test_print():
    assert str(rp.count_paths(ladder(10))) == (
        "1,024 paths; products with a local Jacobian: 20,480 path by path, 40 by backward")


@pytest.mark.parametrize(("error", "text", "call"), [
    (ArgumentError, "count_paths: net must be a Graph or a Sequential, got Tanh()", lambda: rp.count_paths(rp.Tanh())),
    (ArgumentError, "path_sum: net must be a Graph or a Sequential, got Tanh()", lambda: rp.path_sum(rp.Tanh(), [1.0])),
    (ArgumentError, "path_sum: net must have at most limit = 100,000 paths, got 131,072",
     lambda: rp.path_sum(ladder(17), [1.0])),
    (ArgumentError, "path_sum: net must have at most limit = 3 paths, got 4", lambda: rp.path_sum(ladder(2), [1.0], limit=3)),
    (ArgumentError, "limit must be an integer of at least 1, got 0", lambda: rp.path_sum(ladder(2), [1.0], limit=0)),
    (ShapeError, "g must have the shape of the output, (1,), got (2,)", lambda: rp.path_sum(ladder(2), [1.0], [1.0, 2.0])),
])
def test_bad_arguments_are_refused(error, text, call):
    with pytest.raises(error, match=re.escape(text) + "$"):
        call()
