"""Gradients of single examples, and their norms."""

import weakref
from copy import deepcopy

import numpy as np
import pytest
from cases import Affine, Centre, Residual, numbers, shared, stirred
from numpy.testing import assert_allclose, assert_array_equal
from steps import refuses

import retroprop as rp
from retroprop.errors import ArgumentError, PhaseError, ShapeError

X, Y = numbers(7, 3), np.array([0, 2, 1, 1, 0, 2, 2])


class Silent(rp.Module):
    """A user's module with a parameter, without ``example_gradients``."""

    def __init__(self, features):
        self.shift = rp.Parameter(np.linspace(-1, 1, features), "shift")

    def forward(self, x):
        self.point = ()
        return x + self.shift.data

    def backward(self, g):
        return g.copy()

    def update(self):
        self.shift.grad = self.gradient.sum(0)


class Shift(Silent):
    """The same with ``example_gradients``: g itself, which a container will overwrite."""

    def example_gradients(self):
        return {"shift": self.gradient}


def sequences():
    """Return a net with a Linear and a LayerNorm on three axes: (batch, 4, 3)."""
    return rp.Sequential(rp.Reshape(4, 3), rp.Linear(3, 5, rng=1), rp.LayerNorm(5), rp.Tanh(), rp.Linear(5, 2, rng=2),
                         rp.Flatten())


def images():
    return rp.Sequential(rp.Reshape(3, 2, 2), rp.BatchNorm(3), rp.Tanh(), rp.Flatten(), rp.Linear(12, 3, rng=1)).eval()


def of_users():
    return rp.Sequential(Residual(rp.Sequential(rp.Linear(3, 3, rng=1), rp.Tanh())), Shift(3), Affine(3))


NETS = {
    "two layers": (lambda: rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), rp.Linear(4, 3, rng=2)), X, Y),
    "Linear alone": (lambda: rp.Linear(3, 3, rng=1), X, Y),
    "no bias": (lambda: rp.Sequential(rp.Linear(3, 3, bias=False, rng=1)), X, Y),
    "normalized": (lambda: rp.Sequential(rp.Linear(3, 4, rng=1), rp.BatchNorm(4), rp.Tanh(), rp.LayerNorm(4),
                                         rp.Linear(4, 3, rng=2)).eval(), X, Y),
    "images": (images, numbers(7, 12), Y),
    "sequences": (sequences, numbers(7, 12), Y),
    "a shared Parameter": (shared, X, Y),
    "a user's modules": (of_users, X, Y)}


def case(name):
    build, x, y = NETS[name]
    return stirred(build().astype("float64")), x, y


