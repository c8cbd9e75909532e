"""The laws of the tape: it records every phase, changes nothing, and leaves nothing behind."""

import copy
import importlib
import json
import math
import pickle
import time
from contextlib import ExitStack
from itertools import pairwise

import numpy as np
import pytest
from cases import LOSSES, MODULES, Both, Residual, deep, nested, numbers, shared, tied
from counting import function_calls

import retroprop as rp
from retroprop import plots
from retroprop.modules.core.values import each, parts, shape_of

tape_file = importlib.import_module("retroprop.inspection.recording.tape")    # in the package, that name is the function

X = numbers(5, 3).astype("float32")
Y = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0]], "float32")


def net():
    return rp.Sequential(rp.Linear(3, 4, rng=1), rp.ReLU(), rp.Linear(4, 2, rng=2), rp.Sigmoid())


def step(net, loss, x=X, y=Y, **options):
    """Run the three phases; return all their results."""
    cost = loss.forward(net.forward(x), y)
    gx = net.backward(loss.backward(), **options)
    net.update()
    return [cost, gx, *(parameter.grad.copy() for parameter in net.parameters())]


def recorded(t, phase):
    """Return the paths, in the order in which this phase began."""
    return [record.path for record in t.records if record.phase == phase]


# What is recorded


def test_the_worked_example_of_the_lecture_number_by_number():
    """Slides 44-48: binary cross-entropy, sigmoid, linear; two examples, forward, backward and update by hand."""
    w1, w2, b = 0.5, -1.5, 0.25
    examples = [((2.0, 1.0), 1.0), ((-1.0, 3.0), 0.0)]
    (a1, a2), y1 = examples[0]
    (c1, c2), y2 = examples[1]
    s1, s2 = w1 * a1 + w2 * a2 + b, w1 * c1 + w2 * c2 + b                       # s = w x + b
    p1, p2 = 1 / (1 + math.exp(-s1)), 1 / (1 + math.exp(-s2))                   # p = sigmoid(s)
    cost = (-math.log(p1) - math.log(1 - p2)) / 2                               # y is 1 and 0; the mean
    dp1, dp2 = -1 / p1 / 2, 1 / (1 - p2) / 2                                    # dC/dp
    ds1, ds2 = dp1 * p1 * (1 - p1), dp2 * p2 * (1 - p2)                         # dC/ds = dC/dp p (1 - p)
    dx = [[ds1 * w1, ds1 * w2], [ds2 * w1, ds2 * w2]]                           # dC/dx = dC/ds w
    dw, db = [[ds1 * a1 + ds2 * c1, ds1 * a2 + ds2 * c2]], [ds1 + ds2]          # the sum over the examples
    x, s, p, y = [[a1, a2], [c1, c2]], [[s1], [s2]], [[p1], [p2]], [[y1], [y2]]
    dp, ds = [[dp1], [dp2]], [[ds1], [ds2]]
    expected = [                                                                # inputs, outputs, stored
        ("forward", "Linear", {"x": x}, {"y": s}, {"x": x}),
        ("forward", "Sigmoid", {"x": s}, {"y": p}, {"y": p}),
        ("forward", "BCE", {"prediction": p, "target": y}, {"y": cost}, {"prediction": p, "target": y}),
        ("backward", "BCE", {}, {"gx": dp}, {"gradient": 1.0}),
        ("backward", "Sigmoid", {"g": dp}, {"gx": ds}, {"g": dp}),
        ("backward", "Linear", {"g": ds}, {"gx": dx}, {"g": ds}),
        ("update", "Linear", {}, {}, {"weight.grad": dw, "bias.grad": db})]

    net, loss = rp.Sequential(rp.Linear(2, 1), rp.Sigmoid()).astype("float64"), rp.BCE()
    net[0].weight.data, net[0].bias.data = [[w1, w2]], [b]
    with rp.tape(net, loss) as t:
        step(net, loss, np.array(x), np.array(y))
    found = [record for record in t.records if not record.module.startswith("Sequential")]
    for record, (phase, kind, *columns) in zip(found, expected, strict=True):
        assert (record.phase, record.module.partition("(")[0]) == (phase, kind)
        for tensors, column in zip((record.inputs, record.outputs, record.stored), columns, strict=True):
            assert [tensor.name for tensor in tensors] == list(column)
            for tensor, by_hand in zip(tensors, column.values(), strict=True):
                assert tensor.shape == np.shape(by_hand)
                np.testing.assert_allclose(tensor.numbers, by_hand, rtol=1e-13)


