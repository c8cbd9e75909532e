"""Users' classes: subclasses that call inherited phases, modules with mistakes, losses, extreme cases."""

import copy

import numpy as np
import pytest
from cases import DoubledLinear, numbers

import retroprop as rp

X = numbers(5, 3).astype("float32")


@pytest.mark.parametrize("options", [{}, {"input_gradient": False}])
def test_a_subclass_may_call_the_inherited_phases(options):
    """Alone and in a container; the inherited update reads the gradient that was passed to super().backward."""
    rp.check_module(DoubledLinear(3, 4, rng=0), X)
    layer = DoubledLinear(3, 4, dtype="float64", rng=0)
    net = rp.Sequential(layer, rp.Tanh())
    x, g = np.asarray(X, float), np.random.default_rng(1).normal(size=(len(X), 4))
    net.forward(x)
    net.backward(g, **options)
    net.update()
    expected = rp.numerical_gradient(lambda w: np.vdot(g, net.predict(x)), layer.weight.data)
    np.testing.assert_allclose(layer.weight.grad, expected, atol=1e-8)


class Through(rp.Module):
    """The identity, written carelessly: its phases return their argument itself, without a copy."""

    def forward(self, x):
        self.point = None
        return x

    def backward(self, g):
        return g


def test_the_result_of_a_careless_module_is_not_a_buffer_of_the_container():
    net = rp.Sequential(Through(), rp.Linear(3, 4, rng=0), Through())
    first = net.forward(X)
    kept, gx = first.copy(), net.backward(np.ones_like(first))
    kept_gx = gx.copy()
    net.forward(2 * X)
    net.backward(-np.ones_like(first))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(gx, kept_gx)
    np.testing.assert_allclose(net.predict(X, batch_size=2), net.predict(X), rtol=1e-6)


class Branch(rp.Sequential):
    """A container that does more than run its modules."""

    def __init__(self, *modules):
        super().__init__(*modules)
        self.scale = rp.Parameter([2.0], "scale")
        self.note = "kept"


def test_a_copied_subclass_of_sequential_keeps_all_it_has():
    net = copy.deepcopy(Branch(rp.Linear(3, 4, rng=0), rp.Tanh()))
    assert net.note == "kept"
    assert [name for name, _ in net.named_parameters()] == ["scale", "0.weight", "0.bias"]
    assert net.forward(X).shape == (len(X), 4)


class Cubic(rp.Loss):
    """A loss that overrides forward itself."""

    def forward(self, prediction, target):
        return 2 * super().forward(prediction, target)

    def costs(self, prediction, target):
        self.point = prediction - target
        return np.abs(self.point) ** 3

    def derivatives(self):
        return np.multiply(3 * self.point, np.abs(self.point))


def test_a_loss_may_override_forward():
    assert Cubic().forward(np.array([1.0, 3.0]), np.array([0.0, 1.0])) == 2 * (1 + 8) / 2


def test_a_single_number_is_refused_as_input():
    with pytest.raises(rp.ShapeError, match=r"Tanh\(\): x must have at least one axis, got shape \(\)"):
        rp.Tanh().forward(0.5)


def test_gelu_and_its_derivative_do_not_overflow():
    gelu = rp.GELU()
    np.testing.assert_array_equal(gelu.forward(np.float32([-1e30, 1e30])), np.float32([0, 1e30]))
    np.testing.assert_array_equal(gelu.backward(np.float32([1, 1])), [0, 1])


def test_the_mean_of_millions_of_costs_is_exact_in_float32():
    x = np.random.default_rng(0).normal(size=3_000_000).astype("float32")
    exact = np.mean(x.astype(float) ** 2)
    assert abs(rp.MSE().forward(x, np.zeros_like(x)) / exact - 1) < 1e-7


class Forgetful(rp.Module):
    def forward(self, x):
        return x ** 2

    def backward(self, g):
        return 2 * self.point * g


class Silent(Through):
    def forward(self, x):
        self.point = x


def test_errors_tell_an_author_what_is_missing():
    with pytest.raises(rp.ShapeError, match=r"Silent\(\): forward returned None, where output_shape\(\(5, 3\)\) says \(5, 3\)"):
        Silent().forward(X)
    for module in Forgetful(), rp.Sequential(Forgetful()):
        with pytest.raises(TypeError) as caught:
            module.backward(module.forward(X))
        assert "Forgetful(): self.point is None; did forward set it?" in caught.value.__notes__
        assert module.gradient is None