def gradient(net, loss, x, y):
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())
    net.update()
    return {name: parameter.grad.copy() for name, parameter in net.named_parameters()}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_they_equal_the_gradients_of_batches_of_one(name, reduction):
    """With reduction="mean" they are divided by the size of the batch."""
    net, x, y = case(name)
    found = rp.per_example_gradients(net, rp.CrossEntropy(reduction=reduction), x, y)
    assert list(found) == [name for name, _ in net.named_parameters()]
    for i in range(len(x)):
        expected = gradient(net, rp.CrossEntropy(), x[i:i + 1], y[i:i + 1])
        for name, grad in expected.items():
            assert_allclose((len(x) if reduction == "mean" else 1) * found[name][i], grad, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("weight", [None, [0.5, 2, 1.5]])
def test_they_add_up_to_the_gradient_of_the_batch(name, weight):
    net, x, y = case(name)
    outputs = net.output_shape(x.shape)[1]
    loss = rp.CrossEntropy(None if weight is None else np.resize(weight, outputs))
    found = rp.per_example_gradients(net, loss, x, y)
    for name, grad in gradient(net, loss, x, y).items():
        assert found[name].shape == (len(x), *grad.shape)
        assert_allclose(found[name].sum(0), grad, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("name", NETS)
def test_norms_equal_those_of_the_gradients(name):
    net, x, y = case(name)
    found = rp.per_example_gradients(net, rp.CrossEntropy(), x, y)
    expected = np.sqrt(sum((each.reshape(len(x), -1)**2).sum(1) for each in found.values()))
    assert_allclose(rp.per_example_norms(net, rp.CrossEntropy(), x, y), expected, rtol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_norms_of_few_rows_and_of_many(rows):
    """By pairs of inner products, or by the gradients themselves: (batch, rows, 6) through 6 x 4 weights."""
    net = rp.Sequential(rp.Linear(6, 4, rng=1), rp.Flatten()).astype("float64")
    x, y = numbers(5, rows, 6), numbers(5, 4 * rows, seed=1)
    each = rp.per_example_gradients(net, rp.MSE(), x, y)
    expected = np.sqrt((each["0.weight"]**2).sum((1, 2)) + (each["0.bias"]**2).sum(1))
    assert_allclose(rp.per_example_norms(net, rp.MSE(), x, y), expected, rtol=1e-12)


@pytest.mark.parametrize("x", [X, numbers(7, 2, 3)])
def test_norms_of_a_linear_are_computed_without_its_gradients(x, monkeypatch):
    net = rp.Sequential(rp.Linear(3, 90, rng=1), rp.Flatten())
    y = np.zeros(net.output_shape(x.shape))
    expected = rp.per_example_norms(net, rp.MSE(), x, y)
    monkeypatch.setattr(rp.Linear, "example_gradients", None)
    assert_array_equal(rp.per_example_norms(net, rp.MSE(), x, y), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETS)
def test_dtype_is_that_of_the_net(name, dtype):
    build, x, y = NETS[name]
    net = build().astype(dtype)
    assert {each.dtype for each in rp.per_example_gradients(net, rp.CrossEntropy(), x, y).values()} == {np.dtype(dtype)}
    assert rp.per_example_norms(net, rp.CrossEntropy(), x, y).dtype == dtype


def test_dropout_draws_one_mask():
    net = rp.Sequential(rp.Linear(3, 40, rng=1), rp.Dropout(0.5, rng=2), rp.Linear(40, 3, rng=3)).astype("float64")
    found = rp.per_example_gradients(net, rp.CrossEntropy(), X, Y)
    for name, grad in gradient(net, rp.CrossEntropy(), X, Y).items():       # both drew the next mask of equal generators
        assert_allclose(found[name].sum(0), grad, atol=1e-13, err_msg=name)


def test_frozen_parameters_are_left_out():
    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), Silent(4), rp.Linear(4, 3, rng=2))
    net[0].weight.frozen = net[2].shift.frozen = True
    found = rp.per_example_gradients(net, rp.CrossEntropy(), X, Y)
    assert list(found) == ["0.bias", "3.weight", "3.bias"]
    norms = rp.per_example_norms(net, rp.CrossEntropy(), X, Y)
    assert_allclose(norms, np.sqrt(sum((each.reshape(7, -1)**2).sum(1) for each in found.values())), rtol=1e-5)


class Doubled(rp.Linear):
    """Overrides the phases, so that the inherited ``example_gradients`` is wrong."""

    def forward(self, x, out=None):
        return 2 * super().forward(x)

    def backward(self, g, out=None):
        return 2 * super().backward(g)

    def update(self):
        super().update()
        for parameter in self.parameters():
            parameter.grad *= 2


class DoubledByExample(Doubled):
    def example_gradients(self):
        return {name: 2 * terms for name, terms in rp.Linear.example_gradients(self).items()}


class Untouched(DoubledByExample):
    """Overrides no phase."""


class Scaled(rp.BatchNorm):
    def update(self):
        super().update()
        self.weight.grad *= 3


def test_a_subclass_that_overrides_phases_does_not_inherit_example_gradients():
    for net in (Doubled(3, 3, rng=0), Scaled(3).eval()):
        for look in (rp.per_example_gradients, rp.per_example_norms):
            with pytest.raises(NotImplementedError, match=r"must implement example_gradients\(\) .* {'weight': array of shape"):
                look(rp.Sequential(net), rp.CrossEntropy(), X, Y)
    for kind in (DoubledByExample, Untouched):
        net = kind(3, 3, rng=0).astype("float64")
        found, loss = rp.per_example_gradients(net, rp.CrossEntropy(), X, Y), rp.CrossEntropy()
        for name, grad in gradient(net, loss, X, Y).items():
            assert_allclose(found[name].sum(0), grad, atol=1e-13, err_msg=name)
        expected = np.sqrt(sum((terms.reshape(7, -1)**2).sum(1) for terms in found.values()))
        assert_allclose(rp.per_example_norms(net, loss, X, Y), expected, rtol=1e-12)    # nor are the norms inherited


def test_a_parameter_with_two_names_in_a_module_counts_once():
    class Square(rp.Module):
        def __init__(self):
            self.u = self.v = rp.Parameter(np.array([1.0, 2.0, 3.0]), "u")

        def forward(self, x):
            self.point = x
            return x * self.u.data * self.v.data

        def backward(self, g):
            return g * self.u.data * self.v.data

        def update(self):
            self.u.grad = self.example_gradients()["u"].sum(0)

        def example_gradients(self):
            terms = 2 * self.gradient * self.point * self.u.data
            return {"u": terms, "v": terms}

    net = Square().astype("float64")
    found = rp.per_example_gradients(net, rp.MSE(), X, 0 * X)
    assert list(found) == ["u"]
    assert_allclose(found["u"].sum(0), gradient(net, rp.MSE(), X, 0 * X)["u"], rtol=1e-13)
    assert_allclose(rp.per_example_norms(net, rp.MSE(), X, 0 * X), np.linalg.norm(found["u"], axis=1), rtol=1e-13)


def test_terms_of_a_shared_parameter_are_not_added_into_an_array_of_the_module():
    class Kept(Shift):
        """Returns an array that it keeps."""

        def example_gradients(self):
            self.kept = self.gradient.copy()
            self.twin = self.kept.copy()
            return {"shift": self.kept}

    net = rp.Sequential(Kept(3), rp.Tanh(), Kept(3))
    net[2].shift = net[0].shift
    rp.per_example_gradients(net, rp.CrossEntropy(), X, Y)
    for module in (net[0], net[2]):
        assert_array_equal(module.kept, module.twin)


def test_norms_of_float32_do_not_vanish_although_their_squares_would():
    net = rp.Sequential(rp.Linear(3, 3, rng=1), rp.Tanh(), rp.Linear(3, 3, rng=2))
    loss, x = rp.MSE(), X.astype("float32")
    y = net.forward(x) - np.float32(1e-22)                          # too small a change: the gradient is 0
    net[2].weight.data *= np.float32(1e-22)
    net[2].bias.frozen = net[2].weight.frozen = True
    norms, each = rp.per_example_norms(net, loss, x, y), rp.per_example_gradients(net, loss, x, y)
    expected = np.sqrt(sum((a.reshape(7, -1).astype("float64")**2).sum(1) for a in each.values()))
    assert 0 < expected.max() < 1e-22
    assert_allclose(norms, expected, rtol=1e-6)
    shared = rp.Sequential(rp.Linear(3, 3, bias=False, rng=1), rp.Linear(3, 3, bias=False, rng=3))
    shared[1].weight = shared[0].weight
    shared[0].weight.data *= np.float32(1e-23)                      # here the terms are added first
    assert rp.per_example_norms(shared, loss, x, 1 + 0 * x).all()


def test_norms_of_rows_that_cancel():
    """Two equal rows with almost opposite gradients: inner products of pairs are large numbers that cancel."""
    layer = rp.Linear(40, 30, bias=False, rng=0)
    net, x = rp.Sequential(layer, rp.Flatten()), np.repeat(numbers(4, 1, 40), 2, 1).astype("float32")
    g = numbers(4, 30, seed=1)
    y = net.forward(x) - 15 * 4 * np.concatenate([g, -(1 - 1e-4) * g], 1).astype("float32")
    found, each = rp.per_example_norms(net, rp.MSE(), x, y), rp.per_example_gradients(net, rp.MSE(), x, y)["0.weight"]
    assert_allclose(found, np.linalg.norm(each.astype("float64").reshape(4, -1), axis=1), rtol=1e-2)


# Side effects


@pytest.mark.parametrize("look", [rp.per_example_gradients, rp.per_example_norms,
                                  lambda *arguments: rp.gradient_noise(*arguments, sizes=[2], draws=2, rng=0)])
@pytest.mark.parametrize("ran", [False, True])
def test_nothing_is_changed(look, ran):
    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.BatchNorm(4), rp.Dropout(0.3, rng=2), rp.Linear(4, 3, rng=3))
    net[1].eval()
    if look not in (rp.per_example_gradients, rp.per_example_norms):
        net[2].p = 0                                                # gradient_noise refuses random masks
    loss, twin, other = rp.CrossEntropy(), deepcopy(net), rp.CrossEntropy()
    if ran:
        for each, of in ((net, loss), (twin, other)):
            of.forward(each.forward(X), Y)
            each.backward(of.backward())
            each.update()
    points = [(module.point, module.gradient) for _, module in net.named_modules()]
    for x, y in ((X, Y), (X[:5], Y[:5]), (2 * X, Y[::-1])):
        look(net, loss, x, y)
        assert [(module.point, module.gradient) for _, module in net.named_modules()] == points
        assert [module.training for _, module in net.named_modules()] == [True, True, False, True, True]
    if ran:
        for each, of in ((net, loss), (twin, other)):
            each.backward(2 * of.backward())
            each.update()
    else:
        with pytest.raises(PhaseError):
            net.backward(X)
        assert not net[0].weight.flat.updated
    for (name, mine), (_, right) in zip(net.named_parameters(), twin.named_parameters(), strict=True):
        assert_array_equal(mine.grad, right.grad, err_msg=name)
        assert_array_equal(mine.data, right.data, err_msg=name)
    for _ in range(2):                                              # generators and buffers too
        mine, right = gradient(net, loss, X, Y), gradient(twin, other, X, Y)
        for name in right:
            assert_array_equal(mine[name], right[name], err_msg=name)