@pytest.mark.parametrize("make", [net, nested, deep, lambda: Both(*tied()), lambda: Residual(Residual(rp.Linear(3, 3, rng=0)))])
def test_every_module_at_every_depth_is_recorded_in_the_order_of_the_phases(make):
    module = make()
    paths = [path for path, _ in module.named_modules()]
    inner = [path for path, part in module.named_modules() if not part.children()]
    with rp.tape(module) as t:
        module.backward(module.forward(X))
        module.update()
    assert recorded(t, "forward") == paths
    assert set(recorded(t, "backward")) == set(paths)
    assert [path for path in recorded(t, "backward") if path in inner] == inner[::-1]
    assert {path for path, part in module.named_modules() if part.own_parameters()} <= set(recorded(t, "update"))
    assert [record.number for record in t.records] == list(range(1, len(t.records) + 1))
    modules = dict(module.named_modules())
    assert all(record.module == repr(modules[record.path]) for record in t.records)
    assert all(record.depth == len(record.path.split(".")) * bool(record.path) for record in t.records)


def test_phases_lie_in_time_within_those_that_run_them():
    module = deep()
    with rp.tape(module) as t:
        module.forward(X)
    whole, *parts = t.records
    assert all(record.seconds > 0 for record in t.records)
    for before, after in pairwise(record for record in parts if record.depth == 1):
        assert whole.start <= before.start <= before.start + before.seconds <= after.start
    assert after.start + after.seconds <= whole.start + whole.seconds


def test_the_work_of_the_tape_takes_no_time_on_its_clock(monkeypatch):
    now = [0.0]

    class Slow(rp.Tanh):
        def forward(self, x, out=None):
            now[0] += 5
            return super().forward(x, out)

    def slow_checksums(arrays, compute=tape_file.checksums):
        now[0] += 100
        return compute(arrays)

    monkeypatch.setattr(tape_file, "perf_counter", lambda: now[0])
    monkeypatch.setattr(tape_file, "checksums", slow_checksums)
    module = rp.Sequential(Slow(), Slow())
    with rp.tape(module) as t:
        module.backward(module.forward(X))
    assert [(record.start, record.seconds) for record in t.records] == [(0, 10), (0, 5), (5, 5), (10, 0), (10, 0), (10, 0)]


def test_shapes_stored_arrays_and_bytes():
    """Memory of an argument does not count; memory that is both returned and stored counts once."""
    module, loss = rp.Sequential(rp.Linear(3, 4, rng=0), rp.ReLU(), rp.BatchNorm(4)), rp.MSE()
    with rp.tape(module, loss) as t:
        step(module, loss, y=np.ones((5, 4), "float32"))
    rows = [(record.path, record.phase, [(s.name, s.shape) for s in record.stored], record.nbytes) for record in t.records]
    assert rows == [
        ("", "forward", [("x", (5, 3))], 80),
        ("0", "forward", [("x", (5, 3))], 80),
        ("1", "forward", [("y", (5, 4))], 80),                      # 0 if it had written over its input
        ("2", "forward", [("centred", (5, 4)), ("scale", (4,)), ("factor", (4,)), ("of_batch", ())], 80 + 80 + 16 + 16 + 1),
        ("", "forward", [("point", (5, 4))], 80 + 8),
        ("", "backward", [("gradient", ())], 80 + 4),
        ("", "backward", [("g", (5, 4))], 60),
        ("2", "backward", [("g", (5, 4))], 80),
        ("1", "backward", [("g", (5, 4))], 80),
        ("0", "backward", [("g", (5, 4))], 60),
        ("", "update", [], 0),
        ("0", "update", [("weight.grad", (4, 3)), ("bias.grad", (4,))], 64),
        ("2", "update", [("weight.grad", (4,)), ("bias.grad", (4,))], 32)]
    assert [record.root for record in t.records if record.path == ""] == [0, 1, 1, 0, 0]
    assert t.records[4].inputs[1].shape == (5, 4)