class InPlace(rp.Module):
    """y = a x, computed in place in x, which goes unnoticed while a = 1."""

    def __init__(self, features):
        self.factor = rp.Parameter(np.ones(features), "factor")

    def forward(self, x):
        self.point = x
        x *= self.factor.data
        return x

    def backward(self, g):
        return g * self.factor.data

    def update(self):
        self.factor.grad = (self.gradient * self.point).sum(0)


def test_check_module_finds_a_write_into_x_although_the_factor_is_1():
    with pytest.raises(rp.CheckError, match="forward wrote into an array that is not its own: expected x"):
        rp.check_module(InPlace(3), X)


@pytest.mark.parametrize("what", ["Glorot", 0.1, rp.HeNormal])
def test_an_argument_that_is_no_initializer_is_named(what):
    with pytest.raises(rp.ArgumentError, match=r"weight_init must be an initializer, such as GlorotUniform\(\), got "):
        rp.Linear(2, 3, weight_init=what)


# What backward computes for update


class WholeNetwork(rp.Module):
    """A network with one hidden layer, written as one module; its update uses what its backward computed."""

    def __init__(self, inputs, units, outputs, rng):
        rng = np.random.default_rng(rng)
        self.w = rp.Parameter(rng.normal(size=(units, inputs)), "w", "float64")
        self.v = rp.Parameter(rng.normal(size=(outputs, units)), "v", "float64")

    def output_shape(self, input_shape):
        return (input_shape[0], self.v.shape[0])

    def forward(self, x):
        h = np.tanh(x @ self.w.data.T)
        self.point = x, h
        return h @ self.v.data.T

    def backward(self, g):
        _, h = self.point
        self.gh = (g @ self.v.data) * (1 - h * h)
        return self.gh @ self.w.data

    def update(self):
        x, h = self.point
        self.w.grad = self.gh.T @ x
        self.v.grad = self.gradient.T @ h


class Scaled(rp.Linear):
    """Passes a scaled gradient to super().backward, and its update uses the scaled one."""

    def backward(self, g, out=None):
        return super().backward(2 * g, out)

    def update(self):
        super().update()