def test_later_calls_do_not_change_earlier_results():
    """Although they use the same workspaces."""
    net, x, y = case("a user's modules")
    first = rp.per_example_gradients(net, rp.CrossEntropy(), x, y)
    kept = {name: each.copy() for name, each in first.items()}
    rp.per_example_gradients(net, rp.CrossEntropy(), 2 * x, y)
    for name, each in kept.items():
        assert_array_equal(first[name], each, err_msg=name)


@pytest.mark.parametrize("look", [rp.per_example_gradients, rp.per_example_norms])
def test_the_generator_of_the_loss_is_restored(look):
    class Noisy(rp.MSE):
        def __init__(self):
            super().__init__()
            self.rng = np.random.default_rng(0)

        def costs(self, prediction, target):
            return super().costs(prediction, target + self.rng.standard_normal(target.shape).astype(target.dtype))

    net, loss = rp.Linear(3, 3, rng=1), Noisy()
    expected = Noisy().forward(net.forward(X), X)
    look(net, loss, X, X)
    assert loss.forward(net.forward(X), X) == expected


@pytest.mark.parametrize("look", [rp.per_example_gradients, rp.per_example_norms])
def test_the_batch_is_released(look):
    """Workspaces are kept for the next call, but hold no array of the batch."""
    class Keeping(rp.Module):
        saved = "input"

        def forward(self, x):
            self.point = x
            return 2 * x

        def backward(self, g):
            return 2 * g

    net, loss = rp.Sequential(Keeping(), rp.Linear(30, 3, rng=1)), rp.MSE()
    x, y = np.ones((400, 30), "float32"), np.ones((400, 3), "float32")
    gone = [weakref.ref(x), weakref.ref(y)]
    look(net, loss, x, y)
    del x, y
    assert [ref() for ref in gone] == [None, None]


