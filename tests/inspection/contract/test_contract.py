"""The contract, law by law, on every module and every loss of the library; and the errors of `check_module`."""

import re
from copy import deepcopy

import numpy as np
import pytest
from cases import LOSSES, MODULES, Affine, Residual, Square, numbers
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, CheckError, DtypeError
from retroprop.inspection import CHECKS, LOSS_CHECKS
from retroprop.inspection.contract import cases as library


@pytest.mark.parametrize("case", MODULES + LOSSES, ids=str)
def test_modules_and_losses_obey(case):
    """All laws on one module; as in ``check_module``, they share their samples."""
    samples = {}
    for check in CHECKS if case.target is None else LOSS_CHECKS:
        check(case.build(), *case.inputs, samples=samples)


def public(kind):
    """Return the subclasses of this class that the library exports."""
    exported = {getattr(rp, name) for name in rp.__all__ if name != "plots"}
    return {value for value in exported if isinstance(value, type) and issubclass(value, kind) and value is not kind}


def test_every_module_and_loss_has_a_case():
    """So neither these tests nor ``retroprop check`` can forget a new one."""
    assert {type(case.build()) for case in library.LOSSES} == public(rp.Loss)
    assert {type(case.build()) for case in library.MODULES} == public(rp.Module) - public(rp.Loss) - {rp.Loss}
    assert len({case.name for case in MODULES + LOSSES}) == len(MODULES + LOSSES)


# check_module itself


def test_the_module_is_left_as_it_was():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), rp.Dropout(rng=1), rp.Linear(4, 2, rng=2))
    x = numbers(5, 3).astype("float32")
    net[3].weight.frozen = True
    net.forward(x)
    net.backward(np.ones((5, 2)))
    twin, point, gradient, state = deepcopy(net), net.point, net.gradient, net.state_dict()
    rp.check_module(net, x)
    assert net.point is point
    assert net.gradient is gradient
    assert [parameter.frozen for parameter in net.parameters()] == [False] * 4 + [True, False]
    for name, array in net.state_dict().items():
        assert_array_equal(array, state[name])
    assert_array_equal(net.forward(x), twin.forward(x))             # the generator too


def test_the_message_names_module_law_mode_entry_and_both_numbers():
    with pytest.raises(CheckError, match=re.escape(
            "Square(): backward is the transposed jacobian: in training mode, dC/dx[")
            + r"\d, \d\]: finite differences give -?[\d.]+, the module -?[\d.]+$"):
        rp.check_module(Square(), [[0.0, 2.0], [3.0, 4.0]])


def test_the_message_reports_a_kink():
    text = re.escape("ReLU(): backward is the transposed jacobian: in training mode, dC/dx[1, 0]: the derivative is 0 to the ")
    with pytest.raises(CheckError, match=text + "left, .* to the right, and the module gives .*; give an x that is not at a "
                                                "kink$"):
        rp.check_module(rp.ReLU(), [[1.0, 2.0], [0.0, 4.0]])


def test_an_error_inside_a_phase_is_named_and_chained():
    class Broken(rp.Identity):
        def backward(self, g, out=None):
            raise ValueError("no such luck")

    with pytest.raises(CheckError, match=r"^Broken\(\): backward has the shape of x: in training mode, "
                                         "ValueError: no such luck$") as caught:
        rp.check_module(Broken(), numbers(5, 3))
    assert isinstance(caught.value.__cause__, ValueError)
    assert isinstance(caught.value, AssertionError)


def test_a_module_written_inside_a_function_need_not_be_pickled():
    class Twice(rp.Module):
        def forward(self, x):
            self.point = None
            return 2 * x

        def backward(self, g):
            return 2 * g

    rp.check_module(Twice(), numbers(5, 3))


def test_bad_arguments_are_refused():
    target = "target must be given for a loss and for nothing else, got"
    for arguments, text in (((rp.MSE(), [1.0]), f"{target} none for MSE()"),
                            ((rp.Tanh(), [1.0], [1]), f"{target} one for Tanh()"),
                            ((np.tanh, [1.0]), "module must be a Module, got <ufunc 'tanh'>")):
        with pytest.raises(ArgumentError, match=re.escape(f"check_module: {text}")):
            rp.check_module(*arguments)


