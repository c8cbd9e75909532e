"""Jacobians by backward, by forward mode and by finite differences."""

import re
from contextlib import nullcontext
from copy import deepcopy
from typing import ClassVar
from unittest.mock import ANY, Mock

import numpy as np
import pytest
from cases import LOSSES, MODULES, REAL, Affine, Both, DoubledLinear, Residual, numbers, stirred, tied
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, PhaseError, ShapeError
from retroprop.inspection.derivatives import shared_sweeps
from retroprop.modules.core import tangents
from retroprop.modules.core.values import each, parts, shape_of


def close(got, expected, digits):
    """Assert that arrays, or nested tuples of them, are equal up to ``tolerance`` times the largest entry."""
    for one, right in zip(arrays(got), arrays(expected), strict=True):
        assert one.shape == right.shape
        assert_allclose(one, right, rtol=0, atol=10.0**-digits * np.abs(right).max())


def arrays(nest):
    return [array for part in nest for array in arrays(part)] if isinstance(nest, tuple) else [nest]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("case", REAL, ids=str)
def test_the_three_ways_agree(case, training):
    """In float64, also with the mask of Dropout and the batch statistics of BatchNorm."""
    module, x = case.build().astype("float64").train(training), case.x
    by_rows, by_columns = (rp.jacobian(module, x, mode) for mode in ("backward", "forward"))
    outputs, inputs = parts(module.output_shape(shape_of(x))), parts(shape_of(x))
    assert [j.shape for j in arrays(by_rows)] == [output + one for output in outputs for one in inputs]
    close(by_columns, by_rows, 14)
    close(rp.numerical_jacobian(module, x), by_rows, 9)


@pytest.mark.parametrize("case", REAL, ids=str)
def test_the_jacobian_is_in_the_dtype_of_the_module(case):
    module, x = case.build(), each(lambda a: a.astype("float32"), case.x)
    dtype = module.dtype or np.dtype("float32")
    assert {j.dtype for mode in ("backward", "forward") for j in arrays(rp.jacobian(module, x, mode))} == {dtype}
    assert {j.dtype for j in arrays(rp.numerical_jacobian(module, x))} == {np.dtype("float64")}


@pytest.mark.parametrize("case", [case for case in MODULES if case.build().parameters()], ids=str)
def test_the_derivative_in_a_parameter_is_that_of_finite_differences(case):
    module, x = case.build().astype("float64"), case.x
    for name, parameter in module.named_parameters():
        parameter.frozen = True                                     # frozen parameters have derivatives too
        found, shapes = arrays(rp.jacobian(module, x, wrt=name)), parts(module.output_shape(shape_of(x)))
        assert [j.shape for j in found] == [shape + parameter.shape for shape in shapes]
        g = [numbers(*shape, seed=3) for shape in shapes]
        expected = rp.numerical_gradient(
            lambda _, g=g: sum(map(np.vdot, g, parts(deepcopy(module).forward(x)))), parameter.data)
        computed = sum(np.tensordot(one, j, one.ndim) for one, j in zip(g, found, strict=True))
        assert_allclose(computed, expected, rtol=1e-7, atol=1e-8, err_msg=name)


def test_the_derivative_in_a_weight_is_an_outer_product_with_the_identity():
    """dy_ni/dW_jk = 1[i = j] x_nk: a function of a matrix has no Jacobian matrix (slides 64-69)."""
    layer, x = rp.Linear(3, 4, dtype="float64", rng=0), numbers(5, 3)
    assert_array_equal(rp.jacobian(layer, x, wrt="weight"), np.einsum("ij,nk->nijk", np.eye(4), x))


def test_jvp_and_vjp_are_products_with_the_jacobian():
    net, x = rp.Sequential(rp.Linear(3, 4, dtype="float64", rng=0), rp.Softmax(), rp.Linear(4, 2, dtype="float64", rng=1)), \
        numbers(5, 3)
    j, t, g = rp.jacobian(net, x), numbers(5, 3, seed=1), numbers(5, 2, seed=2)
    for (y, product), expected in ((rp.jvp(net, x, t), np.tensordot(j, t, 2)), (rp.vjp(net, x, g), np.tensordot(g, j, 2))):
        assert_array_equal(y, net.forward(x))
        close(product, expected, 14)