def test_points_and_inputs_of_several_arrays_are_recorded_by_name():
    class Pair(rp.Module):
        """Its point contains a tuple."""

        def forward(self, x):
            self.point = (np.ones(2), (x, None)), "sum", x.reshape(-1)
            return 2 * x

        def backward(self, g):
            return 2 * g

    with rp.tape(Pair()) as t:
        t.modules[0].forward(X)
        t.modules[0].forward(((1, 2, 3), (4, 5, 6)))                # one array, made by the checked phase
    given, listed = ([(tensor.name, tensor.shape) for tensor in (*record.inputs, *record.stored)] for record in t.records)
    assert given == [("x", (5, 3)), ("point[0][0]", (2,)), ("x", (5, 3)), ("point[2]", (15,))]
    assert listed == [("x", (2, 3)), ("point[0][0]", (2,)), ("point[0][1][0]", (2, 3)), ("point[2]", (6,))]


def test_inputs_of_several_arrays_may_be_given_in_any_form():
    """Also as a list, or as nested sequences of numbers: the arity of the module tells how many arrays there are."""
    concat, x = rp.Concat(), X[:2]
    fan = rp.Graph({"a": (rp.Tanh(), "x"), "b": (rp.Tanh(), "x")}, inputs="x", outputs=("a", "b"))
    with rp.tape(concat, fan) as t:
        for given in ((x, x), [x, x], (x.tolist(), x.tolist()), [x.tolist()] * 2):
            concat.forward(given)
            fan.forward(x.tolist())
            fan.backward(given)
    for phase, root, name in (("forward", 0, "x"), ("backward", 1, "g")):
        found = [record.inputs for record in t.records if (record.phase, record.root, record.path) == (phase, root, "")]
        assert len(found) == 4
        for tensors in found:
            assert [(tensor.name, tensor.shape) for tensor in tensors] == [(f"{name}[0]", (2, 3)), (f"{name}[1]", (2, 3))]
            np.testing.assert_array_equal(tensors[1].numbers, x)
    assert [tensor.name for tensor in t.records[1].inputs] == ["x"]


def test_numbers_of_small_arrays_are_copied():
    module = net()
    with rp.tape(module, limit=10) as t:
        y = module.forward(X)
        kept = y.copy()
        module.predict(2 * X)
    y[...] = 7
    np.testing.assert_array_equal(t.records[0].outputs[0].numbers, kept)
    assert t.records[0].inputs[0].numbers is None                   # 15 numbers
    with rp.tape(module, limit=0) as t:
        module.forward(X)
    assert all(tensor.numbers is None for record in t.records for tensor in (*record.inputs, *record.outputs))


def test_predict_is_recorded_in_evaluation_mode_and_keeps_points_and_fingerprints():
    module, loss = net(), rp.MSE()
    expected = step(copy.deepcopy(module), loss)
    with rp.tape(module) as t:
        y = module.forward(X)
        module.predict(-X, batch_size=2)
        assert [record.training for record in t.records if record.depth == 0] == [True, False, False, False]
        loss.forward(y, Y)
        module.backward(loss.backward())
        module.update()
        for parameter, grad in zip(module.parameters(), expected[2:], strict=True):
            np.testing.assert_array_equal(parameter.grad, grad)
        module[-1].point[...] += 1
        with pytest.raises(rp.PhaseError, match="written into before update"):
            module.update()


def test_a_phase_that_calls_super_is_one_record():
    class Doubled(rp.Linear):
        def forward(self, x, out=None):
            return super().forward(2 * x, out)

        def backward(self, g, out=None, *, input_gradient=True):
            return super().backward(g, out, input_gradient=input_gradient)

    for module in Doubled(3, 2, rng=0), rp.Sequential(Doubled(3, 2, rng=0)):
        with rp.tape(module) as t:
            module.backward(module.forward(X), input_gradient=False)
            module.update()
        assert sum(record.module.startswith("Doubled") for record in t.records) == 3
        assert all(record.outputs == () for record in t.records if record.phase == "backward")


def test_a_record_of_update_has_the_gradient_that_the_module_adds_to_a_shared_parameter():
    module = shared()
    with rp.tape(module, limit=9) as t:
        module.backward(module.forward(X))
        module.update()
    parts = [record.stored[0].numbers for record in t.records if record.phase == "update" and record.depth == 1]
    assert len(parts) == 2
    np.testing.assert_array_equal(module[0].weight.grad, parts[0] + parts[1])


def test_a_module_with_two_paths_is_recorded_under_the_first():
    module = rp.Sequential(rp.Tanh(), rp.Tanh())
    with rp.tape(Both(*[module[0]] * 2), module) as t:
        module.forward(X)
    assert [(record.root, record.path) for record in t.records] == [(1, ""), (0, "first"), (1, "1")]


