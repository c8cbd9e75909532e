"""Nodes of a graph: the number and names of their inputs and outputs; users' containers; errors of Function."""

import re

import numpy as np
import pytest
from cases import Residual, Skip, Split, bundles, numbers, squashed, squashed_by_x, squashed_by_y, two_by_two
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, DtypeError, PhaseError, ShapeError

X = numbers(5, 2)


def joining(*last):
    """A graph whose node h has an output of shape (5, 3), for X."""
    return rp.Graph({"h": (rp.Linear(2, 3, rng=0), "x"), "y": last}, inputs="x", outputs="y")


# How many arrays


@pytest.mark.parametrize(("net", "text", "note"), [
    (lambda: rp.Sequential(rp.Linear(2, 3, rng=0), rp.Multiply()),
     "Multiply(): x must be a tuple of two or more arrays, got shape (5, 3)", "in Sequential[1]"),
    (lambda: rp.Sequential(Split(), rp.Tanh()), "Tanh(): x must be one array, got shapes ((5, 2), (5, 2))", "in Sequential[1]"),
    (lambda: rp.Sequential(Split(), rp.Function(np.exp, np.exp)),
     "Function(exp, exp): x must be one array, got shapes ((5, 2), (5, 2))", "in Sequential[1]"),
    (lambda: rp.Graph({"s": (Split(), "x"), "y": (rp.Multiply(), "s", "s")}, inputs="x", outputs="y"),
     "Multiply(): x must be a tuple of two or more arrays, got shapes (((5, 2), (5, 2)), ((5, 2), (5, 2)))", "in Graph['y']"),
    (lambda: rp.Graph({"s": (two_by_two(), "x", "x"), "y": (rp.Function(sum, *[np.cos] * 3), "s")}, inputs="x", outputs="y"),
     "x must have shape (..., 3), got (5, 2)", "in Graph['h']"),
    (lambda: rp.Graph({"s": (Split(), "x"), "y": (rp.Function(sum, *[np.cos] * 3), "s")}, inputs="x", outputs="y"),
     "x must be a tuple of 3 arrays, got shapes ((5, 2), (5, 2))", "in Graph['y']"),
])
def test_a_node_that_reads_too_many_or_too_few_arrays_is_refused_with_its_place(net, text, note):
    for run in (lambda net: net.forward(X), lambda net: net.output_shape((5, 2)), lambda net: net.summary((5, 2))):
        with pytest.raises(ShapeError, match=re.escape(text)) as caught:
            run(net())
        assert note in caught.value.__notes__


def test_shapes_are_checked_without_running():
    with pytest.raises(ShapeError, match=r"^Add\(\): x must be a tuple of two or more arrays, got shape \(5, 2\)$"):
        rp.Add().output_shape((5, 2))
    with pytest.raises(ShapeError, match=r": x must be a tuple of 2 arrays, got shape \(5, 3\)$"):
        two_by_two().summary((5, 3))
    with pytest.raises(ShapeError, match=r"^Sequential\(Linear\(2, 3\)\): x must be one array, got shapes"):
        rp.Sequential(rp.Linear(2, 3, rng=0)).output_shape(((5, 2), (5, 2)))


@pytest.mark.parametrize(("concat", "shapes"), [
    (rp.Concat(), ((5,), (5,))), (rp.Concat(-2), ((5, 3), (5, 3))), (rp.Concat(2), ((5, 3), (5, 3))),
    (rp.Concat(), ((5, 3), (4, 3))), (rp.Concat(), ((5, 2, 3), (5, 3))), (rp.Concat(1), ((5, 2, 3), (5, 2, 4)))])
def test_concat_refuses_the_axis_of_the_batch_and_shapes_that_do_not_fit(concat, shapes):
    with pytest.raises(ShapeError, match=rf"^{re.escape(repr(concat))}: the arrays of x must have "):
        concat.output_shape(shapes)


@pytest.mark.parametrize("axis", [0, 1.0, "1", None])
def test_concat_takes_an_axis_that_is_an_int_other_than_0(axis):
    with pytest.raises(ArgumentError, match=r"^axis must be an int other than 0, the axis of the batch, got "):
        rp.Concat(axis)


