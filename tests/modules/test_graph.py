"""Graph: its wiring, the order of its nodes, its memory, its text; and random graphs against finite differences."""

import pickle
import re
from copy import deepcopy

import numpy as np
import pytest
from cases import diamond, numbers, two_by_two
from hypothesis import HealthCheck, given, settings
from numpy.testing import assert_allclose, assert_array_equal
from random_graphs import BATCH, WIDTH, graphs, one_or_all

import retroprop as rp
from retroprop.errors import ArgumentError, DataError, DtypeError, PhaseError, ShapeError
from retroprop.modules.core.rewinding import rewound
from retroprop.modules.core.values import parts


def silu():
    return rp.Graph({"h": (rp.Linear(2, 3, rng=0), "x"), "s": (rp.Sigmoid(), "h"), "z": (rp.Multiply(), "h", "s")},
                    inputs="x", outputs="z")


def tanh(*sources):
    return (rp.Tanh(), *sources)


# Errors


@pytest.mark.parametrize(("text", "nodes", "inputs", "outputs"), [
    ("data cannot pass in a cycle: 'a' -> 'c' -> 'b' -> 'a'",
     {"a": (rp.Add(), "x", "b"), "b": tanh("c"), "c": tanh("a")}, "x", "c"),
    ("data cannot pass in a cycle: 'a' -> 'a'", {"a": (rp.Add(), "x", "a")}, "x", "a"),
    ("node 'a' reads 'h', which is neither an input ('x') nor a node ('a', 'b')", {"a": tanh("h"), "b": tanh("x")}, "x", "a"),
    ("node 'u', 'v' leads to no output ('a')", {"a": tanh("x"), "u": tanh("x"), "v": tanh("u")}, "x", "a"),
    ("input 'w' leads to no output ('a')", {"a": tanh("x")}, ("x", "w"), "a"),
    ("output 'b' must be one of the nodes 'a'", {"a": tanh("x")}, "x", "b"),
    ("output 'x' must be one of the nodes 'a'", {"a": tanh("x")}, "x", ("a", "x")),
    ("'a' is an input and a node; give one of them another name", {"a": tanh("a")}, "a", "a"),
    ("node 'a', Tanh(), must read 1 source, got 'x', 'x'", {"a": tanh("x", "x")}, "x", "a"),
    ("node 'a', Add(), must read two or more sources, got 'x'", {"a": (rp.Add(), "x")}, "x", "a"),
    ("node 'a', Tanh(), must read 1 source, got none", {"a": tanh()}, "x", "a"),
    ("inputs must be a name or several distinct ones, got ('x', 'x')", {"a": tanh("x")}, ("x", "x"), "a"),
    ("outputs must be a name or several distinct ones, got ()", {"a": tanh("x")}, "x", ()),
    ("a name must be a printable string without a dot, got 'a.b'", {"a.b": tanh("x")}, "x", "a.b"),
    ("node 'a' must be (module, *sources), such as (Tanh(), 'x'), got Tanh()", {"a": rp.Tanh()}, "x", "a"),
    ("nodes must be a dict of (module, *sources) by name, got []", [], "x", "a"),
])
def test_impossible_wiring_is_refused_and_the_nodes_are_named(text, nodes, inputs, outputs):
    with pytest.raises(ArgumentError, match=f"^Graph: {re.escape(text)}$"):
        rp.Graph(nodes, inputs=inputs, outputs=outputs)


def test_a_module_cannot_be_two_nodes():
    module = rp.Tanh()
    with pytest.raises(ArgumentError, match=r"^Graph: Tanh\(\) stands in two places, a and b; make a second module"):
        rp.Graph({"a": (module, "x"), "b": (module, "a")}, inputs="x", outputs="b")
    net = rp.Graph({"a": (module, "x")}, inputs="x", outputs="a")
    with pytest.raises(ArgumentError, match=r"^Sequential: argument 0, Tanh\(\), is already inside another container"):
        rp.Sequential(module)
    assert net["a"] is module


def test_shapes_that_do_not_fit_name_the_node():
    net = rp.Graph({"u": (rp.Linear(2, 3, rng=0), "x"), "z": (rp.Add(), "u", "x")}, inputs="x", outputs="z")
    for call in (lambda: net.forward(np.ones((5, 2))), lambda: net.output_shape((5, 2)), lambda: net.summary((5, 2))):
        with pytest.raises(ShapeError, match=r"^Add\(\): the arrays of x must have one shape, got \(5, 3\) and \(5, 2\)") as e:
            call()
        assert e.value.__notes__ == ["in Graph['z']"]