def test_a_frozen_module_has_no_update():
    module = net()
    for parameter in module[0].parameters():
        parameter.frozen = True
    with rp.tape(module) as t:
        module.backward(module.forward(X))
        module.update()
        module[0].update()
    assert recorded(t, "update") == ["", "2", "0"]
    assert t.records[-1].stored == ()


def test_a_module_of_a_container_that_is_not_on_the_tape_is_recorded():
    module = rp.Sequential(rp.Sequential(rp.Linear(3, 4, rng=0), rp.Tanh()), rp.Linear(4, 2, rng=1))
    step(module, rp.MSE())
    with rp.tape(module[0][0]) as t:
        with pytest.raises(rp.PhaseError, match="no forward has run"):
            module.backward(Y)
        step(module, rp.MSE(), input_gradient=False)
    assert [(record.path, record.depth, record.phase) for record in t.records] == [
        ("", 0, "forward"), ("", 0, "backward"), ("", 0, "update")]
    step(module, rp.MSE())
    assert len(t.records) == 3


# It changes nothing


@pytest.mark.parametrize("case", MODULES + LOSSES, ids=str)
def test_every_module_computes_the_same_on_a_tape(case):
    """Bit for bit, in two steps, with a second backward; and no module is accused of changing its point."""
    def run(module):
        results = []
        for _ in range(2):
            y = module.forward(*case.inputs)
            rng = np.random.default_rng(1)
            g = each(lambda shape: rng.standard_normal(shape).astype("float32"), shape_of(y))  # noqa: B023
            results += [array for value in (y, module.backward(g), module.backward(g)) for array in parts(value)]
            module.update()
            results += [parameter.grad.copy() for parameter in module.parameters()]
        return results + [array.copy() for _, array in module.named_buffers()]

    expected, module = run(case.build()), case.build()
    with rp.tape(module):
        found = run(module)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_on_a_tape_gives_the_same_network():
    trained, y = [], (X[:, 0] > 0).astype(int)
    for wrap in (lambda fit, *modules: fit(), on_a_tape):
        module = rp.Sequential(rp.Linear(3, 4, rng=1), rp.BatchNorm(4), rp.ReLU(), rp.Dropout(rng=2), rp.Linear(4, 2, rng=3))
        loss, sgd = rp.CrossEntropy(), rp.SGD(module.parameters(), lr=0.1, momentum=0.9)

        def train(module=module, loss=loss, sgd=sgd):
            rp.fit(module, loss, sgd, (X, y), epochs=3, batch_size=2, validation=(X, y), rng=0, progress=False)

        wrap(train, module, loss)
        trained.append(module.state_dict())
    for name, array in trained[0].items():
        np.testing.assert_array_equal(array, trained[1][name])


def on_a_tape(train, module, loss):
    with rp.tape(module, loss) as t:
        train()
    assert {"forward", "backward", "update"} == {record.phase for record in t.records}


@pytest.mark.parametrize("wrap", [lambda inner: inner, Residual])
def test_per_example_gradients_are_recorded_whatever_ran_before(wrap):
    """They reuse workspaces between calls, but never one from before the tape inside it, nor one from another tape."""
    inner, loss = rp.Sequential(rp.Linear(3, 3, rng=1), rp.Dropout(0.5, rng=2), rp.Linear(3, 3, rng=3)), rp.MSE()
    module = wrap(inner)
    twin = copy.deepcopy(module)                                    # on no tape, copied before any workspace exists
    rp.per_example_norms(module, loss, X, X)
    for _ in range(3):
        expected = rp.per_example_norms(twin, rp.MSE(), X, X)
        with rp.tape(inner) as t:
            for run in (rp.per_example_norms, rp.per_example_gradients):
                run(module, loss, X, X)
                phases = [(record.phase, record.path) for record in t.records]
                assert phases == [("forward", ""), *(("forward", str(k)) for k in range(3)),
                                  ("backward", ""), ("backward", "2"), ("backward", "1"), ("backward", "0")]
                t.records.clear()
            np.testing.assert_array_equal(rp.per_example_norms(module, loss, X, X), expected)
        module.forward(X)                                           # draws other masks, and overwrites arrays that were read
        twin.forward(X)