@pytest.mark.parametrize("case", LOSSES, ids=str)
def test_forward_mode_of_a_loss_is_the_directional_derivative_of_the_cost(case):
    loss, x, t = case.build(), case.x, numbers(*case.x.shape, seed=4)
    cost = loss.forward(x, case.target)
    found, h = loss.jvp(t), 1e-6
    assert type(found) is type(cost)
    assert np.shape(found) == np.shape(cost)
    above, below = (np.asarray(loss.forward(x + step * t, case.target)) for step in (h, -h))
    assert_allclose(found, (above - below) / (2 * h), rtol=1e-6, atol=1e-8)


# Which mode


class Counting(rp.Linear):
    """Counts its passes, summed over all copies."""

    batch_dependent = False                                         # else a sweep takes one row or column
    passes: ClassVar[dict] = dict.fromkeys(("forward", "backward", "jvp"), 0)

    def forward(self, x, out=None):
        self.passes["forward"] += 1
        return super().forward(x, out)

    def backward(self, g, out=None, *, input_gradient=True):
        self.passes["backward"] += 1
        return super().backward(g, out, input_gradient=input_gradient)

    def jvp(self, t):
        self.passes["jvp"] += 1
        return super().jvp(t)


def passes(run):
    Counting.passes = dict.fromkeys(("forward", "backward", "jvp"), 0)
    run()
    return tuple(Counting.passes.values())


@pytest.mark.parametrize("net", [lambda *sizes: Counting(*sizes, rng=0),
                                 lambda *sizes: rp.Sequential(rp.Identity(), Counting(*sizes, rng=0))])
def test_the_mode_with_fewer_sweeps_is_the_default(net):
    x = numbers(1, 3)
    assert passes(lambda: rp.jacobian(net(3, 2), x)) == (1, 1, 0)
    assert passes(lambda: rp.jacobian(net(3, 3), x)) == (1, 1, 0)
    assert passes(lambda: rp.jacobian(net(3, 4), x)) == (1, 0, 1)
    assert passes(lambda: rp.jacobian(net(3, 4), x, "backward")) == (1, 1, 0)
    assert passes(lambda: rp.jacobian(net(3, 2), x, "forward")) == (1, 0, 1)
    assert passes(lambda: rp.jacobian(net(3, 2), x, wrt=net(3, 2).named_parameters()[0][0])) == (1, 2, 0)
    assert passes(lambda: rp.numerical_jacobian(net(3, 2), x)) == (6, 0, 0)


def test_a_module_without_forward_mode_defaults_to_backward():
    net = rp.Sequential(Affine(2), Counting(2, 3, rng=0))
    assert passes(lambda: rp.jacobian(net, numbers(1, 2))) == (1, 3, 0)


@pytest.mark.parametrize(("first", "shape", "backwards", "jvps"), [
    (rp.Identity, (4, 3), 1, 1),
    (lambda: rp.Dropout(0.5, rng=0), (4, 3), 2, 3),                 # a copy of x would have another mask
    (lambda: rp.BatchNorm(3), (4, 3), 8, 12),                       # the examples depend on each other
    (rp.Identity, (3,), 2, 3)])                                     # axis 0 is that of the features
def test_a_sweep_takes_a_row_or_column_of_each_independent_example(first, shape, backwards, jvps):
    net, x = rp.Sequential(first(), Counting(3, 2, rng=0)), numbers(*shape)
    assert passes(lambda: rp.jacobian(net, x, "backward")) == (1, backwards, 0)
    assert passes(lambda: rp.jacobian(net, x, "forward")) == (1, 0, jvps)


class Linearly(rp.Module):
    """A user's module that is linear in the batch, and does not say whether its examples depend on each other."""

    def forward(self, x):
        self.point = ()
        return self.of(x)

    def backward(self, g):
        return self.transposed(g)

    def transposed(self, g):
        return self.of(g)


class Centred(Linearly):
    def of(self, x):
        return x - x.mean(0)