def test_the_inputs_of_a_graph_are_a_tuple_of_arrays_of_one_dtype():
    net = two_by_two()
    a, b = numbers(5, 3), numbers(5, 2)
    for x, text in ((a, "x must be a tuple of 2 arrays, got one ndarray"), ((a, b, b), "x must be a tuple of 2 arrays, got 3")):
        with pytest.raises(ShapeError, match=f": {text}$"):
            net.forward(x)
    y, z = net.forward((a, b))
    assert (y.shape, z.shape, y.dtype) == ((5, 2), (5, 2), np.float32)
    with pytest.raises(ShapeError, match=r": g must be a tuple of 2 arrays, got one ndarray$"):
        net.backward(y)
    with pytest.raises(ShapeError, match=r"g must have the shape of the output, \(\(5, 2\), \(5, 2\)\), got"):
        net.backward((y, z[1:]))
    with pytest.raises(DtypeError, match=r"^Add\(\): the arrays of x must have one dtype, got float64 \(x\[0\]\) and float32"):
        rp.Add().forward((a, a.astype("float32")))
    with pytest.raises(ShapeError, match=r"x must hold equally many examples in each array, got shape \(5, 3\) and \(4, 2\)$"):
        net.predict((a, b[1:]))


def test_an_error_in_a_phase_names_the_node_and_leaves_no_point():
    def broken(x):
        raise ZeroDivisionError

    net = rp.Graph({"a": tanh("x"), "b": (rp.Function(np.sin, broken), "a")}, inputs="x", outputs="b")
    net.forward(np.ones(3))
    with pytest.raises(ZeroDivisionError) as caught:
        net.backward(np.ones(3))
    assert caught.value.__notes__ == ["in Graph['b']"]
    net["b"].f = broken
    with pytest.raises(ZeroDivisionError) as caught:
        net.forward(np.ones(3))
    assert caught.value.__notes__ == ["in Graph['b']"]
    with pytest.raises(PhaseError):
        net.backward(np.ones(3))


# Values and gradients


def test_gradients_of_a_value_that_several_nodes_read_are_added():
    """z = x² + sin x: x is read three times."""
    net = rp.Graph({"square": (rp.Multiply(), "x", "x"), "sine": (rp.Function(np.sin, np.cos), "x"),
                    "z": (rp.Add(), "square", "sine")}, inputs="x", outputs="z")
    x = numbers(5)
    assert_allclose(net.forward(x), x**2 + np.sin(x), rtol=1e-15)
    assert_allclose(net.backward(np.ones(5)), 2 * x + np.cos(x), rtol=1e-14)


def test_an_output_may_be_read_by_other_nodes():
    """y = exp x and z = y²: the gradient of y is the given one plus the one through z."""
    net = rp.Graph({"y": (rp.Function(np.exp, np.exp), "x"), "z": (rp.Multiply(), "y", "y")}, inputs="x", outputs=("y", "z"))
    x, g, h = numbers(3, 5)
    y, z = net.forward(x)
    assert_allclose(z, y**2)
    assert_allclose(net.backward((g, h)), g * y + 2 * h * y**2, rtol=1e-13)
    assert_allclose(net["y"].gradient, g + 2 * h * y, rtol=1e-13)


def test_a_chain_trains_bit_for_bit_as_a_sequential():
    def layers():
        return [rp.Linear(3, 4, rng=1), rp.BatchNorm(4), rp.ReLU(), rp.Dropout(0.3, rng=3), rp.Linear(4, 1, rng=2)]

    names = ["a", "b", "c", "d", "e"]
    nets = [rp.Sequential(*layers()), rp.Graph({name: (module, before) for name, module, before in zip(
        names, layers(), ["x", *names], strict=False)}, inputs="x", outputs="e")]
    x, y = numbers(5, 3).astype("float32"), np.array([[0], [1], [1], [0], [1]])
    costs = []
    for net in nets:
        loss, sgd = rp.BCEWithLogits(), rp.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for step in range(20):
            costs.append(loss.forward(net.forward(x), y))
            net.backward(loss.backward(), input_gradient=bool(step % 2))
            net.update()
            sgd.step()
    assert costs[:20] == costs[20:]
    assert len(set(costs[:20])) > 15
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        assert_array_equal(a.data, b.data)