def test_a_jvp_is_not_recorded():
    """Also if it runs backwards of inner modules."""
    class Through(rp.Module):
        def __init__(self):
            self.inner, self.layer = rp.Sequential(rp.Linear(3, 3, rng=0), rp.Tanh()), rp.Linear(3, 2, rng=1)

        def output_shape(self, shape):
            return self.layer.output_shape(shape)

        def forward(self, x):
            self.point = ()
            return self.layer.forward(self.inner.forward(x))

        def backward(self, g):
            return self.inner.backward(self.layer.backward(g))

    for module in (Through(), rp.Sequential(Through())):
        with rp.tape(module) as t:
            y = module.forward(X)
            length = len(t.records)
            module.jvp(X)
            assert len(t.records) == length
            module.backward(y)
            module.update()
        assert len([record for record in t.records if record.phase == "backward"]) == length


# What remains after the block


def test_after_the_tape_a_step_calls_as_many_functions_as_before():
    module, loss = rp.Sequential(rp.Linear(3, 4, rng=1), rp.Sequential(rp.ReLU(), rp.Linear(4, 2, rng=2))), rp.MSE()

    def once():
        step(module, loss)

    once()
    before, attributes = function_calls(once), [set(vars(part)) for _, part in module.named_modules()]
    with rp.tape(module, loss) as t:
        once()
        assert function_calls(once) > before
    length = len(t.records)
    assert all(part._fingerprint is None for part in (*module, loss))
    once()
    assert function_calls(once) == before
    assert [set(vars(part)) for _, part in module.named_modules()] == attributes
    assert module.scratch.forwards[0][0].__func__ is rp.Linear.forward.__wrapped__
    assert len(t.records) == length


def test_after_the_tape_per_example_gradients_call_as_many_functions_as_before():
    module, loss = net(), rp.MSE()

    def look():
        rp.per_example_norms(module, loss, X, Y)

    look()
    before = function_calls(look)
    with rp.tape(module, loss):
        look()
    look()
    assert function_calls(look) == before