@pytest.mark.parametrize("change", [
    lambda net: net.astype("float32"),
    lambda net: net.train(),
    lambda net: net.load_state_dict({name: 2 * a for name, a in net.state_dict().items()}),
    lambda net: setattr(net[2], "weight", net[0].weight),
    lambda net: setattr(net[0].weight, "frozen", True),
    lambda net: rp.Sequential(net),
    lambda net: net.predict(X[:2]),
    lambda net: net[0].forward(X[:2]),
    lambda net: gradient(net, rp.MSE(), X[:4], X[:4]),
], ids=["dtype", "mode", "numbers", "tied", "frozen", "moved", "predict", "inner", "other batch"])
def test_changes_between_two_calls_take_effect(change):
    """Workspaces of an earlier call are used only if they fit."""
    def build():
        net = rp.Sequential(rp.Linear(3, 3, rng=1), rp.Tanh(), rp.Linear(3, 3, rng=2), rp.Dropout(0.5, rng=3))
        return net.astype("float64").eval()

    loss, net, fresh = rp.CrossEntropy(), build(), build()
    rp.per_example_gradients(net, loss, X, Y)
    for each in (net, fresh):
        change(each)
    for size in (7, 5):
        found, expected = (rp.per_example_gradients(each, loss, X[:size], Y[:size]) for each in (net, fresh))
        assert found.keys() == expected.keys()
        for name, each in expected.items():
            assert_array_equal(found[name], each, err_msg=name)


