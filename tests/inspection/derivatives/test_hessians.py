"""Second derivatives of the cost, against closed forms and against finite differences of the gradient."""

import re
from copy import deepcopy

import numpy as np
import pytest
from cases import numbers, shared
from numpy.testing import assert_allclose, assert_array_equal

import retroprop as rp
from retroprop.errors import ArgumentError, DataError, NonFiniteError, ShapeError
from retroprop.inspection.derivatives import hessians


def classifier():
    return rp.Sequential(rp.Linear(3, 5, rng=0), rp.Tanh(), rp.Linear(5, 3, rng=1))


NETS = {"tanh": (classifier, rp.CrossEntropy()),
        "sigmoid": (lambda: rp.Sequential(rp.Linear(3, 4, rng=0), rp.Sigmoid(), rp.Linear(4, 3, rng=1)), rp.CrossEntropy()),
        "shared Parameter": (shared, rp.CrossEntropy()),
        "BatchNorm and Dropout": (lambda: rp.Sequential(rp.Linear(3, 4, rng=0), rp.BatchNorm(4), rp.Tanh(),
                                                        rp.Dropout(0.3, rng=2), rp.Linear(4, 3, rng=1)), rp.CrossEntropy())}
X, Y = numbers(7, 3), [0, 2, 1, 1, 0, 2, 2]


def flat(net, name="data"):
    return np.concatenate([getattr(parameter, name).ravel() for parameter in net.parameters()])


def numerical_hessian(net, loss, x, y):
    """Return H from gradients, entry by entry, with a scheme of a smaller error than that of the product."""
    net = deepcopy(net).astype("float64")

    def gradient():
        ran = deepcopy(net)
        loss.forward(ran.forward(x), y)
        ran.backward(loss.backward())
        ran.update()
        return flat(ran, "grad")

    rows, h = [], 1e-3
    for parameter in net.parameters():
        for k in range(parameter.data.size):
            at, values = np.unravel_index(k, parameter.shape), []
            for step in (h, -h, 2 * h, -2 * h):
                parameter.data[at] += step
                values.append(gradient())
                parameter.data[at] -= step
            rows.append((8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * h))
    return np.array(rows)


def test_least_squares_has_the_hessian_of_its_design():
    """C = mean of (Wx + b - y)²: H = 2/n [X 1]^T [X 1] for each output."""
    layer, x = rp.Linear(3, 2, rng=0), numbers(7, 3)
    ones = np.c_[x, np.ones(7)]
    block = 2 / 14 * ones.T @ ones
    h = np.zeros((8, 8))
    for i in range(2):                                              # weight row by row, then the bias
        at = [3 * i, 3 * i + 1, 3 * i + 2, 6 + i]
        h[np.ix_(at, at)] = block
    for seed in range(3):
        v = numbers(8, seed=seed)
        found = rp.hessian_vector_product(layer, rp.MSE(), x, numbers(7, 2), v)
        assert_allclose(found, h @ v, rtol=0, atol=1e-9 * np.abs(h @ v).max())
    assert_allclose(rp.hessian_eigenvalues(layer, rp.MSE(), x, numbers(7, 2), k=8), np.linalg.eigvalsh(h)[::-1], atol=1e-9)


@pytest.mark.parametrize("name", NETS)
def test_products_equal_those_with_the_whole_hessian(name):
    build, loss = NETS[name]
    net = build()
    h = numerical_hessian(net, loss, X, Y)
    for parameter in net.parameters()[:2]:
        parameter.frozen = True                                     # H includes frozen parameters
    for scale in (1e-6, 1, 1e6):                                    # the step does not depend on the length of v
        v = scale * numbers(len(h), seed=3)
        expected = h @ v
        found = rp.hessian_vector_product(net, loss, X, Y, v)
        assert_allclose(found, expected, rtol=0, atol=3e-9 * np.abs(expected).max())


@pytest.mark.parametrize("name", NETS)
def test_the_hessian_is_symmetric(name):
    build, loss = NETS[name]
    net = build()
    u, v = (numbers(len(flat(net)), seed=seed) for seed in (1, 2))
    hu, hv = (rp.hessian_vector_product(net, loss, X, Y, w) for w in (u, v))
    assert abs(u @ hv - v @ hu) < 1e-8 * np.abs(u * hv).sum()


def test_the_product_with_zero_is_zero():
    assert_array_equal(rp.hessian_vector_product(classifier(), rp.CrossEntropy(), X, Y, np.zeros(38)), np.zeros(38))