def test_points_stay_on_exit_and_are_forgotten_on_entry():
    module, loss = net(), rp.MSE()
    expected = step(copy.deepcopy(module), loss)
    module.forward(X)
    with rp.tape(module) as t:
        with pytest.raises(rp.PhaseError, match="no forward has run"):
            module.backward(Y)
        cost = loss.forward(module.forward(X), Y)
    length = len(t.records)
    gx = module.backward(loss.backward())
    module.update()
    assert len(t.records) == length
    for a, b in zip([cost, gx, *(parameter.grad for parameter in module.parameters())], expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_tapes_may_follow_each_other_and_be_entered_again():
    module, loss = net(), rp.MSE()
    first, second = rp.tape(module), rp.tape(module, loss)
    for t in (first, second, first):
        with t:
            step(module, loss)
    once = len(first.records) // 2
    assert recorded(first, "forward") == 2 * ["", "0", "1", "2", "3"]
    assert first.records[once].number == once + 1
    assert first.records[once].start > first.records[once - 1].start
    assert recorded(second, "forward") == ["", "0", "1", "2", "3", ""]


def test_a_nested_tape_records_other_modules():
    module, loss = net(), rp.MSE()
    with rp.tape(module) as outer:
        with rp.tape(loss) as inner:
            step(module, loss)
        step(module, loss)
    assert [record.phase for record in inner.records] == ["forward", "backward"]
    assert recorded(outer, "forward") == 2 * ["", "0", "1", "2", "3"]


@pytest.mark.parametrize("other", [lambda module: module, lambda module: module[0], lambda module: Residual(module)])
def test_a_module_is_on_one_tape_at_a_time(other):
    module, loss = net(), rp.MSE()
    with rp.tape(module) as t:
        with pytest.raises(rp.ArgumentError, match=r"^tape: .* is on a tape already; leave that block first"), \
             rp.tape(loss, other(module)):
            pass
        step(module, loss)
    assert not loss._taped
    assert recorded(t, "forward") == ["", "0", "1", "2", "3"]


@pytest.mark.parametrize("twin", [copy.deepcopy, copy.copy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_made_inside_is_not_on_the_tape(twin):
    module = nested() if twin is not copy.copy else rp.Linear(3, 2, rng=0)
    with rp.tape(module) as t:
        other = twin(module)
        y = other.forward(X)
        other.backward(y)
        assert t.records == []
        np.testing.assert_array_equal(module.forward(X), y)
    assert not {"forward", "backward", "update"} & set(vars(other))


def test_a_copy_made_inside_keeps_its_attributes():
    """Also a callable with the name of a phase."""
    layer = Curved(np.sin)
    with rp.tape(layer):
        twins = copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))
        assert all(vars(twin) == {"f": np.sin} and twin.training for twin in twins)


class Curved(rp.Module):
    f = staticmethod(np.tanh)

    def __init__(self, f):
        self.f = f

    def forward(self, x):
        self.point = x
        return self.f(x)


def test_a_phase_that_fails_is_recorded_and_the_next_ones_run():
    class Stumbling(rp.Tanh):
        def forward(self, x, out=None):
            if x[0, 0] > 10:
                raise ArithmeticError
            return super().forward(x, out)

    module = rp.Sequential(rp.Linear(3, 4, rng=0), Stumbling(), rp.Linear(4, 2, rng=1))
    module[0].weight.data = np.ones((4, 3))
    with rp.tape(module) as t:
        for wrong in X[:, :2], [[1, 2, 3], [4]]:
            with pytest.raises(rp.ShapeError):
                module.forward(wrong)
    with pytest.raises(ArithmeticError) as caught, t:
        module.forward(np.full((1, 3), 20.0))
    assert caught.value.__notes__ == ["in Sequential[1]"]
    assert [(record.path, record.depth, record.raised) for record in t.records] == [
        ("", 0, "ShapeError"), ("", 0, "ShapeError"), ("", 0, "ArithmeticError"), ("0", 1, None), ("1", 1, "ArithmeticError")]
    assert "raised ArithmeticError" in str(t)
    assert not any(part._taped for _, part in module.named_modules())
    step(module, rp.MSE())


# Points that change are detected


def test_writing_into_an_array_of_a_point_raises():
    module, loss = rp.Sequential(rp.Sequential(rp.Linear(3, 2, rng=0), rp.Sigmoid())), rp.MSE()
    x = X.copy()
    with rp.tape(module, loss):
        step(module, loss, x)
        before = [parameter.grad.copy() for parameter in module.parameters()]
        loss.forward(module.forward(x), Y)
        g = loss.backward()
        module[0][1].point[0, 0] = 0.5
        text = (r"^Sigmoid\(\) at '0.1': y, which forward saved, must not change before update, but was written into "
                r"before backward; change a copy of the array \(a.copy\(\)\), or call forward again$")
        with pytest.raises(rp.PhaseError, match=text):
            module.backward(g)
        assert module[0][0].gradient is None
        module.forward(x)
        module.backward(g)
        x[2, 1] += 1
        with pytest.raises(rp.PhaseError, match=r"^Linear\(3, 2\) at '0.0': x, which .* before update"):
            module.update()
        for parameter, grad in zip(module.parameters(), before, strict=True):
            np.testing.assert_array_equal(parameter.grad, grad)


@pytest.mark.parametrize(("loss", "name"), [(rp.BCE(), "prediction"), (rp.Hinge(), "point")])
def test_writing_into_the_point_of_a_loss_raises(loss, name):
    p, y = np.array([0.2, 0.7]), np.array([0, 1])
    with rp.tape(loss):
        loss.forward(p, y)
        p[0] = 0.9
        if name == "prediction":
            with pytest.raises(rp.PhaseError, match=r"^BCE\(\): prediction, which forward saved"):
                loss.backward()
        else:                                                       # Hinge saves costs and signs, not the scores
            loss.backward()


def test_a_composite_that_overwrites_the_point_of_an_inner_module_raises():
    class Careless(Residual):
        def forward(self, x):
            self.point = None
            y = self.inner.forward(x)
            self.inner.point += x
            return y

    module = Careless(rp.Sigmoid())
    with rp.tape(module), pytest.raises(rp.PhaseError, match=r"^Sigmoid\(\) at 'inner': point, which"):
        module.backward(module.forward(X))


def test_a_checksum_is_computed_once_for_the_tree_and_once_for_the_module(monkeypatch):
    """However deep the module lies."""
    summed = []

    def counting(arrays, compute=tape_file.checksums):
        summed.extend(map(id, arrays.values()))
        return compute(arrays)

    monkeypatch.setattr(tape_file, "checksums", counting)
    module = rp.Sequential(rp.Sequential(rp.Sequential(rp.Sequential(rp.Linear(3, 2, rng=0)))))
    x = X.copy()
    with rp.tape(module):
        for phase in (lambda: module.forward(x), lambda: module.backward(Y), module.update):
            summed.clear()
            phase()
            assert summed.count(id(x)) == (1 if "forward" in phase.__code__.co_names else 2)


def test_unneeded_arrays_may_change_and_a_point_may_be_replaced():
    """Nothing reads the point of a container, its input; and assigning a point is deliberate."""
    module, layer, x = rp.Sequential(rp.Sigmoid(), rp.Linear(3, 2, rng=0)), rp.Linear(3, 2, rng=0), X.copy()
    with rp.tape(module, layer):
        y = module.forward(x)
        x[...] = y[...] = 0
        module.backward(Y)
        module.update()
        layer.forward(X)
        layer.point = 2 * X
        layer.backward(Y)
        layer.update()
    np.testing.assert_allclose(layer.weight.grad, Y.T @ (2 * X), rtol=1e-5)


# Tables and figures


def test_the_table_is_aligned_and_shows_nesting():
    module, loss = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Tanh()), rp.MSE()
    with rp.tape(module, loss) as t:
        assert str(t) == "(nothing was recorded)"
        step(module, loss, y=np.zeros((5, 4)))
    head, rule, *lines = str(t).splitlines()
    assert head.split() == ["#", "phase", "module", "in", "out", "stored", "bytes", "µs", "numbers"]
    assert set(rule) == {"-"}
    assert len(rule) == max(map(len, (head, *lines)))
    assert [line[head.index("module"):head.index(" in ")].rstrip() for line in lines] == [
        "Sequential(…)", "  0 Linear(3, 4)", "  1 Tanh()", "MSE()", "MSE()",
        "Sequential(…)", "  1 Tanh()", "  0 Linear(3, 4)", "Sequential(…)", "  0 Linear(3, 4)"]
    for column, end in ("#", True), ("bytes", True), ("µs", True), ("stored", False), ("in ", False):
        at = head.index(column) + (len(column.strip()) if end else 0)
        assert {line[at:at + 1] for line in lines} <= ({" ", ""} if end else {"(", "x", "y", "g", "p", "w", " ", ""})
    assert lines[-1].endswith(" ".join(f"{number:.4g}" for number in module[0].bias.grad))
    assert "µs" not in t.table(times=False)
    assert t.table(times=False) == t.table(times=False)
    assert len(t.table(times=False).splitlines()) == len(lines) + 2


