"""Gradients of single examples, their norms, and the noise of minibatches."""

from copy import deepcopy

import numpy as np
import pytest
from cases import Affine, Residual, numbers, shared, stirred
from numpy.testing import assert_allclose, assert_array_equal
from steps import refuses

import retroprop as rp
from retroprop.errors import ArgumentError, PhaseError, ShapeError

X, Y = numbers(7, 3), np.array([0, 2, 1, 1, 0, 2, 2])


class Silent(rp.Module):
    """A user's module with a parameter, that says nothing of single examples."""

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
    """The same with gradients of examples: g itself, which a container will write over."""

    def example_gradients(self):
        return {"shift": self.gradient}


class Centre(rp.Module):
    """A user's module in which the examples meet, in either mode."""

    couples_examples = True

    def forward(self, x):
        self.point = ()
        return x - x.mean(0)

    def backward(self, g):
        return g - g.mean(0)


def sequences():
    """A Linear and a LayerNorm on three axes: (batch, 4, 3)."""
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
def test_they_are_the_gradients_of_batches_of_one(name, reduction):
    """Of the example's own cost; the mean over the batch divides them by its size."""
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
def test_norms_are_those_of_the_gradients(name):
    net, x, y = case(name)
    found = rp.per_example_gradients(net, rp.CrossEntropy(), x, y)
    expected = np.sqrt(sum((each.reshape(len(x), -1)**2).sum(1) for each in found.values()))
    assert_allclose(rp.per_example_norms(net, rp.CrossEntropy(), x, y), expected, rtol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_norms_of_few_rows_and_of_many(rows):
    """Pairs of inner products, or the gradients themselves: (batch, rows, 6) through 6 x 4 weights."""
    net = rp.Sequential(rp.Linear(6, 4, rng=1), rp.Flatten()).astype("float64")
    x, y = numbers(5, rows, 6), numbers(5, 4 * rows, seed=1)
    each = rp.per_example_gradients(net, rp.MSE(), x, y)
    expected = np.sqrt((each["0.weight"]**2).sum((1, 2)) + (each["0.bias"]**2).sum(1))
    assert_allclose(rp.per_example_norms(net, rp.MSE(), x, y), expected, rtol=1e-12)


@pytest.mark.parametrize("x", [X, numbers(7, 2, 3)])
def test_norms_of_a_linear_do_without_its_gradients(x, monkeypatch):
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
    for name, grad in gradient(net, rp.CrossEntropy(), X, Y).items():       # its mask is the next one, and so was that one
        assert_allclose(found[name].sum(0), grad, atol=1e-13, err_msg=name)


def test_frozen_parameters_are_left_out():
    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), Silent(4), rp.Linear(4, 3, rng=2))
    net[0].weight.frozen = net[2].shift.frozen = True
    found = rp.per_example_gradients(net, rp.CrossEntropy(), X, Y)
    assert list(found) == ["0.bias", "3.weight", "3.bias"]
    norms = rp.per_example_norms(net, rp.CrossEntropy(), X, Y)
    assert_allclose(norms, np.sqrt(sum((each.reshape(7, -1)**2).sum(1) for each in found.values())), rtol=1e-5)


# What is left behind


@pytest.mark.parametrize("look", [rp.per_example_gradients, rp.per_example_norms,
                                  lambda *arguments: rp.gradient_noise(*arguments, sizes=[2], draws=2, rng=0)])
@pytest.mark.parametrize("ran", [False, True])
def test_nothing_is_disturbed(look, ran):
    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.BatchNorm(4), rp.Dropout(0.3, rng=2), rp.Linear(4, 3, rng=3))
    net[1].eval()
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
        assert not net[0].weight.home.updated
    for (name, mine), (_, right) in zip(net.named_parameters(), twin.named_parameters(), strict=True):
        assert_array_equal(mine.grad, right.grad, err_msg=name)
        assert_array_equal(mine.data, right.data, err_msg=name)
    for _ in range(2):                                              # generators and buffers too
        mine, right = gradient(net, loss, X, Y), gradient(twin, other, X, Y)
        for name in right:
            assert_array_equal(mine[name], right[name], err_msg=name)