def products_alone(monkeypatch):
    """Force Lanczos' method, as for a net that is too large for its whole Hessian."""
    monkeypatch.setattr(hessians, "WHOLE", 0)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ["tanh", "BatchNorm and Dropout"])
def test_eigenvalues_are_the_largest_of_the_whole_hessian(name, whole, monkeypatch):
    """By Lanczos' method; from the whole matrix if n is at most 2 k."""
    if not whole:
        products_alone(monkeypatch)
    build, loss = NETS[name]
    net = build()
    expected = np.linalg.eigvalsh(numerical_hessian(net, loss, X, Y))[::-1]
    for k in (1, 3, 18, 19, 37, 38):
        k = min(k, len(expected))
        found = rp.hessian_eigenvalues(net, loss, X, Y, k)
        assert found.shape == (k,)
        assert_allclose(found, expected[:k], rtol=0, atol=1e-8 * expected[0], err_msg=f"k = {k}")


def test_small_nets_have_as_many_eigenvalues_as_numbers():
    layer = rp.Linear(1, 1, rng=0)
    for k in (1, 2):
        found = rp.hessian_eigenvalues(layer, rp.MSE(), [[3.0]], [[1.0]], k)
        assert_allclose(found, [20, 0][:k], atol=1e-8)              # 2 [9, 3; 3, 1]
    found = rp.hessian_eigenvalues(rp.Linear(1, 1, bias=False, rng=0), rp.MSE(), [[3.0]], [[1.0]])
    assert_allclose(found, [18], atol=1e-8)


@pytest.mark.parametrize("k", [2, 7, 13])
@pytest.mark.parametrize("seed", range(5))
def test_multiple_eigenvalues_are_returned_with_their_multiplicity(seed, k, monkeypatch):
    """Equal classes give n - 1 copies of each, independent outputs n, whatever vector Lanczos' method starts from."""
    products_alone(monkeypatch)
    x = numbers(50, 6, seed=seed)
    softmax = rp.Sequential(rp.Linear(6, 10, weight_init=rp.Zeros()))
    z = np.c_[x, np.ones(50)]                                       # H = (I - 1/10) / 10 for each pair of columns
    expected = np.sort(np.repeat(np.linalg.eigvalsh(z.T @ z / 50) / 10, 9))[::-1]
    found = rp.hessian_eigenvalues(softmax, rp.CrossEntropy(), x, np.arange(50) % 10, k, rng=seed)
    assert_allclose(found, expected[:k], rtol=0, atol=1e-8 * expected[0])
    least_squares = rp.Sequential(rp.Linear(6, 12, bias=False, rng=0))
    expected = np.sort(np.repeat(np.linalg.eigvalsh(2 / 600 * x.T @ x), 12))[::-1]
    found = rp.hessian_eigenvalues(least_squares, rp.MSE(), x, np.zeros((50, 12)), k, rng=seed)
    assert_allclose(found, expected[:k], rtol=0, atol=1e-8 * expected[0])


def test_negative_eigenvalues_come_after_the_positive_ones():
    expected = np.repeat([3.0, 2.0, -1.0, -2.0], [2, 1, 3, 24])
    found = hessians.leading(lambda v: expected * v, 30, 5, np.random.default_rng(0))
    assert_allclose(found, expected[:5], atol=1e-8)


def test_close_eigenvalues_are_told_apart(monkeypatch):
    products_alone(monkeypatch)
    expected = 1 - 1e-5 * np.arange(60)
    x = np.diag(np.sqrt(expected * 30))                             # H = 2/60 x^T x
    found = rp.hessian_eigenvalues(rp.Linear(60, 1, bias=False, rng=0), rp.MSE(), x, np.zeros((60, 1)), 4)
    assert_allclose(found, expected[:4], rtol=0, atol=1e-8)


@pytest.mark.parametrize("k", [3, 20, 40])
def test_more_eigenvalues_than_the_rank_are_zero(k, monkeypatch):
    """Three examples, three outputs: only 9 of 183 eigenvalues are not 0, and few products find them."""
    products_alone(monkeypatch)
    passes, product = [], hessians.Curvature.product
    monkeypatch.setattr(hessians.Curvature, "product", lambda self, v: passes.append(1) or product(self, v))
    net, x = rp.Sequential(rp.Linear(60, 3, rng=0)), numbers(3, 60)
    z = np.c_[x, np.ones(3)]
    expected = np.sort(np.r_[np.repeat(np.linalg.eigvalsh(2 / 9 * z @ z.T), 3), np.zeros(174)])[::-1]
    found = rp.hessian_eigenvalues(net, rp.MSE(), x, np.zeros((3, 3)), k)
    assert_allclose(found, expected[:k], rtol=0, atol=1e-8 * expected[0])
    assert len(passes) < 3 * 183


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6, 1e9])
def test_the_step_is_relative_to_the_parameters_that_move(size):
    line = rp.Sequential(rp.Linear(1, 1, dtype="float64", weight_init=rp.Constant(size)))
    found = rp.hessian_vector_product(line, rp.MSE(), [[3.0]], [[1.0]], [1.0, 0.0])
    assert_allclose(found, [18, 6], rtol=1e-8)


