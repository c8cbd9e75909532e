"""Layer statistics: what is measured, and that measuring changes nothing."""

import re
from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, ShapeError
from retroprop.inspection import hidden_activations, layer_statistics, preactivations, saturated_shares
from retroprop.inspection.diagnosis.layers import inactive_shares

X = np.random.default_rng(0).standard_normal((7, 3))
Y = np.array([0, 1, 2, 3, 0, 1, 2])


def small_net():
    return rp.Sequential(rp.Linear(3, 5, rng=1), rp.Sequential(rp.BatchNorm(5), rp.Tanh()), rp.Dropout(0.3, rng=2),
                         rp.Linear(5, 4, rng=3))


def test_records_hold_outputs_and_gradients_of_the_network_itself():
    net = small_net().astype("float64").eval()
    loss = rp.CrossEntropy()
    records = layer_statistics(net, X, loss, Y)
    assert [record.path for record in records] == ["0", "1.0", "1.1", "2", "3"]
    assert [record.kind for record in records] == ["Linear", "BatchNorm", "Tanh", "Dropout", "Linear"]
    assert records[3].module == "Dropout(p=0.3)"
    loss.forward(net.forward(X), Y)
    g = loss.backward()
    net.backward(g)
    assert_array_equal(records[-1].activation, net.forward(X))
    assert_array_equal(records[-1].gradient, g)
    assert_array_equal(records[0].activation, net[0].forward(X))
    loss.forward(net.forward(X), Y)
    net.backward(loss.backward())
    assert_allclose(records[0].gradient, net[0].gradient, rtol=1e-12)
    for record in records:
        assert_allclose((record.mean, record.std), (record.activation.mean(), record.activation.std()))
        assert_allclose((record.gradient_mean, record.gradient_std), (record.gradient.mean(), record.gradient.std()),
                        atol=1e-15)


def test_arrays_and_gradients_are_optional():
    plain, = layer_statistics(rp.Tanh(), X)
    assert plain.gradient is None
    assert plain.gradient_std is None
    assert plain.activation.shape == X.shape
    numbers = layer_statistics(small_net(), X, rp.CrossEntropy(), Y, arrays=False)
    assert all(record.activation is None and record.gradient is None for record in numbers)
    assert all(record.gradient_std > 0 for record in numbers)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_changed(training):
    net, twin = small_net().train(training), small_net().train(training)
    loss = rp.CrossEntropy()
    for each in (net, twin):
        loss.forward(each.forward(X), Y)
        each.backward(loss.backward())
    point, gradient, cost = net.point, net[0].gradient, loss.point
    layer_statistics(net, X[:5], loss, Y[:5])
    assert net.point is point
    assert net[0].gradient is gradient
    assert loss.point is cost
    assert net[1].training is training
    for name, array in net.state_dict().items():
        assert_array_equal(array, twin.state_dict()[name], err_msg=name)
    net.update()
    twin.update()
    assert_array_equal(net[0].weight.grad, twin[0].weight.grad)
    assert_array_equal(net.forward(X), twin.forward(X))             # with the same Dropout mask


def test_nothing_is_changed_by_an_error():
    net, twin = small_net(), small_net()
    with pytest.raises(ShapeError, match="Linear"):
        layer_statistics(net, X[:, :2])
    with pytest.raises(ShapeError, match="target"):
        layer_statistics(net, X, rp.CrossEntropy(), Y[:3])
    assert_array_equal(net[1][0].running_mean, np.zeros(5))
    assert_array_equal(net.forward(X), twin.forward(X))


def test_layers_run_in_their_current_mode():
    net = rp.Sequential(rp.BatchNorm(3), rp.Dropout(0.5, rng=0))
    trained, dropped = layer_statistics(net, 5 + X)
    assert_allclose((trained.mean, trained.std), (0, 1), atol=1e-4)
    assert (dropped.activation == 0).any()
    evaluated, kept = layer_statistics(net.eval(), 5 + X)
    assert_allclose(evaluated.mean, 5 + X.mean(), rtol=1e-4)
    assert_array_equal(kept.activation, evaluated.activation)


@pytest.mark.parametrize(("module", "edge"), [(rp.Sigmoid(), 4.357), (rp.Tanh(), 2.178), (rp.Softsign(), 3.473),
                                              (rp.HardTanh(), 1.0)], ids=repr)
def test_saturated_is_where_the_derivative_is_below_a_twentieth_of_its_largest(module, edge):
    x = np.array([[-1.01, -0.99, 0, 0.99, 1.01, 1.01]]).T * edge
    record, = layer_statistics(module, x)
    assert record.saturated == 0.5
    assert record.dead == 0


def test_a_unit_is_dead_if_it_is_flat_for_every_example():
    x = np.array([[-9.0, -9, 3, -9], [-9, 3, 3, -9]])
    relu, = layer_statistics(rp.ReLU(), x)
    assert relu.saturated is None
    assert relu.dead == 0.5
    assert layer_statistics(rp.LeakyReLU(0.2), x)[0].dead == 0
    tanh, = layer_statistics(rp.Tanh(), x)
    assert (tanh.saturated, tanh.dead) == (1, 1)
    assert layer_statistics(rp.Linear(4, 2, rng=0), x)[0].dead is None