def test_later_calls_leave_earlier_results_alone():
    """Although they run in the same workspaces."""
    net, x, y = case("a user's modules")
    first = rp.per_example_gradients(net, rp.CrossEntropy(), x, y)
    kept = {name: each.copy() for name, each in first.items()}
    rp.per_example_gradients(net, rp.CrossEntropy(), 2 * x, y)
    for name, each in kept.items():
        assert_array_equal(first[name], each, err_msg=name)


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
def test_what_changes_between_two_calls_is_seen(change):
    """Workspaces of an earlier call serve only where they fit."""
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


def test_a_workspace_of_another_mode_does_not_serve():
    class Moded(Shift):
        def prepare(self, shape, dtype):
            return 1 + self.training

        def forward(self, x):
            return self.scratch * super().forward(x)

        def backward(self, g):
            return super().backward(self.scratch * g)

    net = rp.Sequential(Moded(3))
    in_training = rp.per_example_norms(net, rp.MSE(), X, 0 * X)
    assert_allclose(in_training, 4 * rp.per_example_norms(net.eval(), rp.MSE(), X, 0 * X), rtol=1e-6)


def test_a_call_inside_a_call_has_workspaces_of_its_own():
    class Curious(rp.MSE):
        def costs(self, prediction, target):
            rp.per_example_norms(net, rp.MSE(), 2 * X, X)
            return super().costs(prediction, target)

    net = rp.Sequential(rp.Linear(3, 4, rng=1), rp.Tanh(), rp.Linear(4, 3, rng=2))
    expected = rp.per_example_norms(net, rp.MSE(), X, X)
    assert_array_equal(rp.per_example_norms(net, Curious(), X, X), expected)


def test_a_call_that_fails_leaves_nothing_behind():
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
def test_coupled_examples_are_refused(net, what, look):
    with refuses(ArgumentError, f"{look.__name__}: no example has a gradient of its own where {what} makes its output depend "
                                "on the others; BatchNorm does so in training mode only: call net.eval() first"):
        look(net, rp.CrossEntropy(), X, Y)


def test_a_loss_that_couples_the_examples_is_refused():
    class Ranking(rp.MSE):
        couples_examples = True

    with refuses(ArgumentError, "per_example_norms: no example has a gradient of its own where Ranking() makes its output "
                                "depend on the others; BatchNorm does so in training mode only: call net.eval() first"):
        rp.per_example_norms(rp.Linear(3, 3, rng=0), Ranking(), X, X)


def test_a_module_that_does_not_say_so_is_found():
    class Mean(Centre):
        couples_examples = False

    with pytest.raises(rp.CheckError, match=r"^Mean\(\): examples stay apart unless couples examples: in training mode, "
                                            r"expected dC/dx = 0 but for example 0, whose g alone is not 0, got up to "):
        rp.check_module(Mean(), X)
    rp.check_module(Silent(3), X)                                   # examples' gradients are no duty


def test_a_module_that_cannot_is_named():
    text = ("Silent must implement example_gradients() for gradients of single examples: from self.point and self.gradient, "
            "as update, it returns {'shift': array of shape (batch, 3)}")
    for look in (rp.per_example_gradients, rp.per_example_norms):
        with refuses(NotImplementedError, text):
            look(rp.Sequential(rp.Linear(3, 3, rng=1), Silent(3)), rp.CrossEntropy(), X, Y)


@pytest.mark.parametrize(("returned", "got"), [
    ({}, "none"), (None, "none"), ({"shift": np.zeros((7, 4))}, "one of shape (7, 4)"), ({"shift": 0.0}, "one of shape ()")])
def test_a_module_that_returns_something_else_is_named(returned, got):
    class Wrong(Shift):
        def example_gradients(self):
            return returned

    with refuses(ShapeError, "Wrong(): example_gradients must return a dict with an array of shape (7, 3) for 'shift', got "
                             + got):
        rp.per_example_gradients(rp.Sequential(rp.Linear(3, 3, rng=0), Wrong(3)), rp.CrossEntropy(), X, Y)


def test_examples_must_stay_on_axis_0():
    class Whole(rp.Reshape):
        """The whole batch in another shape."""

        def output_shape(self, shape):
            return self.shape

    net = rp.Sequential(Whole(10, 3), rp.Linear(3, 2, rng=0), Whole(5, 4))
    with refuses(ShapeError, "Linear(3, 2): example_gradients must return a dict with an array of shape (5, 2, 3) for "
                             "'weight', got one of shape (10, 2, 3)"):
        rp.per_example_gradients(net, rp.MSE(), numbers(5, 6), numbers(5, 4))
    with refuses(ShapeError, "Linear(3, 3): for gradients of single examples x must have shape (batch, ..., features), "
                             "got (3,)"):
        rp.per_example_gradients(rp.Linear(3, 3, rng=0), rp.MSE(), [1, 2, 3], [1, 2, 3])