def test_a_workspace_of_another_mode_is_not_used():
    class Moded(Shift):
        example_gradients = Shift.example_gradients

        def prepare(self, shape, dtype):
            return 1 + self.training

        def forward(self, x):
            return self.scratch * super().forward(x)

        def backward(self, g):
            return super().backward(self.scratch * g)

    net = rp.Sequential(Moded(3))
    in_training = rp.per_example_norms(net, rp.MSE(), X, 0 * X)
    assert_allclose(in_training, 4 * rp.per_example_norms(net.eval(), rp.MSE(), X, 0 * X), rtol=1e-6)


def test_a_nested_call_has_workspaces_of_its_own():
    class Curious(rp.MSE):
        def costs(self, prediction, target):
            rp.per_example_norms(net, rp.MSE(), 2 * X, X)
            return super().costs(prediction, target)

    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), rp.Linear(4, 3, rng=2))
    expected = rp.per_example_norms(net, rp.MSE(), X, X)
    assert_array_equal(rp.per_example_norms(net, Curious(), X, X), expected)


def test_a_call_that_fails_changes_nothing():
    net, loss = rp.Sequential(rp.Linear(3, 3, rng=1), Silent(3)), rp.CrossEntropy()
    expected = gradient(net, loss, X, Y)
    for y in (Y, Y[:4], Y + 1):
        with pytest.raises((NotImplementedError, ShapeError, rp.DataError)):
            rp.per_example_gradients(net, loss, X, y)
    net.backward(loss.backward())
    net.update()
    for name, parameter in net.named_parameters():
        assert_array_equal(parameter.grad, expected[name])


# What is refused


@pytest.mark.parametrize(("net", "what"), [
    (rp.Sequential(rp.Linear(3, 3, rng=0), rp.Sequential(rp.BatchNorm(3))), "BatchNorm(3) at '1.0'"),
    (rp.BatchNorm(3), "BatchNorm(3)"),
    (rp.Sequential(rp.Linear(3, 3, rng=0), Centre()).eval(), "Centre() at '1'")], ids=["inside", "alone", "always"])
@pytest.mark.parametrize("look", [rp.per_example_gradients, rp.per_example_norms, rp.gradient_noise])
def test_batch_dependent_modules_are_refused(net, what, look):
    with refuses(ArgumentError, f"{look.__name__}: examples must be independent, got the batch-dependent {what}; BatchNorm is "
                                "batch-dependent only in training mode: call net.eval() first"):
        look(net, rp.CrossEntropy(), X, Y)


def test_a_batch_dependent_loss_is_refused():
    class Ranking(rp.MSE):
        batch_dependent = True

    with refuses(ArgumentError, "per_example_norms: examples must be independent, got the batch-dependent Ranking(); BatchNorm "
                                "is batch-dependent only in training mode: call net.eval() first"):
        rp.per_example_norms(rp.Linear(3, 3, rng=0), Ranking(), X, X)


