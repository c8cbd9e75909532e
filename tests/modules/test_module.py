"""What the base class does for an author: checked phases, parameters, state, modes."""

import re
from copy import deepcopy

import numpy as np
import pytest
from cases import Affine, Residual, numbers, stirred
from numpy.testing import assert_allclose, assert_array_equal
from steps import refuses

import retroprop as rp
from retroprop.errors import ArgumentError, DtypeError, PhaseError, ShapeError, StateError

X = numbers(5, 3).astype("float32")


class Halve(rp.Module):
    """A module that changes the shape and has no ``output_shape``."""

    def forward(self, x):
        self.point = x.shape
        return x[:, ::2].copy()

    def backward(self, g):
        gx = np.zeros(self.point, g.dtype)
        gx[:, ::2] = g
        return gx


class HalveAndSay(Halve):
    def output_shape(self, input_shape):
        return input_shape[0], (input_shape[1] + 1) // 2


class Inner(rp.Module):
    """A module of two inner modules and a parameter of its own; its phases call those of the inner modules."""

    def __init__(self):
        self.first, self.second = rp.Linear(3, 4, rng=1), rp.Sequential(rp.Tanh(), rp.Linear(4, 3, rng=2))
        self.scale = rp.Parameter(1.5, "scale")

    def forward(self, x):
        self.point = z = self.second.forward(self.first.forward(x))
        return self.scale.data * z

    def backward(self, g):
        return self.first.backward(self.second.backward(self.scale.data * g))

    def update(self):
        super().update()
        self.scale.grad = np.vdot(self.gradient, self.point)


# Authors


def test_a_module_of_a_dozen_lines_passes_check_module():
    rp.check_module(Affine(3), X)
    rp.check_module(HalveAndSay(), X)
    rp.check_module(Inner(), X)


def test_a_module_of_a_dozen_lines_takes_out_and_works_in_a_container():
    module, out = Affine(3), np.empty((5, 3), "float32")
    assert module.forward(X, out=out) is out
    assert_array_equal(out, X * module.scale.data)
    net = rp.Sequential(rp.Linear(3, 3, rng=0), module, rp.Tanh())
    assert net.forward(X).dtype == np.float32
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.scale"]


def test_a_shape_that_changes_without_output_shape_is_refused_with_both_shapes():
    with refuses(ShapeError, "Halve(): forward returned shape (5, 2), where output_shape((5, 3)) says (5, 3)"):
        Halve().forward(X)
    with refuses(ShapeError, "Halve(): forward returned shape (5, 2), where (5, 3) is expected; does output_shape say what "
                             "this module does?\nin Sequential[0]"):
        rp.Sequential(Halve(), rp.Tanh()).forward(X)


def test_phases_that_are_not_written_raise_not_implemented_error():
    class Nothing(rp.Module):
        pass

    with refuses(NotImplementedError, "Nothing must implement forward(x)"):
        Nothing().forward(X)
    with refuses(NotImplementedError, "Nothing must implement backward(g)"):
        Nothing().backward(X)


def test_errors_of_the_checks_name_module_argument_expected_and_given():
    layer = rp.Linear(3, 4, rng=0)
    with refuses(PhaseError, "Linear(3, 4): no forward has run: call forward(x) first"):
        layer.backward(np.ones((5, 4)))
    with refuses(ShapeError, "Linear(3, 4): x must have shape (..., 3), got (5, 7)"):
        layer.forward(np.ones((5, 7)))
    with refuses(ShapeError, "Linear(3, 4): x must hold at least one number, got shape (0, 3)"):
        layer.forward(np.ones((0, 3)))
    with refuses(DtypeError, "Linear(3, 4): x must be real numbers, got complex64"):
        layer.forward(X * 1j)
    layer.forward(X)
    with refuses(PhaseError, "Linear(3, 4): no backward has run since the last forward: call backward(g) first"):
        layer.update()
    with refuses(ShapeError, "Linear(3, 4): g must have the shape of the output, (5, 4), got (4, 5)"):
        layer.backward(np.ones((4, 5)))
    with refuses(DtypeError, "Linear(3, 4): out must be a float32 array, got float64"):
        layer.forward(X, out=np.empty((5, 4)))
    with refuses(ShapeError, "Linear(3, 4): out must be C-contiguous and of shape (5, 4), got (5, 4)"):
        layer.forward(X, out=np.empty((4, 5), "float32").T)
    square = rp.Linear(3, 3, rng=0)
    with refuses(ArgumentError, "Linear(3, 3): out must not overlap x, which this module still reads"):
        square.forward(x := X.copy(), out=x)
    square.forward(X)
    with refuses(ArgumentError, "Linear(3, 3): out must not overlap g, which update still reads"):
        square.backward(g := X.copy(), out=g)