def test_a_loss_is_no_node_and_takes_one_array():
    with pytest.raises(ArgumentError, match=r"^Graph: node 'c', BCE\(\), is a loss, which cannot be part of a container"):
        rp.Graph({"p": (rp.Sigmoid(), "x"), "c": (rp.BCE(), "p", "y")}, inputs=("x", "y"), outputs="c")
    y, z = Split().forward(X)
    with pytest.raises(ShapeError, match=r"^MSE\(\): prediction must be one array, got a tuple of them: of a network with"):
        rp.MSE().forward((y, z), X)
    net = rp.Sequential(rp.Linear(2, 2, rng=0), Split())
    sgd = rp.SGD(net.parameters(), lr=0.1)
    with pytest.raises(ShapeError, match=r"^fit: net must have one output, which the loss takes, got 2: write the loop"):
        rp.fit(net, rp.MSE(), sgd, (X, X), epochs=1)


def test_integers_take_the_dtype_of_the_floating_inputs():
    for dtype in ("float32", "float64"):
        y = rp.Multiply().forward((np.full(3, 0.5, dtype), np.arange(3)))
        assert y.dtype == dtype
        assert_array_equal(y, [0, 0.5, 1])
    assert rp.Add().forward(([1, 2], [True, False])).dtype == np.float32
    with pytest.raises(DtypeError, match=r"the arrays of x must have one dtype"):
        rp.Add().forward((np.ones(3), np.ones(3, "float32"), np.arange(3)))


def test_outs_of_several_outputs_must_not_overlap_each_other():
    net = rp.Graph({"s": (rp.Sigmoid(), "x"), "t": (rp.Tanh(), "x")}, inputs="x", outputs=("s", "t"))
    out = np.empty((5, 2))
    with pytest.raises(ArgumentError, match=r": the arrays of out must not overlap each other$"):
        net.forward(X, out=(out, out))
    y = net.forward(X, out=(out, np.empty((5, 2))))
    assert y[0] is out
    assert_allclose(y[1], np.tanh(X))


def test_backward_writes_into_out_if_each_input_has_one_reader():
    net = rp.Graph({"y": (rp.Multiply(), "a", "b")}, inputs=("a", "b"), outputs="y")
    a, b, g = numbers(3, 5, 2)
    net.forward((a, b))
    out = np.empty((5, 2)), np.empty((5, 2))
    gx = net.backward(g, out=out)
    assert (gx[0] is out[0], gx[1] is out[1]) == (True, True)
    assert_array_equal(out[0], g * b)
    assert_array_equal(out[1], g * a)


def test_after_a_forward_that_failed_no_module_inside_has_a_point():
    def broken(x):
        raise ZeroDivisionError

    net = rp.Graph({"a": (rp.Tanh(), "x"), "b": (rp.Function(np.sin, np.cos), "a")}, inputs="x", outputs="b")
    outer = rp.Sequential(net)
    net["b"].f = broken
    with pytest.raises(ZeroDivisionError):
        outer.forward(X)
    with pytest.raises(PhaseError):
        net["a"].backward(X)
    net["b"].f, net["b"].df = np.sin, (broken,)
    outer.forward(X)
    with pytest.raises(ZeroDivisionError) as caught:
        outer.backward(X)
    assert caught.value.__notes__ == ["in Graph['b']", "in Sequential[0]"]
    assert net.gradient is None


# The names


def test_a_graph_is_read_by_the_names_of_its_nodes():
    net = two_by_two()
    assert list(net) == ["h", "both", "y", "z"]
    assert ("y" in net, "x" in net, len(net)) == (True, False, 4)
    with pytest.raises(KeyError, match=r"'u' is none of the nodes 'h', 'both', 'y', 'z'"):
        net["u"]


@pytest.mark.parametrize("name", ["", "a.b", "a\nb"])
def test_names_of_inputs_obey_the_rules_for_names_of_nodes(name):
    with pytest.raises(ArgumentError, match=r"^Graph: a name must be a printable string without a dot, got"):
        rp.Graph({"y": (rp.Tanh(), name)}, inputs=(name,), outputs="y")