class Divided(Linearly):
    def of(self, x):
        return x / len(x)


class Reversed(Linearly):
    def of(self, x):
        return x[::-1]


class ByPlace(Linearly):
    def of(self, x):
        return x * np.arange(1, len(x) + 1)[:, None]


class Transposed(Linearly):
    def of(self, x):
        return x.T


class CentredLinear(rp.Linear):
    def forward(self, x, out=None):
        y = super().forward(x, out)
        y -= y.mean(0)
        return y

    def backward(self, g, out=None):
        return super().backward(g - g.mean(0), out)

    def jvp(self, t):
        y = super().jvp(t)
        return y - y.mean(0)


class CentredAround(Both):
    def forward(self, x):
        y = super().forward(x)
        return y - y.mean(0)

    def backward(self, g):
        return super().backward(g - g.mean(0))


class CentredSequential(rp.Sequential):
    def forward(self, x):
        y = super().forward(x)
        return y - y.mean(0)

    def backward(self, g):
        return super().backward(g - g.mean(0))


class Says(Both):
    """What it says holds for itself, not for the modules inside."""

    batch_dependent = False


class Scaled(Linearly):
    """Says that its examples are independent, which says nothing about classes that derive from it."""

    batch_dependent = False

    def of(self, x):
        return 2 * x


class CentredScaled(Scaled):
    def of(self, x):
        return x - x.mean(0)


def by_place():
    """A function that is not computed element by element: its factor comes from the place in the batch."""
    def places(x):
        return np.arange(1, len(x) + 1)[:, None] * np.ones_like(x)

    return rp.Function(lambda x: x * places(x), places)


SILENT = [Centred, Divided, Reversed, ByPlace, Transposed, lambda: CentredLinear(3, 3, rng=0), by_place, CentredScaled,
          lambda: CentredAround(rp.Tanh(), rp.Tanh()), lambda: CentredSequential(rp.Tanh()),
          lambda: Says(rp.Tanh(), Centred())]


@pytest.mark.parametrize("around", [lambda inner: inner, lambda inner: rp.Sequential(rp.Linear(3, 3, rng=1), inner, rp.Tanh()),
                                    lambda inner: rp.Residual(rp.Sequential(inner, rp.SiLU()))])
@pytest.mark.parametrize("make", SILENT)
def test_examples_that_a_users_module_mixes_without_saying_so_are_not_taken_for_independent(make, around):
    net, x = around(make()).astype("float64"), numbers(3, 3)
    expected = rp.numerical_jacobian(net, x)
    for mode in ("backward", "forward"):
        close(rp.jacobian(net, x, mode), expected, 9)


class Subclassed(rp.Sequential):
    """A user's container without phases of its own."""


@pytest.mark.parametrize("net", [lambda *inner: rp.Sequential(Scaled(), *inner), Subclassed,
                                 lambda *inner: Subclassed(rp.Residual(Scaled()), Says(rp.Tanh(), Scaled()), *inner)])
def test_a_users_module_that_says_that_its_examples_are_independent_shares_sweeps(net):
    net, x = net(Counting(3, 2, rng=0)).astype("float64"), numbers(4, 3)
    expected = rp.numerical_jacobian(net, x)
    for mode, counted in (("backward", (1, 1, 0)), ("forward", (1, 0, 1))):
        assert passes(lambda mode=mode: rp.jacobian(net, x, mode)) == counted
        close(rp.jacobian(net, x, mode), expected, 9)


@pytest.mark.parametrize("first", [lambda: Affine(3), lambda: rp.Function(np.sin, np.cos), CentredScaled])
def test_where_a_users_module_says_nothing_a_sweep_takes_one_row_or_column(first):
    net, x = rp.Sequential(first(), Counting(3, 2, rng=0)), numbers(4, 3)
    assert passes(lambda: rp.jacobian(net, x, "backward")) == (1, 8, 0)
    assert passes(lambda: rp.jacobian(net, x, "forward")) == (1, 0, 12)