@pytest.mark.parametrize(("module", "shown"), [
    (rp.Linear(2, 3), "Linear(2, 3)"),
    (rp.Linear(2000, 3000, dtype="float64"), "Linear(2000, 3000, …)"),
    (rp.Sequential(rp.Linear(2, 3), rp.Tanh()), "Sequential(…)"),
    (rp.Sequential(rp.Tanh(), rp.Tanh(), rp.Tanh()), "Sequential(…)")])
def test_labels_are_short(module, shown):
    with rp.tape(module) as t:
        module.forward(np.ones((1, 2000 if "2000" in shown else 2)))
    assert t.records[0].label == shown


def test_labels_tell_several_nets_apart():
    first, second, loss = net(), net(), rp.MSE()
    with rp.tape(first, second, loss) as t:
        for module in (first, second):
            loss.forward(module.forward(X), Y)
    labels = ["[0] Sequential(…)", "[0] 0 Linear(3, 4)", "[0] 1 ReLU()", "[0] 2 Linear(4, 2)", "[0] 3 Sigmoid()", "MSE()"]
    expected = labels + [label.replace("[0]", "[1]") for label in labels]
    assert [t.label(record) for record in t.records] == expected
    assert all(label in line for label, line in zip(expected, str(t).splitlines()[2:], strict=True))
    ticks = [label.get_text() for label in plots.timeline(t).get_yticklabels()]
    assert ticks == list(dict.fromkeys(expected))
    with rp.tape(*first, loss) as t:
        step(first, loss)
    assert not any("[" in t.label(record) for record in t.records)


def test_records_as_dicts_can_be_written_as_json():
    module = deep()
    with rp.tape(module, limit=2) as t:
        module.backward(module.forward(X[:1]))
        module.update()
    dicts = t.as_dicts()
    assert json.loads(json.dumps(dicts)) == dicts
    assert [d["path"] for d in dicts] == [record.path for record in t.records]
    wanted = {"number": 10, "depth": 0, "root": 0, "path": "", "module": repr(module), "phase": "forward", "training": True,
              "raised": None, "inputs": [{"name": "x", "shape": [1, 3], "numbers": None}]}
    assert {name: dicts[0][name] for name in wanted} == wanted | {"number": 1}
    assert dicts[-1]["stored"][0] == {"name": "scale.grad", "shape": [4], "numbers": None}
    with pytest.raises(AttributeError):
        t.records[0].path = "1"