def test_large_arrays_are_sampled():
    layer = rp.Linear(40, 30, rng=0)
    evaluated = []
    forward = rp.Linear.forward
    check = next(check for check in CHECKS if check.__name__ == "update_is_the_gradient_of_each_parameter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rp.Linear, "forward", lambda self, x: evaluated.append(1) or forward(self, x))
        check(layer, numbers(3, 40))
    assert len(evaluated) <= 2 * (2 * (200 + 30) + 8)


@pytest.mark.parametrize("rng", range(2))
def test_the_verdict_does_not_depend_on_the_seed(rng):
    rp.check_module(Residual(rp.Sequential(rp.Linear(3, 3, rng=1), rp.Tanh(), Affine(3))), numbers(5, 3), rng=rng)


# numerical_gradient


def test_numerical_gradient_of_a_sum_of_cubes():
    a = numbers(4, 3)
    assert_allclose(rp.numerical_gradient(lambda a: (a**3).sum(), a), 3 * a**2, atol=1e-8)
    assert_allclose(rp.numerical_gradient(lambda a: (a**3).sum(), a, entries=[7, 2]), 3 * a.flat[[7, 2]] ** 2, atol=1e-8)


def test_numerical_gradient_follows_the_scale_of_each_entry():
    assert_allclose(rp.numerical_gradient(lambda a: a[0] ** 2, np.array([1e8])), [2e8], rtol=1e-9)
    assert_allclose(rp.numerical_gradient(lambda a: np.sin(a).sum(), np.array([1e-8, 0])), [1, 1], rtol=1e-9)


def test_numerical_gradient_reads_any_layout_row_by_row():
    weights = numbers(4, 3)
    for a in (np.asfortranarray(numbers(4, 3)), numbers(3, 4).T, numbers(4, 6)[:, ::2]):
        assert_allclose(rp.numerical_gradient(lambda a: (weights * a).sum(), a), weights, atol=1e-8)
    assert rp.numerical_gradient(lambda a: 3 * a, np.array(2.0)).shape == ()


def test_numerical_gradient_has_an_error_of_second_order():
    a = np.array([0.3])
    errors = [abs(rp.numerical_gradient(lambda a: np.exp(a[0]), a, step)[0] - np.exp(0.3)) for step in (1e-2, 1e-3)]
    assert_allclose(errors[0] / errors[1], 100, rtol=0.01)


def test_numerical_gradient_puts_everything_back():
    a = numbers(4, 3)
    before, calls = a.copy(), []

    def failing(a):
        calls.append(a.copy())
        if len(calls) == 5:
            raise KeyboardInterrupt
        return a.sum()

    with pytest.raises(KeyboardInterrupt):
        rp.numerical_gradient(failing, a)
    assert_array_equal(a, before)
    assert not np.array_equal(calls[4], before)


@pytest.mark.parametrize(("error", "text", "a", "step"), [
    (DtypeError, "numerical_gradient: a must be a float64 array, got float32", np.ones(3, "float32"), 1e-6),
    (DtypeError, "numerical_gradient: a must be a float64 array, got list", [1.0], 1e-6),
    (ArgumentError, "numerical_gradient: a must be writeable to be perturbed in place, got a read-only array",
     np.broadcast_to(1.0, 3), 1e-6),
    (ArgumentError, "step must be a number in (0, inf), got 0", np.ones(3), 0),
])
def test_numerical_gradient_refuses(error, text, a, step):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        rp.numerical_gradient(np.sum, a, step)


@pytest.mark.parametrize("rng", range(20))
@pytest.mark.parametrize("scale", [3, 10, 30])
@pytest.mark.parametrize("module", [rp.Tanh(), rp.Softmax(), rp.LayerNorm(2), rp.LogSoftmax()], ids=repr)
def test_saturated_units_are_not_wrong(module, scale, rng):
    """Their derivatives are round-off, proportional to the input."""
    law = next(check for check in CHECKS if check.__name__ == "jvp_is_the_transpose_of_backward")
    law(module, np.random.default_rng(rng).normal(0, scale, (2, 2)), rng=rng)


def test_in_a_container_the_module_that_fails_alone_is_named():
    net = rp.Sequential(rp.Linear(3, 4, rng=0), rp.Sequential(rp.Tanh(), Square()), rp.Linear(4, 2, rng=1))
    with pytest.raises(CheckError, match=r"^Sequential\(.*backward is the transposed jacobian") as caught:
        rp.check_module(net, numbers(5, 3))
    (note,) = caught.value.__notes__
    assert note.startswith("module 1.1 fails alone: Square(): backward is the transposed jacobian: in training mode, dC/dx[")