def test_the_contract_catches_an_undeclared_dependence():
    class Mean(Centre):
        batch_dependent = False

    with pytest.raises(rp.CheckError, match=r"^Mean\(\): examples are independent unless batch dependent: in training mode, "
                                            r"expected dC/dx = 0 except for examples 0, 2, 4, 6, since g is 0 for all others"):
        rp.check_module(Mean(), X)
    rp.check_module(Silent(3), X)                                   # example_gradients is optional


def test_a_module_without_example_gradients_is_named():
    text = ("Silent must implement example_gradients() for gradients of single examples: from self.point and self.gradient, "
            "as update, it returns {'shift': array of shape (batch, 3)}")
    for look in (rp.per_example_gradients, rp.per_example_norms):
        with refuses(NotImplementedError, text):
            look(rp.Sequential(rp.Linear(3, 3, rng=1), Silent(3)), rp.CrossEntropy(), X, Y)


@pytest.mark.parametrize(("returned", "got"), [
    ({}, "none"), (None, "none"), ({"shift": np.zeros((7, 4))}, "one of shape (7, 4)"), ({"shift": 0.0}, "one of shape ()")])
def test_a_module_with_a_wrong_result_is_named(returned, got):
    class Wrong(Shift):
        def example_gradients(self):
            return returned

    with refuses(ShapeError, "Wrong(): example_gradients must return a dict with an array of shape (7, 3) for 'shift', got "
                             + got):
        rp.per_example_gradients(rp.Sequential(rp.Linear(3, 3, rng=0), Wrong(3)), rp.CrossEntropy(), X, Y)


def test_examples_must_stay_on_axis_0():
    class Whole(rp.Reshape):
        """Gives the whole batch another shape."""

        def output_shape(self, shape):
            return self.shape

    net = rp.Sequential(Whole(10, 3), rp.Linear(3, 2, rng=0), Whole(5, 4))
    with refuses(ShapeError, "Linear(3, 2): example_gradients must return a dict with an array of shape (5, 2, 3) for "
                             "'weight', got one of shape (10, 2, 3)"):
        rp.per_example_gradients(net, rp.MSE(), numbers(5, 6), numbers(5, 4))
    with refuses(ShapeError, "Linear(3, 3): for gradients of single examples x must have shape (batch, ..., features), "
                             "got (3,)"):
        rp.per_example_gradients(rp.Linear(3, 3, rng=0), rp.MSE(), [1, 2, 3], [1, 2, 3])


def test_a_net_without_trainable_parameters_is_refused():
    frozen = rp.Linear(3, 3, rng=0)
    frozen.weight.frozen = frozen.bias.frozen = True
    for net in (rp.Tanh(), frozen):
        with refuses(ArgumentError, "per_example_gradients: net must have at least one parameter that is not frozen, got "
                                    f"{net!r}"):
            rp.per_example_gradients(net, rp.CrossEntropy(), X, Y)


def test_example_gradients_need_a_backward():
    for layer in (rp.Linear(3, 2, rng=0), rp.LayerNorm(3), rp.BatchNorm(3)):
        for method in (layer.example_gradients, layer.example_squared_norms):
            with pytest.raises(PhaseError, match="no forward has run"):
                method()


@pytest.mark.parametrize(("net", "loss", "text"), [
    ("net", rp.MSE(), "net must be a Module, got 'net'"),
    (rp.Linear(3, 3, rng=0), rp.Tanh(), "loss must be a Loss, got Tanh()"),
    (rp.MSE(), rp.Linear(3, 3, rng=0), "loss must be a Loss, got Linear(3, 3)")])
@pytest.mark.parametrize("look", [rp.per_example_gradients, rp.per_example_norms, rp.gradient_noise])
def test_bad_arguments_are_refused(look, net, loss, text):
    with refuses(ArgumentError, text):
        look(net, loss, X, Y)


def test_a_cost_that_is_not_finite_has_no_gradients():
    net = rp.Sequential(rp.Linear(3, 2, rng=0))
    net[0].weight.data[0, 0] = np.nan
    for call in (rp.per_example_gradients, rp.per_example_norms, rp.gradient_noise):
        with pytest.raises(rp.NonFiniteError, match=r"^the cost of this batch is nan: it has no derivative$"):
            call(net, rp.MSE(), numbers(4, 3), numbers(4, 2))