def test_a_node_that_reads_a_tuple_has_an_edge_from_the_module_that_returns_it():
    assert [node.sources for node in bundles().wiring().nodes] == [("x",), ("pq",), ("g.t", "pq"), ("g.t", "g.m")]
    assert [node.sources for node in rp.Sequential(two_by_two(), rp.Concat()).wiring().nodes] == [
        ("x0",), ("0.h", "x1"), ("0.both",), ("0.y", "x1"), ("0.y", "0.z")]
    for net, x in ((bundles(), numbers(5, 2)), (rp.Sequential(two_by_two(), rp.Concat()), (numbers(5, 3), X))):
        assert rp.plots.graph(net, x).texts


# Users' containers


def test_a_container_that_writes_a_phase_is_one_leaf():
    """A container that does more than run its nodes: tools must not look only at these."""
    net, x = rp.Sequential(Skip(rp.Linear(3, 3, rng=1), rp.Tanh()), rp.Linear(3, 2, rng=2)), numbers(5, 3)
    assert [path for path, _ in net.leaves()] == ["0", "1"]
    assert_array_equal(rp.layer_statistics(net, x)[-1].activation, net.forward(x))
    assert "Skip(Linear(3, 3), Tanh())" in net.summary((5, 3))
    found = rp.path_sum(net, x.astype("float32"))
    assert_allclose(found.gradient, net.backward(np.ones((5, 2))), rtol=1e-5)
    assert found.products == 2
    rp.check_module(Skip(rp.Linear(3, 3, rng=1), rp.Tanh()), x)


def test_a_class_with_another_forward_saves_what_it_says_or_both():
    class Squared(rp.ReLU):
        """max(0, x)²: it saves x, while ReLU saves its output."""

        def forward(self, x):
            self.point = x
            return np.maximum(x, 0) ** 2

        def backward(self, g):
            return 2 * np.maximum(self.point, 0) * g

    assert (rp.ReLU.saved, Squared.saved) == ("output", "both")
    rp.check_module(Squared(), numbers(5, 3, kinks=[0]))
    rp.check_module(rp.Sequential(rp.Linear(3, 4, rng=0), Squared(), rp.Linear(4, 2, rng=1)), numbers(5, 3))


# The order of layers


def branches(scale=1.0):
    """Two branches that end in one node; their nodes alternate, and those of the second are smaller by ``scale``."""
    return rp.Graph({"h": (rp.Linear(3, 4, rng=0), "x"), "g": (rp.Linear(3, 4, rng=1), "x"), "s": (rp.Tanh(), "h"),
                     "t": (rp.Tanh(), "g"), "u": (rp.Linear(4, 4, rng=2), "s"),
                     "v": (rp.Linear(4, 4, weight_init=rp.Normal(std=scale), rng=3), "t"), "y": (rp.Add(), "u", "v")},
                    inputs="x", outputs="y")


def test_preactivations_are_what_the_activations_read():
    layers = rp.layer_statistics(branches(), numbers(40, 3))
    assert [layer.path for layer in rp.inspection.hidden_activations(layers)] == ["s", "t"]
    assert [layer.path for layer in rp.inspection.preactivations(layers)] == ["h", "g"]


def test_diagnose_compares_gradients_on_one_path():
    """The branch of s is small and that of t is not; they are parallel, so that neither makes the other small."""
    net = branches()
    net["u"].weight.data *= 1e-6
    x, y = numbers(40, 3), numbers(40, 4, seed=5)
    assert "the gradient" not in str(rp.diagnose(net, x, y, rp.MSE()))
    deep = rp.Graph({"h": (rp.Linear(3, 4, rng=0), "x"), "s": (rp.Tanh(), "h"), "u": (rp.Linear(4, 4, rng=2), "s"),
                     "t": (rp.Tanh(), "u"), "y": (rp.Linear(4, 4, rng=3), "t")}, inputs="x", outputs="y")
    deep["u"].weight.data *= 1e-6
    assert "the gradient vanishes" in str(rp.diagnose(deep, x, y, rp.MSE()))