def test_the_random_vector_changes_only_round_off(monkeypatch):
    products_alone(monkeypatch)
    net = classifier()
    found = [rp.hessian_eigenvalues(net, rp.CrossEntropy(), X, Y, 2, rng=rng) for rng in (0, 0, 1)]
    assert_array_equal(found[0], found[1])
    assert_allclose(found[0], found[2], atol=1e-8)


@pytest.mark.parametrize("whole", [True, False])
def test_a_linear_cost_has_eigenvalues_zero(whole, monkeypatch):
    """The cost is linear in the parameters: |Wx + b - y|, away from its kinks."""
    if not whole:
        products_alone(monkeypatch)
    layer = rp.Linear(5, 5, rng=0)
    assert_allclose(rp.hessian_eigenvalues(layer, rp.L1(), numbers(4, 5), np.full((4, 5), 100), 2), [0, 0], atol=1e-9)


def test_the_net_is_left_as_it_was():
    net, loss = NETS["BatchNorm and Dropout"][0](), rp.CrossEntropy()
    net[0].bias.frozen = True
    loss.forward(net.forward(X), Y)
    net.backward(loss.backward())
    net.update()
    twin, before = deepcopy(net), [(module, module.point, module.gradient) for _, module in (*net.named_modules(), ("", loss))]
    n = len(flat(net))
    rp.hessian_vector_product(net, loss, X, Y, np.ones(n))
    rp.hessian_eigenvalues(net, loss, X, Y)
    assert all(module.point is point and module.gradient is gradient for module, point, gradient in before)
    assert net[0].bias.frozen
    assert_array_equal(flat(net, "grad"), flat(twin, "grad"))
    for name, array in net.state_dict().items():
        assert_array_equal(array, twin.state_dict()[name])
    assert_array_equal(net.forward(X), twin.forward(X))


def without_a_gradient():
    class Nan(rp.Linear):
        def update(self):
            super().update()
            self.bias.grad[0] = np.nan

    return rp.Sequential(rp.Linear(3, 5, rng=0), Nan(5, 3, rng=1))


@pytest.mark.parametrize(("error", "text", "changes"), [
    (ArgumentError, "net must be a Module, got <ufunc 'tanh'>", {"net": np.tanh}),
    (ArgumentError, "loss must be a Loss, got Tanh()", {"loss": rp.Tanh()}),
    (ArgumentError, "net must have parameters, got Tanh()", {"net": rp.Tanh()}),
    (ArgumentError, "loss must return one number, got CrossEntropy(reduction='none'), which returns an array of shape (7,)",
     {"loss": rp.CrossEntropy(reduction="none")}),
    (ShapeError, "v must have shape (38,), one number per number in the parameters, got (3,)", {"v": np.ones(3)}),
    (NonFiniteError, "v must be finite", {"v": np.full(38, np.nan)}),
    (NonFiniteError, "the gradient must be finite, got NaN or infinity; diagnose(net, x, y) finds where they begin",
     {"net": without_a_gradient()}),
    (NonFiniteError, "the cost of this batch is inf: it has no derivative", {"loss": rp.MSE(), "y": np.full((7, 3), 1e200)}),
    (DataError, "y must be finite, got 21 NaN or infinite of 21 values, first at (0, 0)",
     {"loss": rp.MSE(), "y": np.full((7, 3), np.nan)}),
    (DataError, "x must be finite, got 21 NaN or infinite of 21 values, first at (0, 0)", {"x": X * np.inf}),
])
def test_a_product_refuses(error, text, changes):
    arguments = {"net": classifier(), "loss": rp.CrossEntropy(), "x": X, "y": Y, "v": np.ones(38)} | changes
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(error, match=f"^{re.escape(text)}$"):
        rp.hessian_vector_product(**arguments)


@pytest.mark.parametrize(("k", "text"), [
    (0, "k must be an integer of at least 1, got 0"),
    (39, "hessian_eigenvalues: k must be at most 38, the number of numbers in the parameters, got 39")])
def test_eigenvalues_refuse(k, text):
    with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
        rp.hessian_eigenvalues(classifier(), rp.CrossEntropy(), X, Y, k)