def test_hidden_layers_are_activation_functions_except_for_the_last_module():
    net = rp.Sequential(rp.Linear(3, 5, rng=0), rp.BatchNorm(5), rp.Tanh(), rp.Linear(5, 6, rng=1), rp.ReLU(),
                        rp.Linear(6, 1, rng=2), rp.Sigmoid())
    records = layer_statistics(net, X)
    assert [record.path for record in hidden_activations(records)] == ["2", "4"]
    assert [record.path for record in preactivations(records)] == ["1", "3"]
    assert saturated_shares(records) == [records[2].saturated, records[4].dead]


@pytest.mark.parametrize("scale", [1.0, 30.0, np.nan])
def test_a_look_at_the_shares_alone_has_the_numbers_of_the_whole_statistics_and_changes_nothing(scale):
    """In training mode, where BatchNorm moves its buffers and Dropout draws."""
    net = rp.Sequential(rp.Linear(3, 5, rng=0), rp.BatchNorm(5), rp.Tanh(), rp.Dropout(0.5, rng=4), rp.Linear(5, 6, rng=1),
                        rp.Sequential(rp.ReLU(), rp.Linear(6, 4, rng=3)), rp.Sigmoid(), rp.Linear(4, 2, rng=2), rp.Tanh())
    net[0].weight.data *= scale
    twin = deepcopy(net)
    assert_array_equal(inactive_shares(net, X), saturated_shares(layer_statistics(twin, X)))
    assert len(inactive_shares(net, X)) == 3
    with np.errstate(invalid="ignore"):
        assert_array_equal(net.forward(X), twin.forward(X))         # the next masks, from the same buffers


def test_overflow_shows_in_numbers_not_in_warnings():
    large = rp.Normal(1e30)
    net = rp.Sequential(rp.Linear(3, 5, weight_init=large, rng=0), rp.Linear(5, 5, weight_init=large, rng=1))
    assert not np.isfinite(layer_statistics(net, X)[1].std)


def test_loss_and_labels_must_be_given_together():
    with pytest.raises(ArgumentError, match=re.escape("loss and y must be given together")):
        layer_statistics(small_net(), X, rp.CrossEntropy())
    with pytest.raises(ArgumentError, match=re.escape("loss and y must be given together")):
        layer_statistics(small_net(), X, y=Y)


def test_glorot_and_bengio_at_initialization():
    """Replica 1a at width 100: the ratio of the variances of dC/ds at the first and the last hidden layer."""
    x, y = rp.datasets.digits()
    ratios = {}
    for init in (rp.GlorotUniform(), rp.Standard(), rp.Normal(0.01)):
        sizes = [64] + 5 * [100]
        hidden = [layer for k in range(5)
                  for layer in (rp.Linear(sizes[k], 100, weight_init=init, rng=k), rp.Tanh())]
        records = layer_statistics(rp.Sequential(*hidden, rp.Linear(100, 10, weight_init=init, rng=9)), x[:300],
                                   rp.CrossEntropy(), y[:300], arrays=False)
        first, *_, last = preactivations(records)
        ratios[type(init).__name__] = (first.gradient_std / last.gradient_std) ** 2
    assert 0.18 < ratios["GlorotUniform"] < 0.5
    assert 0.006 < ratios["Standard"] < 0.015
    assert ratios["Normal"] < 1e-7


class Rebinding(rp.Module):
    """Each forward replaces its buffer by a new array, and changes its output."""

    buffers = ("mean",)

    def __init__(self):
        self.mean = np.zeros(3)

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        self.point = ()
        return x - self.mean

    def backward(self, g):
        return g - 0.1 * g.mean(0)


class Drawing(rp.MSE):
    """A loss that adds noise to the target."""

    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def costs(self, prediction, target):
        return super().costs(prediction, target + self.rng.standard_normal(target.shape).astype(target.dtype))


LOOKS = {
    "check_gradients": rp.check_gradients, "finite_differences": rp.finite_differences,
    "hessian_vector_product": lambda *of: rp.hessian_vector_product(*of, np.ones(12)),
    "hessian_eigenvalues": lambda *of: rp.hessian_eigenvalues(*of, k=3),
    "perturb": lambda *of: rp.perturb(*of, "0.bias", 0), "step_size_errors": rp.step_size_errors,
    "per_example_norms": rp.per_example_norms, "layer_statistics": lambda net, loss, x, y: layer_statistics(net, x, loss, y),
    "jvp": lambda net, loss, x, y: rp.jvp(net, x, x), "vjp": lambda net, loss, x, y: rp.vjp(net, x, x)}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_inspection_restores_generators_and_buffers(look):
    """Also generators of the loss, and buffers that forward replaces."""
    net, loss = rp.Sequential(rp.Linear(3, 3, rng=0), Rebinding()), Drawing()
    mean = net[1].mean
    for _ in range(2):
        look(net, loss, X, X)
        assert net[1].mean is mean
        assert_array_equal(mean, 0)
        assert loss.rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_derivatives_are_of_one_function_even_if_forward_changes_a_buffer_or_draws():
    net, loss = rp.Sequential(rp.Linear(3, 3, rng=0), Rebinding()), Drawing()
    assert rp.check_gradients(net, loss, X, X).passed
    z = np.c_[X - 0.1 * X.mean(0), np.full(7, 0.9)]                 # H = 2/21 z^T z for each output
    expected = np.sort(np.repeat(np.linalg.eigvalsh(2 / 21 * z.T @ z), 3))[::-1]
    assert_allclose(rp.hessian_eigenvalues(net, loss, X, X, k=12), expected, atol=1e-8)