@pytest.mark.parametrize("mode", ["backward", "forward"])
def test_a_jacobian_is_the_same_in_batches_of_any_size(mode, monkeypatch):
    """Memory bounds how many copies of x run at once."""
    net = rp.Graph({"a": (rp.Linear(5, 4, rng=0), "x"), "b": (rp.Multiply(), "a", "z"), "c": (rp.Linear(4, 3, rng=1), "b")},
                   inputs=["x", "z"], outputs=["b", "c"]).astype("float64")
    x = numbers(2, 5), numbers(2, 4, seed=1)
    expected = rp.numerical_jacobian(net, x)
    for size in (1, 5, 1000):                                       # 1, 2 and 4 or 5 copies of two examples
        at_once = Mock(side_effect=lambda net, shape, dtype, size=size: min(size, shape[0][0]))
        monkeypatch.setattr(shared_sweeps, "examples_at_once", at_once)
        close(rp.jacobian(net, x, mode), expected, 9)
        most = 2 * (4 if mode == "backward" else 5)
        at_once.assert_called_once_with(ANY, ((most, 5), (most, 4)), np.dtype("float64"))


def test_costs_equal_the_counted_passes():
    net, x = rp.Sequential(Counting(3, 4, rng=0), rp.Tanh()), numbers(2, 3)
    found = rp.jacobian_costs(net, x)
    assert (found.inputs, found.outputs) == (6, 8)
    assert [(cost.way, cost.sweeps) for cost in found.costs] == [
        ("backward", 8), ("forward mode", 6), ("finite differences", 12)]
    assert passes(lambda: rp.jacobian_costs(net, x)) == (1 + 3 * (1 + 1 + 12), 3 * 8, 3 * 6)
    assert all(cost.seconds > 0 for cost in found.costs)
    title, head, rule, *lines = str(found).splitlines()
    assert title == "Jacobian of 8 numbers with respect to 6"
    assert head.split() == ["way", "sweeps", "ms"]
    assert [line.rsplit(maxsplit=2)[:2] for line in lines] == [
        ["backward", "8"], ["forward mode", "6"], ["finite differences", "12"]]
    assert {len(line) for line in (head, rule, *lines)} == {len(rule)}
    assert str(rp.jacobian_costs(rp.Linear(3, 1), numbers(1, 3))).startswith("Jacobian of 1 number with respect to 3\n")


# Forward mode of a user's modules


class Careless(rp.Module):
    """Its update reads an array that backward stored; y has one number per example, so that J is not square."""

    def __init__(self):
        self.weight = rp.Parameter([0.5, -1, 2], "weight")

    def output_shape(self, shape):
        return shape[0], 1

    def forward(self, x):
        self.point = x
        return np.tanh(x @ self.weight.data)[:, None]

    def backward(self, g):
        self.kept = g * (1 - np.tanh(self.point @ self.weight.data)[:, None] ** 2)
        return self.kept * self.weight.data

    def update(self):
        self.weight.grad = (self.kept * self.point).sum(0)


class CarelessSquare(Careless):
    """The same with backward as forward mode: y = w x²."""

    symmetric = True

    def output_shape(self, shape):
        return shape

    def forward(self, x):
        self.point = x
        return self.weight.data * x * x

    def backward(self, g):
        self.kept = g * self.point
        return 2 * self.weight.data * self.kept


class CarelessInPlace(CarelessSquare):
    """Backward stores into the same array every time."""

    symmetric = True

    def prepare(self, shape, dtype):
        return np.empty(shape, dtype)

    def backward(self, g):
        self.scratch[...] = g * self.point
        return 2 * self.weight.data * self.scratch

    def update(self):
        self.weight.grad = (self.scratch * self.point).sum(0)


class Doubled(rp.Sequential):
    """A container that passes on twice its gradient, in an array that it reuses."""

    def forward(self, x, out=None):
        y = super().forward(x, out)
        y *= 2
        return y

    def backward(self, g, out=None):
        return super().backward(2 * g, out)

    def update(self):
        super().update()

    __repr__ = rp.Module.__repr__


class CarelessReader(Careless):
    """Update reads the gradient that the checked backward stored."""

    def backward(self, g):
        return super().backward(self.gradient)