@pytest.mark.parametrize("make", [lambda: WholeNetwork(3, 5, 2, rng=0), lambda: Scaled(3, 2, dtype="float64", rng=0)])
def test_training_runs_a_backward_that_update_relies_on(make):
    """The parameter gradients are the same without the input gradient, which fit and containers do not ask for."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 3)), rng.integers(2, size=20)
    trained = []
    for wrap in (lambda module: module, rp.Sequential):
        module = make()
        net = wrap(module)
        rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1), (x, y), epochs=3, batch_size=5, rng=0, progress=False)
        trained.append([parameter.data for parameter in module.parameters()])
    rng = np.random.default_rng(0)
    module = make()
    loss, sgd = rp.CrossEntropy(), rp.SGD(module.parameters(), lr=0.1)
    for _ in range(3):
        for xb, yb in rp.datasets.batches(x, y, batch_size=5, rng=rng):
            loss.forward(module.forward(xb), yb)
            module.backward(loss.backward())
            module.update()
            sgd.step()
    for got in trained:
        for a, b in zip(got, module.parameters(), strict=True):
            np.testing.assert_array_equal(a, b.data)


def test_a_subclass_of_sequential_passes_input_gradient_on():
    class Counting(rp.Sequential):
        def backward(self, g, out=None, *, input_gradient=True):
            self.asked = input_gradient
            return super().backward(g, out, input_gradient=input_gradient)

    net = Counting(rp.Linear(3, 4, rng=0), rp.Tanh())
    g = np.ones_like(net.forward(X))
    assert net.backward(g, input_gradient=False) is None
    assert net.asked is False
    with pytest.raises(rp.ArgumentError, match="out is for the input gradient, which input_gradient=False leaves out"):
        net.backward(g, np.empty_like(X), input_gradient=False)


# The point of a Linear is x itself


@pytest.mark.parametrize("inputs", [3, 3000])
def test_points_of_a_linear_may_be_kept_and_put_back(inputs):
    layer = rp.Linear(inputs, 2, dtype="float64", rng=0)
    x, g = np.random.default_rng(1).normal(size=(2, 5, inputs)), np.random.default_rng(2).normal(size=(2, 5, 2))
    points = []
    for part in x:
        layer.forward(part)
        points.append(layer.point)
    for point, part, gradient in zip(points, x, g, strict=True):
        assert np.shares_memory(point, part)
        layer.point = point
        layer.backward(gradient)
        layer.update()
        np.testing.assert_allclose(layer.weight.grad, gradient.T @ part, atol=1e-12)


class Folded(rp.Linear):
    """Takes (n, 2, features), and passes (2 n, features) to super()."""

    def output_shape(self, input_shape):
        return (2 * input_shape[0], self.out_features)

    def forward(self, x):
        return super().forward(x.reshape(-1, x.shape[-1]))

    def backward(self, g):
        return super().backward(g).reshape(-1, 2, self.in_features)


def test_a_subclass_may_pass_another_shape_to_linear():
    rp.check_module(Folded(3, 4, rng=0), np.random.default_rng(0).normal(size=(5, 2, 3)))


# Losses


class Signs(rp.MSE):
    """Targets in {0, 1} for predictions in [-1, 1]."""

    def convert(self, target, prediction):
        return 2 * super().convert(target, prediction) - 1


def test_a_users_convert_is_called_for_every_batch():
    loss, p, y = Signs(), np.array([[1.0], [-1.0]]), np.array([[1.0], [0.0]])
    assert [loss.forward(p, y) for _ in range(3)] == [0, 0, 0]


class Failing(rp.MSE):
    def costs(self, prediction, target):
        costs = super().costs(prediction, target)
        if prediction[0] > 1:
            raise ArithmeticError
        return costs


def test_a_cost_that_fails_leaves_no_point():
    loss = Failing()
    loss.forward(np.zeros(3), np.ones(3))
    with pytest.raises(ArithmeticError):
        loss.forward(np.full(3, 2.0), np.ones(3))
    with pytest.raises(rp.PhaseError, match=r"Failing\(\): no forward has run"):
        loss.backward()


def test_the_cost_of_a_single_number():
    assert rp.MSE().forward(3.0, 2.0) == 1


# Errors inside phases


class Stumbling(rp.Tanh):
    stumbles = False

    def forward(self, x, out=None):
        if self.stumbles:
            raise ArithmeticError
        return super().forward(x, out)


def test_a_forward_that_fails_deletes_every_point_inside():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), Stumbling(), rp.Linear(4, 2, rng=1))
    g = np.ones_like(net.forward(X))
    net[1].stumbles = True
    with pytest.raises(ArithmeticError):
        net.forward(2 * X)
    for module in (net, *net):
        with pytest.raises(rp.PhaseError, match="no forward has run"):
            module.backward(g)


@pytest.mark.parametrize("make", [lambda: rp.Dropout(0.5, rng=0), lambda: rp.Sequential(rp.Tanh(), rp.Dropout(0.5, rng=0))])
def test_an_out_that_does_not_fit_another_batch_size_leaves_the_evaluation(make):
    module, g = make(), np.ones((5, 3), "float32")
    y = module.forward(X)
    expected = module.backward(g)
    with pytest.raises(rp.ShapeError, match="out must be"):
        module.forward(np.concatenate([X, X]), np.empty((5, 3), "float32"))
    np.testing.assert_array_equal(module.backward(g), expected)
    assert module.forward(X).shape == y.shape


def test_the_container_notices_a_change_of_mode_of_an_inner_module():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4))
    net[1].eval()
    net.forward(X[:1])
    net[1].train()
    with pytest.raises(rp.ShapeError, match="at least two values"):
        net.forward(X[:1])
    np.testing.assert_array_equal(net[1].running_mean, np.zeros(4))


def test_copies_of_a_linear_keep_weight_and_bias_together_and_do_not_change_the_network():
    layer = copy.deepcopy(rp.Linear(3, 4, rng=0))
    assert layer.weight.flat is layer.bias.flat
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Tanh(), rp.Linear(4, 2, rng=1))
    home = net[0].weight.flat
    copy.copy(net[0])
    assert all(parameter.flat is home for parameter in net.parameters())


class Bare(rp.Loss):
    """A loss without ``reduction`` in its constructor, and with one cost per example."""

    def __init__(self):
        self.scale = 2

    def costs_shape(self, shape):
        return shape[:1]

    def costs(self, prediction, target):
        self.point = prediction - target
        return self.scale * (self.point ** 2).sum(1)

    def derivatives(self):
        return 2 * self.scale * self.point


class Pointless(Bare):
    def costs(self, prediction, target):
        return np.zeros(len(prediction), prediction.dtype)


def test_a_users_loss_may_have_one_cost_per_example():
    loss = Bare()
    rp.check_module(loss, X, np.zeros_like(X))
    assert loss.forward(np.ones((5, 3)), np.zeros((5, 3))) == 6
    np.testing.assert_array_equal(loss.backward(), np.full((5, 3), 4 / 5))
    with pytest.raises(rp.PhaseError, match=r"Pointless\(\): costs must set self.point"):
        Pointless().forward(X, X)