def test_point_and_gradient_are_none_until_a_phase_sets_them():
    layer = rp.Linear(3, 4, dtype="float64", rng=0)
    assert layer.point is None
    y = layer.forward(X)
    assert_array_equal(layer.point, X)
    assert layer.gradient is None
    layer.backward(y)
    assert layer.gradient is y
    layer.forward(X)
    assert layer.gradient is None


def test_lists_and_integers_are_converted_once_by_the_checks():
    assert rp.Linear(2, 3, rng=0).forward([[1, 2], [3, 4]]).dtype == np.float32
    assert rp.Tanh().forward([[True, False]]).dtype == np.float32
    assert rp.Tanh().forward([[1.0]]).dtype == np.float64           # NumPy's dtype for a list of floats
    assert rp.Tanh().forward(np.ones((1, 1), "float16")).dtype == np.float32


def test_repr_shows_the_arguments():
    assert [repr(m) for m in (rp.Linear(3, 4, rng=0), rp.Linear(3, 4, False), rp.Linear(3, 4, dtype="float64"),
                              rp.Linear(3, 4, weight_init=rp.HeNormal()), rp.Dropout(0.2, rng=1), rp.Reshape(2, -1),
                              rp.BatchNorm(4, momentum=0.5), rp.LeakyReLU(), rp.ELU(0.5), Residual(rp.Tanh()))] == [
        "Linear(3, 4)", "Linear(3, 4, bias=False)", "Linear(3, 4, dtype='float64')",
        "Linear(3, 4, weight_init=HeNormal(fan='in', slope=0.0))", "Dropout(p=0.2)", "Reshape(2, -1)",
        "BatchNorm(4, momentum=0.5)", "LeakyReLU()", "ELU(alpha=0.5)", "Residual(Tanh())"]


# Parameters


def test_assigning_copies_into_the_same_memory():
    parameter = rp.Parameter(np.zeros((4, 3)), "weight")
    data, grad, a = parameter.data, parameter.grad, np.arange(12.0).reshape(4, 3)
    parameter.data = a
    parameter.grad = a + 1
    a[:] = -1
    assert parameter.data is data
    assert parameter.grad is grad
    assert_array_equal(data, np.arange(12).reshape(4, 3))
    assert_array_equal(grad, data + 1)
    parameter.data += 1
    assert parameter.data is data
    assert_array_equal(data, grad)


def test_data_that_do_not_fit_a_parameter_are_refused_and_change_nothing():
    parameter = rp.Parameter([1, 2, 3], "bias")
    with refuses(ShapeError, "Parameter('bias', shape=(3,), dtype='float32'): data must have shape (3,), got (2,)"):
        parameter.data = [1, 2]
    with refuses(ShapeError, "Parameter('bias', shape=(3,), dtype='float32'): grad must have shape (3,), got (1, 3)"):
        parameter.grad = [[1, 2, 3]]
    with refuses(ShapeError, "Parameter('bias', shape=(3,), dtype='float32'): data must have shape (3,), got ()"):
        parameter.data = 1                                          # without broadcasting
    with refuses(DtypeError, "Parameter('bias', shape=(3,), dtype='float32'): data must be real numbers, got complex128"):
        parameter.data = [1j, 0, 0]
    with refuses(DtypeError, "dtype must be float32 or float64, got 'float16'"):
        rp.Parameter([1], "bias", "float16")
    assert_array_equal(parameter.data, [1, 2, 3])


def test_matrices_are_column_major_so_that_their_transposes_are_contiguous():
    for net in (rp.Linear(3, 4, rng=0), rp.Sequential(rp.Linear(3, 4, rng=0)), deepcopy(rp.Linear(3, 4, rng=0)),
                rp.Linear(3, 4, rng=0).astype("float64")):
        weight = net.parameters()[0]
        assert weight.shape == (4, 3)
        for array, transpose in ((weight.data, weight.T), (weight.grad, weight.grad_T)):
            assert array.flags.f_contiguous
            assert transpose.flags.c_contiguous
            assert np.shares_memory(array, transpose)
            assert_array_equal(array.T, transpose)


def test_a_gradient_starts_at_zero():
    assert not rp.Linear(3, 4, rng=0).weight.grad.any()