def test_bad_arguments_are_refused():
    with pytest.raises(rp.ArgumentError, match=r"^tape: modules must be at least one Module, got none"):
        rp.tape()
    with pytest.raises(rp.ArgumentError, match=r"^tape: modules must be at least one Module, got \[Tanh\(\)\]"):
        rp.tape([rp.Tanh()])
    with pytest.raises(rp.ArgumentError, match=r"^limit must be an integer of at least 0, got 0.5"):
        rp.tape(rp.Tanh(), limit=0.5)
    module = rp.Sequential(rp.Tanh(), rp.Tanh())
    module[1].forward = lambda x: x
    with pytest.raises(rp.ArgumentError, match=r"^tape: Tanh\(\) at '1' must take forward from its class"), rp.tape(module):
        pass
    assert not module._taped
    module = rp.Tanh()
    module.prepare = lambda shape, dtype: None
    with pytest.raises(rp.ArgumentError, match=r"^tape: Tanh\(\) must take prepare from its class"), rp.tape(module):
        pass


def test_in_the_timeline_forward_rises_and_backward_falls():
    module, loss = net(), rp.BCE()
    with rp.tape(module, loss) as t:
        step(module, loss)
    ax = plots.timeline(t, title="a message")
    bars = [bar for bar in ax.patches if bar.get_width() > 0]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "Sequential(…)", "0 Linear(3, 4)", "1 ReLU()", "2 Linear(4, 2)", "3 Sigmoid()", "BCE()"]
    for bar, record in zip(bars, t.records, strict=True):
        row = 5 if record.root else int(record.path) + 1 if record.path else 0
        assert bar.get_y() + bar.get_height() / 2 == pytest.approx(row)
        assert bar.get_width() / bars[0].get_width() == pytest.approx(record.seconds / t.records[0].seconds)
        assert bar.get_x() / bars[0].get_width() == pytest.approx((record.start - t.records[0].start) / t.records[0].seconds)
        assert bar.get_alpha() == (0.3 if row == 0 else 1)
    rows = {phase: [bar.get_y() for bar, record in zip(bars, t.records, strict=True) if record.phase == phase]
            for phase in ("forward", "backward")}
    assert rows["forward"] == sorted(rows["forward"])
    assert rows["backward"][2:] == sorted(rows["backward"][2:], reverse=True)    # after the loss and the whole
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["forward", "backward", "update"]
    assert ax.get_title() == "a message"
    for nothing in (rp.tape(module), 3):
        with pytest.raises(rp.ArgumentError, match=r"^timeline: tape must be a Tape with at least one record"):
            plots.timeline(nothing)


def test_making_a_plan_takes_no_time_on_the_clock(monkeypatch):
    """A plan is made once per shape, and would hide the time of a step."""
    prepare = rp.Linear.prepare

    def slow(self, shape, dtype):
        time.sleep(0.05)
        return prepare(self, shape, dtype)

    monkeypatch.setattr(rp.Linear, "prepare", slow)
    module = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Sequential(rp.Linear(4, 2, rng=1)))
    with rp.tape(module) as t:
        module.forward(X)
    assert t.records[-1].start + t.records[-1].seconds < 0.05
    assert all(0 <= record.seconds <= t.records[0].seconds for record in t.records)
    assert not {"prepare", "plan_updates", "forward"} & vars(module).keys()


def test_a_list_of_modules_is_to_be_unpacked():
    with pytest.raises(rp.ArgumentError, match=r"got \[Tanh\(\)\]; unpack it: tape\(\*modules\)$"):
        rp.tape([rp.Tanh()])
    assert repr(rp.tape(rp.Tanh())) == "<Tape with 0 records>"


def test_a_tape_can_be_entered_by_an_exit_stack_and_looked_at_inside():
    net = rp.Sequential(rp.Linear(3, 2, rng=0))
    with ExitStack() as stack:
        tape = stack.enter_context(rp.tape(net))
        assert hasattr(tape, "__exit__")
        net.forward(np.ones((2, 3)))
        assert len(tape.records) == 2
    net.forward(np.ones((2, 3)))
    assert len(tape.records) == 2