class CarelessSquareReader(CarelessSquare):
    symmetric = True

    def backward(self, g):
        return super().backward(self.gradient)


CARELESS = [Careless, CarelessSquare, CarelessReader, CarelessSquareReader, CarelessInPlace,
            lambda: Doubled(rp.Linear(3, 4, rng=1), rp.Tanh(), rp.Linear(4, 2, rng=2))]


@pytest.mark.parametrize("make", CARELESS)
def test_arrays_that_backward_leaves_for_update_survive_jvp(make):
    rp.check_module(rp.Sequential(Residual(rp.Sequential(rp.Linear(3, 3, rng=1), rp.Tanh())), make()), numbers(5, 3))


@pytest.mark.parametrize("make", CARELESS)
def test_the_contract_catches_a_jvp_that_overwrites_them(make, monkeypatch):
    monkeypatch.setattr(tangents, "preserved_backward", lambda module: nullcontext())
    with pytest.raises(rp.CheckError, match="jvp changes nothing"):
        rp.check_module(make(), numbers(5, 3))


def test_points_and_gradients_inside_a_composite_survive_jvp():
    module, x = Both(rp.Sequential(*tied()), rp.Softmax()), numbers(5, 3)
    inner = module.first[1]
    module.forward(x)
    module.jvp(x)
    assert module.gradient is module.first.gradient is inner.gradient is None
    module.backward(x)
    kept, numbers_before = inner.gradient, inner.gradient.copy()
    module.jvp(x)
    assert inner.gradient is kept
    assert_array_equal(kept, numbers_before)


def test_forward_mode_is_not_inherited_by_other_phases():
    """A subclass that overrides forward and backward, but not jvp, has a correct jvp."""

    class Shifted(rp.Softmax):                                      # not symmetric
        def forward(self, x, out=None):
            return super().forward(np.roll(x, 1, -1), out)

        def backward(self, g, out=None):
            gx = super().backward(g, out)
            gx[...] = np.roll(gx, -1, -1)
            return gx

    class Named(rp.Linear):
        """Overrides no phase."""

    assert DoubledLinear.jvp is Shifted.jvp is rp.Module.jvp
    assert not Shifted.symmetric
    assert Named.jvp is rp.Linear.jvp
    for module in (DoubledLinear(3, 4, rng=0), Shifted(), Named(3, 4, rng=0)):
        module.astype("float64")
        close(rp.jacobian(module, numbers(5, 3), "forward"), rp.numerical_jacobian(module, numbers(5, 3)), 9)
        module.forward(numbers(5, 3))
        gx = module.backward(numbers(*module.output_shape((5, 3))))
        gradient = module.gradient
        module.jvp(gx)
        assert module.gradient is gradient                          # the superclass has a checked phase too, which sets it


def test_a_jvp_may_call_that_of_the_superclass():
    class Scaled(rp.Linear):
        def forward(self, x, out=None):
            y = super().forward(x, out)
            y *= 3
            return y

        def backward(self, g, out=None):
            return super().backward(3 * g, out)

        def jvp(self, t):
            return 3 * super().jvp(t)

    rp.check_module(stirred(Scaled(3, 4, rng=0)), numbers(5, 3))


def test_a_jvp_may_pass_another_shape_to_the_superclass():
    class OfPixels(rp.Linear):
        """A Linear of the flattened last two axes."""

        def output_shape(self, shape):
            return super().output_shape((*shape[:-2], shape[-2] * shape[-1]))

        def forward(self, x, out=None):
            return super().forward(x.reshape(len(x), -1), out)

        def backward(self, g, out=None):
            return super().backward(g).reshape(len(g), 2, -1)

        def jvp(self, t):
            return super().jvp(t.reshape(len(t), -1))

    module, x = OfPixels(6, 4, rng=0, dtype="float64"), numbers(5, 2, 3)
    close(rp.jacobian(module, x, "forward"), rp.numerical_jacobian(module, x), 9)


# Checks