def test_astype_converts_in_place_and_the_optimizer_follows():
    nets = [rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), rp.Linear(4, 2, rng=1)) for _ in range(2)]
    optimizers = [rp.SGD(net.parameters(), lr=0.1, momentum=0.9) for net in nets]
    parameters = nets[0].parameters()
    for round in range(3):
        for net, sgd in zip(nets, optimizers, strict=True):
            net.forward(X)
            net.backward(numbers(5, 2))
            net.update()
            sgd.step()
        if round == 0:
            assert nets[0].astype("float64") is nets[0]
            assert nets[0].forward(X).dtype == np.float64
    assert nets[0].parameters() == parameters
    assert {array.dtype for array in nets[0].state_dict().values()} == {np.dtype("float64")}
    other = nets[1].state_dict()
    assert_allclose(nets[0][0].weight.data, other["0.weight"], atol=1e-5)
    assert not np.allclose(nets[0][0].weight.data, rp.Linear(3, 4, rng=0).weight.data, atol=1e-2)


def test_a_frozen_parameter_beside_one_that_trains():
    layer = rp.Linear(3, 4, rng=0)
    layer.bias.frozen = True
    sgd = rp.SGD(layer.parameters(), lr=0.1)
    weight = layer.weight.data.copy()
    layer.forward(X)
    layer.backward(np.ones((5, 4)))
    layer.update()
    sgd.step()
    assert not layer.bias.data.any()
    assert not np.array_equal(layer.weight.data, weight)


# State and modes


def test_state_is_named_as_in_pytorch():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), Inner())
    assert list(net.state_dict()) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "2.scale", "2.first.weight", "2.first.bias", "2.second.1.weight",
        "2.second.1.bias", "1.running_mean", "1.running_var"]


def test_a_state_that_does_not_fit_is_refused_with_a_list_of_all_errors():
    net = stirred(rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4)))
    before, state = net.state_dict(), net.state_dict()
    for array in state.values():
        array += 1
    del state["0.weight"]
    state |= {"0.bias": np.zeros(3), "extra": np.zeros(1), "1.running_mean": ["a"] * 4}
    with pytest.raises(StateError, match=r"the state does not fit: .*") as caught:
        net.load_state_dict(state)
    for part in ("missing '0.weight'", "unexpected 'extra'", "'0.bias' must have shape (4,), got (3,)", "'1.running_mean'"):
        assert part in str(caught.value)
    for name, array in net.state_dict().items():
        assert_array_equal(array, before[name])


def test_strict_false_ignores_names_but_not_shapes():
    layer = rp.Linear(3, 4, rng=0)
    layer.load_state_dict({"bias": np.ones(4), "extra": np.zeros(1)}, strict=False)
    assert_array_equal(layer.bias.data, np.ones(4))
    with pytest.raises(StateError, match=re.escape("'bias' must have shape (4,), got (3,)")):
        layer.load_state_dict({"bias": np.ones(3)}, strict=False)
    rp.BatchNorm(3).load_state_dict(rp.BatchNorm(3).state_dict() | {"num_batches_tracked": np.array(7)})


def test_train_and_eval_change_all_inner_modules():
    net = rp.Sequential(rp.Dropout(rng=0), Residual(rp.Sequential(rp.Dropout(rng=1))))
    assert all(module.training for _, module in net.named_modules())
    assert net.eval() is net
    assert not any(module.training for _, module in net.named_modules())
    assert net.train() is net
    assert all(module.training for _, module in net.named_modules())


def test_predict_takes_parts_of_any_size_and_refuses_none():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), rp.Dropout(rng=1))
    whole = net.predict(X)
    for size in (1, 2, 5, 100):
        assert_allclose(net.predict(X, batch_size=size), whole, rtol=1e-5, atol=1e-6)
    with pytest.raises(ShapeError, match=r"x must hold at least one example, got shape \(0, 3\)$"):
        net.predict(X[:0])
    with refuses(ArgumentError, "batch_size must be an integer of at least 1, got 0"):
        net.predict(X, batch_size=0)


def test_predict_restores_the_mode_after_an_error():
    net = rp.Sequential(rp.Tanh(), rp.Linear(3, 4, rng=0))
    net.forward(X)
    with pytest.raises(ShapeError):
        net.predict(np.ones((5, 2)))
    assert net.training
    assert net[1].training
    net.backward(np.ones((5, 4)))


def test_accumulate_over_parts_gives_the_gradient_of_the_whole_batch():
    net, parts = (rp.Sequential(rp.Linear(3, 4, rng=0, dtype="float64"), rp.Tanh()) for _ in range(2))
    g = numbers(5, 4, seed=1)
    net.forward(X)
    net.backward(g)
    net.update()
    for rows, phase in ((slice(2), parts.update), (slice(2, 5), parts.accumulate)):
        parts.forward(X[rows])
        parts.backward(g[rows])
        phase()
    for a, b in zip(net.parameters(), parts.parameters(), strict=True):
        assert_allclose(a.grad, b.grad, rtol=1e-12)