def test_diagnose_takes_one_input_and_one_output():
    with pytest.raises(ArgumentError, match=r"^diagnose: net must have one input and one output, got Graph"):
        rp.diagnose(two_by_two(), (numbers(5, 3), X), X)
    with pytest.raises(ArgumentError, match=r"^diagnose: net must have one input and one output, got Split"):
        rp.diagnose(Split(), X, X)


def test_activations_of_several_heads_are_outputs_not_hidden():
    net = rp.Graph({"h": (rp.Linear(3, 4, rng=0), "x"), "t": (rp.Tanh(), "h"), "p": (rp.Sigmoid(), "t"),
                    "q": (rp.Softplus(), "t")}, inputs="x", outputs=("p", "q"))
    layers = rp.layer_statistics(net, numbers(40, 3))
    assert [layer.path for layer in layers if layer.is_output] == ["p", "q"]
    assert [layer.path for layer in rp.inspection.hidden_activations(layers)] == ["t"]


# Function


@pytest.mark.parametrize(("error", "text", "function"), [
    (DtypeError, "Function(<lambda>, cos): f must be real numbers, got object", rp.Function(lambda x: None, np.cos)),
    (DtypeError, "f must be real numbers, got <U1", rp.Function(lambda x: "3", np.cos)),
    (DtypeError, "f must be real numbers, got complex128", rp.Function(lambda x: x * 1j, np.cos)),
    (ShapeError, "f must return an array of shape (3,) or a number, got shape (1,)", rp.Function(lambda x: x[:1], np.cos)),
])
def test_a_function_that_returns_no_numbers_of_the_shape_of_x_is_refused(error, text, function):
    with pytest.raises(error, match=re.escape(text)):
        function.forward(np.ones(3))


def test_a_function_with_one_derivative_too_few_says_so():
    with pytest.raises(TypeError) as caught:
        rp.Function(lambda x, y: x * y, lambda x, y: y).forward(np.ones(3))
    assert caught.value.__notes__ == ["Function(<lambda>, <lambda>): f is called with 1 array, one for each derivative given"]
    with pytest.raises(ArgumentError, match=r"^Function: give the derivative of f after f, one for each variable"):
        rp.Function(np.sin)
    with pytest.raises(ArgumentError, match=r"^Function: df\[0\] must be callable, got 1$"):
        rp.Function(np.sin, 1)


def test_a_function_may_return_one_number_for_all_elements():
    line = rp.Function(lambda x: 3, lambda x: 0.0)
    assert_array_equal(line.forward(np.ones((2, 3))), np.full((2, 3), 3.0))
    assert_array_equal(line.backward(np.ones((2, 3))), np.zeros((2, 3)))


def test_a_function_of_two_variables_reads_a_tuple_of_a_node():
    net = rp.Sequential(Split(), rp.Function(squashed, squashed_by_x, squashed_by_y), Residual(rp.Tanh()))
    z = np.tanh(2 * X) * X**2
    assert_allclose(net.forward(X), z + np.tanh(z), rtol=1e-14)


def test_one_of_several_outputs_is_not_written_over_the_input():
    class Halves(rp.Module):
        """The first and the second half of each example; it saves nothing."""

        saved = "neither"

        def output_shape(self, input_shape):
            return ((input_shape[0], input_shape[1] // 2),) * 2

        def forward(self, x):
            self.point = None
            return tuple(np.split(x, 2, 1))

        def backward(self, g):
            return np.concatenate(g, 1)

    for net in (rp.Sequential(rp.Linear(2, 4, rng=0), Halves(), rp.Multiply()),
                rp.Graph({"h": (rp.Linear(2, 4, rng=0), "x"), "s": (Halves(), "h"), "y": (rp.Multiply(), "s")}, inputs="x",
                         outputs="y")):
        h = rp.Linear(2, 4, rng=0).forward(X)
        assert_array_equal(net.forward(X), h[:, :2] * h[:, 2:])
        rp.check_module(net, X)


def test_a_sum_over_paths_keeps_the_gradient_that_an_unchecked_backward_reads():
    class Doubled(rp.Module):
        def forward(self, x):
            self.point = None
            return 2 * x

        def backward(self, g):
            return 2 * self.gradient

    assert_array_equal(rp.path_sum(rp.Sequential(Doubled(), Doubled()), X).gradient, np.full((5, 2), 4.0))