def test_errors_name_the_mistake_and_the_module():
    net = rp.Sequential(rp.Tanh(), rp.Sequential(rp.Linear(3, 4, rng=0), rp.Softmax()))
    with pytest.raises(PhaseError, match=r"no forward has run: call forward\(x\) first"):
        net.jvp(np.ones((5, 3)))
    with pytest.raises(PhaseError, match=r"^MSE\(\): no forward has run"):
        rp.MSE().jvp(np.ones(3))
    net.forward(np.ones((5, 3)))
    with pytest.raises(ShapeError, match=re.escape("t must have the shape of x, (5, 3), got (5, 4)")):
        net.jvp(np.ones((5, 4)))
    loss = rp.MSE()
    loss.forward(np.ones((5, 3)), np.zeros((5, 3)))
    with pytest.raises(ShapeError, match=re.escape("MSE(): t must have the shape of x, (5, 3), got (5,)")):
        loss.jvp(np.ones(5))
    net[1][1].point = None
    with pytest.raises(TypeError) as caught:
        net.jvp(np.ones((5, 3)))
    assert caught.value.__notes__[:2] == ["in Sequential[1]", "in Sequential[1]"]


@pytest.mark.parametrize(("function", "arguments"), [
    ("jvp", (np.ones((1, 2)), np.ones((1, 2)))), ("vjp", (np.ones((1, 2)), np.ones((1, 2)))),
    ("jacobian", (np.ones((1, 2)),)), ("numerical_jacobian", (np.ones((1, 2)),)), ("jacobian_costs", (np.ones((1, 2)),))])
def test_losses_and_other_objects_are_refused(function, arguments):
    for module in (np.tanh, rp.MSE()):
        text = f"{function}: module must be a Module and no loss, got {module!r}; the Jacobian of a loss is"
        with pytest.raises(ArgumentError, match=f"^{re.escape(text)}"):
            getattr(rp, function)(module, *arguments)


@pytest.mark.parametrize("function", ["jacobian", "numerical_jacobian", "jacobian_costs"])
def test_an_empty_input_is_refused(function):
    with pytest.raises(ShapeError, match=f"^{re.escape(f'{function}: x must hold at least one number, got shape (0, 3)')}$"):
        getattr(rp, function)(rp.Linear(3, 2, rng=0), np.ones((0, 3)))


@pytest.mark.parametrize(("options", "text"), [
    ({"mode": "sideways"}, "mode must be one of 'backward', 'forward', got 'sideways'"),
    ({"wrt": "0.weight"}, "wrt must be one of 'weight', 'bias', got '0.weight'; did you mean 'weight'?"),
    ({"mode": "forward", "wrt": "weight"}, "jacobian: mode must be 'backward' with wrt, got 'forward'; tangents are of x")])
def test_jacobian_refuses(options, text):
    with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
        rp.jacobian(rp.Linear(2, 2, rng=0), [[1.0, 2.0]], **options)


def test_the_module_is_left_as_it_was():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), rp.Dropout(rng=1), rp.Linear(4, 2, rng=2))
    x = numbers(5, 3).astype("float32")
    net[3].weight.frozen = True
    net.forward(x)
    net.backward(np.ones((5, 2)))
    net.update()
    twin, points = deepcopy(net), [(module, module.point, module.gradient) for _, module in net.named_modules()]
    point = net[1].point.centred.copy()
    rp.jvp(net, numbers(7, 3), numbers(7, 3))
    rp.vjp(net, numbers(7, 3), numbers(7, 2))
    for options in ({"mode": "backward"}, {"mode": "forward"}, {"wrt": "0.weight"}):
        rp.jacobian(net, numbers(7, 3), **options)
    rp.numerical_jacobian(net, numbers(7, 3))
    rp.jacobian_costs(net, numbers(7, 3))
    assert all(module.point is point and module.gradient is gradient for module, point, gradient in points)
    assert_array_equal(net[1].point.centred, point)
    assert net[3].weight.frozen
    for mine, other in zip(net.parameters(), twin.parameters(), strict=True):
        assert_array_equal(mine.grad, other.grad)
    for name, array in net.state_dict().items():
        assert_array_equal(array, twin.state_dict()[name])
    assert_array_equal(net.forward(x), twin.forward(x))             # the generator too