def test_fit_trains_a_graph_and_its_state_has_the_names_of_nodes():
    x, y = rp.datasets.moons(200, noise=0.1, rng=0)
    net = rp.Graph({"h": (rp.Linear(2, 16, rng=1), "x"), "t": (rp.Tanh(), "h"), "r": (rp.Linear(16, 16, rng=3), "t"),
                    "a": (rp.Add(), "t", "r"), "z": (rp.Linear(16, 1, rng=2), "a")}, inputs="x", outputs="z")
    rp.fit(net, rp.BCEWithLogits(), rp.Adam(net.parameters(), lr=0.02), (x, y), epochs=30, rng=0, progress=False)
    assert rp.accuracy(net.predict(x), y, threshold=0) > 0.97
    assert list(net.state_dict()) == ["h.weight", "h.bias", "r.weight", "r.bias", "z.weight", "z.bias"]
    for copy in (deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert_array_equal(copy.predict(x), net.predict(x))
    assert net.parameters()[0].flat is net.parameters()[-1].flat


def test_fit_takes_several_inputs_as_a_tuple():
    """The two inputs are the halves of each digit; batches, validation, evaluate and the check of bad data take both."""
    x, y = rp.datasets.digits()
    train, test = rp.datasets.split((x[:, :32], x[:, 32:]), y, test=500, rng=0)
    net = rp.Graph({"a": (rp.Linear(32, 20, rng=1), "top"), "b": (rp.Linear(32, 20, rng=2), "bottom"),
                    "h": (rp.Add(), "a", "b"), "t": (rp.Tanh(), "h"), "z": (rp.Linear(20, 10, rng=3), "t")},
                   inputs=("top", "bottom"), outputs="z")
    loss = rp.CrossEntropy()
    history = rp.fit(net, loss, rp.Adam(net.parameters(), lr=0.01), train, epochs=8, validation=test, rng=0, progress=False)
    assert rp.evaluate(net, loss, *test).accuracy > 0.93
    assert history["validation_accuracy"][-1] == rp.evaluate(net, loss, *test, batch_size=100).accuracy
    whole = rp.Sequential(rp.Linear(64, 20), rp.Tanh(), rp.Linear(20, 10))
    whole[0].weight.data = np.hstack([net["a"].weight.data, net["b"].weight.data])
    whole[0].bias.data = net["a"].bias.data + net["b"].bias.data
    whole[2].load_state_dict(net["z"].state_dict())
    assert_allclose(net.predict(test[0]), whole.predict(np.hstack(test[0])), rtol=1e-4, atol=1e-4)
    bad = (train[0][0], np.full_like(train[0][1], np.nan))
    with pytest.raises(DataError, match=r"^data\[0\]\[1\] must be finite, got .*NaN"):
        rp.fit(net, loss, rp.SGD(net.parameters(), lr=0.1), (bad, train[1]), epochs=1)
    with pytest.raises(ShapeError, match=r"^y must have as many examples as x\[0\], 1297, got 1296$"):
        rp.datasets.batches(train[0], train[1][1:], batch_size=5)
    kept = list(rp.datasets.batches(train[0], train[1], batch_size=500, shuffle=False))
    assert [len(yb) for _, yb in kept] == [500, 500, 297]
    assert_array_equal(kept[1][0][1], train[0][1][500:1000])


def test_without_the_input_gradient_only_nodes_before_parameters_are_skipped():
    seen = []

    class Watched(rp.Identity):
        def backward(self, g, out=None):
            seen.append(self)
            return rp.Identity.backward.__wrapped__(self, g, out)

    nodes = {"i": (Watched(), "x"), "w": (rp.Linear(3, 3, rng=0), "i"), "j": (Watched(), "x"), "z": (rp.Add(), "w", "j"),
             "o": (Watched(), "z")}
    net = rp.Graph(nodes, inputs="x", outputs="o")
    net.forward(numbers(5, 3))
    net.backward(numbers(5, 3), input_gradient=False)
    assert seen == [net["o"]]
    net.update()
    alone = net["w"].weight.grad.copy()
    net.backward(numbers(5, 3))
    assert len(seen) == 4
    net.update()
    assert_array_equal(net["w"].weight.grad, alone)


def test_layer_statistics_describe_every_node_of_a_graph():
    net, x = diamond(), numbers(40, 3)
    layers = rp.layer_statistics(net, x, rp.MSE(), np.zeros((40, 3)))
    twin = diamond()
    y = twin.forward(x)
    loss = rp.MSE()
    loss.forward(y, np.zeros((40, 3)))
    twin.backward(loss.backward())
    assert [layer.path for layer in layers] == ["left", "right.0", "right.1", "right.2", "sum", "gate", "y"]
    assert_array_equal(layers[-1].activation, y)
    assert_array_equal(layers[0].gradient, twin["left"].gradient)
    assert layers[5].saturated is not None
    found = str(rp.diagnose(net, x, np.zeros((40, 3)), rp.MSE()))
    assert "gradient" not in found, found


# Memory


def test_arrays_between_nodes_are_used_again():
    net = rp.Graph({"a": (rp.Linear(3, 4, rng=0), "x"), "r": (rp.ReLU(), "a"), "b": (rp.Linear(4, 4, rng=1), "r"),
                    "s": (rp.Add(), "b", "r"), "z": (rp.Linear(4, 2, rng=2), "s")}, inputs="x", outputs="z")
    x = numbers(5, 3).astype("float32")
    held = []
    for _ in range(2):
        y = net.forward(x)
        gx = net.backward(np.ones_like(y))
        held.append([net[name].point for name in ("r", "b")] + [net[name].gradient for name in ("a", "r", "b", "s")])
    assert all(a is b for a, b in zip(*held, strict=True))
    _, a, r, b, *_ = net.scratch.value_buffers
    assert a is r is net["r"].point                                 # ReLU overwrites the output of Linear
    assert not np.shares_memory(r, b)                               # two nodes read it: none may overwrite it
    again = net.forward(x), net.backward(np.ones_like(y))
    assert not np.may_share_memory(again[0], y)
    assert not np.may_share_memory(again[1], gx)


def test_a_node_writes_over_its_input_only_if_no_other_node_reads_it():
    """b could overwrite a, its input, if c did not read a too."""
    for names in (("b", "c"), ("c", "b")):
        nodes = {"a": (rp.Linear(3, 3, rng=0), "x"), "z": (rp.Add(), *names)}
        nodes |= {name: (rp.ReLU() if name == "b" else rp.Identity(), "a") for name in names}
        net = rp.Graph(nodes, inputs="x", outputs="z")
        x = numbers(5, 3)
        a = rp.Linear(3, 3, rng=0).forward(x)
        assert_array_equal(net.forward(x), np.maximum(a, 0) + a)


# Text


def test_str_lists_what_each_node_reads_also_inside_containers():
    assert str(diamond()) == """\
node     module              reads
---------------------------------------------
x        input
left     Linear(3, 3)        x
right.0  Tanh()              left
right.1  Linear(3, 3)        right.0
right.2  ReLU()              right.1
sum      Add()               left, right.2, x
gate     Sigmoid()           sum
y        Multiply(), output  gate, sum"""


def test_repr_is_the_code_that_builds_the_graph():
    net = silu()
    assert repr(net) == ("Graph({'h': (Linear(2, 3), 'x'), 's': (Sigmoid(), 'h'), 'z': (Multiply(), 'h', 's')}, "
                         "inputs='x', outputs='z')")
    assert repr(eval(repr(net), {name: getattr(rp, name) for name in rp.__all__})) == repr(net)


def test_graphviz_and_mermaid():
    assert silu().graphviz() == """\
digraph {
    rankdir=LR
    "x" [shape=plaintext]
    "h" [shape=box, label="h: Linear(2, 3)"]
    "x" -> "h"
    "s" [shape=box, label="s: Sigmoid()"]
    "h" -> "s"
    "z" [shape=box, label="z: Multiply()", peripheries=2]
    "h" -> "z"
    "s" -> "z"
}"""
    assert rp.Sequential(rp.Tanh(), silu()).mermaid() == """\
flowchart LR
    n0(["x"])
    n1["0: Tanh()"]
    n0 --> n1
    n2["1.h: Linear(2, 3)"]
    n1 --> n2
    n3["1.s: Sigmoid()"]
    n2 --> n3
    n4[["1.z: Multiply()"]]
    n2 --> n4
    n3 --> n4"""
    odd = rp.Graph({'say "a\\b"': tanh("x<y>")}, inputs="x<y>", outputs='say "a\\b"')
    assert '"say \\"a\\\\b\\"" [shape=box' in odd.graphviz()
    assert 'n0(["x#lt;y#gt;"])' in odd.mermaid()


# Random graphs


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_gradients_of_random_graphs_agree_with_finite_differences(net):
    """All gradients agree to 1e-7 of the largest, in a second step, which uses the buffers again."""
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(BATCH, WIDTH)) for _ in net.inputs]
    copy = deepcopy(net)                                            # draws the masks of the second forward
    net.forward(one_or_all([rng.normal(size=(BATCH + 1, WIDTH)) for _ in x]))
    copy.forward(one_or_all([rng.normal(size=(BATCH + 1, WIDTH)) for _ in x]))

    def run(net):
        with rewound(net):                                          # with the same masks and running statistics each time
            return parts(net.forward(one_or_all(x)))

    g = [rng.normal(size=y.shape) for y in run(copy)]
    out = [np.empty((BATCH, WIDTH)) for _ in g], [np.empty((BATCH, WIDTH)) for _ in x]
    assert_array_equal(parts(net.forward(one_or_all(x), out=one_or_all(out[0]))), run(copy))
    gx = net.backward(one_or_all(g), out=one_or_all(out[1]))
    net.update()
    assert all(a is b for a, b in zip(parts(gx), out[1], strict=True))
    computed = [*out[1], *(parameter.grad for parameter in net.parameters())]
    arrays = [*x, *(parameter.data for parameter in copy.parameters())]
    expected = [rp.numerical_gradient(lambda _: sum(map(np.vdot, g, run(copy))), a) for a in arrays]
    largest = max(np.abs(e).max() for e in expected)
    for got, right in zip(computed, expected, strict=True):
        assert_allclose(got, right, rtol=0, atol=1e-7 * largest)