def test_nothing_to_train_is_refused():
    frozen = rp.Linear(3, 3, rng=0)
    frozen.weight.frozen = frozen.bias.frozen = True
    for net in (rp.Tanh(), frozen):
        with refuses(ArgumentError, f"per_example_gradients: net must have a parameter that is not frozen, got {net!r}"):
            rp.per_example_gradients(net, rp.CrossEntropy(), X, Y)


def test_gradients_of_examples_need_a_backward():
    for layer in (rp.Linear(3, 2, rng=0), rp.LayerNorm(3), rp.BatchNorm(3)):
        for method in (layer.example_gradients, layer.example_squares):
            with pytest.raises(PhaseError, match="no forward has run"):
                method()


# The noise of minibatches


def test_sigma_is_the_deviation_of_the_examples_gradients():
    net, x, y = case("two layers")
    noise = rp.gradient_noise(net, rp.CrossEntropy(), x, y, sizes=[1, 4, 9], rng=0)
    each = rp.per_example_gradients(net, rp.CrossEntropy(), x, y)
    own = len(x) * np.concatenate([a.reshape(len(x), -1) for a in each.values()], 1)
    assert_allclose(noise.sigma, np.sqrt(((own - own.mean(0))**2).sum(1).mean()), rtol=1e-12)
    assert_allclose(noise.length, np.linalg.norm(own.mean(0)), rtol=1e-12)
    assert_allclose(noise.predicted, noise.sigma / np.sqrt([1, 4, 9]), rtol=1e-12)
    assert (noise.sizes, noise.examples, noise.draws) == ((1, 4, 9), 7, 100)


def test_the_measured_noise_is_that_of_the_minibatches_drawn():
    net, x, y = case("two layers")
    found = rp.gradient_noise(net, rp.CrossEntropy([1, 2, 3]), x, y, sizes=[1, 3], draws=2, rng=5)
    rng, whole = np.random.default_rng(5), gradient(net, rp.CrossEntropy([1, 2, 3]), x, y)
    for k, measured in zip((1, 3), found.measured, strict=True):
        squares = []
        for _ in range(2):
            drawn = rng.integers(7, size=k)
            part = gradient(net, rp.CrossEntropy([1, 2, 3]), x[drawn], y[drawn])
            squares.append(sum(((part[name] - whole[name])**2).sum() for name in whole))
        assert_allclose(measured, np.sqrt(np.mean(squares)), rtol=1e-10)


def test_noise_falls_with_the_root_of_the_size():
    net, x, y = case("two layers")
    noise = rp.gradient_noise(net, rp.CrossEntropy(), x, y, draws=1000, rng=0)
    assert noise.sizes == (1, 2, 4)
    assert_allclose(noise.measured, noise.predicted, rtol=0.05)


def test_equal_examples_make_no_noise():
    noise = rp.gradient_noise(rp.Linear(3, 3, rng=0), rp.CrossEntropy(), X[:1], Y[:1], draws=3)
    assert noise.measured == (0,)
    assert noise.sigma < 1e-3 * noise.length
    assert str(rp.inspection.GradientNoise((1,), (0.0,), 0.0, 0.0, 1, 3)).splitlines()[3].split() == ["1", "0", "0", "-", "-"]


@pytest.mark.parametrize(("options", "loss", "text"), [
    ({}, rp.MSE("sum"), "gradient_noise: loss must have reduction='mean', for gradients that do not grow with k, got "
                        "MSE(reduction='sum')"),
    ({"draws": 0}, rp.MSE(), "draws must be an integer of at least 1, got 0"),
    ({"sizes": [2, 0]}, rp.MSE(), "sizes must be an integer of at least 1, got 0"),
    ({"sizes": []}, rp.MSE(), "gradient_noise: sizes must hold at least one size, got []"),
    ({"rng": -1}, rp.MSE(), "rng must be None, an integer of at least 0 or a numpy.random.Generator, got -1")])
def test_gradient_noise_refuses(options, loss, text):
    with refuses(ArgumentError, text):
        rp.gradient_noise(rp.Linear(3, 3, rng=0), loss, X, X, **options)
